"""However a stream is cut, the same messages come out, and nothing is kept beyond its limit."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import messages as m
from protocol.errors import ProtocolViolation
from protocol.frames import BackendFrames, Frame, FrontendFrames, Piece, Rows, StartupFrames
from tests.protocol import strategies

patient = settings(deadline=None)


def chunks(stream: bytes, data: st.DataObject) -> list[bytes]:
    """`stream` whole, byte by byte, or cut at random places (with empty chunks among them)."""
    match data.draw(st.sampled_from(["whole", "bytes", "random"])):
        case "whole":
            return [stream]
        case "bytes":
            return [stream[i : i + 1] for i in range(len(stream))]
        case _:
            cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
            return [stream[a:b] for a, b in pairwise([0, *cuts, len(stream)])]


def feed_all(framer: FrontendFrames | BackendFrames | StartupFrames, stream: list[bytes]) -> None:
    for chunk in stream:
        framer.feed(chunk)


# --- client to server


@patient
@given(st.lists(strategies.frontend, max_size=8), st.data())
def test_any_chunking_of_a_client_gives_the_same_frames(messages: list[m.FrontendMessage], data: st.DataObject) -> None:
    raw = [message.encode() for message in messages]
    framer = FrontendFrames()
    got = [frame for chunk in chunks(b"".join(raw), data) for frame in framer.feed(chunk)]
    assert got == [(frame[0], frame) for frame in raw]
    assert framer.buffered == 0


@patient
@given(st.lists(strategies.frontend, max_size=3), st.binary(max_size=30), st.data())
def test_garbage_after_messages_is_a_violation_or_waits(
    messages: list[m.FrontendMessage], garbage: bytes, data: st.DataObject
) -> None:
    raw = [message.encode() for message in messages]
    framer = FrontendFrames(max_length=200)
    got: list[bytes] = []
    refused: set[str] = set()
    for chunk in chunks(b"".join(raw) + garbage, data):
        try:
            got += [frame for _, frame in framer.feed(chunk)]
        except ProtocolViolation as violation:
            refused.add(str(violation))
    assert len(refused) < 2
    assert not (refused and framer.buffered)
    assert got[: len(raw)] == raw[: len(got)]
    assert framer.buffered <= len(garbage)


def test_a_chunk_that_is_one_frame_is_not_copied() -> None:
    raw = m.CopyData(b"x" * 1000).encode()
    assert FrontendFrames().feed(raw)[0][1] is raw


@pytest.mark.parametrize(
    ("header", "sqlstate"),
    [
        (b"Q\0\0\0\x03", "08P01"),
        (b"Q\0\0\0\0", "08P01"),
        (b"Q\xff\xff\xff\xff", "08P01"),
        (b"Q\x80\0\0\0", "08P01"),
        (b"Q\x7f\xff\xff\xff", "54000"),
        (b"Q\x01\0\0\x01", "54000"),
        (b"S\0\0\x27\x11", "54000"),
        (b"E\0\0\x27\x11", "54000"),
        (b"p\0\x01\0\0", "54000"),
        (b"\0", "08P01"),
        (b"z", "08P01"),
        (b"T", "08P01"),
        (b"\x16", "08P01"),
    ],
)
@pytest.mark.parametrize("before", [b"", m.Sync().encode()])
def test_a_header_over_its_limit_is_refused_before_its_body(header: bytes, sqlstate: str, before: bytes) -> None:
    for stream in ([before + header], [before, *(header[i : i + 1] for i in range(len(header)))]):
        framer = FrontendFrames()
        with pytest.raises(ProtocolViolation) as refused:
            feed_all(framer, stream)
        assert refused.value.sqlstate == sqlstate
        assert framer.buffered == 0


def test_limits_are_what_the_settings_say() -> None:
    exact = m.Query("x" * 95).encode()
    assert FrontendFrames(100).feed(exact) == [(ord("Q"), exact)]
    with pytest.raises(ProtocolViolation):
        FrontendFrames(99).feed(exact)
    with pytest.raises(ProtocolViolation):
        FrontendFrames(password_length=50).feed(m.PasswordMessage("x" * 50).encode())


def test_a_byte_at_a_time_costs_linear_time() -> None:
    def seconds(size: int) -> float:
        raw = m.Query("x" * size).encode()
        framer = FrontendFrames()
        start = time.perf_counter()
        got = [frame for i in range(len(raw)) for frame in framer.feed(raw[i : i + 1])]
        assert got == [(ord("Q"), raw)]
        return time.perf_counter() - start

    small = min(seconds(50_000) for _ in range(3))
    large = min(seconds(400_000) for _ in range(2))
    assert large < small * 30  # eight times the bytes; quadratic would be 64 times


# --- server to client


def joined(pieces: list[Piece]) -> list[Piece]:
    """Pieces with each run of rows as one."""
    out: list[Piece] = []
    for piece in pieces:
        match piece, out[-1] if out else None:
            case Rows(kind, data, count), Rows(before, start, counted) if kind == before:
                out[-1] = Rows(kind, start + data, counted + count)
            case _:
                out.append(piece)
    return out


def expected(messages: list[m.BackendMessage]) -> list[Piece]:
    return joined(
        [
            Rows(message.kind, message.encode(), 1)
            if isinstance(message, m.DataRow | m.CopyData)
            else Frame(message.kind, message.encode())
            for message in messages
        ]
    )


@patient
@given(st.lists(strategies.rows | strategies.not_rows | strategies.rows, max_size=12), st.data())
def test_any_chunking_of_a_server_gives_the_same_pieces(messages: list[m.BackendMessage], data: st.DataObject) -> None:
    stream = b"".join([message.encode() for message in messages])
    framer = BackendFrames()
    pieces = [piece for chunk in chunks(stream, data) for piece in framer.feed(chunk)]
    assert joined(pieces) == expected(messages)
    assert framer.buffered == 0
    assert framer.between_messages
    assert all(piece.data for piece in pieces if isinstance(piece, Rows))


def test_rows_that_look_like_messages_are_rows_at_every_cut() -> None:
    fake = m.CommandComplete("DELETE 9").encode() + m.ReadyForQuery("I").encode()
    messages: list[m.BackendMessage] = [
        m.RowDescription((m.Field("a", 1, 1, 17, -1, -1, 1),)),
        m.DataRow((fake, fake * 3)),
        m.DataRow((m.DataRow((fake,)).encode(),)),
        m.CommandComplete("SELECT 2"),
        m.CopyData(fake),
        m.CopyData(b""),
        m.ReadyForQuery("T"),
    ]
    stream = b"".join([message.encode() for message in messages])
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1, 7):
            framer = BackendFrames()
            pieces = framer.feed(stream[:first]) + framer.feed(stream[first:second]) + framer.feed(stream[second:])
            assert joined(pieces) == expected(messages)


def test_a_run_of_rows_is_one_slice() -> None:
    stream = m.DataRow((b"a",)).encode() * 500
    assert BackendFrames().feed(stream) == [Rows(ord("D"), stream, 500)]


def test_a_row_counts_where_its_last_byte_is() -> None:
    row = m.DataRow((b"abcdef",)).encode()
    framer = BackendFrames()
    assert framer.feed(row + row[:8]) == [Rows(ord("D"), row + row[:8], 1, left=len(row) - 8)]
    assert not framer.between_messages
    assert framer.feed(row[8:10]) == [Rows(ord("D"), row[8:10], 0, skip=2, left=len(row) - 10)]
    assert framer.feed(row[10:]) == [Rows(ord("D"), row[10:], 1, skip=len(row) - 10)]
    assert framer.between_messages


def test_half_a_header_is_kept_and_we_are_between_messages() -> None:
    row = m.DataRow((b"abc",)).encode()
    framer = BackendFrames()
    assert framer.feed(row + row[:3]) == [Rows(ord("D"), row, 1)]
    assert framer.between_messages
    assert framer.buffered == 3
    assert framer.feed(row[3:]) == [Rows(ord("D"), row, 1)]


def test_a_huge_row_is_never_kept() -> None:
    size = 1 << 30
    framer = BackendFrames()
    header = b"D" + (size + 4).to_bytes(4, "big")
    chunk = b"Z" * (1 << 20)
    assert framer.feed(header) == [Rows(ord("D"), header, 0, left=size)]
    left = size
    for _ in range(size // len(chunk) - 1):
        left -= len(chunk)
        assert framer.feed(chunk) == [Rows(ord("D"), chunk, 0, skip=len(chunk), left=left)]
        assert framer.buffered == 0
    end = m.ReadyForQuery("I").encode()
    assert framer.feed(chunk + end) == [Rows(ord("D"), chunk, 1, skip=len(chunk)), Frame(ord("Z"), end)]


@pytest.mark.parametrize(
    "stream",
    [
        b"D\0\0\0\x03",
        b"D\xff\xff\xff\xff",
        b"Z\0\x01\0\0",
        b"C\0\0\0\0",
        b"E\x7f\xff\xff\xff",
        b"\0",
        b"Q",
        b"Z\0\0\0\x05I?",
    ],
)
def test_a_server_out_of_step_is_refused(stream: bytes) -> None:
    for cut in ([stream], [stream[i : i + 1] for i in range(len(stream))]):
        framer = BackendFrames()
        with pytest.raises(ProtocolViolation):
            feed_all(framer, cut)
        with pytest.raises(ProtocolViolation):
            framer.feed(b"")


# --- startup


@patient
@given(strategies.startup, st.binary(max_size=20), st.data())
def test_any_chunking_of_a_startup_packet_gives_it_and_the_rest(
    message: m.StartupPacket, rest: bytes, data: st.DataObject
) -> None:
    packet = message.encode()
    framer = StartupFrames()
    pieces = chunks(packet + rest, data)
    for number, chunk in enumerate(pieces):
        got = framer.feed(chunk)
        if got is not None:
            assert got == packet
            assert framer.rest + b"".join(pieces[number + 1 :]) == rest
            return
    raise AssertionError("no packet")


def test_one_startup_packet_may_follow_another() -> None:
    framer = StartupFrames()
    ask, start = m.SSLRequest().encode(), m.StartupMessage({"user": "a"}).encode()
    assert framer.feed(ask + start) == ask
    assert framer.feed(framer.rest) == start
    assert framer.rest == b""


@pytest.mark.parametrize(
    "stream",
    [b"\0\0\0\0", b"\0\0\0\x07", b"\0\0\x27\x11", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\0"],
)
def test_what_is_no_startup_packet_is_refused_by_its_first_bytes(stream: bytes) -> None:
    for cut in ([stream], [stream[i : i + 1] for i in range(len(stream))]):
        framer = StartupFrames()
        with pytest.raises(ProtocolViolation):
            feed_all(framer, cut)
        with pytest.raises(ProtocolViolation):
            framer.feed(b"")
