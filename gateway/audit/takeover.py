"""Taking a record over: what a power cut kept from the logs is made up from the commit log, and every log
that a gateway left open is closed in the ledger, as far as it verifies.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from gateway.audit import chain, commits, ledger, recover
from gateway.audit.chain import Head, json_of, make_line
from gateway.audit.facts import Fact, GatewayStopped, SessionClosed
from gateway.audit.journal import Clock, Disk, Journal

LEDGER = "ledger.jsonl"


def take_over(directory: Path, *, clock: Clock, disk: Disk, gathers: bool) -> tuple[recover.LedgerState, Journal]:
    """The record's ledger, open for writing, with nothing else open; a new one where there is none. The
    caller holds the record's lock. Raises RecordUnavailable, RecordBroken, OSError."""
    left = commits.left(directory)
    commits.make_up(directory, left, LEDGER.__eq__)
    state, book = _open_ledger(directory, clock, disk, gathers)
    # Of each log the segment that was written last: what came before it is on disk, and perhaps compressed.
    paths = {
        next((path for path in reversed(state.continued.get(log, [])) if (directory / path).is_file()), opened.path)
        for log, opened in state.open.items()
    }
    commits.make_up(directory, left, paths.__contains__)
    for opened in state.open.values():
        later = [directory / path for path in state.continued.get(opened.log, ())]
        _close_cut(directory, state.record, opened, later, book, clock, disk)
    return state, book


def _open_ledger(directory: Path, clock: Clock, disk: Disk, gathers: bool) -> tuple[recover.LedgerState, Journal]:
    path = directory / LEDGER
    state = recover.read_ledger(path) if path.exists() else None
    if state is None:
        if (directory / "sessions").exists():
            raise recover.RecordBroken("there are sessions and no ledger: it was removed")
        path.unlink(missing_ok=True)
        record = secrets.token_hex(16)
        created = b'"event":' + json_of(ledger.RecordCreated(record=record, format=chain.FORMAT))
        now = chain.rfc3339(clock()).encode()
        first = make_line(chain.genesis(chain.ledger_name()), now, 1, created)
        book = Journal.create(path, first, clock=clock, disk=disk, gathers=gathers)
        return recover.LedgerState(record, book.head, len(first), 0), book
    if state.torn:
        recover.put_aside(path, state.size)
    return state, Journal.reopen(path, state.head, state.size, clock=clock, disk=disk, gathers=gathers)


def _close_cut(
    directory: Path,
    record: str,
    opened: ledger.LogOpened,
    later: Sequence[Path],
    book: Journal,
    clock: Clock,
    disk: Disk,
) -> None:
    """Close a log that a crash left open."""

    def close(head: Head, how: str, detail: str, torn: int) -> None:
        closed = ledger.LogClosed(
            log=opened.log, seq=head.seq, digest=head.digest.decode(), how=how, detail=detail, torn=torn
        )
        book.add(b'"event":' + json_of(closed))

    state = recover.read_log(directory / opened.path, later, chain.log_name(record, opened.log))
    path = state.file
    if state.broken:
        close(state.head, "cut", state.broken, 0)
        return
    torn = recover.put_aside(path, state.size) if state.torn else 0
    if state.head.seq == 0:  # not even the first line: only the ledger has heard of it
        path.unlink()
        close(Head(0, b""), "cut", "not begun when the gateway ended", torn)
        return
    if state.complete:
        close(state.head, "closed", "", torn)
        return
    journal = Journal.reopen(path, state.head, state.size, clock=clock, disk=disk)
    last: Fact = GatewayStopped(cause="cut")
    if opened.kind == "session":
        detail = "the gateway ended without closing this session"
        last = SessionClosed(cause="cut", detail=detail, statements=state.statements, refused=state.refused)
    try:
        journal.add(b'"event":' + json_of(last))
        head = journal.sync()
    finally:
        journal.dispose()
    close(head, "cut", "the gateway ended without closing it", torn)
