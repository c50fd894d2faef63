"""When the grant ends, so does the session: within a second, in the middle of a query, with nothing left behind."""

from __future__ import annotations

import asyncio
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from gateway.demo.process import clean_environment
from gateway.demo.stage import client_environment
from protocol.backend import DataRow, ErrorResponse
from protocol.frontend import Query, Terminate
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, encrypted


def backends(gateway: RunningGateway, person: str = "alice") -> int:
    sql = f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgcurfew/ses_%/{person}'"
    return int(gateway.directly(sql))


def sleepers(gateway: RunningGateway) -> int:
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%'"
        " AND application_name LIKE 'pgcurfew/%'"
    )
    return int(gateway.directly(sql))


def wait_until(what: str, condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def sleeping_psql(gateway: RunningGateway, given: Given) -> subprocess.Popen[str]:
    command = gateway.stage.psql_command(given.person, "-v", "VERBOSITY=verbose", "-c", "SELECT pg_sleep(600)")
    psql = subprocess.Popen(
        command, env=clean_environment(client_environment(given.token)), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until("the query runs", lambda: sleepers(gateway) == 1)
    return psql


def seconds_until(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


def test_a_query_in_flight_is_cut_off_at_the_end_of_its_grant(gateway: RunningGateway) -> None:
    given = gateway.give(seconds=6)
    psql = sleeping_psql(gateway, given)
    said, _ = psql.communicate(timeout=20)
    late = -seconds_until(given.ends_at)
    assert -0.5 < late < 2.0  # within a second, on a machine that runs other tests too
    assert "57P01" in said
    assert "FATAL" in said
    assert f"grant {given.grant} ended" in said
    assert "this session ends in 2 seconds" in said
    wait_until("no backend is left", lambda: backends(gateway) == 0, 1.0)


def test_a_revocation_cuts_off_a_query_in_flight(gateway: RunningGateway) -> None:
    given = gateway.give()
    psql = sleeping_psql(gateway, given)
    done = gateway.pgcurfew("rita", "revoke", given.grant, "--reason", "the customer called")
    assert done.code == 0
    began = time.monotonic()
    said, _ = psql.communicate(timeout=10)
    assert time.monotonic() - began < 2.0
    assert "57P01" in said
    assert "revoked by rita: the customer called" in said
    wait_until("no backend is left", lambda: backends(gateway) == 0, 1.0)


def test_an_idle_session_ends_too(gateway: RunningGateway) -> None:
    given = gateway.give()
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "shop"})
        gateway.revoke(given)
        [error] = client.until_closed()
        assert error.fields["C"] == "57P01"


def test_a_client_that_does_not_read_is_cut_off_all_the_same(gateway: RunningGateway) -> None:
    """Megabytes are under way and nobody takes them: the session ends without its last words."""
    given = gateway.give()
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "shop"})
        client.send(Query("SELECT repeat('x', 1000000) FROM generate_series(1, 500)"))
        time.sleep(0.5)
        gateway.revoke(given)
        wait_until("the backend is gone", lambda: backends(gateway) == 0, 2.0)


def test_rows_under_way_are_not_torn_by_the_last_words(gateway: RunningGateway) -> None:
    given = gateway.give()
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "shop"})
        client.send(Query("SELECT repeat('x', 100000), pg_sleep(0.001) FROM generate_series(1, 100000)"))
        for _ in range(20):
            client.receive()
        gateway.revoke(given)
        heard = client.until_closed()
    fatal = heard[-1]
    assert isinstance(fatal, ErrorResponse)
    assert fatal.fields["C"] == "57P01"
    rows = [message for message in heard if isinstance(message, DataRow)]
    assert all(len(row.values[0]) == 100000 for row in rows)
    # The upstream's own word on the cancelled query may come in between, and then nothing but that.
    assert [message.fields["C"] for message in heard[len(rows) : -1] if isinstance(message, ErrorResponse)] in (
        [],
        ["57014"],
    )


async def test_every_session_of_a_grant_ends_and_no_other(gateway: RunningGateway) -> None:
    given, other = gateway.give(), gateway.give()
    sessions = [await gateway.connect(given) for _ in range(5)]
    bystander = await gateway.connect(other)
    gateway.revoke(given)
    await asyncio.sleep(1.0)
    assert all(session.is_closed() for session in sessions)
    assert await bystander.fetchval("SELECT 1") == 1
    await bystander.close()


async def test_a_token_that_ends_before_its_grant_ends_the_session(gateway: RunningGateway) -> None:
    given = gateway.give()
    with gateway.api("alice") as api:
        short = api.post("grants", given.grant, "token", body={"seconds": 2})["token"]
    connection = await gateway.connect(given, password=short)
    with pytest.raises(Exception, match=r"ended|closed"):
        await asyncio.wait_for(connection.fetchval("SELECT pg_sleep(10)"), 5)


async def test_a_client_that_vanishes_has_its_query_cancelled(gateway: RunningGateway) -> None:
    given = gateway.give()
    psql = sleeping_psql(gateway, given)
    psql.kill()
    psql.wait()
    assert psql.stdout is not None
    psql.stdout.close()
    wait_until("the query is cancelled", lambda: sleepers(gateway) == 0, 3.0)


def test_ctrl_c_cancels_the_query_and_keeps_the_session(gateway: RunningGateway) -> None:
    given = gateway.give()
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        import threading

        threading.Timer(0.7, connection.cancel).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(30)")
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_sessions_per_grant_are_limited(gateway: RunningGateway) -> None:
    given = gateway.give()
    clients = []
    try:
        for _ in range(10):
            client = RawClient(encrypted(gateway.port, gateway.tls))
            clients.append(client)
            client.log_in(given.token, {"user": "alice", "database": "shop"})
            assert not client.refusal
        extra = RawClient(encrypted(gateway.port, gateway.tls))
        clients.append(extra)
        extra.log_in(given.token, {"user": "alice", "database": "shop"})
        assert extra.refusal["C"] == "53300"
    finally:
        for client in clients:
            client.sock.close()
    wait_until("all are gone", lambda: backends(gateway) == 0)
    with RawClient(encrypted(gateway.port, gateway.tls)) as again:
        again.log_in(given.token, {"user": "alice", "database": "shop"})
        assert not again.refusal


def test_what_was_asked_before_a_goodbye_is_finished(gateway: RunningGateway) -> None:
    given = gateway.give("bench", target="bench")
    count = "SELECT count(*) FROM pgbench_history WHERE delta = -10771"
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "bench"})
        insert = "INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, 1, -10771)"
        client.send(Query(f"SELECT pg_sleep(0.5); {insert}"), Terminate())
    postgres = gateway.database.postgres
    wait_until("the row is there", lambda: postgres.run(count, database="bench") == "1", 5.0)
    wait_until("no backend is left", lambda: backends(gateway) == 0, 2.0)
    postgres.run("DELETE FROM pgbench_history WHERE delta = -10771", database="bench")


def test_a_goodbye_does_not_outlive_the_grant(gateway: RunningGateway) -> None:
    """What a client left behind runs on to its end, or to the end of its grant, whichever is first."""
    given = gateway.give(seconds=5)
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "shop"})
        client.send(Query("SELECT pg_sleep(600)"), Terminate())
    wait_until("the query runs", lambda: sleepers(gateway) == 1)
    wait_until("the grant has ended and nothing is left", lambda: backends(gateway) == 0, 10.0)
    assert seconds_until(given.ends_at) < 0.5
