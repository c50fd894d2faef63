"""A recorded session, read back statement by statement. Only reads; text is as recorded:
whoever shows it passes it through `visible`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.audit import chain, ledger, lines
from gateway.audit.facts import (
    AnyFact,
    CancelAsked,
    CopyEnded,
    ResultRecorded,
    Sealed,
    SessionClosed,
    SessionOpened,
    StatementEnded,
    StatementJudged,
)
from gateway.audit.places import all_records
from gateway.audit.seal import Box, CannotOpen, Opener, Seal

#: How events came that only prepare a run.
NOT_RUN = ("parse", "bind")


class NoSuchSession(Exception):
    """The record holds no session of that id."""


class Unreadable(Exception):
    """A line is not a line of a record; `pgcurfew audit verify` says what happened to it."""


class UnknownFact(msgspec.Struct, frozen=True):
    """An event of a kind that this version does not know (or that was changed)."""

    type: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a log, read. `sealed` is the box as recorded, when the line has one."""

    seq: int
    time: str
    fact: AnyFact | UnknownFact
    box: Box | None = None
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session at a glance. `cause` is empty while it is open (or was cut and no gateway has started since)."""

    session: str
    person: str
    target: str
    database: str
    role: str
    grant: str
    reason: str
    approvers: tuple[str, ...]
    client: str
    started: str
    ended: str
    statements: int
    refused: int
    cause: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with its outcome. Times are RFC 3339 UTC; `outcome` is "" while it runs,
    "refused" when it never ran. `opened` tells whether text and parameters are the original ones."""

    number: int
    time: str
    how: str
    kind: str
    verdict: str
    #: The client's own text when it could be opened, the normalised one otherwise.
    text: str
    opened: bool
    parameters: tuple[str | None, ...] = ()
    rule: str = ""
    reason: str = ""
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    #: Number of the "parse" event that an "execute" is a run of.
    of: int = 0
    outcome: str = ""
    ended: str = ""
    microseconds: int = 0
    rows: int = 0
    bytes: int = 0
    tag: str = ""
    sqlstate: str = ""
    #: The server's message; may quote values, so it is there only when opened.
    message: str = ""
    transaction: str = "I"
    cancelled_by: str = ""
    #: Of a recorded result: how many of its rows, and, when opened, its columns and those rows as the client saw them.
    recorded_rows: int = 0
    columns: tuple[str, ...] = ()
    seen: tuple[tuple[str | None, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """Something in a session that is no statement: an expiry notice, an interruption of the record."""

    time: str
    fact: AnyFact | UnknownFact


@dataclass(frozen=True, slots=True)
class Session:
    """A whole session: the fact it began with, what happened in order, the fact it ended with.
    `problem` says where the file's own chain does not hold (audit verify says more)."""

    opened: SessionOpened
    started: str
    sealing: str
    timeline: tuple[Statement | Moment, ...]
    closed: SessionClosed | None = None
    ended: str = ""
    problem: str = ""
    #: Why sealed contents could not be opened although a key was given.
    still_sealed: str = ""

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(entry for entry in self.timeline if isinstance(entry, Statement))


class _Line(msgspec.Struct, frozen=True):
    prev: str
    time: str
    seq: int
    event: msgspec.Raw
    seal: Seal | None = None
    sealed: Box | None = None


class _Tag(msgspec.Struct, frozen=True):
    type: str = "?"


_line = msgspec.json.Decoder(_Line)
_fact = msgspec.json.Decoder(AnyFact)
_tag = msgspec.json.Decoder(_Tag)


def read_events(log: Iterable[bytes]) -> Iterator[Event]:
    """The events of a log's lines; an unfinished last line is left out. Raises Unreadable."""
    for number, line in enumerate(log, 1):
        if line[-1:] != b"\n":
            return
        try:
            read = _line.decode(line)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Unreadable(f"line {number} is not a line of a record") from error
        fact: AnyFact | UnknownFact
        try:
            fact = _fact.decode(read.event)
        except (msgspec.MsgspecError, ValueError):
            fact = _unknown(read.event)
        yield Event(read.seq, read.time, fact, read.sealed, read.seal)


def _unknown(event: msgspec.Raw) -> UnknownFact:
    try:
        return UnknownFact(_tag.decode(event).type)
    except (msgspec.MsgspecError, ValueError):
        return UnknownFact("?")


def session_files(directory: Path) -> list[Path]:
    """Every session's file, newest day first."""
    found = (path for record in all_records(directory) for path in lines.logs(record / "sessions"))
    return sorted(found, key=lambda path: path.parts[-5:], reverse=True)


def find_session(directory: Path, session: str) -> Path:
    """The file of one session, by its id or an unambiguous beginning of it. Raises NoSuchSession."""
    found = [path for path in session_files(directory) if path.stem.startswith(session)] if session else []
    exact = [path for path in found if path.stem == session]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise NoSuchSession(f"{len(found)} sessions begin with {session!r}")
    raise NoSuchSession(f"the record holds no session {session!r}")


def list_sessions(directory: Path) -> list[SessionSummary]:
    """All sessions of a record, the latest first. Files that cannot be read as sessions are left
    out here; `pgcurfew audit verify` names them."""
    summaries = []
    for path in session_files(directory):
        try:
            summary = _summarise(path)
        except (Unreadable, FileNotFoundError):  # expired in this moment
            continue
        if summary is not None:
            summaries.append(summary)
    return sorted(summaries, key=lambda summary: summary.started, reverse=True)


def _summarise(path: Path) -> SessionSummary | None:
    with _opened(path) as file:
        first = next(read_events(islice(file, 1)), None)
        if first is None or not isinstance(first.fact, SessionOpened):
            return None
        last = next(read_events([lines.last_line(path)]), first)
    opened = first.fact
    closed = last.fact if isinstance(last.fact, SessionClosed) else None
    statements, refused = (closed.statements, closed.refused) if closed else _count(path)
    return SessionSummary(
        session=opened.session,
        person=opened.person,
        target=opened.target,
        database=opened.database,
        role=opened.role,
        grant=opened.grant,
        reason=opened.reason,
        approvers=opened.approvers,
        client=opened.client,
        started=first.time,
        ended=last.time if closed else "",
        statements=statements,
        refused=refused,
        cause=closed.cause if closed else "",
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A log's bytes; what cannot be decompressed was changed."""
    try:
        with lines.opened(path) as file:
            yield file
    except zstandard.ZstdError as error:
        raise Unreadable(f"{path.name} cannot be decompressed") from error


def _count(path: Path) -> tuple[int, int]:
    with _opened(path) as file:
        facts = [event.fact for event in read_events(file) if isinstance(event.fact, StatementJudged)]
    refused = sum(fact.verdict == "refused" for fact in facts)
    return refused + sum(fact.verdict != "refused" and fact.how not in NOT_RUN for fact in facts), refused


def read_session(directory: Path, session: str, key: X25519PrivateKey | None = None) -> Session:
    """One session of a record, opened with an auditor's private key when there is one.
    Raises NoSuchSession, Unreadable, CannotOpen (the key is not one that it was sealed to)."""
    path = find_session(directory, session)
    record = record_id(path.parents[4])  # of the gateway itself or of one of its workers
    with _opened(path) as file:
        return session_of(file, record, key)


def record_id(directory: Path) -> str:
    """The record's own name, from the ledger's first line. Raises Unreadable."""
    with (directory / "ledger.jsonl").open("rb") as file:
        first = file.readline()
    try:
        event = ledger.read_line(first).event
    except (msgspec.MsgspecError, ValueError) as error:
        raise Unreadable("the ledger's first line is not a line of a ledger") from error
    if not isinstance(event, ledger.RecordCreated):
        raise Unreadable("the ledger does not begin with the record's name")
    return event.record


def session_of(log: Iterable[bytes], record: str, key: X25519PrivateKey | None = None) -> Session:
    """A session from its `log`'s lines; `record` is the id in the ledger's first line."""
    kept = list(log)
    events = read_events(kept)
    first = next(events, None)
    if first is None or not isinstance(first.fact, SessionOpened):
        raise Unreadable("the log does not begin with a session's opening")
    name = chain.log_name(record, first.fact.session)
    seal = first.seal or Seal("off")
    reading = Reading(Opener(name, seal, key) if key is not None and seal.sealing == "auditors" else None)
    for event in events:
        reading.take(event)
    walk = chain.follow(kept, chain.genesis(name))
    problem = f"line {walk.breaks[0].line}: {walk.breaks[0].what}" if walk.breaks else ""
    return Session(
        opened=first.fact,
        started=first.time,
        sealing=seal.sealing,
        timeline=tuple(reading.timeline),
        closed=reading.closed,
        ended=reading.ended,
        problem=problem,
        still_sealed=reading.still_sealed,
    )


@dataclass(slots=True)
class Reading:
    """Joins each statement with its outcome while the events pass."""

    opener: Opener | None
    timeline: list[Statement | Moment] = field(default_factory=list)
    #: Statement number -> its place in the timeline.
    places: dict[int, int] = field(default_factory=dict)
    closed: SessionClosed | None = None
    ended: str = ""
    still_sealed: str = ""

    def take(self, event: Event) -> None:
        match event.fact:
            case StatementJudged() as judged:
                self._judged(event, judged)
            case StatementEnded(number=number) as ended if number in self.places:
                self._ended(event, ended)
            case CopyEnded(number=number) as copied if number in self.places:
                place = self.places[number]
                self.timeline[place] = replace(self._statement(place), bytes=copied.bytes)
            case ResultRecorded(number=number) as result if number in self.places:
                self._seen(event, result)
            case CancelAsked(number=number) as asked if number in self.places:
                place = self.places[number]
                self.timeline[place] = replace(self._statement(place), cancelled_by=asked.by)
            case SessionClosed() as closed:
                self.closed, self.ended = closed, event.time
            case fact:
                self.timeline.append(Moment(event.time, fact))

    def _statement(self, place: int) -> Statement:
        statement = self.timeline[place]
        if not isinstance(statement, Statement):
            raise TypeError("a statement's place holds something else")
        return statement

    def _content(self, event: Event, plain: Sealed | None) -> Sealed | None:
        if plain is not None or event.box is None or self.opener is None:
            return plain
        try:
            return self.opener.open(event.box, event.seq, getattr(event.fact, "normalized", ""))
        except CannotOpen as error:
            self.still_sealed = f"line {event.seq}: {error}"
            return None

    def _judged(self, event: Event, judged: StatementJudged) -> None:
        content = self._content(event, judged.sealed)
        text = content.text if content is not None else None
        self.places[judged.number] = len(self.timeline)
        self.timeline.append(
            Statement(
                number=judged.number,
                time=event.time,
                how=judged.how,
                kind=judged.kind,
                verdict=judged.verdict,
                text=judged.normalized if text is None else text,
                opened=content is not None,
                parameters=content.parameters if content is not None else (),
                rule=judged.rule,
                reason=judged.reason,
                read=judged.read,
                written=judged.written,
                masks=judged.masks,
                lookups=judged.lookups,
                of=judged.of,
                outcome="refused" if judged.verdict == "refused" else "",
                transaction=judged.transaction,
            )
        )

    def _seen(self, event: Event, result: ResultRecorded) -> None:
        place = self.places[result.number]
        content = self._content(event, result.sealed)
        self.timeline[place] = replace(
            self._statement(place),
            recorded_rows=result.rows,
            columns=content.columns if content is not None else (),
            seen=content.rows if content is not None else (),
        )

    def _ended(self, event: Event, ended: StatementEnded) -> None:
        place = self.places[ended.number]
        before = self._statement(place)
        content = self._content(event, ended.sealed)
        self.timeline[place] = replace(
            before,
            outcome=ended.outcome if before.outcome != "refused" else "refused",
            ended=event.time,
            microseconds=before.microseconds + ended.microseconds,
            rows=before.rows + ended.rows,
            bytes=max(before.bytes, ended.bytes),
            tag=ended.tag,
            sqlstate=ended.sqlstate,
            message=content.message or "" if content is not None else before.message,
            transaction=ended.transaction,
        )
