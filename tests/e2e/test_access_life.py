"""Parts of roles, more time, and the end by the owner, as a client on the wire notices them."""

from __future__ import annotations

import json
import time

import psycopg
import pytest

from tests.e2e.test_curfew import backends, seconds_until, sleeping_psql, wait_until
from tests.support.gateway import Given, RunningGateway

REASON = "OPS-7: a customer waits"


def given_part(gateway: RunningGateway, *parts: str) -> Given:
    """A grant of a part of the role "support", by the commands that people use."""
    relations = [word for part in parts for word in ("--relation", part)]
    wish = ("--target", "shop", "--role", "support", "--for", "10m", "--reason", REASON)
    asked = json.loads(gateway.pgcurfew("alice", "request", *wish, *relations, "--json").out)
    grant = json.loads(gateway.pgcurfew("rita", "approve", asked["id"], "--json").out)["grant"]
    token = gateway.pgcurfew("alice", "token", grant).out.strip()
    return Given("alice", "shop", asked["id"], grant, token, "")


def test_a_part_of_a_role_shows_that_part_and_refuses_the_rest(gateway: RunningGateway) -> None:
    part = given_part(gateway, "public.customers(id, email)", "public.staff")
    whole = gateway.give()
    with (
        psycopg.connect(gateway.conninfo(part), password=part.token, autocommit=True) as narrow,
        psycopg.connect(gateway.conninfo(whole), password=whole.token, autocommit=True) as wide,
    ):
        sql = "SELECT id, email, full_name FROM customers ORDER BY id LIMIT 1"
        seen, all_of_it = narrow.execute(sql).fetchone(), wide.execute(sql).fetchone()
        assert seen is not None
        assert all_of_it is not None
        assert seen[:2] == all_of_it[:2]
        assert "***@" in seen[1]
        assert (seen[2], all_of_it[2] is None) == (None, False)
        assert narrow.execute("SELECT count(full_name) FROM staff").fetchone() != (0,)
        for refused in (
            "SELECT * FROM sales.orders",
            "SELECT count(*) FROM customer_overview",
            "TABLE support_tickets",
        ):
            with pytest.raises(psycopg.errors.UndefinedTable):
                narrow.execute(refused)  # type: ignore[arg-type]
        assert wide.execute("SELECT count(*) FROM sales.orders").fetchone() != (0,)
        with pytest.raises(psycopg.errors.UndefinedTable):
            narrow.execute("SELECT relname FROM pg_class WHERE oid = 'sales.orders'::regclass")
        # The whole role's verdicts are not those of the part, also for the same text.
        assert narrow.execute(sql).fetchone() == seen
    replayed = gateway.pgcurfew("alice", "sessions", "--json").out
    assert part.grant in replayed


def test_an_open_session_goes_on_when_its_grant_is_extended(gateway: RunningGateway) -> None:
    given = gateway.give(seconds=5)
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
        asked = gateway.pgcurfew("alice", "extend", given.grant, "--for", "4s", "--reason", REASON, "--json")
        request = json.loads(asked.out)
        done = gateway.pgcurfew("rita", "approve", request["reference"])
        assert done.code == 0, done.err
        assert "goes on until" in done.out
        time.sleep(max(0.0, seconds_until(given.ends_at)) + 1.0)
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert any("the grant was extended" in message for message in told)
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT pg_sleep(60)")
    late = -seconds_until(given.ends_at) - 4
    assert -0.5 < late < 2.0  # within a second, on a machine that runs other tests too


def test_done_cuts_off_a_query_in_flight(gateway: RunningGateway) -> None:
    given = gateway.give()
    psql = sleeping_psql(gateway, given)
    assert gateway.pgcurfew("alice", "done", given.grant).code == 0
    said, _ = psql.communicate(timeout=10)
    assert "57P01" in said
    assert "was handed back by alice" in said
    wait_until("no backend is left", lambda: backends(gateway) == 0, 1.0)
    assert gateway.pgcurfew("alice", "token", given.grant).code == 1


def test_what_would_be_seen_is_shown_before_it_is_sent(gateway: RunningGateway) -> None:
    wish = ("request", "--target", "shop", "--role", "support", "--relation", "public.customers")
    shown = gateway.pgcurfew("alice", *wish, "--dry-run")
    assert shown.code == 0, shown.err
    assert "email (partial)" in shown.out
    assert "sales.orders" not in shown.out
    assert "no pending requests" in gateway.pgcurfew("alice", "requests").out
    wrong = gateway.pgcurfew("alice", *wish[:-1], "public.custmers", "--dry-run")
    assert wrong.code == 1
    assert 'did you mean "public.customers"' in wrong.err


def test_what_was_edited_is_looked_at_again(gateway: RunningGateway) -> None:
    wish = ("--target", "shop", "--role", "support", "--for", "10m", "--reason", REASON)
    asked = json.loads(gateway.pgcurfew("alice", "request", *wish, "--json").out)
    edited = gateway.pgcurfew("alice", "edit", asked["id"], "--for", "2h")
    assert edited.code == 0, edited.err
    stale = gateway.pgcurfew("rita", "approve", asked["id"])
    assert stale.code == 1
    assert f"approve {asked['id']}.2" in stale.err
    assert f"{asked['id']}.2" in gateway.pgcurfew("rita", "requests").out
    less = gateway.pgcurfew("rita", "approve", f"{asked['id']}.2", "--for", "1m", "--json")
    grant = json.loads(less.out)["grant"]
    held = json.loads(gateway.pgcurfew("alice", "grants", "--json").out)
    [one] = [found for found in held if found["id"] == grant]
    assert 0 < seconds_until(one["ends_at"]) <= 60
    assert gateway.pgcurfew("rita", "revoke", grant, "--reason", "only a test").code == 0
