"""`durability = "disk"`: no statement reaches PostgreSQL before the fdatasync that covers its event has ended, and
who waits for the disk holds up nobody else, nor the end of its own session."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from config.secrets import SecretReference
from config.target import Target
from gateway.access.models import Admission
from gateway.audit.facts import SessionClosed, StatementEnded, StatementJudged
from gateway.audit.journal import Disk
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder
from gateway.audit.verify import verify
from gateway.channel import Channel
from gateway.session.chamber import Chamber
from gateway.session.live import Curfew, LiveSession
from gateway.session.relay import Relay
from gateway.session.snapshots import Snapshots
from masking.policy import RolePolicy, StatementKind
from protocol.frontend import Bind, Describe, Execute, Parse, Query, Sync
from tests.gateway.audit.conftest import Bench, facts_in, opened
from tests.support.postgres import Postgres

POLICY = RolePolicy("support", "p1", frozenset({StatementKind.SELECT}), {}, {})
MARK = re.compile(rb"mark_[a-z0-9]+_\d+")


@dataclass
class Stamped:
    """A disk that remembers when each mark was written, and when a sync that began later had ended."""

    written: dict[bytes, float] = field(default_factory=dict)
    safe: dict[bytes, float] = field(default_factory=dict)
    syncs: int = 0
    hold: threading.Event | None = None
    error: int = 0

    def write(self, fd: int, data: bytes) -> int:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        written = os.write(fd, data)
        self.written.update((mark, monotonic()) for mark in MARK.findall(data) if mark not in self.written)
        return written

    def sync(self, fd: int) -> None:
        if self.hold is not None:
            assert self.hold.wait(30)
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        covered = MARK.findall(path.read_bytes())
        os.fdatasync(fd)
        self.syncs += 1
        now = monotonic()
        for mark in covered:
            self.safe.setdefault(mark, now)  # whichever of two threads' syncs came first


@dataclass
class Street:
    """Sessions side by side, one recorder, and before the database somebody who notes when which statement came."""

    recorder: Recorder
    disk: Stamped
    bench: Bench
    snapshots: Snapshots
    chamber: Chamber
    arrived: dict[bytes, float]
    clients: list[socket.socket] = field(default_factory=list)
    running: list[asyncio.Task[None]] = field(default_factory=list)
    live: list[LiveSession] = field(default_factory=list)

    async def open(self, name: str) -> socket.socket:
        judge, upstream = await self.snapshots.open(POLICY, {})
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        client = Channel()
        await asyncio.get_running_loop().create_connection(lambda: client, sock=ours)
        live = LiveSession(
            name,
            Admission(None, "t", None, datetime.now(UTC)),  # type: ignore[arg-type]
            client,
            upstream,
            Relay(judge, max_message_bytes=1 << 24),
            await self.recorder.begin_session(opened(name)),
            self.snapshots,
            self.chamber,
            Metrics(),
            Curfew(datetime.now(UTC), 3600.0, ()),
        )
        self.live.append(live)
        self.running.append(asyncio.create_task(live.run()))
        self.clients.append(theirs)
        return theirs


@pytest.fixture
async def street(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Street]:
    arrived: dict[bytes, float] = {}

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(str(postgres.host), postgres.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, noted: bool) -> None:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                while data := await source.read(1 << 16):
                    now = monotonic()
                    if noted:
                        arrived.update((mark, now) for mark in MARK.findall(data) if mark not in arrived)
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(reader, there[1], True), pump(there[0], writer, False))

    proxy = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    monkeypatch.setenv("TEST_TARGET_PASSWORD", postgres.superuser.password)
    target = Target(
        host="127.0.0.1",  # type: ignore[arg-type]
        port=proxy.sockets[0].getsockname()[1],
        database="postgres",
        user=postgres.superuser.user,
        sslmode="disable",
        password=SecretReference.parse("env:TEST_TARGET_PASSWORD"),
    )
    snapshots, chamber = Snapshots("test", target, asyncio.get_running_loop().time), Chamber()
    disk, bench = Stamped(), Bench(tmp_path / "record")
    recorder = bench.open(disk=Disk(write=disk.write, sync=disk.sync), durability="disk")
    keeping = asyncio.create_task(recorder.run())
    street = Street(recorder, disk, bench, snapshots, chamber, arrived)
    yield street
    disk.error = 0
    if disk.hold is not None:
        disk.hold.set()
    for client in street.clients:
        client.close()
    await asyncio.gather(*street.running)
    keeping.cancel()
    await asyncio.wait((keeping,))
    chamber.close()
    await snapshots.close()
    recorder.close()
    proxy.close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings


async def says(client: socket.socket, data: bytes, until: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, data)
    return await hears(client, until)


async def hears(client: socket.socket, until: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    heard = b""
    async with asyncio.timeout(20):
        while until not in heard:
            piece = await loop.sock_recv(client, 1 << 16)
            assert piece, heard
            heard += piece
    return heard


def simple(mark: str) -> bytes:
    return Query(f"SELECT 1 AS {mark}").encode()


def extended(mark: str) -> bytes:
    parse, bind = Parse("", f"SELECT 1 AS {mark}", ()), Bind("", "", (), (), ())
    return b"".join(message.encode() for message in (parse, bind, Describe("P", ""), Execute(""), Sync()))


async def test_no_statement_arrives_before_the_sync_that_covers_its_event(street: Street) -> None:
    clients = [await street.open(f"s{number}") for number in range(16)]
    street.disk.syncs = 0

    async def works(name: int, client: socket.socket) -> None:
        for number in range(1, 11):
            message = simple if number % 2 else extended
            await says(client, message(f"mark_s{name}_{number}"), b"I" if number % 2 else b"SELECT 1\0Z")
        # Several in one go: none of them goes before its own event.
        marks = [f"mark_s{name}_{number}" for number in (11, 12, 13)]
        await says(client, b"".join(map(simple, marks)), marks[-1].encode())

    await asyncio.gather(*(works(name, client) for name, client in enumerate(clients)))
    expected = {f"mark_s{name}_{number}".encode() for name in range(16) for number in range(1, 14)}
    assert set(street.arrived) == expected
    for mark in expected:
        assert street.disk.written[mark] <= street.disk.safe[mark] <= street.arrived[mark], mark
    assert street.disk.syncs < len(expected), "events of several sessions went with one sync"


async def test_a_disk_that_takes_its_time_holds_up_only_who_waits_for_it(street: Street) -> None:
    waiting, other = await street.open("s1"), await street.open("s2")
    await says(waiting, simple("mark_a_1"), b"mark_a_1")
    slow = asyncio.ensure_future(says(other, Query("SELECT pg_sleep(0.2), 'passed' AS mark_b_1").encode(), b"passed"))
    while b"mark_b_1" not in street.arrived:  # noqa: ASYNC110 - another party notes it
        await asyncio.sleep(0.01)
    street.disk.hold = threading.Event()
    await asyncio.get_running_loop().sock_sendall(waiting, simple("mark_a_2") + simple("mark_a_3"))
    await slow  # its answer comes through while the other's event is not on the disk
    assert b"mark_a_2" not in street.arrived
    street.disk.hold.set()
    await hears(waiting, b"mark_a_3")


async def test_the_end_of_a_session_does_not_wait_for_the_disk(street: Street) -> None:
    client = await street.open("s1")
    await says(client, simple("mark_a_1"), b"mark_a_1")
    street.disk.hold = threading.Event()
    await asyncio.get_running_loop().sock_sendall(client, simple("mark_a_2") + simple("mark_a_3"))
    while b"mark_a_2" not in street.disk.written:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    street.live[0].end("grant-ended", "57P01", "the grant has ended")
    await hears(client, b"the grant has ended")
    async with asyncio.timeout(10):
        while await asyncio.get_running_loop().sock_recv(client, 1 << 16):
            pass
    assert not street.running[0].done(), "its last event waits still"
    street.disk.hold.set()
    await street.running[0]
    assert not {b"mark_a_2", b"mark_a_3"} & street.arrived.keys()
    facts = facts_in(street.bench.session_file("s1"))
    assert [fact.outcome for fact in facts if isinstance(fact, StatementEnded)] == ["done", "cut", "cut"]
    assert isinstance(facts[-1], SessionClosed)
    assert facts[-1].cause == "grant-ended"


async def test_what_cannot_be_brought_to_disk_does_not_run(street: Street) -> None:
    client = await street.open("s1")
    await says(client, simple("mark_a_1"), b"mark_a_1")
    street.disk.hold = threading.Event()
    await asyncio.get_running_loop().sock_sendall(client, simple("mark_a_2") + simple("mark_a_3"))
    while b"mark_a_2" not in street.disk.written:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    street.disk.error = errno.EIO
    street.disk.hold.set()
    heard = await hears(client, b"58030")
    assert b"the audit record cannot be written" in heard
    await street.running[0]
    street.disk.error = 0
    again = await street.open("s2")
    await says(again, simple("mark_b_1"), b"mark_b_1")
    assert not {b"mark_a_2", b"mark_a_3"} & street.arrived.keys()
    while not isinstance(facts_in(street.bench.session_file("s1"))[-1], SessionClosed):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    facts = facts_in(street.bench.session_file("s1"))
    assert [fact.number for fact in facts if isinstance(fact, StatementJudged)] in ([1], [1, 2, 3])
