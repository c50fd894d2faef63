"""The time that was noted last, in a database."""

from __future__ import annotations

from datetime import datetime

from gateway.storage.database import Source, Transaction
from gateway.storage.times import micros, time


class ClockRead:
    """When it was."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def latest(self) -> datetime:
        [row] = await self._source.read("SELECT seen_at FROM latest")
        return time(row["seen_at"])


class ClockChange(ClockRead):
    """The same in one transaction, and what changes it."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def note_latest(self, now: datetime) -> None:
        await self._transaction.write("UPDATE latest SET seen_at = ?", [micros(now)])
