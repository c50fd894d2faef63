"""kill -9 at every moment of every change: what was acknowledged is there, what is there is whole and recorded, and
life goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.access.errors import AdmissionRefused
from gateway.access.models import RequestState
from gateway.access.store import ListFilter
from gateway.demo.certificates import signing_key
from tests.support.access import ROLES, House
from tests.support.crashing import signer_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a place for each moment at which the story was cut off; the last one was not."""
    folder = tmp_path_factory.mktemp("crashes")
    key = folder / "key.pem"
    key.write_bytes(signing_key())

    async def populate() -> None:
        async with House.open(folder / "prepared.db") as house:
            await house.populate()

    asyncio.run(populate())
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.crashing", str(folder / "prepared.db"), str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def places(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.is_dir())


def acknowledged(place: Path) -> list[list[str]]:
    said = place / "said"
    return [json.loads(line) for line in said.read_text().splitlines()] if said.exists() else []


def recorded(place: Path) -> set[tuple[str, str]]:
    """What was done to which thing, by the record; a last line that was cut in the middle is none."""
    found = set()
    for path in place.glob("record/control/*/*/*/*.jsonl"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            event: dict[str, Any] = json.loads(line)["event"]
            if event.get("type") == "AccessChanged":
                for name in ("request", "grant", "token", "key", "person"):
                    found.add((event["what"], event.get(name, "")))
    return found


def test_the_story_has_many_moments_and_comes_to_its_end(crashed: Path) -> None:
    everything = places(crashed)
    assert len(everything) > 60
    assert acknowledged(everything[-1])[-1][0] == "ended"
    assert acknowledged(everything[0]) == []


async def nothing_is_half_there(house: House, place: Path) -> None:
    for request in await house.store.requests(ListFilter(limit=1000)):
        assert (request.state is RequestState.APPROVED) == (request.grant is not None), place.name
        approvals = set(request.approvers)
        if request.state is RequestState.APPROVED:
            assert len(approvals) >= ROLES[request.role].approvals, place.name
        assert request.person not in approvals
    for grant in await house.store.grants(ListFilter(limit=1000)):
        assert len(set(grant.approvers) - {grant.person}) >= ROLES[grant.role].approvals, place.name


async def what_was_acknowledged_is_there(house: House, place: Path) -> None:
    store = house.store
    keys = {key.id: key for key in await store.signing_keys()}
    for what, name, *_ in acknowledged(place):
        match what:
            case "asked" | "edited" | "approved once" | "denied" | "cancelled":
                request = await store.request(name)
                assert request is not None
                assert what not in ("denied", "cancelled") or request.state.value == what
                assert what != "approved once" or request.approvers
                assert what != "edited" or request.reason.endswith("again")
            case "granted" | "extended" | "done" | "revoked" | "ended":
                grant = await store.grant(name)
                assert grant is not None
                assert what != "extended" or grant.ends_at - grant.starts_at == timedelta(seconds=1200)
                assert what not in ("done", "ended") or grant.ended_at is not None
                assert what != "revoked" or grant.revoked_by == "bob"
            case "minted" | "minted once" | "used" | "revoked token":
                token = await store.token(name)
                assert token is not None
                assert what != "used" or token.used_at is not None
                assert what != "revoked token" or token.revoked_by == "alice"
            case "added key":
                assert name in keys
            case "struck key":
                assert keys[name].struck_by == "adam"
            case "locked":
                assert (await house.person(name)).locked
            case _:
                raise AssertionError(what)


async def what_is_there_is_recorded(house: House, place: Path) -> None:
    told = recorded(place)
    waiting = {(fact.what, fact.key) for _, fact in await house.store.handed_over()}
    for request in await house.store.requests(ListFilter(limit=1000)):
        asked = "extension-requested" if "longer" in request.reason else "requested"
        assert (asked, request.id) in told, place.name
        for vote in request.decisions:
            word = "approved" if vote.vote == "approve" else "denied"
            assert (word, request.id) in told, place.name
    for grant in await house.store.grants(ListFilter(limit=1000)):
        assert ("granted", grant.id) in told, place.name
        assert grant.revoked_by is None or ("revoked", grant.id) in told, place.name
        for token in await house.store.tokens_of(grant.id):
            assert ("token-minted", token.id) in told, place.name
            assert token.used_at is None or ("token-used", token.id) in told, place.name
            assert token.revoked_at is None or ("token-revoked", token.id) in told, place.name
    for key in await house.store.signing_keys():
        assert {("key-added", key.id)} & (told | waiting), place.name
        assert key.struck_at is None or ("key-struck", key.id) in told, place.name
    assert not (await house.person("erin")).locked or ("person-locked", "erin") in told, place.name


async def a_single_use_token_never_opens_two_sessions_and_life_goes_on(house: House, place: Path) -> None:
    key = (place.parent / "key.pem").read_bytes()
    said = acknowledged(place)
    house.access.tokens.renew(signer_of(key))
    words = {one[0] for one in said}
    for _, name, text in (one for one in said if one[0] in ("minted", "minted once")):
        before = await house.store.standing(name)
        assert before is not None
        over = before.token.used_at or before.token.revoked_at or before.grant.revoked_at
        try:
            await house.access.admit(text, user="alice", database="shop", client="127.0.0.1:1")
        except AdmissionRefused:
            assert over, place.name
        else:
            assert not over, place.name
            assert not (before.token.once and "used" in words), place.name
    # Nothing is locked for ever: the whole way is open to somebody else.
    grant = await house.granted("alice", target="archive", by="carol")
    await house.access.mint(await house.person("alice"), grant)
    house.clock.move(days=1)
    await house.access.tidy()
    assert not [one for one in await house.store.grants(ListFilter(limit=1000)) if one.ended_at is None
                and one.revoked_at is None]  # fmt: skip


#: In this order: the last one goes on with the store.
CHECKS = (
    nothing_is_half_there,
    what_was_acknowledged_is_there,
    what_is_there_is_recorded,
    a_single_use_token_never_opens_two_sessions_and_life_goes_on,
)


def test_at_every_moment(crashed: Path) -> None:
    async def look(place: Path) -> None:
        async with House.open(place / "store.db") as house:
            for check in CHECKS:
                await check(house, place)

    async def look_at_all() -> None:
        for place in places(crashed):
            with contextlib.closing(sqlite3.connect(place / "store.db")) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            await look(place)

    asyncio.run(look_at_all())
