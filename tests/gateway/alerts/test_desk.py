"""What follows when a rule fires, over a real store; and what is kept of usual days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from config.alerts import Alert
from config.store import Store
from gateway.alerts.desk import AlertDesk
from gateway.alerts.sights import Came, GlassBroken, Used, Who
from gateway.audit.facts import AccessChanged, AlertFired
from gateway.audit.journal import RecordUnavailable
from gateway.audit.metrics import Metrics
from gateway.storage.database import Database
from gateway.storage.outbox import StoredOutbox
from gateway.storage.usage import StoredUsage
from tests.support.access import Clock
from tests.support.databases import opened
from tests.support.receivers import until

ALICE = Who("s1", "alice", "support", "shop", "grant_1", "203.0.113.7")


class Powers:
    """Says what it was asked to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.fails = False

    async def end_session(self, session: str, reason: str) -> bool:
        if self.fails:
            raise OSError("no such worker")
        self.done.append(("end", session))
        return True

    async def lock_person(self, person: str, reason: str) -> bool:
        self.done.append(("lock", person))
        return True


class Desk:
    """A desk with all that it works with."""

    def __init__(self, database: Database, **rules: dict[str, Any]) -> None:
        self.clock = Clock()
        self.powers = Powers()
        self.facts: list[AlertFired] = []
        self.record_full = False
        self.trouble: str | None = None
        self.outbox = StoredOutbox(database)
        self.metrics = Metrics()
        self.desk = AlertDesk(
            {name: Alert.model_validate(table) for name, table in rules.items()},
            StoredUsage(database),
            self.outbox,
            lambda: ("webhook.ops", "slack.team"),
            self.powers,
            self._note,
            self.metrics,
            self.clock,
            lambda: self.trouble,
        )

    def _note(self, fact: AlertFired) -> None:
        if self.record_full:
            raise RecordUnavailable("No space left on device")
        self.facts.append(fact)

    async def titles(self) -> list[tuple[str, str]]:
        return sorted((one.sink, one.title) for one in await self.outbox.states(limit=99, undelivered=True))


@pytest.fixture
async def database(store: Store) -> AsyncIterator[Database]:
    async with opened(store) as found:
        yield found


async def test_who_hears_of_what(database: Database) -> None:
    desk = Desk(
        database,
        glass={"when": "break-glass", "notify": ["slack.team"], "people": ["otto"], "severity": "critical"},
        network={"when": "new-network"},
    )
    desk.desk.changed(
        AccessChanged(what="break-glass", by="alice", person="alice", role="support", target="shop", reason="fire")
    )
    desk.desk.see(Came(ALICE))
    await until(lambda: len(desk.facts) == 2)
    await asyncio.sleep(0.2)
    assert await desk.titles() == [
        ("slack.team", "alice broke the glass: support on shop"),
        ("slack.team", "alice connected from 203.0.113.0/24 for the first time"),
        ("webhook.ops", "alice connected from 203.0.113.0/24 for the first time"),
    ]
    assert desk.metrics.registry.get_sample_value("pgcurfew_alerts_total", {"rule": "glass"}) == 1
    glass = next(fact for fact in desk.facts if fact.rule == "glass")
    assert (glass.person, glass.severity, glass.details["reason"]) == ("alice", "critical", "fire")


async def test_a_record_in_trouble_is_told_once_until_it_is_well(database: Database) -> None:
    desk = Desk(database, trouble={"when": "record", "quiet": "0s"})
    desk.record_full = True
    task = asyncio.create_task(desk.desk.run())
    desk.trouble = "No space left on device"
    try:
        await asyncio.sleep(3.5)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(await desk.titles()) == 2, "once to each sink, though it cannot be recorded"


async def test_an_action_that_fails_hides_nothing(database: Database) -> None:
    desk = Desk(database, out={"when": "new-network", "action": "end-session"})
    desk.powers.fails = True
    desk.desk.see(Came(ALICE))
    await until(lambda: bool(desk.facts))
    assert desk.facts[0].action == "failed"
    await asyncio.sleep(0.2)
    assert len(await desk.titles()) == 2


async def test_what_is_usual_outlives_a_restart(database: Database) -> None:
    desk = Desk(database)
    for day in range(6):
        desk.desk.see(Used(ALICE, 1, 100 + day, 1000, 0, {"select": 1}, {"public.orders": 1}))
        desk.desk.see(Came(ALICE))
        desk.clock.move(days=1)
    task = asyncio.create_task(desk.desk.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = Desk(database, fresh={"when": "new-relation"}, network={"when": "new-network"})
    again.clock.now = desk.clock.now
    await again.desk.begin()
    assert again.desk.book.usual("alice", "rows", again.clock()) == 102.5
    again.desk.see(Came(ALICE))
    again.desk.see(Used(ALICE, 1, 1, 1, 0, {"select": 1}, {"public.orders": 1}))
    await asyncio.sleep(0.2)
    assert not again.facts
    again.clock.move(days=1)
    again.desk.see(Used(ALICE, 1, 1, 1, 0, {"select": 1}, {"public.customers": 1}))
    await until(lambda: bool(again.facts))
    assert again.facts[0].text == "alice touched public.customers for the first time"


async def test_old_days_are_forgotten(database: Database) -> None:
    usage = StoredUsage(database)
    desk = Desk(database)
    desk.desk.see(Used(ALICE, 1, 100, 1000, 0, {"select": 1}, {"public.orders": 1}))
    task = asyncio.create_task(desk.desk.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    today = desk.clock().date()
    assert list((await usage.read()).today("alice", desk.clock()))
    await usage.forget(today + timedelta(days=1))
    assert not list((await usage.read()).today("alice", desk.clock()))


async def test_a_fault_of_a_rule_reaches_no_session(database: Database) -> None:
    desk = Desk(database, fresh={"when": "new-relation"})
    broken: Any = GlassBroken
    desk.desk.see(broken)
    desk.desk.see(Used(ALICE, 1, 1, 1, 0, {"select": 1}, {"public.customers": 1}))
    await until(lambda: bool(desk.facts))
