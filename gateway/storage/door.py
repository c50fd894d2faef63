"""What the door asks: everything about one token, in one query."""

from __future__ import annotations

from gateway.access.models import Standing
from gateway.storage.database import Source
from gateway.storage.grants import grant_of
from gateway.storage.issued import COLUMNS, issued_of
from gateway.storage.people import person_of

#: One row a group of the person, and one row in any case.
_AT_THE_DOOR = f"""
    SELECT w.waiting, {COLUMNS}, g.*, p.name, p.locked, p.identity, p.service, m."group" AS in_group
    FROM (SELECT EXISTS (SELECT 1 FROM handed_over) AS waiting) w
    LEFT JOIN tokens t ON t.id = ? LEFT JOIN signing_keys k ON k.id = t.signing_key
    LEFT JOIN grants g ON g.id = t."grant"
    LEFT JOIN people p ON p.name = g.person LEFT JOIN memberships m ON m.person = p.name"""  # noqa: S608 -- constants


class DoorRead:
    """Who stands there."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def standing(self, token_id: str) -> Standing | None:
        standing, _ = await self.at_the_door(token_id)
        return standing

    async def at_the_door(self, token_id: str) -> tuple[Standing | None, bool]:
        rows = await self._source.read(_AT_THE_DOOR, [token_id])
        row = rows[0]
        waiting = bool(row["waiting"])
        if row["name"] is None:
            return None, waiting
        return Standing(issued_of(row), grant_of(row), person_of(rows)), waiting
