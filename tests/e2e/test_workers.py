"""Two processes behind one port: to people, to the record and to whoever revokes they are one gateway."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import asyncpg
import psycopg
import pytest

from gateway.audit.replay import list_sessions
from protocol.backend import ErrorResponse
from protocol.frontend import Query
from protocol.startup import CancelRequest
from tests.e2e.test_curfew import backends, sleepers, wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.wire import RawClient, dial, encrypted, everything

TWO = {"gateway": "workers = 2"}


@pytest.fixture(scope="module")
def workers(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway of two workers, for tests that leave it as it was."""
    with running_gateway(sample_database, tmp_path_factory.mktemp("workers"), settings=TWO) as found:
        yield found


@pytest.fixture
def own_workers(sample_database: SampleDatabase, tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(sample_database, tmp_path, settings=TWO) as found:
        yield found


def worker_pids(gateway: RunningGateway) -> dict[str, int]:
    """Those that are ready now: what the log said last of each."""
    said = re.findall(r"worker ready\s+.*?pid=(\d+) worker=(worker-\d)", gateway.log)
    return {worker: int(pid) for pid, worker in said}


def worker_of(client: RawClient) -> int:
    assert client.key is not None
    return int(client.key.pid >> 24)


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    return client.log_in(given.token, {"user": given.person, "database": given.target})


@contextmanager
def several(gateway: RunningGateway, given: Given, count: int) -> Iterator[list[RawClient]]:
    """So many clients with a session each, one after the other."""
    with ExitStack() as stack:
        yield [stack.enter_context(logged_in(gateway, given)) for _ in range(count)]


def metric(gateway: RunningGateway, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", timeout=10) as response:
        found = re.search(rf"^{re.escape(name)} (\S+)$", response.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def verified(gateway: RunningGateway) -> Any:
    return gateway.pgcurfew(None, "audit", "verify", "--config", str(gateway.stage.settings))


def test_sessions_land_on_both_and_are_found_again(workers: RunningGateway) -> None:
    given = workers.give()
    before = metric(workers, "pgcurfew_sessions_total")
    with several(workers, given, 4) as clients:
        assert sorted(worker_of(client) for client in clients) == [1, 1, 2, 2]
        for client in clients:
            client.send(Query("SELECT 4711"))
            client.until_ready()
        assert metric(workers, "pgcurfew_sessions_open") == 4
        assert metric(workers, "pgcurfew_sessions_total") == before + 4
    wait_until("all have left", lambda: metric(workers, "pgcurfew_sessions_open") == 0)
    found = [one for one in list_sessions(workers.stage.record) if one.grant == given.grant]
    assert len(found) == 4
    for one in found:
        shown = workers.pgcurfew(None, "replay", one.session, "--config", str(workers.stage.settings))
        assert "SELECT $1" in shown.text
    with workers.api("otto") as api:
        assert {one["session"] for one in api.get("sessions")["sessions"]} >= {one.session for one in found}
    done = verified(workers)
    assert done.code == 0, done.text


def test_a_revocation_reaches_both_within_a_second(workers: RunningGateway) -> None:
    given = workers.give()
    with several(workers, given, 4) as clients:
        for client in clients:
            client.send(Query("SELECT pg_sleep(600)"))
        wait_until("they run", lambda: sleepers(workers) == 4)
        workers.revoke(given)
        revoked = time.monotonic()
        for client in clients:
            assert client.until_closed()[-1].fields["C"] == "57P01"
        assert time.monotonic() - revoked < 1.0
        wait_until("no backend is left", lambda: backends(workers) == 0, 2.0)


def test_a_cancel_reaches_the_worker_whose_key_it_is(workers: RunningGateway) -> None:
    """Each cancel request is a connection of its own, so some come to the other worker."""
    given = workers.give()
    with several(workers, given, 3) as clients:
        for client in clients:
            client.send(Query("SELECT pg_sleep(600)"))
        wait_until("they run", lambda: sleepers(workers) == 3)
        for client in clients:
            with dial(workers.port) as wrong:
                wrong.sendall(CancelRequest(client.key.pid, bytes(4)).encode())
                assert everything(wrong) == b""
        assert sleepers(workers) == 3
        for client in clients:
            with dial(workers.port) as right:
                right.sendall(CancelRequest(client.key.pid, client.key.key).encode())
                assert everything(right) == b""
            assert [one.fields["C"] for one in client.until_ready() if isinstance(one, ErrorResponse)] == ["57014"]
            client.sock.close()
        assert metric(workers, "pgcurfew_cancels_refused_total") == 3


async def test_limits_hold_for_all_workers_together(workers: RunningGateway) -> None:
    given = workers.give()
    connections = await asyncio.gather(
        *(workers.connect(given) for _ in range(14)), return_exceptions=True
    )  # fmt: skip
    let_in = [one for one in connections if not isinstance(one, BaseException)]
    assert len(let_in) == 10
    assert all(isinstance(one, asyncpg.TooManyConnectionsError) for one in connections if one not in let_in)
    await asyncio.gather(*(one.close() for one in let_in))
    await asyncio.to_thread(wait_until, "they have left", lambda: metric(workers, "pgcurfew_sessions_open") == 0)
    again = await workers.connect(given)
    assert await again.fetchval("SELECT 1") == 1
    await again.close()


def test_a_lost_worker_is_replaced_and_its_record_closed_as_cut(own_workers: RunningGateway) -> None:
    gateway, given = own_workers, own_workers.give()
    with several(gateway, given, 2) as clients:
        lost, kept = sorted(clients, key=worker_of)
        pids = worker_pids(gateway)
        os.kill(pids["worker-1"], signal.SIGKILL)
        lost.until_closed()
        wait_until("another one is ready", lambda: worker_pids(gateway)["worker-1"] != pids["worker-1"], 20)
        kept.send(Query("SELECT 1"))
        assert kept.until_ready()
        # Its admission was given back: all ten of the grant's sessions can be had, with the one that was kept.
        with several(gateway, given, 9) as more:
            assert not any(client.refusal for client in more)
            assert {worker_of(client) for client in more} == {1, 2}
        assert metric(gateway, "pgcurfew_workers_ended_total") == 1
    assert gateway.stop() == 0
    causes = [one.cause for one in list_sessions(gateway.stage.record)]
    assert causes.count("cut") == 1
    done = verified(gateway)
    assert done.code == 0, done.text
    assert "cut" in done.text


def test_without_its_supervisor_a_worker_serves_nobody(own_workers: RunningGateway) -> None:
    gateway, given = own_workers, own_workers.give()
    with several(gateway, given, 2) as clients:
        clients[0].send(Query("SELECT pg_sleep(600)"))
        wait_until("it runs", lambda: sleepers(gateway) == 1)
        pids = worker_pids(gateway)
        gateway.kill()
        for client in clients:
            assert client.until_closed()[-1].fields["C"] == "57P01"
        wait_until("no backend is left", lambda: backends(gateway) == 0, 3.0)
        wait_until("no worker is left", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()), 10.0)
        with pytest.raises(ConnectionRefusedError):
            dial(gateway.port)
        gateway.start()
        again = logged_in(gateway, given)
        assert not again.refusal
        again.sock.close()
        done = verified(gateway)
        assert done.code == 0, done.text


def test_drain_and_reload_reach_every_worker(own_workers: RunningGateway) -> None:
    gateway, given = own_workers, own_workers.give()
    city = "SELECT city FROM customers WHERE id = 1"
    policy = gateway.stage.policy
    with several(gateway, given, 2) as clients:
        policy.write_text(policy.read_text().replace('city = "clear"', 'city = "null"', 1))
        gateway.stage.gateway.send(signal.SIGHUP)
        wait_until("it is reloaded", lambda: metric(gateway, 'pgcurfew_reloads_total{outcome="done"}') == 1)
        for client in clients:
            client.send(Query(city))
            assert [one.values for one in client.until_ready() if hasattr(one, "values")] == [(None,)]
        busy, idle = clients
        busy.send(Query("BEGIN"))
        busy.until_ready()
        gateway.stage.gateway.send(signal.SIGTERM)
        assert idle.until_closed()[-1].fields["C"] == "57P01"
        busy.send(Query("SELECT 1"))
        assert busy.until_ready()
        busy.send(Query("COMMIT"))
        assert busy.until_closed()[-1].fields["C"] == "57P01"
        assert gateway.stage.gateway.wait() == 0
        assert [one.cause for one in list_sessions(gateway.stage.record)] == ["shutdown"] * 2


def test_a_record_that_was_taken_away_is_missed(own_workers: RunningGateway) -> None:
    gateway = own_workers
    with psycopg.connect(gateway.conninfo(given := gateway.give()), password=given.token) as connection:
        connection.execute("SELECT 1")
    assert gateway.stop() == 0
    assert verified(gateway).code == 0
    (gateway.stage.record / "worker-2").rename(gateway.stage.folder / "elsewhere")
    done = verified(gateway)
    assert done.code == 1
    assert "worker-2" in done.text
    (gateway.stage.folder / "elsewhere").rename(gateway.stage.record / "worker-2")
    # One process again: what the workers wrote stays part of the record.
    settings = gateway.stage.settings
    settings.write_text(settings.read_text().replace("workers = 2", "workers = 1"))
    gateway.start()
    assert len(list_sessions(gateway.stage.record)) == 1
    assert verified(gateway).code == 0
