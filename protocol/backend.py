"""What a server says (manual, 55.2 and 55.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Literal, Self

from protocol.authentication import (
    AuthenticationCleartextPassword,
    AuthenticationGSS,
    AuthenticationGSSContinue,
    AuthenticationKerberosV5,
    AuthenticationMD5Password,
    AuthenticationOk,
    AuthenticationRequest,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
    AuthenticationSSPI,
    read_request,
)
from protocol.codec import (
    Reader,
    count,
    cstring,
    format_code,
    formats,
    frame,
    int8,
    int16,
    int32,
    oid,
    oids,
    value,
    values,
)
from protocol.copying import Bare, CopyData, CopyDone
from protocol.errors import LocalProtocolError, ProtocolViolation
from protocol.reports import ErrorResponse, NoticeResponse
from protocol.startup import CANCEL_KEY_BYTES, PROTOCOL_3_0

__all__ = [
    "BACKEND_NAMES",
    "AuthenticationCleartextPassword",
    "AuthenticationGSS",
    "AuthenticationGSSContinue",
    "AuthenticationKerberosV5",
    "AuthenticationMD5Password",
    "AuthenticationOk",
    "AuthenticationRequest",
    "AuthenticationSASL",
    "AuthenticationSASLContinue",
    "AuthenticationSASLFinal",
    "AuthenticationSSPI",
    "BackendKeyData",
    "BackendMessage",
    "BindComplete",
    "CloseComplete",
    "CommandComplete",
    "CopyBothResponse",
    "CopyData",
    "CopyDone",
    "CopyInResponse",
    "CopyOutResponse",
    "DataRow",
    "EmptyQueryResponse",
    "ErrorResponse",
    "Field",
    "FunctionCallResponse",
    "NegotiateProtocolVersion",
    "NoData",
    "NoticeResponse",
    "NotificationResponse",
    "ParameterDescription",
    "ParameterStatus",
    "ParseComplete",
    "PortalSuspended",
    "ReadyForQuery",
    "RowDescription",
    "decode_backend",
]


@dataclass(frozen=True, slots=True)
class BackendKeyData:
    """What a CancelRequest must quote."""

    kind: ClassVar[int] = ord("K")
    pid: int
    key: bytes = field(repr=False)

    def encode(self) -> bytes:
        if len(self.key) not in CANCEL_KEY_BYTES:
            raise LocalProtocolError("a cancel key has 4 to 256 bytes")
        return frame(self.kind, int32(self.pid) + self.key)

    @classmethod
    def read(cls, body: Reader) -> Self:
        message = cls(body.int32(), body.rest())
        if len(message.key) not in CANCEL_KEY_BYTES:
            raise body.violation("a cancel key has 4 to 256 bytes")
        return message


@dataclass(frozen=True, slots=True)
class NegotiateProtocolVersion:
    """The newest version the server speaks (as 3 << 16 | minor, which is what servers send), and the
    `_pq_.` options of the startup packet that it does not know."""

    kind: ClassVar[int] = ord("v")
    version: int = PROTOCOL_3_0
    options: tuple[str, ...] = ()

    def encode(self) -> bytes:
        names = b"".join([cstring(name) for name in self.options])
        return frame(self.kind, int32(self.version) + int32(len(self.options)) + names)

    @classmethod
    def read(cls, body: Reader) -> Self:
        version = body.int32()
        number = body.int32()
        if number < 0:
            raise body.violation("a negative number of options")
        return cls(version, tuple([body.cstring() for _ in range(number)]))


@dataclass(frozen=True, slots=True)
class ParameterStatus:
    kind: ClassVar[int] = ord("S")
    name: str
    value: str

    def encode(self) -> bytes:
        return frame(self.kind, cstring(self.name) + cstring(self.value))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.cstring(), body.cstring())


@dataclass(frozen=True, slots=True)
class ReadyForQuery:
    """I: idle, T: in a transaction block, E: in a failed one."""

    kind: ClassVar[int] = ord("Z")
    status: Literal["I", "T", "E"]

    def encode(self) -> bytes:
        return frame(self.kind, self.status.encode())

    @classmethod
    def read(cls, body: Reader) -> Self:
        match body.int8():
            case 0x49:
                return cls("I")
            case 0x54:
                return cls("T")
            case 0x45:
                return cls("E")
            case _:
                raise body.violation("unknown transaction status")


_FIELD = Struct(">IhIhi")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result. `table_oid` and `attribute` are 0 when it is no plain table column;
    `format` is 0 (text, or not yet known) or 1 (binary)."""

    name: str
    table_oid: int
    attribute: int
    type_oid: int
    type_size: int
    type_modifier: int
    format: int

    def encode(self) -> bytes:
        return (
            cstring(self.name)
            + oid(self.table_oid)
            + int16(self.attribute)
            + oid(self.type_oid)
            + int16(self.type_size)
            + int32(self.type_modifier)
            + format_code(self.format)
        )

    @classmethod
    def read(cls, body: Reader) -> Self:
        name = body.cstring()
        table_oid, attribute, type_oid, type_size, type_modifier = body.structure(_FIELD)
        return cls(name, table_oid, attribute, type_oid, type_size, type_modifier, body.format())


@dataclass(frozen=True, slots=True)
class RowDescription:
    kind: ClassVar[int] = ord("T")
    fields: tuple[Field, ...]

    def encode(self) -> bytes:
        return frame(self.kind, count(len(self.fields)) + b"".join([each.encode() for each in self.fields]))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(tuple([Field.read(body) for _ in range(body.count())]))


@dataclass(frozen=True, slots=True)
class DataRow:
    kind: ClassVar[int] = ord("D")
    values: tuple[bytes | None, ...] = field(repr=False)

    def encode(self) -> bytes:
        return frame(self.kind, values(self.values))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.values())


@dataclass(frozen=True, slots=True)
class ParameterDescription:
    kind: ClassVar[int] = ord("t")
    types: tuple[int, ...]

    def encode(self) -> bytes:
        return frame(self.kind, oids(self.types))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.oids())


@dataclass(frozen=True, slots=True)
class CommandComplete:
    kind: ClassVar[int] = ord("C")
    tag: str

    def encode(self) -> bytes:
        return frame(self.kind, cstring(self.tag))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.cstring())

    @property
    def rows(self) -> int | None:
        """How many rows the command read or changed, where its tag says so: `INSERT 0 5` → 5."""
        number = self.tag.rpartition(" ")[2]
        return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else None


@dataclass(frozen=True, slots=True)
class _CopyResponse:
    """A copy begins: the overall format, and one format for each column."""

    kind: ClassVar[int]
    format: int = 0
    formats: tuple[int, ...] = ()

    def encode(self) -> bytes:
        return frame(self.kind, int8(self.format) + formats(self.formats))

    @classmethod
    def read(cls, body: Reader) -> Self:
        overall = body.int8()
        if overall not in (0, 1):
            raise body.violation("unsupported format code")
        return cls(overall, body.formats())


@dataclass(frozen=True, slots=True)
class CopyInResponse(_CopyResponse):
    kind: ClassVar[int] = ord("G")


@dataclass(frozen=True, slots=True)
class CopyOutResponse(_CopyResponse):
    kind: ClassVar[int] = ord("H")


@dataclass(frozen=True, slots=True)
class CopyBothResponse(_CopyResponse):
    """Only in streaming replication."""

    kind: ClassVar[int] = ord("W")


@dataclass(frozen=True, slots=True)
class FunctionCallResponse:
    kind: ClassVar[int] = ord("V")
    result: bytes | None = field(repr=False)

    def encode(self) -> bytes:
        return frame(self.kind, value(self.result))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.value())


@dataclass(frozen=True, slots=True)
class NotificationResponse:
    kind: ClassVar[int] = ord("A")
    pid: int
    channel: str
    payload: str = field(repr=False)

    def encode(self) -> bytes:
        return frame(self.kind, int32(self.pid) + cstring(self.channel) + cstring(self.payload))

    @classmethod
    def read(cls, body: Reader) -> Self:
        return cls(body.int32(), body.cstring(), body.cstring())


@dataclass(frozen=True, slots=True)
class ParseComplete(Bare):
    kind: ClassVar[int] = ord("1")


@dataclass(frozen=True, slots=True)
class BindComplete(Bare):
    kind: ClassVar[int] = ord("2")


@dataclass(frozen=True, slots=True)
class CloseComplete(Bare):
    kind: ClassVar[int] = ord("3")


@dataclass(frozen=True, slots=True)
class EmptyQueryResponse(Bare):
    kind: ClassVar[int] = ord("I")


@dataclass(frozen=True, slots=True)
class NoData(Bare):
    kind: ClassVar[int] = ord("n")


@dataclass(frozen=True, slots=True)
class PortalSuspended(Bare):
    kind: ClassVar[int] = ord("s")


BackendMessage = (
    AuthenticationRequest
    | BackendKeyData
    | BindComplete
    | CloseComplete
    | CommandComplete
    | CopyBothResponse
    | CopyData
    | CopyDone
    | CopyInResponse
    | CopyOutResponse
    | DataRow
    | EmptyQueryResponse
    | ErrorResponse
    | FunctionCallResponse
    | NegotiateProtocolVersion
    | NoData
    | NoticeResponse
    | NotificationResponse
    | ParameterDescription
    | ParameterStatus
    | ParseComplete
    | PortalSuspended
    | ReadyForQuery
    | RowDescription
)

_READERS: dict[int, tuple[str, Callable[[Reader], BackendMessage]]] = {
    AuthenticationOk.kind: ("Authentication", read_request),
    BackendKeyData.kind: ("BackendKeyData", BackendKeyData.read),
    BindComplete.kind: ("BindComplete", BindComplete.read),
    CloseComplete.kind: ("CloseComplete", CloseComplete.read),
    CommandComplete.kind: ("CommandComplete", CommandComplete.read),
    CopyBothResponse.kind: ("CopyBothResponse", CopyBothResponse.read),
    CopyData.kind: ("CopyData", CopyData.read),
    CopyDone.kind: ("CopyDone", CopyDone.read),
    CopyInResponse.kind: ("CopyInResponse", CopyInResponse.read),
    CopyOutResponse.kind: ("CopyOutResponse", CopyOutResponse.read),
    DataRow.kind: ("DataRow", DataRow.read),
    EmptyQueryResponse.kind: ("EmptyQueryResponse", EmptyQueryResponse.read),
    ErrorResponse.kind: ("ErrorResponse", ErrorResponse.read),
    FunctionCallResponse.kind: ("FunctionCallResponse", FunctionCallResponse.read),
    NegotiateProtocolVersion.kind: ("NegotiateProtocolVersion", NegotiateProtocolVersion.read),
    NoData.kind: ("NoData", NoData.read),
    NoticeResponse.kind: ("NoticeResponse", NoticeResponse.read),
    NotificationResponse.kind: ("NotificationResponse", NotificationResponse.read),
    ParameterDescription.kind: ("ParameterDescription", ParameterDescription.read),
    ParameterStatus.kind: ("ParameterStatus", ParameterStatus.read),
    ParseComplete.kind: ("ParseComplete", ParseComplete.read),
    PortalSuspended.kind: ("PortalSuspended", PortalSuspended.read),
    ReadyForQuery.kind: ("ReadyForQuery", ReadyForQuery.read),
    RowDescription.kind: ("RowDescription", RowDescription.read),
}

#: Kind byte → name of the message; R stands for all authentication requests.
BACKEND_NAMES: dict[int, str] = {kind: name for kind, (name, _) in _READERS.items()}


def decode_backend(kind: int, body: bytes) -> BackendMessage:
    """The message of a server; `body` is the frame without its five header bytes."""
    known = _READERS.get(kind)
    if known is None:
        raise ProtocolViolation(f"invalid backend message type {kind}")
    name, read = known
    reader = Reader(body, name)
    message = read(reader)
    reader.end()
    return message
