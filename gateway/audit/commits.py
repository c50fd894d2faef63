"""The commit log: the newest lines of all logs side by side in one file, so that one fdatasync makes the
events of every session durable. After a power cut the logs are made up from it.

It is no part of the record and proves nothing: it holds what the logs hold too, for as long as their own
files may not be on the disk. Two files take turns. When everything that one of them holds has reached the
logs' own files, it is written from its beginning again. A file is a sequence of frames, each at a multiple
of 4,096 bytes, so that no block of an acknowledged frame is ever written again:

    8 bytes  "PGCCMT1\\n"       8 bytes  generation, one more at each turn       8 bytes  length of the content
    32 bytes SHA-256 of the 24 bytes before and the content
    content: MessagePack, [[path within the record, offset, lines], …]
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from struct import Struct

import msgspec

from gateway.audit.journal import Disk, make_folders, sync_folder, write_all
from gateway.audit.lines import COMPRESSED

#: Written full of zeros when it is made: later writes change no size, so that fdatasync writes data alone.
SIZE = 8 * 1024 * 1024
#: Far more than a second can bring; then the logs themselves are brought to disk.
MOST = 256 * 1024 * 1024

_NAMES = ("commits-1", "commits-2")
_MAGIC = b"PGCCMT1\n"
_HEAD = Struct(">8sQQ")
_DIGEST_BYTES = 32
_ALIGN = 4096
#: What a frame may write to: nothing outside of the record, whatever the file says.
_PATH = re.compile(r"ledger\.jsonl|(?:sessions|control)/\d{4}/\d\d/\d\d/[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\.jsonl")


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """Lines that were appended to the file `path` of the record, at `offset`."""

    path: str
    offset: int
    lines: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Piece]).decode


class CommitLog:
    """Both files of one record, made anew. One thread at a time."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        """Raises OSError."""
        self._disk = disk
        self._files: list[int] = []
        try:
            for name in _NAMES:
                self._files.append(_made(directory / name, disk))
            sync_folder(directory)
        except OSError:
            self.close()
            raise
        self._active = 0
        self._position = 0
        self._generation = 1
        #: The other file holds nothing any more that is not in the logs' own files.
        self._other_is_free = True

    def write(self, pieces: Sequence[Piece]) -> None:
        """Bring these lines to disk. Raises OSError."""
        if self._position > MOST:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        content = _encode(pieces)
        head = _HEAD.pack(_MAGIC, self._generation, len(content))
        filling = bytes(-(_HEAD.size + _DIGEST_BYTES + len(content)) % _ALIGN)
        frame = b"".join((head, sha256(head + content).digest(), content, filling))
        fd = self._files[self._active]
        write_all(self._disk, fd, frame)
        self._disk.sync(fd)
        self._position += len(frame)

    def turn(self) -> None:
        """What comes from here on goes to the other file, if nothing in it is needed any more."""
        if self._other_is_free and self._position:
            self._active = 1 - self._active
            os.lseek(self._files[self._active], 0, os.SEEK_SET)
            self._position = 0
            self._generation += 1
            self._other_is_free = False

    def free(self) -> None:
        """Everything that was written before the last turn is in the logs' own files, on disk."""
        self._other_is_free = True

    def close(self) -> None:
        for fd in self._files:
            os.close(fd)
        self._files.clear()


def _made(path: Path, disk: Disk) -> int:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        write_all(disk, fd, bytes(SIZE))
        os.fsync(fd)
        os.lseek(fd, 0, os.SEEK_SET)
    except OSError:
        os.close(fd)
        raise
    return fd


def remove(directory: Path) -> None:
    """Every line is in its own log: nothing has to be made up from here any more. Raises OSError."""
    for name in _NAMES:
        (directory / name).unlink(missing_ok=True)


def left(directory: Path) -> list[Piece]:
    """What a gateway that did not end in order has left, oldest first. Raises OSError."""
    frames = [frame for name in _NAMES for frame in _frames(directory / name)]
    frames.sort(key=lambda frame: frame[:2])
    return [piece for _, _, pieces in frames for piece in pieces]


def _frames(path: Path) -> Iterator[tuple[int, int, list[Piece]]]:
    """(generation, position, pieces) of each whole frame."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        position, generation = 0, 0
        while True:
            file.seek(position)
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            magic, number, length = _HEAD.unpack(head)
            if magic != _MAGIC or (generation and number != generation) or length > MOST * 2:
                return
            digest, content = file.read(_DIGEST_BYTES), file.read(length)
            if sha256(head + content).digest() != digest:
                return
            try:
                pieces = _decode(content)
            except msgspec.MsgspecError:
                return
            yield number, position, pieces
            generation = number
            position += -(-(_HEAD.size + _DIGEST_BYTES + length) // _ALIGN) * _ALIGN


def make_up(directory: Path, pieces: Sequence[Piece], wanted: Callable[[str], bool]) -> int:
    """Write into the files that are `wanted` what did not reach them; returns how many files that changed.
    Raises OSError."""
    changed: set[Path] = set()
    for piece in pieces:
        if not _PATH.fullmatch(piece.path) or not wanted(piece.path):
            continue
        path = directory / piece.path
        if _put(path, piece):
            changed.add(path)
    for path in changed:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    for folder in {path.parent for path in changed}:
        sync_folder(folder)
    return len(changed)


def _put(path: Path, piece: Piece) -> bool:
    """Returns whether anything was missing."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    if path.with_name(path.name + COMPRESSED).exists():
        return False  # all of it was on disk before it was compressed
    if piece.offset == 0 and not path.exists():
        make_folders(path.parent)
        flags |= os.O_CREAT
    try:
        fd = os.open(path, flags, 0o600)
    except FileNotFoundError:
        return False  # and no beginning of it either: this is not to be made up from here
    try:
        if os.fstat(fd).st_size < piece.offset or os.pread(fd, len(piece.lines), piece.offset) == piece.lines:
            return False
        os.lseek(fd, piece.offset, os.SEEK_SET)
        write_all(Disk(), fd, piece.lines)
        return True
    finally:
        os.close(fd)
