"""What happens when a rule fires: it is recorded, told, and acted on. Seeing is quick and never waits;
everything else happens beside it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, assert_never

import structlog

from config.alerts import Alert
from gateway.access.store import StoreUnavailable
from gateway.alerts.rules import AlertRules, Fired
from gateway.alerts.sights import AnySight, Came, RecordTrouble, Used, WasRefused
from gateway.alerts.usual import Book, DayUse, network_of
from gateway.alerts.watch import sight_of
from gateway.audit.facts import AccessChanged, AlertFired
from gateway.audit.journal import RecordUnavailable
from gateway.audit.metrics import Metrics
from gateway.notices.notice import Notice
from gateway.notices.outbox import Outbox, Outgoing

log = structlog.get_logger()

#: How often what was used is kept (seconds); a crash loses so much of what is usual, and nothing of the record.
KEEP_SECONDS = 10.0
#: How often the record is looked at (seconds).
LOOK_SECONDS = 1.0
KEEP_DAYS = 366


class Usage(Protocol):
    """Where what is usual is kept (`gateway.storage.usage`)."""

    async def read(self) -> Book: ...
    async def write(
        self, days: Iterable[tuple[str, str, date, DayUse]], networks: Iterable[tuple[str, str, datetime]]
    ) -> None: ...
    async def forget(self, before: date) -> None: ...


class Powers(Protocol):
    """What may be done to whom."""

    async def end_session(self, session: str, reason: str) -> bool: ...
    async def lock_person(self, person: str, reason: str) -> bool: ...


class AlertDesk:
    """The rules in force and what follows from them. `run` until cancelled; `see` whatever happens.
    `takers` names the sinks that take alerts; `trouble` says why the record cannot be written."""

    def __init__(
        self,
        alerts: Mapping[str, Alert],
        usage: Usage,
        outbox: Outbox,
        takers: Callable[[], tuple[str, ...]],
        powers: Powers,
        note: Callable[[AlertFired], None],
        metrics: Metrics,
        clock: Callable[[], datetime],
        trouble: Callable[[], str | None],
    ) -> None:
        self._rules = AlertRules(alerts, Book())
        self._usage = usage
        self._outbox = outbox
        self._takers = takers
        self._powers = powers
        self._note = note
        self._metrics = metrics
        self._clock = clock
        self._trouble = trouble
        self._days: dict[tuple[str, str, date], DayUse] = {}
        self._networks: dict[tuple[str, str], datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def book(self) -> Book:
        """What is usual."""
        return self._rules.book

    def renew(self, alerts: Mapping[str, Alert]) -> None:
        """Go on by these rules."""
        self._rules.renew(alerts)

    async def begin(self) -> None:
        """Read what is usual. Raises StoreUnavailable."""
        self._rules.book = await self._usage.read()

    def see(self, sight: AnySight) -> None:
        """Something happened. Never raises and never waits: a session is behind it."""
        at = self._clock()
        try:
            fired = self._rules.see(sight, at)
            self._remember(sight, at)
        except Exception:
            log.exception("an alert rule failed", sight=type(sight).__name__)
            return
        for one in fired:
            task = asyncio.get_running_loop().create_task(self._act(one, at))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def changed(self, fact: AccessChanged) -> None:
        """Something about access changed."""
        sight = sight_of(fact)
        if sight is not None:
            self.see(sight)

    async def run(self) -> None:
        """Until cancelled: look at the record, and keep what is usual."""
        in_trouble: str | None = None
        kept_at = asyncio.get_running_loop().time()
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                trouble = self._trouble()
                if trouble is not None and in_trouble is None:
                    self.see(RecordTrouble(trouble))
                in_trouble = trouble
                if asyncio.get_running_loop().time() - kept_at >= KEEP_SECONDS:
                    kept_at = asyncio.get_running_loop().time()
                    await self._keep()
        finally:
            await self._keep()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=5)

    def _remember(self, sight: AnySight, at: datetime) -> None:
        """Which days and networks have changed since they were kept."""
        match sight:
            case Used(who) | WasRefused(who):
                day = at.astimezone(UTC).date()
                self._days[who.person, who.role, day] = self.book.day(who.person, who.role, at)
            case Came(who):
                self._networks[who.person, network_of(who.address)] = at
            case _:
                pass

    async def _keep(self) -> None:
        days, self._days = self._days, {}
        networks, self._networks = self._networks, {}
        if not days and not networks:
            return
        try:
            await self._usage.write(
                [(*key, use) for key, use in days.items()], [(*key, at) for key, at in networks.items()]
            )
            oldest = self._clock().date() - timedelta(days=KEEP_DAYS)
            await self._usage.forget(oldest)
            self.book.forget(oldest)
        except StoreUnavailable as error:
            log.warning("what is usual was not kept: the store cannot be used", reason=str(error))
            self._days = {**days, **self._days}
            self._networks = {**networks, **self._networks}

    async def _act(self, fired: Fired, at: datetime) -> None:
        """First what protects, then the record and the notices; a failure of one stops none of the others."""
        done = await self._protect(fired)
        log.warning("alert", rule=fired.rule, person=fired.person, session=fired.session, text=fired.text, done=done)
        self._metrics.alerted(fired.rule)
        fact = fact_of(fired, done)
        try:
            self._note(fact)
        except RecordUnavailable as error:
            log.error("alert not recorded", rule=fired.rule, reason=str(error))
        outgoing = Outgoing(_notice(fired, fact, at), self._sinks(fired.alert), f"alert:{secrets.token_hex(8)}")
        if not outgoing.sinks:
            return
        try:
            await self._outbox.put([outgoing], at)
        except StoreUnavailable as error:
            log.error("nobody was told of an alert", rule=fired.rule, reason=str(error))

    async def _protect(self, fired: Fired) -> str:
        reason = f"alert rule {fired.rule}: {fired.text}"
        try:
            match fired.alert.action:
                case "none":
                    return ""
                case "end-session":
                    return "session ended" if await self._powers.end_session(fired.session, reason) else ""
                case "lock-person":
                    return "person locked" if await self._powers.lock_person(fired.person, reason) else ""
                case _:
                    assert_never(fired.alert.action)
        except Exception:
            log.exception("the action of an alert failed", rule=fired.rule)
            return "failed"

    def _sinks(self, alert: Alert) -> tuple[str, ...]:
        takers = self._takers()
        if "*" in alert.notify:
            return takers
        return tuple(name for name in alert.notify if name in takers)


def fact_of(fired: Fired, done: str) -> AlertFired:
    """What the record says of it."""
    who = fired.who
    return AlertFired(
        rule=fired.rule,
        when=fired.alert.when,
        severity=fired.alert.severity,
        text=fired.text,
        person=fired.person,
        role=who.role if who is not None else "",
        target=who.target if who is not None else "",
        grant=who.grant if who is not None else fired.details.get("grant", ""),
        session=fired.session,
        action=done,
        details=fired.details,
    )


def _notice(fired: Fired, fact: AlertFired, at: datetime) -> Notice:
    details = {**fired.details, "rule": fired.rule}
    if fact.session:
        details["session"] = fact.session
    if fact.action:
        details["done"] = fact.action
    return Notice(
        id=f"ntc_{secrets.token_hex(8)}",
        event="alert",
        at=at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        title=fired.text,
        severity=fired.alert.severity,
        people=fired.alert.people,
        person=fact.person,
        role=fact.role,
        target=fact.target,
        grant=fact.grant,
        next=f"pgcurfew replay {fact.session}" if fact.session else "",
        details=details,
    )
