"""Grants, in a database."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from gateway.access.extent import Extent
from gateway.access.models import Grant, GrantState, How
from gateway.access.store import ListFilter
from gateway.storage.database import Row, Source, Transaction, in_parts
from gateway.storage.lists import newest
from gateway.storage.times import micros, micros_or_none, time, time_or_none

_COLUMNS = """g.id, g.request, g.person, g.target, g.role, g.reason, g.approvers, g.starts_at, g.ends_at,
           g.revoked_at, g.revoked_by, g.revoked_reason, g.ended_at, g.ended_as, g.lapses_at, g.first_used_at, g.how,
           g.extent"""
_GRANT = f"SELECT {_COLUMNS} FROM grants g"  # noqa: S608 -- constants
#: Scheduled or active at a time, which goes in twice.
_OPEN = """g.revoked_at IS NULL AND g.ended_at IS NULL AND g.ends_at > ?
           AND (g.first_used_at IS NOT NULL OR g.lapses_at IS NULL OR g.lapses_at > ?)"""


class GrantsRead:
    """Questions about grants."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def grant(self, grant_id: str) -> Grant | None:
        rows = await self._source.read(f"{_GRANT} WHERE g.id = ?", [grant_id])
        return grant_of(rows[0]) if rows else None

    async def grants(self, which: ListFilter) -> tuple[Grant, ...]:
        sql, values = newest("grants", "g", _COLUMNS, "starts_at", which, _OPEN)
        return tuple(grant_of(row) for row in await self._source.read(sql, values))

    async def overdue_grants(self, now: datetime) -> tuple[Grant, ...]:
        ended = f"""{_GRANT} WHERE g.revoked_at IS NULL AND g.ended_at IS NULL AND g.ends_at <= ?
                  ORDER BY g.ends_at LIMIT 1000"""
        lapsed = f"""{_GRANT} WHERE g.revoked_at IS NULL AND g.ended_at IS NULL AND g.first_used_at IS NULL
                  AND g.lapses_at IS NOT NULL AND g.lapses_at <= ? ORDER BY g.lapses_at LIMIT 1000"""
        rows = [*await self._source.read(ended, [micros(now)]), *await self._source.read(lapsed, [micros(now)])]
        return tuple({row["id"]: grant_of(row) for row in rows}.values())

    async def ending_grants(self, now: datetime, before: datetime) -> tuple[Grant, ...]:
        sql = f"{_GRANT} WHERE {_OPEN} AND g.ends_at <= ? AND g.starts_at <= ? ORDER BY g.ends_at LIMIT 1000"
        values = [micros(now), micros(now), micros(before), micros(now)]
        return tuple(grant_of(row) for row in await self._source.read(sql, values))

    async def live_grants(self, grant_ids: Collection[str], now: datetime) -> Mapping[str, datetime]:
        live: dict[str, datetime] = {}
        for places, part in in_parts(list(grant_ids)):
            sql = f"""SELECT g.id, g.ends_at FROM grants g JOIN people p ON p.name = g.person
                      WHERE g.id IN {places} AND p.locked = 0 AND {_OPEN} AND g.starts_at <= ?"""  # noqa: S608 -- constants
            rows = await self._source.read(sql, [*part, *[micros(now)] * 3])
            live.update((row["id"], time(row["ends_at"])) for row in rows)
        return live


class GrantsChange(GrantsRead):
    """The same in one transaction, and what changes them."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def add_grant(self, grant: Grant) -> bool:
        added = await self._transaction.write(
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
                micros(grant.starts_at),
                micros(grant.ends_at),
                micros_or_none(grant.lapses_at),
                grant.how,
                grant.extent.text,
            ],
        )
        return added == 1

    async def revoke_grant(self, grant_id: str, *, at: datetime, by: str, reason: str) -> bool:
        sql = f"""UPDATE grants AS g SET revoked_at = ?, revoked_by = ?, revoked_reason = ?
                  WHERE g.id = ? AND {_OPEN}"""  # noqa: S608 -- constants
        return await self._transaction.write(sql, [micros(at), by, reason, grant_id, *[micros(at)] * 2]) == 1

    async def end_grant(self, grant_id: str, *, at: datetime, as_: GrantState = GrantState.ENDED) -> bool:
        conditions = {
            GrantState.ENDED: "g.revoked_at IS NULL AND g.ended_at IS NULL AND g.ends_at <= ?",
            GrantState.LAPSED: """g.revoked_at IS NULL AND g.ended_at IS NULL AND g.first_used_at IS NULL
                                  AND g.lapses_at <= ?""",
            GrantState.DONE: _OPEN,
        }
        sql = f"UPDATE grants AS g SET ended_at = ?, ended_as = ? WHERE g.id = ? AND {conditions[as_]}"  # noqa: S608 -- constants
        moments = [micros(at)] * (2 if as_ is GrantState.DONE else 1)
        return await self._transaction.write(sql, [micros(at), as_, grant_id, *moments]) == 1

    async def use_grant(self, grant_id: str, *, at: datetime) -> bool:
        sql = f"""UPDATE grants AS g SET first_used_at = ?
                  WHERE g.id = ? AND g.first_used_at IS NULL AND g.starts_at <= ? AND {_OPEN}"""  # noqa: S608 -- constants
        return await self._transaction.write(sql, [micros(at), grant_id, *[micros(at)] * 3]) == 1

    async def extend_grant(self, grant_id: str, *, at: datetime, was: datetime, to: datetime) -> bool:
        sql = f"UPDATE grants AS g SET ends_at = ? WHERE g.id = ? AND g.ends_at = ? AND {_OPEN}"  # noqa: S608 -- constants
        return await self._transaction.write(sql, [micros(to), grant_id, micros(was), *[micros(at)] * 2]) == 1


def grant_of(row: Row) -> Grant:
    """A grant from a row with the columns of the table."""
    return Grant(
        id=row["id"],
        request=row["request"],
        person=row["person"],
        target=row["target"],
        role=row["role"],
        reason=row["reason"],
        approvers=tuple(json.loads(row["approvers"])),
        starts_at=time(row["starts_at"]),
        ends_at=time(row["ends_at"]),
        revoked_at=time_or_none(row["revoked_at"]),
        revoked_by=row["revoked_by"],
        revoked_reason=row["revoked_reason"],
        ended_at=time_or_none(row["ended_at"]),
        ended_as=GrantState(row["ended_as"]),
        lapses_at=time_or_none(row["lapses_at"]),
        used_at=time_or_none(row["first_used_at"]),
        how=How(row["how"]),
        extent=Extent.parse(row["extent"]),
    )
