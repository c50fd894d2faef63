"""Answers out of the index, in less than a second over ten million statements.

Counts come from the tally (shape, day, holder) wherever it can tell them; pages are read along the time,
over the days in which the tally knows of enough statements.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.audit.index import schema
from gateway.audit.index.questions import MOST, Affair, By, Count, Found, NotAsked, Page, Question, State
from gateway.audit.index.schema import IDS_A_DAY, MICROSECONDS_A_DAY, OUTCOMES, SAME_MOMENT
from gateway.audit.index.shapes import Touched

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: So many statements are found by their shapes and sorted; more are looked for along the time.
FEW: Final = 20_000
_END: Final = 1 << 62

_touched = msgspec.json.Decoder(Touched)


@dataclass(slots=True)
class _Scope:
    """A question, resolved: which shapes, holders and sessions it is about (None: all), and from which event
    to which."""

    shapes: bool = False
    holders: bool = False
    sessions: bool = False
    sqlstate: str | None = None
    first: int = 0
    end: int = _END
    #: Of shapes and holders, the holders are fewer.
    by_holder: bool = False

    @property
    def tallied(self) -> bool:
        """Can the tally tell, but for the edges of its first and last day?"""
        return not self.sessions and self.sqlstate is None

    def part(self, first: int, end: int) -> _Scope:
        """The same between two events."""
        return replace(self, first=first, end=end)

    def tally(self, key: str) -> str:
        """The smallest tally that can tell counts by shape, holder or day."""
        if not self.shapes and key != "shape":
            return "tally_holder"
        if not self.holders and key != "holder":
            return "tally_shape"
        return "tally"


class Index:
    """An index that is asked. One thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(
            "CREATE TEMP TABLE IF NOT EXISTS wanted_shape (id INTEGER PRIMARY KEY);"
            "CREATE TEMP TABLE IF NOT EXISTS wanted_holder (id INTEGER PRIMARY KEY);"
            "CREATE TEMP TABLE IF NOT EXISTS wanted_session (id INTEGER PRIMARY KEY);"
        )

    def close(self) -> None:
        self._connection.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """For questions of other modules; only to read."""
        return self._connection

    def state(self) -> State:
        """How far it has come."""
        (statements,) = self._connection.execute("SELECT coalesce(sum(events), 0) FROM tally_holder").fetchone()
        (sessions,) = self._connection.execute("SELECT count(*) FROM session").fetchone()
        return State(self.state_at(), statements, sessions)

    def state_at(self) -> str:
        """When it last held all that the record did; "" before the first time."""
        row = self._connection.execute("SELECT at FROM pass").fetchone()
        return "" if row is None else time_of(row[0])

    def page(self, question: Question, *, limit: int = 50, before: int = 0) -> Page:
        """The latest statements, or those before event `before`. Raises NotAsked, sqlite3.Error."""
        limit = max(1, min(limit, MOST))
        scope = self._resolve(question)
        whole_total = self._total(scope)
        if before:
            scope.end = min(scope.end, before)
        ids = self._latest(scope, limit + 1)
        found = tuple(self._found(ids[:limit]))
        return Page(found, whole_total, ids[limit - 1] if len(ids) > limit else 0)

    def counts(self, question: Question, by: By) -> list[Count]:
        """How many statements a day, a person, …: days in their order, others the most first. Raises NotAsked,
        sqlite3.Error."""
        scope = self._resolve(question)
        sums: dict[str, int] = {}
        for select, values in self._sources(scope, _GROUPED[by]):
            for of, statements in self._connection.execute(select, values):
                name = day_of(of) if by == "day" else str(of)
                sums[name] = sums.get(name, 0) + statements
        counts = [Count(name, statements) for name, statements in sums.items() if statements]
        return sorted(counts, key=lambda count: count.of if by == "day" else (-count.statements, count.of))

    def candidates(self, question: Question) -> tuple[int, Iterator[tuple[str, str, str, int, int]]]:
        """How many statements a question finds, and all of them, log by log: (record's place, the log's path,
        session, line, event). Raises NotAsked, sqlite3.Error."""
        scope = self._resolve(question)
        where, values = _where(scope)
        rows = self._connection.execute(
            "SELECT record.place, log.path, log.name, e.line, e.id FROM event e"
            " JOIN log ON log.id = e.session JOIN record ON record.id = log.record"
            f" JOIN session s ON s.id = e.session {where} ORDER BY e.session DESC, e.line",
            values,
        )
        return self._total(scope), rows

    def found(self, ids: Sequence[int]) -> list[Found]:
        """These statements."""
        return list(self._found(ids))

    def affairs(self, *, grant: str = "", request: str = "") -> list[Affair]:
        """What was recorded about a grant or a request, in order."""
        rows = self._connection.execute(
            "SELECT a.id, what, by, person, request, under, target, role, reason, log.name, line"
            " FROM affair a JOIN log ON log.id = a.log"
            " WHERE a.id IN (SELECT id FROM affair WHERE under = ?1 AND under <> '' AND ?1 <> ''"
            " UNION SELECT id FROM affair WHERE request = ?2 AND request <> '' AND ?2 <> '') ORDER BY a.id",
            (grant, request),
        )
        return [Affair(time_of(number // SAME_MOMENT), *rest) for number, *rest in rows]

    def logs(self, *, grant: str) -> list[tuple[str, str, str]]:
        """The logs of a grant's sessions: (record's place, path, session)."""
        rows = self._connection.execute(
            "SELECT record.place, log.path, session.name FROM session JOIN log ON log.id = session.id"
            " JOIN record ON record.id = log.record WHERE session.under = ? ORDER BY session.began",
            (grant,),
        )
        return [(place, path, name) for place, path, name in rows]

    def places(self, logs: Collection[str]) -> list[tuple[str, str, str]]:
        """Where these logs are: (log, record's place, path)."""
        rows = self._connection.execute(
            "SELECT log.name, record.place, log.path FROM log JOIN record ON record.id = log.record"
            f" WHERE log.name IN ({','.join('?' * len(logs))})",
            list(logs),
        )
        return [(name, place, path) for name, place, path in rows]

    # what is asked for

    def _resolve(self, asked: Question) -> _Scope:
        scope = _Scope(sqlstate=asked.sqlstate)
        if asked.since is not None:
            scope.first = _microseconds(asked.since) * SAME_MOMENT
        if asked.until is not None:
            scope.end = _microseconds(asked.until) * SAME_MOMENT
        scope.shapes = self._want("wanted_shape", *self._shapes(asked))
        scope.holders = self._want(
            "wanted_holder",
            "SELECT id FROM holder WHERE",
            [("person = {}", asked.person), ("target = {}", asked.target), ("role = {}", asked.role)],
        )
        scope.sessions = self._want(
            "wanted_session",
            "SELECT id FROM session WHERE",
            [("under = {}", asked.grant), ("name = {}", asked.session)],
        )
        if scope.shapes and scope.holders:
            scope.by_holder = self._statements("holder") < self._statements("shape")
        return scope

    def _statements(self, of: str) -> int:
        (found,) = self._connection.execute(
            f"SELECT coalesce(sum(events), 0) FROM tally_{of} WHERE {of} IN (SELECT id FROM wanted_{of})"
        ).fetchone()
        return int(found)

    def _want(self, table: str, select: str, conditions: Sequence[tuple[str, str | None]]) -> bool:
        """Fill a table with what is wanted; False when nothing is asked of it. "{}" is where a value goes."""
        self._connection.execute(f"DELETE FROM {table}")
        asked = [(condition, value) for condition, value in conditions if value is not None]
        if not asked:
            return False
        where = " AND ".join(condition.replace("{}", f":p{place}") for place, (condition, _) in enumerate(asked))
        values = {f"p{place}": value for place, (_, value) in enumerate(asked)}
        self._connection.execute(f"INSERT INTO {table} {select} {where}", values)
        return True

    def _shapes(self, asked: Question) -> tuple[str, list[tuple[str, str | None]]]:
        way = {None: "", True: " AND t.written = 1", False: " AND t.written = 0"}[asked.written]
        named = (
            "id IN (SELECT t.shape FROM touched t JOIN name n ON n.id = t.name WHERE n.is_column = IS_COLUMN"
            f" AND (n.text = {{}} OR substr(n.text, -length({{}}) - 1) = '.' || {{}}){way})"
        )
        conditions: list[tuple[str, str | None]] = [
            (named.replace("IS_COLUMN", "0"), asked.relation),
            (named.replace("IS_COLUMN", "1"), asked.column),
            ("kind = {}", asked.kind),
            ("verdict = {}", asked.verdict),
            ("rule = {}", asked.rule),
            ("fingerprint = {}", asked.fingerprint),
        ]
        if asked.text is not None:
            words = _words(asked.text)
            if schema.has_words(self._connection):
                conditions.append(("id IN (SELECT rowid FROM words WHERE words MATCH {})", _match(words)))
            else:
                conditions += [("instr(lower(normalized), {}) > 0", word.rstrip("*").lower()) for word in words]
        return "SELECT id FROM shape WHERE", conditions

    # counting

    def _total(self, scope: _Scope) -> int:
        total = 0
        for part, events in _parts(scope):
            where, values = _where(part) if events else _tally_where(part)
            tally = f"SELECT coalesce(sum(t.events), 0) FROM {part.tally('day')} t"
            select = f"SELECT count(*) FROM {_events(part)}" if events else tally
            (found,) = self._connection.execute(f"{select} {where}", values).fetchone()
            total += found
        return total

    def _sources(self, scope: _Scope, grouped: _Grouped) -> Iterator[tuple[str, dict[str, int | str]]]:
        for part, events in _parts(scope):
            where, values = _where(part) if events else _tally_where(part)
            if events:
                events_of = _events(part, session=grouped.key == "holder")
                key = {"day": f"e.id / {IDS_A_DAY}", "holder": "s.holder", "shape": "e.shape"}[grouped.key]
                inner = f"SELECT {key} AS k, count(*) AS n FROM {events_of} {where} GROUP BY 1"
            else:
                tally = part.tally(grouped.key)
                inner = f"SELECT t.{grouped.key} AS k, sum(t.events) AS n FROM {tally} t {where} GROUP BY 1"
                if grouped.key == "holder" and scope.shapes and self._most_shapes():
                    # All that the holders did, less what is not asked for.
                    where, values = _tally_where(replace(part, shapes=False))
                    inner = f"SELECT t.holder AS k, sum(t.events) AS n FROM tally_holder t {where} GROUP BY 1"
                    other = "t.shape IN (SELECT id FROM shape WHERE id NOT IN (SELECT id FROM wanted_shape))"
                    where = f"{where} AND {other}" if where else f"WHERE {other}"
                    less = f"SELECT t.holder AS k, -sum(t.events) AS n FROM tally t {where} GROUP BY 1"
                    yield f"SELECT {grouped.of}, sum(x.n) FROM ({less}) x {grouped.joined} GROUP BY 1", values
            yield f"SELECT {grouped.of}, sum(x.n) FROM ({inner}) x {grouped.joined} GROUP BY 1", values

    def _most_shapes(self) -> bool:
        wanted, of = self._connection.execute(
            "SELECT (SELECT count(*) FROM wanted_shape), (SELECT count(*) FROM shape)"
        ).fetchone()
        return bool(wanted * 2 > of)

    # pages

    def _latest(self, scope: _Scope, limit: int) -> list[int]:
        where, values = _where(scope)
        values["most"] = limit
        if not scope.tallied or ((scope.shapes or scope.holders) and self._total(scope) <= FEW):
            select = f"SELECT e.id FROM {_driven(scope)} {where} ORDER BY e.id DESC LIMIT :most"
            return [number for (number,) in self._connection.execute(select, values)]
        ids: list[int] = []
        for day in self._days(scope):
            piece = scope.part(max(scope.first, day * IDS_A_DAY), min(scope.end, (day + 1) * IDS_A_DAY))
            where, values = _where(piece, along_time=True)
            values["most"] = limit - len(ids)
            select = f"SELECT e.id FROM {_events(piece)} {where} ORDER BY e.id DESC LIMIT :most"
            ids += [number for (number,) in self._connection.execute(select, values)]
            if len(ids) == limit:
                break
        return ids

    def _days(self, scope: _Scope) -> list[int]:
        """The days on which there may be some, the latest first."""
        end = min(_END, -(-scope.end // IDS_A_DAY) * IDS_A_DAY)
        where, values = _tally_where(scope.part(scope.first // IDS_A_DAY * IDS_A_DAY, end))
        select = f"SELECT DISTINCT t.day FROM {scope.tally('day')} t {where} ORDER BY 1 DESC"
        return [day for (day,) in self._connection.execute(select, values)]

    def _found(self, ids: Sequence[int]) -> Iterator[Found]:
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            rows = self._connection.execute(
                "SELECT e.id, s.name, e.number, e.line, h.person, s.under, h.target, h.role, p.kind, p.verdict,"
                " p.normalized, p.fingerprint, p.rule, p.reason, p.touched, e.outcome, e.rows, e.bytes,"
                " e.microseconds, e.sqlstate FROM event e JOIN session s ON s.id = e.session"
                " JOIN holder h ON h.id = s.holder JOIN shape p ON p.id = e.shape"
                f" WHERE e.id IN ({','.join('?' * len(some))}) ORDER BY e.id DESC",
                some,
            )
            yield from map(_statement, rows)


def _events(scope: _Scope, *, session: bool = False) -> str:
    """The event table, with the sessions only where they are asked about."""
    return "event e JOIN session s ON s.id = e.session" if session or scope.holders else "event e"


def _driven(scope: _Scope) -> str:
    """The event table, beginning with what narrows it the most."""
    if scope.sessions:
        return "wanted_session w CROSS JOIN session s ON s.id = w.id CROSS JOIN event e ON e.session = s.id"
    if scope.sqlstate is not None:
        return _events(scope)
    if scope.shapes and not scope.by_holder:
        return "wanted_shape w CROSS JOIN event e ON e.shape = w.id CROSS JOIN session s ON s.id = e.session"
    return "wanted_holder w CROSS JOIN session s ON s.holder = w.id CROSS JOIN event e ON e.session = s.id"


def _where(scope: _Scope, *, along_time: bool = False) -> tuple[str, dict[str, int | str]]:
    """The condition on events e of sessions s. A "+" keeps SQLite from beginning with that condition."""
    plus = "+" if along_time else ""
    conditions = []
    values: dict[str, int | str] = {}
    if scope.first > 0:
        conditions.append("e.id >= :first")
        values["first"] = scope.first
    if scope.end < _END:
        conditions.append("e.id < :end")
        values["end"] = scope.end
    if scope.sessions:
        conditions.append("e.session IN (SELECT id FROM wanted_session)")
    if scope.shapes:
        plus = "+" if along_time or scope.by_holder else ""
        conditions.append(f"{plus}e.shape IN (SELECT id FROM wanted_shape)")
    if scope.holders:
        conditions.append(f"{plus}s.holder IN (SELECT id FROM wanted_holder)")
    if scope.sqlstate is not None:
        conditions.append("e.sqlstate = :sqlstate")
        values["sqlstate"] = scope.sqlstate
    return ("WHERE " + " AND ".join(conditions) if conditions else ""), values


def _tally_where(scope: _Scope) -> tuple[str, dict[str, int | str]]:
    """The same on the tally t; the scope begins and ends with whole days."""
    conditions = []
    values: dict[str, int | str] = {}
    if scope.shapes:
        plus = "+" if scope.by_holder else ""
        conditions.append(f"{plus}t.shape IN (SELECT id FROM wanted_shape)")
    if scope.holders:
        plus = "+" if scope.shapes and not scope.by_holder else ""
        conditions.append(f"{plus}t.holder IN (SELECT id FROM wanted_holder)")
    if scope.first > 0:
        conditions.append("t.day >= :first")
        values["first"] = scope.first // IDS_A_DAY
    if scope.end < _END:
        conditions.append("t.day < :end")
        values["end"] = scope.end // IDS_A_DAY
    return ("WHERE " + " AND ".join(conditions) if conditions else ""), values


def _parts(scope: _Scope) -> Iterator[tuple[_Scope, bool]]:
    """The scope in pieces, each with whether events have to be counted: whole days are in the tally."""
    if scope.first >= scope.end:
        return
    if not scope.tallied:
        yield scope, True
        return
    first = -(-scope.first // IDS_A_DAY) * IDS_A_DAY
    end = scope.end if scope.end == _END else scope.end // IDS_A_DAY * IDS_A_DAY
    if first >= end:
        yield scope, True
        return
    for piece, events in (
        (scope.part(scope.first, first), True),
        (scope.part(first, end), False),
        (scope.part(end, scope.end), True),
    ):
        if piece.first < piece.end:
            yield piece, events


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Counted by `key` of the tally, then told by `of` of what that is joined with."""

    key: str
    of: str
    joined: str = ""


_SHAPE: Final = "JOIN shape p ON p.id = x.k"
_HOLDER: Final = "JOIN holder h ON h.id = x.k"
_NAMES: Final = (
    "JOIN (SELECT DISTINCT d.shape, n.text FROM touched d JOIN name n ON n.id = d.name WHERE n.is_column = {}) m"
    " ON m.shape = x.k"
)
_GROUPED: Final[dict[By, _Grouped]] = {
    "day": _Grouped("day", "x.k"),
    "user": _Grouped("holder", "h.person", _HOLDER),
    "target": _Grouped("holder", "h.target", _HOLDER),
    "role": _Grouped("holder", "h.role", _HOLDER),
    "kind": _Grouped("shape", "p.kind", _SHAPE),
    "verdict": _Grouped("shape", "p.verdict", _SHAPE),
    "rule": _Grouped("shape", "p.rule", _SHAPE),
    "relation": _Grouped("shape", "m.text", _NAMES.format(0)),
    "column": _Grouped("shape", "m.text", _NAMES.format(1)),
}


def _statement(row: tuple[Any, ...]) -> Found:
    (number, session, statement, line, person, grant, target, role, kind, verdict, text, fingerprint, rule, reason,
     touched, outcome, rows, size, microseconds, sqlstate) = row  # fmt: skip
    names = _touched.decode(touched)
    return Found(
        id=number,
        time=time_of(number // SAME_MOMENT),
        session=session,
        number=statement,
        line=line,
        person=person,
        grant=grant,
        target=target,
        role=role,
        kind=kind,
        verdict=verdict,
        text=text,
        fingerprint=fingerprint,
        rule=rule,
        reason=reason,
        read=names.read,
        written=names.written,
        masks=names.masks,
        lookups=names.lookups,
        outcome=OUTCOMES[outcome],
        rows=rows,
        bytes=size,
        microseconds=microseconds,
        sqlstate=sqlstate or "",
    )


def _words(text: str) -> list[str]:
    words = re.findall(r"[\w$]+\*?", text)
    if not words:
        raise NotAsked("text holds no word to look for")
    return words


def _match(words: Sequence[str]) -> str:
    """FTS5's own language, with nothing in it that has a meaning there but a last star."""
    return " ".join(f'"{word[:-1]}"*' if word.endswith("*") else f'"{word}"' for word in words)


def _microseconds(when: datetime) -> int:
    return int((when.astimezone(UTC) - _EPOCH) / timedelta(microseconds=1))


def time_of(microseconds: int) -> str:
    """RFC 3339, UTC, of microseconds since 1970."""
    return (_EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def day_of(day: int) -> str:
    """The date of a day since 1970."""
    return (_EPOCH + timedelta(microseconds=day * MICROSECONDS_A_DAY)).strftime("%Y-%m-%d")
