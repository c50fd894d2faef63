"""The end of a periodic access review: somebody stands for what a role allows, and that is recorded."""

from __future__ import annotations

from gateway.access import requests
from gateway.access.errors import NotFound, NotPossible
from gateway.access.models import Person
from gateway.access.office import Office
from gateway.access.permissions import Action
from gateway.audit.facts import AccessChanged


class SigningOff:
    """The part of `Access` for access reviews."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def sign_off(
        self, person: Person, *, role: str, note: str, days: int, in_force: str, looked_at: str | None = None
    ) -> AccessChanged:
        """Record that the person stands for the role as version `in_force` of the policy has it, after a look at
        `days` days; what was recorded. `looked_at`: the version that was looked at, where that is known.
        Raises NotFound, NotPermitted, NotPossible, NotValid."""
        terms = self._office.terms(role)
        if terms is None:
            raise NotFound("role", "there is no such role", 'see "pgcurfew policy review" for those that there are')
        about = AccessChanged(what="access-reviewed", by=person.name, role=role)
        self._office.permit(person, Action.SIGN_OFF, terms, about)
        words = requests.plain_text(note, "note", required=True)
        if looked_at not in (None, in_force):
            raise NotPossible(
                "changed",
                f"another policy is in force than the one that was looked at: {in_force}, not {looked_at}",
                "review it again, then sign it off",
            )
        today = self._office.clock().date().isoformat()
        fact = AccessChanged(
            what="access-reviewed",
            by=person.name,
            role=role,
            reason=f"policy {in_force}, {days} days until {today}: {words}",
        )
        self._office.record(fact)
        return fact
