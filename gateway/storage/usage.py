"""What is usual, kept beside the grants: reads a `Book`, and adds the days that changed to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from gateway.alerts.usual import Book, DayUse
from gateway.storage.database import Database
from gateway.storage.times import micros, time

_FIRST = date(1970, 1, 1)
#: Days that are kept: rules may remember for up to a year.
KEEP_DAYS = 366


class StoredUsage:
    """The kept days over an open database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Book:
        """Everything that is kept."""
        book = Book()
        for row in await self._database.read("SELECT person, role, day, sums FROM usage"):
            use = msgspec.json.decode(row["sums"], type=DayUse)
            book.put(row["person"], row["role"], _FIRST + timedelta(days=row["day"]), use)
        for row in await self._database.read("SELECT person, network, last_at FROM networks"):
            book.put_network(row["person"], row["network"], time(row["last_at"]))
        return book

    async def write(
        self, days: Iterable[tuple[str, str, date, DayUse]], networks: Iterable[tuple[str, str, datetime]]
    ) -> None:
        """Keep these days as they are now, and these networks."""
        async with self._database.transaction() as transaction:
            for person, role, day, use in days:
                await transaction.write(
                    """INSERT INTO usage (person, role, day, sums) VALUES (?, ?, ?, ?)
                       ON CONFLICT (person, role, day) DO UPDATE SET sums = excluded.sums""",
                    [person, role, (day - _FIRST).days, msgspec.json.encode(use).decode()],
                )
            for person, network, last_at in networks:
                await transaction.write(
                    """INSERT INTO networks (person, network, last_at) VALUES (?, ?, ?)
                       ON CONFLICT (person, network) DO UPDATE SET last_at = excluded.last_at""",
                    [person, network, micros(last_at)],
                )

    async def forget(self, before: date) -> None:
        """Throw away days and networks from before that day."""
        async with self._database.transaction() as transaction:
            await transaction.write("DELETE FROM usage WHERE day < ?", [(before - _FIRST).days])
            at = datetime(before.year, before.month, before.day).astimezone()
            await transaction.write("DELETE FROM networks WHERE last_at < ?", [micros(at)])
