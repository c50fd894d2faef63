"""Drivers that say READ WRITE of themselves work for a role that only reads, and it goes on only reading."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from tests.support.gateway import Given, RunningGateway


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def test_psycopg_with_read_only_false(gateway: RunningGateway, given: Given) -> None:
    with psycopg.connect(gateway.conninfo(given), password=given.token) as connection:
        connection.read_only = False
        assert connection.execute("SELECT count(*) > 0 FROM orders").fetchone() == (True,)
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DELETE FROM orders WHERE id = 1")


def test_what_jdbc_and_its_pools_send(gateway: RunningGateway, given: Given) -> None:
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        done = connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        assert done.statusmessage == "SET"
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        connection.execute("SET default_transaction_read_only = off")
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


def test_psql(gateway: RunningGateway, given: Given) -> None:
    done = gateway.psql(
        given, "BEGIN READ WRITE;\nSET TRANSACTION READ WRITE;\nSHOW transaction_read_only;\nCOMMIT;\n", "-At"
    )
    assert done.out.split() == ["BEGIN", "SET", "on", "COMMIT"]


def test_read_write_asked_for_at_the_start(gateway: RunningGateway, given: Given) -> None:
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(gateway.conninfo(given), password=given.token, options=options) as connection:
        assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)


def test_a_role_that_writes_may_tie_and_untie_its_hands(gateway: RunningGateway) -> None:
    given = gateway.give("bench", target="bench")
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        for value, shown in (("on", "on"), ("off", "off")):
            connection.execute(f"SET default_transaction_read_only = {value}".encode())
            assert connection.execute("SHOW transaction_read_only").fetchone() == (shown,)
