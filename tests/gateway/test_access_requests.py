"""From a request to its end: what may be asked, who decides, when the grant begins and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from config.store import Store
from gateway.access.errors import NotFound, NotPermitted, NotPossible, NotValid
from gateway.access.models import (
    GRANT_MOVES,
    OVER,
    REQUEST_MOVES,
    AccessRequest,
    Decision,
    GrantEnded,
    GrantMove,
    RequestMove,
    RequestState,
    Vote,
)
from gateway.access.requests import moved
from gateway.access.store import StoreViolated
from tests.support.access import REASON, START, House, RecordFull


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    async with House.open(store) as opened:
        await opened.populate()
        yield opened


async def asked(house: House, who: str = "alice", role: str = "support", **change: object) -> AccessRequest:
    values: dict[str, object] = {"target": "shop", "role": role, "reason": REASON, "seconds": 600} | change
    return await house.access.ask(await house.person(who), **values)  # type: ignore[arg-type]


BAD_REQUESTS = {
    "no reason": ({"reason": ""}, NotValid, "mandatory"),
    "blank reason": ({"reason": " \t\n "}, NotValid, "mandatory"),
    "invisible reason": ({"reason": "\u200b\u200b\u2060" * 5}, NotValid, "mandatory"),
    "dashes": ({"reason": "- - - - - - - -"}, NotValid, "mandatory"),
    "short reason": ({"reason": "because"}, NotValid, "at least 10"),
    "endless reason": ({"reason": "a" * 1001}, NotValid, "longer than"),
    "escape in the reason": ({"reason": "harmless\x1b[2J reason"}, NotValid, "control"),
    "reversed writing": ({"reason": "harmless \u202e reason"}, NotValid, "control"),
    "no ticket": ({"role": "operator"}, NotValid, "OPS"),
    "too long": ({"seconds": 3601}, NotValid, "at most"),
    "too short": ({"seconds": 0}, NotValid, "shortest"),
    "negative": ({"seconds": -600}, NotValid, "shortest"),
    "another target": ({"target": "payroll"}, NotValid, "does not exist on"),
    "unknown role": ({"role": "god"}, NotFound, "no such role"),
    "a role without reviewers": ({"role": "orphan"}, NotPermitted, "nobody"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
async def test_what_cannot_be_asked(house: House, case: str) -> None:
    change, kind, words = BAD_REQUESTS[case]
    with pytest.raises(kind, match=words):
        await asked(house, **change)
    assert await house.store.requests(_everything()) == ()


def _everything():  # type: ignore[no-untyped-def]
    from gateway.access.store import ListFilter

    return ListFilter()


async def test_strangers_to_a_role_cannot_ask(house: House) -> None:
    with pytest.raises(NotPermitted, match="engineers"):
        await asked(house, "mallory")
    assert house.recorded() == ["request-refused"]


async def test_the_clock_starts_at_the_approval(house: House) -> None:
    request = await asked(house)
    house.clock.move(hours=2)
    request = await house.access.approve(await house.person("bob"), request.id, reason="go on")
    assert request.state is RequestState.APPROVED
    assert request.grant is not None
    grant = await house.access.grant(await house.person("alice"), request.grant)
    approved_at = house.clock.now.replace(microsecond=0)
    assert (grant.starts_at, grant.ends_at) == (approved_at, approved_at + timedelta(seconds=600))
    assert (grant.approvers, grant.reason) == (("bob",), REASON)
    assert house.recorded() == ["requested", "approved", "granted"]


async def test_nobody_approves_their_own_also_not_as_a_lead(house: House) -> None:
    for who in ("alice", "bob"):
        request = await asked(house, who)
        with pytest.raises(NotPermitted, match="own request"):
            await house.access.approve(await house.person(who), request.id)
        with pytest.raises(NotPermitted, match="own request"):
            await house.access.deny(await house.person(who), request.id, reason="because I can")
    assert house.recorded().count("approve-refused") == 2


async def test_two_approvals_are_two_people(house: House) -> None:
    request = await asked(house, role="operator", reason="OPS-12: move the index")
    after = await house.access.approve(await house.person("bob"), request.id)
    assert (after.state, after.grant) == (RequestState.PENDING, None)
    with pytest.raises(NotPermitted, match="already"):
        await house.access.approve(await house.person("bob"), request.id)
    after = await house.access.approve(await house.person("dave"), request.id)
    assert after.grant is not None
    assert (await house.access.grant(await house.person("alice"), after.grant)).approvers == ("bob", "dave")


async def test_an_approval_of_somebody_who_left_the_reviewers_does_not_count(house: House) -> None:
    request = await asked(house, role="operator", reason="OPS-12: move the index")
    await house.access.approve(await house.person("bob"), request.id)
    async with house.store.change() as change:
        await change.set_groups("bob", frozenset({"engineers"}))
    after = await house.access.approve(await house.person("dave"), request.id)
    assert after.grant is None
    after = await house.access.approve(await house.person("carol"), request.id)
    assert after.grant is not None


async def test_what_was_asked_must_still_fit_when_it_is_approved(house: House) -> None:
    request = await asked(house)
    bob = await house.person("bob")
    house.roles["support"] = replace(house.roles["support"], max_seconds=300)
    with pytest.raises(NotPossible, match="terms"):
        await house.access.approve(bob, request.id)
    house.roles["support"] = replace(house.roles["support"], max_seconds=3600)
    await house.access.set_locked(await house.person("adam"), "alice", locked=True, reason="left")
    with pytest.raises(NotPossible, match="locked"):
        await house.access.approve(bob, request.id)
    assert await house.store.grants(_everything()) == ()


async def test_a_stale_request_cannot_be_approved(house: House) -> None:
    request = await asked(house)
    house.clock.move(hours=24)
    with pytest.raises(NotPossible, match="expired"):
        await house.access.approve(await house.person("bob"), request.id)
    assert (await house.access.request(await house.person("alice"), request.id)).state is RequestState.EXPIRED
    await house.access.tidy()
    house.clock.move(hours=-1)
    with pytest.raises(NotPossible, match="expired"):
        await house.access.approve(await house.person("bob"), request.id)
    assert house.recorded().count("expired") == 1


@pytest.mark.parametrize("first", ["approve", "deny", "cancel"])
@pytest.mark.parametrize("then", ["approve", "deny", "cancel"])
async def test_a_decided_request_stays_decided(house: House, first: str, then: str) -> None:
    request = await asked(house)

    async def act(what: str, reviewer: str) -> AccessRequest:
        if what == "cancel":
            return await house.access.cancel(await house.person("alice"), request.id)
        if what == "deny":
            return await house.access.deny(await house.person(reviewer), request.id, reason="not now")
        return await house.access.approve(await house.person(reviewer), request.id)

    before = await act(first, "bob")
    with pytest.raises(NotPossible, match=before.state):
        await act(then, "carol")
    assert await house.store.request(request.id) == before


async def test_a_denial_needs_a_reason(house: House) -> None:
    request = await asked(house)
    with pytest.raises(NotValid, match="mandatory"):
        await house.access.deny(await house.person("bob"), request.id, reason=" ")


@pytest.mark.parametrize("who", ["alice", "bob", "adam"])
async def test_revoking_tells_the_sessions_at_once(house: House, who: str) -> None:
    grant = await house.granted()
    assert set(await house.access.still_valid([grant, "grant_unknown"])) == {grant}
    await house.access.revoke(await house.person(who), grant, reason="done early")
    assert house.told == [GrantEnded(grant, "grant-revoked", who, "done early")]
    assert await house.access.still_valid([grant]) == {}
    with pytest.raises(NotPossible, match="revoked"):
        await house.access.revoke(await house.person(who), grant, reason="again")
    with pytest.raises(NotPossible, match="revoked"):
        await house.access.mint(await house.person("alice"), grant)


async def test_others_cannot_revoke_nor_see_nor_mint(house: House) -> None:
    grant = await house.granted()
    for who in ("mallory", "erin", "dave"):
        with pytest.raises(NotFound):
            await house.access.revoke(await house.person(who), grant, reason="just because")
        with pytest.raises(NotFound):
            await house.access.mint(await house.person(who), grant)
    with pytest.raises(NotPermitted):
        await house.access.mint(await house.person("bob"), grant)
    with pytest.raises(NotPermitted):
        await house.access.revoke(await house.person("audrey"), grant, reason="I only look")


async def test_an_ended_grant_is_over(house: House) -> None:
    grant = await house.granted(seconds=60)
    house.clock.move(seconds=60)
    assert await house.access.still_valid([grant]) == {}
    with pytest.raises(NotPossible, match="ended"):
        await house.access.mint(await house.person("alice"), grant)
    with pytest.raises(NotPossible, match="ended"):
        await house.access.revoke(await house.person("bob"), grant, reason="too late")
    await house.access.tidy()
    await house.access.tidy()
    assert house.recorded().count("ended") == 1


async def test_locking_somebody_ends_what_they_hold(house: House) -> None:
    grants = {await house.granted(), await house.granted(target="archive")}
    other = await house.granted("erin")
    await house.access.set_locked(await house.person("adam"), "alice", locked=True, reason="laptop stolen")
    assert {ended.grant for ended in house.told} == grants
    assert {ended.cause for ended in house.told} == {"person-locked"}
    assert set(await house.access.still_valid([*grants, other])) == {other}
    with pytest.raises(NotPermitted):
        await house.access.set_locked(await house.person("bob"), "erin", locked=True, reason="spite")


async def test_what_another_process_changed_is_recorded_before_it_is_acted_on(house: House) -> None:
    from gateway.access import people

    grant = await house.granted()
    async with house.store.change() as change:
        fact = await people.set_locked(change, by="host:root", name="alice", locked=True, reason="gone")
        await change.hand_over(fact)
    house.record_full = True
    with pytest.raises(RecordFull):
        await house.access.still_valid([grant])
    house.record_full = False
    assert await house.access.still_valid([grant]) == {}
    assert house.facts[-1] == fact
    assert house.told == [GrantEnded(grant, "person-locked", "host:root", "gone")]
    await house.access.tidy()
    assert house.facts.count(fact) == 1


async def test_what_cannot_be_recorded_does_not_happen(house: House) -> None:
    waiting = await asked(house)
    grant = await house.granted("erin")
    alice, bob, erin, adam = [await house.person(name) for name in ("alice", "bob", "erin", "adam")]
    before = await house.everything()
    house.record_full = True
    for change in (
        asked(house, "erin"),
        house.access.approve(bob, waiting.id),
        house.access.deny(bob, waiting.id, reason="no"),
        house.access.cancel(alice, waiting.id),
        house.access.revoke(bob, grant, reason="no"),
        house.access.mint(erin, grant),
        house.access.set_locked(adam, "erin", locked=True, reason="no"),
    ):
        with pytest.raises(RecordFull):
            await change
    assert await house.everything() == before
    assert house.told == []


async def test_lists_show_what_one_may_see(house: House) -> None:
    mine = await asked(house)
    other = await asked(house, "dave", "operator", reason="OPS-1: look at it")
    grant = await house.granted("erin")

    async def seen(who: str) -> set[str]:
        return {one.id for one in await house.access.requests(await house.person(who))}

    assert await seen("alice") == {mine.id}
    assert await seen("dave") == {other.id}
    assert await seen("bob") == await seen("audrey") == await seen("adam") == {mine.id, other.id}
    assert await seen("mallory") == set()
    for who, count in (("erin", 1), ("bob", 1), ("audrey", 1), ("alice", 0), ("mallory", 0)):
        assert len(await house.access.grants(await house.person(who))) == count
    await house.access.revoke(await house.person("erin"), grant, reason="finished early")
    erin = await house.person("erin")
    assert await house.access.grants(erin) == ()
    assert [one.id for one in await house.access.grants(erin, open_only=False)] == [grant]


@pytest.mark.parametrize("round_", range(5))
async def test_approvals_and_a_cancellation_at_the_same_instant_have_one_outcome(house: House, round_: int) -> None:
    request = await asked(house)
    alice, bob, carol = [await house.person(name) for name in ("alice", "bob", "carol")]
    acts = [
        house.access.approve(bob, request.id),
        house.access.approve(carol, request.id),
        house.access.deny(carol, request.id, reason="no"),
        house.access.cancel(alice, request.id),
    ]
    outcomes = await asyncio.gather(*(acts[round_ % 4 :] + acts[: round_ % 4]), return_exceptions=True)
    assert sum(isinstance(outcome, AccessRequest) for outcome in outcomes) == 1
    assert all(isinstance(outcome, AccessRequest | NotPossible | NotPermitted) for outcome in outcomes)
    after = await house.store.request(request.id)
    assert after is not None
    assert (after.grant is not None) == (after.state is RequestState.APPROVED)


async def test_a_revocation_while_somebody_connects_is_never_missed(house: House) -> None:
    from gateway.access.errors import AdmissionRefused

    for _ in range(10):
        grant = await house.granted()
        text = (await house.access.mint(await house.person("alice"), grant)).text
        admitted = asyncio.create_task(house.access.admit(text, user="alice", database="shop", client="x"))
        revoked = asyncio.create_task(house.access.revoke(await house.person("bob"), grant, reason="now, please"))
        told_before = len(house.told)
        outcome = (await asyncio.gather(admitted, return_exceptions=True))[0]
        heard_later = len(house.told) == told_before
        await revoked
        assert isinstance(outcome, AdmissionRefused) or heard_later


def test_every_move_that_is_not_in_the_table_is_refused() -> None:
    for state in RequestState:
        for move in RequestMove:
            request = AccessRequest("r", "p", "t", "x", "why", 60, START, START + timedelta(days=1), state)
            if (state, move) in REQUEST_MOVES:
                assert moved(request, move, START) is REQUEST_MOVES[state, move]
            else:
                with pytest.raises(NotPossible):
                    moved(request, move, START)
    assert {state for state, _ in REQUEST_MOVES} == {RequestState.PENDING}
    assert not {state for state, _ in GRANT_MOVES} & OVER
    assert {move for _, move in GRANT_MOVES} == set(GrantMove)


async def test_the_store_itself_refuses_what_the_rules_would(house: House) -> None:
    request = await asked(house)
    with pytest.raises(StoreViolated, match="own request"):
        async with house.store.change() as change:
            await change.add_decision(Decision(request.id, "alice", Vote.APPROVE, "", START))
    grant = await house.granted()
    await house.access.revoke(await house.person("bob"), grant, reason="now, please")
    for sql in (
        "UPDATE grants SET revoked_at = NULL, revoked_by = NULL, revoked_reason = NULL",
        "UPDATE grants SET ends_at = ends_at + 1",
        "UPDATE requests SET state = 'pending' WHERE state = 'approved'",
    ):
        with pytest.raises(StoreViolated):
            async with house.database.transaction() as transaction:
                await transaction.write(sql)
