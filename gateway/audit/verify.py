"""Is the record whole? Reads a record directory and names each place where it is not.

Needs the record's public key, and nothing else of the gateway that wrote it. A record can be
verified while a gateway writes it. What cannot be told from the directory alone: that its
newest part was cut off so that it looks like a crash. A checkpoint kept elsewhere tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Literal

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit import chain, ledger, lines
from gateway.audit.chain import Break, Head

LEDGER = "ledger.jsonl"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place. `kind`: "broken" (something was changed, or cannot be trusted), "cut" (a crash
    ended this log; what is there verifies), "open" (nobody has closed it: a gateway is running,
    or died and was not started again). `line` is 1-based; 0 means the file as a whole."""

    file: str
    line: int
    kind: Literal["broken", "cut", "open"]
    what: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    findings: list[Finding] = field(default_factory=list)
    sessions: int = 0
    logs: int = 0
    events: int = 0
    bytes: int = 0
    checkpoints: int = 0
    last_checkpoint: str = ""
    #: Logs of which a signed tombstone says that they were removed for their age.
    expired: int = 0
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Nothing was changed. (Logs may be open, or cut by a crash.)"""
        return not any(finding.kind == "broken" for finding in self.findings)

    @property
    def cut(self) -> bool:
        """Did a crash end any of the logs?"""
        return any(finding.kind == "cut" for finding in self.findings)


@dataclass(slots=True)
class _Log:
    """What the ledger says of one log."""

    opened: ledger.LogOpened
    line: int
    time: str
    #: Later segments.
    later: list[str] = field(default_factory=list)
    #: The line of its tombstone.
    expired: int = 0
    closed: ledger.LogClosed | None = None
    closed_at: str = ""
    #: number -> (digest, line of the ledger), from checkpoints.
    signed: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Book:
    """What the ledger says."""

    record: str = ""
    logs: dict[str, _Log] = field(default_factory=dict)
    checkpoints: list[tuple[int, bytes]] = field(default_factory=list)
    stopped: bool = False
    #: The last line is a checkpoint.
    signed_end: bool = False
    #: Line number and what is wrong with what it says.
    wrong: list[tuple[int, str]] = field(default_factory=list)


def verify(
    directory: Path,
    public_key: Ed25519PublicKey | Sequence[Ed25519PublicKey],
    *,
    since: datetime | None = None,
    checkpoint: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Verify a record directory.

    In: the record's public key (several after a rotation); `since`: look into logs that were open
    at that time or later (the ledger is read whole anyway); `checkpoint`: a checkpoint line kept
    elsewhere, which the ledger must still hold; `progress` is told bytes read.
    Out: a Report. Raises OSError when the directory cannot be read.
    """
    keys = (public_key,) if isinstance(public_key, Ed25519PublicKey) else tuple(public_key)
    report = Report()
    began = monotonic()
    # Files first, ledger second: the ledger knows of a log before its file is there.
    files = sorted(_files(directory))
    book = _verify_ledger(directory, {ledger.signer_id(key): key for key in keys}, report, checkpoint)
    cutoff = "" if since is None else chain.rfc3339(since)
    for log in book.logs.values():
        if log.closed is not None and log.closed_at < cutoff:
            continue
        _verify_log(directory, book, log, report)
        if progress is not None:
            progress(report.bytes)
    known = {path for log in book.logs.values() for path in (log.opened.path, *log.later)}
    report.findings += [_unknown(directory, file) for file in files if file not in known]
    report.findings.sort()
    report.seconds = monotonic() - began
    return report


def _files(directory: Path) -> set[str]:
    """By the names that the ledger gives them."""
    return {
        lines.plain(path).relative_to(directory).as_posix()
        for folder in ("sessions", "control")
        for pattern in ("*.jsonl", "*.jsonl.zst")
        for path in (directory / folder).rglob(pattern)
    }


def _unknown(directory: Path, file: str) -> Finding:
    try:
        empty = not lines.stored(directory / file).stat().st_size
    except FileNotFoundError:
        empty = False
    if empty:
        return Finding(file, 0, "cut", "empty, and unknown to the ledger: a power cut came when it was made")
    what = "the ledger does not know this file: it was put here, or the ledger was cut or replaced"
    return Finding(file, 0, "broken", what)


def _verify_ledger(
    directory: Path, keys: dict[str, Ed25519PublicKey], report: Report, checkpoint: bytes | None
) -> _Book:
    book = _Book()
    path = directory / LEDGER
    if not path.is_file():
        report.findings.append(Finding(LEDGER, 0, "broken", "the ledger is missing"))
        return book
    with path.open("rb") as file:
        walk = chain.follow(_reading(file, book), chain.genesis(chain.ledger_name()))
    report.bytes += walk.size
    if walk.undecided and book.checkpoints and book.checkpoints[-1][0] == walk.undecided:
        good = ledger.signature_problem(book.checkpoints[-1][1], keys) is None
        line = walk.undecided - 1 if good else walk.undecided
        walk.breaks[-1] = Break(line, "changed: not what the last checkpoint was chained to")
    for broken in walk.breaks:
        report.findings.append(Finding(LEDGER, broken.line, "broken", broken.what))
    changed = {broken.line for broken in walk.breaks}
    for number, what in book.wrong:
        if number not in changed:
            report.findings.append(Finding(LEDGER, number, "broken", what))
    for number, raw in book.checkpoints:
        problem = ledger.signature_problem(raw, keys)
        if problem is not None and number not in changed:
            report.findings.append(Finding(LEDGER, number, "broken", f"checkpoint: {problem}"))
    report.checkpoints = len(book.checkpoints)
    if book.checkpoints and (header := chain.header_of(book.checkpoints[-1][1])) is not None:
        report.last_checkpoint = header.time
    if walk.lines == 0:
        report.findings.append(Finding(LEDGER, 0, "broken", "the ledger is empty"))
    elif not book.checkpoints:
        report.findings.append(Finding(LEDGER, walk.lines, "broken", "nothing in the ledger is signed"))
    elif not (book.stopped and book.signed_end) or walk.torn:
        what = "not ended in order: a gateway is writing it, or it ended in a crash, or its end was removed"
        report.findings.append(Finding(LEDGER, walk.lines, "open", what))
    if checkpoint is not None and (missing := _missing_checkpoint(directory, checkpoint, keys)):
        report.findings.append(Finding(LEDGER, walk.lines, "broken", missing))
    return book


def _reading(file: Iterable[bytes], book: _Book) -> Iterator[bytes]:
    """Passes the ledger's lines on and remembers what they say."""
    for number, line in enumerate(file, 1):
        if line[-1:] == b"\n":
            try:
                _read(ledger.read_line(line), number, line, book)
            except (msgspec.MsgspecError, ValueError):
                book.wrong.append((number, "changed: not a line of a ledger"))
        yield line


def _read(line: ledger.LedgerLine, number: int, raw: bytes, book: _Book) -> None:
    event = line.event
    book.signed_end = isinstance(event, ledger.Checkpoint)
    match event:
        case ledger.RecordCreated():
            book.record = event.record
        case ledger.RecorderStarted():
            book.stopped = False
        case ledger.RecorderStopped():
            book.stopped = True
        case ledger.LogOpened() if event.log in book.logs:
            book.wrong.append((number, f"log {event.log} is opened a second time"))
        case ledger.LogOpened():
            book.logs[event.log] = _Log(event, number, line.time)
        case ledger.LogContinued() if event.log in book.logs:
            book.logs[event.log].later.append(event.path)
        case ledger.LogExpired() if event.log in book.logs:
            if book.logs[event.log].closed is None:
                book.wrong.append((number, f"log {event.log} is let go before it was closed"))
            book.logs[event.log].expired = number
        case ledger.LogClosed() if event.log in book.logs:
            book.logs[event.log].closed = event
            book.logs[event.log].closed_at = line.time
        case ledger.Checkpoint():
            book.checkpoints.append((number, raw))
            for log, (seq, digest) in event.heads.items():
                if log in book.logs:
                    book.logs[log].signed[seq] = digest.encode()
        case _:
            pass


def _missing_checkpoint(directory: Path, checkpoint: bytes, keys: dict[str, Ed25519PublicKey]) -> str | None:
    line = checkpoint.strip() + b"\n"
    problem = ledger.signature_problem(line, keys)
    if problem is not None:
        return f"the checkpoint kept elsewhere cannot be used: {problem}"
    with (directory / LEDGER).open("rb") as file:
        if any(line == here for here in file):
            return None
    header = chain.header_of(line)
    number = "" if header is None else f" (line {header.seq}, {header.time})"
    return f"rolled back: the ledger no longer holds the checkpoint kept elsewhere{number}"


def _verify_log(directory: Path, book: _Book, log: _Log, report: Report) -> None:
    opened, closed = log.opened, log.closed
    report.logs += 1
    report.sessions += opened.kind == "session"
    paths = [opened.path, *log.later]
    if any(".." in PurePosixPath(path).parts or PurePosixPath(path).is_absolute() for path in paths):
        report.findings.append(Finding(LEDGER, log.line, "broken", "names a file outside the record"))
        return
    there = [path for path in paths if _there(directory / path)]
    signed_away = 0 < log.expired < (book.checkpoints[-1][0] if book.checkpoints else 0)
    if signed_away and len(there) < len(paths):
        report.expired += 1
        return
    if opened.path not in there:
        report.findings.append(_without_file(book, log))
        return
    # The last segment may be announced and not there: a crash came between, and it would be empty.
    gone = [path for path in paths[:-1] if path not in there]
    end = None if closed is None else Head(closed.seq, closed.digest.encode())
    signed = {1: opened.first.encode(), **log.signed}
    reading = _Reading(directory, there)
    first = chain.genesis(chain.log_name(book.record, opened.log))
    walk = chain.follow(reading.lines(), first, signed=signed, end=end)
    report.events += walk.lines
    report.bytes += walk.size + walk.torn
    findings = [Finding(*reading.place(broken.line), "broken", broken.what) for broken in walk.breaks]
    reached = max(log.signed, default=0)
    if walk.head.seq < reached and not findings:
        what = f"truncated: events {walk.head.seq + 1} to {reached} are missing, which a checkpoint signed"
        findings.append(Finding(*reading.place(walk.lines + 1), "broken", what))
    if gone or (findings and len(there) < len(paths)):
        missing = gone or paths[-1:]
        findings = [
            *(Finding(path, 0, "broken", f"removed: a segment of log {opened.log}") for path in missing),
            *findings[:1],
        ]
    if reading.problem:
        findings = [Finding(reading.file, 0, "broken", reading.problem)]
    if not findings and closed is not None and closed.how == "cut":
        findings.append(Finding(*reading.place(walk.lines), "cut", closed.detail))
    if not findings and closed is None:
        what = "the session is open" if opened.kind == "session" else "the control log is open"
        torn = f"; {walk.torn} bytes of an unfinished line at its end" if walk.torn else ""
        findings.append(Finding(*reading.place(walk.lines), "open", what + torn))
    report.findings += findings


def _there(path: Path) -> bool:
    try:
        lines.stored(path)
    except FileNotFoundError:
        return False
    return True


def _without_file(book: _Book, log: _Log) -> Finding:
    closed, file = log.closed, log.opened.path
    if closed is not None and closed.seq == 0 and closed.how == "cut" and not log.signed:
        return Finding(file, 0, "cut", f"never begun ({closed.detail})")
    if closed is None and not log.signed and log.line == _last_line_of(book, log):
        return Finding(file, 0, "open", "not yet begun, or a crash came between")
    return Finding(file, 0, "broken", f"removed: the ledger opened it (line {log.line})")


class _Reading:
    """The lines of a log over its segments, and which of them stands where."""

    __slots__ = ("_began", "_directory", "_paths", "file", "problem")

    def __init__(self, directory: Path, paths: list[str]) -> None:
        self._directory = directory
        self._paths = paths
        #: How many lines came before each segment.
        self._began: list[int] = []
        self.file = ""
        self.problem = ""

    def lines(self) -> Iterator[bytes]:
        number = 0
        for path in self._paths:
            self._began.append(number)
            self.file = path
            try:
                with lines.opened_file(self._directory / path) as file:
                    if path == self._paths[-1]:
                        yield from file
                        return
                    for line in file:
                        number += 1
                        yield line
            except zstandard.ZstdError:
                self.problem = "changed: it cannot be decompressed"
                return

    def place(self, line: int) -> tuple[str, int]:
        """File and line there of a line of the log."""
        at = max((at for at, began in enumerate(self._began) if began < line), default=0)
        return self._paths[at], line - (self._began[at] if self._began else 0)


def _last_line_of(book: _Book, log: _Log) -> int:
    """The line of the log that the ledger opened last."""
    return max((other.line for other in book.logs.values()), default=log.line)
