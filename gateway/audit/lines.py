"""A log's lines. A log is one file, or several segments that follow each other as if they were one; each lies
there as it was written, or compressed since (zstd, `.zst`).
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

#: What a compressed file's name ends in, after the name that the ledger gives it.
COMPRESSED = ".zst"
_PLAIN = ".jsonl"
#: `.2.jsonl` and on: not the first file of its log (the ids of logs have no dots).
_LATER = re.compile(r"\.[1-9]\d*\.jsonl")


def segment(path: Path, number: int) -> Path:
    """The log's segment of that number, from 1; `path` is the first one's, which names the log."""
    return path if number == 1 else path.with_name(f"{path.name.removesuffix(_PLAIN)}.{number}{_PLAIN}")


def plain(path: Path) -> Path:
    """The name that the ledger gives a file, whether it is compressed or not."""
    return path.with_name(path.name.removesuffix(COMPRESSED))


def stored(path: Path) -> Path:
    """The file that holds what the ledger calls `path`. Raises FileNotFoundError."""
    if path.is_file():
        return path
    compressed = path.with_name(path.name + COMPRESSED)
    if compressed.is_file():
        return compressed
    raise FileNotFoundError(2, "No such log", str(path))


def segments(path: Path) -> list[Path]:
    """The names of all segments that are there, of the log whose first one is `path`."""
    found = [path]
    while True:
        following = segment(path, len(found) + 1)
        try:
            stored(following)
        except FileNotFoundError:
            return found
        found.append(following)


def logs(folder: Path) -> list[Path]:
    """The first segment's name of every log below a folder."""
    found = {plain(path) for pattern in ("*.jsonl", "*.jsonl.zst") for path in folder.rglob(pattern)}
    return sorted(path for path in found if not _LATER.search(path.name))


def size(path: Path) -> int:
    """How many bytes were written to a log. Raises FileNotFoundError; OSError, also for a file that was changed."""
    return sum(_size(part) for part in segments(path))


def _size(path: Path) -> int:
    file = stored(path)
    if not file.name.endswith(COMPRESSED):
        return file.stat().st_size
    with file.open("rb") as raw:
        head = raw.read(18)  # the longest header of a frame (RFC 8878, 3.1.1.1)
    try:
        length = zstandard.frame_content_size(head)
    except zstandard.ZstdError as error:
        raise OSError(f"{file.name} is not a compressed log") from error
    if length < 0:
        raise OSError(f"{file.name} does not say its length")
    return length


def last_line(path: Path) -> bytes:
    """The last whole line of a log; empty when there is none. Raises as `opened`."""
    for part in reversed(segments(path)):
        file = stored(part)
        found = _last_compressed(file) if file.name.endswith(COMPRESSED) else _last_plain(file)
        if found:
            return found
    return b""


def _last_plain(path: Path) -> bytes:
    """Read from the file's end."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        block = 4096
        while True:
            start = max(0, size - block)
            file.seek(start)
            tail = file.read(size - start)
            whole = tail[: tail.rfind(b"\n") + 1]
            before = whole.rfind(b"\n", 0, -1)
            if before >= 0 or start == 0:
                return whole[before + 1 :]
            block *= 8


def _last_compressed(path: Path) -> bytes:
    with opened_file(path) as file:
        last = deque(file, maxlen=1)
    return last[0] if last else b""


@contextmanager
def opened(path: Path, at: int = 0) -> Iterator[BinaryIO]:
    """The log's bytes as they were written, from number `at` on; `path` is its first segment's name in the ledger,
    or that of its file. Raises FileNotFoundError, OSError; while it is read also zstandard.ZstdError."""
    with ExitStack() as stack:
        parts = segments(plain(path))
        skipped = 0
        while len(parts) > 1 and skipped + (length := _size(parts[0])) <= at:
            skipped += length
            del parts[0]
        first = stack.enter_context(opened_file(parts[0], at - skipped))
        if len(parts) == 1:
            yield first
            return
        following = _Following(first, parts[1:])
        stack.callback(following.close)
        yield cast(BinaryIO, io.BufferedReader(following, 1 << 18))


@contextmanager
def opened_file(path: Path, at: int = 0) -> Iterator[BinaryIO]:
    """As `opened`, of one file alone: a single segment."""
    while True:
        file = stored(path)
        try:
            raw = file.open("rb")
        except FileNotFoundError:
            if file == path and path.name.endswith(COMPRESSED):
                raise
            continue  # it was compressed in this very moment
        break
    with raw:
        if not file.name.endswith(COMPRESSED):
            raw.seek(at)
            yield raw
            return
        with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as reader:
            whole = cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, reader), 1 << 18))
            while at > 0 and (passed := len(whole.read(min(at, 1 << 20)))):
                at -= passed
            yield whole


class _Following(io.RawIOBase):
    """One file after the other."""

    def __init__(self, first: BinaryIO, following: Sequence[Path]) -> None:
        self._file = first
        self._following = list(following)
        self._stack = ExitStack()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        while True:
            data = self._file.read(len(view))
            if data or not self._following:
                view[: len(data)] = data
                return len(data)
            self._stack.close()
            self._file = self._stack.enter_context(opened_file(self._following.pop(0)))

    def close(self) -> None:
        self._stack.close()
        super().close()
