"""Each kind of alert rule, set off by a real session (or at a real door) and heard of by a real HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from config.alerts import DAYS
from gateway.alerts.usual import DayUse
from gateway.cli.output import Stopped
from gateway.storage.usage import StoredUsage
from tests.support.databases import opened
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.receivers import HttpReceiver, http_receiver, until

#: Not today, wherever on earth.
OTHER_DAY = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
RULES = f"""
[alerts.refusals]
when = "refused"
count = 3
within = "10m"
[alerts.much]
when = "rows"
count = 500
within = "1h"
roles = ["bench"]
[alerts.heavy]
when = "bytes"
count = 20_000
within = "1h"
roles = ["bench"]
[alerts.more-than-usual]
when = "rows"
times_usual = 3.0
[alerts.odd]
when = "unusual"
score = 15
[alerts.fresh]
when = "new-relation"
relations = ["public.customers"]
[alerts.late]
when = "outside-hours"
hours = ["{OTHER_DAY} 08:00-18:00"]
[alerts.elsewhere]
when = "new-network"
[alerts.lock]
when = "second-lock"
severity = "critical"
[alerts.reuse]
when = "token-reuse"
count = 2
within = "1h"
[alerts.guessing]
when = "failed-sign-ins"
count = 3
within = "1h"
[alerts.unfinished]
when = "ending-in-transaction"
[alerts.searching]
when = "lookups"
count = 2
within = "1h"
roles = ["finder"]

[roles.finder]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read"]
[roles.finder.relations]
"public.reminders" = "read"
[classification."public.reminders"]
id = "clear"
email = {{ mask = "partial", style = "email", lookup = true }}
note = "null"
"""
TABLE = """
DROP TABLE IF EXISTS public.reminders;
CREATE TABLE public.reminders (id int PRIMARY KEY, email text, note text);
INSERT INTO public.reminders SELECT n, 'u' || n || '@shop.example', 'raw' FROM generate_series(1, 5) n;
GRANT SELECT ON public.reminders TO pgcurfew_gateway
"""
SWAP = """
ALTER TABLE public.reminders RENAME id TO x;
ALTER TABLE public.reminders RENAME note TO id;
ALTER TABLE public.reminders RENAME x TO note
"""


def sink(hook: HttpReceiver) -> str:
    return f'\n[notices.webhook.ops]\nurl = "{hook.url}"\nsecret = "env:HOOK_KEY"\nevents = ["alert"]\n'


class Watched:
    """A gateway with rules, and who hears of them."""

    def __init__(self, gateway: RunningGateway, hook: HttpReceiver) -> None:
        self.gateway = gateway
        self.hook = hook

    def heard(self, rule: str) -> list[dict[str, Any]]:
        return [one["data"] for one in self.hook.said if one["data"]["details"]["rule"] == rule]

    async def hears(self, rule: str) -> dict[str, Any]:
        await until(lambda: bool(self.heard(rule)))
        return self.heard(rule)[0]

    async def give(self, *arguments: Any, **options: Any) -> Any:
        return await asyncio.to_thread(self.gateway.give, *arguments, **options)

    @contextlib.asynccontextmanager
    async def session(self, *arguments: Any, **options: Any) -> AsyncIterator[asyncpg.Connection]:
        session = await self.gateway.connect(await self.give(*arguments, **options))
        try:
            yield session
        finally:
            with contextlib.suppress(Exception):
                await session.close()


@contextlib.asynccontextmanager
async def watched(
    database: SampleDatabase,
    folder: Path,
    rules: str,
    *,
    settings: dict[str, str] | None = None,
    prepare: Callable[[RunningGateway], Any] | None = None,
) -> AsyncIterator[Watched]:
    async with http_receiver() as hook:
        with contextlib.ExitStack() as stack:
            gateway = stack.enter_context(
                running_gateway(database, folder, policy=rules, targets=sink(hook), settings=settings or {})
            )
            if prepare is not None:
                gateway.stop()
                await prepare(gateway)
                gateway.start()
            yield Watched(gateway, hook)


async def ten_days_of_alice(gateway: RunningGateway) -> None:
    """Alice reads ten orders a day."""
    today = datetime.now(UTC).date()
    use = DayUse(statements=5, rows=10, bytes=1000, hours=2**24 - 1, kinds={"select": 5}, relations={"sales.orders": 5})
    async with opened(gateway.stage.folder / "store.sqlite") as store:
        await StoredUsage(store).write(
            [("alice", "support", today - timedelta(days=n), use) for n in range(1, 11)],
            [("alice", "198.51.100.0/24", datetime.now(UTC))],
        )


@pytest.fixture(scope="module")
async def watching(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    sample_database.run(TABLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_KEY", "k" * 32)
        slow = {"targets.shop": "catalog_refresh_seconds = 3600"}
        folder = tmp_path_factory.mktemp("alerts")
        async with watched(sample_database, folder, RULES, settings=slow, prepare=ten_days_of_alice) as found:
            yield found
    sample_database.run("DROP TABLE public.reminders")


async def test_coming_from_elsewhere_on_another_day(watching: Watched) -> None:
    async with watching.session() as session:
        await session.fetch("SELECT 1")
    late = await watching.hears("late")
    assert late["title"].startswith("alice connected on ")
    assert late["next"] == f"pgcurfew replay {late['details']['session']}"
    assert "for the first time" in (await watching.hears("elsewhere"))["title"]


async def test_refused_again_and_again(watching: Watched) -> None:
    async with watching.session() as session:
        for _ in range(2):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute("DELETE FROM customers WHERE city = 'Xyzzy'")
        await asyncio.sleep(0.3)
        assert not watching.heard("refusals")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("DELETE FROM customers WHERE city = 'Xyzzy'")
    told = await watching.hears("refusals")
    assert told["title"] == "alice had 3 statements refused within 0:10:00"
    assert (told["person"], told["role"], told["target"]) == ("alice", "support", "shop")
    assert "Xyzzy" not in str(told), "nothing of a statement's text"


async def test_many_rows_and_bytes(watching: Watched) -> None:
    async with watching.session("bench", target="bench") as session:
        await session.fetch("SELECT * FROM pgbench_accounts LIMIT 600")
    assert "600 rows" in (await watching.hears("much"))["title"]
    assert "bytes" in (await watching.hears("heavy"))["title"]


async def test_what_is_not_usual_for_that_person(watching: Watched) -> None:
    async with watching.session() as session:
        await session.fetch("SELECT * FROM customers LIMIT 400")
    assert (await watching.hears("fresh"))["details"]["relation"] == "public.customers"
    assert "10 on a usual day" in (await watching.hears("more-than-usual"))["title"]
    assert "new relations" in (await watching.hears("odd"))["title"]


async def test_looking_up_many_values(watching: Watched) -> None:
    async with watching.session("finder") as session:
        for number in (1, 2):
            await session.fetch("SELECT id FROM reminders WHERE email = $1", f"u{number}@shop.example")
    assert (await watching.hears("searching"))["title"] == "alice looked up 2 values within 1:00:00"


async def test_the_second_lock(watching: Watched) -> None:
    async with watching.session("finder") as session:
        await session.fetch("SELECT id FROM reminders")
        watching.gateway.directly(SWAP)
        with pytest.raises(Exception):  # noqa: B017 -- the session ends, however the client words it
            await session.fetch("SELECT id FROM reminders WHERE true")
    told = await watching.hears("lock")
    assert told["severity"] == "critical"


async def test_a_token_after_its_grant_was_revoked(watching: Watched) -> None:
    given = await watching.give()
    await asyncio.to_thread(watching.gateway.revoke, given)
    for _ in range(2):
        with pytest.raises(asyncpg.PostgresError):
            await watching.gateway.connect(given)
    told = await watching.hears("reuse")
    assert told["person"] == "alice"
    assert told["details"]["cause"] == "grant-revoked"


async def test_guessing_at_the_api(watching: Watched) -> None:
    with watching.gateway.api("alice") as client:
        api = client.profile.api
    async with httpx.AsyncClient(verify=watching.gateway.tls) as stranger:
        for _ in range(3):
            answer = await stranger.get(f"{api}/v1/whoami", headers={"Authorization": "Bearer pgc_wrong"})
            assert answer.status_code == 401
    told = await watching.hears("guessing")
    assert told["title"] == "3 sign-ins from 127.0.0.1 failed within 1:00:00"


async def test_a_grant_that_ends_with_a_transaction_open(watching: Watched) -> None:
    async with watching.session(seconds=6) as session:
        await session.execute("BEGIN")
        told = await watching.hears("unfinished")
    assert "with a transaction open" in told["title"]


#: How a client words it that its session was ended.
ENDED = (asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError, OSError)
ACTING = """
[alerts.out]
when = "refused"
count = 1
within = "10m"
roles = ["support"]
action = "end-session"
quiet = "0s"
[alerts.bolt]
when = "refused"
count = 1
within = "10m"
roles = ["bench"]
action = "lock-person"
"""


@pytest.mark.parametrize("workers", [1, 2])
async def test_what_a_rule_does_at_once(
    sample_database: SampleDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setenv("HOOK_KEY", "k" * 32)
    number = {"gateway": f"workers = {workers}"}
    async with watched(sample_database, tmp_path, ACTING, settings=number) as watching:
        async with watching.session() as other, watching.session() as session:
            with pytest.raises((asyncpg.InsufficientPrivilegeError, *ENDED)):
                await session.execute("DROP TABLE customers")
            told = await watching.hears("out")
            assert told["details"]["done"] == "session ended"
            with pytest.raises(ENDED):
                await session.fetch("SELECT 1")
            assert await other.fetchval("SELECT 1") == 1
            async with watching.session("bench", target="bench") as locked:
                with pytest.raises((asyncpg.InsufficientPrivilegeError, *ENDED)):
                    await locked.execute("DROP TABLE pgbench_history")
                assert (await watching.hears("bolt"))["details"]["done"] == "person locked"
            await until(other.is_closed)
        with pytest.raises(Stopped, match="locked"), watching.gateway.api("alice") as client:
            client.get("whoami")
        record = watching.gateway.pgcurfew(None, "audit", "verify", "--config", str(watching.gateway.stage.settings))
        assert record.code == 0, record.shown


async def test_what_would_have_fired_is_what_fired(watching: Watched) -> None:
    """The same rules over the record of the sessions above."""
    async with watching.session() as session:
        for _ in range(3):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute("DELETE FROM customers WHERE city = 'Xyzzy'")
    await watching.hears("refusals")
    gateway = watching.gateway
    config = ("--config", str(gateway.stage.settings), "--json")
    listed = await asyncio.to_thread(gateway.pgcurfew, None, "alerts", "list", *config)
    assert "refusals" in {one["rule"] for one in json.loads(listed.out)}, listed.shown
    tried = await asyncio.to_thread(gateway.pgcurfew, None, "alerts", "test", "refusals", "--since", "1h", *config)
    assert [one["text"] for one in json.loads(tried.out)] == ["alice had 3 statements refused within 0:10:00"]
    never = await asyncio.to_thread(gateway.pgcurfew, None, "alerts", "test", "searching", "--since", "0s", *config)
    assert json.loads(never.out) == []
    other = gateway.stage.folder / "other.toml"
    other.write_text(gateway.stage.policy.read_text().replace("count = 3\nwithin", "count = 1000\nwithin"))
    strict = await asyncio.to_thread(
        gateway.pgcurfew, None, "alerts", "test", "refusals", "--policy", str(other), *config
    )
    assert json.loads(strict.out) == []
    unknown = await asyncio.to_thread(gateway.pgcurfew, None, "alerts", "test", "nothing", *config[:2])
    assert unknown.code == 2
    assert "its rules: refusals, much" in unknown.err
