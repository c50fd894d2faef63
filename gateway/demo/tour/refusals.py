"""Chapter: what the role may not run is refused, with the rule and a hint, and the session lives on."""

from __future__ import annotations

from typing import Any

import asyncpg

from gateway.demo.tour.cast import Cast

#: (what it is, what is typed)
FORBIDDEN = (
    ("DELETE", "DELETE FROM customers WHERE id = 1;"),
    ("UPDATE of everything", "UPDATE customers SET newsletter = true;"),
    ("DDL", "DROP TABLE customers;"),
    ("an anonymous block", "DO $$ BEGIN RAISE NOTICE 'hello'; END $$;"),
    ("a program", "COPY customers TO PROGRAM 'cat > /tmp/customers';"),
    ("another role", "SET ROLE postgres;"),
    ("one hidden among allowed ones", "SELECT 1\\; DELETE FROM orders\\; SELECT 2;"),
    ("a function that is not on the safe list", "SELECT pg_read_file('/etc/passwd');"),
)


def play(cast: Cast) -> None:
    """Each is refused with 42501 (42P01 for what is out of sight), and the next statement works."""
    tell = cast.narrator
    tell.chapter(5, "Refused", "What the role may not run never reaches the database.")
    before = cast.directly("SELECT count(*) FROM customers")
    for what, sql in FORBIDDEN:
        done = cast.psql(f"\\set VERBOSITY verbose\n{sql}\nSELECT 'alive' AS session;")
        tell.scene("alice", sql, done.err)
        refused = "ERROR:  42501:" in done.err and "Rule:" in done.err and "HINT:" in done.err
        tell.check(refused, f"{what}: refused, with the rule and a hint", done.text)
        tell.check("alive" in done.out, f"{what}: the session lives on", done.text)
    tell.check(cast.directly("SELECT count(*) FROM customers") == before, "and nothing has changed in the database")
    _out_of_sight(cast)
    _in_a_transaction(cast)
    _with_a_driver(cast)


def _out_of_sight(cast: Cast) -> None:
    """What a role does not list looks exactly like what does not exist."""
    for hidden in ("pg_authid", "sales.payments_other"):
        done = cast.psql(f"\\set VERBOSITY verbose\nSELECT * FROM {hidden};")
        cast.narrator.check("ERROR:  42P01:" in done.err, f"{hidden} is out of sight: 42P01", done.text)


def _in_a_transaction(cast: Cast) -> None:
    done = cast.show(
        "BEGIN;\nSELECT 1 AS first;\nDELETE FROM orders;\nSELECT 2 AS second;\nROLLBACK;\nSELECT 3 AS third;"
    )
    cast.narrator.check(
        "first" in done.text and "second" not in done.text and "aborted" in done.text and "third" in done.text,
        "inside a transaction it aborts the transaction, as any error does", done.text,
    )  # fmt: skip


def _with_a_driver(cast: Cast) -> None:
    async def work(connection: Any) -> tuple[str, str]:
        try:
            await connection.fetch("DELETE FROM sales.orders WHERE id = $1", 1)
        except asyncpg.PostgresError as error:
            return str(error.sqlstate), str(await connection.fetchval("SELECT 'alive'"))
        return "none", ""

    code, after = cast.asyncpg(work)
    cast.narrator.check(code == "42501" and after == "alive", "asyncpg gets SQLSTATE 42501 and goes on", code)
