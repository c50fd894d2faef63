"""SET search_path over schemas of the target's own path is honoured, and SHOW tells what was set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.support.gateway import Given, RunningGateway


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


@pytest.fixture
def connection(gateway: RunningGateway, given: Given) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(gateway.conninfo(given), password=given.token) as opened:
        yield opened


def path(connection: psycopg.Connection[Any]) -> str:
    found = connection.execute("SHOW search_path").fetchone()
    assert found is not None
    return str(found[0]).replace('"', "")


def test_a_path_of_its_own_holds_until_it_is_reset(connection: psycopg.Connection[Any]) -> None:
    connection.autocommit = True
    assert connection.execute("SET search_path TO sales, public").statusmessage == "SET"
    assert path(connection) == "sales, public, pg_temp"
    found = connection.execute("SELECT current_schema(), current_schemas(false)").fetchone()
    assert found == ("sales", ["sales", "public"])
    assert connection.execute("SELECT email LIKE '%***@%' FROM customers LIMIT 1").fetchone() == (True,)
    connection.execute('SET search_path = "$user", public')
    assert path(connection) == "public, pg_temp"
    connection.execute("RESET search_path")
    assert path(connection) == "public, sales, pg_temp"


def test_it_ends_with_its_transaction(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET search_path TO sales")
    assert path(connection) == "sales, pg_temp"
    connection.rollback()
    assert path(connection) == "public, sales, pg_temp"
    connection.execute("SET LOCAL search_path TO sales")
    connection.execute("SELECT set_config('search_path', 'public', true)")
    assert path(connection) == "public, pg_temp"
    connection.commit()
    assert path(connection) == "public, sales, pg_temp"


def test_psql_lists_what_the_path_shows(gateway: RunningGateway, given: Given) -> None:
    everything = gateway.psql(given, "\\dt\n", "-At").out.splitlines()
    done = gateway.psql(given, "SET search_path TO sales;\n\\dt\n", "-Atq").out.splitlines()
    assert done == [line for line in everything if line.startswith("sales|")]
    assert {line.split("|")[0] for line in everything} == {"public", "sales"}


@pytest.mark.parametrize("start", ["options", "twice"])
def test_a_session_that_begins_with_a_path_comes_back_to_it(gateway: RunningGateway, given: Given, start: str) -> None:
    options = "-c search_path=sales" if start == "options" else "-c search_path=public --search-path=sales"
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True, options=options) as connection:
        assert path(connection) == "sales, pg_temp"
        connection.execute("SET search_path TO public")
        connection.execute("DISCARD ALL")
        assert path(connection) == "sales, pg_temp"


async def test_a_path_in_the_startup_packet(gateway: RunningGateway, given: Given) -> None:
    """JDBC's currentSchema."""
    connection = await gateway.connect(given, server_settings={"search_path": '"sales","public"'})
    try:
        assert (await connection.fetchval("SHOW search_path")).replace('"', "") == "sales, public, pg_temp"
    finally:
        await connection.close()


@pytest.mark.parametrize("wished", ["vault", "nosuch", "pg_toast", "information_schema, public", "'public, sales'"])
def test_another_path_is_refused_with_what_is_possible(connection: psycopg.Connection[Any], wished: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege) as caught:
        connection.execute(f"SET search_path = {wished}".encode())
    assert '"public", "sales"' in (caught.value.diag.message_hint or "")
    connection.rollback()
    assert path(connection) == "public, sales, pg_temp"
