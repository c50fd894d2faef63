"""Support finds a customer by an e-mail address and sees it masked; a guesser is stopped; the record tells of both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from urllib.request import urlopen

import asyncpg
import psycopg
import pytest

from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

ROLE = """
[roles.NAME]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read"]
relations = { "public.customers" = "read" }
"""
POLICY = ROLE.replace("NAME", "finder") + "\n".join(
    [
        ROLE.replace("NAME", "guesser") + "limits = { lookups = 3 }",
        ROLE.replace("NAME", "nobody") + "limits.lookups = 0",
    ]
)
BY_EMAIL = "SELECT id, email FROM customers WHERE email = "


@pytest.fixture(scope="module")
def finding(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(sample_database, tmp_path_factory.mktemp("lookups"), policy=POLICY) as found:
        text = found.stage.policy.read_text()
        head, classified, tail = text.partition('[classification."public.customers"]')
        masked = 'email = { mask = "partial", style = "email"'
        assert masked in tail
        found.stop()
        found.stage.policy.write_text(head + classified + tail.replace(masked, masked + ", lookup = true", 1))
        found.start()
        yield found


@pytest.fixture(scope="module")
def raw(finding: RunningGateway) -> str:
    return finding.directly("SELECT email FROM customers WHERE id = 7")


def masked(address: str) -> str:
    """As mask partial shows it: first letter and domain."""
    return address[0] + "***" + address[address.index("@") :]


def test_psql_finds_the_customer_and_shows_the_address_masked(finding: RunningGateway, raw: str) -> None:
    done = finding.psql(finding.give("finder"), f"{BY_EMAIL}'{raw}';", "-At")
    assert done.code == 0, done.text
    assert done.out.split() == [f"7|{masked(raw)}"]
    assert raw not in done.text


async def test_drivers_find_the_customer_by_a_parameter(finding: RunningGateway, raw: str) -> None:
    given = finding.give("finder")
    session = await finding.connect(given)
    try:
        for address in (raw, raw, "nobody@x.example"):
            rows = await session.fetch(f"{BY_EMAIL}$1 AND id > $2", address, 0)
            assert [tuple(row) for row in rows] == ([(7, masked(raw))] if address == raw else [])
        for no_lookup in ("lower(email) = $1", "email LIKE $1", "NOT email <> $1", "email = ANY (ARRAY[$1])"):
            assert await session.fetch(f"SELECT id FROM customers WHERE {no_lookup}", raw) == []
    finally:
        await session.close()
    with psycopg.connect(finding.conninfo(given), password=given.token) as connection:
        assert connection.execute(f"{BY_EMAIL}%s", (raw,)).fetchall() == [(7, masked(raw))]
        with connection.cursor("held") as cursor:
            cursor.execute(f"{BY_EMAIL}%s", (raw,))
            assert cursor.fetchall() == [(7, masked(raw))]


async def test_a_guesser_is_stopped_in_every_session_of_the_grant(finding: RunningGateway, raw: str) -> None:
    given = finding.give("guesser")
    first = await finding.connect(given)
    assert await first.fetchval(f"SELECT id FROM ({BY_EMAIL}$1) x", raw) == 7
    assert await first.fetchval(f"{BY_EMAIL}$1", "nobody@x.example") is None
    await first.close()
    second = await finding.connect(given)
    try:
        with pytest.raises(asyncpg.ProgramLimitExceededError, match="2 are used, 2 are asked for") as told:
            await second.fetch(f"{BY_EMAIL}$1 UNION ALL {BY_EMAIL}$2", raw, "b@x.example")
        assert "new request" in told.value.hint
        await second.execute(f"{BY_EMAIL}'{raw}'")
        with pytest.raises(asyncpg.ProgramLimitExceededError, match="3 are used"):
            await second.execute(f"{BY_EMAIL}'{raw}'")
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await second.execute(f"SELECT 1; {BY_EMAIL}'{raw}'")
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await second.fetch(f"EXPLAIN ANALYZE {BY_EMAIL}'{raw}'")
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await second.fetch(f"{BY_EMAIL}$1", raw)
        assert await second.fetchval("SELECT count(*) FROM customers WHERE id = 7") == 1
    finally:
        await second.close()


def test_many_values_in_one_pipeline_are_counted(finding: RunningGateway, raw: str) -> None:
    given = finding.give("guesser")
    with psycopg.connect(finding.conninfo(given), password=given.token, autocommit=True) as connection:
        cursors = [connection.cursor() for _ in range(8)]
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            _all_at_once(connection, cursors, raw)
    with (
        psycopg.connect(finding.conninfo(given), password=given.token) as later,
        pytest.raises(psycopg.errors.ProgramLimitExceeded, match="3 are used"),
    ):
        later.execute(f"{BY_EMAIL}%s", (raw,))


def _all_at_once(connection: psycopg.Connection, cursors: list[psycopg.Cursor], address: str) -> None:
    with connection.pipeline():
        for cursor in cursors:
            cursor.execute(f"{BY_EMAIL}%s", (address,), prepare=True)


def test_a_role_without_lookups_is_told_so(finding: RunningGateway, raw: str) -> None:
    done = finding.psql(finding.give("nobody"), f"{BY_EMAIL}'{raw}';", "-At")
    assert "may look up 0 values" in done.text


async def test_what_the_protocol_prepared_is_not_run_uncounted_by_sql(finding: RunningGateway, raw: str) -> None:
    given = finding.give("guesser")
    session = await finding.connect(given)
    try:
        prepared = await session.prepare(f"{BY_EMAIL}$1", name="mine")
        for sql in (f"EXECUTE mine('{raw}')", f"EXPLAIN ANALYZE EXECUTE mine('{raw}')"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="SQL's EXECUTE"):
                await session.fetch(sql)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="SQL's EXECUTE"):
                await session.execute(sql)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="PREPARE"):
            await session.execute(f"PREPARE yours AS {BY_EMAIL}$1")
        assert await prepared.fetchval(raw) == 7
    finally:
        await session.close()


def test_the_record_and_the_metrics_tell_of_lookups(finding: RunningGateway, raw: str) -> None:
    def counted() -> float:
        with urlopen(f"http://127.0.0.1:{finding.stage.ports.metrics}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("pgcurfew_lookups_total")))

    before = counted()
    given = finding.give("finder")
    assert finding.psql(given, f"{BY_EMAIL}'{raw}';\nSELECT id FROM customers WHERE id = 7;").code == 0
    assert counted() == before + 1
    time.sleep(0.3)
    settings = ("--config", str(finding.stage.settings))
    listed = json.loads(finding.pgcurfew(None, "sessions", "--json", *settings).out)
    session = next(each["session"] for each in listed if each["grant"] == given.grant)
    shown = finding.pgcurfew(None, "replay", session, *settings).out
    assert shown.count("looked up by") == 1
    assert raw not in shown, "constants are sealed"


def test_explain_tells_of_lookups(finding: RunningGateway) -> None:
    settings = ("--config", str(finding.stage.settings))
    sql = f"{BY_EMAIL}'a@b.example'"
    said = finding.pgcurfew(None, "policy", "explain", "finder", sql, *settings).text
    assert "looks up public.customers.email by one raw value" in said
    assert (
        finding.pgcurfew(None, "policy", "explain", "support", "SELECT 1 FROM staff", *settings).text.count("looks")
        == 0
    )
