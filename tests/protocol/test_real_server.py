"""Our own classes, alone, in a conversation with a real PostgreSQL."""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from protocol import messages as m
from protocol.connection import FrontendPhase
from protocol.frames import BackendFrames, Frame, Piece, Rows
from protocol.scram import SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramClient, tls_server_end_point
from protocol.states import Phase
from tests.support.postgres import Login, Postgres


@dataclass(slots=True)
class Conversation:
    """A blocking connection that says messages and reads pieces; small reads, so that frames are cut."""

    socket: socket.socket
    frames: BackendFrames
    bytes_at_once: int = 37
    unheard: deque[Piece] = field(default_factory=deque)

    def say(self, *messages: m.FrontendMessage | m.StartupMessage | m.SASLInitialResponse | m.SASLResponse) -> None:
        self.socket.sendall(b"".join([message.encode() for message in messages]))

    def hear(self) -> Piece:
        """The next piece."""
        while not self.unheard:
            data = self.socket.recv(self.bytes_at_once)
            assert data, "the server left"
            self.unheard += self.frames.feed(data)
        return self.unheard.popleft()

    def hear_message(self) -> m.BackendMessage:
        """The next message that is no row."""
        piece = self.hear()
        assert isinstance(piece, Frame)
        message = m.decode_backend(piece.kind, piece.body)
        assert message.encode() == piece.raw
        return message

    def hear_ready(self) -> tuple[list[m.BackendMessage], bytes, int]:
        """Messages up to ReadyForQuery, and apart from them the bytes and number of rows."""
        messages: list[m.BackendMessage] = []
        rows = bytearray()
        count = 0
        while not (messages and isinstance(messages[-1], m.ReadyForQuery)):
            match self.hear():
                case Rows(_, data, number):
                    rows += data
                    count += number
                case piece:
                    self.unheard.appendleft(piece)
                    messages.append(self.hear_message())
        return messages, bytes(rows), count


@contextmanager
def greeted(postgres: Postgres, *, tls: bool) -> Iterator[tuple[Conversation, bytes | None]]:
    """A connection before its StartupMessage, and its channel binding."""
    with socket.create_connection((postgres.host, postgres.port), timeout=20) as plain:
        if not tls:
            yield Conversation(plain, BackendFrames()), None
            return
        plain.sendall(m.SSLRequest().encode())
        assert plain.recv(1) == b"S"
        context = ssl.create_default_context(cafile=str(postgres.ca_file))
        with context.wrap_socket(plain, server_hostname=postgres.host) as wrapped:
            certificate = wrapped.getpeercert(binary_form=True)
            assert certificate is not None
            yield Conversation(wrapped, BackendFrames()), tls_server_end_point(certificate)


def log_in(
    conversation: Conversation, who: Login, binding: bytes | None, offered: tuple[str, ...] | None = None
) -> m.BackendMessage:
    """Startup and SCRAM; AuthenticationOk or what came in its place. `offered` overrides the server's offer."""
    conversation.say(m.StartupMessage({"user": who.user, "database": "postgres", "client_encoding": "UTF8"}))
    offer = conversation.hear_message()
    assert isinstance(offer, m.AuthenticationSASL)
    scram = ScramClient(who.password, secrets.token_urlsafe(18), binding, offered or offer.mechanisms)
    conversation.say(m.SASLInitialResponse(scram.mechanism, scram.first()))
    challenge = conversation.hear_message()
    if not isinstance(challenge, m.AuthenticationSASLContinue):
        return challenge
    conversation.say(m.SASLResponse(scram.final(challenge.data)))
    final = conversation.hear_message()
    if not isinstance(final, m.AuthenticationSASLFinal):
        return final
    scram.verify(final.data)
    assert scram.verified
    assert scram.mechanism == (SCRAM_SHA_256 if binding is None else SCRAM_SHA_256_PLUS)
    return conversation.hear_message()


@contextmanager
def logged_in(postgres: Postgres, *, tls: bool, plus: bool) -> Iterator[Conversation]:
    with greeted(postgres, tls=tls) as (conversation, binding):
        assert log_in(conversation, postgres.superuser, binding if plus else None) == m.AuthenticationOk()
        greetings = {type(message) for message in conversation.hear_ready()[0]}
        assert greetings == {m.ParameterStatus, m.BackendKeyData, m.ReadyForQuery}
        yield conversation


@pytest.fixture(params=[(False, False), (True, False), (True, True)], ids=["plain", "tls", "bound"])
def conversation(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Conversation]:
    tls, plus = request.param
    with logged_in(postgres, tls=tls, plus=plus) as found:
        yield found
        found.say(m.Terminate())


def test_simple_query(conversation: Conversation) -> None:
    conversation.say(m.Query("select oid, relname, null from pg_class order by oid limit 50; selec"))
    messages, _, count = conversation.hear_ready()
    assert [type(message) for message in messages] == [m.ErrorResponse, m.ReadyForQuery]
    assert count == 0

    conversation.say(m.Query("select oid, relname, null::int from pg_class order by oid limit 50; select"))
    messages, rows, count = conversation.hear_ready()
    described, complete, *_ = messages
    assert isinstance(described, m.RowDescription)
    assert [(field.name, field.attribute, field.type_oid) for field in described.fields] == [
        ("oid", 1, 26),
        ("relname", 2, 19),
        ("int4", 0, 23),
    ]
    assert complete == m.CommandComplete("SELECT 50")
    assert count == 51
    (first, *_rest) = rows.split(b"D\0\0", 2)[1:]
    assert m.decode_backend(ord("D"), (b"D\0\0" + first)[5:]).encode() == b"D\0\0" + first


def test_extended_query_in_a_pipeline(conversation: Conversation) -> None:
    conversation.say(
        m.Parse("s", "select $1::int + generate_series(1, 3), $2", (23, 25)),
        m.Describe("S", "s"),
        m.Bind("p", "s", (1, 0), (b"\0\0\0\x05", None), (1,)),
        m.Describe("P", "p"),
        m.Execute("p", 2),
        m.Execute("p"),
        m.Close("S", "s"),
        m.Sync(),
        m.Parse("", "select 1/0"),
        m.Bind("", ""),
        m.Execute(""),
        m.Sync(),
    )
    messages, _, count = conversation.hear_ready()
    assert count == 3
    assert [type(message).__name__ for message in messages] == [
        "ParseComplete",
        "ParameterDescription",
        "RowDescription",
        "BindComplete",
        "RowDescription",
        "PortalSuspended",
        "CommandComplete",
        "CloseComplete",
        "ReadyForQuery",
    ]
    messages, _, _ = conversation.hear_ready()
    (error,) = [message for message in messages if isinstance(message, m.ErrorResponse)]
    assert (error.severity, error.sqlstate) == ("ERROR", "22012")
    assert messages[-1] == m.ReadyForQuery("I")


def test_copy_both_ways(conversation: Conversation) -> None:
    conversation.say(m.Query("create temp table t(a int, b text); copy t from stdin"))
    assert conversation.hear_message() == m.CommandComplete("CREATE TABLE")
    assert conversation.hear_message() == m.CopyInResponse(0, (0, 0))
    lines = b"".join([b"%d\t%s\n" % (number, b"x" * (number % 300)) for number in range(1000)])
    cuts = [lines[at : at + 777] for at in range(0, len(lines), 777)]
    conversation.say(m.Flush(), m.Sync(), *[m.CopyData(cut) for cut in cuts], m.CopyDone())
    messages, _, _ = conversation.hear_ready()
    assert messages == [m.CommandComplete("COPY 1000"), m.ReadyForQuery("I")]

    conversation.say(m.Query("copy t to stdout"))
    messages, rows, count = conversation.hear_ready()
    assert count == 1000
    assert [type(message) for message in messages] == [
        m.CopyOutResponse,
        m.CopyDone,
        m.CommandComplete,
        m.ReadyForQuery,
    ]
    digest = hashlib.sha256()
    while rows:
        size = 1 + int.from_bytes(rows[1:5], "big")
        row = m.decode_backend(rows[0], rows[5:size])
        assert isinstance(row, m.CopyData)
        digest.update(row.data)
        rows = rows[size:]
    assert digest.digest() == hashlib.sha256(lines).digest()

    conversation.say(m.CopyDone(), m.CopyData(b"stray"), m.Query("copy t from stdin"))
    assert conversation.hear_message() == m.CopyInResponse(0, (0, 0))
    conversation.say(m.CopyData(b"1\t2\n"), m.CopyFail("changed my mind"))
    messages, _, _ = conversation.hear_ready()
    (error,) = [message for message in messages if isinstance(message, m.ErrorResponse)]
    assert error.sqlstate == "57014"


def test_a_row_that_is_larger_than_any_buffer_and_looks_like_messages(conversation: Conversation) -> None:
    conversation.bytes_at_once = 65_536
    conversation.say(m.Query(r"select repeat(E'Z\x01\x01\x01\x05IC', 300000)"))
    messages, rows, count = conversation.hear_ready()
    assert count == 1
    assert len(rows) == 7 + 4 + 2_100_000
    assert [type(message) for message in messages] == [m.RowDescription, m.CommandComplete, m.ReadyForQuery]


def test_a_query_during_copy_in_ends_the_connection_as_our_table_says(postgres: Postgres) -> None:
    with logged_in(postgres, tls=False, plus=False) as conversation:
        conversation.say(m.Query("create temp table t(a int); copy t from stdin"))
        assert conversation.hear_message() == m.CommandComplete("CREATE TABLE")
        assert conversation.hear_message() == m.CopyInResponse(0, (0,))
        conversation.say(m.Query("select 1"))
        error, fatal = conversation.hear_message(), conversation.hear_message()
        assert isinstance(error, m.ErrorResponse)
        assert isinstance(fatal, m.ErrorResponse)
        assert (error.severity, error.sqlstate) == ("ERROR", "08P01")
        assert (fatal.severity, fatal.sqlstate) == ("FATAL", "08P01")


def test_a_downgrade_of_the_mechanisms_is_seen_by_the_server(postgres: Postgres) -> None:
    with greeted(postgres, tls=True) as (conversation, binding):
        refused = log_in(conversation, postgres.superuser, binding, (SCRAM_SHA_256,))
        assert isinstance(refused, m.ErrorResponse)
        assert (refused.severity, refused.sqlstate) == ("FATAL", "28000")


def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    wrong = Login(postgres.superuser.user, "not it")
    with greeted(postgres, tls=True) as (conversation, binding):
        answer = log_in(conversation, wrong, binding)
        assert isinstance(answer, m.ErrorResponse)
        assert answer.sqlstate == "28P01"


def test_commands_of_a_pipelined_copy_are_followed(conversation: Conversation) -> None:
    phase = FrontendPhase()
    phase.started()
    phase.authenticated()
    query = m.Query("copy t from stdin")
    said: list[m.FrontendMessage] = [m.Query("create temp table t(a int)")]
    said += query, m.CopyData(b"1\n"), m.CopyDone()
    said += query, m.CopyData(b"x\n"), m.CopyDone()
    said += query, m.CopyFail("no")
    said += (m.Query("copy t to stdout"),)
    conversation.say(*said)
    for message in said:
        phase.accept(message.kind)
    phases: list[Phase] = []
    for _ in range(5):
        for answer in conversation.hear_ready()[0]:
            phase.heard(answer.kind)
            phases.append(phase.phase)
    assert set(phases) == {Phase.READY, Phase.COPY_OUT}
    assert phases[-1:] == [Phase.READY]
    conversation.say(query)
    phase.accept(query.kind)
    phase.heard(conversation.hear_message().kind)
    phases.append(phase.phase)
    assert phases[-1:] == [Phase.COPY_IN]
    conversation.say(m.CopyDone())
    phase.accept(m.CopyDone.kind)
    assert conversation.hear_ready()[0] == [m.CommandComplete("COPY 0"), m.ReadyForQuery("I")]


def test_notifications_notices_and_function_calls(conversation: Conversation) -> None:
    conversation.say(m.Query("listen jobs; notify jobs, 'ready'; do $$begin raise notice 'é'; end$$"))
    messages, _, _ = conversation.hear_ready()
    (notice,) = [message for message in messages if isinstance(message, m.NoticeResponse)]
    assert notice.message == "é"
    (notification,) = [message for message in messages if isinstance(message, m.NotificationResponse)]
    assert (notification.channel, notification.payload) == ("jobs", "ready")

    conversation.say(m.FunctionCall(1740, (0,), (b"7",), 0))  # pg_catalog.numeric(int4)
    messages, _, _ = conversation.hear_ready()
    assert messages == [m.FunctionCallResponse(b"7"), m.ReadyForQuery("I")]
