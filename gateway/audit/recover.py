"""After a crash: how far did each log get? What verifies stays, an unfinished last line is put
aside, and the ledger is told. Nothing that was acknowledged is ever thrown away.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.audit import chain, ledger, lines
from gateway.audit.chain import Head

#: In the line of a statement's event: it was prepared or bound, and did not run.
_PREPARES = re.compile(rb'"how":"(?:parse|bind)"')


class RecordBroken(Exception):
    """The ledger cannot be continued: somebody changed it. `pgcurfew audit verify` says where."""


@dataclass(slots=True)
class LedgerState:
    """Where the ledger stands: the record's id, its head, and the logs that nobody closed."""

    record: str
    head: Head
    size: int
    torn: int
    open: dict[str, ledger.LogOpened] = field(default_factory=dict)
    #: log -> the paths of its later segments, of those that are open.
    continued: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogState:
    """Where a log that a crash left open stands. `head` is the last line that verifies; `file`, of its segments the
    last that is there, holds `size` bytes of whole lines."""

    file: Path
    head: Head
    size: int
    torn: int
    #: Its last event is the one that ends such a log.
    complete: bool = False
    statements: int = 0
    refused: int = 0
    #: What does not verify; empty when the log only ends early.
    broken: str = ""


def put_aside(path: Path, size: int) -> int:
    """Move what stands after the last whole line into `<path>.torn`; returns how many bytes that was."""
    with path.open("r+b") as file:
        file.seek(size)
        tail = file.read()
        if not tail:
            return 0
        with path.with_name(path.name + ".torn").open("ab") as aside:
            aside.write(tail + b"\n")
            aside.flush()
            os.fsync(aside.fileno())
        file.truncate(size)
        file.flush()
        os.fsync(file.fileno())
    return len(tail)


def read_ledger(path: Path) -> LedgerState | None:
    """The state of an existing ledger; None when it holds no whole line."""
    state = LedgerState("", Head(0, b""), 0, 0)
    last = b""
    with path.open("rb") as file:
        for line in file:
            if line[-1:] != b"\n":
                state.torn = len(line)
                break
            last = line
            state.size += len(line)
            # Most lines are checkpoints and need no decoding here.
            if b'"event":{"type":"Log' in line or not state.record:
                _note(state, line)
    if not last:
        return None
    header = chain.header_of(last)
    if header is None:
        raise RecordBroken("the last line of the ledger is not a line of a ledger")
    state.head = Head(header.seq, chain.digest_of(last))
    return state


def _note(state: LedgerState, line: bytes) -> None:
    try:
        event = ledger.read_line(line).event
    except (msgspec.MsgspecError, ValueError) as error:
        raise RecordBroken("a line of the ledger cannot be read") from error
    match event:
        case ledger.RecordCreated():
            if event.format != chain.FORMAT:
                raise RecordBroken(f"the record has format {event.format}; this gateway writes format {chain.FORMAT}")
            state.record = event.record
        case ledger.LogOpened():
            state.open[event.log] = event
        case ledger.LogContinued():
            state.continued.setdefault(event.log, []).append(event.path)
        case ledger.LogClosed():
            state.open.pop(event.log, None)
            state.continued.pop(event.log, None)
        case _:
            pass
    if not state.record:
        raise RecordBroken("the ledger does not begin with the record's name")


def read_log(path: Path, later: Sequence[Path], name: str) -> LogState:
    """How far a log verifies, over its segments. A missing file is a log of which nothing was written."""
    if not _there(path):
        return LogState(path, Head(0, b""), 0, 0, broken="the file is missing")
    files = [path, *(file for file in later if _there(file))]
    counts = _Counts()
    first = chain.genesis(name)
    head = Head(0, first)
    walk = chain.Walk()
    for file in files:
        with lines.opened_file(file) as log:
            walk = chain.follow(counts.over(log), head.digest, after=head.seq)
        if walk.breaks or (walk.torn and file is not files[-1]):
            line = walk.breaks[0].line if walk.breaks else walk.lines + 1
            what = walk.breaks[0].what if walk.breaks else "not a whole line"
            with lines.opened_file(file) as log:
                whole = [one for one, _ in zip(log, range(line - 1), strict=False)]
            before = chain.follow(whole, head.digest, after=head.seq).head
            return LogState(file, before, 0, 0, broken=f"{file.name} line {line}: {what}")
        head = walk.head
    return LogState(files[-1], head, walk.size, walk.torn, counts.complete, counts.statements, counts.refused)


def _there(file: Path) -> bool:
    try:
        lines.stored(file)
    except FileNotFoundError:
        return False
    return True


_LAST = (b'"event":{"type":"SessionClosed"', b'"event":{"type":"GatewayStopped"')


class _Counts:
    """Counts a session's statements while its lines pass."""

    __slots__ = ("complete", "refused", "statements")

    def __init__(self) -> None:
        self.complete = False
        self.statements = self.refused = 0

    def over(self, log: Iterable[bytes]) -> Iterator[bytes]:
        for line in log:
            # The tag is the event's first member, and a quote inside a JSON string is escaped:
            # these byte strings cannot stand anywhere else.
            if b'"event":{"type":"StatementJudged"' in line:
                refused = b'"verdict":"refused"' in line
                self.refused += refused
                self.statements += refused or not _PREPARES.search(line)
            if line[-1:] == b"\n":
                self.complete = any(last in line for last in _LAST)
            yield line
