"""Chapter: psql, asyncpg and pgbench work as if there were no gateway."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.demo.binaries import find_pgbench
from gateway.demo.process import clean_environment
from gateway.demo.stage import client_environment
from gateway.demo.terminal import Terminal
from gateway.demo.tour.cast import Cast


def play(cast: Cast) -> None:
    """Day-to-day work: describing, querying, transactions, \\copy, errors, Ctrl-C, drivers, pgbench."""
    cast.narrator.chapter(
        2,
        "Working",
        "Her own psql, over verified TLS, with the token as the password. To psql the gateway is PostgreSQL.",
    )
    _psql(cast)
    _prompt(cast)
    _interrupt(cast)
    _asyncpg(cast)
    _pgbench(cast)


def _psql(cast: Cast) -> None:
    tell = cast.narrator
    done = cast.show("\\dt")
    tell.check("customers" in done.text and "staff" in done.text, "\\dt lists the tables", done.text)
    done = cast.show("\\d customers")
    tell.check("card_number" in done.text and "Indexes" in done.text, "\\d describes one", done.text)
    done = cast.psql("\\d+ customers")
    tell.check("one-click" in done.out and not done.err, "\\d+ says more about it", done.text)
    done = cast.show("SELECT status, count(*), sum(total) FROM orders GROUP BY status ORDER BY 2 DESC;")
    tell.check("delivered" in done.text and done.code == 0, "a report over all orders", done.text)
    done = cast.show("BEGIN;\nSAVEPOINT here;\nSELECT 1/0;\nROLLBACK TO here;\nSELECT 'still here' AS after;\nCOMMIT;")
    tell.check(
        "division by zero" in done.text and "still here" in done.text and "COMMIT" in done.text,
        "transactions and savepoints behave", done.text,
    )  # fmt: skip
    done = cast.show("SELECT id, emial FROM customers;")
    tell.check(
        "LINE 1" in done.text and "emial" in done.text and "^" in done.text, "an error points at its place", done.text
    )
    with tempfile.TemporaryDirectory(prefix="pgcurfew-copy-") as folder:
        file = Path(folder) / "orders.csv"
        done = cast.show(f"\\copy (SELECT id, status, total FROM orders WHERE id <= 1000) TO '{file}' CSV")  # noqa: S608
        lines = len(file.read_text().splitlines()) if file.exists() else 0
        tell.check(lines == 1000 and "COPY 1000" in done.text, "\\copy writes a file", done.text)


def _prompt(cast: Cast) -> None:
    tell = cast.narrator
    command = cast.stage.psql_command("alice", "-v", "PROMPT1=%/%R%x%# ")
    with Terminal(command, clean_environment(client_environment(cast.support.token))) as terminal:
        screen = terminal.wait_for("shop=> ")
        tell.check("SSL" in screen or "shop=> " in screen, "an interactive psql shows its prompt", screen)
        terminal.type("SELECT count(*) FROM sta\t")
        completed = terminal.wait_for("staff")
        tell.check("staff" in completed, "the tab key completes a table's name", completed)
        terminal.type(";\n")
        screen += completed + terminal.wait_for("shop=> ")
        terminal.type("BEGIN;\n")
        screen += terminal.wait_for("shop=*> ")
        tell.check(screen.endswith("shop=*> "), "the prompt knows that a transaction is open", screen)
        terminal.type("ROLLBACK;\n")
        screen += terminal.wait_for("shop=> ")
        terminal.type("SELECT count(*) AS orders_now FROM orders \\watch 0.3\n")
        watched = terminal.wait_for("orders_now", times=4)
        terminal.interrupt()
        watched += terminal.wait_for("shop=> ")
        tell.check(watched.count("orders_now") >= 4, "\\watch runs it again and again", watched)
        tell.scene("alice", "psql, by hand", screen + watched)


def _interrupt(cast: Cast) -> None:
    psql = cast.start_psql(cast.support, "-c", "SELECT pg_sleep(60)")
    _wait_until_busy(cast)
    began = time.monotonic()
    psql.send_signal(signal.SIGINT)
    try:
        said, _ = psql.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        psql.kill()
        said, _ = psql.communicate()
    seconds = time.monotonic() - began
    cast.narrator.scene("alice", "SELECT pg_sleep(60);  -- and Ctrl-C", said)
    cast.narrator.check(
        seconds < 5 and "canceling statement" in said, f"Ctrl-C cancels the query ({seconds * 1000:.0f} ms)", said
    )


def _wait_until_busy(cast: Cast) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
        "AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and cast.directly(query) == "0":
        time.sleep(0.05)


def _asyncpg(cast: Cast) -> None:
    async def work(connection: Any) -> tuple[int, list[Any]]:
        statement = await connection.prepare("SELECT count(*) FROM sales.orders WHERE customer_id = $1")
        counts = [await statement.fetchval(customer) for customer in range(1, 51)]
        async with connection.transaction():
            cursor = await connection.fetch("SELECT id, tags FROM support_tickets ORDER BY id LIMIT 3")
        return sum(counts), cursor

    total, rows = cast.asyncpg(work)
    truth = int(cast.directly("SELECT count(*) FROM sales.orders WHERE customer_id <= 50"))
    cast.narrator.check(total == truth and len(rows) == 3, "asyncpg: a prepared statement, 50 times, counts right")


def _pgbench(cast: Cast) -> None:
    tell = cast.narrator
    given = cast.give("bench", target="bench", seconds=600, reason="measure what the gateway costs")
    for mode in ("simple", "extended", "prepared"):
        command = [str(find_pgbench()), "-n", "-M", mode, "-c", "2", "-t", "50", cast.stage.conninfo("alice", "bench")]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60,
            env=clean_environment(client_environment(given.token)),
        )  # fmt: skip
        tps = next((line for line in done.stdout.splitlines() if line.startswith("tps")), done.stderr)
        tell.check(
            done.returncode == 0 and "100/100" in done.stdout, f"pgbench -M {mode}: {tps}", done.stdout + done.stderr
        )
