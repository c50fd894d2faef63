"""Ctrl-C: it works from every client, hits what it is meant for and nothing else (PG manual, 55.2.9)."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import asyncpg
import psycopg
import pytest

from gateway.demo.process import clean_environment
from gateway.demo.stage import client_environment
from protocol.backend import ErrorResponse
from protocol.frontend import Bind, Execute, Parse, Query, Sync
from protocol.startup import PROTOCOL_3_2, CancelRequest
from tests.e2e.test_curfew import sleepers, wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import Postgres, SampleDatabase
from tests.support.wire import RawClient, dial, directly_encrypted, encrypted, everything

SLEEP = "SELECT pg_sleep(60)"


@pytest.fixture(scope="module")
def gateway(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One that takes plain connections from this machine too."""
    folder = tmp_path_factory.mktemp("gateway")
    with running_gateway(sample_database, folder, settings={"tls": "plaintext_on_loopback = true"}) as found:
        yield found


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def metric(gateway: RunningGateway, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", timeout=10) as response:
        found = re.search(rf"^{name} (\S+)$", response.read().decode(), re.MULTILINE)
    assert found is not None, f"there is no metric {name}"
    return float(found[1])


def in_sight(postgres: Postgres) -> list[str]:
    ways = ["sslmode=verify-full", "sslmode=disable"]
    if postgres.version >= 17:
        ways.append("sslmode=verify-full sslnegotiation=direct")
    if postgres.version >= 18:
        ways.append("sslmode=verify-full max_protocol_version=3.2")
    return ways


def test_from_psql(gateway: RunningGateway, given: Given, postgres: Postgres) -> None:
    psql = str(postgres.cluster.binaries.program("psql"))
    for way in in_sight(postgres):
        running = subprocess.Popen(
            [psql, "-X", "-c", SLEEP, f"{gateway.conninfo(given)} {way}"],
            env=clean_environment(client_environment(given.token)), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with running:
            wait_until("the query runs", lambda: sleepers(gateway) == 1)
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=10)
        assert "canceling statement due to user request" in said, way
        assert sleepers(gateway) == 0


@pytest.mark.parametrize("words", ["sslmode=verify-full", "sslmode=disable"])
def test_from_psycopg(gateway: RunningGateway, given: Given, words: str) -> None:
    conninfo = f"{gateway.conninfo(given)} {words}"
    with psycopg.connect(conninfo, password=given.token, autocommit=True) as connection:
        # libpq's older way, which cancels in the clear, and that of libpq 17, which comes as the session came.
        for way in (connection.cancel, connection.cancel_safe):
            threading.Timer(0.3, way).start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute(SLEEP)
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("tls", [True, False])
async def test_from_asyncpg(gateway: RunningGateway, given: Given, tls: bool) -> None:
    connection = await gateway.connect(given, ssl=gateway.tls if tls else False)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await connection.fetchval(SLEEP, timeout=0.3)
        assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    assert sleepers(gateway) == 0


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": given.person, "database": given.target}, PROTOCOL_3_2)
    assert not client.refusal
    return client


def request_of(client: RawClient) -> bytes:
    assert client.key is not None
    return CancelRequest(client.key.pid, client.key.key).encode()


def asking_for_postgresql(gateway: RunningGateway) -> ssl.SSLContext:
    context = gateway.tls
    context.set_alpn_protocols(["postgresql"])
    return context


def test_through_plain_tls_and_direct_tls(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as client:
        for way in (
            lambda: dial(gateway.port),
            lambda: encrypted(gateway.port, gateway.tls),
            lambda: directly_encrypted(gateway.port, asking_for_postgresql(gateway)),
        ):
            client.send(Query(SLEEP))
            wait_until("the query runs", lambda: sleepers(gateway) == 1)
            with closing(way()) as sock:
                sock.sendall(request_of(client))
                assert everything(sock) == b""
            assert error_in(client.until_ready()) == "57014"


def error_in(heard: list[Any]) -> str | None:
    return next((message.fields["C"] for message in heard if isinstance(message, ErrorResponse)), None)


def cancel(gateway: RunningGateway, client: RawClient) -> None:
    with closing(dial(gateway.port)) as sock:
        sock.sendall(request_of(client))
        assert everything(sock) == b""


def later(gateway: RunningGateway, client: RawClient, seconds: float) -> threading.Thread:
    """A cancel on its way."""

    def ask() -> None:
        time.sleep(seconds)
        cancel(gateway, client)

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_what_comes_after_the_cancel_was_taken_is_never_hit(gateway: RunningGateway, given: Given) -> None:
    """However late the cancel comes for the statement that it is meant for: the connection that brought it is
    closed, the statement has ended, and what is asked then is nobody's to cancel."""
    random.seed(4711)
    with logged_in(gateway, given) as client:
        for number in range(60):
            in_time = number % 10 == 0
            client.send(Query(f"SELECT pg_sleep({60 if in_time else random.uniform(0, 0.03):.4f})"))
            late = later(gateway, client, random.uniform(0, 0.03))
            hit = error_in(client.until_ready())
            assert hit == "57014" if in_time else hit in ("57014", None)
            late.join()
            client.send(Query("SELECT 'next', pg_sleep(0.002)"))
            assert error_in(client.until_ready()) is None


def pipeline(*seconds: float) -> bytes:
    """One batch a number, each with its Sync."""
    parts = []
    for each in seconds:
        parts += [Parse("", f"SELECT pg_sleep({each:.4f})"), Bind("", ""), Execute("", 0), Sync()]
    return b"".join(part.encode() for part in parts)


def test_a_pipeline_sent_after_the_cancel_was_taken_is_never_hit(gateway: RunningGateway, given: Given) -> None:
    random.seed(4712)
    with logged_in(gateway, given) as client:
        for _ in range(40):
            client.send(pipeline(0.002, random.uniform(0, 0.02), 0.002))
            late = later(gateway, client, random.uniform(0, 0.03))
            errors = [error_in(client.until_ready()) for _ in range(3)]
            late.join()
            # PostgreSQL signals the backend and its process group: one request can hit two batches that it had.
            assert set(errors) <= {"57014", None}
            client.send(pipeline(0.001, 0.001))
            assert [error_in(client.until_ready()) for _ in range(2)] == [None, None]


def test_a_statement_sent_while_a_cancel_is_under_way_is_not_hit(gateway: RunningGateway, given: Given) -> None:
    """The client does not wait for the cancel to be taken: the gateway holds its next statement back meanwhile."""
    with logged_in(gateway, given) as client:
        for _ in range(40):
            client.send(Query("SELECT pg_sleep(0.01)"))
            with closing(dial(gateway.port)) as sock:
                sock.sendall(request_of(client))
                # Whether it came in time is the first answer's to say.
                first = error_in(client.until_ready())
                client.send(Query("SELECT pg_sleep(0.005)"))
                second = error_in(client.until_ready())
                everything(sock)
            if first == "57014":
                assert second is None


def test_a_cancel_of_nothing_does_nothing(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as client:
        for _ in range(10):
            cancel(gateway, client)
            client.send(Query("SELECT 1"))
            assert error_in(client.until_ready()) is None


def test_the_key_of_a_session_that_is_over_does_nothing(gateway: RunningGateway, given: Given) -> None:
    with logged_in(gateway, given) as gone:
        request = request_of(gone)
    with logged_in(gateway, given) as client:
        client.send(Query("SELECT pg_sleep(0.3)"))
        with closing(dial(gateway.port)) as sock:
            sock.sendall(request)
            assert everything(sock) == b""
        assert error_in(client.until_ready()) is None


def test_guesses_are_counted_and_after_too_many_not_looked_at(own_gateway: RunningGateway) -> None:
    gateway, given = own_gateway, own_gateway.give()
    with logged_in(gateway, given) as client:
        assert client.key is not None
        client.send(Query(SLEEP))
        wait_until("the query runs", lambda: sleepers(gateway) == 1)
        refused = metric(gateway, "pgcurfew_cancels_refused_total")
        for number in range(100):
            with closing(dial(gateway.port)) as sock:
                sock.sendall(CancelRequest(client.key.pid, number.to_bytes(32, "big")).encode())
                assert everything(sock) == b""
        counted = metric(gateway, "pgcurfew_cancels_refused_total") - refused
        ignored = metric(gateway, "pgcurfew_cancels_ignored_total")
        assert counted + ignored == 100
        assert ignored > 0
        assert gateway.log.count("too many wrong cancel keys") >= 1
        assert sleepers(gateway) == 1
        # Not for ever: a Ctrl-C of the same office works again soon.
        wait_until("the right key is taken again", lambda: (cancel(gateway, client), sleepers(gateway) == 0)[1], 10.0)
        assert error_in(client.until_ready()) == "57014"


async def test_a_cancel_of_one_session_leaves_the_others(gateway: RunningGateway, given: Given) -> None:
    other = await gateway.connect(given)
    waiting = asyncio.ensure_future(other.fetchval("SELECT 1 FROM pg_sleep(1)"))
    connection = await gateway.connect(given)
    with pytest.raises((TimeoutError, asyncpg.QueryCanceledError)):
        await connection.fetchval(SLEEP, timeout=0.2)
    assert await waiting == 1
    await connection.close()
    await other.close()
