"""People, requests, grants and tokens in SQLite: implements `gateway.access.store`.

Every value goes in as a parameter; the SQL texts are constants.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from gateway.access.extent import Extent
from gateway.access.models import (
    AccessRequest,
    Decision,
    Emergency,
    Grant,
    GrantState,
    How,
    Person,
    RequestState,
    Standing,
    Vote,
)
from gateway.access.store import Change, ListFilter
from gateway.audit.facts import AccessChanged
from gateway.notices.outbox import Outgoing
from gateway.storage.database import Database, Transaction
from gateway.storage.issued import COLUMNS, IssuedChange, IssuedRead, issued_of
from gateway.storage.outbox import put_out

_PERSON = """
    SELECT p.name, p.locked, p.identity, p.service,
           (SELECT json_group_array(m."group") FROM memberships m WHERE m.person = p.name) AS groups
    FROM people p"""
_REQUEST = """
    SELECT r.id, r.person, r.target, r.role, r.reason, r.seconds, r.asked_at, r.expires_at, r.state, r.version,
           r.extent, r.starts_at, r.extends, (SELECT g.id FROM grants g WHERE g.request = r.id) AS "grant",
           (SELECT json_group_array(json_array(d.by, d.vote, d.reason, d.at, d.seconds, d.extent))
            FROM decisions d WHERE d.request = r.id AND d.version = r.version) AS decisions
    FROM requests r"""
_GRANT = """
    SELECT g.id, g.request, g.person, g.target, g.role, g.reason, g.approvers, g.starts_at, g.ends_at,
           g.revoked_at, g.revoked_by, g.revoked_reason, g.ended_at, g.ended_as, g.lapses_at, g.first_used_at, g.how,
           g.extent
    FROM grants g"""
#: Scheduled or active at a time, which goes in twice.
_OPEN = """g.revoked_at IS NULL AND g.ended_at IS NULL AND g.ends_at > ?
           AND (g.first_used_at IS NOT NULL OR g.lapses_at IS NULL OR g.lapses_at > ?)"""
_EMERGENCY = """
    SELECT e."grant", e.person, e.due_at, e.reviewed_at, e.reviewed_by, e.review, e.locked_at FROM emergencies e"""


class _Source(Protocol):
    async def read(self, sql: str, values: Iterable[object] = ()) -> list[sqlite3.Row]: ...


class Reading(IssuedRead):
    """The questions, asked of what is committed or of an open transaction."""

    def __init__(self, source: _Source) -> None:
        super().__init__(source)
        self._source = source

    async def person(self, name: str) -> Person | None:
        rows = await self._source.read(f"{_PERSON} WHERE p.name = ?", [name])
        return _person(rows[0]) if rows else None

    async def people(self) -> tuple[Person, ...]:
        return tuple(_person(row) for row in await self._source.read(f"{_PERSON} ORDER BY p.name"))

    async def person_by_credential(self, digest: bytes) -> Person | None:
        rows = await self._source.read(f"{_PERSON} WHERE p.credential = ?", [digest])
        return _person(rows[0]) if rows else None

    async def request(self, request_id: str) -> AccessRequest | None:
        rows = await self._source.read(f"{_REQUEST} WHERE r.id = ?", [request_id])
        return _request(rows[0]) if rows else None

    async def requests(self, which: ListFilter) -> tuple[AccessRequest, ...]:
        where, values = _where(which, "r")
        if which.open_at is not None:
            where.append("r.state = 'pending' AND r.expires_at > ?")
            values.append(_micros(which.open_at))
        sql = f"{_REQUEST} WHERE {_all(where)} ORDER BY r.asked_at DESC, r.id LIMIT ?"
        return tuple(_request(row) for row in await self._source.read(sql, [*values, which.limit]))

    async def overdue_requests(self, now: datetime) -> tuple[AccessRequest, ...]:
        sql = f"{_REQUEST} WHERE r.state = 'pending' AND r.expires_at <= ? ORDER BY r.expires_at LIMIT 1000"
        return tuple(_request(row) for row in await self._source.read(sql, [_micros(now)]))

    async def grant(self, grant_id: str) -> Grant | None:
        rows = await self._source.read(f"{_GRANT} WHERE g.id = ?", [grant_id])
        return _grant(rows[0]) if rows else None

    async def grants(self, which: ListFilter) -> tuple[Grant, ...]:
        where, values = _where(which, "g")
        if which.open_at is not None:
            where.append(_OPEN)
            values += [_micros(which.open_at)] * 2
        sql = f"{_GRANT} WHERE {_all(where)} ORDER BY g.starts_at DESC, g.id LIMIT ?"
        return tuple(_grant(row) for row in await self._source.read(sql, [*values, which.limit]))

    async def overdue_grants(self, now: datetime) -> tuple[Grant, ...]:
        ended = f"""{_GRANT} WHERE g.revoked_at IS NULL AND g.ended_at IS NULL AND g.ends_at <= ?
                  ORDER BY g.ends_at LIMIT 1000"""
        lapsed = f"""{_GRANT} WHERE g.revoked_at IS NULL AND g.ended_at IS NULL AND g.first_used_at IS NULL
                  AND g.lapses_at IS NOT NULL AND g.lapses_at <= ? ORDER BY g.lapses_at LIMIT 1000"""
        rows = [*await self._source.read(ended, [_micros(now)]), *await self._source.read(lapsed, [_micros(now)])]
        return tuple({row["id"]: _grant(row) for row in rows}.values())

    async def ending_grants(self, now: datetime, before: datetime) -> tuple[Grant, ...]:
        sql = f"{_GRANT} WHERE {_OPEN} AND g.ends_at <= ? AND g.starts_at <= ? ORDER BY g.ends_at LIMIT 1000"
        values = [_micros(now), _micros(now), _micros(before), _micros(now)]
        return tuple(_grant(row) for row in await self._source.read(sql, values))

    async def live_grants(self, grant_ids: Collection[str], now: datetime) -> Mapping[str, datetime]:
        sql = f"""SELECT g.id, g.ends_at FROM grants g JOIN people p ON p.name = g.person
                  WHERE g.id IN (SELECT value FROM json_each(?)) AND p.locked = 0 AND {_OPEN} AND g.starts_at <= ?"""  # noqa: S608 -- constants
        rows = await self._source.read(sql, [json.dumps(list(grant_ids)), *[_micros(now)] * 3])
        return {row["id"]: _time(row["ends_at"]) for row in rows}

    async def emergency(self, grant_id: str) -> Emergency | None:
        rows = await self._source.read(f'{_EMERGENCY} WHERE e."grant" = ?', [grant_id])
        return _emergency(rows[0]) if rows else None

    async def open_emergencies(self, *, due_before: datetime | None = None) -> tuple[Emergency, ...]:
        overdue = "" if due_before is None else " AND e.due_at <= ? AND e.locked_at IS NULL"
        sql = f"{_EMERGENCY} WHERE e.reviewed_at IS NULL{overdue} ORDER BY e.due_at LIMIT 1000"
        values = [] if due_before is None else [_micros(due_before)]
        return tuple(_emergency(row) for row in await self._source.read(sql, values))

    async def latest(self) -> datetime:
        [row] = await self._source.read("SELECT seen_at FROM latest")
        return _time(row["seen_at"])

    async def standing(self, token_id: str) -> Standing | None:
        standing, _ = await self.at_the_door(token_id)
        return standing

    async def at_the_door(self, token_id: str) -> tuple[Standing | None, bool]:
        sql = f"""SELECT w.waiting, {COLUMNS}, g.*, p.name, p.locked, p.identity, p.service,
                        (SELECT json_group_array(m."group") FROM memberships m WHERE m.person = p.name) AS groups
                 FROM (SELECT EXISTS (SELECT 1 FROM handed_over) AS waiting) w
                 LEFT JOIN tokens t ON t.id = ? LEFT JOIN signing_keys k ON k.id = t.signing_key
                 LEFT JOIN grants g ON g.id = t."grant" LEFT JOIN people p ON p.name = g.person"""  # noqa: S608 -- constants
        [row] = await self._source.read(sql, [token_id])
        waiting = bool(row["waiting"])
        if row["name"] is None:
            return None, waiting
        return Standing(issued_of(row), _grant(row), _person(row)), waiting

    async def handed_over(self) -> tuple[tuple[int, AccessChanged], ...]:
        rows = await self._source.read("SELECT number, fact FROM handed_over ORDER BY number LIMIT 1000")
        return tuple((row["number"], msgspec.json.decode(row["fact"], type=AccessChanged)) for row in rows)


class StoredChange(IssuedChange, Reading):
    """One transaction."""

    def __init__(self, transaction: Transaction) -> None:
        IssuedChange.__init__(self, transaction)
        self._transaction = transaction
        self._write = transaction.write

    async def add_person(self, person: Person, credential: bytes) -> bool:
        added = await self._write(
            """INSERT INTO people (name, locked, credential, identity, service) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (name) DO NOTHING""",
            [person.name, person.locked, credential, person.identity, person.service],
        )
        if added:
            await self.set_groups(person.name, person.groups)
        return added == 1

    async def set_credential(self, name: str, credential: bytes) -> bool:
        return await self._write("UPDATE people SET credential = ? WHERE name = ?", [credential, name]) == 1

    async def set_groups(self, name: str, groups: frozenset[str]) -> bool:
        if not await self._source.read("SELECT 1 FROM people WHERE name = ?", [name]):
            return False
        await self._write("DELETE FROM memberships WHERE person = ?", [name])
        await self._write(
            'INSERT INTO memberships (person, "group") SELECT ?, value FROM json_each(?)',
            [name, json.dumps(sorted(groups))],
        )
        return True

    async def set_locked(self, name: str, locked: bool) -> bool:
        sql = "UPDATE people SET locked = ? WHERE name = ? AND locked <> ?"
        return await self._write(sql, [locked, name, locked]) == 1

    async def add_request(self, request: AccessRequest) -> None:
        await self._write(
            """INSERT INTO requests (id, person, target, role, reason, seconds, asked_at, expires_at, state, version,
                                     extent, starts_at, extends)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                request.id,
                request.person,
                request.target,
                request.role,
                request.reason,
                request.seconds,
                _micros(request.asked_at),
                _micros(request.expires_at),
                request.state,
                request.version,
                request.extent.text,
                _micros_or_none(request.starts_at),
                request.extends,
            ],
        )

    async def edit_request(self, request: AccessRequest) -> bool:
        edited = await self._write(
            """UPDATE requests SET version = ?, reason = ?, seconds = ?, extent = ?, starts_at = ?, expires_at = ?
               WHERE id = ? AND state = 'pending' AND version = ?""",
            [
                request.version,
                request.reason,
                request.seconds,
                request.extent.text,
                _micros_or_none(request.starts_at),
                _micros(request.expires_at),
                request.id,
                request.version - 1,
            ],
        )
        return edited == 1

    async def add_decision(self, decision: Decision) -> bool:
        added = await self._write(
            """INSERT INTO decisions (request, version, by, vote, reason, at, seconds, extent)
               SELECT r.id, r.version, ?, ?, ?, ?, ?, ? FROM requests r
               WHERE r.id = ? AND r.version = ? AND r.state = 'pending' AND r.expires_at > ?
               ON CONFLICT (request, version, by) DO NOTHING""",
            [
                decision.by,
                decision.vote,
                decision.reason,
                _micros(decision.at),
                decision.seconds,
                decision.extent.text if decision.extent is not None else "",
                decision.request,
                decision.version,
                _micros(decision.at),
            ],
        )
        return added == 1

    async def move_request(self, request_id: str, to: RequestState) -> bool:
        sql = "UPDATE requests SET state = ? WHERE id = ? AND state = 'pending'"
        return await self._write(sql, [to, request_id]) == 1

    async def add_grant(self, grant: Grant) -> bool:
        added = await self._write(
            """INSERT INTO grants (id, request, person, target, role, reason, approvers, starts_at, ends_at, lapses_at,
                                   how, extent)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (request) DO NOTHING""",
            [
                grant.id,
                grant.request,
                grant.person,
                grant.target,
                grant.role,
                grant.reason,
                json.dumps(grant.approvers),
                _micros(grant.starts_at),
                _micros(grant.ends_at),
                _micros_or_none(grant.lapses_at),
                grant.how,
                grant.extent.text,
            ],
        )
        return added == 1

    async def revoke_grant(self, grant_id: str, *, at: datetime, by: str, reason: str) -> bool:
        sql = f"""UPDATE grants AS g SET revoked_at = ?, revoked_by = ?, revoked_reason = ?
                  WHERE g.id = ? AND {_OPEN}"""  # noqa: S608 -- constants
        return await self._write(sql, [_micros(at), by, reason, grant_id, *[_micros(at)] * 2]) == 1

    async def end_grant(self, grant_id: str, *, at: datetime, as_: GrantState = GrantState.ENDED) -> bool:
        conditions = {
            GrantState.ENDED: "g.revoked_at IS NULL AND g.ended_at IS NULL AND g.ends_at <= ?",
            GrantState.LAPSED: """g.revoked_at IS NULL AND g.ended_at IS NULL AND g.first_used_at IS NULL
                                  AND g.lapses_at <= ?""",
            GrantState.DONE: _OPEN,
        }
        sql = f"UPDATE grants AS g SET ended_at = ?, ended_as = ? WHERE g.id = ? AND {conditions[as_]}"  # noqa: S608 -- constants
        moments = [_micros(at)] * (2 if as_ is GrantState.DONE else 1)
        return await self._write(sql, [_micros(at), as_, grant_id, *moments]) == 1

    async def use_grant(self, grant_id: str, *, at: datetime) -> bool:
        sql = f"""UPDATE grants AS g SET first_used_at = ?
                  WHERE g.id = ? AND g.first_used_at IS NULL AND g.starts_at <= ? AND {_OPEN}"""  # noqa: S608 -- constants
        return await self._write(sql, [_micros(at), grant_id, *[_micros(at)] * 3]) == 1

    async def extend_grant(self, grant_id: str, *, at: datetime, was: datetime, to: datetime) -> bool:
        sql = f"UPDATE grants AS g SET ends_at = ? WHERE g.id = ? AND g.ends_at = ? AND {_OPEN}"  # noqa: S608 -- constants
        return await self._write(sql, [_micros(to), grant_id, _micros(was), *[_micros(at)] * 2]) == 1

    async def add_emergency(self, emergency: Emergency) -> None:
        await self._write(
            'INSERT INTO emergencies ("grant", person, due_at) VALUES (?, ?, ?)',
            [emergency.grant, emergency.person, _micros(emergency.due_at)],
        )

    async def review_emergency(self, grant_id: str, *, at: datetime, by: str, text: str) -> bool:
        sql = """UPDATE emergencies SET reviewed_at = ?, reviewed_by = ?, review = ?
                 WHERE "grant" = ? AND reviewed_at IS NULL"""
        return await self._write(sql, [_micros(at), by, text, grant_id]) == 1

    async def emergency_locked(self, grant_id: str, *, at: datetime) -> bool:
        sql = 'UPDATE emergencies SET locked_at = ? WHERE "grant" = ? AND locked_at IS NULL AND reviewed_at IS NULL'
        return await self._write(sql, [_micros(at), grant_id]) == 1

    async def note_latest(self, now: datetime) -> None:
        await self._write("UPDATE latest SET seen_at = ?", [_micros(now)])

    async def hand_over(self, fact: AccessChanged) -> None:
        await self._write("INSERT INTO handed_over (fact) VALUES (?)", [msgspec.json.encode(fact).decode()])

    async def put_out(self, outgoing: Iterable[Outgoing], at: datetime) -> None:
        """Keep notices that are sent once this change is committed."""
        await put_out(self._transaction, outgoing, at)

    async def taken_over(self, numbers: Sequence[int]) -> None:
        sql = "DELETE FROM handed_over WHERE number IN (SELECT value FROM json_each(?))"
        await self._write(sql, [json.dumps(list(numbers))])


Around = Callable[[StoredChange], AbstractAsyncContextManager[None]]


def alone(change: StoredChange) -> AbstractAsyncContextManager[None]:
    """Nothing goes along."""
    return contextlib.nullcontext()


class SqliteAccessStore(Reading):
    """The access store over an open database, which stays its owner's to close."""

    def __init__(self, database: Database, around: Around = alone) -> None:
        """`around` is entered within each change, and may add to it what goes along."""
        super().__init__(database)
        self.database = database
        self._around = around

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """One transaction; see `gateway.access.store`."""
        async with self.database.transaction() as transaction:
            change = StoredChange(transaction)
            async with self._around(change):
                yield change


def _where(which: ListFilter, alias: str) -> tuple[list[str], list[object]]:
    where: list[str] = []
    values: list[object] = []
    if not which.everyone:
        places = f" OR ({alias}.role = ? AND {alias}.target = ?)" * len(which.places)
        where.append(f"({alias}.person = ? OR {alias}.role IN (SELECT value FROM json_each(?)){places})")  # noqa: S608 -- constants
        values += [which.person, json.dumps(sorted(which.roles or ()))]
        values += [word for place in sorted(which.places) for word in place]
    if which.target is not None:
        where.append(f"{alias}.target = ?")
        values.append(which.target)
    return where, values


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions) or "true"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _time(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _micros_or_none(at: datetime | None) -> int | None:
    return None if at is None else _micros(at)


def _time_or_none(micros: int | None) -> datetime | None:
    return None if micros is None else _time(micros)


def _person(row: sqlite3.Row) -> Person:
    groups = frozenset(json.loads(row["groups"]))
    return Person(row["name"], groups, bool(row["locked"]), row["identity"], bool(row["service"]))


def _request(row: sqlite3.Row) -> AccessRequest:
    decisions = sorted(json.loads(row["decisions"]), key=lambda decision: int(decision[3]))
    return AccessRequest(
        id=row["id"],
        person=row["person"],
        target=row["target"],
        role=row["role"],
        reason=row["reason"],
        seconds=row["seconds"],
        asked_at=_time(row["asked_at"]),
        expires_at=_time(row["expires_at"]),
        state=RequestState(row["state"]),
        decisions=tuple(
            Decision(
                row["id"],
                by,
                Vote(vote),
                reason,
                _time(at),
                row["version"],
                seconds,
                Extent.parse(extent) if extent else None,
            )
            for by, vote, reason, at, seconds, extent in decisions
        ),
        grant=row["grant"] or (row["extends"] if row["state"] == RequestState.APPROVED else None),
        version=row["version"],
        extent=Extent.parse(row["extent"]),
        starts_at=_time_or_none(row["starts_at"]),
        extends=row["extends"],
    )


def _grant(row: sqlite3.Row) -> Grant:
    return Grant(
        id=row["id"],
        request=row["request"],
        person=row["person"],
        target=row["target"],
        role=row["role"],
        reason=row["reason"],
        approvers=tuple(json.loads(row["approvers"])),
        starts_at=_time(row["starts_at"]),
        ends_at=_time(row["ends_at"]),
        revoked_at=_time_or_none(row["revoked_at"]),
        revoked_by=row["revoked_by"],
        revoked_reason=row["revoked_reason"],
        ended_at=_time_or_none(row["ended_at"]),
        ended_as=GrantState(row["ended_as"]),
        lapses_at=_time_or_none(row["lapses_at"]),
        used_at=_time_or_none(row["first_used_at"]),
        how=How(row["how"]),
        extent=Extent.parse(row["extent"]),
    )


def _emergency(row: sqlite3.Row) -> Emergency:
    return Emergency(
        grant=row["grant"],
        person=row["person"],
        due_at=_time(row["due_at"]),
        reviewed_at=_time_or_none(row["reviewed_at"]),
        reviewed_by=row["reviewed_by"],
        review=row["review"],
        locked_at=_time_or_none(row["locked_at"]),
    )
