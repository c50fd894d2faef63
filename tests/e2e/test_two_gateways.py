"""Two gateways on one PostgreSQL store: what is revoked through one ends at the other within a second."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.demo.stage import Stage, running
from tests.support.gateway import RunningGateway
from tests.support.postgres import SampleDatabase
from tests.support.store import as_section, postgres_store


@pytest.fixture
def pair(sample_database: SampleDatabase, tmp_path: Path) -> Iterator[tuple[RunningGateway, RunningGateway]]:
    """The second has the first one's keys and people, and a record of its own."""
    section = as_section(postgres_store(sample_database.postgres, tmp_path)).partition("\n")[2]
    stages = []
    for name in ("one", "two"):
        stage = Stage(tmp_path / name, sample_database.postgres.cluster)
        stage.prepare(sample_database.gateway.password)
        stage.settings.write_text(stage.settings.read_text().replace('path = "store.sqlite"\n', section))
        stages.append(stage)
    one, two = stages
    shutil.copytree(one.folder / "keys", two.folder / "keys", dirs_exist_ok=True)
    with running(one):
        two.gateway.start()
        try:
            yield RunningGateway(one, sample_database), RunningGateway(two, sample_database)
        finally:
            two.gateway.stop()


async def test_revoked_through_one_ended_at_the_other(pair: tuple[RunningGateway, RunningGateway]) -> None:
    one, two = pair
    given = await asyncio.to_thread(one.give)
    session = await two.connect(given)
    query = asyncio.create_task(session.fetchval("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await asyncio.to_thread(one.revoke, given, reason="found what was looked for")
    with pytest.raises(Exception, match="terminating connection: grant"):
        await query
    assert time.monotonic() - began < 2.0  # the curfew's second, and the one that the command itself may take
    with pytest.raises(Exception, match="revoked"):
        await two.connect(given)
