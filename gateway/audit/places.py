"""Where records are: a gateway of one process has one, of several workers one more for each, below the first."""

from __future__ import annotations

import re
from pathlib import Path

_WORKER = re.compile(r"worker-([1-9][0-9]{0,2})")


def worker_record(directory: Path, index: int) -> Path:
    """Where the record of this worker is."""
    return directory / f"worker-{index}"


def worker_records(directory: Path) -> list[tuple[int, Path]]:
    """The records of all workers that there have ever been, by number."""
    found = [(_WORKER.fullmatch(path.name), path) for path in directory.glob("worker-*") if path.is_dir()]
    return sorted((int(match[1]), path) for match, path in found if match)


def all_records(directory: Path) -> list[Path]:
    """The gateway's own record and those of its workers."""
    return [directory, *(path for _, path in worker_records(directory))]
