"""Facts of changes that another process made, until a gateway records them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.audit.facts import AccessChanged
from gateway.storage.database import Source, Transaction, in_parts


class HandedOverRead:
    """What waits."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def handed_over(self) -> tuple[tuple[int, AccessChanged], ...]:
        rows = await self._source.read("SELECT number, fact FROM handed_over ORDER BY number LIMIT 1000")
        return tuple((row["number"], msgspec.json.decode(row["fact"], type=AccessChanged)) for row in rows)


class HandedOverChange(HandedOverRead):
    """The same in one transaction, and what changes it."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def hand_over(self, fact: AccessChanged) -> None:
        text = msgspec.json.encode(fact).decode()
        await self._transaction.write("INSERT INTO handed_over (fact) VALUES (?)", [text])

    async def taken_over(self, numbers: Sequence[int]) -> None:
        for places, part in in_parts(numbers):
            await self._transaction.write(f"DELETE FROM handed_over WHERE number IN {places}", part)  # noqa: S608 -- constants
