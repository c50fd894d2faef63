"""How many sessions one person and one target may have, and how fast a person may connect."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

LIMITS = {"limits": "sessions_per_person = 3\nconnects_per_minute = 12", "targets.bench": "sessions = 2"}


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two workers"])
def crowded(
    request: pytest.FixtureRequest, sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    settings = {**LIMITS, "gateway": f"workers = {request.param}"}
    with running_gateway(sample_database, tmp_path_factory.mktemp("crowd"), settings=settings) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def sessions(gateway: RunningGateway, *given: Given) -> AsyncIterator[list[Any]]:
    opened = [await gateway.connect(one) for one in given]
    try:
        yield opened
    finally:
        for session in opened:
            await session.close()


async def test_so_many_of_one_person_on_a_target_and_in_a_minute(crowded: RunningGateway) -> None:
    shop = await asyncio.to_thread(crowded.give)
    bench = await asyncio.to_thread(crowded.give, "bench", target="bench")
    async with sessions(crowded, bench, bench):
        with pytest.raises(asyncpg.TooManyConnectionsError, match='"bench" has 2 sessions through this gateway') as no:
            await crowded.connect(bench)
        assert "when others have left" in str(no.value.hint)
        async with sessions(crowded, shop):
            with pytest.raises(asyncpg.TooManyConnectionsError, match="alice has 3 sessions open") as no:
                await crowded.connect(shop)
            assert "pool" in str(no.value.hint)
    begun, refused = 3, None
    while refused is None:
        try:
            async with sessions(crowded, shop):
                begun += 1
        except asyncpg.TooManyConnectionsError as error:
            if "sessions open" in str(error):
                await asyncio.sleep(0.05)  # those of a moment ago are just leaving
                continue
            refused = error
    assert "12 sessions within a minute" in str(refused)
    assert "use them again" in str(refused.hint)
    assert begun == 12
