"""No sequence of actions by any people leads to access without enough valid approvals, by one's own
approval, or beyond the end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.access.errors import AccessRefused, AdmissionRefused
from gateway.access.extent import WHOLE, ColumnShown, Extent, RelationShown
from gateway.access.models import AccessRequest, RoleTerms
from gateway.access.store import ListFilter
from gateway.access.terms import AutoApproval, BreakGlass, Circle
from tests.support.access import REASON, House

LEADS = frozenset({"leads"})
SHOWN = tuple(RelationShown(name, (ColumnShown("*", "clear"),)) for name in ("public.a", "public.b"))
ROLES = {
    "one": RoleTerms("one", frozenset({"shop"}), 3600, LEADS, frozenset(), shown=SHOWN, lapse_seconds=300),
    "two": RoleTerms("two", frozenset({"shop"}), 3600, LEADS, frozenset(), approvals=2, shown=SHOWN),
    "auto": RoleTerms(
        "auto",
        frozenset({"shop"}),
        3600,
        LEADS,
        frozenset(),
        shown=SHOWN,
        auto=(AutoApproval("oncall", Circle(people=frozenset({"dan"})), 600),),
        break_glass=BreakGlass(Circle(people=frozenset({"ben"})), 60),
    ),
}
#: bob is a second account of ben's.
PEOPLE: dict[str, set[str]] = {
    "ann": {"leads", "admins"},
    "ben": {"leads"},
    "bob": {"leads"},
    "cat": {"leads"},
    "dan": set(),
}
HUMAN = {"bob": "ben"}
PARTS = [Extent.of({"public.a": []}), Extent.of({"public.b": []}), Extent.of({"public.a": [], "public.b": []})]
names = st.sampled_from(sorted(PEOPLE))
places = st.integers(0, 5)


@dataclass(frozen=True)
class Asked:
    """One version of a request, as it was asked."""

    person: str
    role: str
    seconds: int
    starts_at: datetime
    part: Extent
    extends: str | None = None


class Workflow(RuleBasedStateMachine):
    """Everybody tries everything. What was truly said is kept here, apart from the code under test."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.opening = House.open(Path(self.folder.name) / "store.db", roles=dict(ROLES))
        self.house: House = self.run(self.opening.__aenter__())
        self.run(self.house.populate(PEOPLE))
        self.run(self.make_one_of_two())
        #: request → version → who asked, which role, for how long, from when, which part.
        self.asked: dict[str, dict[int, Asked]] = {}
        #: (request, version) → who said yes to it while they could, for how long, to which part.
        self.yes: dict[tuple[str, int], dict[str, tuple[int, Extent]]] = {}
        self.no: set[str] = set()
        #: grant → when it ends at the latest, by what was truly agreed.
        self.ends: dict[str, datetime] = {}
        #: Given without an approval, by a rule that was there.
        self.by_rule: set[str] = set()
        self.over: set[str] = set()
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

    async def make_one_of_two(self) -> None:
        async with self.house.database.transaction() as transaction:
            await transaction.write("UPDATE people SET identity = 'ben' WHERE name = 'bob'")

    def request_at(self, place: int) -> str:
        return list(self.asked)[place % len(self.asked)] if self.asked else "req_none"

    def grant_at(self, place: int) -> str:
        return list(self.ends)[place % len(self.ends)] if self.ends else "grant_none"

    @initialize()
    def begin_with_something_to_attack(self) -> None:
        self.try_the_whole_way("dan", "one", [("ben", PARTS[0])])
        self.try_to_go_on(0, 1800, ["cat"])
        self.try_to_go_on(0, 1800, ["cat"])
        self.try_the_whole_way("ann", "two", [("ben", None), ("bob", PARTS[1])])

    def note(self, request: AccessRequest) -> None:
        now = self.house.clock.now
        asked = Asked(request.person, request.role, request.seconds, request.starts_at or now, request.extent)
        self.asked.setdefault(request.id, {})[request.version] = replace(asked, extends=request.extends)
        self.yes.setdefault((request.id, request.version), {})

    @rule(
        name=names,
        role=st.sampled_from(sorted(ROLES)),
        seconds=st.sampled_from([60, 600, 3600, 3601]),
        part=st.sampled_from([WHOLE, *PARTS]),
        later=st.sampled_from([0, 0, 0, 120]),
    )
    def ask(self, name: str, role: str, seconds: int, part: Extent = WHOLE, later: int = 0) -> None:
        starts_at = self.house.clock.now + timedelta(seconds=later) if later else None
        done = self.attempt(
            self.house.access.ask(
                self.who(name),
                target="shop",
                role=role,
                reason=REASON,
                seconds=seconds,
                extent=part,
                starts_at=starts_at,
            )
        )
        if done:
            self.note(done)
            if done.grant:
                assert (name, role) == ("dan", "auto")
                assert seconds <= 600
                self.by_rule.add(done.grant)
                self.granted(done)

    @rule(name=names, place=places, seconds=st.sampled_from([None, 60, 1200]), part=st.sampled_from([None, *PARTS]))
    def edit(self, name: str, place: int, seconds: int | None, part: Extent | None) -> None:
        done = self.attempt(
            self.house.access.edit(self.who(name), self.request_at(place), seconds=seconds, extent=part)
        )
        if done:
            assert self.asked[done.id][done.version - 1].person == name
            self.note(done)

    @rule(
        name=names,
        place=places,
        version=st.sampled_from([1, 1, 2]),
        seconds=st.sampled_from([None, None, 60]),
        part=st.sampled_from([None, None, *PARTS]),
    )
    def approve(
        self, name: str, place: int, version: int = 1, seconds: int | None = None, part: Extent | None = None
    ) -> None:
        request = self.request_at(place)
        done = self.attempt(
            self.house.access.approve(self.who(name), request, version=version, seconds=seconds, extent=part)
        )
        if done:
            asked = self.asked[request][version]
            assert version == max(self.asked[request])
            self.yes[request, version][name] = (seconds or asked.seconds, part or asked.part)
            if done.grant:
                self.granted(done)

    def granted(self, request: AccessRequest) -> None:
        """Kept apart: when the grant ends at the latest, by what those agreed to who truly said yes."""
        asked = self.asked[request.id][request.version]
        if request.grant not in self.by_rule:
            said_yes = self.yes[request.id, request.version]
            humans = {HUMAN.get(name, name) for name in said_yes} - {HUMAN.get(asked.person, asked.person)}
            assert len(humans) >= ROLES[asked.role].approvals
        seconds = asked.seconds
        if request.extends is not None:
            assert request.grant == request.extends
            assert request.grant not in self.over
            assert request.grant in self.ends
            self.ends[request.grant] += timedelta(seconds=seconds)
            return
        assert request.grant is not None
        self.ends[request.grant] = max(asked.starts_at, self.house.clock.now) + timedelta(seconds=seconds)

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
            self.over.add(self.grant_at(place))

    @rule(name=names, place=places)
    def hand_back(self, name: str, place: int) -> None:
        if self.attempt(self.house.access.done(self.who(name), self.grant_at(place))):
            self.over.add(self.grant_at(place))

    @rule(name=names, place=places, seconds=st.sampled_from([60, 1800, 3600]))
    def extend(self, name: str, place: int, seconds: int) -> None:
        done = self.attempt(
            self.house.access.extend(self.who(name), self.grant_at(place), seconds=seconds, reason=REASON)
        )
        if done:
            assert done.grant is None
            self.note(done)

    @rule(name=names)
    def break_glass(self, name: str) -> None:
        done = self.attempt(self.house.access.break_glass(self.who(name), target="shop", role="auto", reason=REASON))
        if done:
            assert name == "ben"
            self.note(done)
            self.by_rule.add(done.grant)
            self.granted(done)

    @rule(name=names, place=places)
    def mint(self, name: str, place: int) -> None:
        minted = self.attempt(self.house.access.mint(self.who(name), self.grant_at(place)))
        if minted:
            self.tokens.append((minted.grant.id, minted.text))

    @rule(
        name=names,
        role=st.sampled_from(sorted(ROLES)),
        reviewers=st.lists(st.tuples(names, st.sampled_from([None, None, *PARTS])), max_size=3),
    )
    def try_the_whole_way(self, name: str, role: str, reviewers: list[tuple[str, Extent | None]]) -> None:
        self.ask(name, role, 600)
        for reviewer, part in reviewers:
            self.approve(reviewer, len(self.asked) - 1, part=part)
        self.mint(name, len(self.ends) - 1)

    @rule(place=places, seconds=st.sampled_from([60, 1800, 3600]), reviewers=st.lists(names, max_size=3))
    def try_to_go_on(self, place: int, seconds: int, reviewers: list[str]) -> None:
        grant = self.run(self.house.store.grant(self.grant_at(place)))
        self.extend(grant.person if grant else "dan", place, seconds)
        for reviewer in reviewers:
            self.approve(reviewer, len(self.asked) - 1)

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
            asked = self.asked[admission.grant.request][max(self.asked[admission.grant.request])]
            assert user == asked.person == admission.person.name
            assert user not in self.locked
            assert grant_id not in self.over
            assert admission.grant.request not in self.no
            assert asked.starts_at.replace(microsecond=0) <= now < self.ends[grant_id]
            assert now < admission.ends_at <= self.ends[grant_id]
            assert admission.grant.extent.within(asked.part)
            # What has not been used in time lets nobody in.
            lapses = admission.grant.lapses_at
            assert admission.grant.used_at is not None
            assert lapses is None or admission.grant.used_at < lapses

    @invariant()
    def every_grant_has_its_approvals(self) -> None:
        for grant in self.run(self.house.store.grants(ListFilter())):
            assert grant.id in self.ends
            assert grant.ends_at <= self.ends[grant.id]
            assert grant.ends_at - grant.starts_at <= timedelta(seconds=ROLES[grant.role].max_seconds)
            if grant.id in self.by_rule:
                continue
            versions = self.asked[grant.request]
            said_yes = self.yes[grant.request, max(versions)]
            asked = versions[max(versions)]
            human = {HUMAN.get(name, name) for name in grant.approvers}
            assert set(grant.approvers) <= set(said_yes)
            assert HUMAN.get(asked.person, asked.person) not in human
            assert "dan" not in human
            assert len(human) == len(grant.approvers) >= ROLES[asked.role].approvals
            for name in grant.approvers:
                assert grant.extent.within(said_yes[name][1])

    def teardown(self) -> None:
        event(f"{'some' if self.ends else 'no'} grants, {'some' if self.admitted else 'no'} admissions")
        self.run(self.opening.__aexit__(None, None, None))
        self.loop.close()
        self.folder.cleanup()


TestWorkflow = Workflow.TestCase
TestWorkflow.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
