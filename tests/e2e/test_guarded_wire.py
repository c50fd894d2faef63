"""A role whose writes are counted before their commit gets the answers that PostgreSQL gives, in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from protocol.copying import CopyData, CopyDone
from protocol.frontend import Bind, Execute, Parse, Query, Sync
from tests.e2e import test_differential_wire as wire
from tests.e2e.test_differential_wire import NAMES, PAUSE, Peer, both_sides, run
from tests.support.gateway import running_gateway
from tests.support.postgres import SampleDatabase

EXAMPLES = int(os.environ.get("PGCURFEW_EXAMPLES", "120"))
POLICY = """
[roles.guarded]
targets = ["bench"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "write"]
limits = { rows = 100_000, written_rows = 100_000, bytes = 100_000_000 }

[roles.guarded.relations]
"public.pgbench_accounts" = "write"
"public.pgbench_history" = "write"
"public.pgbench_tellers" = "write"
"""
WRITES = (
    "UPDATE pgbench_tellers SET tbalance = tbalance WHERE tid = 1",
    "UPDATE pgbench_tellers SET tbalance = tbalance WHERE tid <= 3 RETURNING tid",
    "DELETE FROM pgbench_tellers WHERE tid < 0",
    "INSERT INTO pgbench_history (tid) VALUES (-777)",
    "INSERT INTO pgbench_history (tid) VALUES (-777) RETURNING tid",
    "UPDATE pgbench_tellers SET tbalance = tbalance WHERE tid = 1 / 0",
    "INSERT INTO pgbench_tellers (tid, bid, tbalance) VALUES (1, 1, 0)",
    "SELECT tid FROM pgbench_tellers WHERE tid = 2",
)
STRINGS = (
    *WRITES,
    f"{WRITES[0]}; {WRITES[1]}",
    f"SELECT 1; {WRITES[1]}; SELECT 2",
    f"{WRITES[0]}; SELECT 1/0; {WRITES[1]}",
    f"{WRITES[0]}; {WRITES[6]}",
    "PREPARE w AS UPDATE pgbench_tellers SET tbalance = tbalance WHERE tid = 1",
    "EXECUTE w",
)
writes = st.sampled_from(STRINGS).map(lambda sql: (Query(sql),))
bound = st.builds(run, NAMES, NAMES, st.sampled_from(WRITES), st.just(0))
ends = st.sampled_from([(Sync(),), (Sync(), PAUSE), (PAUSE,)])
conversations = st.lists(
    st.one_of(writes, bound, ends, wire.messages.map(lambda one: (one,)), wire.copies), max_size=9
).map(lambda parts: [message for part in parts for message in part])


@pytest.fixture(scope="module")
def peers(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, Peer]]:
    folder = tmp_path_factory.mktemp("guarded")
    with (
        running_gateway(sample_database, folder, policy=POLICY) as gateway,
        both_sides(gateway, sample_database, "guarded") as both,
    ):
        yield both


UPDATE = WRITES[0]
COPY = "COPY pgbench_history (tid) FROM STDIN"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(conversation=conversations)
@example([*run("", "", UPDATE, 0), Sync(), *run("", "", UPDATE, 0), Sync(), Query("COMMIT")])
@example([*run("a", "b", UPDATE, 0), Execute("b"), *run("", "", "SELECT 1", 0), Sync()])
@example([Query("BEGIN"), *run("", "", UPDATE, 0), Sync(), Query(UPDATE), Query("COMMIT"), Query("SELECT 1")])
@example([Parse("", COPY), Bind("", ""), Execute(""), Sync(), PAUSE, CopyDone()])
@example([Parse("", "SELECT 1"), Query(UPDATE)])
@example([*run("", "", UPDATE, 0), Query("")])
@example([Query("SELECT 1"), CopyDone(), Query(UPDATE)])
@example([*run("", "", UPDATE, 0), Sync(), Bind("", ""), Sync()])
@example([*run("", "", UPDATE, 0), Query("SELEC 1")])
@example([Parse("", COPY), Bind("", ""), Execute(""), Sync(), PAUSE, CopyData(b"wrong"), CopyDone(), Query("")])
@example([*run("", "", WRITES[5], 0), Query(""), PAUSE])
def test_the_same_answers_in_the_same_order(peers: tuple[Peer, Peer], conversation: list[Any]) -> None:
    through, straight = (peer.answers(conversation) for peer in peers)
    # What cannot be counted is refused in our own words.
    assume(not any(words in str(answer) for answer in through for words in ("cannot share", "in pages")))
    assert through == straight
