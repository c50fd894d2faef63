"""The same messages to the gateway and to PostgreSQL itself bring the same answers in the same order.

Whatever a client says that the role may say: names taken twice, portals of other transactions,
batches that go on after their error, COPY data that nobody asked for.
"""

from __future__ import annotations

import os
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from protocol.backend import (
    DataRow,
    ErrorResponse,
    NoticeResponse,
    ParameterStatus,
    ReadyForQuery,
    RowDescription,
)
from protocol.copying import CopyData, CopyDone
from protocol.frontend import (
    Bind,
    Close,
    CopyFail,
    Describe,
    Execute,
    Flush,
    Parse,
    Query,
    SASLInitialResponse,
    SASLResponse,
    Sync,
)
from protocol.scram import ScramClient
from protocol.startup import StartupMessage
from tests.support.gateway import RunningGateway
from tests.support.postgres import SampleDatabase
from tests.support.wire import RawClient, dial, encrypted

EXAMPLES = int(os.environ.get("PGCURFEW_EXAMPLES", "120"))

#: A stop in the sending, long enough for answers to come back in between.
PAUSE = "pause"

TEXTS = (
    "",
    " -- nothing",
    "SELECT 1",
    "SELECT 'ä', 2 AS two",
    "SELECT generate_series(1, 3)",
    "SELECT aid, bid FROM pgbench_accounts WHERE aid = 1",
    "SELECT 1/0",
    "SELECT 'ä', nosuch FROM pgbench_accounts",
    "SELEC 1",
    "SELECT 'x'::int",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "RELEASE s",
    "PREPARE a AS SELECT 7",
    "EXECUTE a",
    "EXECUTE b",
    "DEALLOCATE a",
    "DEALLOCATE ALL",
    "DISCARD ALL",
    "DECLARE c CURSOR FOR SELECT generate_series(1, 5)",
    "DECLARE a CURSOR WITH HOLD FOR SELECT generate_series(1, 5)",
    "FETCH 2 FROM c",
    "MOVE 1 IN a",
    "CLOSE c",
    "CLOSE ALL",
)
STRINGS = (
    *TEXTS,
    "SELECT 1; SELECT 'ä', 1/0; SELECT 2",
    "SELECT 1;; ; SELECT 'ä'",
    "BEGIN; PREPARE b AS SELECT 8; SELECT 1/0",
    "PREPARE a AS SELECT 9; EXECUTE a",
    "SELECT 'ä'; SELECT nosuch FROM pgbench_accounts",
    "COPY (SELECT 1) TO STDOUT",
    "COPY pgbench_history (tid) FROM STDIN",
)
NAMES = st.sampled_from(["", "a", "b", "c", "n" * 63, "n" * 64, "n" * 65])

messages = st.one_of(
    st.sampled_from(STRINGS).map(Query),
    st.builds(Parse, NAMES, st.sampled_from(TEXTS)),
    st.builds(Bind, NAMES, NAMES),
    st.builds(Describe, st.sampled_from(["S", "P"]), NAMES),
    st.builds(Execute, NAMES, st.sampled_from([0, 0, 1, 2])),
    st.builds(Close, st.sampled_from(["S", "P"]), NAMES),
    st.just(Flush()),
    st.just(Sync()),
    st.just(Sync()),
    st.just(PAUSE),
)


def run(name: str, portal: str, sql: str, limit: int) -> tuple[Any, ...]:
    return Parse(name, sql), Bind(portal, name), Describe("P", portal), Execute(portal, limit)


runs = st.builds(run, NAMES, NAMES, st.sampled_from(TEXTS), st.sampled_from([0, 1]))
copies = st.builds(
    lambda start, data, end: (*start, *data, end),
    st.sampled_from(
        [
            (Query("COPY pgbench_history (tid) FROM STDIN"),),
            (Query("COPY pgbench_history (tid) FROM STDIN"), PAUSE),
            (Parse("", "COPY pgbench_history (tid) FROM STDIN"), Bind("", ""), Execute(""), Sync(), PAUSE),
            (Parse("", "COPY pgbench_history (tid) FROM STDIN"), Bind("", ""), Execute("")),
            (Query("SELECT 1"),),
        ]
    ),
    st.lists(st.sampled_from([CopyData(b"1\n"), CopyData(b"2\n3\n"), CopyData(b"wrong\n"), PAUSE]), max_size=3),
    st.sampled_from([CopyDone(), CopyDone(), CopyFail("enough")]),
)
conversations = st.lists(st.one_of(messages.map(lambda one: (one,)), runs, runs, copies), max_size=9).map(
    lambda parts: [message for part in parts for message in part]
)


@dataclass
class Peer:
    """One of the two, with a connection that is made again when it was lost."""

    log_in: Any
    client: RawClient | None = None
    said: list[Any] = field(default_factory=list)
    marks: int = 0

    def answers(self, conversation: list[Any]) -> list[object]:
        """What it answers to all of these, in a form that can be compared."""
        if self.client is None:
            self.client = self.log_in()
            self.client.sock.settimeout(3)
        client = self.client
        self.marks += 1
        mark = f"mark{self.marks}"
        try:
            client.send(Query("ROLLBACK"), Query("DISCARD ALL"))
            client.until_ready()
            client.until_ready()
            waiting: list[Any] = []
            for message in [*conversation, Sync(), Parse("", mark), Sync()]:
                if message is PAUSE:
                    client.send(*waiting)
                    waiting.clear()
                    time.sleep(0.005)
                else:
                    waiting.append(message)
            client.send(*waiting)
            return compared(heard_until(client, mark))
        except TimeoutError:
            self.client = None
            client.sock.close()
            return ["silence"]
        except (EOFError, ConnectionError, ssl.SSLError):
            self.client = None
            client.sock.close()
            return ["gone"]

    def close(self) -> None:
        if self.client is not None:
            self.client.sock.close()


def heard_until(client: RawClient, mark: str) -> list[Any]:
    heard: list[Any] = []
    marked = False
    while not marked or not isinstance(heard[-1], ReadyForQuery):
        try:
            heard.append(client.receive())
        except EOFError:
            client.sock.close()
            raise
        marked = marked or (isinstance(heard[-1], ErrorResponse) and mark in heard[-1].message)
    return heard


def compared(heard: list[Any]) -> list[object]:
    shown: list[object] = []
    for message in heard:
        match message:
            case ParameterStatus():
                continue
            case ErrorResponse() | NoticeResponse():
                words = "" if "mark" in message.message else message.message
                shown.append((type(message).__name__, message.severity, message.sqlstate, words, message.position))
            case RowDescription(fields):
                shown.append([(one.name, one.table_oid, one.attribute, one.type_oid, one.format) for one in fields])
            case DataRow(values):
                shown.append(values)
            case _:
                shown.append(message)
    return shown


@pytest.fixture(scope="module")
def peers(gateway: RunningGateway, sample_database: SampleDatabase) -> Iterator[tuple[Peer, Peer]]:
    with both_sides(gateway, sample_database, "bench") as both:
        yield both


@contextmanager
def both_sides(gateway: RunningGateway, database: SampleDatabase, role: str) -> Iterator[tuple[Peer, Peer]]:
    """The gateway, for whoever holds this role, and PostgreSQL itself."""
    granted = gateway.give(role, target="bench")

    def through() -> RawClient:
        client = RawClient(encrypted(gateway.port, gateway.tls))
        client.log_in(granted.token, {"user": "alice", "database": "bench"})
        assert not client.refusal
        return client

    both = Peer(through), Peer(lambda: past_the_gateway(database))
    yield both
    for peer in both:
        peer.close()
    database.postgres.run("TRUNCATE public.pgbench_history", "bench")


def past_the_gateway(database: SampleDatabase) -> RawClient:
    """A connection to PostgreSQL as the gateway's own login."""
    client = RawClient(dial(database.postgres.port))
    pins = {"search_path": "public, pg_temp", "client_encoding": "UTF8"}
    client.send(StartupMessage({"user": database.gateway.user, "database": "bench", **pins}))
    [scram] = [
        ScramClient(database.gateway.password, secrets.token_urlsafe(18), None, message.mechanisms)
        for message in [client.receive()]
    ]
    client.send(SASLInitialResponse(scram.mechanism, scram.first()))
    client.send(SASLResponse(scram.final(client.receive().data)))
    client.until_ready()
    return client


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversation=conversations)
@example([*run("", "", "CLOSE ALL", 0), Execute("")])
def test_the_same_answers_in_the_same_order(peers: tuple[Peer, Peer], conversation: list[Any]) -> None:
    through, straight = (peer.answers(conversation) for peer in peers)
    assert through == straight
