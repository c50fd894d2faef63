"""Statements that take long to judge hold up their own session and no other."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psycopg
import pytest

from tests.support.gateway import Given, RunningGateway

LONG_ONES = {
    "a hundred thousand constants": "SELECT count(*) FROM customers WHERE id IN ("
    + ",".join(str(n) for n in range(100_000))
    + ")",
    "twenty thousand statements": "SELECT 1;" * 20_000,
    "a megabyte of text": "SELECT length('" + "x" * 1_000_000 + "')",
    "many rows": "SELECT count(*) FROM (VALUES " + ",".join(f"({n},{n})" for n in range(30_000)) + ") v",
    "fifteen megabytes of comment": "SELECT 1 /* " + "x" * 15_000_000 + " */",
    "a thousand joins": "SELECT 1 FROM " + ",".join(f"customers c{n}" for n in range(1000)) + " WHERE false",
    "ten thousand masked columns": "SELECT " + ",".join(["email"] * 1600) + " FROM customers LIMIT 1",
    "deep nesting": "SELECT " + "(" * 50_000 + "1" + ")" * 50_000,
    "a deep sum": "SELECT " + "+".join(["1"] * 50_000),
}


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


async def probe(connection: Any, stop: asyncio.Event) -> float:
    """The longest that a small statement took, in seconds."""
    longest = 0.0
    while not stop.is_set():
        began = time.monotonic()
        assert await connection.fetchval("SELECT 1") == 1
        longest = max(longest, time.monotonic() - began)
        await asyncio.sleep(0.002)
    return longest


@pytest.mark.parametrize("name", LONG_ONES)
async def test_another_session_goes_on(gateway: RunningGateway, given: Given, name: str) -> None:
    bystander = await gateway.connect(given)
    busy = await psycopg.AsyncConnection.connect(gateway.conninfo(given), password=given.token, autocommit=True)
    stop = asyncio.Event()
    probing = asyncio.create_task(probe(bystander, stop))
    told = ""
    try:
        await busy.execute(LONG_ONES[name])
    except psycopg.Error as error:
        told = error.sqlstate or ""
    assert told in ("", "54000", "54001")
    stop.set()
    longest = await probing
    print(f"{name}: {longest * 1000:.0f} ms")
    assert longest < 5.0
    assert (await (await busy.execute("SELECT 1")).fetchone()) == (1,)
    await busy.close()
    await bystander.close()
