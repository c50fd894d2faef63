"""One log on disk: a chained file that only grows, by whole lines or not at all.

A write that fails half-way is taken back; until that has worked, nothing more is accepted, and
the first line after it says since when nothing could be written. PG-independent; write(2),
fsync(2) and ftruncate(2) are all it needs.
"""

from __future__ import annotations

import errno
import os
import threading
from binascii import hexlify
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from gateway.audit import chain
from gateway.audit.chain import Head, make_line, rfc3339
from gateway.audit.facts import RecordResumed

Clock = Callable[[], datetime]
#: The number of the line before -> the bodies of the next lines.
Compose = Callable[[int], Sequence[bytes]]
#: A composed line -> the line to write.
Finish = Callable[[bytes], bytes]

_NEW = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW

_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class RecordUnavailable(Exception):
    """The record cannot be written now: what was to be recorded is not, and must not happen.
    The message is the operating system's word for it."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The system calls that a disk can fail at; an argument so that tests can let them."""

    write: Callable[[int, bytes], int] = os.write
    sync: Callable[[int], None] = _sync_data
    truncate: Callable[[int, int], None] = os.ftruncate


@dataclass(slots=True)
class Trouble:
    """Since when and why a log cannot be written, and how many facts it had to turn down."""

    since: str
    cause: str
    facts: int
    #: fsync failed: what was written since the last good one must be read back before it counts.
    unsynced: bool = False


class Journal:
    """A log that is open for writing. Safe to append to in one thread while another syncs."""

    __slots__ = (
        "_clock",
        "_disk",
        "_fd",
        "_lock",
        "_named",
        "_position",
        "_stamp",
        "_synced",
        "_syncing",
        "_uncommitted",
        "name",
        "path",
        "trouble",
    )

    def __init__(
        self, path: Path, fd: int, head: Head, size: int, *, clock: Clock, disk: Disk, gathers: bool = False
    ) -> None:
        self.path = path
        self.name = _name(path)
        self._fd = fd
        self._clock = clock
        self._disk = disk
        self._stamp = chain.Stamp()
        self._lock = threading.Lock()
        #: Held while the file is synced, and while another takes its place.
        self._syncing = threading.Lock()
        #: Head and size always change together: one reference, so a reader sees both or neither.
        self._position = (head, size)
        self._synced = (head, size)
        #: Is the file's name on disk too?
        self._named = True
        #: What was written and is neither synced nor in the commit log; None where there is none.
        self._uncommitted: list[bytes] | None = [] if gathers else None
        self.trouble: Trouble | None = None

    @classmethod
    def create(cls, path: Path, first: bytes, *, clock: Clock, disk: Disk, gathers: bool = False) -> Journal:
        """A new file with its first line. Raises RecordUnavailable, and then leaves no file behind.
        `gathers`: what is written is kept for a commit log until it is synced."""
        try:
            try:
                fd = os.open(path, _NEW, 0o600)
            except FileNotFoundError:  # the first of its day
                make_folders(path.parent)
                fd = os.open(path, _NEW, 0o600)
        except OSError as error:
            raise RecordUnavailable(error.strerror or str(error)) from error
        journal = cls(path, fd, Head(0, b""), 0, clock=clock, disk=disk, gathers=gathers)
        try:
            write_all(disk, fd, first)
        except OSError as error:
            journal.dispose()
            path.unlink(missing_ok=True)
            raise RecordUnavailable(error.strerror or str(error)) from error
        journal._position = (Head(1, chain.digest_of(first)), len(first))
        journal._synced = (Head(0, first[chain.PREV]), 0)
        journal._named = False
        if journal._uncommitted is not None:
            journal._uncommitted.append(first)
        return journal

    @classmethod
    def reopen(cls, path: Path, head: Head, size: int, *, clock: Clock, disk: Disk, gathers: bool = False) -> Journal:
        """An existing file whose last whole line is `head` and ends at `size`."""
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        return cls(path, fd, head, size, clock=clock, disk=disk, gathers=gathers)

    @property
    def head(self) -> Head:
        return self._position[0]

    @property
    def size(self) -> int:
        """Bytes in the file that is written now."""
        return self._position[1]

    @property
    def named(self) -> bool:
        """Is the file's name on disk?"""
        return self._named

    def name_is_on_disk(self) -> None:
        """Its folder was synced after the file was made."""
        self._named = True

    @property
    def dirty(self) -> bool:
        """Is there something that no sync has covered, or something to repair?"""
        return self._position is not self._synced or self.trouble is not None

    def append(self, count: int, compose: Compose, finish: Finish | None = None) -> None:
        """Write `count` events as the next lines, in one write. All or none: raises RecordUnavailable.

        `compose` is told the number of the line before them and returns their bodies (what is
        sealed is bound to its line's number); `finish` may turn each composed line into another
        (a signature at its end). After an interruption, the line that states it goes first.
        """
        with self._lock:
            if self.trouble is None:
                self._write(compose(self._position[0].seq), finish)
            else:
                self._resume(count, compose, finish)

    def add(self, body: bytes, finish: Finish | None = None) -> None:
        """Write one event as the next line. Raises RecordUnavailable."""
        self.append(1, lambda _: [body], finish)

    def resume(self) -> None:
        """Try to get over a trouble now. Raises RecordUnavailable when it is still there."""
        with self._lock:
            if self.trouble is not None:
                self._resume(0, lambda _: [], None)

    def sync(self) -> Head:
        """Bring what is written to the disk; returns the head that is safe there.
        Raises RecordUnavailable; the log then refuses until the data was read back."""
        if self.trouble is not None:
            self.resume()
        with self._syncing:
            return self._sync()

    def _sync(self) -> Head:
        position = self._position
        if position is not self._synced:
            try:
                self._disk.sync(self._fd)
                if not self._named:
                    sync_folder(self.path.parent)
                    self._named = True
            except OSError as error:
                with self._lock:
                    self._fail(error, 0, unsynced=True)
            self._synced = position
            if self._uncommitted:
                with self._lock:
                    if self._position is position:
                        self._uncommitted.clear()
        return position[0]

    def roll(self, path: Path) -> None:
        """Go on in a new file, `path`; all that came before is on disk in the old one. Raises RecordUnavailable,
        and then goes on in the old one."""
        self.sync()
        path.unlink(missing_ok=True)  # left by an attempt that failed
        try:
            fd = os.open(path, _NEW, 0o600)
        except OSError as error:
            raise RecordUnavailable(error.strerror or str(error)) from error
        try:
            sync_folder(path.parent)
            with self._syncing, self._lock:
                if self.trouble is not None:
                    raise RecordUnavailable(self.trouble.cause)
                try:
                    self._disk.sync(self._fd)  # the few lines that came since
                except OSError as error:
                    self._fail(error, 0, unsynced=True)
                fd, self._fd = self._fd, fd
                self.path, self.name = path, _name(path)
                self._position = self._synced = (self._position[0], 0)
                if self._uncommitted:
                    self._uncommitted.clear()
        except (OSError, RecordUnavailable) as error:
            path.unlink(missing_ok=True)
            if isinstance(error, RecordUnavailable):
                raise
            raise RecordUnavailable(error.strerror or str(error)) from error
        finally:
            os.close(fd)

    def take_uncommitted(self) -> tuple[str, int, bytes] | None:
        """What was written and is not known to be on the disk, with its file's name and its place there; the
        commit log has it from here on. None: there is nothing."""
        with self._lock:
            if not self._uncommitted:
                return None
            lines = b"".join(self._uncommitted)
            self._uncommitted.clear()
            return self.name, self._position[1] - len(lines), lines

    def dispose(self) -> None:
        """Give the file back. Nothing is written; an append that comes later is refused, and does
        not go into whatever file gets this number next."""
        fd, self._fd = self._fd, -1
        os.close(fd)

    def _write(self, bodies: Sequence[bytes], finish: Finish | None) -> None:
        head, size = self._position
        seq, digest = head.seq, head.digest
        time = self._stamp(self._clock())
        lines = []
        for body in bodies:
            seq += 1
            line = make_line(digest, time, seq, body)
            if finish is not None:
                line = finish(line)
            digest = hexlify(sha256(line).digest())
            lines.append(line)
        chunk = b"".join(lines)
        try:
            written = self._disk.write(self._fd, chunk)
            if written != len(chunk):
                write_all(self._disk, self._fd, chunk[written:])
        except OSError as error:
            self._fail(error, len(bodies))
        self._position = (Head(seq, digest), size + len(chunk))
        if self._uncommitted is not None:
            self._uncommitted.append(chunk)

    def _fail(self, error: OSError, facts: int, *, unsynced: bool = False) -> None:
        """Take a half-written line back, remember why, refuse."""
        cause = error.strerror or str(error)
        if self.trouble is None:
            self.trouble = Trouble(rfc3339(self._clock()), cause, 0)
        self.trouble.facts += facts
        self.trouble.unsynced |= unsynced
        try:
            self._take_back()
        except OSError:
            # Not possible now: _resume tries again before anything else is written.
            raise RecordUnavailable(cause) from error
        raise RecordUnavailable(cause) from error

    def _take_back(self) -> None:
        size = self._position[1]
        if os.fstat(self._fd).st_size > size:
            self._disk.truncate(self._fd, size)

    def _resume(self, count: int, compose: Compose, finish: Finish | None) -> None:
        """Repair, then write, and first of all state the interruption."""
        trouble = self.trouble
        if trouble is None:
            return
        before = trouble.facts
        try:
            self._take_back()
            if trouble.unsynced:
                self._read_back()
                trouble.unsynced = False
        except OSError as error:
            trouble.facts = before + count
            raise RecordUnavailable(error.strerror or str(error)) from error
        resumed = RecordResumed(since=trouble.since, cause=trouble.cause, facts=before)
        bodies = [b'"event":' + chain.json_of(resumed), *compose(self._position[0].seq + 1)]
        try:
            self._write(bodies, finish)
        except RecordUnavailable:
            trouble.facts = before + count  # the line that states the interruption is no fact of the caller's
            raise
        self.trouble = None

    def _read_back(self) -> None:
        """After a failed fsync the kernel may have dropped what was written (and say so only
        once): sync again, read the bytes from the disk, and see that they chain to our head."""
        self._disk.sync(self._fd)
        (start_head, start), (head, size) = self._synced, self._position
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._fd, start, 0, os.POSIX_FADV_DONTNEED)
        data = os.pread(self._fd, size - start, start)
        walk = chain.follow(BytesIO(data), start_head.digest, after=start_head.seq)
        if walk.breaks or walk.head != head:
            raise OSError(errno.EIO, "what was written did not reach the disk")
        self._synced = self._position


def _name(path: Path) -> str:
    """The path within the record: the ledger's, or kind, day and file."""
    return path.name if path.name == "ledger.jsonl" else "/".join(path.parts[-5:])


def write_all(disk: Disk, fd: int, data: bytes) -> None:
    """write(2) until all is written. Raises OSError; a disk that takes nothing more raises at the next call."""
    while data:
        written = disk.write(fd, data)
        if written <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[written:]


def make_folders(folder: Path) -> None:
    """Make missing folders, closed to others, each brought to disk in its parent."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
