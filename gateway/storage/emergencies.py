"""Grants that nobody had approved beforehand, and their reviews, in a database."""

from __future__ import annotations

from datetime import datetime

from gateway.access.models import Emergency
from gateway.storage.database import Row, Source, Transaction
from gateway.storage.times import micros, time, time_or_none

_EMERGENCY = """
    SELECT e."grant", e.person, e.due_at, e.reviewed_at, e.reviewed_by, e.review, e.locked_at FROM emergencies e"""


class EmergenciesRead:
    """Questions about them."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def emergency(self, grant_id: str) -> Emergency | None:
        rows = await self._source.read(f'{_EMERGENCY} WHERE e."grant" = ?', [grant_id])
        return _emergency(rows[0]) if rows else None

    async def open_emergencies(self, *, due_before: datetime | None = None) -> tuple[Emergency, ...]:
        overdue = "" if due_before is None else " AND e.due_at <= ? AND e.locked_at IS NULL"
        sql = f"{_EMERGENCY} WHERE e.reviewed_at IS NULL{overdue} ORDER BY e.due_at LIMIT 1000"
        values: list[object] = [] if due_before is None else [micros(due_before)]
        return tuple(_emergency(row) for row in await self._source.read(sql, values))


class EmergenciesChange(EmergenciesRead):
    """The same in one transaction, and what changes them."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def add_emergency(self, emergency: Emergency) -> None:
        await self._transaction.write(
            'INSERT INTO emergencies ("grant", person, due_at) VALUES (?, ?, ?)',
            [emergency.grant, emergency.person, micros(emergency.due_at)],
        )

    async def review_emergency(self, grant_id: str, *, at: datetime, by: str, text: str) -> bool:
        sql = """UPDATE emergencies SET reviewed_at = ?, reviewed_by = ?, review = ?
                 WHERE "grant" = ? AND reviewed_at IS NULL"""
        return await self._transaction.write(sql, [micros(at), by, text, grant_id]) == 1

    async def emergency_locked(self, grant_id: str, *, at: datetime) -> bool:
        sql = 'UPDATE emergencies SET locked_at = ? WHERE "grant" = ? AND locked_at IS NULL AND reviewed_at IS NULL'
        return await self._transaction.write(sql, [micros(at), grant_id]) == 1


def _emergency(row: Row) -> Emergency:
    return Emergency(
        grant=row["grant"],
        person=row["person"],
        due_at=time(row["due_at"]),
        reviewed_at=time_or_none(row["reviewed_at"]),
        reviewed_by=row["reviewed_by"],
        review=row["review"],
        locked_at=time_or_none(row["locked_at"]),
    )
