"""Bytes in, whole messages out (manual, 55.2 and 55.7).

Limits are checked on the header, before anything is kept. After a ProtocolViolation a framer is
out of step with its peer, and every further `feed` raises it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from protocol.backend import BACKEND_NAMES
from protocol.codec import MAX_LENGTH
from protocol.errors import ProtocolViolation
from protocol.frontend import FRONTEND_NAMES

_HEADER: Final = Struct(">BI").unpack_from
_LENGTH: Final = Struct(">I").unpack_from

_DATA_ROW: Final = ord("D")
_COPY_DATA: Final = ord("d")

#: Client messages that carry text, values or data, and so may be large.
LARGE_FRONTEND: Final = frozenset(b"QPBFd")
#: Server messages that carry rows, text or many columns; libpq takes any other over 30,000 bytes for lost sync.
LARGE_BACKEND: Final = frozenset(b"TDdENAVtR")

DEFAULT_MAX_LENGTH: Final = 16 * 1024 * 1024
SMALL_FRONTEND_LENGTH: Final = 10_000
SMALL_BACKEND_LENGTH: Final = 30_000


@lru_cache(64)
def _frontend_limits(max_length: int, small_length: int, password_length: int) -> tuple[int, ...]:
    """The longest length of each kind, 0 for what is no message. All framers of a gateway share it (2 kB)."""
    limits = [0] * 256
    for kind in FRONTEND_NAMES:
        limits[kind] = max_length if kind in LARGE_FRONTEND else small_length
    limits[ord("p")] = password_length
    return tuple(limits)


@lru_cache(64)
def _backend_limits(max_length: int, small_length: int) -> tuple[int, ...]:
    limits = [0] * 256
    for kind in BACKEND_NAMES:
        limits[kind] = max_length if kind in LARGE_BACKEND else min(small_length, max_length)
    limits[_DATA_ROW] = limits[_COPY_DATA] = MAX_LENGTH
    return tuple(limits)


class FrontendFrames:
    """Cuts a client's byte stream (after startup) into frames, each its original bytes with header.

    `max_length` bounds messages that carry text, values or data (SQLSTATE 54000 beyond it),
    `small_length` all others, `password_length` the answers to an authentication request. Lengths are
    those of the wire: they count their own four bytes but not the kind byte.
    """

    __slots__ = ("_broken", "_limits", "_need", "_partial")

    def __init__(
        self,
        max_length: int = DEFAULT_MAX_LENGTH,
        *,
        small_length: int = SMALL_FRONTEND_LENGTH,
        password_length: int = 65_535,
    ) -> None:
        self._limits = _frontend_limits(max_length, small_length, password_length)
        self._partial = bytearray()
        #: Size of the frame in `_partial`; 0 while its header is not complete.
        self._need = 0
        self._broken: tuple[str, str] | None = None

    @property
    def buffered(self) -> int:
        """Bytes kept of a frame that is not complete."""
        return len(self._partial)

    @property
    def idle(self) -> bool:
        """Between two frames, and in step: what comes next begins one."""
        return not self._partial and self._broken is None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The frames that `data` completes, as (kind, frame)."""
        if self._broken is not None:
            raise ProtocolViolation(*self._broken)
        try:
            return self._cut(data)
        except ProtocolViolation as violation:
            self._broken = (violation.message, violation.sqlstate)
            self._partial.clear()
            raise

    def _cut(self, data: bytes) -> list[tuple[int, bytes]]:
        frames: list[tuple[int, bytes]] = []
        position = 0
        partial = self._partial
        if partial:
            # Each byte is appended once and copied out once, however small the chunks are.
            if not self._need:
                position = 5 - len(partial)
                partial += data[:position]
                if len(partial) < 5:
                    return frames
                self._need = self._size(*_HEADER(partial))
            missing = self._need - len(partial)
            partial += data[position : position + missing]
            if len(partial) < self._need:
                return frames
            position += missing
            frames.append((partial[0], bytes(partial)))
            self._partial = bytearray()
            self._need = 0
        limits = self._limits
        end = len(data)
        while end - position >= 5:
            kind, length = _HEADER(data, position)
            if not 4 <= length <= limits[kind]:
                self._size(kind, length)
            stop = position + 1 + length
            if stop > end:
                self._need = length + 1
                break
            frames.append((kind, data[position:stop]))
            position = stop
        if position < end:
            if not limits[data[position]]:
                self._size(data[position], 4)
            self._partial += data[position:]
        return frames

    def _size(self, kind: int, length: int) -> int:
        """Bytes of the whole frame; ProtocolViolation if it cannot be, or is too long."""
        limit = self._limits[kind]
        if not limit:
            raise ProtocolViolation(f"invalid frontend message type {kind}")
        _check_length(FRONTEND_NAMES[kind], length, limit)
        return length + 1


def _check_length(name: str, length: int, limit: int) -> None:
    if not 4 <= length <= MAX_LENGTH:
        raise ProtocolViolation(f"invalid length of {name} message")
    if length > limit:
        raise ProtocolViolation(f"{name} message of {length} bytes is over the limit of {limit}", "54000")


@dataclass(frozen=True, slots=True)
class Rows:
    """A run of DataRow (kind D) or of CopyData (kind d) as one slice of the stream.

    It may start or end in the middle of a row; `count` is the number of rows whose last byte is in it.
    """

    kind: int
    data: bytes
    count: int
    #: How many bytes at its start belong to a row that began before, and how many of its last row are still to come.
    skip: int = 0
    left: int = 0

    def until(self, rows: int, size: int) -> int:
        """The place in `data` up to which no more than `rows` rows and `size` bytes go, the row that began
        before being one of them; the last of them may go on beyond the end. It is finished in any case."""
        data, end, position = self.data, len(self.data), self.skip
        taken = 1 if position else 0
        while position < end and taken < rows:
            (length,) = _LENGTH(data, position + 1)
            if position + 1 + length > size:
                break
            position += 1 + length
            taken += 1
        return min(position, end)

    def counted(self, end: int) -> int:
        """How many rows have their last byte before `end`."""
        position, rows = self.skip, 1 if self.skip and self.skip <= end else 0
        while position < end:
            position += 1 + _LENGTH(self.data, position + 1)[0]
            rows += position <= end
        return rows


# A NamedTuple and no frozen dataclass: made in half the time, several times a transaction.
class Frame(NamedTuple):
    """Any other message, whole: `raw` is its header and body."""

    kind: int
    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw[5:]


Piece = Rows | Frame


class BackendFrames:
    """Cuts a server's byte stream into pieces by hopping from header to header.

    Rows are never collected: what is there of them is passed on, and how much of the last one is still
    to come is remembered, so what a row holds is never read as a header. `max_length` bounds all other
    messages, which are kept until they are whole.
    """

    __slots__ = ("_broken", "_limits", "_need", "_partial", "_row_kind", "_row_left")

    def __init__(self, max_length: int = 2 * DEFAULT_MAX_LENGTH, *, small_length: int = SMALL_BACKEND_LENGTH) -> None:
        self._limits = _backend_limits(max_length, small_length)
        self._partial = bytearray()
        self._need = 0
        self._row_kind = _DATA_ROW
        self._row_left = 0
        self._broken: tuple[str, str] | None = None

    @property
    def between_messages(self) -> bool:
        """Whether the pieces given out so far end with a whole message, so that one of ours may follow."""
        return not self._row_left

    @property
    def buffered(self) -> int:
        """Bytes kept of a message that is not complete."""
        return len(self._partial)

    @property
    def idle(self) -> bool:
        """Between two messages, and in step: what comes next begins one."""
        return not self._partial and not self._row_left and self._broken is None

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces in `data`; put together they are the stream without the bytes still kept."""
        if self._broken is not None:
            raise ProtocolViolation(*self._broken)
        try:
            return self._cut(data)
        except ProtocolViolation as violation:
            self._broken = (violation.message, violation.sqlstate)
            self._partial.clear()
            raise

    def _cut(self, data: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        start = count = 0
        if self._need:
            start = self._finish(data, pieces)
        elif self._partial:
            # At most four bytes of a header were kept.
            data = bytes(self._partial) + data
            self._partial.clear()
        end = len(data)
        row_kind = self._row_kind
        position = start
        skip = 0
        if self._row_left:
            position += self._row_left
            if position > end:
                self._row_left -= end - start
                if start < end:
                    pieces.append(Rows(row_kind, data[start:], 0, end - start, self._row_left))
                return pieces
            skip = self._row_left
            self._row_left = 0
            count = 1
        limits = self._limits
        last = end - 5
        length = 0
        # The hop: 0.1 µs a row. Everything that is not a row of the same run is below it; a row that is too
        # long hops over the end.
        while position <= last:
            kind, length = _HEADER(data, position)
            if kind == row_kind and length > 3:
                position += length + 1
                count += 1
                continue
            if not 4 <= length <= limits[kind]:
                self._refuse(kind, length)
            stop = position + 1 + length
            if position > start:
                pieces.append(Rows(row_kind, data[start:position], count, skip))
                start = position
                count = skip = 0
            if kind in (_DATA_ROW, _COPY_DATA):
                self._row_kind = row_kind = kind
                continue
            if stop > end:
                self._need = length + 1
                break
            pieces.append(Frame(kind, data[position:stop]))
            position = start = stop
        if position > end:
            if length > MAX_LENGTH:
                self._refuse(row_kind, length)
            self._row_left = position - end
            pieces.append(Rows(row_kind, data[start:], count - 1, skip, position - end))
            return pieces
        if position > start:
            pieces.append(Rows(row_kind, data[start:position], count, skip))
        if position < end:
            if not limits[data[position]]:
                self._refuse(data[position], 4)
            self._partial += data[position:]
        return pieces

    def _finish(self, data: bytes, pieces: list[Piece]) -> int:
        """Add to the message that is kept; the position in `data` after it."""
        partial = self._partial
        missing = self._need - len(partial)
        partial += data[:missing]
        if len(partial) < self._need:
            return len(data)
        pieces.append(Frame(partial[0], bytes(partial)))
        self._partial = bytearray()
        self._need = 0
        return missing

    def _refuse(self, kind: int, length: int) -> None:
        limit = self._limits[kind]
        if not limit:
            raise ProtocolViolation(f"invalid backend message type {kind}")
        _check_length(BACKEND_NAMES[kind], length, limit)


class StartupFrames:
    """Collects the untyped packet that opens a connection.

    A TLS ClientHello, an HTTP request or anything else that is no PostgreSQL is refused by its first
    four bytes, which would be an absurd length.
    """

    __slots__ = ("_broken", "_max_length", "_partial", "rest")

    def __init__(self, max_length: int = 10_000) -> None:
        self._max_length = max_length
        self._partial = bytearray()
        self._broken: tuple[str, str] | None = None
        #: Bytes that came after the packet. After an SSLRequest they are an attack: nobody may
        #: speak before the answer to it.
        self.rest = b""

    def feed(self, data: bytes) -> bytes | None:
        """The packet with its length word when it is whole, else None. Then the framer is ready for a
        further packet, which needs `rest` fed to it."""
        if self._broken is not None:
            raise ProtocolViolation(*self._broken)
        partial = self._partial
        partial += data
        if len(partial) < 4:
            return None
        (length,) = _LENGTH(partial)
        if not 8 <= length <= self._max_length:
            self._broken = ("invalid length of startup packet", "08P01")
            partial.clear()
            raise ProtocolViolation(*self._broken)
        if len(partial) < length:
            return None
        packet = bytes(partial[:length])
        self.rest = bytes(partial[length:])
        self._partial = bytearray()
        return packet
