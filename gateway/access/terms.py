"""Terms of a role that need more than a number: who stands where a group does not, what is given without
asking anybody, and what is given in an emergency. All of it comes from the policy file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Circle:
    """Some people: by their groups, or by name."""

    groups: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def holds(self, name: str, groups: frozenset[str]) -> bool:
        return name in self.people or bool(groups & self.groups)

    def __bool__(self) -> bool:
        return bool(self.groups or self.people)

    def __str__(self) -> str:
        return ", ".join([f'"{group}"' for group in sorted(self.groups)] + sorted(self.people))


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of certain days, in one time zone; it may go past midnight."""

    #: Monday is 0, as `datetime.weekday` counts.
    days: frozenset[int]
    #: Minutes since midnight.
    start: int = 0
    end: int = DAY_MINUTES
    zone: str = "UTC"

    def ends(self, moment: datetime) -> datetime | None:
        """When the stretch ends that `moment` is in; None when it is in none."""
        zone = ZoneInfo(self.zone)
        local = moment.astimezone(zone)
        for day in (local.date(), local.date() - timedelta(days=1)):
            begins, over = self._stretch(day, zone)
            if day.weekday() in self.days and begins <= moment < over:
                return over
        return None

    def _stretch(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
        until = day if self.end > self.start else day + timedelta(days=1)
        return _at(day, self.start, zone), _at(until, self.end, zone)


@dataclass(frozen=True, slots=True)
class AutoApproval:
    """A role is given at once to these people, within these hours, for so long at most."""

    name: str
    requesters: Circle
    max_seconds: int
    hours: Hours | None = None
    #: Empty: every target of the role.
    targets: frozenset[str] = frozenset()

    def fits(self, *, person: str, groups: frozenset[str], target: str, starts_at: datetime, seconds: int) -> bool:
        """Whether such a grant needs nobody's approval. All of it has to lie within the hours."""
        if not self.requesters.holds(person, groups) or seconds > self.max_seconds:
            return False
        if self.targets and target not in self.targets:
            return False
        if self.hours is None:
            return True
        over = self.hours.ends(starts_at)
        return over is not None and starts_at + timedelta(seconds=seconds) <= over


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """A role is given at once, in an emergency, to these people; somebody else reviews it afterwards."""

    people: Circle
    max_seconds: int
    review_seconds: int = 86_400


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    if minute == DAY_MINUTES:
        return datetime.combine(day + timedelta(days=1), time(), zone)
    return datetime.combine(day, time(minute // 60, minute % 60), zone)
