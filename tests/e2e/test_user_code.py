"""Triggers and policies of the database's owner see raw values; what they say of them stays in the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

TELLING = """
CREATE FUNCTION sales.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'goes to %', OLD;
    IF NEW.status = 'returned' THEN RAISE EXCEPTION 'went to %', OLD USING HINT = OLD::text, COLUMN = OLD::text; END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION sales.tell_later() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'went to %', OLD; END $$;
CREATE TRIGGER tells BEFORE UPDATE ON sales.orders FOR EACH ROW EXECUTE FUNCTION sales.tell();
CREATE CONSTRAINT TRIGGER tells_later AFTER UPDATE ON sales.orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION sales.tell_later();
CREATE FUNCTION public.overhear(bigint, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'noted: %', $2;
    IF $1 = 2 THEN RAISE EXCEPTION 'noted: %', $2; END IF;
    RETURN true;
END $$;
ALTER TABLE public.support_tickets ENABLE ROW LEVEL SECURITY;
CREATE POLICY overhearing ON public.support_tickets USING (public.overhear(id, notes))
"""
QUIET = """
DROP POLICY overhearing ON public.support_tickets;
ALTER TABLE public.support_tickets DISABLE ROW LEVEL SECURITY;
DROP FUNCTION public.overhear(bigint, text);
DROP TRIGGER tells ON sales.orders;
DROP TRIGGER tells_later ON sales.orders;
DROP FUNCTION sales.tell();
DROP FUNCTION sales.tell_later()
"""


#: The same role, and one that hears the owner's code out.
POLICY = """
[roles.listener]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "update"]
messages = "full"

[roles.listener.relations]
"sales.orders" = { read = "*", write = ["status"] }
"""


@pytest.fixture(scope="module")
def telling(gateway: RunningGateway) -> Iterator[RunningGateway]:
    gateway.directly(TELLING)
    yield gateway
    gateway.directly(QUIET)


@contextmanager
def connected(gateway: RunningGateway, role: str) -> Iterator[tuple[psycopg.Connection[Any], list[str]]]:
    given = gateway.give(role)
    heard: list[str] = []
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
        yield connection, heard


def told(error: psycopg.Error) -> tuple[str | None, str | None]:
    """What an error says, when that is nothing but that it is withheld."""
    diag = error.diag
    others = (diag.message_detail, diag.context, diag.column_name, diag.source_function, diag.internal_query)
    assert not any(others)
    assert diag.message_primary is not None
    assert "withheld" in diag.message_primary
    return diag.sqlstate, diag.message_hint


def test_a_triggers_notice_and_exception_quote_no_row(telling: RunningGateway) -> None:
    with connected(telling, "operations") as (connection, heard):
        connection.execute("BEGIN")
        assert connection.execute("UPDATE sales.orders SET status = 'paid' WHERE id = 1").rowcount == 1
        assert not heard
        with pytest.raises(psycopg.errors.RaiseException) as raised:
            connection.execute("UPDATE sales.orders SET status = 'returned' WHERE id = 1")
        sqlstate, hint = told(raised.value)
        assert sqlstate == "P0001"
        assert hint is not None
        assert 'messages = "full"' in hint
        connection.execute("ROLLBACK")
        assert not heard


def test_a_deferred_triggers_exception_quotes_no_row(telling: RunningGateway) -> None:
    update = "UPDATE sales.orders SET status = 'paid' WHERE id = %s"
    with connected(telling, "operations") as (connection, heard):
        with pytest.raises(psycopg.errors.RaiseException) as at_sync:
            connection.execute(update, (1,))
        told(at_sync.value)
        connection.execute("BEGIN")
        connection.execute(update, (1,))
        with pytest.raises(psycopg.errors.RaiseException) as at_commit:
            connection.execute("COMMIT")
        told(at_commit.value)
        assert not heard


@pytest.mark.parametrize("ask", ["SELECT id FROM support_tickets WHERE id < 5", "SELECT count(*) FROM support_tickets"])
def test_a_policy_that_is_new_tells_nothing(telling: RunningGateway, ask: str) -> None:
    """The snapshot of an open session may be older than the policy."""
    with connected(telling, "support") as (connection, heard):
        with pytest.raises(psycopg.errors.RaiseException) as raised:
            connection.execute(ask)
        told(raised.value)
        assert connection.execute("SELECT id FROM support_tickets WHERE id = 1").fetchall() == [(1,)]
        assert not heard


def test_what_is_wrong_with_a_statement_is_still_said(telling: RunningGateway) -> None:
    said = {
        "SELECT 'one'::int": 'invalid input syntax for type integer: "one"',
        "SELECT city::int FROM customers": "invalid input syntax for type integer",
        "SELECT 1 / (id - id) FROM customer_overview": "division by zero",
        "SELECT nothing FROM customer_overview": 'column "nothing" does not exist',
        "SELECT id FROM support_tickets WHERE id = 'x'": 'invalid input syntax for type bigint: "x"',
    }
    with connected(telling, "support") as (connection, _):
        for sql, words in said.items():
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(sql)
            assert words in str(raised.value)
    with connected(telling, "operations") as (connection, _):
        with pytest.raises(psycopg.Error, match='invalid input value for enum order_status: "gone"'):
            connection.execute("UPDATE sales.orders SET status = 'gone' WHERE id = 1")
        with pytest.raises(psycopg.Error, match='null value in column "status"'):
            connection.execute("UPDATE sales.orders SET status = NULL WHERE id = 1")


def test_a_role_with_full_messages_hears_them(
    telling: RunningGateway, sample_database: SampleDatabase, tmp_path: Path
) -> None:
    with (
        running_gateway(sample_database, tmp_path, policy=POLICY) as gateway,
        connected(gateway, "listener") as (connection, heard),
    ):
        connection.execute("BEGIN")
        connection.execute("UPDATE sales.orders SET status = 'paid' WHERE id = 1")
        assert any(words.startswith("goes to (1,") for words in heard)
        with pytest.raises(psycopg.errors.RaiseException, match=r"went to \(1,"):
            connection.execute("UPDATE sales.orders SET status = 'returned' WHERE id = 1")
        connection.execute("ROLLBACK")
