"""To its clients the gateway is PostgreSQL: psql's commands, drivers, pgbench."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.demo.binaries import find_pgbench
from gateway.demo.process import clean_environment
from gateway.demo.stage import Outcome, client_environment, run
from tests.support.gateway import Given, RunningGateway


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def psql(gateway: RunningGateway, given: Given, text: str) -> Outcome:
    """The psql of the server's own version: its commands ask what this server has."""
    command = gateway.stage.psql_command(given.person, database=given.target)
    command[0] = str(gateway.database.postgres.cluster.binaries.bin / "psql")
    return run(command, client_environment(given.token), input=text)


BACKSLASH = {
    r"\d": "customers",
    r"\d customers": "email",
    r"\d+ customers": "customers_pkey",
    r"\dt": "customers",
    r"\dt *.*": "sales",
    r"\dv": "customer_overview",
    r"\di": "customers_pkey",
    r"\ds": "customers_id_seq",
    r"\dn": "sales",
    r"\dT": "customer_segment",
    r"\df": "List of functions",
    r"\du": "List of roles",
    r"\l": "shop",
    r"\dp customers": "customers",
    r"\d sales.payments": "Partition key",
    r"\d+ customer_overview": "View",
    r"\conninfo": "alice",
    r"\encoding": "UTF8",
    r"\echo :USER :DBNAME": "alice shop",
}


@pytest.mark.parametrize("command", BACKSLASH)
def test_psqls_own_commands_work(gateway: RunningGateway, given: Given, command: str) -> None:
    done = psql(gateway, given, command)
    assert done.err == ""
    assert BACKSLASH[command] in done.out


def test_copy_to_a_file_of_the_clients(gateway: RunningGateway, given: Given, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    done = psql(gateway, given, rf"\copy customers (id, email, city) to '{file}' csv header")
    assert done.err == ""
    lines = file.read_text().splitlines()
    assert lines[0] == "id,email,city"
    assert len(lines) == 1 + int(gateway.directly("SELECT count(*) FROM public.customers"))


def test_watch_repeats(gateway: RunningGateway, given: Given) -> None:
    if gateway.database.postgres.version < 16:
        pytest.skip(r"\watch counts since psql 16")
    done = psql(gateway, given, "SELECT 'tick' AS t \\watch i=0.1 c=3\n")
    assert done.out.count("tick") == 3


def test_transactions_and_their_prompt(gateway: RunningGateway, given: Given) -> None:
    done = psql(gateway, given, "BEGIN; SELECT 1 AS one; SAVEPOINT a; SELEC; ROLLBACK TO a; SELECT 2 AS two; COMMIT;")
    assert "BEGIN" in done.out
    assert "syntax error" in done.err
    assert "COMMIT" in done.out


def test_errors_point_at_their_place(gateway: RunningGateway, given: Given) -> None:
    done = psql(gateway, given, "SELECT email, nosuch, id FROM customers;")
    lines = done.err.splitlines()
    line = next(index for index, text in enumerate(lines) if text.startswith("LINE 1:"))
    assert lines[line][lines[line + 1].index("^") :].startswith("nosuch")


def test_gset_and_gdesc(gateway: RunningGateway, given: Given) -> None:
    done = psql(gateway, given, "SELECT 7 AS seven \\gset\n\\echo :seven\nSELECT email, id FROM customers \\gdesc\n")
    assert done.err == ""
    assert "7" in done.out.splitlines()[0]
    assert "bigint" in done.out


def test_bind(gateway: RunningGateway, given: Given) -> None:
    if gateway.database.postgres.version < 16:
        pytest.skip(r"\bind came with psql 16")
    done = psql(gateway, given, "SELECT $1::int + 1 AS sum \\bind 41 \\g\n")
    assert done.err == ""
    assert "42" in done.out


def test_tab_completion_knows_the_tables(gateway: RunningGateway, given: Given) -> None:
    """An interactive psql on a terminal: SELECT * FROM cust<TAB><TAB>."""
    main, side = pty.openpty()
    environment = {**clean_environment(client_environment(given.token)), "TERM": "xterm"}
    psql = subprocess.Popen(
        gateway.stage.psql_command(given.person), stdin=side, stdout=side, stderr=side, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(side)

    def until(words: str, seconds: float = 10.0) -> str:
        said, deadline = "", time.monotonic() + seconds
        while words not in said:
            assert time.monotonic() < deadline, said
            if select.select([main], [], [], 0.1)[0]:
                said += os.read(main, 4096).decode(errors="replace")
        return said

    try:
        until("shop=> ")
        os.write(main, b"SELECT * FROM public.customer_o\t")
        until("verview ")
        os.write(main, b"\x15\\q\n")  # Ctrl-U: away with the line
        assert psql.wait(10) == 0
    finally:
        psql.kill()
        psql.wait()
        os.close(main)


async def test_asyncpg(gateway: RunningGateway, given: Given) -> None:
    connection = await gateway.connect(given)
    assert await connection.fetchval("SELECT $1::int + 1", 41) == 42
    assert len(await connection.fetch("SELECT id FROM customers WHERE city = ANY($1::text[])", ["Milan"])) >= 0
    async with connection.transaction():
        numbers = [row["id"] async for row in connection.cursor("SELECT id FROM customers ORDER BY id LIMIT 30")]
    assert len(numbers) == 30
    rows: list[Any] = []

    async def taken(data: bytes) -> None:
        rows.append(data)

    await connection.copy_from_query("SELECT id FROM customers ORDER BY id LIMIT 3", output=taken)
    assert b"".join(rows) == b"1\n2\n3\n"
    await connection.reset()
    assert await connection.fetchval("SELECT 1") == 1
    with pytest.raises(asyncio.TimeoutError):
        await connection.fetchval("SELECT pg_sleep(10)", timeout=0.3)
    assert await connection.fetchval("SELECT 2") == 2
    await connection.close()


async def test_asyncpgs_pool(gateway: RunningGateway, given: Given) -> None:
    import asyncpg

    async with asyncpg.create_pool(
        host="localhost", port=gateway.port, user=given.person, password=given.token, database=given.target,
        ssl=gateway.tls, min_size=2, max_size=3,
    ) as pool:  # fmt: skip
        for number in range(10):
            async with pool.acquire() as connection:
                assert await connection.fetchval("SELECT $1::int", number) == number


def test_psycopg(gateway: RunningGateway, given: Given) -> None:
    with psycopg.connect(gateway.conninfo(given), password=given.token) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            assert cursor.execute("SELECT %s::int + 1", (41,)).fetchone() == (42,)
        with connection.cursor("server_side") as cursor:
            cursor.execute("SELECT id FROM customers ORDER BY id")
            assert cursor.fetchmany(2) == [(1,), (2,)]
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int", (n,)) for n in range(20)]
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(20)]
        for _ in range(8):  # prepared by the fifth
            assert connection.execute("SELECT id FROM customers WHERE id = %s", (3,)).fetchone() == (3,)
        connection.rollback()


def test_psycopg_writes_where_it_may(gateway: RunningGateway) -> None:
    given = gateway.give("bench", target="bench")
    with psycopg.connect(gateway.conninfo(given), password=given.token) as connection:
        with connection.cursor().copy("COPY pgbench_history (tid, bid, aid, delta) FROM STDIN") as copy:
            for number in range(1000):
                copy.write_row((1, 1, number, -12345))
        assert connection.execute("SELECT count(*) FROM pgbench_history WHERE delta = -12345").fetchone() == (1000,)
        connection.rollback()
        copying = connection.cursor().copy("COPY pgbench_history (tid, bid, aid, delta) FROM STDIN")
        with pytest.raises(RuntimeError, match="changes its mind"), copying as copy:  # noqa: PT012
            copy.write_row((1, 1, 1, 1))
            raise RuntimeError("the client changes its mind")
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM pgbench_history WHERE delta = -12345").fetchone() == (0,)


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(gateway: RunningGateway, mode: str) -> None:
    given = gateway.give("bench", target="bench")
    done = subprocess.run(
        [str(find_pgbench()), "-n", "-M", mode, "-c", "4", "-j", "2", "-t", "50", gateway.conninfo(given)],
        env=clean_environment(client_environment(given.token)), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 200/200" in done.stdout
    assert "number of failed transactions" not in done.stdout or "failed transactions: 0" in done.stdout
