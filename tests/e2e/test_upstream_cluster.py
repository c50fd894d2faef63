"""A session is judged by a picture of the very database that it is at: behind a name there may be another
cluster tomorrow, and a list of hosts may hold a stranger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from config.target import Target
from gateway.demo.postgres import Cluster, free_port
from gateway.session.snapshots import Snapshots
from gateway.session.upstream import UpstreamUnavailable
from tests.gateway.session.test_relay import POLICY
from tests.support.gateway import RunningGateway
from tests.support.targets import Kept, server, switch


@pytest.fixture(scope="module")
def one() -> Iterator[Cluster]:
    with server() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def another(one: Cluster) -> Iterator[Cluster]:
    """Its logins, names and certificates are the same; it is another cluster nevertheless."""
    with server(authority=one.authority) as cluster:
        yield cluster


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@asynccontextmanager
async def looking_at(target: Target) -> AsyncIterator[Snapshots]:
    snapshots = Snapshots("shop", target, asyncio.get_running_loop().time)
    try:
        yield snapshots
    finally:
        await snapshots.close()


async def test_after_a_move_to_another_cluster_sessions_get_its_picture(
    one: Cluster, another: Cluster, kept: Kept
) -> None:
    async with switch(one.port) as address, looking_at(kept.target(one, port=(address.port,))) as snapshots:
        before, first = await snapshots.open(POLICY, {})
        same, second = await snapshots.open(POLICY, {})
        assert same is before
        address.to[:] = [another.port]
        after, third = await snapshots.open(POLICY, {})
        assert first.identity == second.identity != third.identity
        assert after is not before
        # Whoever is at the database before is judged by nothing any more, not by the wrong picture.
        assert before.suspended
        assert not after.suspended
        for upstream in (first, second, third):
            upstream.channel.abort()


async def test_a_policy_that_is_read_again_is_judged_by_the_same(one: Cluster, kept: Kept) -> None:
    """Each SIGHUP would leave judges behind, with all that they remember."""
    async with looking_at(kept.target(one)) as snapshots:
        judge, first = await snapshots.open(POLICY, {})
        snapshots.renew(snapshots.route, (POLICY.version,))
        again, second = await snapshots.open(replace(POLICY), {})
        other, third = await snapshots.open(replace(POLICY, version="p2"), {})
        assert again is judge is not other
        for upstream in (first, second, third):
            upstream.channel.abort()


async def test_hosts_of_two_clusters_open_no_session(one: Cluster, another: Cluster, kept: Kept) -> None:
    async with switch(one.port, another.port) as address, looking_at(kept.target(one, port=(address.port,))) as found:
        # Snapshot and session land at different ones, and so do the new snapshot and the next session.
        with pytest.raises(UpstreamUnavailable) as refused:
            await found.open(POLICY, {})
        assert refused.value.sqlstate == "57P03"
        assert "are not of one cluster" in refused.value.message


async def test_a_database_that_was_made_again_is_another_one(one: Cluster, kept: Kept) -> None:
    one.run("CREATE DATABASE again")
    async with looking_at(kept.target(one, database="again")) as snapshots:
        before, first = await snapshots.open(POLICY, {})
        first.channel.abort()
        one.run("DROP DATABASE again WITH (FORCE)")
        one.run("CREATE DATABASE again")
        after, second = await snapshots.open(POLICY, {})
        assert first.identity.system == second.identity.system
        assert first.identity.database != second.identity.database
        assert before.suspended is not after.suspended
        second.channel.abort()
    one.run("DROP DATABASE again WITH (FORCE)")


async def test_a_target_that_does_not_say_which_cluster_it_is_opens_no_session(one: Cluster, kept: Kept) -> None:
    one.run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    try:
        async with looking_at(kept.target(one)) as snapshots:
            with pytest.raises(UpstreamUnavailable, match="does not tell the gateway which cluster it is"):
                await snapshots.open(POLICY, {})
    finally:
        one.run("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")


async def test_a_gateway_with_several_hosts_serves_a_real_client(own_gateway: RunningGateway) -> None:
    """The first host is gone, the second is a Unix socket: queries and cancel requests take that way."""
    given = own_gateway.give()
    own_gateway.stop()
    cluster = own_gateway.database.postgres.cluster
    settings = own_gateway.stage.settings
    text = settings.read_text().replace(
        f'host = "localhost"\nport = {cluster.port}\ndatabase = "shop"',
        f'host = ["localhost", "{cluster.folder}"]\nport = [{free_port()}, {cluster.port}]\ndatabase = "shop"\n'
        'target_session_attrs = "read-write"',
    )
    assert "read-write" in text
    settings.write_text(text)
    own_gateway.start()
    connection = await own_gateway.connect(given)
    try:
        assert await connection.fetchval("SELECT count(*) > 0 FROM orders")
        where = "application_name LIKE 'pgcurfew/ses_%/alice' AND client_addr IS NULL"
        assert own_gateway.directly(f"SELECT count(*) FROM pg_stat_activity WHERE {where}") == "1"
        with pytest.raises(asyncio.TimeoutError):
            await connection.fetch("SELECT count(*) FROM orders a, orders b, orders c, orders d", timeout=0.5)
        assert await connection.fetchval("SELECT 1") == 1
    finally:
        await connection.close()
    assert isinstance(connection, asyncpg.Connection)
