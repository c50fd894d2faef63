"""Connections that never become sessions, and clients that are gone: bounded in number and time, in nobody's way."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.audit.replay import list_sessions
from protocol.backend import ReadyForQuery
from protocol.frontend import Query, Terminate
from protocol.startup import SSLRequest, StartupMessage
from tests.e2e.test_cancel import metric
from tests.e2e.test_curfew import backends, sleepers, wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.wire import RawClient, dial, encrypted, everything

HANDSHAKE_SECONDS = 6
LIMITS = f"""\
handshake_seconds = {HANDSHAKE_SECONDS}
handshakes = 300
handshakes_per_address = 230
idle_seconds = 2"""
GATEWAY = """\
keepalive_seconds = 1
keepalive_interval_seconds = 1
keepalive_count = 2"""

START = StartupMessage({"user": "alice", "database": "shop"}).encode()
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@pytest.fixture(scope="module")
def gateway(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("gateway")
    settings = {"limits": LIMITS, "gateway": GATEWAY}
    with running_gateway(sample_database, folder, settings=settings) as found:
        yield found


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": given.person, "database": given.target})
    assert not client.refusal
    return client


def answers(client: RawClient) -> None:
    client.send(Query("SELECT 1"))
    assert isinstance(client.until_ready()[-1], ReadyForQuery)


def silent(port: int) -> socket.socket:
    return dial(port)


def saying(data: bytes) -> Callable[[int], socket.socket]:
    def open_and_say(port: int) -> socket.socket:
        sock = dial(port)
        sock.sendall(data)
        return sock

    return open_and_say


HALF_OPEN = (
    silent,
    saying(b"\0"),
    saying(START[:-1]),
    saying(SSLRequest().encode()),
    saying(HELLO),
    saying(b"\x16"),
)


def test_two_hundred_half_open_handshakes_delay_nobody(gateway: RunningGateway, given: Given) -> None:
    with contextlib.ExitStack() as stack, logged_in(gateway, given) as probe:
        strangers = [
            stack.enter_context(contextlib.closing(HALF_OPEN[number % len(HALF_OPEN)](gateway.port)))
            for number in range(200)
        ]
        for _ in range(50):
            answers(probe)
        with logged_in(gateway, given) as another:
            answers(another)
        # And none of them stays.
        for sock in strangers:
            sock.settimeout(HANDSHAKE_SECONDS + 10)
            everything(sock)
    assert "Traceback" not in gateway.log


def test_writers_of_one_byte_at_a_time_delay_nobody_and_get_in(gateway: RunningGateway, given: Given) -> None:
    with contextlib.ExitStack() as stack, logged_in(gateway, given) as probe:
        slow = [stack.enter_context(RawClient(encrypted(gateway.port, gateway.tls))) for _ in range(20)]
        for byte in StartupMessage({"user": given.person, "database": given.target}).encode():
            for client in slow:
                client.send(bytes([byte]))
            answers(probe)
        for client in slow:
            assert client.receive() is not None, "each is asked for its password"


def test_one_address_may_not_have_them_all(gateway: RunningGateway, given: Given) -> None:
    """Past its share it is cut off at once; open sessions and other addresses go on."""
    with contextlib.ExitStack() as stack, logged_in(gateway, given) as probe:
        for _ in range(230):
            stack.enter_context(contextlib.closing(silent(gateway.port)))
        wait_until("the last one is at the door", lambda: cut_off("127.0.0.1", gateway.port))
        answers(probe)
        if sys.platform == "linux":  # all of 127/8 is this machine
            assert not cut_off("127.0.0.2", gateway.port)
    assert metric(gateway, r'pgcurfew_door_refusals_total\{cause="too-many-handshakes"\}') > 0
    wait_until("there is room again", lambda: not cut_off("127.0.0.1", gateway.port), HANDSHAKE_SECONDS + 10)


def cut_off(address: str, port: int) -> bool:
    """Is a connection from there closed without a word?"""
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), 5, source_address=(address, 0))) as sock:
        try:
            sock.sendall(SSLRequest().encode())
            return sock.recv(1) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True


def test_a_session_that_asks_nothing_ends_as_postgresql_ends_it(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as client:
        answers(client)
        client.send(b"Q\0\0")  # half a message is no statement
        [error] = client.until_closed()
        assert error.fields["C"] == "57P05"
    wait_until("it is recorded", lambda: list_sessions(gateway.stage.record)[0].cause == "idle")


def test_pauses_inside_a_transaction_are_not_idle_sessions(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as client:
        client.send(Query("BEGIN"))
        client.until_ready()
        time.sleep(2.5)
        answers(client)


def test_a_client_that_resets_its_connection_has_its_query_cancelled(gateway: RunningGateway, given: Given) -> None:
    client = logged_in(gateway, given)
    client.send(Query("SELECT pg_sleep(60)"))
    wait_until("the query runs", lambda: sleepers(gateway) == 1)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    wait_until("it is cancelled", lambda: sleepers(gateway) == 0)


def test_a_client_that_closes_half_of_its_connection_has_its_query_cancelled(
    gateway: RunningGateway, given: Given
) -> None:
    client = logged_in(gateway, given)
    client.send(Query("SELECT pg_sleep(60)"))
    wait_until("the query runs", lambda: sleepers(gateway) == 1)
    client.sock.shutdown(socket.SHUT_WR)
    wait_until("it is cancelled", lambda: sleepers(gateway) == 0)
    client.sock.close()


#: Linux: a socket in this mode is closed without telling the other side.
TCP_REPAIR = 19


def test_a_client_that_vanishes_silently_has_its_query_cancelled(gateway: RunningGateway, given: Given) -> None:
    """As when its cable is pulled: no FIN, no RST. Only keepalive can tell."""
    client = logged_in(gateway, given)
    client.send(Query("SELECT pg_sleep(60)"))
    wait_until("the query runs", lambda: sleepers(gateway) == 1)
    try:
        client.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError:
        client.sock.close()
        pytest.skip("needs Linux and CAP_NET_ADMIN")
    os.close(client.sock.detach())
    wait_until("keepalive finds out", lambda: sleepers(gateway) == 0, 10.0)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's list of sockets")
def test_the_kernel_probes_silent_clients(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as client:
        answers(client)
        ours = client.sock.getsockname()[1]
        pattern = re.compile(rf"\S+:{gateway.port:04X} \S+:{ours:04X} 01 \S+ (\S\S):(\S+) ")

        def armed() -> bool:
            found = pattern.search(Path("/proc/net/tcp").read_text())
            # 02 is the keepalive timer; in hundredths of a second.
            return found is not None and found[1] == "02" and int(found[2], 16) <= 110

        wait_until("a probe is due within a second", armed)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_goodbye_without_taking_the_answer_leaves_no_backend(
    gateway: RunningGateway, given: Given, reset: bool
) -> None:
    """The database was held back for it, and nobody else would read on."""
    client = logged_in(gateway, given)
    client.send(Query("SELECT repeat('x', 100000) FROM generate_series(1, 100000)"), Terminate())
    client.receive()
    time.sleep(1)  # until everything between here and there is full
    if reset:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    wait_until("no backend is left", lambda: backends(gateway) == 0)


def test_a_goodbye_and_a_closed_socket_behind_a_statement_that_is_judged_aside(
    gateway: RunningGateway, given: Given
) -> None:
    """PostgreSQL would have run it by then."""
    client = logged_in(gateway, given)
    client.send(Query("SELECT 1 /* " + "x" * 300_000 + " */; SELECT pg_sleep(2)"), Terminate())
    client.sock.close()
    wait_until("it runs", lambda: sleepers(gateway) == 1)
    wait_until("it is over", lambda: sleepers(gateway) == 0)
