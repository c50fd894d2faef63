"""pgcurfew notices, as an administrator and as somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.test_cli import Shell
from tests.support.access import House, serving


@pytest.fixture
async def shells(tmp_path: Path) -> AsyncIterator[tuple[House, Shell, Shell]]:
    """A house, its administrator, and an engineer."""
    async with House.open(tmp_path / "store.db") as house:
        house.clock.now = datetime.now(UTC)
        await house.populate({"ada": {"admins"}, "alice": {"engineers"}})
        async with serving(house, tmp_path) as served:
            ada, alice = Shell(served, "ada", tmp_path), Shell(served, "alice", tmp_path)
            for one in (ada, alice):
                assert (await one.login()).code == 0
            yield house, ada, alice


async def test_notices_are_looked_after(shells: tuple[House, Shell, Shell]) -> None:
    house, ada, alice = shells
    assert "no notices" in await ada.done("notices", "list")
    await ada.done("notices", "test", "webhook.ops")
    waiting: Any = (await ada.run("notices", "list", "--undelivered", "--json")).json()
    assert [(one["sink"], one["state"], one["title"]) for one in waiting] == [
        ("webhook.ops", "waiting", "ada tries out whether notices arrive")
    ]
    [name] = [one["id"] for one in waiting]
    refused = await ada.run("notices", "retry", name)
    assert (refused.code, "no such notice that was given up" in refused.err) == (1, True)
    now = house.clock()
    assert await house.outbox.claim("webhook.ops", now=now, until=now + timedelta(minutes=1))
    await house.outbox.gave_up(name, at=now, error="answered 500")
    listed = await ada.done("notices", "list")
    assert "dead" in listed
    assert "answered 500" in listed
    await ada.done("notices", "retry", name)
    unknown = await ada.run("notices", "test", "slack.nobody")
    assert (unknown.code, "its sinks: webhook.ops" in unknown.err) == (1, True)
    for command in (("list",), ("retry", name), ("test", "webhook.ops")):
        no = await alice.run("notices", *command)
        assert (no.code, "only administrators" in no.err) == (1, True)
