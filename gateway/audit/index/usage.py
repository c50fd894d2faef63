"""How a role was used: what its statements touched, who held it, when it was last signed off."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.audit.index.answering import Index, day_of, time_of
from gateway.audit.index.schema import IDS_A_DAY, MICROSECONDS_A_DAY, SAME_MOMENT
from gateway.audit.index.shapes import Touched, relations_of

#: What a sign-off is called in the record (AccessChanged.what).
SIGNED_OFF: Final = "access-reviewed"

_touched = msgspec.json.Decoder(Touched)


@dataclass(frozen=True, slots=True)
class Used:
    """Statements that ran and differ in their constants only."""

    text: str
    kind: str
    touched: Touched
    statements: int
    #: The last day, UTC.
    last: str

    @property
    def relations(self) -> frozenset[str]:
        """All that it names."""
        touched = self.touched
        return frozenset({*touched.relations, *relations_of((*touched.read, *touched.written, *touched.lookups))})


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who was given the role, or used it. Times are "" where there are none."""

    person: str
    grants: int
    granted: str
    statements: int
    last: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Somebody looked at the role and stands for it."""

    time: str
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one role, since a day."""

    used: tuple[Used, ...]
    holders: tuple[Holder, ...]
    sign_off: SignOff | None


def usage_of(index: Index, role: str, since: int) -> Usage:
    """Since the beginning of that day (days since 1970, UTC). Raises sqlite3.Error."""
    connection = index.connection
    return Usage(_used(connection, role, since), _holders(connection, role, since), _sign_off(connection, role))


def recorded_since(index: Index) -> str:
    """The day of the first session that is still in the record; "" where there is none."""
    (began,) = index.connection.execute("SELECT min(began) FROM session").fetchone()
    return "" if began is None else day_of(began // MICROSECONDS_A_DAY)


def _used(connection: sqlite3.Connection, role: str, since: int) -> tuple[Used, ...]:
    rows = connection.execute(
        "SELECT s.normalized, s.kind, s.touched, sum(t.events), max(t.day) FROM holder h"
        " JOIN tally t ON t.holder = h.id JOIN shape s ON s.id = t.shape"
        " WHERE h.role = ? AND t.day >= ? AND t.events > 0 AND s.verdict <> 'refused' GROUP BY s.id ORDER BY s.id",
        (role, since),
    )
    return tuple(Used(text, kind, _touched.decode(touched), n, day_of(day)) for text, kind, touched, n, day in rows)


def _holders(connection: sqlite3.Connection, role: str, since: int) -> tuple[Holder, ...]:
    granted: Mapping[str, tuple[int, int]] = {
        person: (grants, last // SAME_MOMENT)
        for person, grants, last in connection.execute(
            "SELECT person, count(*), max(id) FROM affair WHERE what = 'granted' AND role = ? AND id >= ?"
            " GROUP BY person",
            (role, since * IDS_A_DAY),
        )
    }
    ran: Mapping[str, tuple[int, int]] = {
        person: (statements, last)
        for person, statements, last in connection.execute(
            "SELECT h.person, sum(t.events), max(t.day) FROM holder h JOIN tally_holder t ON t.holder = h.id"
            " WHERE h.role = ? AND t.day >= ? GROUP BY h.person",
            (role, since),
        )
    }
    return tuple(
        Holder(
            person,
            granted[person][0] if person in granted else 0,
            time_of(granted[person][1]) if person in granted else "",
            ran[person][0] if person in ran else 0,
            day_of(ran[person][1]) if person in ran else "",
        )
        for person in sorted({*granted, *ran})
    )


def _sign_off(connection: sqlite3.Connection, role: str) -> SignOff | None:
    row = connection.execute(
        "SELECT id, by, reason FROM affair WHERE what = ? AND role = ? ORDER BY id DESC LIMIT 1", (SIGNED_OFF, role)
    ).fetchone()
    return None if row is None else SignOff(time_of(row[0] // SAME_MOMENT), row[1], row[2])
