"""How many sessions there are, by grant, token, person and target, and how fast people come: for the limits on them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.access.errors import AdmissionRefused
from gateway.access.models import Admission
from gateway.access.tokens import Claims

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class HouseLimits:
    """What the settings allow, whatever a role says; None is no limit."""

    per_grant: int | None = None
    per_person: int | None = None
    #: Sessions that one person may begin within a minute.
    per_minute: int | None = None
    per_target: Mapping[str, int] = field(default_factory=dict)


class Crowd:
    """Who is in."""

    def __init__(self) -> None:
        self.by_grant: Counter[str] = Counter()
        self.by_token: Counter[str] = Counter()
        self._by_person: Counter[str] = Counter()
        self._by_target: Counter[str] = Counter()
        #: When each person's sessions of the last minute began.
        self._came: dict[str, deque[datetime]] = {}

    def check(self, claims: Claims, target: str, limits: HouseLimits, now: datetime) -> None:
        """Raise AdmissionRefused (53300) where another session would be one too many."""

        def refused(cause: str, message: str, hint: str) -> AdmissionRefused:
            return AdmissionRefused(cause, "53300", message, hint, token_id=claims.token_id, person=claims.person)

        open_of_person, open_on_target = self._by_person[claims.person], self._by_target[target]
        if limits.per_person is not None and open_of_person >= limits.per_person:
            raise refused(
                "too-many-sessions-of-person",
                f"{claims.person} has {open_of_person} sessions open, which is all that one person may have",
                "close one of them, or make the pool smaller",
            )
        most = limits.per_target.get(target)
        if most is not None and open_on_target >= most:
            raise refused(
                "too-many-sessions-on-target",
                f'"{target}" has {open_on_target} sessions through this gateway, which is all it may have',
                "try again when others have left",
            )
        begun = self._begun(claims.person, now)
        if limits.per_minute is not None and begun >= limits.per_minute:
            raise refused(
                "too-many-connects",
                f"{claims.person} has begun {begun} sessions within a minute, which is all that one person may",
                "keep connections open and use them again, as a pool does",
            )

    def came(self, admission: Admission, now: datetime) -> None:
        """Somebody was let in."""
        for counter, key in self._keys(admission):
            counter[key] += 1
        self._came.setdefault(admission.person.name, deque()).append(now)

    def left(self, admission: Admission) -> None:
        """A session is over."""
        for counter, key in self._keys(admission):
            counter[key] -= 1
            if counter[key] <= 0:
                del counter[key]

    def _keys(self, admission: Admission) -> tuple[tuple[Counter[str], str], ...]:
        return (
            (self.by_grant, admission.grant.id),
            (self.by_token, admission.token_id),
            (self._by_person, admission.person.name),
            (self._by_target, admission.grant.target),
        )

    def _begun(self, person: str, now: datetime) -> int:
        came = self._came.get(person)
        if came is None:
            return 0
        while came and came[0] <= now - _MINUTE:
            came.popleft()
        if not came:
            del self._came[person]
        return len(came)
