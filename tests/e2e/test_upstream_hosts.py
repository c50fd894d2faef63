"""A target of several hosts: a primary, a standby, hosts that are gone, and one that is somebody else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.demo.postgres import Cluster, free_port
from gateway.session.cancel import cancel_upstream
from gateway.session.reading import QuestionRefused, Reading
from gateway.session.route import Route
from gateway.session.upstream import UpstreamUnavailable, dial
from protocol.startup import SSLRequest
from tests.support.targets import Kept, server, standby_of, switch, wait_for


@dataclass(frozen=True, slots=True)
class Pair:
    primary: Cluster
    standby: Cluster


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A primary and the standby that follows it."""
    with server() as primary, standby_of(primary) as standby:
        wait_for("the standby follows", standby, "SELECT pg_is_in_recovery() AND count(*) > 0 FROM pg_authid", "t")
        yield Pair(primary, standby)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def route(kept: Kept, *ports: int, **changes: object) -> Route:
    """A route by these ports of this machine, in this order."""
    cluster = changes.pop("cluster")
    assert isinstance(cluster, Cluster)
    return kept.route(cluster, host=("localhost",) * len(ports), port=ports, **changes)


async def port_of(route: Route) -> int:
    """Where a session lands."""
    upstream = await dial(route, {})
    upstream.close()
    await upstream.channel.wait_closed()
    return upstream.place.host.port


async def test_the_first_host_that_fits_is_taken(pair: Pair, kept: Kept) -> None:
    primary, standby = pair.primary.port, pair.standby.port
    for attrs, order, lands in (
        ("any", (primary, standby), primary),
        ("any", (standby, primary), standby),
        ("primary", (standby, primary), primary),
        ("read-write", (standby, primary), primary),
        ("standby", (primary, standby), standby),
        ("read-only", (primary, standby), standby),
        ("prefer-standby", (primary, standby), standby),
        ("prefer-standby", (primary,), primary),
    ):
        way = route(kept, *order, cluster=pair.primary, target_session_attrs=attrs)
        assert await port_of(way) == lands, f"{attrs} of {order}"


async def test_a_server_that_is_read_only_by_default_takes_no_read_write_session(pair: Pair, kept: Kept) -> None:
    pair.primary.run("ALTER ROLE by_scram SET default_transaction_read_only = on")
    try:
        with pytest.raises(UpstreamUnavailable, match="is read-only"):
            await port_of(route(kept, pair.primary.port, cluster=pair.primary, target_session_attrs="read-write"))
        way = route(kept, pair.primary.port, cluster=pair.primary, target_session_attrs="read-only")
        assert await port_of(way) == pair.primary.port
    finally:
        pair.primary.run("ALTER ROLE by_scram RESET default_transaction_read_only")
    # The pin of a role that may not write says nothing of the server.
    way = route(kept, pair.primary.port, cluster=pair.primary, target_session_attrs="read-write")
    pinned = await dial(way, {"default_transaction_read_only": "on"})
    pinned.close()


async def test_nobody_fits_and_each_is_told_without_its_address(pair: Pair, kept: Kept) -> None:
    gone = free_port()
    way = route(kept, gone, pair.standby.port, cluster=pair.primary, target_session_attrs="primary")
    with capture_logs() as logs, pytest.raises(UpstreamUnavailable) as refused:
        await dial(way, {})
    assert refused.value.message == (
        'target "shop" cannot be reached: host 1 of 2 cannot be reached: Connection refused; '
        'host 2 of 2 is a standby, and target_session_attrs is "primary"'
    )
    assert str(gone) in str(logs)


async def test_a_host_that_is_gone_or_silent_is_passed_over(pair: Pair, kept: Kept) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ports = free_port(), silent.getsockname()[1], pair.primary.port
        way = route(kept, *ports, cluster=pair.primary, connect_timeout_seconds=1.0)
        assert await port_of(way) == pair.primary.port
        way = kept.route(pair.primary, host=("no-such-host.invalid", "localhost"))
        assert await port_of(way) == pair.primary.port


async def test_hosts_in_any_order_share_the_load(pair: Pair, kept: Kept) -> None:
    way = route(kept, pair.primary.port, pair.standby.port, cluster=pair.primary, load_balance_hosts="random")
    assert {await port_of(way) for _ in range(40)} == {pair.primary.port, pair.standby.port}


async def test_a_primary_and_its_standby_are_one_database(pair: Pair, kept: Kept) -> None:
    one = await dial(route(kept, pair.primary.port, cluster=pair.primary), {})
    other = await dial(route(kept, pair.standby.port, cluster=pair.primary), {})
    assert one.identity == other.identity
    assert (one.standby, other.standby) == (False, True)
    one.close()
    other.close()


async def test_a_cancel_goes_to_the_server_where_the_session_is(pair: Pair, kept: Kept) -> None:
    """Over TLS: not even the key of one statement is seen on the way."""
    async with switch(pair.standby.port) as watched:
        way = route(kept, free_port(), watched.port, pair.primary.port, cluster=pair.primary)
        upstream = await dial(way, {})
        sleeping = asyncio.create_task(Reading(upstream.channel).execute("SELECT pg_sleep(60)"))
        wait = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
        await asyncio.to_thread(wait_for, "the standby sleeps", pair.standby, wait, "1")
        await cancel_upstream(upstream)
        with pytest.raises(QuestionRefused) as cancelled:
            await sleeping
        assert cancelled.value.sqlstate == "57014"
        assert [heard[:8] for heard in watched.heard] == [SSLRequest().encode()] * 2
        assert all(upstream.key not in heard for heard in watched.heard)
        upstream.close()


async def test_the_kernel_is_told_to_notice_a_peer_that_is_gone(pair: Pair, kept: Kept) -> None:
    words = {"keepalive_seconds": 7, "keepalive_interval_seconds": 3, "keepalive_count": 2}
    upstream = await dial(kept.route(pair.primary, tcp_user_timeout_seconds=9, **words), {})
    transport = upstream.channel._transport
    assert transport is not None
    sock = transport.get_extra_info("socket")
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    tcp = socket.IPPROTO_TCP
    assert sock.getsockopt(tcp, socket.TCP_KEEPIDLE) == 7
    assert sock.getsockopt(tcp, socket.TCP_KEEPINTVL) == 3
    assert sock.getsockopt(tcp, socket.TCP_KEEPCNT) == 2
    assert sock.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == 9000
    upstream.close()
