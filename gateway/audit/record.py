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

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from gateway.audit import chain, commits, ledger, lines, rounds
from gateway.audit.chain import Head, json_of, make_line
from gateway.audit.facts import Fact, SessionClosed, SessionOpened
from gateway.audit.group import GroupCommit
from gateway.audit.journal import Clock, Disk, Journal, RecordUnavailable, sync_folder
from gateway.audit.keeping import Copies, Expiry, Keeper, Keeping, before, expiries, remove
from gateway.audit.seal import Seal, Sealer, recipient_id
from gateway.audit.session import SessionRecord
from gateway.audit.takeover import take_over

__all__ = ["RecordLocked", "RecordUnavailable", "Recorder", "SessionRecord"]

Durability = Literal["process", "disk"]
Sealing = Literal["auditors", "off"]

#: Logs are brought to disk this often. In "disk" mode the commit log is there before.
SYNC_SECONDS: dict[Durability, float] = {"process": 0.1, "disk": 1.0}

_LOG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class RecordLocked(Exception):
    """Another gateway writes this record."""


@dataclass(frozen=True, slots=True)
class _First:
    """A log that is about to begin: its first line, and where it goes."""

    log: str
    kind: str
    path: str
    line: bytes
    sealer: Sealer | None


@dataclass(slots=True)
class _Run:
    """Which segment of an open log is written, and since when. `announced`: the ledger knows of the next one."""

    path: str
    since: datetime
    number: int = 1
    announced: bool = False


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
        group: GroupCommit | None,
        *,
        signer: Ed25519PrivateKey,
        recipients: Sequence[X25519PublicKey],
        sealing: Sealing,
        checkpoint_seconds: float,
        keeping: Keeping,
        copies: Copies | None,
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
        #: Where durability is "disk".
        self._group = group
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
        self._keeping = keeping
        self._keeper = Keeper(directory, keeping, copies)
        self._copies = copies
        self._runs: dict[str, _Run] = {}
        #: So much of the ledger is of runs before this one.
        self._inherited = 0

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
        keeping: Keeping | None = None,
        copies: Copies | None = None,
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
        durable = durability == "disk"
        try:
            state, book = take_over(directory, clock=clock, disk=disk, gathers=durable)
            recorder = cls(
                directory,
                lock,
                state.record,
                book,
                None,
                signer=signer,
                recipients=recipients,
                sealing=sealing,
                checkpoint_seconds=checkpoint_seconds,
                keeping=keeping or Keeping(),
                copies=copies,
                clock=clock,
                disk=disk,
            )
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
            recorder._inherited = book.size
            # Everything is in its own file and on disk; what a commit log had to tell is told.
            commits.remove(directory)
            if durable:
                recorder._group = GroupCommit(directory, disk)
        except OSError as error:
            os.close(lock)
            raise RecordUnavailable(error.strerror or str(error)) from error
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
        """Why something cannot be recorded now, or None: the ledger or a log does not take lines."""
        journals = [self._ledger, *list(self._open.values()), *(ending.journal for ending in self._endings[:])]
        return next((trouble.cause for journal in journals if (trouble := journal.trouble) is not None), None)

    def open_session(self, fact: SessionOpened) -> SessionRecord:
        """Begin a session's log with this fact. Raises RecordUnavailable; then there is no session."""
        first = self._first_of(fact)
        self._announce(first)
        self._commit(self._ledger)
        session = self._session(first)
        self._commit(session.journal)
        return session

    async def begin_session(self, fact: SessionOpened) -> SessionRecord:
        """As `open_session`, and other sessions go on while it comes to the disk."""
        first = self._first_of(fact)
        self._announce(first)
        if self._group is None:
            return self._session(first)
        try:
            await self._group.join(self._ledger)
        except BaseException:
            self._owed.append(_never_begun(first.log, "the ledger could not be brought to disk"))
            raise
        session = self._session(first)
        try:
            await self._group.join(session.journal)
        except BaseException as error:
            session.close(SessionClosed(cause="record", detail=f"not begun: {error}"))
            raise
        return session

    def _first_of(self, fact: SessionOpened) -> _First:
        if not _LOG_ID.fullmatch(fact.session):
            raise ValueError(f"not a session id that can name a file: {fact.session!r}")
        if fact.session in self._open:
            raise ValueError(f"session {fact.session} is open already")
        name = chain.log_name(self._record, fact.session)
        sealer = Sealer(name, self._recipients) if self._sealing == "auditors" else None
        seal = Seal("off") if sealer is None else sealer.seal
        return self._first(fact.session, "session", b'"event":%b,"seal":%b' % (json_of(fact), json_of(seal)), sealer)

    def _session(self, first: _First) -> SessionRecord:
        journal = self._begin(first)
        log = first.log  # and not the whole fact, which would stay as long as the session

        def ended(session: SessionRecord) -> None:
            self._ended(_Ending(log, journal, session))

        session = SessionRecord(journal, first.sealer, self._group, ended, self._waiting.add)
        self._sessions[log] = session
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
            first = self._first(log, "control", body, None)
            self._announce(first)
            self._commit(self._ledger)
            self._control = (log, self._begin(first))
        else:
            self._control[1].add(body)
        self._commit(self._control[1])

    async def run(self) -> None:
        """Until cancelled: write what waits to be written, sync, sign checkpoints, look after closed files."""
        pause = SYNC_SECONDS["process" if self._group is None else "disk"]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(rounds.write_what_waits(self))
            tasks.create_task(rounds.keep_safe(self, pause, self._checkpoint_seconds))
            tasks.create_task(rounds.keep_files(self, self._keeping.retention_days))

    def flush(self) -> None:
        """Write what waits to be written; what cannot be written goes on waiting."""
        for session in list(self._waiting):
            try:
                session.flush()
            except RecordUnavailable:
                continue  # the next sync says so
            self._waiting.discard(session)

    def expire(self, days: int) -> list[Expiry]:
        """Remove the logs that were closed more than so many days ago. The ledger says so first, signed.
        Raises RecordUnavailable, OSError, msgspec.MsgspecError."""
        found = [one for one in expiries(self._directory, before(self._clock(), days)) if self._keeper.may_go(one)]
        with self._one_pass:
            for expiry in found:
                if not expiry.stated:
                    self._tell_ledger(ledger.LogExpired(log=expiry.log, days=days))
            if found:
                self.checkpoint()
        for expiry in found:
            remove(self._directory, expiry)
        return found

    @property
    def copying(self) -> tuple[int, int, int]:
        """Files copied elsewhere, attempts that failed, files that wait."""
        copies = self._copies
        return (0, 0, 0) if copies is None else (copies.copied, copies.failed, self._keeper.waiting)

    def find_files(self) -> None:
        """See what earlier runs have left to be done with closed files. Raises OSError."""
        self._keeper.found(self._inherited)

    def keep_files(self) -> None:
        """Compress and copy now what is closed by now."""
        self._keeper.work()

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
                if self._group is not None:
                    commits.remove(self._directory)
            except OSError as error:
                raise RecordUnavailable(error.strerror or str(error)) from error
            finally:
                if self._group is not None:
                    self._group.close()
                self._ledger.dispose()
                os.close(self._lock)

    def _commit(self, journal: Journal) -> None:
        if self._group is not None:
            self._group.commit_now(journal)

    def _first(self, log: str, kind: str, body: bytes, sealer: Sealer | None) -> _First:
        now = self._clock()
        path = f"{'sessions' if kind == 'session' else 'control'}/{now:%Y/%m/%d}/{log}.jsonl"
        prev = chain.genesis(chain.log_name(self._record, log))
        return _First(log, kind, path, make_line(prev, chain.rfc3339(now).encode(), 1, body), sealer)

    def _announce(self, first: _First) -> None:
        """The ledger knows of a log before its file is there: a file that it does not know is a forgery."""
        digest = chain.digest_of(first.line).decode()
        self._tell_ledger(ledger.LogOpened(log=first.log, kind=first.kind, path=first.path, first=digest))

    def _begin(self, first: _First) -> Journal:
        gathers = self._group is not None
        try:
            path = self._directory / first.path
            journal = Journal.create(path, first.line, clock=self._clock, disk=self._disk, gathers=gathers)
        except RecordUnavailable as error:
            self._owed.append(_never_begun(first.log, str(error)))
            raise
        self._open[first.log] = journal
        self._runs[first.log] = _Run(first.path, self._clock())
        return journal

    def _ended(self, ending: _Ending) -> None:
        self._open.pop(ending.log, None)
        self._sessions.pop(ending.log, None)
        self._endings.append(ending)

    def _tell_ledger(self, entry: ledger.Entry) -> None:
        self._ledger.add(b'"event":' + json_of(entry))
        self._unsigned = True

    def _sync(self) -> dict[str, Head]:
        """Returns the head of each open log that is on disk."""
        problem: RecordUnavailable | None = None
        heads: dict[str, Head] = {}
        with self._one_pass:
            if self._group is not None:
                self._group.turn()
            try:
                # First: after a power cut there is no file that the ledger does not know.
                self._ledger.sync()
            except RecordUnavailable as error:
                problem = error
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
            problem = self._roll_on() or problem
            for ending in self._endings[:]:
                try:
                    self._finish(ending)
                except RecordUnavailable as error:
                    problem = error
            try:
                self._ledger.sync()
            except RecordUnavailable as error:
                problem = error
            if self._group is not None and problem is None:
                self._group.free()
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

    def _roll_on(self) -> RecordUnavailable | None:
        """Long or old segments end, and their logs go on in the next one."""
        problem: RecordUnavailable | None = None
        rules, now = self._keeping, self._clock()
        for log, journal in list(self._open.items()):
            run = self._runs[log]
            old = (now - run.since).total_seconds() >= rules.segment_seconds
            if not journal.size or not (journal.size >= rules.segment_bytes or old):
                continue
            first, ended = self._directory / run.path, journal.path
            path = lines.segment(first, run.number + 1)
            try:
                if not run.announced:
                    name = path.relative_to(self._directory).as_posix()
                    self._tell_ledger(ledger.LogContinued(log=log, path=name))
                    run.announced = True
                self._ledger.sync()
                journal.roll(path)
            except RecordUnavailable as error:
                problem = error
                continue
            run.number, run.since, run.announced = run.number + 1, now, False
            self._keeper.closed(ended)
        return problem

    def _finish(self, ending: _Ending) -> None:
        """A log is closed in the ledger when all of it is on disk."""
        if ending.session is not None:
            ending.session.flush()
        head = ending.journal.sync()
        self._tell_ledger(ledger.LogClosed(log=ending.log, seq=head.seq, digest=head.digest.decode()))
        self._endings.remove(ending)
        ending.journal.dispose()
        self._runs.pop(ending.log, None)
        self._keeper.closed(ending.journal.path)


def _never_begun(log: str, cause: str) -> ledger.LogClosed:
    return ledger.LogClosed(log=log, seq=0, digest="", how="cut", detail=f"could not be begun: {cause}")


def utc_now() -> datetime:
    """The recorder's clock in production."""
    return datetime.now(UTC)
