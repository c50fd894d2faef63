"""SIGTERM lets what has begun come to its end, for a while; then nothing is left."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from urllib.error import HTTPError
from urllib.request import urlopen

import asyncpg
import pytest

from gateway.audit.replay import SessionSummary, list_sessions
from gateway.demo.process import clean_environment
from gateway.demo.stage import client_environment
from protocol.backend import CommandComplete, ErrorResponse
from protocol.frontend import Bind, Execute, Flush, Parse, Query, Sync
from tests.e2e.test_curfew import backends, sleepers, wait_until
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, encrypted

SHUTTING_DOWN = "terminating connection: the gateway is shutting down"


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    return client.log_in(given.token, {"user": given.person, "database": given.target})


def hears(client: RawClient, sqlstate: str) -> str:
    """The FATAL that ends this client's session, and nothing after it."""
    heard = client.until_closed()
    assert isinstance(heard[-1], ErrorResponse), heard
    assert heard[-1].fields["C"] == sqlstate
    return heard[-1].fields["M"]


def drains_for(gateway: RunningGateway, seconds: int) -> None:
    gateway.stop()
    settings = gateway.stage.settings
    settings.write_text(settings.read_text().replace("drain_seconds = 5", f"drain_seconds = {seconds}"))
    gateway.start()


def recorded(gateway: RunningGateway) -> list[SessionSummary]:
    return list_sessions(gateway.stage.record)


def until_it_drains(gateway: RunningGateway) -> None:
    """A balancer hears it from /readyz."""

    def drains() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/readyz", timeout=10):
                return False
        except HTTPError as refused:
            with refused:
                return refused.code == 503 and b"draining" in refused.read()

    wait_until("it drains", drains)


def test_a_transaction_finishes_and_idle_clients_leave_at_once(own_gateway: RunningGateway) -> None:
    gateway, given = own_gateway, own_gateway.give()
    drains_for(gateway, 60)
    with logged_in(gateway, given) as working, logged_in(gateway, given) as idle, logged_in(gateway, given) as busy:
        working.send(Query("BEGIN"))
        working.until_ready()
        busy.send(Query("SELECT pg_sleep(1.5)"))
        wait_until("the statement runs", lambda: sleepers(gateway) == 1)
        gateway.stage.gateway.send(signal.SIGTERM)
        assert hears(idle, "57P01") == SHUTTING_DOWN

        # Whoever comes now is told so, and the balancer too; the transaction goes on meanwhile.
        with logged_in(gateway, given) as late:
            assert late.refusal["C"] == "57P03"
        until_it_drains(gateway)
        working.send(Query("SELECT count(*) FROM customers"))
        assert any(isinstance(heard, CommandComplete) for heard in working.until_ready())

        # A statement outside a transaction is finished, and then the session ends.
        heard = busy.until_closed()
        assert any(isinstance(one, CommandComplete) for one in heard)
        assert isinstance(heard[-1], ErrorResponse)
        assert heard[-1].fields["C"] == "57P01"

        working.send(Query("COMMIT"))
        heard = working.until_closed()
        assert [one.tag for one in heard if isinstance(one, CommandComplete)] == ["COMMIT"]
        assert isinstance(heard[-1], ErrorResponse)
        assert heard[-1].fields["C"] == "57P01"
    assert gateway.stage.gateway.wait() == 0
    assert [one.cause for one in recorded(gateway)] == ["shutdown"] * 3
    assert gateway.pgcurfew(None, "audit", "verify", "--config", str(gateway.stage.settings)).code == 0


def test_a_straggler_is_cancelled_when_the_time_is_up(own_gateway: RunningGateway) -> None:
    gateway, given = own_gateway, own_gateway.give()
    drains_for(gateway, 1)
    psql = subprocess.Popen(
        gateway.stage.psql_command(given.person, "-v", "VERBOSITY=verbose", "-c", "SELECT pg_sleep(600)"),
        env=clean_environment(client_environment(given.token)), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_until("the query runs", lambda: sleepers(gateway) == 1)
    gateway.stage.gateway.send(signal.SIGTERM)
    said, _ = psql.communicate(timeout=20)
    assert f"57P01: {SHUTTING_DOWN}" in said
    assert gateway.stage.gateway.wait() == 0
    wait_until("no backend is left", lambda: backends(gateway) == 0, 2.0)
    (session,) = recorded(gateway)
    assert session.cause == "shutdown"


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_and_ctrl_c_end_at_once_and_in_order(
    own_gateway: RunningGateway, first: signal.Signals
) -> None:
    gateway, given = own_gateway, own_gateway.give()
    drains_for(gateway, 600)
    with logged_in(gateway, given) as client:
        client.send(Query("BEGIN"))
        client.until_ready()
        gateway.stage.gateway.send(first)
        if first is signal.SIGTERM:
            until_it_drains(gateway)
            gateway.stage.gateway.send(signal.SIGTERM)
        assert hears(client, "57P01") == SHUTTING_DOWN
    assert gateway.stage.gateway.wait() == 0
    assert [one.cause for one in recorded(gateway)] == ["shutdown"]


def test_a_batch_without_its_sync_is_a_transaction_too(own_gateway: RunningGateway) -> None:
    """What ran before a Flush is not committed yet; the Sync that commits it may still come."""
    gateway, given = own_gateway, own_gateway.give("bench", target="bench")
    count = "SELECT count(*) FROM pgbench_history WHERE delta = -20881"
    insert = "INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, 1, -20881)"
    with logged_in(gateway, given) as client:
        client.send(Parse("", insert), Bind("", ""), Execute(""), Flush())
        while not isinstance(client.receive(), CommandComplete):
            pass
        gateway.stage.gateway.send(signal.SIGTERM)
        until_it_drains(gateway)
        client.send(Sync())
        assert hears(client, "57P01") == SHUTTING_DOWN
    assert gateway.stage.gateway.wait() == 0
    postgres = gateway.database.postgres
    assert postgres.run(count, database="bench") == "1"
    postgres.run("DELETE FROM pgbench_history WHERE delta = -20881", database="bench")


async def test_a_cancel_still_reaches_a_statement_that_runs_on(own_gateway: RunningGateway) -> None:
    connection = await own_gateway.connect(own_gateway.give())
    running = asyncio.ensure_future(connection.fetch("SELECT pg_sleep(600)"))
    await asyncio.to_thread(wait_until, "the query runs", lambda: sleepers(own_gateway) == 1)
    own_gateway.stage.gateway.send(signal.SIGTERM)
    await asyncio.to_thread(until_it_drains, own_gateway)
    running.cancel()  # asyncpg sends a CancelRequest
    with pytest.raises((asyncio.CancelledError, asyncpg.PostgresError)):
        await running
    assert await asyncio.to_thread(own_gateway.stage.gateway.wait) == 0
    (session,) = recorded(own_gateway)
    assert session.cause == "shutdown"
    shown = own_gateway.pgcurfew(None, "replay", session.session, "--config", str(own_gateway.stage.settings))
    assert "cancelled" in shown.text
