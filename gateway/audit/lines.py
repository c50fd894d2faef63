"""A log's lines, whether its file lies there as it was written or compressed since (zstd, `.zst`)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

#: What a compressed log's name ends in, after the name that the ledger gives it.
COMPRESSED = ".zst"


def stored(path: Path) -> Path:
    """The file that holds the log which the ledger calls `path`. Raises FileNotFoundError."""
    if path.is_file():
        return path
    compressed = path.with_name(path.name + COMPRESSED)
    if compressed.is_file():
        return compressed
    raise FileNotFoundError(2, "No such log", str(path))


@contextmanager
def opened(path: Path, at: int = 0) -> Iterator[BinaryIO]:
    """The log's bytes as they were written, from number `at` on; `path` is its name in the ledger, or that of its file.
    Raises FileNotFoundError, OSError; while it is read also zstandard.ZstdError."""
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
        with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as plain:
            whole = cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, plain), 1 << 18))
            while at > 0 and (passed := len(whole.read(min(at, 1 << 20)))):
                at -= passed
            yield whole
