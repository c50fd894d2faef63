"""Are all records of a gateway whole: its own, and those of its workers?

Each is a record of its own and verifies by itself. That none was taken away as a whole is told by the
gateway's own control log, which names each worker's record when the worker begins to serve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit import lines
from gateway.audit.facts import WorkerStarted
from gateway.audit.places import all_records
from gateway.audit.replay import Unreadable, record_id
from gateway.audit.verify import LEDGER, Finding, Report, verify

_STARTED = b'"event":{"type":"WorkerStarted"'


class _Line(msgspec.Struct):
    event: WorkerStarted


_line = msgspec.json.Decoder(_Line)


def verify_all(
    directory: Path,
    keys: Sequence[Ed25519PublicKey],
    *,
    since: datetime | None = None,
    checkpoint: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """As `verify`, for the gateway's record and all of its workers'. A checkpoint kept elsewhere may be
    of any of them."""
    total = Report()
    named = _named(directory)
    records = all_records(directory)
    holder = _holder(records, checkpoint)
    for record in records:
        prefix = "" if record == directory else f"{record.name}/"
        report = verify(
            record,
            keys,
            since=since,
            checkpoint=checkpoint if record == holder else None,
            progress=None if progress is None else _after(total.bytes, progress),
        )
        total.findings += [replace(finding, file=prefix + finding.file) for finding in report.findings]
        total.sessions += report.sessions
        total.logs += report.logs
        total.events += report.events
        total.bytes += report.bytes
        total.expired += report.expired
        total.seconds += report.seconds
        total.checkpoints += report.checkpoints
        total.last_checkpoint = max(total.last_checkpoint, report.last_checkpoint)
    total.findings += _missing(directory, named)
    total.findings.sort()
    return total


def _after(done: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda read: progress(done + read)


def _holder(records: Sequence[Path], checkpoint: bytes | None) -> Path:
    """The record that a checkpoint is of; where it is in none, the gateway's own is to say so."""
    if checkpoint is not None:
        line = checkpoint.strip() + b"\n"
        for record in records:
            if (record / LEDGER).is_file():
                with (record / LEDGER).open("rb") as file:
                    if line in file:
                        return record
    return records[0]


def _named(directory: Path) -> dict[str, tuple[str, str, int]]:
    """Worker's record -> its id, and where that is said."""
    named: dict[str, tuple[str, str, int]] = {}
    for path in lines.logs(directory / "control"):
        # What cannot be decompressed was changed: `verify` says so.
        with suppress(zstandard.ZstdError), lines.opened(path) as file:
            for number, line in enumerate(file, 1):
                if _STARTED in line:
                    try:
                        started = _line.decode(line).event
                    except (msgspec.MsgspecError, ValueError):
                        continue  # `verify` says that it was changed
                    named[started.worker] = (started.record, path.relative_to(directory).as_posix(), number)
    return named


def _missing(directory: Path, named: dict[str, tuple[str, str, int]]) -> list[Finding]:
    findings: list[Finding] = []
    for worker, (record, file, line) in named.items():
        try:
            there = record_id(directory / worker)
        except (Unreadable, OSError):
            there = ""
        if there != record:
            what = "removed or replaced: the record of this worker is not the one that the control log names"
            findings.append(Finding(worker, 0, "broken", f"{what} ({file}:{line})"))
    return findings
