"""Integers, strings and frames of the wire (manual, 55.7). What does not fit exactly is refused."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct, error

from protocol.errors import LocalProtocolError, ProtocolViolation

_INT8 = Struct(">B")
_INT16 = Struct(">h")
_UINT16 = Struct(">H")
_INT32 = Struct(">i")
_UINT32 = Struct(">I")
_HEADER = Struct(">BI")
_UNPACK_INT32 = _INT32.unpack_from

#: Format codes: 0 text, 1 binary.
FORMATS = frozenset((0, 1))

#: A message's length is a signed Int32 that counts itself.
MAX_LENGTH = 0x7FFF_FFFF


@lru_cache(256)
def repeated(letter: str, number: int) -> Struct:
    """So many numbers of one kind, one after the other."""
    return Struct(f">{number}{letter}")


class Reader:
    """Reads one message body from front to back.

    Every read past the end, unterminated string or impossible length raises ProtocolViolation;
    `end()` raises it for what is left over.
    """

    __slots__ = ("_body", "_position", "_what")

    def __init__(self, body: bytes, what: str) -> None:
        self._body = body
        self._position = 0
        self._what = what

    def violation(self, problem: str, sqlstate: str = "08P01") -> ProtocolViolation:
        """The exception to raise about this message."""
        return ProtocolViolation(f"malformed {self._what} message: {problem}", sqlstate)

    def _number(self, form: Struct) -> int:
        try:
            (value,) = form.unpack_from(self._body, self._position)
        except error:
            raise self.violation("it ends too early") from None
        self._position += form.size
        return int(value)

    def int8(self) -> int:
        return self._number(_INT8)

    def int16(self) -> int:
        return self._number(_INT16)

    def count(self) -> int:
        """A number of things: Int16 on the wire, read unsigned as PostgreSQL does (up to 65,535)."""
        return self._number(_UINT16)

    def int32(self) -> int:
        return self._number(_INT32)

    def oid(self) -> int:
        return self._number(_UINT32)

    def cstring(self) -> str:
        """A zero-terminated UTF-8 string."""
        start = self._position
        end = self._body.find(0, start)
        if end < 0:
            raise self.violation("a string has no end")
        self._position = end + 1
        try:
            return self._body[start:end].decode()
        except UnicodeDecodeError:
            raise self.violation("a string is not valid UTF-8", "22021") from None

    def report_text(self) -> str:
        """A zero-terminated string of a report (ErrorResponse, NoticeResponse).

        Before a session's encoding is set, and from SQL_ASCII databases, a server may send what is
        no UTF-8. Its words matter more than its spelling, so foreign bytes become \\xff escapes.
        """
        start = self._position
        end = self._body.find(0, start)
        if end < 0:
            raise self.violation("a string has no end")
        self._position = end + 1
        return self._body[start:end].decode(errors="backslashreplace")

    def take(self, length: int) -> bytes:
        stop = self._position + length
        if length < 0 or stop > len(self._body):
            raise self.violation("a length points past its end")
        value = self._body[self._position : stop]
        self._position = stop
        return value

    def value(self) -> bytes | None:
        """Int32 length and that many bytes; -1 is NULL."""
        length = self.int32()
        return None if length == -1 else self.take(length)

    def values(self) -> tuple[bytes | None, ...]:
        """Int16 count and that many values; in one loop, because each execution of a statement comes by here."""
        body = self._body
        size = len(body)
        found: list[bytes | None] = []
        number = self.count()
        position = self._position
        for _ in range(number):
            start = position + 4
            if start > size:
                raise self.violation("it ends too early")
            (length,) = _UNPACK_INT32(body, position)
            if length == -1:
                found.append(None)
                position = start
                continue
            position = start + length
            if length < 0 or position > size:
                raise self.violation("a length points past its end")
            found.append(body[start:position])
        self._position = position
        return tuple(found)

    def structure(self, form: Struct) -> tuple[int, ...]:
        """Several numbers at once."""
        try:
            found = form.unpack_from(self._body, self._position)
        except error:
            raise self.violation("it ends too early") from None
        self._position += form.size
        return found

    def oids(self) -> tuple[int, ...]:
        """Int16 count and that many OIDs."""
        return self.structure(repeated("I", self.count()))

    def formats(self) -> tuple[int, ...]:
        """Int16 count and that many format codes: 0 text, 1 binary."""
        number = self.count()
        if not number:
            return ()
        codes = self.structure(repeated("h", number))
        if not FORMATS.issuperset(codes):
            raise self.violation("unsupported format code")
        return codes

    def format(self) -> int:
        code = self.int16()
        if code not in FORMATS:
            raise self.violation("unsupported format code")
        return code

    def rest(self) -> bytes:
        """All that is left."""
        value = self._body[self._position :]
        self._position = len(self._body)
        return value

    def end(self) -> None:
        if self._position != len(self._body):
            raise self.violation("it goes on after its end")


def _packed(form: Struct, value: int) -> bytes:
    try:
        return form.pack(value)
    except error:
        raise LocalProtocolError(f"{value} does not fit into {form.size} bytes") from None


def int8(value: int) -> bytes:
    return _packed(_INT8, value)


def int16(value: int) -> bytes:
    return _packed(_INT16, value)


def count(value: int) -> bytes:
    return _packed(_UINT16, value)


def int32(value: int) -> bytes:
    return _packed(_INT32, value)


def oid(value: int) -> bytes:
    return _packed(_UINT32, value)


def oids(numbers: tuple[int, ...]) -> bytes:
    """Int16 count and that many OIDs."""
    return count(len(numbers)) + b"".join([oid(number) for number in numbers])


def cstring(text: str) -> bytes:
    """`text` in UTF-8 with its zero byte; LocalProtocolError if it cannot be said on the wire."""
    if "\0" in text:
        raise LocalProtocolError("a string on the wire cannot hold a zero byte")
    try:
        return text.encode() + b"\0"
    except UnicodeEncodeError:
        raise LocalProtocolError("a string on the wire must be valid Unicode") from None


def value(data: bytes | None) -> bytes:
    return b"\xff\xff\xff\xff" if data is None else int32(len(data)) + data


def values(many: Iterable[bytes | None]) -> bytes:
    """Int16 count and that many values."""
    encoded = [value(data) for data in many]
    return count(len(encoded)) + b"".join(encoded)


def formats(codes: tuple[int, ...]) -> bytes:
    """Int16 count and that many format codes."""
    return count(len(codes)) + b"".join([format_code(code) for code in codes])


def format_code(code: int) -> bytes:
    if code not in (0, 1):
        raise LocalProtocolError(f"there is no format code {code}")
    return int16(code)


def frame(kind: int, body: bytes = b"") -> bytes:
    """A typed message: kind byte, Int32 length (which counts itself), body."""
    length = len(body) + 4
    if length > MAX_LENGTH:
        raise LocalProtocolError("a message cannot be longer than 2 GiB")
    return _HEADER.pack(kind, length) + body


def untyped_frame(body: bytes) -> bytes:
    """A packet of the startup phase, which has no kind byte."""
    return int32(len(body) + 4) + body
