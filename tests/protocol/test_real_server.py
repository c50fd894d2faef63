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
from protocol.frames import BackendFrames, Frame, Piece, Rows
from protocol.scram import SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramClient, tls_server_end_point
from tests.support.postgres import Postgres


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
def logged_in(postgres: Postgres, *, tls: bool, plus: bool) -> Iterator[Conversation]:
    who = postgres.superuser
    with socket.create_connection((postgres.host, postgres.port), timeout=20) as plain:
        connection, binding = plain, None
        if tls:
            plain.sendall(m.SSLRequest().encode())
            assert plain.recv(1) == b"S"
            context = ssl.create_default_context(cafile=str(postgres.ca_file))
            wrapped = context.wrap_socket(plain, server_hostname=postgres.host)
            certificate = wrapped.getpeercert(binary_form=True)
            assert certificate is not None
            connection, binding = wrapped, tls_server_end_point(certificate)
        conversation = Conversation(connection, BackendFrames())
        try:
            conversation.say(m.StartupMessage({"user": who.user, "database": "postgres", "client_encoding": "UTF8"}))
            offer = conversation.hear_message()
            assert isinstance(offer, m.AuthenticationSASL)
            offered = offer.mechanisms if plus else (SCRAM_SHA_256,)
            if not plus and binding is not None:
                # A "y" would rightly be taken for a downgrade: this server does offer PLUS.
                binding = None
            scram = ScramClient(who.password, secrets.token_urlsafe(18), binding, offered, require_binding=plus)
            assert scram.mechanism == (SCRAM_SHA_256_PLUS if plus else SCRAM_SHA_256)
            conversation.say(m.SASLInitialResponse(scram.mechanism, scram.first()))
            challenge = conversation.hear_message()
            assert isinstance(challenge, m.AuthenticationSASLContinue)
            conversation.say(m.SASLResponse(scram.final(challenge.data)))
            messages, _, _ = conversation.hear_ready()
            final, ok, *greetings = messages
            assert isinstance(final, m.AuthenticationSASLFinal), final
            scram.verify(final.data)
            assert scram.verified
            assert ok == m.AuthenticationOk()
            kinds = {type(message) for message in greetings}
            assert kinds == {m.ParameterStatus, m.BackendKeyData, m.ReadyForQuery}
            yield conversation
            conversation.say(m.Terminate())
        finally:
            if connection is not plain:
                connection.close()


@pytest.fixture(params=[(False, False), (True, False), (True, True)], ids=["plain", "tls", "bound"])
def conversation(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Conversation]:
    tls, plus = request.param
    with logged_in(postgres, tls=tls, plus=plus) as found:
        yield found


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
