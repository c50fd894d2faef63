"""The life of a grant beyond the plain way: parts of roles, edits, less than asked, schedules, more time, the end
by its owner, lapses, automatic approvals, emergencies, and clocks that move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from config.store import Store
from gateway.access import people
from gateway.access.clock import SteadyClock
from gateway.access.errors import AccessRefused, AdmissionRefused, NotPermitted, NotPossible, NotValid
from gateway.access.extent import WHOLE, ColumnShown, Extent, RelationShown
from gateway.access.models import AccessRequest, Grant, GrantEnded, GrantState, How, RequestState, RoleTerms
from gateway.access.terms import AutoApproval, BreakGlass, Circle, Hours
from tests.support.access import REASON, ROLES, START, House

SHOWN = (
    RelationShown("public.customers", (ColumnShown("id", "clear"), ColumnShown("email", "partial"))),
    RelationShown("public.orders", (ColumnShown("note", "detect"), ColumnShown("*", "clear")), ("status",)),
    RelationShown("public.notes", (ColumnShown("*", "unclassified"),)),
)
SUPPORT = replace(ROLES["support"], shown=SHOWN, statements=("read",))


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    async with House.open(store, roles={**ROLES, "support": SUPPORT}) as opened:
        await opened.populate()
        yield opened


async def asked(house: House, who: str = "alice", role: str = "support", **change: object) -> AccessRequest:
    values: dict[str, object] = {"target": "shop", "role": role, "reason": REASON, "seconds": 600} | change
    return await house.access.ask(await house.person(who), **values)  # type: ignore[arg-type]


async def approved(house: House, request: AccessRequest, by: str = "bob", **change: object) -> AccessRequest:
    return await house.access.approve(await house.person(by), request.id, **change)  # type: ignore[arg-type]


async def grant_of(house: House, request: AccessRequest) -> Grant:
    again = await house.store.request(request.id)
    assert again is not None
    assert again.grant is not None
    grant = await house.store.grant(again.grant)
    assert grant is not None
    return grant


async def connects(house: House, grant: Grant | str, who: str = "alice") -> None:
    """A token, and in with it. Raises AccessRefused."""
    grant_id = grant if isinstance(grant, str) else grant.id
    minted = await house.access.mint(await house.person(who), grant_id)
    target = minted.grant.target
    house.access.leave(await house.access.admit(minted.text, user=who, database=target, client="127.0.0.1:1"))


def terms(house: House, **change: object) -> RoleTerms:
    """The role "support" with these terms from now on."""
    house.roles["support"] = replace(house.roles["support"], **change)  # type: ignore[arg-type]
    return house.roles["support"]


# parts of roles

EMAIL = Extent.of({"public.customers": ["email"]})


async def test_a_grant_is_for_the_part_that_was_asked_for(house: House) -> None:
    request = await asked(house, extent=EMAIL)
    await approved(house, request)
    assert (await grant_of(house, request)).extent == EMAIL


@pytest.mark.parametrize(
    ("relations", "words", "hint"),
    [
        ({"public.custmers": []}, "does not reach", "public.customers"),
        ({"secret.keys": ["*"]}, "does not reach", "there are"),
        ({"public.customers": ["emial"]}, "shows nothing of", "email"),
        ({"public.notes": ["body"]}, "shows nothing of", ""),
        ({"public.orders": ["a\x1b[2Jb"]}, "control", ""),
        ({"public.orders; DROP TABLE x": []}, "does not reach", "public.orders"),
    ],
)
async def test_a_part_has_to_be_in_the_role(
    house: House, relations: dict[str, list[str]], words: str, hint: str
) -> None:
    with pytest.raises(NotValid, match=words) as refused:
        await asked(house, extent=Extent.of(relations))
    assert hint in refused.value.hint


async def test_what_would_be_seen_is_shown_before_anything_is_asked(house: House) -> None:
    alice = await house.person("alice")
    whole = house.access.preview(alice, target="shop", role="support")
    assert whole.shown == SHOWN
    part = house.access.preview(alice, target="shop", role="support", extent=Extent.of({"public.orders": ["status"]}))
    assert part.shown == (RelationShown("public.orders", (ColumnShown("status", "clear"),), ("status",)),)
    assert house.facts == []
    with pytest.raises(NotPermitted):
        house.access.preview(await house.person("mallory"), target="shop", role="support")


async def test_reviewers_agree_to_less_and_the_grant_is_what_all_of_them_agreed_to(house: House) -> None:
    terms(house, approvals=2)
    request = await asked(house)
    both = Extent.of({"public.customers": ["id", "email"], "public.orders": []})
    await approved(house, request, "bob", seconds=300, extent=both)
    await approved(house, request, "carol", seconds=400, extent=EMAIL)
    grant = await grant_of(house, request)
    assert grant.extent == EMAIL
    assert grant.ends_at - grant.starts_at == timedelta(seconds=300)


@pytest.mark.parametrize(
    "more",
    [{"seconds": 601}, {"extent": Extent.of({"public.orders": []})}, {"extent": WHOLE}, {"seconds": -1}],
)
async def test_nobody_approves_more_than_was_asked(house: House, more: dict[str, object]) -> None:
    request = await asked(house, extent=EMAIL)
    with pytest.raises(NotValid):
        await approved(house, request, **more)
    assert (await house.store.request(request.id)).decisions == ()  # type: ignore[union-attr]


async def test_reviewers_who_agree_to_nothing_in_common_give_nothing(house: House) -> None:
    terms(house, approvals=2)
    request = await asked(house)
    await approved(house, request, "bob", extent=EMAIL)
    with pytest.raises(NotPossible, match="nothing is left"):
        await approved(house, request, "carol", extent=Extent.of({"public.orders": []}))


# edits


async def test_an_edit_drops_the_approvals(house: House) -> None:
    terms(house, approvals=2)
    request = await asked(house)
    await approved(house, request, "bob")
    after = await house.access.edit(await house.person("alice"), request.id, seconds=1200)
    assert (after.version, after.decisions, after.seconds) == (2, (), 1200)
    assert after.reference == f"{request.id}.2"
    after = await approved(house, request, "carol", version=2)
    assert after.grant is None
    after = await approved(house, request, "bob", version=2)
    assert after.grant is not None


@pytest.mark.parametrize("version", [1, 3])
async def test_what_was_edited_since_it_was_looked_at_is_not_approved(house: House, version: int) -> None:
    request = await asked(house)
    await house.access.edit(await house.person("alice"), request.id, reason="ticket 4711: everything, please")
    with pytest.raises(NotPossible, match="edited since") as refused:
        await approved(house, request, version=version)
    assert f"{request.id}.2" in refused.value.hint


async def test_only_their_own_and_only_pending_requests_are_edited(house: House) -> None:
    request = await asked(house)
    with pytest.raises(NotPermitted):
        await house.access.edit(await house.person("bob"), request.id, seconds=60)
    with pytest.raises(NotValid, match="nothing would change"):
        await house.access.edit(await house.person("alice"), request.id, seconds=600)
    await approved(house, request)
    with pytest.raises(NotPossible):
        await house.access.edit(await house.person("alice"), request.id, seconds=60)


@pytest.mark.parametrize("round_", range(6))
async def test_an_approval_that_races_with_an_edit_is_of_what_was_seen(house: House, round_: int) -> None:
    request = await asked(house)
    alice, bob = await house.person("alice"), await house.person("bob")
    acts = [house.access.approve(bob, request.id), house.access.edit(alice, request.id, seconds=3000)]
    await asyncio.gather(*(acts if round_ % 2 else acts[::-1]), return_exceptions=True)
    after = await house.store.request(request.id)
    assert after is not None
    if after.grant is not None:
        grant = await grant_of(house, request)
        assert (after.version, grant.ends_at - grant.starts_at) == (1, timedelta(seconds=600))
    else:
        assert (after.version, after.state) == (2, RequestState.PENDING)


@pytest.mark.parametrize("round_", range(4))
async def test_two_approvals_at_the_same_instant_make_one_grant(house: House, round_: int) -> None:
    terms(house, approvals=2)
    request = await asked(house)
    bob, carol = await house.person("bob"), await house.person("carol")
    acts = [house.access.approve(bob, request.id), house.access.approve(carol, request.id)]
    await asyncio.gather(*(acts if round_ % 2 else acts[::-1]))
    assert set((await grant_of(house, request)).approvers) == {"bob", "carol"}
    assert house.recorded().count("granted") == 1


# who decides


async def second_account(house: House, name: str, of: str, groups: set[str]) -> None:
    async with house.store.change() as change:
        credential = people.credential_of(name.encode().ljust(32, b"."))
        await people.add(change, by="test", name=name, groups=groups, credential=credential, identity=of)


async def test_nobody_approves_their_own_by_a_second_account(house: House) -> None:
    await second_account(house, "alice-admin", "alice", {"leads", "admins"})
    request = await asked(house)
    for act in (house.access.approve, house.access.deny):
        with pytest.raises(NotPermitted, match="own request"):
            await act(await house.person("alice-admin"), request.id, reason="quite right")
    other = await asked(house, "alice-admin")
    async with house.store.change() as change:
        await change.set_groups("alice", frozenset({"leads"}))
    with pytest.raises(NotPermitted, match="own request"):
        await house.access.approve(await house.person("alice"), other.id)


async def test_an_account_of_an_account_is_of_the_same_human(house: House) -> None:
    await second_account(house, "alice2", "alice", {"leads"})
    await second_account(house, "alice3", "alice2", {"leads"})
    request = await asked(house)
    with pytest.raises(NotPermitted, match="own request"):
        await house.access.approve(await house.person("alice3"), request.id)
    # The other way round: whose further account it is, is said of an account that is not there yet.
    await second_account(house, "rob3", "rob2", {"leads"})
    with pytest.raises(NotPossible, match="rob3"):
        await second_account(house, "rob2", "bob", {"leads"})
    await second_account(house, "rob2", "rob2", {"leads"})


async def test_two_accounts_are_one_approval(house: House) -> None:
    terms(house, approvals=2)
    await second_account(house, "bob2", "bob", {"leads"})
    request = await asked(house)
    await approved(house, request, "bob")
    assert (await approved(house, request, "bob2")).grant is None
    assert (await approved(house, request, "carol")).grant is not None


async def test_approvals_from_different_groups(house: House) -> None:
    terms(house, approvals=2, distinct_groups=True, approver_groups=frozenset({"leads", "dbas"}))
    request = await asked(house)
    async with house.store.change() as change:
        await change.set_groups("erin", frozenset({"leads"}))
    await approved(house, request, "bob")
    assert (await approved(house, request, "erin")).grant is None, "both are leads"
    # Carol is in both groups, and speaks for the one that is missing.
    assert (await approved(house, request, "carol")).grant is not None


async def test_the_owner_of_a_target_decides_there_and_nowhere_else(house: House) -> None:
    owners = {"shop": Circle(people=frozenset({"mallory"}))}
    terms(house, approver_groups=frozenset(), owner_approves=True, owners=owners)
    shop, archive = await asked(house), await asked(house, target="archive")
    mallory = await house.person("mallory")
    assert [one.id for one in await house.access.requests(mallory)] == [shop.id]
    with pytest.raises(AccessRefused):
        await house.access.approve(mallory, archive.id)
    assert (await house.access.approve(mallory, shop.id)).grant is not None


# reasons


async def test_a_reason_from_a_choice(house: House) -> None:
    terms(house, reason_choices=("incident", "support"))
    for reason in ("whatever it may be", "incidental thoughts", "Incident: the shop is down"):
        with pytest.raises(NotValid, match="incident, support"):
            await asked(house, reason=reason)
    assert (await asked(house, reason="incident: the shop is down")).state is RequestState.PENDING


async def test_requests_wait_as_long_as_the_role_says(house: House) -> None:
    terms(house, pending_seconds=3600)
    request = await asked(house)
    house.clock.move(hours=1)
    with pytest.raises(NotPossible, match="expired"):
        await approved(house, request)


# what needs nobody's approval

EVENING = Hours(frozenset({0}), 18 * 60, 23 * 60, "Europe/Berlin")
ON_CALL = AutoApproval("evenings", Circle(frozenset({"engineers"})), 1800, EVENING)


async def test_the_policy_approves_within_its_own_conditions_and_that_is_recorded(house: House) -> None:
    terms(house, auto=(ON_CALL,))
    house.clock.now = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # a Monday, 18:30 in Berlin
    request = await asked(house)
    grant = await grant_of(house, request)
    assert (grant.how, grant.approvers) == (How.AUTO, ("policy:auto.evenings",))
    assert house.recorded() == ["requested", "auto-approved", "granted"]
    assert house.facts[1].by == "pgcurfew"


@pytest.mark.parametrize(
    ("hour", "minute", "change"),
    [
        (16, 59, {}),
        (21, 51, {}),
        (17, 30, {"seconds": 1801}),
        (17, 30, {"who": "bob"}),
        (17, 30, {"starts_at": datetime(2026, 11, 24, 17, 30, tzinfo=UTC)}),
    ],
    ids=["too early", "would end too late", "too long", "not on call", "on another day"],
)
async def test_outside_of_its_conditions_somebody_decides(
    house: House, hour: int, minute: int, change: dict[str, object]
) -> None:
    terms(house, auto=(ON_CALL,))
    house.clock.now = datetime(2026, 11, 23, hour, minute, tzinfo=UTC)
    request = await asked(house, **change)  # type: ignore[arg-type]
    assert (request.state, request.grant) == (RequestState.PENDING, None)


def test_hours_go_past_midnight_and_know_their_days() -> None:
    night = Hours(frozenset({4}), 22 * 60, 6 * 60, "Europe/Berlin")
    friday = datetime(2026, 11, 27, 21, 30, tzinfo=UTC)
    assert night.ends(friday) == datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    assert night.ends(friday + timedelta(hours=7)) == datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    assert night.ends(friday + timedelta(hours=8)) is None
    assert night.ends(friday + timedelta(days=1)) is None


# schedules


async def test_a_scheduled_grant_begins_and_ends_as_asked(house: House) -> None:
    at = START + timedelta(hours=3)
    request = await asked(house, starts_at=at)
    house.clock.move(hours=1)
    await approved(house, request)
    grant = await grant_of(house, request)
    assert (grant.starts_at, grant.ends_at) == (
        at.replace(microsecond=0),
        at.replace(microsecond=0) + timedelta(seconds=600),
    )
    assert grant.state_at(house.clock.now) is GrantState.SCHEDULED
    with pytest.raises(NotPossible, match="begins at"):
        await connects(house, grant)
    house.clock.move(hours=2)
    await connects(house, grant)
    house.clock.move(seconds=600)
    with pytest.raises(NotPossible, match="ended"):
        await connects(house, grant)


async def test_approved_late_it_ends_when_it_would_have(house: House) -> None:
    at = START + timedelta(minutes=5)
    request = await asked(house, starts_at=at)
    house.clock.move(minutes=10)
    await approved(house, request)
    grant = await grant_of(house, request)
    assert grant.ends_at == at.replace(microsecond=0) + timedelta(seconds=600)
    late = await asked(house, starts_at=house.clock.now + timedelta(minutes=5))
    house.clock.move(minutes=15)
    with pytest.raises(NotPossible, match="expired"):
        await approved(house, late)


FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


async def test_a_start_is_not_past_nor_far_away(house: House) -> None:
    edges = (datetime.min.replace(tzinfo=FAR_EAST), datetime.max.replace(tzinfo=FAR_WEST))
    for start in (START - timedelta(hours=1), START + timedelta(days=31), *edges):
        with pytest.raises(NotValid):
            await asked(house, starts_at=start)


# unused, handed back, extended


async def test_what_nobody_uses_lapses(house: House) -> None:
    terms(house, lapse_seconds=120)
    unused, used = await house.granted(), await house.granted()
    await connects(house, used)
    house.clock.move(seconds=120)
    with pytest.raises(NotPossible, match="lapsed"):
        await connects(house, unused)
    assert set(await house.access.still_valid([unused, used])) == {used}
    await connects(house, used)
    await house.access.tidy()
    house.clock.move(seconds=-60)
    with pytest.raises(NotPossible, match="lapsed"):
        await connects(house, unused)
    assert house.recorded().count("lapsed") == 1


async def test_a_token_of_a_lapsed_grant_opens_nothing(house: House) -> None:
    terms(house, lapse_seconds=120)
    text = await house.token()
    house.clock.move(seconds=120)
    with pytest.raises(AdmissionRefused, match="lapsed"):
        await house.access.admit(text, user="alice", database="shop", client="127.0.0.1:1")


async def test_the_owner_hands_a_grant_back(house: House) -> None:
    grant = await house.granted()
    with pytest.raises(NotPermitted):
        await house.access.done(await house.person("bob"), grant)
    over = await house.access.done(await house.person("alice"), grant)
    assert over.state_at(house.clock.now) is GrantState.DONE
    assert house.told == [GrantEnded(grant, "grant-done", "alice", "")]
    assert await house.access.still_valid([grant]) == {}
    with pytest.raises(NotPossible, match="handed back"):
        await house.access.done(await house.person("alice"), grant)


async def extension(house: House, grant: str, seconds: int = 600) -> AccessRequest:
    alice = await house.person("alice")
    return await house.access.extend(alice, grant, seconds=seconds, reason="ticket 4711: still at it")


async def test_an_extension_needs_a_new_approval(house: House) -> None:
    grant = await house.granted()
    before = await house.store.grant(grant)
    assert before is not None
    request = await extension(house, grant)
    assert (await house.store.grant(grant)) == before
    with pytest.raises(NotPermitted, match="own request"):
        await house.access.approve(await house.person("alice"), request.id)
    after = await approved(house, request)
    assert after.grant == grant
    longer = await house.store.grant(grant)
    assert longer is not None
    assert longer.ends_at == before.ends_at + timedelta(seconds=600)
    assert await house.access.still_valid([grant]) == {grant: longer.ends_at}
    assert house.recorded()[-2:] == ["approved", "extended"]


async def test_an_extension_never_exceeds_the_role(house: House) -> None:
    grant = await house.granted(seconds=3000)
    with pytest.raises(NotValid, match="extensions included") as refused:
        await extension(house, grant, 601)
    assert "10m" in refused.value.hint
    one, two = await extension(house, grant, 400), await extension(house, grant, 400)
    await approved(house, one)
    with pytest.raises(NotPossible, match="terms"):
        await approved(house, two)
    await approved(house, await extension(house, grant, 200))
    with pytest.raises(NotValid):
        await extension(house, grant, 1)


async def test_what_is_over_is_not_extended(house: House) -> None:
    grant = await house.granted(seconds=60)
    request = await extension(house, grant)
    house.clock.move(seconds=60)
    with pytest.raises(NotPossible):
        await approved(house, request)
    with pytest.raises(NotPossible):
        await extension(house, grant)
    other = await house.granted()
    waiting = await extension(house, other)
    await house.access.revoke(await house.person("bob"), other, reason="enough of it")
    with pytest.raises(NotPossible, match="revoked"):
        await approved(house, waiting)
    assert (await house.store.grant(other)).state_at(house.clock.now) is GrantState.REVOKED  # type: ignore[union-attr]


# emergencies

GLASS = BreakGlass(Circle(people=frozenset({"alice"})), 600, 86_400)
WORDS = "looked at the orders of one customer, rightly so"


async def emergency(house: House, who: str = "alice") -> str:
    person = await house.person(who)
    request = await house.access.break_glass(person, target="shop", role="support", reason="the shop is down")
    assert request.grant is not None
    return request.grant


async def test_an_emergency_is_immediate_short_and_told(house: House) -> None:
    terms(house, break_glass=GLASS)
    grant = await house.store.grant(await emergency(house))
    assert grant is not None
    assert (grant.how, grant.ends_at - grant.starts_at) == (How.BREAK_GLASS, timedelta(seconds=600))
    assert house.recorded() == ["requested", "granted", "break-glass"]
    await connects(house, grant)
    with pytest.raises(NotPossible, match="emergency"):
        await extension(house, grant.id)
    for who in ("bob", "erin", "adam"):
        with pytest.raises(NotPermitted):
            await emergency(house, who)
    alice = await house.person("alice")
    with pytest.raises(NotValid, match="at most"):
        await house.access.break_glass(alice, target="shop", role="support", reason="the shop is down", seconds=601)


async def test_without_a_review_in_time_the_person_is_locked_out_with_all_accounts(house: House) -> None:
    terms(house, break_glass=GLASS)
    await second_account(house, "alice2", "alice", {"engineers"})
    first = await emergency(house)
    house.clock.move(hours=23, minutes=59)
    await house.access.tidy()
    other = await house.granted("alice2")
    house.clock.move(minutes=1)
    with pytest.raises(NotPossible, match="not been reviewed"):
        await emergency(house)
    await house.access.tidy()
    assert (await house.person("alice")).locked
    assert (await house.person("alice2")).locked
    assert (
        GrantEnded(other, "person-locked", "pgcurfew", f"the emergency {first} was not reviewed in time") in house.told
    )
    # An administrator's unlocking stands: it is recorded, and is not undone by the next look.
    await house.access.set_locked(await house.person("adam"), "alice", locked=False, reason="reviewed on paper")
    await house.access.tidy()
    assert not (await house.person("alice")).locked


async def test_a_review_is_written_by_somebody_else(house: House) -> None:
    terms(house, break_glass=GLASS)
    await second_account(house, "alice2", "alice", {"auditors"})
    grant = await emergency(house)
    for who in ("alice", "alice2"):
        with pytest.raises(NotPermitted, match="own emergency"):
            await house.access.review(await house.person(who), grant, text=WORDS)
    audrey = await house.person("audrey")
    with pytest.raises(NotValid, match="20"):
        await house.access.review(audrey, grant, text="fine")
    with pytest.raises(NotValid, match="control"):
        await house.access.review(audrey, grant, text=f"{WORDS}\x1b[2J")
    assert [one.grant for one, _ in await house.access.emergencies(audrey)] == [grant]
    await house.access.review(audrey, grant, text=WORDS)
    assert await house.access.emergencies(audrey) == ()
    with pytest.raises(NotPossible, match="audrey"):
        await house.access.review(await house.person("bob"), grant, text=WORDS)
    house.clock.move(days=2)
    await house.access.tidy()
    assert not (await house.person("alice")).locked


# clocks and restarts


async def test_what_ended_stays_ended_across_a_restart_with_a_clock_set_back(store: Store) -> None:
    async with House.open(store, roles={"support": SUPPORT}) as house:
        await house.populate()
        grant = await house.granted(seconds=60)
        house.clock.move(seconds=59)
        await house.access.tidy()
        house.clock.move(seconds=2)
        async with house.store.change() as change:
            await change.note_latest(house.clock.now)
    async with House.open(store, roles={"support": SUPPORT}) as house:
        house.clock.now = START
        await house.access.tidy()
        assert await house.access.still_valid([grant]) == {}
        with pytest.raises(NotPossible, match="ended"):
            await house.access.mint(await house.person("alice"), grant)
        # Later it is the clock that counts again.
        new = await house.granted(seconds=30)
        await house.access.tidy()
        assert set(await house.access.still_valid([new])) == {new}


def test_the_clock_goes_on_when_the_machines_is_set_back() -> None:
    wall, ticks = [START], [100.0]
    clock = SteadyClock(lambda: wall[0], lambda: ticks[0])
    ticks[0] += 10
    wall[0] += timedelta(seconds=10)
    assert clock() == START + timedelta(seconds=10)
    wall[0] -= timedelta(hours=1)
    ticks[0] += 5
    assert clock() == START + timedelta(seconds=15)
    ticks[0] += 5
    assert clock() == START + timedelta(seconds=20)
    wall[0] = START + timedelta(hours=2)
    assert clock() == START + timedelta(hours=2)


# texts

ATTACKS = ("'; DROP TABLE grants; --", '" OR 1=1 --', "$1::text; DELETE FROM people", "%s %(x)s {0} \\' ?")


@pytest.mark.parametrize("text", ATTACKS)
async def test_sql_in_a_text_is_a_text(house: House, text: str) -> None:
    terms(house, break_glass=GLASS)
    long = f"{text} and twenty characters more"
    request = await asked(house, reason=long)
    request = await house.access.edit(await house.person("alice"), request.id, reason=f"{long}!")
    assert request.reason == f"{long}!"
    request = await approved(house, request, reason=text, version=2)
    assert request.decisions[0].reason == text
    assert request.grant is not None
    await extension(house, request.grant)
    await house.access.done(await house.person("alice"), request.grant, reason=text)
    denied = await asked(house)
    await house.access.deny(await house.person("bob"), denied.id, reason=text)
    grant = await emergency(house)
    reviewed = await house.access.review(await house.person("bob"), grant, text=long)
    assert reviewed.review == long
    assert len(await house.access.requests(await house.person("adam"), open_only=False)) == 4


@pytest.mark.parametrize(
    "text", ["clear\x1b[2J the screen", "\x9b31m red text here", "rtl \u202e override text", "a\x00b nul in the text"]
)
async def test_no_text_reaches_a_reviewers_terminal_as_an_order(house: House, text: str) -> None:
    terms(house, break_glass=GLASS)
    alice, bob = await house.person("alice"), await house.person("bob")
    request, grant = await asked(house), await house.granted()
    for act in (
        asked(house, reason=text),
        house.access.edit(alice, request.id, reason=text),
        house.access.approve(bob, request.id, reason=text),
        house.access.deny(bob, request.id, reason=text),
        house.access.extend(alice, grant, seconds=60, reason=text),
        house.access.done(alice, grant, reason=text),
        house.access.revoke(bob, grant, reason=text),
        house.access.break_glass(alice, target="shop", role="support", reason=text),
    ):
        with pytest.raises(NotValid, match="control"):
            await act
