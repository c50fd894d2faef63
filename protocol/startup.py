"""The untyped packets that open a connection (manual, 55.2.1, 55.2.10, 55.2.11 and 55.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.codec import Reader, cstring, int32, untyped_frame
from protocol.errors import LocalProtocolError, ProtocolViolation

PROTOCOL_3_0 = 3 << 16
PROTOCOL_3_2 = 3 << 16 | 2
#: The newest one that is spoken here.
NEWEST = PROTOCOL_3_2

CANCEL_CODE = 1234 << 16 | 5678
SSL_CODE = 1234 << 16 | 5679
GSSENC_CODE = 1234 << 16 | 5680

#: A cancel key is four bytes in protocol 3.0, and 4 to 256 in 3.2.
CANCEL_KEY_BYTES = range(4, 257)


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """Who the client is and what it wants; `version` is 3 << 16 | minor."""

    parameters: Mapping[str, str]
    version: int = PROTOCOL_3_0

    @property
    def spoken(self) -> int:
        """The version that the conversation goes on in: the client's, or the newest known here if that
        is older. 3.1 was never given a meaning; PostgreSQL takes it without a word, and so do we."""
        return min(self.version, NEWEST)

    @property
    def options(self) -> tuple[str, ...]:
        """Options of the protocol itself that the client asks for. None has been defined yet."""
        return tuple(name for name in self.parameters if name.startswith("_pq_."))

    def encode(self) -> bytes:
        parts = [int32(self.version)]
        for name, text in self.parameters.items():
            if not name:
                raise LocalProtocolError("a startup parameter needs a name")
            parts += cstring(name), cstring(text)
        return untyped_frame(b"".join(parts) + b"\0")


@dataclass(frozen=True, slots=True)
class SSLRequest:
    """May we speak TLS? Answered by the single byte S or N."""

    def encode(self) -> bytes:
        return untyped_frame(int32(SSL_CODE))


@dataclass(frozen=True, slots=True)
class GSSENCRequest:
    """May we speak GSSAPI encryption? Answered by the single byte G or N."""

    def encode(self) -> bytes:
        return untyped_frame(int32(GSSENC_CODE))


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Cancel what the session of this BackendKeyData is doing. Never answered."""

    pid: int
    key: bytes = field(repr=False)

    def encode(self) -> bytes:
        if len(self.key) not in CANCEL_KEY_BYTES:
            raise LocalProtocolError("a cancel key has 4 to 256 bytes")
        return untyped_frame(int32(CANCEL_CODE) + int32(self.pid) + self.key)


StartupPacket = StartupMessage | SSLRequest | GSSENCRequest | CancelRequest


def decode_startup(body: bytes) -> StartupPacket:
    """The packet whose bytes after the length word are `body`.

    Protocol 2 and unknown versions are refused with SQLSTATE 0A000, everything malformed with 08P01.
    """
    reader = Reader(body, "startup")
    code = reader.int32()
    if code == SSL_CODE:
        reader.end()
        return SSLRequest()
    if code == GSSENC_CODE:
        reader.end()
        return GSSENCRequest()
    if code == CANCEL_CODE:
        request = CancelRequest(reader.int32(), reader.rest())
        if len(request.key) not in CANCEL_KEY_BYTES:
            raise reader.violation("a cancel key has 4 to 256 bytes")
        return request
    if code >> 16 != 3:
        raise ProtocolViolation(
            f"unsupported frontend protocol {code >> 16 & 0xFFFF}.{code & 0xFFFF}: server supports 3.0 to 3.2", "0A000"
        )
    parameters: dict[str, str] = {}
    while name := reader.cstring():
        if name in parameters:
            raise reader.violation("a parameter is given twice")
        parameters[name] = reader.cstring()
    reader.end()
    return StartupMessage(parameters, code)
