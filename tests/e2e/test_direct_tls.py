"""TLS from the first byte on, as libpq 17's sslnegotiation=direct wants it (PG manual, 55.2.11)."""

from __future__ import annotations

import socket
import ssl
import struct
from contextlib import closing

import pytest

from gateway.demo.binaries import PostgresBinaries, distribution_versions, find_client
from gateway.demo.stage import client_environment, run
from protocol.backend import AuthenticationCleartextPassword, ReadyForQuery
from protocol.frontend import Query
from protocol.startup import SSLRequest, StartupMessage
from tests.e2e.test_curfew import wait_until
from tests.support.gateway import Given, RunningGateway
from tests.support.postgres import Postgres
from tests.support.refusals import door_events
from tests.support.wire import RawClient, dial, directly_encrypted, encrypted, everything


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def asking_for(gateway: RunningGateway, *names: str) -> ssl.SSLContext:
    context = gateway.tls
    if names:
        context.set_alpn_protocols(list(names))
    return context


def startup(given: Given) -> dict[str, str]:
    return {"user": given.person, "database": given.target}


def test_a_session_through_direct_tls(gateway: RunningGateway, given: Given) -> None:
    sock = directly_encrypted(gateway.port, asking_for(gateway, "postgresql"))
    assert sock.selected_alpn_protocol() == "postgresql"
    with RawClient(sock) as client:
        client.log_in(given.token, startup(given))
        assert not client.refusal
        client.send(Query("SELECT 1"))
        assert isinstance(client.until_ready()[-1], ReadyForQuery)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_in_either_version_of_tls(gateway: RunningGateway, given: Given, version: ssl.TLSVersion) -> None:
    context = asking_for(gateway, "postgresql")
    context.minimum_version = context.maximum_version = version
    with RawClient(directly_encrypted(gateway.port, context)) as client:
        assert not client.log_in(given.token, startup(given)).refusal


@pytest.mark.parametrize("at_once", [1, 7, 100_000])
def test_however_the_bytes_arrive(gateway: RunningGateway, given: Given, at_once: int) -> None:
    """A handshake driven by hand: in pieces, and with everything that can follow in one go."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = asking_for(gateway, "postgresql").wrap_bio(incoming, outgoing, server_hostname="localhost")

    with closing(dial(gateway.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send() -> None:
            data = outgoing.read()
            for at in range(0, len(data), at_once):
                sock.sendall(data[at : at + at_once])

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                send()
                incoming.write(sock.recv(65536))
        # The end of the handshake and the startup packet in one write.
        tls.write(StartupMessage(startup(given)).encode())
        send()
        heard = b""
        while len(heard) < 9:
            try:
                heard += tls.read(100)
            except ssl.SSLWantReadError:
                incoming.write(sock.recv(65536))
        assert heard == AuthenticationCleartextPassword().encode()


@pytest.mark.parametrize("names", [(), ("http/1.1",), ("h2", "http/1.1")])
def test_without_the_alpn_name_nothing_is_said(gateway: RunningGateway, given: Given, names: tuple[str, ...]) -> None:
    """Else a browser could be made to speak to the gateway unawares. PostgreSQL does the same."""
    before = len(door_events(gateway))
    with closing(directly_encrypted(gateway.port, asking_for(gateway, *names))) as sock:
        assert everything(sock) == b""
    wait_until("it is recorded", lambda: len(door_events(gateway)) > before)
    *_, event = door_events(gateway)
    assert len(door_events(gateway)) == before + 1
    assert event["cause"] == "tls"
    assert "ALPN" in event["message"]


def test_an_alpn_name_among_others_will_do(gateway: RunningGateway, given: Given) -> None:
    context = asking_for(gateway, "http/1.1", "postgresql")
    with RawClient(directly_encrypted(gateway.port, context)) as client:
        assert not client.log_in(given.token, startup(given)).refusal


def test_a_request_for_tls_inside_direct_tls_is_answered_no(gateway: RunningGateway, given: Given) -> None:
    """As PostgreSQL 17 answers it: there is TLS already."""
    with RawClient(directly_encrypted(gateway.port, asking_for(gateway, "postgresql"))) as client:
        client.send(SSLRequest())
        assert client.sock.recv(1) == b"N"
        assert not client.log_in(given.token, startup(given)).refusal


@pytest.mark.parametrize(
    ("begins", "alert"), [(b"\x16" + b"not a handshake" * 10, b""), (b"\x16\x03\x01\0\x04\x01\0\0\0", b"\x15")]
)
def test_what_only_begins_like_tls_is_refused(gateway: RunningGateway, begins: bytes, alert: bytes) -> None:
    with closing(dial(gateway.port)) as sock:
        sock.sendall(begins)
        answer = everything(sock)
    # An alert (RFC 8446, 5.1) where there was a record to answer, and no word of PostgreSQL's.
    assert answer[:1] == alert
    wait_until("it is recorded", lambda: door_events(gateway)[-1]["cause"] == "tls")


def test_plain_bytes_behind_a_request_for_tls_are_refused_also_when_they_look_like_tls(gateway: RunningGateway) -> None:
    """Buffer stuffing: what came in the clear may not be taken for what came through TLS."""
    hello = b"\x16\x03\x01" + struct.pack("!H", 4) + b"\x01\0\0\0"
    with closing(dial(gateway.port)) as sock:
        sock.sendall(SSLRequest().encode() + hello)
        assert b"unencrypted data" in everything(sock)


def test_a_client_of_an_old_tls_is_told_so_by_an_alert(gateway: RunningGateway) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        encrypted(gateway.port, context)


def psql(gateway: RunningGateway, given: Given, program: str, extra: str) -> str:
    done = run([program, "-XAtc", "SELECT 'in'", f"{gateway.conninfo(given)} {extra}"], client_environment(given.token))
    return done.out.strip() or done.err


def test_libpq_with_direct_negotiation(gateway: RunningGateway, given: Given, postgres: Postgres) -> None:
    if postgres.version < 17:
        pytest.skip("libpq has sslnegotiation from 17 on")
    own = str(postgres.cluster.binaries.program("psql"))
    assert psql(gateway, given, own, "sslnegotiation=direct") == "in"
    assert psql(gateway, given, own, "sslnegotiation=postgres") == "in"


def test_libpq_that_does_not_know_of_it(gateway: RunningGateway, given: Given) -> None:
    older: list[PostgresBinaries] = [found for version, found in distribution_versions().items() if version < 17]
    program = str(older[0].program("psql")) if older else str(find_client("psql"))
    assert psql(gateway, given, program, "") == "in"
