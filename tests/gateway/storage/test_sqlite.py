"""One file: how durable and private it is, and which files are refused."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.access.store import ListFilter, StoreNotUsable, StoreUnavailable
from gateway.storage.access_store import StoredAccess
from gateway.storage.migrate import APPLICATION_ID
from gateway.storage.sqlite import SqliteDatabase
from tests.support.access import START


async def test_it_is_as_durable_and_private_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.db"
    database = await SqliteDatabase.open(path)
    async with database.transaction() as transaction:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert (await transaction.read(f"PRAGMA {pragma}"))[0][0] == value
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(StoreUnavailable):
        await database.read("DELETE FROM people RETURNING name")
    await database.close()


async def test_files_that_are_no_store_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("this is no database" * 100)
    with pytest.raises(StoreNotUsable, match="not a database"):
        await SqliteDatabase.open(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreNotUsable, match="another program"):
        await SqliteDatabase.open(other)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreNotUsable, match="999"):
        await SqliteDatabase.open(newer)
    with pytest.raises(StoreNotUsable, match="cannot be opened"):
        await SqliteDatabase.open(tmp_path)


async def test_a_hundred_thousand_grants_are_no_burden(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "store.db")
    store = StoredAccess(database)
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
