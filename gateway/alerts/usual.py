"""What each person does on a usual day, as sums by day, and how far from it a day is.

Nothing here is learned or trained: a day is compared with the person's own days of the four weeks
before, feature by feature, and each feature says how many points it gave and why.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median

from gateway.alerts.sights import Came, Used, WasRefused

#: Days that a day is compared with.
LOOKS_BACK = 28
#: With fewer days on which the person worked there is nothing usual yet.
LEAST_DAYS = 5
#: So many different relations are kept of one day; the rest counts as one.
MOST_RELATIONS = 500
OTHER = "(other)"
#: Most points of one feature; there are four.
MOST_POINTS = 25.0


@dataclass(slots=True)
class DayUse:
    """What one person did in one role on one day (UTC)."""

    statements: int = 0
    rows: int = 0
    bytes: int = 0
    lookups: int = 0
    refused: int = 0
    #: Bit n is set when something was done in hour n, UTC.
    hours: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    relations: dict[str, int] = field(default_factory=dict)

    def add(self, used: Used, hour: int) -> None:
        self.statements += used.statements
        self.rows += used.rows
        self.bytes += used.bytes
        self.lookups += used.lookups
        self.hours |= 1 << hour
        for kind, count in used.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, 0) + count
        for relation, count in used.relations.items():
            if relation not in self.relations and len(self.relations) >= MOST_RELATIONS:
                relation = OTHER
            self.relations[relation] = self.relations.get(relation, 0) + count


@dataclass(frozen=True, slots=True)
class Feature:
    """One reason of a score."""

    name: str
    points: float
    says: str


@dataclass(frozen=True, slots=True)
class Score:
    """How far from usual: 0 to 100, the sum of its features."""

    points: float
    features: tuple[Feature, ...]

    def __str__(self) -> str:
        told = "; ".join(feature.says for feature in self.features if feature.points > 0)
        return f"{self.points:.0f} of 100" + (f": {told}" if told else "")


class Book:
    """The days of everybody, and the networks that they came from."""

    def __init__(self) -> None:
        self._days: dict[str, dict[tuple[str, date], DayUse]] = {}
        self._networks: dict[str, dict[str, datetime]] = {}
        self._relations: dict[str, dict[str, datetime]] = {}

    def put(self, person: str, role: str, day: date, use: DayUse) -> None:
        """A day that was kept."""
        self._days.setdefault(person, {})[role, day] = use
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        known = self._relations.setdefault(person, {})
        for relation in use.relations:
            known[relation] = max(at, known.get(relation, at))

    def put_network(self, person: str, network: str, last_at: datetime) -> None:
        """A network that was kept."""
        self._networks.setdefault(person, {})[network] = last_at

    def used(self, used: Used, at: datetime) -> DayUse:
        """Add what a session did; gives the day that it belongs to."""
        day = self.day(used.who.person, used.who.role, at)
        day.add(used, at.astimezone(UTC).hour)
        known = self._relations.setdefault(used.who.person, {})
        for relation in used.relations:
            known[relation] = at
        return day

    def refused(self, refused: WasRefused, at: datetime) -> DayUse:
        """Add a refused statement; gives the day that it belongs to."""
        day = self.day(refused.who.person, refused.who.role, at)
        day.refused += 1
        return day

    def came(self, came: Came, at: datetime) -> str:
        """Add where a session came from; gives the network."""
        network = network_of(came.who.address)
        self._networks.setdefault(came.who.person, {})[network] = at
        return network

    def knows_network(self, person: str, network: str, since: datetime) -> bool:
        """Whether the person came from there since then."""
        last = self._networks.get(person, {}).get(network)
        return last is not None and last >= since

    def knows_relation(self, person: str, relation: str, since: datetime) -> bool:
        """Whether the person touched it since then."""
        last = self._relations.get(person, {}).get(relation)
        return last is not None and last >= since

    def today(self, person: str, at: datetime) -> Iterator[DayUse]:
        """What the person did that day, a sum for each role."""
        day = at.astimezone(UTC).date()
        return (use for (_, of), use in self._days.get(person, {}).items() if of == day)

    def usual(self, person: str, what: str, at: datetime) -> float | None:
        """The median of the person's days (of "rows" or "bytes"); None while there is nothing usual yet."""
        days = self._before(person, at)
        if len(days) < LEAST_DAYS:
            return None
        return float(median(sum(getattr(use, what) for use in uses) for uses in days.values()))

    def score(self, person: str, at: datetime) -> Score | None:
        """How far the person's day is from usual; None while there is nothing usual yet."""
        before = self._before(person, at)
        today = list(self.today(person, at))
        if len(before) < LEAST_DAYS or not today:
            return None
        features = (
            _rows(sum(use.rows for use in today), float(median(sum(u.rows for u in uses) for uses in before.values()))),
            _new("relations", {name for use in today for name in use.relations}, _names(before, "relations"), 4),
            _new("kinds of statements", {name for use in today for name in use.kinds}, _names(before, "kinds"), 2),
            _hour(at.astimezone(UTC).hour, before),
        )
        return Score(sum(feature.points for feature in features), features)

    def forget(self, before: date) -> None:
        """Days before that one are of no use any more."""
        for days in self._days.values():
            for key in [key for key in days if key[1] < before]:
                del days[key]

    def day(self, person: str, role: str, at: datetime) -> DayUse:
        """That person's day in that role."""
        return self._days.setdefault(person, {}).setdefault((role, at.astimezone(UTC).date()), DayUse())

    def _before(self, person: str, at: datetime) -> dict[date, list[DayUse]]:
        today = at.astimezone(UTC).date()
        first = today - timedelta(days=LOOKS_BACK)
        days: dict[date, list[DayUse]] = {}
        for (_, day), use in self._days.get(person, {}).items():
            if first <= day < today and use.statements:
                days.setdefault(day, []).append(use)
        return days


def network_of(address: str) -> str:
    """The network that an address counts as: /24 of IPv4, /64 of IPv6; what is no address is itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 64), strict=False))


def _rows(today: int, usual: float) -> Feature:
    """Nothing up to the usual; everything at 32 times as much."""
    times = (today + 100) / (usual + 100)
    points = MOST_POINTS * min(max(math.log2(times), 0.0) / 5, 1.0)
    return Feature("rows", points, f"{today:,} rows today, {usual:,.0f} on a usual day")


def _new(what: str, today: set[str], before: set[str], many: int) -> Feature:
    """Everything when so many of them were never used before."""
    new = sorted(today - before - {OTHER})
    listed = ", ".join(new[:3]) + (", …" if len(new) > 3 else "")
    return Feature(what, MOST_POINTS * min(len(new) / many, 1.0), f"{len(new)} new {what}: {listed}" if new else "")


def _hour(hour: int, before: dict[date, list[DayUse]]) -> Feature:
    """Everything when the person never worked within an hour of this one; nothing when on every third day."""
    near = 1 << hour | 1 << (hour - 1) % 24 | 1 << (hour + 1) % 24
    on = sum(any(use.hours & near for use in uses) for uses in before.values())
    points = MOST_POINTS * max(1.0 - 3.0 * on / len(before), 0.0)
    return Feature("hour", points, f"at {hour}:00 UTC on {on} of {len(before)} days before")


def _names(before: dict[date, list[DayUse]], what: str) -> set[str]:
    return {name for uses in before.values() for use in uses for name in _named(use, what)}


def _named(use: DayUse, what: str) -> Iterable[str]:
    return use.relations if what == "relations" else use.kinds
