"""What somebody without a token can send: it costs little, is answered or cut off, and never confuses."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.backend import AuthenticationCleartextPassword, ErrorResponse, ReadyForQuery
from protocol.frontend import Query, Terminate
from protocol.startup import GSSENCRequest, SSLRequest, StartupMessage
from tests.e2e.test_bounds import megabytes
from tests.e2e.test_curfew import wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.refusals import door_events
from tests.support.wire import RawClient, dial, directly_encrypted, encrypted, everything, frame

#: No line of the record about a stranger is longer.
LONGEST_LINE = 2000


@pytest.fixture(scope="module")
def gateway(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One whose memory and log are this module's own doing."""
    with running_gateway(sample_database, tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


@pytest.fixture(autouse=True)
def _still_there(gateway: RunningGateway, given: Given) -> Iterator[None]:
    yield
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        assert not client.log_in(given.token, {"user": given.person, "database": given.target}).refusal
    assert "Traceback" not in gateway.log
    assert "handshake failed" not in gateway.log


def startup(given: Given, **parameters: str) -> bytes:
    return StartupMessage({"user": given.person, "database": given.target, **parameters}).encode()


def test_a_flood_before_the_password_stays_outside(gateway: RunningGateway, given: Given) -> None:
    """Each of many connections sends as much as the gateway takes, and gives no password."""
    junk = b"\0" * 65536
    before = megabytes(gateway)
    with contextlib.ExitStack() as stack:
        for number in range(60):
            client = stack.enter_context(RawClient(encrypted(gateway.port, gateway.tls)))
            client.send(startup(given))
            assert isinstance(client.receive(), AuthenticationCleartextPassword)
            # The beginning of a token that is never finished, and then whatever fits.
            client.send(b"p" + struct.pack("!i", 4000))
            client.sock.settimeout(0.05)
            with contextlib.suppress(TimeoutError, ssl.SSLError, OSError):
                for _ in range(64):
                    client.sock.sendall(junk)
            assert megabytes(gateway) - before < 5 + 1.0 * (number + 1)


@pytest.mark.parametrize(
    "parameters",
    [
        {f"p{number}": "" for number in range(1500)},
        {f"_pq_.{number}": "x" for number in range(900)},
        {"options": "-c a=b " * 1300},
        {"options": "\\" * 9000},
        {"application_name": "x" * 9000},
        {"user": "x" * 9000},
        {"database": "\u202e" * 3000},
        {"x" * 9000: ""},
        {"user": "alice\n\x1b[2J"},
        {"replication": "x" * 9000},
    ],
)
def test_long_and_odd_startup_packets_leave_short_lines(
    gateway: RunningGateway, given: Given, parameters: dict[str, str]
) -> None:
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in("not a token", {"user": given.person, "database": given.target, **parameters})
        assert client.refusal["S"] == "FATAL"
    for path in gateway.stage.record.glob("control/*/*/*/*.jsonl"):
        assert max(len(line) for line in path.read_bytes().splitlines()) < LONGEST_LINE
    assert "\x1b[2J" not in gateway.log


def test_a_packet_too_long_is_refused_before_it_is_read(gateway: RunningGateway) -> None:
    for length in (10_005, 0x7FFF_FFFF, 3, 0, -1, -0x8000_0000):
        with contextlib.closing(dial(gateway.port)) as sock:
            sock.sendall(struct.pack("!i", length) + b"\0\3\0\0")
            assert b"08P01" in everything(sock), length


def test_questions_without_end_are_cut_short(gateway: RunningGateway) -> None:
    with contextlib.closing(dial(gateway.port)) as sock:
        answers = b""
        for _ in range(20):
            with contextlib.suppress(OSError):
                sock.sendall(GSSENCRequest().encode())
                answers += sock.recv(1)
        answers += everything(sock)
    assert answers.startswith(b"NNN")
    assert answers.count(b"N") < 10


def test_tls_is_asked_for_once(gateway: RunningGateway) -> None:
    with contextlib.closing(encrypted(gateway.port, gateway.tls)) as sock:
        sock.sendall(SSLRequest().encode())
        assert b"08P01" in everything(sock)


def test_everything_at_once_is_taken_in_order(gateway: RunningGateway, given: Given) -> None:
    """A client need not wait to be asked (nor does PostgreSQL mind): startup, password and query in one write."""
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        password = frame("p", given.token.encode() + b"\0")
        client.send(startup(given) + password + Query("SELECT 'in'").encode())
        client.until_ready()
        assert any(getattr(message, "values", None) == (b"in",) for message in client.until_ready())


def test_a_query_behind_a_wrong_token_is_not_looked_at(gateway: RunningGateway, given: Given) -> None:
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.send(startup(given) + frame("p", b"wrong\0") + Query("SELECT 1").encode())
        heard = client.until_closed()
    assert [type(message) for message in heard] == [AuthenticationCleartextPassword, ErrorResponse]


@pytest.mark.parametrize("kind", ["Q", "X", "P", "d", "\0", "R"])
def test_only_a_password_is_an_answer(gateway: RunningGateway, given: Given, kind: str) -> None:
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.send(startup(given), frame(kind, given.token.encode() + b"\0"))
        [*_, error] = client.until_closed()
        assert error.fields["C"] == "08P01"


@pytest.mark.parametrize("password", [b"", b"no end", b"two\0ends\0", b"\xff\xfe\0", b"\0\0"])
def test_passwords_that_are_none(gateway: RunningGateway, given: Given, password: bytes) -> None:
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.send(startup(given), frame("p", password))
        [*_, error] = client.until_closed()
        assert error.fields["C"] in ("08P01", "28P01")


def test_other_protocols_get_no_further(gateway: RunningGateway) -> None:
    for greeting in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-x\r\n", b"\0\0\0\0", b"\xff" * 100):
        with contextlib.closing(dial(gateway.port)) as sock:
            sock.sendall(greeting)
            answer = everything(sock)
        assert b"Host" not in answer, "nothing is said back that a browser could take for an answer"


def test_failed_handshakes_count_until_they_are_gone(sample_database: SampleDatabase, tmp_path: Path) -> None:
    """Who is refused and does not leave is at the door still, so refusals are no way round its bounds."""
    limits = "handshakes_per_address = 12"
    with running_gateway(sample_database, tmp_path, settings={"limits": limits}) as narrow, contextlib.ExitStack() as s:
        for _ in range(12):
            sock = s.enter_context(contextlib.closing(dial(narrow.port)))
            sock.sendall(b"\x16\x03\x01\0\x04\x01\0\0\0")
            assert sock.recv(1) == b"\x15"
        thirteenth = s.enter_context(contextlib.closing(dial(narrow.port)))
        with contextlib.suppress(OSError):
            thirteenth.sendall(SSLRequest().encode())
            assert thirteenth.recv(1) == b""
        s.close()
        given = narrow.give()
        with RawClient(open_when_there_is_room(narrow)) as client:
            assert not client.log_in(given.token, {"user": given.person, "database": given.target}).refusal


def open_when_there_is_room(gateway: RunningGateway) -> socket.socket:
    found: list[socket.socket] = []

    def opens() -> bool:
        with contextlib.suppress(OSError, AssertionError):
            found.append(encrypted(gateway.port, gateway.tls))
        return bool(found)

    wait_until("there is room again", opens)
    return found[0]


def test_a_client_that_leaves_at_each_step_leaves_nothing(gateway: RunningGateway, given: Given) -> None:
    context = gateway.tls
    context.set_alpn_protocols(["postgresql"])
    password = frame("p", given.token.encode() + b"\0")
    for said in (
        b"",
        b"\0",
        startup(given)[:9],
        startup(given),
        startup(given) + password[:9],
        startup(given) + password,
    ):
        for way in (encrypted, directly_encrypted):
            with contextlib.closing(way(gateway.port, context)) as sock:
                sock.sendall(said)
                # Without a goodbye.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": given.person, "database": given.target})
        client.send(Query("SELECT 1"))
        assert isinstance(client.until_ready()[-1], ReadyForQuery)
        client.send(Terminate())
    wait_until("no backend is left", lambda: gateway.directly(BACKENDS) == "0")
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        assert not client.log_in(given.token, {"user": given.person, "database": given.target}).refusal
    assert all(event["cause"] != "too-many-sessions" for event in door_events(gateway))


BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgcurfew/ses_%'"
