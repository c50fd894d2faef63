"""How long checks and lists take over a store of so many grants: `python -m bench.store [GRANTS]`.

200 people, 5 targets, 20 roles; each grant has its request, one decision and one token, and 200 of them are open.
What is timed is what the gateway calls: the one read at the door, and the lists behind the API.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from config.secrets import SecretReference
from config.store import Store
from gateway.access.store import ListFilter
from gateway.demo.certificates import write_private
from gateway.demo.postgres import Cluster
from gateway.storage.access_store import StoredAccess
from gateway.storage.database import Database
from gateway.storage.opening import open_database
from gateway.storage.sqlite import SqliteDatabase
from gateway.storage.times import micros

PEOPLE, TARGETS, ROLES, OPEN, TIMES = 200, 5, 20, 200, 200
NOW = datetime(2026, 6, 1, tzinfo=UTC)


async def fill(database: Database, grants: int) -> None:
    """As if so many had been asked for, one each half hour, and given."""
    now, half_hour, hour = micros(NOW), 1_800_000_000, 3_600_000_000
    number = f"WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {grants})"
    places = f"'person-' || (i % {PEOPLE}), 'target-' || (i % {TARGETS}), 'role-' || (i % {ROLES})"
    asked = f"{now} - ({grants} - i) * {half_hour}"
    began = f"CASE WHEN i >= {grants - OPEN} THEN {now} - {hour} + i ELSE {asked} END"
    ends = f"CASE WHEN i >= {grants - OPEN} THEN {now} + {hour} ELSE {asked} + {hour} END"
    async with database.transaction() as change:
        for person in range(PEOPLE):
            await change.write(
                "INSERT INTO people (name, locked, credential) VALUES (?, 0, ?)",
                [f"person-{person}", random.Random(person).randbytes(32)],
            )
            await change.write(
                'INSERT INTO memberships (person, "group") VALUES (?, ?)', [f"person-{person}", "engineers"]
            )
        await change.write(
            f"""INSERT INTO requests (id, person, target, role, reason, seconds, asked_at, expires_at, state)
                {number} SELECT 'req_' || i, {places}, 'a reason', 3600, {asked}, {asked} + {hour}, 'approved' FROM n"""
        )
        await change.write(
            f"""INSERT INTO decisions (request, version, by, vote, reason, at)
                {number} SELECT 'req_' || i, 1, 'person-' || ((i + 1) % {PEOPLE}), 'approve', '', {asked} FROM n"""
        )
        await change.write(
            f"""INSERT INTO grants (id, request, person, target, role, reason, approvers, starts_at, ends_at, ended_at)
                {number} SELECT 'grant_' || i, 'req_' || i, {places}, 'a reason', '["somebody"]', {began}, {ends},
                CASE WHEN i < {grants - OPEN} THEN {ends} END FROM n"""
        )
        await change.write(
            f"""INSERT INTO tokens (id, "grant", person, issued_at, ends_at)
                {number} SELECT 'tok_' || i, 'grant_' || i, 'person-' || (i % {PEOPLE}), {began}, {ends} FROM n"""
        )
        await change.write("ANALYZE")


async def timed(work: Callable[[int], Awaitable[object]], times: int = TIMES) -> str:
    """Median and 99th percentile, in milliseconds."""
    for number in range(5):
        await work(number)
    taken = []
    for number in range(times):
        began = perf_counter()
        await work(number)
        taken.append((perf_counter() - began) * 1000)
    taken.sort()
    return f"{taken[len(taken) // 2]:8.2f} ms   99 % {taken[len(taken) * 99 // 100]:8.2f} ms"


async def measure(name: str, store: Store, grants: int) -> None:
    """Fill it, ask it, say how long it took."""
    database = await open_database(store)
    try:
        await fill(database, grants)
        if isinstance(database, SqliteDatabase):
            await database.close()
            database = await open_database(store)
        kept, dice = StoredAccess(database), random.Random(4711)
        tokens = [dice.randrange(grants) for _ in range(TIMES)]
        everybody = ListFilter(limit=50)
        mine = ListFilter(person="person-7", roles=frozenset(), limit=50)
        reviewed = ListFilter(person="person-7", roles=frozenset({"role-3", "role-11"}), limit=50)
        print(f"{name}, {grants:,} grants")
        asked: dict[str, Callable[[int], Awaitable[object]]] = {
            "a token at the door": lambda i: kept.at_the_door(f"tok_{tokens[i % TIMES]}"),
            "200 live grants checked again": lambda i: kept.live_grants(
                [f"grant_{grants - 1 - one}" for one in range(OPEN)], NOW
            ),
            "all grants, first 50": lambda i: kept.grants(everybody),
            "all grants that are open, 50": lambda i: kept.grants(replace(everybody, open_at=NOW)),
            "one's own grants, first 50": lambda i: kept.grants(mine),
            "one's own that are open": lambda i: kept.grants(replace(mine, open_at=NOW)),
            "a reviewer's grants, first 50": lambda i: kept.grants(reviewed),
            "all requests, first 50": lambda i: kept.requests(everybody),
            "a reviewer's requests, first 50": lambda i: kept.requests(reviewed),
            "a reviewer's requests that are open": lambda i: kept.requests(replace(reviewed, open_at=NOW)),
            "all grants, 50 from the middle": lambda i: kept.grants(
                replace(everybody, after=(NOW - timedelta(minutes=15 * grants), "grant_"))
            ),
        }
        for what, work in asked.items():
            print(f"  {what:<40}{await timed(work, 100 if 'list' in what else TIMES)}", flush=True)
    finally:
        await database.close()


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, Store]]:
    """A file, and a server that does not wait for its disk: reads are what is timed."""
    password = "of the store's login"
    write_private(folder / "password", password.encode())
    with Cluster() as cluster:
        cluster.create_login("keeper", password)
        cluster.run("CREATE DATABASE store OWNER keeper")
        yield {
            "SQLite": Store(path=folder / "store.sqlite"),
            "PostgreSQL": Store(
                url=f"postgresql://keeper@{cluster.host}:{cluster.port}/store",
                password=SecretReference("file", str(folder / "password")),
                sslrootcert=cluster.ca_file,
            ),
        }


def main() -> None:
    grants = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as folder, stores(Path(folder)) as both:
        for name, store in both.items():
            asyncio.run(measure(name, store, grants))


if __name__ == "__main__":
    main()
