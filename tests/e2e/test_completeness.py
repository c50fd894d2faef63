"""Events recorded ÷ statements that reached PostgreSQL, as PostgreSQL's own log counts them: 1.0, whatever is sent and
whoever is killed; and none reached it before its event was written."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from protocol.frontend import Bind, Close, Describe, Execute, Flush, FunctionCall, Parse, Query, Sync
from tests.e2e.test_differential_wire import PAUSE, conversations, heard_until
from tests.support.completeness import Counted, compare, first_words
from tests.support.gateway import Given, RunningGateway
from tests.support.record import Told, sessions_told
from tests.support.server_log import Line, everything_logged
from tests.support.wire import RawClient, encrypted

HISTORY = "INSERT INTO pgbench_history (tid, bid, aid, delta, filler) VALUES"
#: Of each kind of client.
ROUNDS = 8
CLIENTS = 3
#: Conversations that are drawn.
EXAMPLES = int(os.environ.get("PGCURFEW_EXAMPLES", "60"))

Form = Callable[[psycopg.Connection, Iterator[str]], None]


def simple(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    connection.execute(f"SELECT '{next(marks)}', count(*) FROM pgbench_branches")
    connection.execute(f"{HISTORY} (1, 1, 1, 1, '{next(marks)}')")
    connection.execute(f"EXPLAIN SELECT '{next(marks)}', bid FROM pgbench_branches")


def several(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    connection.execute(f"SELECT '{next(marks)}'; SELECT '{next(marks)}' FROM pgbench_tellers; SELECT '{next(marks)}'")


def several_that_fail(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    with pytest.raises(psycopg.Error):
        connection.execute(f"SELECT '{next(marks)}'; SELECT '{next(marks)}', 1/(bid - bid) FROM pgbench_branches")


def parameters(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    for binary in (False, True):
        connection.execute("SELECT %t::text || bid FROM pgbench_branches", (next(marks),), binary=binary)
    connection.execute("SELECT %b::text, %b::int4", (next(marks), 7), prepare=True)


def pipeline(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    with suppress(psycopg.Error), connection.pipeline():
        for number in range(4):
            connection.execute("SELECT %s::text, 1/%s::int4", (next(marks), 2 - number))


def by_sql(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    name = next(marks).replace("m", "q")
    connection.execute(f"PREPARE {name} (text) AS SELECT $1, '{next(marks)}' FROM pgbench_branches")
    connection.execute(f"EXECUTE {name}('{next(marks)}')")
    connection.execute(f"EXPLAIN EXECUTE {name}('{next(marks)}')")
    connection.execute(f"DEALLOCATE {name}")


def cursors(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    name = next(marks)
    connection.execute("BEGIN")
    connection.execute(f"DECLARE {name} SCROLL CURSOR FOR SELECT tid FROM pgbench_tellers")
    connection.execute(f"FETCH 3 FROM {name}")
    connection.execute(f"MOVE 2 IN {name}")
    connection.execute(f"FETCH BACKWARD 1 FROM {name}")
    connection.execute(f"CLOSE {name}")
    connection.execute("COMMIT")


def blocks(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    name = next(marks)
    connection.execute("BEGIN")
    connection.execute(f"SAVEPOINT {name}")
    with pytest.raises(psycopg.Error):
        connection.execute(f"SELECT '{next(marks)}'::int")
    connection.execute(f"ROLLBACK TO {name}")
    connection.execute("ROLLBACK")


def copies(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT '{next(marks)}', tid FROM pgbench_tellers) TO STDOUT") as out:
            list(out)
        said = "COPY pgbench_history (tid, bid, aid, delta) FROM STDIN WITH (NULL '{}')"
        with cursor.copy(said.format(next(marks))) as copy:
            copy.write_row((1, 1, 1, 1))
        with pytest.raises(psycopg.Error), cursor.copy(said.format(next(marks))) as copy:
            copy.write(b"no number\t1\t1\t1\n")


def refused(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    for sql in (
        f"DROP TABLE {next(marks)}",
        f"SELECT '{next(marks)}'; CREATE TABLE x ()",
        f"SELECT FROM {next(marks)}",
    ):
        with pytest.raises(psycopg.Error):
            connection.execute(sql)
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT pg_read_file(%s)", (next(marks),))


def cancelled(connection: psycopg.Connection, marks: Iterator[str]) -> None:
    timer = threading.Timer(0.1, connection.cancel)
    timer.start()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute(f"SELECT '{next(marks)}', count(*) FROM generate_series(1, 1000000000)")
    timer.join()


FORMS: list[Form] = [simple, several, several_that_fail, parameters, pipeline, by_sql, cursors, blocks, copies, refused]


def with_psycopg(gateway: RunningGateway, given: Given, marks: Iterator[str], seed: int) -> None:
    order = random.Random(seed)
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        for form in [form for _ in range(ROUNDS // 4) for form in order.sample(FORMS, len(FORMS))]:
            form(connection, marks)
        cancelled(connection, marks)


def with_asyncpg(gateway: RunningGateway, given: Given, marks: Iterator[str]) -> None:
    async def run() -> None:
        connection = await gateway.connect(given)
        for number in range(ROUNDS):
            statement = await connection.prepare(f"SELECT '{next(marks)}', tid FROM pgbench_tellers WHERE tid < $1")
            await statement.fetch(number)
            await connection.executemany(f"{HISTORY} (1, 1, 1, $1, $2)", [(number, next(marks)), (number, next(marks))])
            async with connection.transaction():
                async for _ in connection.cursor("SELECT tid, $1::text FROM pgbench_tellers", next(marks), prefetch=3):
                    pass
        await connection.close()

    asyncio.run(run())


def raw(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": given.person, "database": given.target})
    assert not client.refusal
    return client


def with_frames(gateway: RunningGateway, given: Given, marks: Iterator[str]) -> None:
    """What no driver does: pages of portals, binds that are never run, batches that fail in the middle."""
    text = "SELECT $1::text, tid, 1/$2::int4 FROM pgbench_tellers"
    with raw(gateway, given) as client:
        for _ in range(ROUNDS):
            client.send(Parse("s", text), Describe("S", "s"), Sync())
            client.until_ready()
            client.send(
                Bind("p", "s", (0, 1), (next(marks).encode(), b"\0\0\0\1")),
                Execute("p", 4), Execute("p", 4), Execute("p", 0), Sync(),
            )  # fmt: skip
            client.until_ready()
            client.send(Bind("", "s", (0,), (next(marks).encode(), b"1")), Flush())
            client.receive()
            client.send(Execute(""), Sync())
            client.until_ready()
            client.send(Bind("", "s", (0,), (next(marks).encode(), b"x")), Execute(""), Close("S", "s"), Sync())
            client.until_ready()
            client.send(Close("S", "s"), Sync(), FunctionCall(2), Query(""), Query(f"SELECT '{next(marks)}'"))
            for _ in range(4):
                client.until_ready()


def vanishing(gateway: RunningGateway, given: Given, marks: Iterator[str]) -> None:
    """Clients that are gone in the middle of what they asked for."""
    for number in range(ROUNDS // 2):
        client = raw(gateway, given)
        client.send(Query(f"SELECT '{next(marks)}'"), Query(f"SELECT '{next(marks)}', pg_sleep(0.05 * {number})"))
        client.send(Parse("", "SELECT $1::text"), Bind("", "", values=(next(marks).encode(),)), Execute(""), Sync())
        time.sleep(0.02 * (number % 3))
        client.sock.shutdown(socket.SHUT_RDWR)
        client.sock.close()


@dataclass(frozen=True, slots=True)
class Load:
    """What the two tell of the same time: the record of the clients that said goodbye, and of those that vanished."""

    orderly: list[list[Told]]
    torn: list[list[Told]]
    lines: list[Line]

    @property
    def counted(self) -> tuple[Counted, Counted]:
        return compare(self.orderly, self.lines), compare(self.torn, self.lines)


@pytest.fixture(scope="module")
def load(gateway: RunningGateway) -> Load:
    """Every form, mixed, from many clients at once; apart, clients that vanish in the middle."""
    marks = map("m_{}".format, itertools.count(1000))
    orderly, torn = gateway.give("bench", target="bench"), gateway.give("bench", target="bench")
    with everything_logged(gateway.database.postgres) as log:
        with ThreadPoolExecutor(16) as clients:
            done = [clients.submit(with_psycopg, gateway, orderly, marks, seed) for seed in range(CLIENTS)]
            done += [clients.submit(with_asyncpg, gateway, orderly, marks) for _ in range(CLIENTS)]
            done += [clients.submit(with_frames, gateway, orderly, marks) for _ in range(CLIENTS)]
            done += [clients.submit(vanishing, gateway, torn, marks) for _ in range(2)]
            for each in done:
                each.result()
        time.sleep(0.5)
    told = [events for events in sessions_told(gateway).values() if events[0]["target"] == "bench"]
    lines = log.lines()
    gateway.database.postgres.run("TRUNCATE public.pgbench_history", "bench")
    of = {given.grant: [events for events in told if events[0]["grant"] == given.grant] for given in (orderly, torn)}
    return Load(of[orderly.grant], of[torn.grant], lines)


def test_everything_that_reached_postgresql_is_recorded(
    load: Load, record_property: Callable[[str, object], None]
) -> None:
    whole, torn = load.counted
    reached, recorded = whole.reached + torn.reached, whole.recorded + torn.recorded
    record_property(
        "figure",
        f"completeness: {recorded} events recorded ÷ {reached} statements that reached PostgreSQL"
        f" = {recorded / reached:.4f}; {len(whole.late) + len(torn.late)} of them before their event was written",
    )
    assert whole.missing == torn.missing == ()
    assert reached > 500


def test_nothing_reached_postgresql_before_its_event_was_written(load: Load) -> None:
    assert [counted.late for counted in load.counted] == [(), ()]


def test_nothing_is_recorded_as_run_that_never_was(load: Load) -> None:
    """Apart from what PostgreSQL skipped, and what its client did not live to see."""
    assert load.counted[0].unheard == ()


def test_an_event_that_were_missing_or_late_would_be_noticed(load: Load) -> None:
    session = load.orderly[0]
    [told, *_] = [told for told in session if told["how"] == "execute" and "m_" in str(told.sealed)]
    assert len(compare([[one for one in session if one is not told]], load.lines).missing) >= 1
    later = replace(told, time=told.time + timedelta(seconds=9))
    assert len(compare([[later if one is told else one for one in session]], load.lines).late) >= 1


def converse(client: RawClient, conversation: list[Any]) -> bool:
    """Say all of it; does the client hear the end? If not, it was left waiting for itself (COPY), or thrown out."""
    client.sock.settimeout(0.4)
    waiting: list[Any] = [Query("ROLLBACK"), Query("DISCARD ALL")]
    try:
        for message in [*conversation, Sync(), Parse("", "thatsall"), Sync()]:
            if message is PAUSE:
                client.send(*waiting)
                waiting.clear()
                time.sleep(0.005)
            else:
                waiting.append(message)
        client.send(*waiting)
        heard_until(client, "thatsall")
    except (TimeoutError, EOFError, ConnectionError, ssl.SSLError):
        client.sock.close()
        return False
    return True


def test_whatever_is_said_is_recorded_and_as_it_came_out(gateway: RunningGateway) -> None:
    """Conversations that were drawn, almost none of them sensible: between those that ended well by the record and
    those that it does not call refused lie those that PostgreSQL heard of."""
    given_ = gateway.give("bench", target="bench")
    client: list[RawClient] = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(conversation=conversations)
    def talk(conversation: list[Any]) -> None:
        if not client:
            client.append(raw(gateway, given_))
        if not converse(client[0], conversation):
            client.clear()

    with everything_logged(gateway.database.postgres) as log:
        talk()
        for left in client:
            left.sock.close()
        time.sleep(0.7)
    gateway.database.postgres.run("TRUNCATE public.pgbench_history", "bench")
    told = [events for events in sessions_told(gateway).values() if events[0]["grant"] == given_.grant]
    done, reached, passed = first_words(told, log.lines())
    assert done - reached == Counter()
    assert reached - passed == Counter()
    assert reached.total() > EXAMPLES


def test_the_gateway_is_killed_and_everything_that_reached_postgresql_is_recorded(
    own_gateway: RunningGateway, record_property: Callable[[str, object], None]
) -> None:
    gateway = own_gateway
    marks = map("m_{}".format, itertools.count(100_000))
    given = gateway.give("bench", target="bench")

    def until_killed() -> None:
        with suppress(psycopg.Error), psycopg.connect(
            gateway.conninfo(given), password=given.token, autocommit=True
        ) as connection:  # fmt: skip
            while True:
                simple(connection, marks)
                parameters(connection, marks)

    with everything_logged(gateway.database.postgres) as log, ThreadPoolExecutor(6) as clients:
        done = [clients.submit(until_killed) for _ in range(6)]
        time.sleep(1.5)
        gateway.kill(signal.SIGKILL)
        for each in done:
            each.result(timeout=20)
        time.sleep(0.5)
    counted = compare(sessions_told(gateway).values(), log.lines())
    gateway.database.postgres.run("TRUNCATE public.pgbench_history", "bench")
    record_property(
        "figure",
        f"completeness, the gateway killed under load: {counted.recorded} ÷ {counted.reached} = {counted.figure:.4f}",
    )
    assert counted.missing == ()
    assert counted.late == ()
    assert counted.reached > 50
