"""What a token is bound to holds at the door: one use, so many sessions, networks, a certificate, its key."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

import jwt
import pytest

from config.store import Store
from gateway.access.bindings import TokenWish, address_of, network_of, within
from gateway.access.crowd import HouseLimits
from gateway.access.errors import AdmissionRefused, NotFound, NotPermitted, NotPossible, NotValid
from gateway.access.keys import KeyNotUsable, private_key
from gateway.access.models import Admission, GrantEnded, TokenTerms
from gateway.access.token_desk import Minted
from gateway.demo.certificates import signing_key
from tests.gateway.test_access_tokens import resigned
from tests.support.access import House, RecordFull

ALICES = base64.urlsafe_b64encode(hashlib.sha256(b"alice's certificate").digest()).rstrip(b"=").decode()
RITAS = base64.urlsafe_b64encode(hashlib.sha256(b"rita's certificate").digest()).rstrip(b"=").decode()


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    async with House.open(store) as opened:
        await opened.populate()
        yield opened


async def minted(house: House, grant: str | None = None, **wish: object) -> Minted:
    grant = grant or await house.granted()
    return await house.access.mint(await house.person("alice"), grant, wish=TokenWish(**wish))  # type: ignore[arg-type]


async def enter(house: House, token: str, *, client: str = "127.0.0.1:1", certificate: str = "") -> Admission:
    return await house.access.admit(token, user="alice", database="shop", client=client, certificate=certificate)


async def refusal(house: House, token: str, *, client: str = "127.0.0.1:1", certificate: str = "") -> AdmissionRefused:
    with pytest.raises(AdmissionRefused) as caught:
        await enter(house, token, client=client, certificate=certificate)
    assert caught.value.hint
    assert token not in caught.value.message + caught.value.hint
    return caught.value


def demands(house: House, **terms: object) -> None:
    role = house.roles["support"]
    house.roles["support"] = replace(role, token=TokenTerms(**terms), sessions=50)  # type: ignore[arg-type]


# once


async def test_of_twenty_who_come_at_once_with_a_single_use_token_one_gets_in(house: House) -> None:
    token = await minted(house, once=True)
    came = await asyncio.gather(*(enter(house, token.text) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(one, Admission) for one in came) == 1
    refused = [one for one in came if isinstance(one, AdmissionRefused)]
    assert len(refused) == 19
    assert {one.cause for one in refused} <= {"token-used", "too-many-sessions"}
    assert house.recorded().count("token-used") == 1


async def test_a_used_token_is_used_for_ever_also_after_a_restart(house: House, store: Store) -> None:
    token = await minted(house, once=True)
    house.access.leave(await enter(house, token.text))
    error = await refusal(house, token.text)
    assert (error.cause, error.sqlstate, error.person) == ("token-used", "28P01", "alice")
    assert "2026-11-23 12:00:00 UTC" in error.message
    async with House.open(store) as again:
        again.access.renew(house.signer, limits=HouseLimits(per_grant=5))
        assert (await refusal(again, token.text)).cause == "token-used"


async def test_a_single_use_token_that_was_refused_for_something_else_is_not_used_up(house: House) -> None:
    token = await minted(house, once=True, networks=("10.0.0.0/8",))
    assert (await refusal(house, token.text)).cause == "token-network"
    await enter(house, token.text, client="10.1.2.3:999")


async def test_what_cannot_be_recorded_is_not_used(house: House) -> None:
    token = await minted(house, once=True)
    house.record_full = True
    with pytest.raises(RecordFull):
        await enter(house, token.text)
    house.record_full = False
    await enter(house, token.text)


async def test_a_grant_that_is_revoked_while_its_single_use_token_is_being_used_opens_nothing(house: House) -> None:
    grant = await house.granted()
    for _ in range(20):
        token = await minted(house, grant, once=True) if house.recorded().count("revoked") == 0 else None
        if token is None:
            grant = await house.granted()
            token = await minted(house, grant, once=True)
        coming = asyncio.create_task(enter(house, token.text))
        for _ in range(house.recorded().count("revoked") % 12):
            await asyncio.sleep(0)
        await house.access.revoke(await house.person("bob"), grant, reason="a race")
        try:
            admission = await coming
        except AdmissionRefused:
            continue
        # Whoever came in before has heard of it.
        assert house.told[-1].concerns(admission)


# sessions, networks, certificates


async def test_a_token_has_so_many_sessions_of_its_own(house: House) -> None:
    house.roles["support"] = replace(house.roles["support"], sessions=50)
    grant = await house.granted()
    one, other = await minted(house, grant, sessions=1), await minted(house, grant, sessions=2)
    first = await enter(house, one.text)
    error = await refusal(house, one.text)
    assert (error.cause, error.sqlstate) == ("too-many-sessions", "53300")
    await enter(house, other.text)
    await enter(house, other.text)
    assert (await refusal(house, other.text)).cause == "too-many-sessions"
    house.access.leave(first)
    await enter(house, one.text)


@pytest.mark.parametrize(
    ("networks", "inside", "outside"),
    [
        (("10.1.0.0/16",), "10.1.255.7:5", "10.2.0.1:5"),
        (("192.0.2.7",), "192.0.2.7:5", "192.0.2.8:5"),
        (("2001:db8::/32",), "[2001:db8::5]:5", "[2001:db9::5]:5"),
        (("10.0.0.0/8", "fd00::/8"), "[fd00::1]:5", "[::1]:5"),
        (("10.0.0.0/8",), "[::ffff:10.0.0.9]:5", "[::ffff:11.0.0.9]:5"),
        (("::1",), "[::1]:5", "127.0.0.1:5"),
        (("fe80::/10",), "[fe80::1%eth0]:5", "local"),
        (("0.0.0.0/0",), "8.8.8.8:5", "[2001:db8::1]:5"),
        (("10.0.0.0/8",), "10.0.0.1:5", "unknown"),
    ],
)
async def test_a_token_is_good_in_its_networks_alone(
    house: House, networks: tuple[str, ...], inside: str, outside: str
) -> None:
    token = await minted(house, networks=networks)
    error = await refusal(house, token.text, client=outside)
    assert (error.cause, error.sqlstate) == ("token-network", "28000")
    assert not any(network in error.message for network in networks)
    await enter(house, token.text, client=inside)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("everywhere", "is not a network"),
        ("", "is not a network"),
        ("10.0.0.0/33", "is not a network"),
        ("10.0.0.0/8' OR 1=1 --", "is not a network"),
        ("\x1b[2J", '"?" is not a network'),
    ],
)
async def test_what_is_no_network_is_refused_in_words(house: House, network: str, said: str) -> None:
    with pytest.raises(NotValid) as caught:
        await minted(house, networks=(network,))
    assert said in caught.value.message + caught.value.hint


async def test_too_many_networks_are_refused(house: House) -> None:
    with pytest.raises(NotValid, match="16 networks"):
        await minted(house, networks=tuple(f"10.{n}.0.0/16" for n in range(17)))


def test_addresses_are_read_as_channels_write_them() -> None:
    assert str(address_of("192.0.2.1:5432")) == "192.0.2.1"
    assert str(address_of("[2001:db8::1]:5432")) == "2001:db8::1"
    assert str(address_of("[::ffff:192.0.2.1]:5432")) == "192.0.2.1"
    for nothing in ("", "local", "unknown", "x", ":", "[", "[]:1"):
        assert address_of(nothing) is None
        assert not within(address_of(nothing), ("0.0.0.0/0", "::/0"))
    assert str(network_of(" 10.0.0.0/8 ")) == "10.0.0.0/8"


async def test_a_bound_token_needs_its_certificate(house: House) -> None:
    token = await minted(house, certificate=ALICES)
    assert jwt.decode(token.text, options={"verify_signature": False})["cnf"] == {"x5t#S256": ALICES}
    for shown in ("", RITAS, ALICES.lower()):
        error = await refusal(house, token.text, certificate=shown)
        assert (error.cause, error.sqlstate) == ("token-certificate", "28000")
    await enter(house, token.text, certificate=ALICES)


@pytest.mark.parametrize(
    "cnf",
    [{"x5t#S256": RITAS}, {}, {"jwk": {}}, {"x5t#S256": ALICES, "jku": "https://evil.test"}, ALICES, None, [], ""],
)
async def test_another_confirmation_is_no_way_round(house: House, cnf: object) -> None:
    token = await minted(house, certificate=ALICES)
    error = await refusal(house, resigned(house, token.text, {"cnf": cnf}), certificate=RITAS)
    assert error.cause in ("token-malformed", "token-unknown")
    without = await refusal(house, resigned(house, token.text, {}, drop="cnf"))
    assert without.cause == "token-unknown"


@pytest.mark.parametrize("text", ["x", ALICES + "A", ALICES[:-1], "../" + ALICES[3:], ALICES[:-1] + "\n"])
async def test_what_is_no_thumbprint_is_refused(house: House, text: str) -> None:
    with pytest.raises(NotValid, match="SHA-256"):
        await minted(house, certificate=text)


async def test_a_claim_that_nobody_knows_is_refused(house: House) -> None:
    token = await minted(house)
    assert (await refusal(house, resigned(house, token.text, {"role": "admin"}))).cause == "token-malformed"


# what the role demands


async def test_a_role_that_demands_single_use_gets_nothing_else(house: House) -> None:
    grant = await house.granted()
    before = await minted(house, grant)
    demands(house, single_use=True)
    assert (await refusal(house, before.text)).cause == "token-not-single-use"
    token = await minted(house, grant)
    assert token.token.once
    await enter(house, token.text)
    assert (await refusal(house, token.text)).cause == "token-used"


async def test_a_role_that_demands_a_certificate(house: House) -> None:
    grant = await house.granted()
    before = await minted(house, grant)
    demands(house, certificate=True)
    error = await refusal(house, before.text, certificate=ALICES)
    assert (error.cause, "--certificate" in error.hint) == ("token-certificate", True)
    with pytest.raises(NotValid, match="certificate"):
        await minted(house, grant)
    await enter(house, (await minted(house, grant, certificate=ALICES)).text, certificate=ALICES)


async def test_a_role_that_demands_a_network(house: House) -> None:
    token = await minted(house, networks=("0.0.0.0/0",))
    demands(house, networks=("10.0.0.0/8",))
    assert (await refusal(house, token.text)).cause == "token-network"
    await enter(house, token.text, client="10.0.0.1:1")


async def test_a_role_that_demands_young_tokens(house: House) -> None:
    grant = await house.granted()
    before = await minted(house, grant)
    demands(house, max_seconds=60)
    token = await minted(house, grant, seconds=300)
    admission = await enter(house, token.text)
    # The door closes after a minute, the session goes on for the five that were asked for.
    assert (admission.ends_at - house.clock.now).total_seconds() == pytest.approx(299.75)
    house.clock.move(seconds=59)
    await enter(house, token.text)
    house.clock.move(seconds=0.75)
    assert (await refusal(house, before.text)).cause == "token-expired"
    assert (await refusal(house, token.text)).cause == "token-expired"


async def test_a_door_that_closes_early_leaves_its_sessions_their_grant(house: House) -> None:
    grant = await house.granted(seconds=600)
    token = await minted(house, grant, enter_seconds=30)
    admission = await enter(house, token.text)
    assert admission.ends_at == admission.grant.ends_at
    house.clock.move(seconds=30)
    assert (await refusal(house, token.text)).cause == "token-expired"


# revoked


async def test_a_revoked_token_opens_nothing_and_its_sessions_end(house: House) -> None:
    house.roles["support"] = replace(house.roles["support"], sessions=50)
    grant = await house.granted()
    one, other = await minted(house, grant), await minted(house, grant)
    admissions = await enter(house, one.text), await enter(house, other.text)
    assert set(await house.access.still_valid([grant], [one.token.id, other.token.id])) == {
        grant,
        one.token.id,
        other.token.id,
    }
    with pytest.raises(NotFound):
        await house.access.tokens.revoke(await house.person("erin"), one.token.id, reason="not hers")
    with pytest.raises(NotPermitted):
        await house.access.tokens.revoke(await house.person("audrey"), one.token.id, reason="only looks")
    with pytest.raises(NotValid, match="mandatory"):
        await house.access.tokens.revoke(await house.person("alice"), one.token.id, reason=" ")
    await house.access.tokens.revoke(await house.person("alice"), one.token.id, reason="pasted into a chat")
    assert house.told == [GrantEnded(grant, "token-revoked", "alice", "pasted into a chat", token=one.token.id)]
    assert [house.told[0].concerns(admission) for admission in admissions] == [True, False]
    assert set(await house.access.still_valid([grant], [one.token.id, other.token.id])) == {grant, other.token.id}
    error = await refusal(house, one.text)
    assert (error.cause, error.sqlstate) == ("token-revoked", "28P01")
    assert "pasted into a chat" in error.message
    await enter(house, other.text)
    with pytest.raises(NotPossible):
        await house.access.tokens.revoke(await house.person("bob"), one.token.id, reason="again")
    listed = await house.access.tokens.tokens(await house.person("bob"), grant)
    assert [(token.id, token.revoked_by) for token in listed if token.revoked_by] == [(one.token.id, "alice")]


# keys


async def test_a_rotated_key_signs_and_the_one_before_is_believed_until_its_tokens_end(house: House) -> None:
    held = house.with_keys("one")
    await house.access.tokens.take_keys()
    grant = await house.granted(seconds=600)
    first = await minted(house, grant)
    await house.add_key(held, "two", signs_in=120)
    # Published before it signs.
    assert [key.id for key in await house.access.tokens.published_keys()] == ["one", "two"]
    between = await minted(house, grant)
    house.clock.move(seconds=120)
    after = await minted(house, grant)
    assert [jwt.get_unverified_header(one.text)["kid"] for one in (first, between, after)] == ["one", "one", "two"]
    for token in (first, between, after):
        house.access.leave(await enter(house, token.text))
    house.clock.move(seconds=480)
    assert [key.id for key in await house.access.tokens.published_keys()] == ["two"]
    await house.access.tokens.take_keys()
    assert (await refusal(house, first.text)).cause == "token-key"
    assert house.recorded().count("key-added") == 2


async def test_a_struck_key_is_out_at_once_with_the_sessions_of_its_tokens(house: House) -> None:
    house.roles["support"] = replace(house.roles["support"], sessions=50)
    held = house.with_keys("one")
    await house.access.tokens.take_keys()
    grant = await house.granted()
    stolen = await minted(house, grant)
    await house.add_key(held, "two", signs_in=0)
    safe = await minted(house, grant)
    admissions = await enter(house, stolen.text), await enter(house, safe.text)
    with pytest.raises(NotPermitted):
        await house.access.tokens.strike(await house.person("alice"), "one", reason="I would like to")
    with pytest.raises(NotFound):
        await house.access.tokens.strike(await house.person("adam"), "none", reason="no such key")
    await house.access.tokens.strike(await house.person("adam"), "one", reason="a backup was lost")
    assert [house.told[-1].concerns(admission) for admission in admissions] == [True, False]
    assert set(await house.access.still_valid([], [stolen.token.id, safe.token.id])) == {safe.token.id}
    assert (await refusal(house, stolen.text)).cause == "token-key"
    await enter(house, safe.text)
    assert [key.id for key in await house.access.tokens.published_keys()] == ["two"]
    with pytest.raises(NotPossible):
        await house.access.tokens.strike(await house.person("adam"), "one", reason="twice")
    struck = [fact for fact in house.facts if fact.what == "key-struck"]
    assert [(fact.by, fact.key, fact.reason) for fact in struck] == [("adam", "one", "a backup was lost")]


async def test_a_gateway_that_has_not_heard_of_it_refuses_a_struck_key_all_the_same(house: House, store: Store) -> None:
    house.with_keys("one")
    await house.access.tokens.take_keys()
    token = await minted(house)
    async with House.open(store) as elsewhere:
        await elsewhere.access.tokens.strike(await elsewhere.person("adam"), "one", reason="known there alone")
    error = await refusal(house, token.text)
    assert (error.cause, error.sqlstate) == ("token-key", "28P01")


async def test_a_key_that_another_gateway_added_is_found_when_its_token_comes(house: House, store: Store) -> None:
    held = house.with_keys("one")
    await house.access.tokens.take_keys()
    async with House.open(store) as elsewhere:
        elsewhere.clock = house.clock
        held_there = elsewhere.with_keys("one")
        held_there["one"] = held["one"]
        await elsewhere.access.tokens.take_keys()
        await elsewhere.add_key(held_there, "two", signs_in=0, hand_over=False)
        await elsewhere.access.tokens.take_keys()
        token = await minted(elsewhere)
    assert jwt.get_unverified_header(token.text)["kid"] == "two"
    house.clock.move(seconds=1)
    await enter(house, token.text)
    assert (await minted(house)).token.key == "one"  # whose private half is not here


async def test_when_the_only_key_is_struck_nobody_mints_until_there_is_another(house: House) -> None:
    held = house.with_keys("one")
    await house.access.tokens.take_keys()
    grant = await house.granted()
    await house.access.tokens.strike(await house.person("adam"), "one", reason="it leaked")
    with pytest.raises(NotPossible, match="no key may sign"):
        await minted(house, grant)
    await house.add_key(held, "two", signs_in=0)
    await enter(house, (await minted(house, grant)).text)


async def test_another_key_under_a_known_id_is_refused(house: House) -> None:
    held = house.with_keys("one")
    await house.access.tokens.take_keys()
    held["one"] = private_key(signing_key())
    with pytest.raises(KeyNotUsable, match="a new id"):
        await house.access.tokens.take_keys()
