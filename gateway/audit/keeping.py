"""Files that nobody writes any more: compressed, copied elsewhere, and removed when their time is over.

Each step can be cut off at any moment. A file is replaced by its compressed form only after that was read
back from the disk and found to hold the same bytes; until then both are there, and the plain one counts.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import time
from typing import BinaryIO, Protocol

import msgspec
import structlog
import zstandard

from gateway.audit import ledger, lines
from gateway.audit.journal import sync_folder

#: Smaller files take a block of the disk either way.
WORTH_COMPRESSING = 4096
_PART = ".part"
_PIECE = 1 << 20


class Copies(Protocol):
    """A place elsewhere that takes what it does not have yet and changes nothing (gateway.audit.copying)."""

    def keep(self, path: Path) -> bool:
        """Copy one file; returns whether it is there now. Never raises."""
        ...

    def has(self, name: str) -> bool:
        """Is this file of the record there?"""
        ...

    @property
    def copied(self) -> int: ...
    @property
    def failed(self) -> int: ...

    def keep_ledger(self) -> None:
        """Copy what the ledger has got since, up to its last checkpoint. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the files of a record are kept. Zero means: not at all."""

    segment_bytes: int = 64 * 1024 * 1024
    segment_seconds: float = 86_400.0
    #: zstd's, 1 to 19.
    compression: int = 6
    retention_days: int = 0
    #: So long a file stays as it is: what has just ended is what people look at.
    settle_seconds: float = 300.0


class Keeper:
    """Looks after one record's closed files; `closed` may be called by any thread, the rest by one."""

    def __init__(self, directory: Path, keeping: Keeping, copies: Copies | None = None) -> None:
        self._directory = directory
        self._keeping = keeping
        self._copies = copies
        self._closed: deque[Path] = deque()
        self._again: list[Path] = []

    def closed(self, path: Path) -> None:
        """This file grows no more."""
        self._closed.append(path)

    def found(self, until: int) -> None:
        """What earlier runs have left to be done, of the logs that were closed in the ledger's first `until` bytes.
        Raises OSError."""
        names: dict[str, list[str]] = {}
        with (self._directory / "ledger.jsonl").open("rb") as file:
            while file.tell() < until:
                line = file.readline()
                if b'"event":{"type":"Log' not in line:
                    continue
                try:
                    event = ledger.read_line(line).event
                except (msgspec.MsgspecError, ValueError):
                    continue  # `audit verify` says that it was changed
                match event:
                    case ledger.LogOpened() | ledger.LogContinued():
                        names.setdefault(event.log, []).append(event.path)
                    case ledger.LogClosed():
                        for name in names.pop(event.log, ()):
                            self._leave(self._directory / name)
                    case _:
                        pass
        # Segments of logs that are open still, but for the one that is written.
        for left in names.values():
            for name in left[:-1]:
                self._leave(self._directory / name)

    def _leave(self, path: Path) -> None:
        if self._copies is not None or path.exists():
            self._closed.append(path)

    @property
    def waiting(self) -> int:
        """So many files are to be compressed or copied."""
        return len(self._closed) + len(self._again)

    def may_go(self, expiry: Expiry) -> bool:
        """Nothing is let go before it was copied, where copies are asked for."""
        copies = self._copies
        return expiry.stated or copies is None or all(copies.has(path) for path in expiry.paths)

    def work(self) -> None:
        """Do what is to be done by now. What fails is tried again the next time."""
        log = structlog.get_logger()
        todo, self._again = self._again, []
        while self._closed:
            todo.append(self._closed.popleft())
        for path in dict.fromkeys(todo):
            try:
                if time() - lines.stored(path).stat().st_mtime < self._keeping.settle_seconds:
                    self._again.append(path)
                    continue
                if self._keeping.compression:
                    compress(path, self._keeping.compression)
                if self._copies is not None and not self._copies.keep(lines.stored(path)):
                    self._again.append(path)
            except FileNotFoundError:
                continue  # expired
            except OSError as error:
                log.warning("log-not-compressed", file=path.name, cause=error.strerror or str(error))
                self._again.append(path)
        if self._copies is not None:
            self._copies.keep_ledger()


def compress(path: Path, level: int) -> bool:
    """Compress a closed file in its place; returns whether it is compressed now. Raises OSError (the file then
    is as it was), FileNotFoundError when there is neither form of it."""
    final = path.with_name(path.name + lines.COMPRESSED)
    if not path.exists():
        lines.stored(path)
        return True
    size = path.stat().st_size
    if size < WORTH_COMPRESSING and not final.exists():
        return False
    part = final.with_name(final.name + _PART)
    part.unlink(missing_ok=True)
    try:
        with path.open("rb") as source, _new(part) as target:
            zstandard.ZstdCompressor(level=level, write_checksum=True).copy_stream(source, target, size=size)
            target.flush()
            os.fsync(target.fileno())
        if _digest_compressed(part) != _digest_plain(path):
            raise OSError(5, "what was written does not read back as it was")
        part.replace(final)
        sync_folder(final.parent)
    except zstandard.ZstdError as error:
        raise OSError(5, str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    path.unlink()
    sync_folder(path.parent)
    return True


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb")


def _digest_plain(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_PIECE):
            digest.update(block)
    return digest.digest()


def _digest_compressed(path: Path) -> bytes:
    """Read from the disk, not from what the kernel remembers, where it lets us."""
    digest = sha256()
    with path.open("rb") as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with zstandard.ZstdDecompressor().stream_reader(file) as plain:
            while block := plain.read(_PIECE):
                digest.update(block)
    return digest.digest()


@dataclass(frozen=True, slots=True)
class Expiry:
    """A log whose time is over. `stated`: the ledger says so already, and its files are still to be removed."""

    log: str
    kind: str
    paths: tuple[str, ...]
    closed: str
    stated: bool


def expiries(directory: Path, before: datetime) -> list[Expiry]:
    """The logs that were closed before that time and are still there. Raises OSError, MsgspecError."""
    opened: dict[str, ledger.LogOpened] = {}
    later: dict[str, list[str]] = {}
    closed: dict[str, str] = {}
    stated: set[str] = set()
    with (directory / "ledger.jsonl").open("rb") as file:
        for line in file:
            if b'"event":{"type":"Log' not in line or line[-1:] != b"\n":
                continue
            read = ledger.read_line(line)
            match read.event:
                case ledger.LogOpened(log=log):
                    opened[log] = read.event
                case ledger.LogContinued(log=log, path=path):
                    later.setdefault(log, []).append(path)
                case ledger.LogClosed(log=log):
                    closed[log] = read.time
                case ledger.LogExpired(log=log):
                    stated.add(log)
                case _:
                    pass
    limit = before.strftime("%Y-%m-%dT%H:%M:%S")
    found = []
    for log, closed_at in closed.items():
        if log not in opened or (closed_at >= limit and log not in stated):
            continue
        paths = (opened[log].path, *later.get(log, ()))
        if log in stated and not any(_files(directory / path) for path in paths):
            continue
        found.append(Expiry(log, opened[log].kind, paths, closed_at, log in stated))
    return found


def before(now: datetime, days: int) -> datetime:
    """What was closed before this has been kept for so many days."""
    return now - timedelta(days=days)


def remove(directory: Path, expiry: Expiry) -> None:
    """Remove a log's files, and the folder of its day when nothing is left in it. Raises OSError."""
    folders = set()
    for path in expiry.paths:
        for file in _files(directory / path):
            file.unlink()
        folders.add((directory / path).parent)
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            sync_folder(folder)
        for empty in (folder, folder.parent, folder.parent.parent):
            try:
                empty.rmdir()
            except OSError:
                break


def _files(path: Path) -> list[Path]:
    """Everything of one segment that is there."""
    forms = ("", ".torn", lines.COMPRESSED, lines.COMPRESSED + _PART)
    return [file for form in forms if (file := path.with_name(path.name + form)).exists()]
