"""The store, on both databases: what was acknowledged survives kill -9, and nothing is ever half there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from config.store import Store
from gateway.access import people
from gateway.access.errors import AdmissionRefused, NotValid
from gateway.access.models import AccessRequest, Grant, Person, RequestState
from gateway.access.store import ListFilter, StoreUnavailable
from gateway.audit.facts import AccessChanged
from gateway.storage.access_store import StoredAccess
from gateway.storage.database import Database
from tests.support.access import START, House
from tests.support.databases import opened
from tests.support.store import as_json

WRITER = """
import asyncio, sys
from tests.support.access import House, REASON
from tests.support.store import from_json

async def main():
    async with House.open(from_json(sys.argv[1])) as house:
        alice, bob = await house.person("alice"), await house.person("bob")
        def say(*words):
            print(*words, flush=True)
        while True:
            request = await house.access.ask(alice, target="shop", role="support", reason=REASON, seconds=600)
            say("asked", request.id)
            request = await house.access.approve(bob, request.id)
            say("granted", request.grant)
            minted = await house.access.mint(alice, request.grant)
            say("token", minted.token.id)
            await house.access.revoke(bob, request.grant, reason="that was all")
            say("revoked", request.grant)

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9(store: Store) -> None:
    async with House.open(store) as house:
        await house.populate()
    said: list[list[str]] = []
    chance = random.Random(4711)
    for lines in (1, 4, 7, 10):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, as_json(store), stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
        )
        assert process.stdout is not None
        first = b"".join([await process.stdout.readline() for _ in range(lines)])
        await asyncio.sleep(chance.uniform(0, 0.02))
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
        # A line that was cut in the middle was not acknowledged.
        said += [line.decode().split() for line in (first + rest).splitlines(keepends=True) if line.endswith(b"\n")]
    assert {words[0] for words in said} == {"asked", "granted", "token", "revoked"}
    async with House.open(store) as house:
        for what, name in said:
            if what == "asked":
                assert await house.store.request(name) is not None
            elif what == "granted":
                assert await house.store.grant(name) is not None
            elif what == "token":
                assert await house.store.standing(name) is not None
            else:
                grant = await house.store.grant(name)
                assert grant is not None
                assert grant.revoked_reason == "that was all"
        # Nothing is half there: a request is approved exactly when it has its grant.
        for request in await house.store.requests(ListFilter(limit=100_000)):
            assert (request.state is RequestState.APPROVED) == (request.grant is not None)
    if store.path is not None:
        with contextlib.closing(sqlite3.connect(store.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_a_transaction_that_is_cancelled_anywhere_leaves_nothing_and_blocks_nobody(store: Store) -> None:
    async with opened(store) as database:
        kept = StoredAccess(database)

        async def write(name: str) -> None:
            async with kept.change() as change:
                await change.add_person(Person(name, frozenset({"g"})), os.urandom(32))
                await change.set_locked(name, True)

        for round_ in range(60):
            task = asyncio.create_task(write(f"p{round_}"))
            for _ in range(round_ % 30):
                await asyncio.sleep(0.0001)
            task.cancel()
            done = (await asyncio.gather(task, return_exceptions=True))[0]
            person = await kept.person(f"p{round_}")
            if done is None:
                assert person is not None
            if person is not None:
                assert person == Person(f"p{round_}", frozenset({"g"}), True)
        await write("last")
        assert await kept.person("last") is not None


async def test_readers_see_only_what_is_committed(store: Store) -> None:
    async with opened(store) as database:
        kept = StoredAccess(database)
        async with kept.change() as change:
            await change.add_person(Person("ann", frozenset()), os.urandom(32))
            assert await change.person("ann") is not None
            assert await kept.person("ann") is None
        assert await kept.person("ann") is not None
        with contextlib.suppress(RuntimeError):
            async with kept.change() as change:
                await change.set_locked("ann", True)
                raise RuntimeError
        found = await kept.person("ann")
        assert found is not None
        assert not found.locked


async def test_another_process_may_write_in_between(store: Store) -> None:
    async with opened(store) as first, opened(store) as second:

        async def add(database: Database, prefix: str) -> None:
            for number in range(20):
                async with StoredAccess(database).change() as change:
                    await change.add_person(Person(f"{prefix}{number}", frozenset()), os.urandom(32))

        await asyncio.gather(add(first, "a"), add(second, "b"))
        assert len(await StoredAccess(first).people()) == 40


HOSTILE = ["'; DROP TABLE grants; --", '"quoted"', "a\\'b", "%_", "𝕌nicode ☃", '["x"]', "a,b", "NULL"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_texts_come_back_as_they_went_in(store: Store, text: str) -> None:
    async with opened(store) as database:
        kept = StoredAccess(database)
        later = START + timedelta(hours=1)
        request = AccessRequest("req_1", text, text, text, text, 60, START, later)
        grant = Grant("grant_1", "req_1", text, text, text, text, (text, "b"), START, later)
        async with kept.change() as change:
            assert await change.add_person(Person(text, frozenset({text, "x"})), b"x" * 32)
            await change.add_request(request)
            assert await change.add_grant(grant)
            assert not await change.add_grant(grant)
            assert await change.revoke_grant("grant_1", at=START, by=text, reason=text)
        assert await kept.person(text) == Person(text, frozenset({text, "x"}))
        assert await kept.requests(ListFilter(person=text, target=text)) == (replace(request, grant="grant_1"),)
        assert [one.revoked_reason for one in await kept.grants(ListFilter(roles=frozenset({text})))] == [text]


async def test_the_handed_over_facts_are_json(store: Store) -> None:
    """`pgcurfew user` hands over; another version of the gateway may be running."""
    async with opened(store) as database:
        kept = StoredAccess(database)
        async with kept.change() as change:
            fact = await people.add(
                change, by="host:root", name="ann", groups=[], credential=people.credential_of(b"x" * 32)
            )
            await change.hand_over(fact)
        assert [waiting for _, waiting in await kept.handed_over()] == [fact]
        rows = await database.read("SELECT fact FROM handed_over")
        assert json.loads(rows[0]["fact"])["type"] == AccessChanged.__name__


async def test_a_store_that_cannot_be_used_lets_nobody_in(store: Store) -> None:
    """The file loses its tables under a running gateway: refused in words, and nothing else breaks."""
    async with House.open(store) as house:
        await house.populate()
        text = await house.token()
        async with house.database.transaction() as transaction:
            await transaction.write("ALTER TABLE tokens RENAME TO gone")
        with pytest.raises(AdmissionRefused) as caught:
            await house.access.admit(text, user="alice", database="shop", client="x")
        assert (caught.value.cause, caught.value.sqlstate) == ("unavailable", "57P03")
        with pytest.raises(StoreUnavailable):
            await house.access.mint(await house.person("alice"), await house.granted())
        async with house.database.transaction() as transaction:
            await transaction.write("ALTER TABLE gone RENAME TO tokens")
        await house.access.admit(text, user="alice", database="shop", client="x")


async def test_lists_go_on_behind_the_last_one_seen(store: Store) -> None:
    async with House.open(store) as house:
        await house.populate()
        alice = await house.person("alice")
        given = []
        for number in range(7):
            # Two of them at one moment: the id decides then.
            house.clock.move(seconds=number % 2)
            given.append(await house.granted())
        pages = []
        last = None
        while page := await house.access.grants(alice, limit=3, after=last):
            pages.append([grant.id for grant in page])
            last = page[-1].id
        assert [len(page) for page in pages] == [3, 3, 1]
        seen = [grant for page in pages for grant in page]
        assert sorted(seen) == sorted(given)
        assert seen == [grant.id for grant in await house.access.grants(alice)]
        asked = await house.access.requests(alice, open_only=False, limit=2)
        more = await house.access.requests(alice, open_only=False, after=asked[-1].id)
        assert len(more) == 5
        assert not {request.id for request in asked} & {request.id for request in more}
        with pytest.raises(NotValid):
            await house.access.grants(await house.person("mallory"), after=last)


async def _until_full(house: House, held: str) -> str:
    """The last grant that was given."""
    for _ in range(500):
        try:
            held = await house.granted()
        except StoreUnavailable:
            return held
    raise AssertionError("the disk was never full")


async def test_a_disk_that_is_full_loses_nothing_and_is_used_again(tmp_path: Path) -> None:
    """SQLite's own limit on pages answers as a full disk does: SQLITE_FULL."""
    async with House.open(tmp_path / "store.db") as house:
        await house.populate()
        held = await house.granted()
        pages = (await house.database.read("PRAGMA page_count"))[0][0]
        async with house.database.transaction() as transaction:
            await transaction.read(f"PRAGMA max_page_count = {pages + 1}")
        held = await _until_full(house, held)
        before = await house.everything()
        held = await _until_full(house, held)
        revoked = await house.access.revoke(await house.person("bob"), held, reason="the disk is full")
        assert revoked.revoked_reason == "the disk is full"
        async with house.database.transaction() as transaction:
            await transaction.read("PRAGMA max_page_count = 1000000")
        assert await house.store.grant(await house.granted()) is not None
        assert len(await house.everything()) > len(before)
        for request in await house.store.requests(ListFilter(limit=100_000)):
            assert (request.state is RequestState.APPROVED) == (request.grant is not None)
