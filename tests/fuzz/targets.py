"""What is fuzzed: each target takes bytes and raises when a promise is broken.

The promises are the same everywhere: whatever comes in, the answer is a message or a
ProtocolViolation; what was decoded encodes to bytes that decode to the same message; however a
stream is cut, the same comes out of it; and nothing keeps more than its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from protocol.authentication import decode_gss_response, decode_password, decode_sasl_initial, decode_sasl_response
from protocol.backend import BACKEND_NAMES, decode_backend
from protocol.errors import ProtocolViolation
from protocol.frames import BackendFrames, FrontendFrames, Rows, StartupFrames
from protocol.frontend import FRONTEND_NAMES, decode_frontend
from protocol.messages import BackendMessage, FrontendMessage
from protocol.scram import SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramClient
from protocol.startup import StartupPacket, decode_startup
from protocol.trace import trace_backend, trace_frontend

Target = Callable[[bytes], None]

#: The longest message that the framers under test let through, small so that limits are reached.
LONGEST = 4096
_AUTHENTICATION_RESPONSE = ord("p")


def pieces(data: bytes) -> Iterator[bytes]:
    """The rest of `data`, cut as its first byte says: whole, or in pieces of 1 to 255 bytes."""
    size = data[0] if data else 0
    stream = data[1:]
    if not size:
        yield stream
        return
    for at in range(0, len(stream), size):
        yield stream[at : at + size]


def frontend_frames(data: bytes) -> None:
    """A client's stream, whole and cut."""
    whole = _frontend(iter((data[1:],)))
    assert _frontend(pieces(data)) == whole


def _frontend(stream: Iterator[bytes]) -> tuple[list[tuple[int, bytes]], bool]:
    """The frames before the first violation when all comes in one piece, and whether there was one."""
    framer = FrontendFrames(LONGEST, small_length=LONGEST, password_length=LONGEST)
    frames: list[tuple[int, bytes]] = []
    for chunk in stream:
        try:
            frames += framer.feed(chunk)
        except ProtocolViolation:
            return [], True
        assert framer.buffered <= LONGEST + 1
    for kind, raw in frames:
        assert raw[0] == kind
        assert int.from_bytes(raw[1:5], "big") == len(raw) - 1
        frontend_message(kind, raw[5:])
    return frames, False


def backend_frames(data: bytes) -> None:
    """A server's stream, whole and cut: the same messages, the same bytes of rows, the same number of rows."""
    assert _backend(pieces(data)) == _backend(iter((data[1:],)))


def _backend(stream: Iterator[bytes]) -> tuple[list[tuple[int, bytes, int]], bool] | None:
    framer = BackendFrames(LONGEST, small_length=LONGEST)
    told: list[tuple[int, bytes, int]] = []
    for chunk in stream:
        try:
            found = framer.feed(chunk)
        except ProtocolViolation:
            return None
        assert framer.buffered <= LONGEST + 1
        for piece in found:
            if not isinstance(piece, Rows):
                told.append((piece.kind, piece.raw, 1))
                backend_message(piece.kind, piece.body)
            elif told and told[-1][0] == piece.kind and piece.kind in b"Dd":
                told[-1] = (piece.kind, told[-1][1] + piece.data, told[-1][2] + piece.count)
            else:
                told.append((piece.kind, piece.data, piece.count))
    return told, framer.between_messages


def startup_frames(data: bytes) -> None:
    """The untyped packets before a session, each followed by the next."""
    framer = StartupFrames(LONGEST)
    for chunk in pieces(data):
        rest = chunk
        while rest:
            try:
                packet = framer.feed(rest)
            except ProtocolViolation:
                return
            if packet is None:
                break
            assert int.from_bytes(packet[:4], "big") == len(packet)
            startup_packet(packet[4:])
            rest = framer.rest


def frontend_message(kind: int, body: bytes) -> None:
    if kind == _AUTHENTICATION_RESPONSE:
        return authentication_response(body)
    message: FrontendMessage
    try:
        message = decode_frontend(kind, body)
    except ProtocolViolation:
        return None
    again = message.encode()
    assert decode_frontend(again[0], again[5:]) == message
    return _printable(trace_frontend(message))


def backend_message(kind: int, body: bytes) -> None:
    message: BackendMessage
    try:
        message = decode_backend(kind, body)
    except ProtocolViolation:
        return
    again = message.encode()
    assert decode_backend(again[0], again[5:]) == message
    _printable(trace_backend(message))


def startup_packet(body: bytes) -> None:
    packet: StartupPacket
    try:
        packet = decode_startup(body)
    except ProtocolViolation:
        return
    assert decode_startup(packet.encode()[4:]) == packet
    _printable(trace_frontend(packet))


def authentication_response(body: bytes) -> None:
    """The four things that a p message can be."""
    for decode in (decode_password, decode_sasl_initial, decode_sasl_response, decode_gss_response):
        try:
            message = decode(body)
        except ProtocolViolation:
            continue
        assert decode(message.encode()[5:]) == message


def scram(data: bytes) -> None:
    """What a server may say in an exchange: the mechanisms, the challenge, its signature."""
    first, _, last = data[1:].partition(b"\0")
    if b"i=" in first and len(first.rpartition(b"i=")[2].partition(b",")[0]) > 4:
        return  # an honest exchange of many rounds takes long, and is bounded elsewhere
    offered = (SCRAM_SHA_256, SCRAM_SHA_256_PLUS)[: 1 + data[0] % 2] if data else (SCRAM_SHA_256,)
    client = ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO", b"binding" if data[:1] > b"\x7f" else None, offered)
    client.first()
    try:
        client.final(first)
        client.verify(last)
    except ProtocolViolation:
        return
    raise AssertionError("a server that does not know the password was believed")


def _printable(line: str) -> None:
    """A trace is one line, without anything that a terminal would act on."""
    assert line.isprintable()


def _message(kind: int, check: Callable[[int, bytes], None]) -> Target:
    def target(body: bytes) -> None:
        check(kind, body)

    return target


TARGETS: Mapping[str, Target] = {
    "frontend-frames": frontend_frames,
    "backend-frames": backend_frames,
    "startup-frames": startup_frames,
    "startup": startup_packet,
    "authentication-response": authentication_response,
    "scram": scram,
    **{
        f"frontend-{name}": _message(kind, frontend_message)
        for kind, name in FRONTEND_NAMES.items()
        if kind != _AUTHENTICATION_RESPONSE
    },
    **{f"backend-{name}": _message(kind, backend_message) for kind, name in BACKEND_NAMES.items()},
}
