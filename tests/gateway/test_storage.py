"""The store: what was acknowledged survives kill -9; migrations apply once, in order, whole."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.access.models import AccessRequest, Grant, Person, RequestState
from gateway.access.store import ListFilter, StoreNotUsable, StoreUnavailable
from gateway.storage.access_store import SqliteAccessStore
from gateway.storage.database import Database
from gateway.storage.migrate import APPLICATION_ID, Migration, migrate, migrations, statements
from tests.support.access import START

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.support.access import House, REASON

async def main():
    async with House.open(Path(sys.argv[1])) as house:
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


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    from tests.support.access import House

    path = tmp_path / "store.db"
    async with House.open(path) as house:
        await house.populate()
    said: list[list[str]] = []
    chance = random.Random(4711)
    for _ in range(8):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert process.stdout is not None
        first = await process.stdout.readline()
        await asyncio.sleep(chance.uniform(0, 0.05))
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
        # A line that was cut in the middle was not acknowledged.
        said += [line.decode().split() for line in (first + rest).splitlines(keepends=True) if line.endswith(b"\n")]
    assert {words[0] for words in said} == {"asked", "granted", "token", "revoked"}
    async with House.open(path) as house:
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
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


async def test_a_transaction_that_is_cancelled_anywhere_leaves_nothing_and_blocks_nobody(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "store.db")
    store = SqliteAccessStore(database)

    async def write(name: str) -> None:
        async with store.change() as change:
            await change.add_person(Person(name, frozenset({"g"})), os.urandom(32))
            await change.set_locked(name, True)

    for round_ in range(60):
        task = asyncio.create_task(write(f"p{round_}"))
        for _ in range(round_ % 30):
            await asyncio.sleep(0.0001)
        task.cancel()
        done = (await asyncio.gather(task, return_exceptions=True))[0]
        person = await store.person(f"p{round_}")
        if done is None:
            assert person is not None
        if person is not None:
            assert person == Person(f"p{round_}", frozenset({"g"}), True)
    await write("last")
    assert await store.person("last") is not None
    await database.close()


async def test_readers_see_only_what_is_committed(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "store.db")
    store = SqliteAccessStore(database)
    async with store.change() as change:
        await change.add_person(Person("ann", frozenset()), os.urandom(32))
        assert await change.person("ann") is not None
        assert await store.person("ann") is None
    assert await store.person("ann") is not None
    with contextlib.suppress(RuntimeError):
        async with store.change() as change:
            await change.set_locked("ann", True)
            raise RuntimeError
    found = await store.person("ann")
    assert found is not None
    assert not found.locked
    await database.close()


async def test_it_is_as_durable_and_private_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.db"
    database = await Database.open(path)
    async with database.transaction() as transaction:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert (await transaction.read(f"PRAGMA {pragma}"))[0][0] == value
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(StoreUnavailable):
        await database.read("DELETE FROM people RETURNING name")
    await database.close()


async def test_another_process_may_write_in_between(tmp_path: Path) -> None:
    first = await Database.open(tmp_path / "store.db")
    second = await Database.open(tmp_path / "store.db")

    async def add(database: Database, prefix: str) -> None:
        for number in range(20):
            async with SqliteAccessStore(database).change() as change:
                await change.add_person(Person(f"{prefix}{number}", frozenset()), os.urandom(32))

    await asyncio.gather(add(first, "a"), add(second, "b"))
    assert len(await SqliteAccessStore(first).people()) == 40
    await first.close()
    await second.close()


def test_a_script_falls_into_its_statements() -> None:
    script = "-- one; two\nCREATE TABLE t (a TEXT DEFAULT ';');\n"
    script += "CREATE TRIGGER x BEFORE INSERT ON t\nBEGIN\nSELECT 1;\nEND;\n"
    assert len(list(statements(script))) == 2
    with pytest.raises(StoreNotUsable):
        list(statements("CREATE TABLE t (a"))


def test_migrations_apply_in_order_once_and_whole(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    one = Migration(1, "0001_a.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);")
    two = Migration(2, "0002_b.sql", "ALTER TABLE a ADD COLUMN y;")
    bad = Migration(2, "0002_b.sql", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);")
    assert migrate(connection, (one,)) == 1
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (one, bad))
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'b'").fetchone() == (0,)
    assert migrate(connection, (one, two)) == 2
    assert migrate(connection, (one, two)) == 2
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, None)]
    with pytest.raises(StoreNotUsable, match="newer"):
        migrate(connection, (one,))
    connection.close()


def test_the_migrations_of_this_version_are_numbered_without_a_gap() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


async def test_files_that_are_no_store_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("this is no database" * 100)
    with pytest.raises(StoreNotUsable, match="not a database"):
        await Database.open(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreNotUsable, match="another program"):
        await Database.open(other)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreNotUsable, match="999"):
        await Database.open(newer)
    with pytest.raises(StoreNotUsable, match="cannot be opened"):
        await Database.open(tmp_path)


HOSTILE = ["'; DROP TABLE grants; --", '"quoted"', "a\\'b", "%_", "𝕌nicode ☃", '["x"]', "a,b", "NULL"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_texts_come_back_as_they_went_in(tmp_path: Path, text: str) -> None:
    database = await Database.open(tmp_path / "store.db")
    store = SqliteAccessStore(database)
    later = START + timedelta(hours=1)
    request = AccessRequest("req_1", text, text, text, text, 60, START, later)
    grant = Grant("grant_1", "req_1", text, text, text, text, (text, "b"), START, later)
    async with store.change() as change:
        assert await change.add_person(Person(text, frozenset({text, "x"})), b"x" * 32)
        await change.add_request(request)
        assert await change.add_grant(grant)
        assert not await change.add_grant(grant)
        assert await change.revoke_grant("grant_1", at=START, by=text, reason=text)
    assert await store.person(text) == Person(text, frozenset({text, "x"}))
    assert await store.requests(ListFilter(person=text, target=text)) == (_with_grant(request),)
    assert [one.revoked_reason for one in await store.grants(ListFilter(roles=frozenset({text})))] == [text]
    await database.close()


def _with_grant(request: AccessRequest) -> AccessRequest:
    from dataclasses import replace

    return replace(request, grant="grant_1")


async def test_a_hundred_thousand_grants_are_no_burden(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "store.db")
    store = SqliteAccessStore(database)
    micros = int(START.timestamp() * 1_000_000)
    async with database.transaction() as transaction:
        await transaction.write("INSERT INTO people (name, locked, credential) VALUES ('ann', 0, ?)", [b"a" * 32])
        numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        await transaction.write(
            f"{numbers} INSERT INTO requests (id, person, target, role, reason, seconds, asked_at, expires_at, state) "
            f"SELECT 'req_' || i, 'ann', 'shop', 'role' || i % 7, 'why', 60, "
            f"{micros} + i, {micros} + i + 1, 'approved' FROM n"
        )
        await transaction.write(
            f"""{numbers} INSERT INTO grants (id, request, person, target, role, reason, approvers, starts_at, ends_at)
            SELECT 'grant_' || i, 'req_' || i, 'ann', 'shop', 'role' || i % 7, 'why', '["bob"]', {micros} + i,
            {micros} + i * 1000 FROM n"""
        )
        await transaction.write(
            f"""{numbers} INSERT INTO tokens (id, "grant", person, issued_at, ends_at)
            SELECT 'tok_' || i, 'grant_' || i, 'ann', 1, 2 FROM n WHERE i % 10 = 0"""
        )
    for number in range(10, 1000, 10):
        assert await store.standing(f"tok_{number}") is not None
    assert len(await store.grants(ListFilter(person="ann", roles=frozenset({"role1"})))) == 200
    assert len(await store.requests(ListFilter())) == 200
    assert len(await store.live_grants([f"grant_{n}" for n in range(99_000, 100_000)], START)) >= 0
    await database.close()


def test_the_handed_over_facts_are_json(tmp_path: Path) -> None:
    """`pgcurfew user` hands over; another version of the gateway may be running."""
    from gateway.access import people
    from gateway.audit.facts import AccessChanged

    async def hand_over() -> None:
        database = await Database.open(tmp_path / "store.db")
        store = SqliteAccessStore(database)
        async with store.change() as change:
            fact = await people.add(
                change, by="host:root", name="ann", groups=[], credential=people.credential_of(b"x" * 32)
            )
            await change.hand_over(fact)
        assert [waiting for _, waiting in await store.handed_over()] == [fact]
        rows = await database.read("SELECT fact FROM handed_over")
        assert json.loads(rows[0]["fact"])["type"] == AccessChanged.__name__
        await database.close()

    asyncio.run(hand_over())


async def test_a_store_that_cannot_be_used_lets_nobody_in(tmp_path: Path) -> None:
    """The file loses its tables under a running gateway: refused in words, and nothing else breaks."""
    from gateway.access.errors import AdmissionRefused
    from tests.support.access import House

    async with House.open(tmp_path / "store.db") as house:
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
