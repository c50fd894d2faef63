"""People, their groups and the digests of their credentials, in a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.access.models import Person
from gateway.storage.database import Row, Source, Transaction

_PERSON = """
    SELECT p.name, p.locked, p.identity, p.service, m."group" AS in_group
    FROM people p LEFT JOIN memberships m ON m.person = p.name"""


class PeopleRead:
    """Questions about people."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def person(self, name: str) -> Person | None:
        return _first(await self._source.read(f"{_PERSON} WHERE p.name = ?", [name]))

    async def people(self) -> tuple[Person, ...]:
        found = _people(await self._source.read(_PERSON))
        return tuple(sorted(found, key=lambda person: person.name))

    async def person_by_credential(self, digest: bytes) -> Person | None:
        return _first(await self._source.read(f"{_PERSON} WHERE p.credential = ?", [digest]))


class PeopleChange(PeopleRead):
    """The same in one transaction, and what changes them."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction

    async def add_person(self, person: Person, credential: bytes) -> bool:
        added = await self._transaction.write(
            """INSERT INTO people (name, locked, credential, identity, service) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (name) DO NOTHING""",
            [person.name, person.locked, credential, person.identity, person.service],
        )
        if added:
            await self._put_into(person.name, person.groups)
        return added == 1

    async def set_credential(self, name: str, credential: bytes) -> bool:
        sql = "UPDATE people SET credential = ? WHERE name = ?"
        return await self._transaction.write(sql, [credential, name]) == 1

    async def set_groups(self, name: str, groups: frozenset[str]) -> bool:
        if not await self._transaction.read("SELECT 1 FROM people WHERE name = ?", [name]):
            return False
        await self._transaction.write("DELETE FROM memberships WHERE person = ?", [name])
        await self._put_into(name, groups)
        return True

    async def set_locked(self, name: str, locked: bool) -> bool:
        sql = "UPDATE people SET locked = ? WHERE name = ? AND locked <> ?"
        changed = await self._transaction.write(sql, [locked, name, locked]) == 1
        if changed and locked:
            # Whoever locks, by whatever way: unlocking brings no sign-in back.
            await self._transaction.write("DELETE FROM sign_ins WHERE person = ?", [name])
        return changed

    async def _put_into(self, name: str, groups: Iterable[str]) -> None:
        for group in sorted(groups):
            await self._transaction.write('INSERT INTO memberships (person, "group") VALUES (?, ?)', [name, group])


def person_of(rows: Sequence[Row]) -> Person:
    """A person from their rows with the columns of the table and `in_group`: one row a group."""
    groups = frozenset(row["in_group"] for row in rows if row["in_group"] is not None)
    row = rows[0]
    return Person(row["name"], groups, bool(row["locked"]), row["identity"], bool(row["service"]))


def _first(rows: Sequence[Row]) -> Person | None:
    return person_of(rows) if rows else None


def _people(rows: Sequence[Row]) -> list[Person]:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row)
    return [person_of(rows) for rows in by_name.values()]
