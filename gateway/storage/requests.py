"""Requests and what was decided on them, in a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.access.extent import Extent
from gateway.access.models import AccessRequest, Decision, RequestState, Vote
from gateway.access.store import ListFilter
from gateway.storage.database import Row, Source, Transaction
from gateway.storage.lists import newest
from gateway.storage.times import micros, micros_or_none, time, time_or_none

_COLUMNS = """r.id, r.person, r.target, r.role, r.reason, r.seconds, r.asked_at, r.expires_at, r.state, r.version,
           r.extent, r.starts_at, r.extends"""
#: A request comes as one row a decision on its present version.
_WITH_DECISIONS = """
    SELECT r.*, g.id AS grant_id, d.by AS decided_by, d.vote, d.reason AS decided_why, d.at AS decided_at,
           d.seconds AS decided_seconds, d.extent AS decided_extent
    FROM ({}) r LEFT JOIN grants g ON g.request = r.id
    LEFT JOIN decisions d ON d.request = r.id AND d.version = r.version"""
_REQUEST = f"SELECT {_COLUMNS} FROM requests r"  # noqa: S608 -- constants
_BY_ID = _WITH_DECISIONS.format(f"{_REQUEST} WHERE r.id = ?")
_OVERDUE = _WITH_DECISIONS.format(
    f"{_REQUEST} WHERE r.state = 'pending' AND r.expires_at <= ? ORDER BY r.expires_at LIMIT 1000"
)


class RequestsRead:
    """Questions about requests."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def request(self, request_id: str) -> AccessRequest | None:
        found = _requests(await self._source.read(_BY_ID, [request_id]))
        return found[0] if found else None

    async def requests(self, which: ListFilter) -> tuple[AccessRequest, ...]:
        still_open = "r.state = 'pending' AND r.expires_at > ?"
        sql, values = newest("requests", "r", _COLUMNS, "asked_at", which, still_open)
        found = _requests(await self._source.read(_WITH_DECISIONS.format(sql), values))
        return tuple(sorted(found, key=lambda request: (request.asked_at, request.id), reverse=True))

    async def overdue_requests(self, now: datetime) -> tuple[AccessRequest, ...]:
        found = _requests(await self._source.read(_OVERDUE, [micros(now)]))
        return tuple(sorted(found, key=lambda request: request.expires_at))


class RequestsChange(RequestsRead):
    """The same in one transaction, and what changes them."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def add_request(self, request: AccessRequest) -> None:
        await self._transaction.write(
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
                micros(request.asked_at),
                micros(request.expires_at),
                request.state,
                request.version,
                request.extent.text,
                micros_or_none(request.starts_at),
                request.extends,
            ],
        )

    async def edit_request(self, request: AccessRequest) -> bool:
        edited = await self._transaction.write(
            """UPDATE requests SET version = ?, reason = ?, seconds = ?, extent = ?, starts_at = ?, expires_at = ?
               WHERE id = ? AND state = 'pending' AND version = ?""",
            [
                request.version,
                request.reason,
                request.seconds,
                request.extent.text,
                micros_or_none(request.starts_at),
                micros(request.expires_at),
                request.id,
                request.version - 1,
            ],
        )
        return edited == 1

    async def add_decision(self, decision: Decision) -> bool:
        added = await self._transaction.write(
            """INSERT INTO decisions (request, version, by, vote, reason, at, seconds, extent)
               SELECT r.id, r.version, ?, ?, ?, ?, ?, ? FROM requests r
               WHERE r.id = ? AND r.version = ? AND r.state = 'pending' AND r.expires_at > ?
               ON CONFLICT (request, version, by) DO NOTHING""",
            [
                decision.by,
                decision.vote,
                decision.reason,
                micros(decision.at),
                decision.seconds,
                decision.extent.text if decision.extent is not None else "",
                decision.request,
                decision.version,
                micros(decision.at),
            ],
        )
        return added == 1

    async def move_request(self, request_id: str, to: RequestState) -> bool:
        sql = "UPDATE requests SET state = ? WHERE id = ? AND state = 'pending'"
        return await self._transaction.write(sql, [to, request_id]) == 1


def _requests(rows: Sequence[Row]) -> list[AccessRequest]:
    by_id: dict[str, list[Row]] = {}
    for row in rows:
        by_id.setdefault(row["id"], []).append(row)
    return [_request(rows) for rows in by_id.values()]


def _request(rows: Sequence[Row]) -> AccessRequest:
    row = rows[0]
    decisions = (
        Decision(
            row["id"],
            each["decided_by"],
            Vote(each["vote"]),
            each["decided_why"],
            time(each["decided_at"]),
            row["version"],
            each["decided_seconds"],
            Extent.parse(each["decided_extent"]) if each["decided_extent"] else None,
        )
        for each in rows
        if each["decided_by"] is not None
    )
    return AccessRequest(
        id=row["id"],
        person=row["person"],
        target=row["target"],
        role=row["role"],
        reason=row["reason"],
        seconds=row["seconds"],
        asked_at=time(row["asked_at"]),
        expires_at=time(row["expires_at"]),
        state=RequestState(row["state"]),
        decisions=tuple(sorted(decisions, key=lambda decision: (decision.at, decision.by))),
        grant=row["grant_id"] or (row["extends"] if row["state"] == RequestState.APPROVED else None),
        version=row["version"],
        extent=Extent.parse(row["extent"]),
        starts_at=time_or_none(row["starts_at"]),
        extends=row["extends"],
    )
