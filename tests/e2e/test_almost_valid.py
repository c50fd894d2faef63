"""Messages of every kind in every order, almost right: an answer, an error or an end, never a fault or a hang."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, encrypted, frame

EXAMPLES = int(os.environ.get("PGCURFEW_EXAMPLES", "60"))

BODIES = [
    b"",
    b"\0",
    b"SELECT 1\0",
    b"SELECT id, email FROM customers LIMIT 1\0",
    b"COPY (SELECT 1) TO STDOUT\0",
    b"BEGIN; SELECT 1/0\0",
    b"\0SELECT 1\0\0\0",
    b"a\0SELECT $1::int\0\0\1\0\0\0\x17",
    b"a\0SELECT '\xff'\0\0\0",
    b"\0\0\0\0\0\0\0\0",
    b"\0a\0\0\0\0\1\0\0\0\x011\0\0",
    b"\0a\0\0\2\0\0\0\1\0\1\0\0\0\x011\0\0",
    b"\0a\0\0\0\0\1\xff\xff\xff\xff\0\1\0\1",
    b"\0\0\0\0\0",
    b"\0\xff\xff\xff\xff",
    b"S\0",
    b"Sa\0",
    b"P\0",
    b"Xa\0",
    b"\0\0\6\x3e\0\0\0\0\0\0",
    b"\xff" * 9,
]
KINDS = st.sampled_from([*"QPBDECHSdcfFXp", "Z", "\0", "~"])


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    kind = draw(KINDS)
    body = draw(st.one_of(st.sampled_from(BODIES), st.binary(max_size=12)))
    if draw(st.integers(0, 12)) == 0:
        return kind.encode() + struct.pack("!i", draw(st.sampled_from([-1, 0, 3, 1 << 30]))) + body
    return frame(kind, body)


@pytest.fixture(scope="module")
def token(gateway: RunningGateway) -> Given:
    return gateway.give()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(frames(), min_size=1, max_size=8))
def test_no_fault_and_no_hang(gateway: RunningGateway, token: Given, messages: list[bytes]) -> None:
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(token.token, {"user": token.person, "database": token.target})
        assert not client.refusal
        client.sock.settimeout(5)
        try:
            client.send(b"".join(messages), frame("S", b""), frame("X", b""))
        except OSError:
            return  # ended in the middle of it
        client.until_closed()
    log = gateway.log
    assert "Traceback" not in log
    assert "session failed" not in log
