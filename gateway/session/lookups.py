"""How many raw values the holder of a grant has looked rows up by, so that nobody guesses on and on.

A lookup (masking.lookups) tells whether a value exists. One that is needed is a question; ten thousand are a list.
They are counted by grant, over all of its sessions, one after the other too; each worker counts its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.session.judge import Judged
from masking.verdict import Refusal

#: A statement that was prepared by the protocol can be run by SQL too, where nobody sees how often.
NOT_BY_SQL = Refusal(
    "42501",
    "lookup-prepared",
    "a prepared statement that looks rows up by a masked column cannot be run by SQL's EXECUTE",
    detail="Rule: lookup-prepared.",
    hint="Lookups are counted. Run it by the protocol (Bind, Execute), as drivers do, or send the statement itself.",
)


class Lookups:
    """What one grant has used."""

    __slots__ = ("ends_at", "used")

    def __init__(self, ends_at: datetime | None = None) -> None:
        self.used = 0
        self.ends_at = ends_at

    def beyond(self, limit: int | None, judged: Judged) -> Refusal | None:
        """Why these statements may not run now: they would look up more values than the role may."""
        wanted = wanted_by(judged)
        if not wanted or limit is None or self.used + wanted <= limit:
            return None
        return Refusal(
            "54000",
            "lookups",
            f"this role may look up {limit:,} values under one grant: {self.used:,} are used, {wanted:,} are asked for",
            hint="Leave out the conditions on masked columns, or say in a new request why the task needs more.",
        )

    def spend(self, judged: Judged) -> None:
        """These statements go upstream with their values."""
        self.used += wanted_by(judged)


class LookupsOfGrants:
    """One count for each grant that goes on."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._counts: dict[str, Lookups] = {}

    def of(self, grant: str, ends_at: datetime) -> Lookups:
        """The count of a grant; those of grants that are over are forgotten."""
        now = self._clock()
        for over in [known for known, count in self._counts.items() if count.ends_at is None or count.ends_at <= now]:
            del self._counts[over]
        return self._counts.setdefault(grant, Lookups(ends_at))


def wanted_by(judged: Judged) -> int:
    """How many values these statements look up."""
    return sum(len(statement.lookups) for statement in judged.statements)
