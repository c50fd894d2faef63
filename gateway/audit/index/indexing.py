"""From the record's lines to the index's tables. Each pass goes on where the one before stopped: how far
each file was read is kept with what was read from it, so a pass that is cut off leaves nothing half done,
and two who index at the same time do not get in each other's way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import time
from typing import Final

import msgspec
import zstandard

from gateway.audit import ledger, lines
from gateway.audit.index import schema
from gateway.audit.index.schema import IDS_A_DAY, MICROSECONDS_A_DAY, OUTCOMES, SAME_MOMENT
from gateway.audit.index.shapes import Shape, Shapes, Touched
from gateway.audit.places import all_records

#: Read and written in one transaction: so long others who index wait, and so much memory it takes.
CHUNK: Final = 16 << 20
_OUTCOME: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}
_OPEN, _CLOSED, _DONE = 0, 1, 2


class RecordReplaced(Exception):
    """The record is not the one that was indexed; the index has to be made anew."""


class _Opened(msgspec.Struct, frozen=True, tag="SessionOpened"):
    session: str
    person: str
    grant: str
    role: str
    target: str
    reason: str = ""
    client: str = ""


class _Judged(msgspec.Struct, frozen=True, tag="StatementJudged"):
    number: int
    how: str
    kind: str
    verdict: str
    normalized: str = ""
    fingerprint: str = ""
    rule: str = ""
    reason: str = ""
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()


class _Ended(msgspec.Struct, frozen=True, tag="StatementEnded"):
    number: int
    outcome: str
    rows: int = 0
    bytes: int = 0
    microseconds: int = 0
    sqlstate: str = ""


class _SessionClosed(msgspec.Struct, frozen=True, tag="SessionClosed"):
    cause: str


class _Access(msgspec.Struct, frozen=True, tag="AccessChanged"):
    what: str
    by: str = ""
    request: str = ""
    grant: str = ""
    person: str = ""
    role: str = ""
    target: str = ""
    reason: str = ""


class _Refused(msgspec.Struct, frozen=True, tag="DoorRefused"):
    client: str = ""
    cause: str = ""
    message: str = ""
    user: str = ""
    database: str = ""


class _Line(msgspec.Struct, frozen=True):
    time: str
    seq: int
    event: _Opened | _Judged | _Ended | _SessionClosed | _Access | _Refused


_decode = msgspec.json.Decoder(_Line).decode


@dataclass(slots=True)
class Row:
    """One statement, as it goes into the table `event`."""

    id: int
    session: int
    number: int
    line: int
    shape: int
    outcome: int = 0
    rows: int = 0
    bytes: int = 0
    microseconds: int = 0
    sqlstate: str | None = None

    def add(self, ended: _Ended) -> None:
        """How it came out; a portal that was suspended comes out several times."""
        if self.outcome != _OUTCOME["refused"]:
            self.outcome = _OUTCOME.get(ended.outcome, 0)
        self.rows += ended.rows
        self.bytes = max(self.bytes, ended.bytes)
        self.microseconds += ended.microseconds
        self.sqlstate = ended.sqlstate or self.sqlstate


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    rows: list[Row] = field(default_factory=list)
    #: Outcomes of statements that were written before: (session, outcome).
    late: list[tuple[int, _Ended]] = field(default_factory=list)
    tally: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def add(self, row: Row, day: int, holder: int) -> None:
        self.rows.append(row)
        key = (row.shape, day, holder)
        self.tally[key] = self.tally.get(key, 0) + 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass has come: bytes of the record read, and events found in them."""

    bytes: int
    events: int


class Indexer:
    """Fills one index from one gateway's record. Belongs to one thread."""

    def __init__(self, connection: sqlite3.Connection, directory: Path) -> None:
        self._connection = connection
        self._directory = directory
        self._shapes = Shapes(connection, words=schema.has_words(connection))
        self._holders: dict[tuple[str, str, str], int] = {}
        self._days: dict[str, int] = {}
        self._moments = count(1)
        self._bytes = 0
        self._events = 0

    def catch_up(self, progress: Callable[[Progress], None] | None = None) -> int:
        """Read all that the record holds by now; how many events that were. Raises RecordReplaced,
        sqlite3.Error, OSError."""
        began = time()
        before = self._events
        for directory in all_records(self._directory):
            if (directory / "ledger.jsonl").is_file():
                self._read_ledger(directory)
        to_read = self._connection.execute(
            "SELECT log.id, record.place FROM log JOIN record ON record.id = log.record WHERE log.state < ?"
            " ORDER BY log.id",
            (_DONE,),
        ).fetchall()
        for log, place in to_read:
            while self._read_log(log, self._directory / place):
                if progress is not None:
                    progress(Progress(self._bytes, self._events - before))
            if progress is not None:
                progress(Progress(self._bytes, self._events - before))
        schema.add_indexes(self._connection)
        self._connection.execute(
            "INSERT INTO pass (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
            (int(began * 1e6),),
        )
        return self._events - before

    def _transaction(self, work: Callable[[], bool]) -> bool:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            more = work()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._shapes.forget()
            self._holders.clear()
            raise
        return more

    # the ledger: which logs there are

    def _read_ledger(self, directory: Path) -> None:
        place = "" if directory == self._directory else directory.name
        while self._transaction(lambda: self._some_of_ledger(directory, place)):
            pass

    def _some_of_ledger(self, directory: Path, place: str) -> bool:
        execute = self._connection.execute
        known = execute("SELECT id, name, ledger FROM record WHERE place = ?", (place,)).fetchone()
        with (directory / "ledger.jsonl").open("rb") as file:
            first = file.readline()
            name = _record_name(first)
            if known is None:
                if not name:
                    return False
                number = execute("INSERT INTO record (place, name) VALUES (?, ?)", (place, name)).lastrowid
                known = (number, name, 0)
            record, known_name, offset = known
            if name != known_name or file.seek(0, 2) < offset:
                raise RecordReplaced(f"the record in {directory} is not the one that was indexed")
            file.seek(offset)
            block = file.read(CHUNK)
        whole = block[: block.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self._ledger_line(record, line)
        execute("UPDATE record SET ledger = ? WHERE id = ?", (offset + len(whole), record))
        return len(block) == CHUNK and bool(whole)

    def _ledger_line(self, record: int, line: bytes) -> None:
        try:
            event = ledger.read_line(line).event
        except (msgspec.MsgspecError, ValueError):
            return  # of a later version, or changed: `audit verify` says so
        execute = self._connection.execute
        match event:
            case ledger.LogOpened(log=name, kind=kind, path=path):
                execute(
                    "INSERT OR IGNORE INTO log (record, name, kind, path) VALUES (?, ?, ?, ?)",
                    (record, name, kind, path),
                )
            case ledger.LogClosed(log=name):
                execute(
                    "UPDATE log SET state = ? WHERE record = ? AND name = ? AND state = ?",
                    (_CLOSED, record, name, _OPEN),
                )
            case ledger.LogExpired(log=name):
                self._expired(record, name)
            case _:
                pass

    def _expired(self, record: int, name: str) -> None:
        """Its time is over: what only this log said goes out of the index, too."""
        execute = self._connection.execute
        row = execute("SELECT id FROM log WHERE record = ? AND name = ?", (record, name)).fetchone()
        if row is None:
            return
        log = row[0]
        session = execute("SELECT holder FROM session WHERE id = ?", (log,)).fetchone()
        gone = execute(
            f"SELECT shape, id / {IDS_A_DAY}, count(*) FROM event WHERE session = ? GROUP BY 1, 2", (log,)
        ).fetchall()
        if session is not None:
            self.count({(shape, day, session[0]): -events for shape, day, events in gone})
            for shape, day, _ in gone:
                where = "day = ? AND events <= 0"
                execute(f"DELETE FROM tally WHERE shape = ? AND holder = ? AND {where}", (shape, session[0], day))
                execute(f"DELETE FROM tally_shape WHERE shape = ? AND {where}", (shape, day))
                execute(f"DELETE FROM tally_holder WHERE holder = ? AND {where}", (session[0], day))
        for statement in (
            "DELETE FROM event WHERE session = ?",
            "DELETE FROM session WHERE id = ?",
            "DELETE FROM affair WHERE log = ?",
        ):
            execute(statement, (log,))
        for shape in {shape for shape, _, _ in gone}:
            self._shapes.drop(shape)
        execute("UPDATE log SET state = ? WHERE id = ?", (_DONE, log))

    # logs: what happened

    def _read_log(self, log: int, directory: Path) -> bool:
        """Read up to so much of a log; whether there is more."""
        row = self._connection.execute("SELECT path, bytes, state FROM log WHERE id = ?", (log,)).fetchone()
        path, offset, state = row
        if state == _OPEN:
            try:
                if lines.size(directory / path) <= offset:
                    return False  # nothing new: most open logs, most of the time
            except OSError:
                return False
        return self._transaction(lambda: self._some_of_log(log, directory))

    def _some_of_log(self, log: int, directory: Path) -> bool:
        path, offset, state = self._connection.execute(
            "SELECT path, bytes, state FROM log WHERE id = ?", (log,)
        ).fetchone()
        if state == _DONE:
            return False
        try:
            with lines.opened(directory / path, offset) as file:
                block = file.read(CHUNK)
        except FileNotFoundError:
            block = b""  # removed, or never begun
        except zstandard.ZstdError:
            block = b""  # changed: `audit verify` says so
        whole = block[: block.rfind(b"\n") + 1]
        batch = Batch()
        self._take_lines(log, whole, batch)
        self._write(batch)
        self._bytes += len(whole)
        self._events += len(batch.rows)
        more = len(block) == CHUNK and bool(whole)
        self._connection.execute(
            "UPDATE log SET bytes = ?, state = ? WHERE id = ?",
            (offset + len(whole), _DONE if state == _CLOSED and not more else state, log),
        )
        return more

    def _take_lines(self, log: int, block: bytes, batch: Batch) -> None:
        row = self._connection.execute("SELECT holder FROM session WHERE id = ?", (log,)).fetchone()
        holder: int | None = None if row is None else row[0]
        #: Statement number -> its row, of this block.
        here: dict[int, Row] = {}
        for raw in block.splitlines():
            try:
                line = _decode(raw)
            except (msgspec.MsgspecError, ValueError):
                continue  # an event that is not looked for
            match line.event:
                case _Judged() as judged if holder is not None:
                    if judged.how in ("parse", "bind") and judged.verdict != "refused":
                        continue  # prepared, not run
                    when = self._microseconds(line.time)
                    row = Row(self._id(when), log, judged.number, line.seq, self._shapes.number(_shape(judged)))
                    if judged.verdict == "refused":
                        row.outcome = _OUTCOME["refused"]
                    here[judged.number] = row
                    batch.add(row, when // MICROSECONDS_A_DAY, holder)
                case _Ended() as ended:
                    if ended.number in here:
                        here[ended.number].add(ended)
                    else:
                        batch.late.append((log, ended))
                case _Opened() as opened:
                    holder = self._session(log, opened, self._microseconds(line.time))
                case _SessionClosed(cause=cause):
                    self._connection.execute(
                        "UPDATE session SET ended = ?, cause = ? WHERE id = ?",
                        (self._microseconds(line.time), cause, log),
                    )
                case _Access() | _Refused() as affair:
                    self._affair(log, line, affair)
                case _:
                    pass

    def _session(self, log: int, opened: _Opened, when: int) -> int:
        holder = self.holder(opened.person, opened.target, opened.role)
        self._connection.execute(
            "INSERT OR IGNORE INTO session (id, name, holder, under, reason, client, began)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (log, opened.session, holder, opened.grant, opened.reason, opened.client, when),
        )
        return holder

    def holder(self, person: str, target: str, role: str) -> int:
        """The number of who holds a role on a target."""
        key = (person, target, role)
        if key not in self._holders:
            self._connection.execute("INSERT OR IGNORE INTO holder (person, target, role) VALUES (?, ?, ?)", key)
            (self._holders[key],) = self._connection.execute(
                "SELECT id FROM holder WHERE person = ? AND target = ? AND role = ?", key
            ).fetchone()
        return self._holders[key]

    def _affair(self, log: int, line: _Line, affair: _Access | _Refused) -> None:
        match affair:
            case _Access():
                told = (affair.what, affair.by, affair.person, affair.request, affair.grant, affair.target)
                role, reason = affair.role, affair.reason
            case _Refused():
                told = ("door-refused", affair.client, affair.user, "", "", affair.database)
                role, reason = "", f"{affair.cause}: {affair.message}"
        self._connection.execute(
            "INSERT INTO affair (id, log, line, what, by, person, request, under, target, role, reason)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._free("affair", self._id(self._microseconds(line.time))), log, line.seq, *told, role, reason),
        )

    # writing

    def _write(self, batch: Batch) -> None:
        connection = self._connection
        self.insert(batch.rows)
        for session, ended in batch.late:
            connection.execute(
                "UPDATE event SET outcome = CASE outcome WHEN ? THEN outcome ELSE ? END, rows = rows + ?,"
                " bytes = max(bytes, ?), microseconds = microseconds + ?, sqlstate = coalesce(?, sqlstate)"
                " WHERE session = ? AND number = ?",
                (
                    _OUTCOME["refused"],
                    _OUTCOME.get(ended.outcome, 0),
                    ended.rows,
                    ended.bytes,
                    ended.microseconds,
                    ended.sqlstate or None,
                    session,
                    ended.number,
                ),
            )
        self.count(batch.tally)

    def insert(self, rows: list[Row]) -> None:
        """These statements, within a transaction."""
        try:
            self._connection.execute("SAVEPOINT many")
            self._connection.executemany(_INSERT, map(_values, rows))
        except sqlite3.IntegrityError:  # two of one microsecond: one after the other, each where there is room
            self._connection.execute("ROLLBACK TO many")
            for row in rows:
                row.id = self._free("event", row.id)
                self._connection.execute(_INSERT, _values(row))
        self._connection.execute("RELEASE many")

    def count(self, tally: dict[tuple[int, int, int], int]) -> None:
        """So many more of (shape, day, holder), within a transaction."""
        shapes: dict[tuple[int, int], int] = {}
        holders: dict[tuple[int, int], int] = {}
        for (shape, day, holder), events in tally.items():
            shapes[shape, day] = shapes.get((shape, day), 0) + events
            holders[holder, day] = holders.get((holder, day), 0) + events
        add = " DO UPDATE SET events = events + excluded.events"
        self._connection.executemany(
            "INSERT INTO tally (shape, day, holder, events) VALUES (?, ?, ?, ?) ON CONFLICT (shape, day, holder)" + add,
            ((*key, events) for key, events in tally.items()),
        )
        self._connection.executemany(
            "INSERT INTO tally_shape (shape, day, events) VALUES (?, ?, ?) ON CONFLICT (shape, day)" + add,
            ((*key, events) for key, events in shapes.items()),
        )
        self._connection.executemany(
            "INSERT INTO tally_holder (holder, day, events) VALUES (?, ?, ?) ON CONFLICT (holder, day)" + add,
            ((*key, events) for key, events in holders.items()),
        )

    def _free(self, table: str, number: int) -> int:
        while self._connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (number,)).fetchone():
            number += 1
        return number

    def _id(self, microseconds: int) -> int:
        return microseconds * SAME_MOMENT + next(self._moments) % SAME_MOMENT

    def _microseconds(self, time: str) -> int:
        """Of "2026-11-23T13:15:00.123456Z", since 1970."""
        return microseconds_of(time, self._days)


_INSERT: Final = (
    "INSERT INTO event (id, session, number, line, shape, outcome, rows, bytes, microseconds, sqlstate)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _values(row: Row) -> tuple[int | str | None, ...]:
    return (
        row.id, row.session, row.number, row.line, row.shape, row.outcome, row.rows, row.bytes, row.microseconds,
        row.sqlstate,
    )  # fmt: skip


def microseconds_of(time: str, days: dict[str, int] | None = None) -> int:
    """A time of the record as microseconds since 1970. `days` remembers dates: taking one apart costs the most."""
    date = time[:10]
    base = None if days is None else days.get(date)
    if base is None:
        base = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * 1_000_000
        if days is not None:
            if len(days) > 1000:
                days.clear()
            days[date] = base
    seconds = int(time[11:13]) * 3600 + int(time[14:16]) * 60 + int(time[17:19])
    return base + seconds * 1_000_000 + int(time[20:26])


def _shape(judged: _Judged) -> Shape:
    touched = Touched(judged.read, judged.written, judged.masks, judged.lookups, judged.relations)
    return Shape(
        judged.normalized, judged.fingerprint, judged.kind, judged.verdict, judged.rule, judged.reason, touched
    )


def _record_name(first: bytes) -> str:
    try:
        event = ledger.read_line(first).event
    except (msgspec.MsgspecError, ValueError):
        return ""
    return event.record if isinstance(event, ledger.RecordCreated) else ""


def bring_up_to_date(directory: Path, progress: Callable[[Progress], None] | None = None) -> int:
    """Make or continue the index of a record; how many events were new. Raises sqlite3.Error, OSError."""
    connection = schema.writable(directory / schema.FILE)
    try:
        try:
            return Indexer(connection, directory).catch_up(progress)
        except RecordReplaced:
            schema.clear(connection)
            return Indexer(connection, directory).catch_up(progress)
    finally:
        connection.close()


def rebuild(directory: Path, progress: Callable[[Progress], None] | None = None) -> int:
    """Forget the index and read the whole record. Raises sqlite3.Error, OSError."""
    connection = schema.writable(directory / schema.FILE)
    try:
        schema.clear(connection)
        return Indexer(connection, directory).catch_up(progress)
    finally:
        connection.close()
