"""The outbox and its rounds: a real store, a real HTTP server, a clock that is moved."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.notices import Notices
from config.store import Store
from gateway.audit.metrics import Metrics
from gateway.notices.notice import Notice
from gateway.notices.outbox import Outgoing
from gateway.notices.postman import CLAIM, Postman, wait_after
from gateway.storage.outbox import StoredOutbox
from tests.support.access import Clock
from tests.support.databases import opened
from tests.support.receivers import HttpReceiver, http_receiver, until


def notice(number: int, **fields: object) -> Outgoing:
    told = Notice(id=f"ntc_{number}", event="asked", at="2026-11-23T12:00:00Z", title=f"number {number}")
    return Outgoing(told, ("webhook.ops",), str(fields.get("about", number)))


class Post:
    """A postman over a real store."""

    def __init__(self, outbox: StoredOutbox, receiver: HttpReceiver, folder: Path) -> None:
        key = folder / "hook.key"
        key.write_bytes(b"k" * 32)
        key.chmod(0o600)
        table = {"webhook": {"ops": {"url": receiver.url, "secret": f"file:{key}"}}}
        self.outbox = outbox
        self.receiver = receiver
        self.clock = Clock()
        self.metrics = Metrics()
        self.settings = Notices.model_validate(table)
        self.postman = Postman(outbox, self.settings, self.clock, self.metrics)

    async def put(self, *outgoing: Outgoing) -> None:
        await self.outbox.put(outgoing, self.clock())
        self.postman.wake()

    async def settled(self, states: dict[str, str]) -> None:
        """Until each notice, by its title, is in that state."""
        async with asyncio.timeout(20):
            while True:
                found = {one.title: one.state for one in await self.outbox.states(limit=100, undelivered=False)}
                if found == states:
                    return
                await asyncio.sleep(0.02)

    def counted(self, outcome: str) -> float:
        found = self.metrics.registry.get_sample_value(
            "pgcurfew_notices_total", {"sink": "webhook.ops", "outcome": outcome}
        )
        return found or 0.0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.postman.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def post(store: Store, tmp_path: Path) -> AsyncIterator[Post]:
    async with opened(store) as database, http_receiver() as receiver:
        yield Post(StoredOutbox(database), receiver, tmp_path)


async def test_what_is_put_out_arrives_once(post: Post) -> None:
    async with post.running():
        await post.put(*(notice(number) for number in range(5)))
        await post.settled({f"number {number}": "delivered" for number in range(5)})
        await post.put(notice(7, about="3"))
        await asyncio.sleep(0.2)
    assert sorted(one["data"]["title"] for one in post.receiver.said) == [f"number {n}" for n in range(5)]
    assert post.counted("delivered") == 5


async def test_a_failure_is_tried_again_later_under_the_same_name(post: Post) -> None:
    post.receiver.statuses = [500, 503]
    async with post.running():
        await post.put(notice(1))
        await post.receiver.received(1)
        await until(lambda: post.counted("failed") == 1)
        [state] = await post.outbox.states(limit=9, undelivered=True)
        assert (state.state, state.tries, state.error) == ("waiting", 1, "answered 500")
        assert state.next_at == post.clock() + timedelta(seconds=wait_after(1))
        post.clock.move(seconds=wait_after(1))
        await post.receiver.received(2)
        await until(lambda: post.counted("failed") == 2)
        post.clock.move(seconds=wait_after(2))
        await post.settled({"number 1": "delivered"})
    assert len({headers["webhook-id"] for headers in post.receiver.headers}) == 1
    assert len(post.receiver.bodies) == 3


async def test_after_a_day_it_is_given_up_and_can_be_tried_again_by_hand(post: Post) -> None:
    post.receiver.statuses = [500]
    await post.put(notice(1))
    post.clock.move(days=1)
    async with post.running():
        await post.settled({"number 1": "dead"})
        assert post.counted("dead") == 1
        [state] = await post.outbox.states(limit=9, undelivered=True)
        assert await post.outbox.again(state.id, post.clock())
        await post.settled({"number 1": "delivered"})
        assert not await post.outbox.again(state.id, post.clock())


async def test_one_that_is_under_way_is_nobody_elses_until_its_time_is_over(post: Post) -> None:
    """A gateway that died in the middle leaves it unsure, and only then it is sent again."""
    await post.put(notice(1))
    now = post.clock()
    first = await post.outbox.claim("webhook.ops", now=now, until=now + CLAIM)
    assert first is not None
    assert await post.outbox.claim("webhook.ops", now=now, until=now + CLAIM) is None
    assert await post.outbox.claim("webhook.other", now=now, until=now + CLAIM) is None
    later = now + CLAIM
    again = await post.outbox.claim("webhook.ops", now=later, until=later + CLAIM)
    assert again is not None
    assert (again.id, again.tries) == (first.id, 2)


async def test_twenty_who_claim_at_once_get_it_once(post: Post) -> None:
    await post.put(notice(1))
    now = post.clock()
    claims = await asyncio.gather(*(post.outbox.claim("webhook.ops", now=now, until=now + CLAIM) for _ in range(20)))
    assert sum(claim is not None for claim in claims) == 1


async def test_a_stop_in_the_middle_of_a_try_waits_for_its_end(post: Post) -> None:
    post.receiver.open.clear()
    task = asyncio.create_task(post.postman.run())
    await post.put(notice(1))
    await post.receiver.received(1)
    task.cancel()
    await asyncio.sleep(0.1)
    post.receiver.open.set()
    await asyncio.gather(task, return_exceptions=True)
    [state] = await post.outbox.states(limit=9, undelivered=False)
    assert state.state == "delivered"


async def test_other_sinks_do_not_wait_for_one_that_hangs(post: Post) -> None:
    post.receiver.open.clear()
    async with http_receiver() as other:
        key = next(iter(post.settings.webhook.values())).secret
        table = {
            "webhook": {
                "ops": {"url": post.receiver.url, "secret": key},
                "other": {"url": other.url, "secret": key},
            }
        }
        post.postman.renew(Notices.model_validate(table))
        both = [Outgoing(notice(n).notice, ("webhook.ops", "webhook.other"), str(n)) for n in range(3)]
        async with post.running():
            await post.put(*both)
            await other.received(3)
            assert len(post.receiver.bodies) <= 1
            post.receiver.open.set()
            await post.receiver.received(3)


async def test_what_is_old_is_forgotten(post: Post) -> None:
    await post.put(notice(1), notice(2))
    now = post.clock()
    claim = await post.outbox.claim("webhook.ops", now=now, until=now + CLAIM)
    assert claim is not None
    await post.outbox.delivered(claim.id, now)
    long_after = now + timedelta(days=8)
    await post.outbox.forget(delivered_before=long_after, dead_before=long_after)
    assert len(await post.outbox.states(limit=9, undelivered=False)) == 1
    assert await post.outbox.waiting() == {"webhook.ops": 1}


@pytest.mark.parametrize("tries", [1, 2, 5, 50])
def test_waits_grow_and_have_an_end(tries: int) -> None:
    assert wait_after(tries) <= wait_after(tries + 1) <= 3600
    assert datetime.now(UTC) + timedelta(seconds=wait_after(tries)) > datetime.now(UTC)
