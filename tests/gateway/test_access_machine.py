"""No sequence of actions by any people leads to access without enough valid approvals, by one's own
approval, or beyond the end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.access.errors import AccessRefused, AdmissionRefused
from gateway.access.models import RoleTerms
from gateway.access.store import ListFilter
from tests.support.access import REASON, House

LEADS = frozenset({"leads"})
ROLES = {
    "one": RoleTerms("one", frozenset({"shop"}), 3600, LEADS, frozenset()),
    "two": RoleTerms("two", frozenset({"shop"}), 3600, LEADS, frozenset(), approvals=2),
}
PEOPLE: dict[str, set[str]] = {"ann": {"leads", "admins"}, "ben": {"leads"}, "cat": {"leads"}, "dan": set()}
names = st.sampled_from(sorted(PEOPLE))
places = st.integers(0, 5)


class Workflow(RuleBasedStateMachine):
    """Everybody tries everything. What was truly said is kept here, apart from the code under test."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.opening = House.open(Path(self.folder.name) / "store.db", roles=dict(ROLES))
        self.house: House = self.run(self.opening.__aenter__())
        self.run(self.house.populate(PEOPLE))
        #: request → (who asked, role, seconds, when); and who said yes to it while they could.
        self.asked: dict[str, tuple[str, str, int]] = {}
        self.yes: dict[str, set[str]] = {}
        self.no: set[str] = set()
        self.granted_at: dict[str, datetime] = {}
        self.revoked: set[str] = set()
        self.locked: set[str] = set()
        self.tokens: list[tuple[str, str]] = []
        self.admitted = 0

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Awaitable[Any]) -> Any:
        try:
            return self.run(work)
        except AccessRefused:
            return None

    def who(self, name: str) -> Any:
        return self.run(self.house.person(name))

    def request_at(self, place: int) -> str:
        return list(self.asked)[place % len(self.asked)] if self.asked else "req_none"

    def grant_at(self, place: int) -> str:
        return list(self.granted_at)[place % len(self.granted_at)] if self.granted_at else "grant_none"

    @initialize()
    def begin_with_something_to_attack(self) -> None:
        self.try_the_whole_way("dan", "one", ["ben"])
        self.try_the_whole_way("ann", "two", ["ben"])

    @rule(name=names, role=st.sampled_from(sorted(ROLES)), seconds=st.sampled_from([60, 600, 3600, 3601]))
    def ask(self, name: str, role: str, seconds: int) -> None:
        done = self.attempt(
            self.house.access.ask(self.who(name), target="shop", role=role, reason=REASON, seconds=seconds)
        )
        if done:
            self.asked[done.id] = (name, role, seconds)
            self.yes[done.id] = set()

    @rule(name=names, place=places)
    def approve(self, name: str, place: int) -> None:
        request = self.request_at(place)
        done = self.attempt(self.house.access.approve(self.who(name), request))
        if done:
            self.yes[request].add(name)
            if done.grant:
                self.granted_at[done.grant] = self.house.clock.now

    @rule(name=names, place=places)
    def deny(self, name: str, place: int) -> None:
        if self.attempt(self.house.access.deny(self.who(name), self.request_at(place), reason="no, not this")):
            self.no.add(self.request_at(place))

    @rule(name=names, place=places)
    def cancel(self, name: str, place: int) -> None:
        if self.attempt(self.house.access.cancel(self.who(name), self.request_at(place))):
            self.no.add(self.request_at(place))

    @rule(name=names, place=places)
    def revoke(self, name: str, place: int) -> None:
        if self.attempt(self.house.access.revoke(self.who(name), self.grant_at(place), reason="enough of it")):
            self.revoked.add(self.grant_at(place))

    @rule(name=names, place=places)
    def mint(self, name: str, place: int) -> None:
        minted = self.attempt(self.house.access.mint(self.who(name), self.grant_at(place)))
        if minted:
            self.tokens.append((minted.grant.id, minted.text))

    @rule(name=names, role=st.sampled_from(sorted(ROLES)), reviewers=st.lists(names, max_size=3))
    def try_the_whole_way(self, name: str, role: str, reviewers: list[str]) -> None:
        self.ask(name, role, 600)
        for reviewer in reviewers:
            self.approve(reviewer, len(self.asked) - 1)
        self.mint(name, len(self.granted_at) - 1)

    @rule(name=st.sampled_from(["cat", "dan"]), locked=st.booleans())
    def lock(self, name: str, locked: bool) -> None:
        try:
            self.run(self.house.access.set_locked(self.who("ann"), name, locked=locked, reason="so it is"))
        except AccessRefused:
            return
        (self.locked.add if locked else self.locked.discard)(name)

    @rule(seconds=st.sampled_from([1, 1, 1, 30, 30, 300, 90_000]))
    def wait(self, seconds: int) -> None:
        self.house.clock.move(seconds=seconds)

    @rule()
    def tidy(self) -> None:
        self.run(self.house.access.tidy())

    @rule()
    def connect(self) -> None:
        for (grant_id, text), user in product(self.tokens, sorted(PEOPLE)):
            try:
                admission = self.run(self.house.access.admit(text, user=user, database="shop", client="x"))
            except AdmissionRefused:
                continue
            self.house.access.leave(admission)
            self.admitted += 1
            now = self.house.clock.now
            request = next(one for one in self.asked if admission.grant.request == one)
            name, role, seconds = self.asked[request]
            assert user == name == admission.person.name
            assert name not in self.locked
            assert grant_id not in self.revoked
            assert request not in self.no
            assert len(self.yes[request] - {name}) >= ROLES[role].approvals
            assert self.granted_at[grant_id] <= now < self.granted_at[grant_id] + timedelta(seconds=seconds)
            assert now < admission.ends_at <= self.granted_at[grant_id] + timedelta(seconds=seconds)

    @invariant()
    def every_grant_has_its_approvals(self) -> None:
        for grant in self.run(self.house.store.grants(ListFilter())):
            name, role, seconds = self.asked[grant.request]
            approvers = set(grant.approvers)
            assert approvers <= self.yes[grant.request]
            assert name not in approvers
            assert "dan" not in approvers
            assert len(approvers) >= ROLES[role].approvals
            assert grant.ends_at - grant.starts_at == timedelta(seconds=seconds)
            assert grant.id in self.granted_at

    def teardown(self) -> None:
        event(f"{'some' if self.granted_at else 'no'} grants, {'some' if self.admitted else 'no'} admissions")
        self.run(self.opening.__aexit__(None, None, None))
        self.loop.close()
        self.folder.cleanup()


TestWorkflow = Workflow.TestCase
TestWorkflow.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
