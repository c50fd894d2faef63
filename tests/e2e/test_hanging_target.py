"""A target that hangs, goes away or comes back: clients are told, sessions end in time, nothing stays."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from protocol.backend import ErrorResponse
from protocol.frontend import Query
from tests.e2e.test_curfew import backends, wait_until
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, encrypted


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    return client.log_in(given.token, {"user": given.person, "database": given.target})


def backend_of_alice(gateway: RunningGateway) -> int:
    sql = "SELECT max(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgcurfew/ses_%/alice'"
    return int(gateway.directly(sql))


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("busy", [True, False])
def test_a_backend_that_hangs_does_not_keep_its_client(gateway: RunningGateway, busy: bool) -> None:
    given = gateway.give()
    with logged_in(gateway, given) as client:
        client.send(Query("SELECT 1"))
        client.until_ready()
        with frozen(backend_of_alice(gateway)):
            if busy:
                client.send(Query("SELECT 1"))
            gateway.revoke(given)
            began = time.monotonic()
            [error] = client.until_closed()
            assert time.monotonic() - began < 2.0  # within a second, on a machine that runs other tests too
            assert isinstance(error, ErrorResponse)
            assert error.fields["C"] == "57P01"
        wait_until("the backend is gone", lambda: backends(gateway) == 0)


def test_a_target_that_says_nothing_is_told_without_its_address(own_gateway: RunningGateway) -> None:
    given = own_gateway.give()
    own_gateway.stop()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = own_gateway.stage.settings
        port = silent.getsockname()[1]
        text = settings.read_text().replace(f"port = {own_gateway.database.postgres.port}", f"port = {port}")
        settings.write_text(
            text.replace('sslmode = "verify-full"', 'sslmode = "verify-full"\nconnect_timeout_seconds = 1')
        )
        own_gateway.start()
        with logged_in(own_gateway, given) as client:
            refused = client.refusal
    assert refused["C"] in ("08006", "57P03")
    assert "shop" in refused["M"]
    for secret in ("127.0.0.1", "localhost", str(port), "pgcurfew_gateway"):
        assert secret not in str(refused)


def test_a_token_that_ends_at_the_door_opens_nothing(own_gateway: RunningGateway) -> None:
    """The target takes its time to answer, and meanwhile the token ends."""
    given = own_gateway.give()
    with own_gateway.api("alice") as api:
        short = api.post("grants", given.grant, "token", body={"seconds": 2})["token"]
    with logged_in(own_gateway, given) as first:
        assert not first.refusal
    postmaster = int(own_gateway.directly("SELECT pg_catalog.pg_read_file('postmaster.pid')").splitlines()[0])
    client = RawClient(encrypted(own_gateway.port, own_gateway.tls))
    with client, frozen_for(postmaster, 3.0):
        client.log_in(short, {"user": "alice", "database": "shop"})
    assert client.refusal["C"] == "28P01"
    assert "ended while the session was being opened" in client.refusal["M"]


@contextmanager
def frozen_for(pid: int, seconds: float) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    thaw = threading.Timer(seconds, os.kill, (pid, signal.SIGCONT))
    thaw.start()
    try:
        yield
    finally:
        thaw.join()


def test_a_wrong_password_is_not_the_clients_business(own_gateway: RunningGateway) -> None:
    given = own_gateway.give()
    (own_gateway.stage.folder / "keys" / "shop.password").write_text("wrong")
    with logged_in(own_gateway, given) as client:
        assert client.refusal["C"] == "08006"
        assert "pgcurfew_gateway" not in str(client.refusal)
    assert "wrong" not in own_gateway.log


def test_a_backend_that_is_ended_ends_its_session_in_postgresqls_words(gateway: RunningGateway) -> None:
    given = gateway.give()
    with logged_in(gateway, given) as client:
        client.send(Query("SELECT 1"))
        client.until_ready()
        gateway.directly(f"SELECT pg_terminate_backend({backend_of_alice(gateway)})")
        [error] = client.until_closed()
        assert error.fields["C"] == "57P01"
