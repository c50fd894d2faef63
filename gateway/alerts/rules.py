"""The alert rules over what is seen. Pure: the time comes in, what fired comes out."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

from config.alerts import Alert, minutes_of_week
from gateway.alerts.sights import (
    AnySight,
    Came,
    EndsInTransaction,
    GlassBroken,
    RecordTrouble,
    SignInFailed,
    Tripped,
    TurnedAway,
    Used,
    WasRefused,
    Who,
)
from gateway.alerts.usual import Book, network_of

#: Counts are kept of so many subjects of a rule; whoever was quiet the longest is forgotten first.
MOST_SUBJECTS = 10_000
#: Refusals at the door which say that a token was used where or when it may not be (any more).
TOKEN_REUSE = frozenset(
    {
        "token-used",
        "token-revoked",
        "token-network",
        "token-certificate",
        "grant-revoked",
        "user-mismatch",
        "database-mismatch",
    }
)

Action = Literal["none", "end-session", "lock-person"]


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule fired."""

    rule: str
    alert: Alert
    person: str
    text: str
    who: Who | None = None
    details: dict[str, str] = field(default_factory=dict)

    @property
    def session(self) -> str:
        return self.who.session if self.who is not None else ""


@dataclass(slots=True)
class _Window:
    """What was counted of one subject, and when it fired last."""

    seen: deque[tuple[datetime, int]] = field(default_factory=deque)
    total: int = 0
    fired_at: datetime | None = None

    def add(self, at: datetime, number: int, within: timedelta) -> int:
        """The sum within that time, this number included."""
        self.seen.append((at, number))
        self.total += number
        while self.seen and self.seen[0][0] <= at - within:
            self.total -= self.seen.popleft()[1]
        if len(self.seen) > 1000:
            # Two neighbours are one: the sum stays right, the time by a thousandth of the window.
            (_, first), (when, second) = self.seen.popleft(), self.seen.popleft()
            self.seen.appendleft((when, first + second))
        return self.total


class AlertRules:
    """The rules of one policy, with what they have counted; `book` is what is usual."""

    def __init__(self, alerts: Mapping[str, Alert], book: Book) -> None:
        self.book = book
        self._rules = dict(alerts)
        self._allowed = {name: minutes_of_week(rule.hours) for name, rule in self._rules.items() if rule.hours}
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()

    def renew(self, alerts: Mapping[str, Alert]) -> None:
        """Go on by these rules; what was counted for rules of the same name stays."""
        self._rules = dict(alerts)
        self._allowed = {name: minutes_of_week(rule.hours) for name, rule in self._rules.items() if rule.hours}
        for key in [key for key in self._windows if key[0] not in self._rules]:
            del self._windows[key]

    def see(self, sight: AnySight, at: datetime) -> list[Fired]:
        """What fires at this sight. Afterwards the book knows of it too."""
        fired = [one for name, rule in self._rules.items() for one in self._look(name, rule, sight, at)]
        match sight:
            case Used():
                self.book.used(sight, at)
                fired += self._after(sight, at)
            case WasRefused():
                self.book.refused(sight, at)
            case Came():
                self.book.came(sight, at)
            case _:
                pass
        return fired

    def _look(self, name: str, rule: Alert, sight: AnySight, at: datetime) -> Iterator[Fired]:
        """What one rule makes of a sight, before the book knows of it."""
        who = _who(sight)
        if not _concerns(rule, sight, who):
            return
        match sight:
            case Came(who):
                yield from self._came(name, rule, who, at)
            case WasRefused(who, kind, why):
                if rule.when == "refused":
                    text = f"{who.person} had {{n}} statements refused"
                    yield from self._count(name, rule, who.person, 1, at, text, who, {"kind": kind, "because": why})
            case Used():
                yield from self._used(name, rule, sight, at)
            case Tripped(who):
                if rule.when == "second-lock":
                    text = f"the second lock ended a session of {who.person}: a mask was missing"
                    yield from self._fire(name, rule, who.person, at, text, who)
            case EndsInTransaction(who, seconds):
                if rule.when == "ending-in-transaction" and seconds <= rule.before:
                    text = f"the grant of {who.person} ends in {seconds} seconds, with a transaction open"
                    yield from self._fire(name, rule, who.person, at, text, who)
            case TurnedAway(cause, person, address):
                if rule.when == "token-reuse" and cause in TOKEN_REUSE:
                    text = f"a token of {person or 'somebody'} was refused {{n}} times"
                    yield from self._count(
                        name,
                        rule,
                        person or address,
                        1,
                        at,
                        text,
                        None,
                        {"person": person, "cause": cause, "from": address},
                    )
            case SignInFailed(person, address):
                if rule.when == "failed-sign-ins":
                    text = f"{{n}} sign-ins from {address} failed"
                    yield from self._count(name, rule, address, 1, at, text, None, {"person": person})
            case GlassBroken(person, role, target, grant, reason):
                if rule.when == "break-glass":
                    text = f"{person} broke the glass: {role} on {target}"
                    yield from self._fire(
                        name, rule, person, at, text, None, {"person": person, "grant": grant, "reason": reason}
                    )
            case RecordTrouble(cause):
                if rule.when == "record":
                    yield from self._fire(name, rule, "", at, f"the record cannot be written: {cause}", None)
            case _:
                assert_never(sight)

    def _came(self, name: str, rule: Alert, who: Who, at: datetime) -> Iterator[Fired]:
        match rule.when:
            case "outside-hours":
                local = at.astimezone(ZoneInfo(rule.zone))
                if local.weekday() * 1440 + local.hour * 60 + local.minute not in self._allowed[name]:
                    text = f"{who.person} connected on {local:%A} at {local:%H:%M} ({rule.zone})"
                    yield from self._fire(name, rule, who.person, at, text, who)
            case "new-network":
                network = network_of(who.address)
                if not self.book.knows_network(who.person, network, at - timedelta(seconds=rule.remember)):
                    text = f"{who.person} connected from {network} for the first time"
                    yield from self._fire(name, rule, f"{who.person} {network}", at, text, who)
            case _:
                return

    def _used(self, name: str, rule: Alert, used: Used, at: datetime) -> Iterator[Fired]:
        who = used.who
        match rule.when:
            case "rows" | "bytes":
                number = used.rows if rule.when == "rows" else used.bytes
                if rule.times_usual is None and number:
                    text = f"{who.person} read {{n}} {rule.when}"
                    yield from self._count(name, rule, who.person, number, at, text, who)
            case "lookups":
                if used.lookups:
                    text = f"{who.person} looked up {{n}} values"
                    yield from self._count(name, rule, who.person, used.lookups, at, text, who)
            case "new-relation":
                since = at - timedelta(seconds=rule.remember)
                for relation in used.relations:
                    if rule.relations and relation not in rule.relations:
                        continue
                    if not self.book.knows_relation(who.person, relation, since):
                        text = f"{who.person} touched {relation} for the first time"
                        details = {"relation": relation}
                        yield from self._fire(name, rule, f"{who.person} {relation}", at, text, who, details)
            case _:
                return

    def _after(self, used: Used, at: datetime) -> list[Fired]:
        """What needs the book to know of this sight."""
        found: list[Fired] = []
        who = used.who
        for name, rule in self._rules.items():
            if not _concerns(rule, used, who):
                continue
            if rule.times_usual is not None:
                found += self._against_usual(name, rule, who, at)
            elif rule.score is not None:
                score = self.book.score(who.person, at)
                if score is not None and score.points >= rule.score:
                    text = f"the day of {who.person} is unusual, {score}"
                    found += self._fire(name, rule, who.person, at, text, who)
        return found

    def _against_usual(self, name: str, rule: Alert, who: Who, at: datetime) -> Iterable[Fired]:
        usual = self.book.usual(who.person, rule.when, at)
        if usual is None or rule.times_usual is None:
            return []
        today = sum(use.rows if rule.when == "rows" else use.bytes for use in self.book.today(who.person, at))
        # Who reads next to nothing on a usual day is not unusual with a hundred rows.
        if today <= rule.times_usual * max(usual, 100.0):
            return []
        text = f"{who.person} read {today:,} {rule.when} today, {usual:,.0f} on a usual day"
        return self._fire(name, rule, who.person, at, text, who)

    def _count(
        self,
        name: str,
        rule: Alert,
        subject: str,
        number: int,
        at: datetime,
        text: str,
        who: Who | None,
        details: dict[str, str] | None = None,
    ) -> Iterator[Fired]:
        assert rule.count is not None
        assert rule.within is not None
        total = self._window(name, subject).add(at, number, timedelta(seconds=rule.within))
        if total >= rule.count:
            said = text.replace("{n}", f"{total:,}") + f" within {timedelta(seconds=rule.within)}"
            yield from self._fire(name, rule, subject, at, said, who, details)

    def _fire(
        self,
        name: str,
        rule: Alert,
        subject: str,
        at: datetime,
        text: str,
        who: Who | None,
        details: dict[str, str] | None = None,
    ) -> Iterator[Fired]:
        window = self._window(name, subject)
        if window.fired_at is not None and at < window.fired_at + timedelta(seconds=rule.quiet):
            return
        window.fired_at = at
        said = dict(details or {})
        person = who.person if who is not None else said.pop("person", "")
        yield Fired(name, rule, person, text, who, said)

    def _window(self, name: str, subject: str) -> _Window:
        key = (name, subject)
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window()
            if len(self._windows) > MOST_SUBJECTS * max(len(self._rules), 1):
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        return window


def _who(sight: AnySight) -> Who | None:
    match sight:
        case Came(who) | Tripped(who):
            return who
        case WasRefused() | Used() | EndsInTransaction():
            return sight.who
        case TurnedAway() | SignInFailed() | GlassBroken() | RecordTrouble():
            return None
        case _:
            assert_never(sight)


def _concerns(rule: Alert, sight: AnySight, who: Who | None) -> bool:
    """Whether the rule is about this role and target. What has none concerns rules that ask for none."""
    role, target = (who.role, who.target) if who is not None else ("", "")
    if isinstance(sight, GlassBroken):
        role, target = sight.role, sight.target
    return (not rule.roles or role in rule.roles) and (not rule.targets or target in rule.targets)
