"""Bytes that no client sends: a clean refusal, and the server lives on."""

from __future__ import annotations

import socket
import struct
from contextlib import closing

import pytest

from protocol.backend import ReadyForQuery
from protocol.frontend import Query
from protocol.startup import CancelRequest, GSSENCRequest, SSLRequest, StartupMessage
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, dial, encrypted, everything, frame


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


async def lives_on(gateway: RunningGateway, given: Given) -> None:
    connection = await gateway.connect(given)
    assert await connection.fetchval("SELECT 41 + 1") == 42
    await connection.close()


NONSENSE = {
    "a length that is negative": b"\xff\xff\xff\xff" + b"x" * 8,
    "a length beyond all reason": struct.pack("!i", 1 << 30) + b"\0\3\0\0",
    "a web browser": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "protocol 2": struct.pack("!ii", 296, 2 << 16) + b"\0" * 288,
    "protocol 4": struct.pack("!ii", 8, 4 << 16),
    "a startup packet without its end": struct.pack("!ii", 13, 3 << 16) + b"user\0",
    "nothing but zeros": b"\0" * 64,
    "a GSSAPI request with more behind it": GSSENCRequest().encode() + b"more",
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_at_the_door_is_refused(gateway: RunningGateway, given: Given, name: str) -> None:
    with closing(dial(gateway.port)) as sock:
        sock.sendall(NONSENSE[name])
        sock.shutdown(socket.SHUT_WR)
        answer = everything(sock)
    assert answer == b"" or b"FATAL" in answer or answer == b"N"
    assert "Traceback" not in gateway.log
    await lives_on(gateway, given)


async def test_bytes_behind_an_ssl_request_are_an_attack(gateway: RunningGateway, given: Given) -> None:
    """CVE-2021-23214: what came before TLS must never be read as if it came through it."""
    with closing(dial(gateway.port)) as sock:
        sock.sendall(SSLRequest().encode() + StartupMessage({"user": "alice", "database": "shop"}).encode())
        answer = everything(sock)
    assert not answer.startswith(b"S")
    assert b"FATAL" in answer
    await lives_on(gateway, given)


async def test_a_wrong_cancel_key_does_nothing(gateway: RunningGateway, given: Given) -> None:
    with closing(dial(gateway.port)) as sock:
        sock.sendall(CancelRequest(4711, b"\0\0\0\0").encode())
        assert everything(sock) == b""
    await lives_on(gateway, given)


async def test_gssapi_is_answered_no(gateway: RunningGateway, given: Given) -> None:
    with closing(dial(gateway.port)) as sock:
        sock.sendall(GSSENCRequest().encode())
        assert sock.recv(1) == b"N"
        sock.sendall(SSLRequest().encode())
        assert sock.recv(1) == b"S"
    await lives_on(gateway, given)


async def test_a_query_instead_of_a_password_is_refused(gateway: RunningGateway, given: Given) -> None:
    with closing(encrypted(gateway.port, gateway.tls)) as sock:
        sock.sendall(StartupMessage({"user": "alice", "database": "shop"}).encode())
        assert sock.recv(9) == b"R\0\0\0\x08\0\0\0\x03"
        sock.sendall(Query("SELECT 1").encode())
        assert b"08P01" in everything(sock)
    await lives_on(gateway, given)


async def test_a_password_beyond_the_limit_is_refused_unread(gateway: RunningGateway, given: Given) -> None:
    with closing(encrypted(gateway.port, gateway.tls)) as sock:
        sock.sendall(StartupMessage({"user": "alice", "database": "shop"}).encode())
        sock.recv(9)
        sock.sendall(b"p" + struct.pack("!i", 1 << 29))
        assert b"28P01" in everything(sock)
    await lives_on(gateway, given)


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": given.person, "database": given.target})
    assert not client.refusal
    return client


ODD = {
    "an unknown kind": b"?\0\0\0\x04",
    "a second password": b"p\0\0\0\x06x\0",
    "a negative length": b"Q\xff\xff\xff\xff",
    "a length too small": b"S\0\0\0\x03",
    "an oversized length": b"Q" + struct.pack("!i", 1 << 30),
    "a query without its end": b"Q\0\0\0\x08SELE",
    "a query with a zero inside": b"Q\0\0\0\x0aSE\0CT\0",
    "a Parse cut short": b"P\0\0\0\x08abc\0",
    "a Bind with a wild count": b"B\0\0\0\x0a\0\0\x7f\xff\0\0",
    "an Execute without its limit": b"E\0\0\0\x05\0",
    "a Close of nothing known": b"C\0\0\0\x06X\0",
}


@pytest.mark.parametrize("name", ODD)
async def test_a_message_out_of_shape_ends_that_session_only(gateway: RunningGateway, given: Given, name: str) -> None:
    with logged_in(gateway, given) as client:
        client.send(ODD[name])
        fatal = client.until_closed()[-1]
    assert fatal.fields["S"] == "FATAL"
    assert fatal.fields["C"] in ("08P01", "54000")
    assert "Traceback" not in gateway.log
    await lives_on(gateway, given)


async def test_text_that_is_no_utf8_is_refused_and_the_session_lives(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as client:
        client.send(frame("Q", b"SELECT '\xff\xfe'\0"))
        error, ready = client.until_ready()
        assert error.fields["C"] == "22021"
        assert ready == ReadyForQuery("I")
