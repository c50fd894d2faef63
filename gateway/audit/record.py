"""The recorder: one log a session, a control log for all else, a ledger over them, and signed
checkpoints. What is not in the record when `append` returns must not happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from gateway.audit import chain, ledger, recover
from gateway.audit.chain import Head, json_of, make_line
from gateway.audit.facts import Fact, GatewayStopped, SessionClosed, SessionOpened
from gateway.audit.journal import Clock, Disk, Journal, RecordUnavailable, sync_folder
from gateway.audit.seal import Seal, Sealer, recipient_id
from gateway.audit.session import SessionRecord

__all__ = ["RecordLocked", "RecordUnavailable", "Recorder", "SessionRecord"]

Durability = Literal["process", "disk"]
Sealing = Literal["auditors", "off"]

#: A group fsync this often in "process" mode.
SYNC_SECONDS = 0.1
#: How statements came out is written with what comes next in their session, or after this time.
SOON_SECONDS = 0.05

_LOG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class RecordLocked(Exception):
    """Another gateway writes this record."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """A log that is over and not yet closed in the ledger. Of a session, some of the end may still have
    to be written."""

    log: str
    journal: Journal
    session: SessionRecord | None = None


class Recorder:
    """Writes one record directory; there is one writer at a time. `append`, `note` and
    `open_session` belong to the event loop's thread; `sync` and `checkpoint` may run beside it."""

    def __init__(
        self,
        directory: Path,
        lock: int,
        record: str,
        book: Journal,
        *,
        signer: Ed25519PrivateKey,
        recipients: Sequence[X25519PublicKey],
        durability: Durability,
        sealing: Sealing,
        checkpoint_seconds: float,
        clock: Clock,
        disk: Disk,
    ) -> None:
        self._directory = directory
        self._lock = lock
        self._record = record
        self._ledger = book
        self._signer = signer
        self._key = ledger.signer_id(signer.public_key())
        self._recipients = tuple(recipients)
        self._durable = durability == "disk"
        self._sealing = sealing
        self._checkpoint_seconds = checkpoint_seconds
        self._clock = clock
        self._disk = disk
        self._open: dict[str, Journal] = {}
        self._sessions: dict[str, SessionRecord] = {}
        #: Sessions of which something waits to be written.
        self._waiting: set[SessionRecord] = set()
        self._endings: list[_Ending] = []
        #: Ledger entries that the disk did not take.
        self._owed: list[ledger.Entry] = []
        #: log -> the head that the last checkpoint signed.
        self._signed: dict[str, Head] = {}
        self._unsigned = True
        self._one_pass = threading.RLock()
        self._control: tuple[str, Journal] | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        signer: Ed25519PrivateKey,
        recipients: Sequence[X25519PublicKey] = (),
        durability: Durability = "process",
        sealing: Sealing = "auditors",
        checkpoint_seconds: float = 5.0,
        clock: Clock,
        disk: Disk | None = None,
    ) -> Recorder:
        """Take over a record directory (made if missing). Logs that a crash left open are closed
        as "cut" with what verifies of them.

        Raises RecordLocked, RecordUnavailable, recover.RecordBroken; ValueError when contents
        should be sealed and there is nobody to seal to.
        """
        if sealing == "auditors" and not recipients:
            raise ValueError('sealing = "auditors" needs at least one recipient (pgcurfew audit keygen makes a key)')
        disk = disk or Disk()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RecordUnavailable(error.strerror or str(error)) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise RecordLocked("another gateway writes this record") from error
        try:
            state, book = _open_ledger(directory, clock, disk)
            recorder = cls(
                directory,
                lock,
                state.record,
                book,
                signer=signer,
                recipients=recipients,
                durability=durability,
                sealing=sealing,
                checkpoint_seconds=checkpoint_seconds,
                clock=clock,
                disk=disk,
            )
            for opened in state.open.values():
                recorder._close_cut(opened)
            recorder._tell_ledger(
                ledger.RecorderStarted(
                    key=recorder._key,
                    sealing=sealing,
                    durability=durability,
                    recipients=tuple(recipient_id(recipient) for recipient in recipients),
                    torn=state.torn,
                )
            )
            recorder.checkpoint()
        except BaseException:
            os.close(lock)
            raise
        return recorder

    @property
    def record(self) -> str:
        """The record's own id, which its ledger begins with."""
        return self._record

    @property
    def trouble(self) -> str | None:
        """Why sessions cannot be recorded now, or None: the ledger or the control log does not take lines."""
        journals = [self._ledger] if self._control is None else [self._ledger, self._control[1]]
        return next((journal.trouble.cause for journal in journals if journal.trouble is not None), None)

    def open_session(self, fact: SessionOpened) -> SessionRecord:
        """Begin a session's log with this fact. Raises RecordUnavailable; then there is no session."""
        if not _LOG_ID.fullmatch(fact.session):
            raise ValueError(f"not a session id that can name a file: {fact.session!r}")
        if fact.session in self._open:
            raise ValueError(f"session {fact.session} is open already")
        name = chain.log_name(self._record, fact.session)
        sealer = Sealer(name, self._recipients) if self._sealing == "auditors" else None
        seal = Seal("off") if sealer is None else sealer.seal
        body = b'"event":%b,"seal":%b' % (json_of(fact), json_of(seal))
        journal = self._begin(fact.session, "session", body)

        log = fact.session  # and not the whole fact, which would stay as long as the session

        def ended(session: SessionRecord) -> None:
            self._ended(_Ending(log, journal, session))

        session = SessionRecord(journal, sealer, self._durable, ended, self._waiting.add)
        self._sessions[fact.session] = session
        return session

    def note(self, fact: Fact) -> None:
        """Record what belongs to no session in the control log (a new one each day). Raises RecordUnavailable."""
        today = f"{self._clock():%Y%m%d}"
        if self._control is not None and self._control[0].split("-")[1] != today:
            log, journal = self._control
            self._control = None
            self._ended(_Ending(log, journal))
        body = b'"event":' + json_of(fact)
        if self._control is None:
            log = f"control-{today}-{secrets.token_hex(6)}"
            self._control = (log, self._begin(log, "control", body))
        else:
            self._control[1].add(body)
        if self._durable:
            self._control[1].sync()

    async def run(self) -> None:
        """Until cancelled: write every 50 ms what waits to be written; in a thread, sync every 100 ms and
        sign a checkpoint every few seconds."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_what_waits())
            tasks.create_task(self._keep_safe())

    async def _write_what_waits(self) -> None:
        while True:
            await asyncio.sleep(SOON_SECONDS)
            self.flush()

    def flush(self) -> None:
        """Write what waits to be written; what cannot be written goes on waiting."""
        for session in list(self._waiting):
            try:
                session.flush()
            except RecordUnavailable:
                continue  # the next sync says so
            self._waiting.discard(session)

    async def _keep_safe(self) -> None:
        log = structlog.get_logger()
        loop = asyncio.get_running_loop()
        due = loop.time() + self._checkpoint_seconds
        trouble: str | None = None
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            now = loop.time()
            try:
                if now >= due:
                    due = now + self._checkpoint_seconds
                    await asyncio.to_thread(self.checkpoint)
                else:
                    await asyncio.to_thread(self.sync)
            except RecordUnavailable as error:
                if trouble is None:
                    log.error("record-unavailable", cause=str(error))
                trouble = str(error)
            else:
                if trouble is not None:
                    log.warning("record-available-again", after=trouble)
                trouble = None

    def sync(self) -> None:
        """Bring all that was appended to disk and close ended logs in the ledger.
        Does all it can, then raises RecordUnavailable if something could not be done."""
        self._sync()

    def checkpoint(self) -> None:
        """Sync, then sign how far each log has come. Signs nothing when nothing has happened."""
        with self._one_pass:
            heads = self._sync()
            moved = {log: head for log, head in heads.items() if self._signed.get(log) != head}
            if not moved and not self._unsigned:
                return
            entry = ledger.Checkpoint(
                key=self._key, heads={log: (head.seq, head.digest.decode()) for log, head in moved.items()}
            )
            body = b'"event":' + json_of(entry)
            self._unsigned = False  # before the line: what is told meanwhile comes after it
            try:
                self._ledger.add(body, lambda line: ledger.sign_line(line, self._signer))
                self._ledger.sync()
            except RecordUnavailable:
                self._unsigned = True
                raise
            self._signed = heads

    def close(self) -> None:
        """End the record in order: open sessions are closed ("shutdown"), the ledger is signed.
        Raises RecordUnavailable when the disk does not take it; the next start then finds a cut record."""
        with self._one_pass:
            try:
                for session in list(self._sessions.values()):
                    session.close(SessionClosed(cause="shutdown"))
                if self._control is not None:
                    self._ended(_Ending(*self._control))
                self._control = None
                self._sync()
                self._tell_ledger(ledger.RecorderStopped())
                self.checkpoint()
            finally:
                self._ledger.dispose()
                os.close(self._lock)

    def _begin(self, log: str, kind: str, body: bytes) -> Journal:
        """The ledger knows of a log before its file is there: a file that it does not know is a forgery."""
        now = self._clock()
        path = f"{'sessions' if kind == 'session' else 'control'}/{now:%Y/%m/%d}/{log}.jsonl"
        prev = chain.genesis(chain.log_name(self._record, log))
        first = make_line(prev, chain.rfc3339(now).encode(), 1, body)
        self._tell_ledger(
            ledger.LogOpened(log=log, kind=kind, path=path, first=chain.digest_of(first).decode()), sync=self._durable
        )
        try:
            journal = Journal.create(self._directory / path, first, clock=self._clock, disk=self._disk)
            if self._durable:
                journal.sync()
        except RecordUnavailable as error:
            self._owed.append(
                ledger.LogClosed(log=log, seq=0, digest="", how="cut", detail=f"could not be begun: {error}")
            )
            raise
        self._open[log] = journal
        return journal

    def _ended(self, ending: _Ending) -> None:
        self._open.pop(ending.log, None)
        self._sessions.pop(ending.log, None)
        self._endings.append(ending)

    def _tell_ledger(self, entry: ledger.Entry, *, sync: bool = False) -> None:
        self._ledger.add(b'"event":' + json_of(entry))
        self._unsigned = True
        if sync:
            self._ledger.sync()

    def _sync(self) -> dict[str, Head]:
        """Returns the head of each open log that is on disk."""
        problem: RecordUnavailable | None = None
        heads: dict[str, Head] = {}
        with self._one_pass:
            self._sync_names()
            for log, journal in list(self._open.items()):
                try:
                    heads[log] = journal.sync() if journal.dirty else journal.head
                except RecordUnavailable as error:
                    problem = error
            try:
                while self._owed:
                    self._tell_ledger(self._owed[0])
                    del self._owed[0]
            except RecordUnavailable as error:
                problem = error
            for ending in self._endings[:]:
                try:
                    self._finish(ending)
                except RecordUnavailable as error:
                    problem = error
            try:
                self._ledger.sync()
            except RecordUnavailable as error:
                problem = error
        if problem is not None:
            raise problem
        return heads

    def _sync_names(self) -> None:
        """Bring the names of new files to disk, each folder once. Where that fails, each journal tries by
        itself, and says so."""
        new = [
            journal
            for journal in (*list(self._open.values()), *(ending.journal for ending in self._endings[:]))
            if not journal.named
        ]
        for folder in {journal.path.parent for journal in new}:
            with contextlib.suppress(OSError):
                sync_folder(folder)
                for journal in new:
                    if journal.path.parent == folder:
                        journal.name_is_on_disk()

    def _finish(self, ending: _Ending) -> None:
        """A log is closed in the ledger when all of it is on disk."""
        if ending.session is not None:
            ending.session.flush()
        head = ending.journal.sync()
        self._tell_ledger(ledger.LogClosed(log=ending.log, seq=head.seq, digest=head.digest.decode()))
        self._endings.remove(ending)
        ending.journal.dispose()

    def _close_cut(self, opened: ledger.LogOpened) -> None:
        """Close a log that a crash left open."""
        path = self._directory / opened.path
        state = recover.read_log(path, chain.log_name(self._record, opened.log))
        if state.broken:
            self._close_in_ledger(opened.log, state.head, "cut", state.broken, 0)
            return
        torn = recover.put_aside(path, state.size) if state.torn else 0
        if state.head.seq == 0:  # not even the first line: only the ledger has heard of it
            path.unlink()
            self._close_in_ledger(opened.log, Head(0, b""), "cut", "not begun when the gateway ended", torn)
            return
        if state.complete:
            self._close_in_ledger(opened.log, state.head, "closed", "", torn)
            return
        journal = Journal.reopen(path, state.head, state.size, clock=self._clock, disk=self._disk)
        last: Fact = GatewayStopped(cause="cut")
        if opened.kind == "session":
            detail = "the gateway ended without closing this session"
            last = SessionClosed(cause="cut", detail=detail, statements=state.statements, refused=state.refused)
        try:
            journal.add(b'"event":' + json_of(last))
            head = journal.sync()
        finally:
            journal.dispose()
        self._close_in_ledger(opened.log, head, "cut", "the gateway ended without closing it", torn)

    def _close_in_ledger(self, log: str, head: Head, how: str, detail: str, torn: int) -> None:
        self._tell_ledger(
            ledger.LogClosed(log=log, seq=head.seq, digest=head.digest.decode(), how=how, detail=detail, torn=torn)
        )


def _open_ledger(directory: Path, clock: Clock, disk: Disk) -> tuple[recover.LedgerState, Journal]:
    path = directory / "ledger.jsonl"
    state = recover.read_ledger(path) if path.exists() else None
    if state is None:
        if (directory / "sessions").exists():
            raise recover.RecordBroken("there are sessions and no ledger: it was removed")
        path.unlink(missing_ok=True)
        record = secrets.token_hex(16)
        created = b'"event":' + json_of(ledger.RecordCreated(record=record, format=chain.FORMAT))
        now = chain.rfc3339(clock()).encode()
        first = make_line(chain.genesis(chain.ledger_name()), now, 1, created)
        book = Journal.create(path, first, clock=clock, disk=disk)
        return recover.LedgerState(record, book.head, len(first), 0), book
    if state.torn:
        recover.put_aside(path, state.size)
    return state, Journal.reopen(path, state.head, state.size, clock=clock, disk=disk)


def utc_now() -> datetime:
    """The recorder's clock in production."""
    return datetime.now(UTC)
