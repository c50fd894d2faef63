"""A live session whose record takes its time: nothing long runs before it is written, and nothing that
was written but not sent runs after the end."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.secrets import SecretReference
from config.target import Target
from gateway.access.models import Admission
from gateway.audit.facts import SessionClosed, StatementEnded, StatementJudged
from gateway.audit.journal import Disk
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder
from gateway.audit.replay import read_session
from gateway.audit.verify import verify
from gateway.channel import Channel
from gateway.session.chamber import Chamber
from gateway.session.live import LONG_TEXT, Curfew, LiveSession
from gateway.session.relay import Relay
from gateway.session.snapshots import Snapshots
from masking.policy import RolePolicy, StatementKind
from protocol.frontend import Bind, Execute, Parse, Query, Sync
from tests.e2e.test_curfew import wait_until
from tests.gateway.audit.conftest import Bench, facts_in, opened
from tests.support.postgres import Postgres

LONG = "SELECT length('" + "é" * LONG_TEXT + "')"
NEVER_RUN = f"SELECT length('not to be run {'x' * LONG_TEXT}')"
POLICY = RolePolicy("support", "p1", frozenset({StatementKind.SELECT}), {}, {})


class SlowDisk:
    """Takes whole megabytes only when it is told to, and nothing while it is full."""

    def __init__(self) -> None:
        self.full = False
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def write(self, fd: int, data: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(data) > LONG_TEXT:
            self.reached.set()
            assert self.go_on.wait(30)
        return os.write(fd, data)


@dataclass
class Open:
    """One session, its client's end of the line, and its record."""

    live: LiveSession
    running: asyncio.Task[None]
    client: socket.socket
    disk: SlowDisk
    bench: Bench
    recorder: Recorder

    async def says(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.client, data)

    async def hears(self, what: bytes) -> bytes:
        heard = b""
        async with asyncio.timeout(20):
            while what not in heard:
                piece = await asyncio.get_running_loop().sock_recv(self.client, 1 << 16)
                assert piece, heard
                heard += piece
        return heard

    async def is_running(self) -> None:
        """A statement that ends by force alone."""
        await self.says(Query("SELECT pg_sleep(60)").encode())
        await asyncio.to_thread(wait_until, "it is recorded", self.has_judged)

    def has_judged(self) -> bool:
        return any(isinstance(fact, StatementJudged) for fact in self.facts())

    def facts(self) -> list[object]:
        return facts_in(self.bench.session_file())


@pytest.fixture
async def session(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    monkeypatch.setenv("TEST_TARGET_PASSWORD", postgres.superuser.password)
    target = Target(
        host=postgres.host,  # type: ignore[arg-type]
        port=postgres.port,  # type: ignore[arg-type]
        database="postgres",
        user=postgres.superuser.user,
        sslmode="disable",
        password=SecretReference.parse("env:TEST_TARGET_PASSWORD"),
    )
    loop = asyncio.get_running_loop()
    snapshots, chamber = Snapshots("test", target, loop.time), Chamber()
    judge, upstream = await snapshots.open(POLICY, {"log_statement": "all"})
    disk, bench = SlowDisk(), Bench(tmp_path / "record")
    recorder = bench.open(disk=Disk(write=disk.write))
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    client = Channel()
    await loop.create_connection(lambda: client, sock=ours)
    live = LiveSession(
        "s1",
        Admission(None, "t", None, datetime.now(UTC)),  # type: ignore[arg-type]
        client,
        upstream,
        Relay(judge, max_message_bytes=1 << 24),
        recorder.open_session(opened("s1")),
        snapshots,
        chamber,
        Metrics(),
        Curfew(datetime.now(UTC), 3600.0, ()),
    )
    running = asyncio.create_task(live.run())
    yield Open(live, running, theirs, disk, bench, recorder)
    disk.go_on.set()
    theirs.close()
    await running
    chamber.close()
    await snapshots.close()
    recorder.close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []


async def test_a_long_statement_does_not_run_before_it_is_written(session: Open) -> None:
    await session.says(Query(LONG).encode() + Query("SELECT 4711").encode())
    assert await asyncio.to_thread(session.disk.reached.wait, 20)
    session.recorder.flush()
    await asyncio.sleep(0.1)
    assert not any(isinstance(fact, StatementJudged) for fact in session.facts())
    with pytest.raises(BlockingIOError):
        session.client.recv(1)
    session.disk.go_on.set()
    heard = await session.hears(b"4711")
    assert str(LONG_TEXT).encode() in heard
    long, short = (fact for fact in session.facts() if isinstance(fact, StatementJudged))
    assert (long.number, short.number) == (1, 2)
    statements = read_session(session.bench.directory, "s1", session.bench.auditor).statements
    assert [statement.text for statement in statements] == [LONG, "SELECT 4711"]


async def test_long_parameters_are_written_while_others_go_on(session: Open) -> None:
    given = b"x" * (LONG_TEXT + 1)
    asked = (Parse("", "SELECT length($1::text)"), Bind("", "", values=(given,)), Execute(""), Sync())
    await session.says(b"".join(message.encode() for message in asked))
    assert await asyncio.to_thread(session.disk.reached.wait, 20)
    await asyncio.sleep(0.1)  # the loop turns
    session.disk.go_on.set()
    await session.hears(str(len(given)).encode())
    [_, run] = read_session(session.bench.directory, "s1", session.bench.auditor).statements
    assert run.parameters == (given.decode(),)


async def test_a_long_statement_does_not_run_after_the_end(session: Open, postgres: Postgres) -> None:
    await session.says(Query(NEVER_RUN).encode())
    assert await asyncio.to_thread(session.disk.reached.wait, 20)
    session.live.end("grant-ended", "57P01", "the grant ended")
    session.disk.go_on.set()
    await session.hears(b"the grant ended")
    async with asyncio.timeout(20):
        await asyncio.shield(session.running)
    judged, ended, closed = session.facts()[1:]
    assert isinstance(judged, StatementJudged)
    assert isinstance(ended, StatementEnded)
    assert ended.outcome == "cut"
    assert isinstance(closed, SessionClosed)
    assert "not to be run" not in postgres.cluster.log.read_text(errors="replace")
    assert closed.cause == "grant-ended"


@pytest.mark.parametrize("second", ["SELECT 2", NEVER_RUN], ids=["short", "long"])
async def test_what_ran_when_the_record_failed_has_an_end(session: Open, second: str) -> None:
    """And what could not be written did not run: there is no end of it."""
    await session.is_running()
    session.disk.full = True
    await session.says(Query(second).encode() + Query("SELECT 3").encode())
    await session.hears(b"58030")
    async with asyncio.timeout(20):
        await asyncio.shield(session.running)
    session.disk.full = False
    session.recorder.sync()
    judged, _, ended, closed = session.facts()[1:]
    assert isinstance(judged, StatementJudged)
    assert isinstance(ended, StatementEnded)
    assert (ended.number, ended.outcome) == (judged.number, "cut")
    assert isinstance(closed, SessionClosed)
    assert closed.cause == "record"


async def test_an_end_that_the_disk_does_not_take_is_written_later(session: Open) -> None:
    await session.is_running()
    session.disk.full = True
    session.live.end("grant-ended", "57P01", "the grant ended")
    async with asyncio.timeout(20):
        await asyncio.shield(session.running)
    session.disk.full = False
    session.recorder.sync()
    assert [fact.outcome for fact in session.facts() if isinstance(fact, StatementEnded)] == ["cut"]


async def test_what_ran_when_the_gateway_failed_has_an_end(session: Open) -> None:
    await session.is_running()
    session.live.failed()
    async with asyncio.timeout(20):
        await asyncio.shield(session.running)
    assert [fact.outcome for fact in session.facts() if isinstance(fact, StatementEnded)] == ["cut"]
