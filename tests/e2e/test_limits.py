"""What a role may read and write at a time: a visible stop, and nothing kept of a write that is too large."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import asyncpg
import httpx
import psycopg
import pytest

from protocol.backend import ErrorResponse
from protocol.frontend import Bind, Execute, Query, Sync
from tests.e2e.test_wire import logged_in
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

POLICY = """
[roles.limited]
targets = ["bench"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "write", "truncate"]
require_where = false
limits = { rows = 100, bytes = 50_000, session_rows = 400, written_rows = 5, transaction = "3s" }

[roles.limited.relations]
"public.pgbench_accounts" = "write"
"public.pgbench_history" = "write"
"public.pgbench_tellers" = "read"
"""
ACCOUNTS = "FROM pgbench_accounts"


@pytest.fixture(scope="module")
def limiting(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(sample_database, tmp_path_factory.mktemp("limits"), policy=POLICY) as found:
        yield found
    sample_database.postgres.run("TRUNCATE public.pgbench_history", "bench")


@pytest.fixture(scope="module")
def given(limiting: RunningGateway) -> Given:
    return limiting.give("limited", target="bench")


def connect(gateway: RunningGateway, given: Given, *, autocommit: bool = True) -> psycopg.Connection:
    return psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=autocommit)


def balances(gateway: RunningGateway) -> str:
    return gateway.database.postgres.run("SELECT sum(abalance) FROM pgbench_accounts", "bench")


# reading


def test_as_many_rows_as_may_be_pass_and_one_more_is_an_error(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given) as session:
        assert len(session.execute(f"SELECT aid {ACCOUNTS} LIMIT 100").fetchall()) == 100
        with pytest.raises(psycopg.errors.ProgramLimitExceeded) as told:
            session.execute(f"SELECT aid {ACCOUNTS} LIMIT 101")
        assert "more than 100 rows" in str(told.value)
        assert "LIMIT" in str(told.value.diag.message_hint)
        assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("sql", [f"SELECT aid {ACCOUNTS} LIMIT 101", f"SELECT * {ACCOUNTS}, pgbench_tellers"])
def test_psql_sees_the_rows_before_the_error(limiting: RunningGateway, given: Given, sql: str) -> None:
    done = limiting.psql(given, f"{sql};\nSELECT 'goes on';", "-At", "--set", "FETCH_COUNT=10")
    assert "more than 100 rows" in done.text
    assert "goes on" in done.text
    assert 90 < len(done.out.splitlines()) <= 101  # psql shows rows ten by ten


def test_a_large_result_stops_early(limiting: RunningGateway, given: Given) -> None:
    """A result that would take minutes ends when the limit is reached."""
    with connect(limiting, given) as session, pytest.raises(psycopg.errors.ProgramLimitExceeded):
        session.execute("SELECT generate_series(1, 2000000000)")


def test_bytes_are_counted_too(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given) as session:
        assert session.execute("SELECT repeat('x', 49000)").fetchone() is not None
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="50,000 bytes"):
            session.execute("SELECT repeat('x', 60000)")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="50,000 bytes"):
            session.execute("SELECT repeat('x', 20000) FROM generate_series(1, 5)")


def test_copy_out_is_counted(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given) as session:
        with session.cursor().copy(f"COPY (SELECT aid {ACCOUNTS} LIMIT 100) TO STDOUT") as copy:
            assert len(list(copy.rows())) == 100
        with (
            pytest.raises(psycopg.errors.ProgramLimitExceeded),
            session.cursor().copy(f"COPY (SELECT aid {ACCOUNTS} LIMIT 101) TO STDOUT") as copy,
        ):
            list(copy.rows())


def test_pages_of_a_cursor_are_one_result(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given, autocommit=False) as session:
        session.execute(f"DECLARE c CURSOR FOR SELECT aid {ACCOUNTS}")
        assert len(session.execute("FETCH 60 FROM c").fetchall()) == 60
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            session.execute("FETCH 60 FROM c")
        session.rollback()
        assert session.execute("SELECT 1").fetchone() == (1,)


async def test_pages_of_a_portal_are_one_result(limiting: RunningGateway, given: Given) -> None:
    session = await limiting.connect(given)
    async with session.transaction():
        cursor = await session.cursor(f"SELECT aid {ACCOUNTS}")
        assert len(await cursor.fetch(60)) == 60
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await cursor.fetch(60)
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await session.execute("SELECT 1")
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            raise asyncpg.InFailedSQLTransactionError
    await session.close()


def test_an_error_in_a_transaction_fails_it(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given, autocommit=False) as session:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            session.execute(f"SELECT aid {ACCOUNTS} LIMIT 101")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            session.execute("SELECT 1")
        session.rollback()
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_session_has_a_limit_of_its_own(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given) as session:
        for _ in range(4):
            session.execute(f"SELECT aid {ACCOUNTS} LIMIT 100")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="this session has read 400 rows"):
            session.execute("SELECT 1")
    with connect(limiting, given) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_what_cannot_be_told_by_itself_ends_the_session(limiting: RunningGateway, given: Given) -> None:
    before = balances(limiting)
    with connect(limiting, given) as session, pytest.raises(psycopg.errors.ProgramLimitExceeded):
        session.execute(f"SELECT aid {ACCOUNTS} LIMIT 101; UPDATE pgbench_accounts SET abalance = 99 WHERE aid = 1")
    assert balances(limiting) == before


# writing


@pytest.mark.parametrize("prepare", [False, True])
def test_a_write_within_the_limit_is_kept(limiting: RunningGateway, given: Given, prepare: bool) -> None:
    with connect(limiting, given) as session:
        for delta in (5, -5):
            sql = "UPDATE pgbench_accounts SET abalance = abalance + %s WHERE aid <= 5"
            done = session.execute(sql, [delta], prepare=prepare)
            assert done.rowcount == 5
            assert session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            if delta > 0:
                assert (
                    limiting.database.postgres.run("SELECT sum(abalance) FROM pgbench_accounts WHERE aid <= 5", "bench")
                    == "25"
                )


WRITES = [
    "UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6",
    "UPDATE pgbench_accounts SET abalance = 77",
    "UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6 RETURNING aid",
    "DELETE FROM pgbench_accounts WHERE aid <= 6",
    "INSERT INTO pgbench_history (tid) SELECT 777 FROM generate_series(1, 6)",
    "SELECT 1; UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6",
    "UPDATE pgbench_accounts SET abalance = 76 WHERE aid = 1; DELETE FROM pgbench_accounts WHERE aid <= 6",
    "UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6; SELECT 1",
    "BEGIN; UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6; COMMIT",
    "UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6; COMMIT",
    "WITH w AS (UPDATE pgbench_accounts SET abalance = 77 RETURNING 1) SELECT count(*) FROM w",
    "EXPLAIN ANALYZE UPDATE pgbench_accounts SET abalance = 77",
    "TRUNCATE pgbench_history",
    "PREPARE w AS UPDATE pgbench_accounts SET abalance = 77; EXECUTE w",
]


def state(gateway: RunningGateway) -> str:
    return gateway.database.postgres.run(
        "SELECT (SELECT sum(abalance) || ' ' || count(*) FROM pgbench_accounts) || ' ' || "
        "(SELECT count(*) FROM pgbench_history WHERE tid = 777)",
        "bench",
    )


@pytest.mark.parametrize("sql", WRITES)
def test_nothing_is_kept_of_a_larger_write(limiting: RunningGateway, given: Given, sql: str) -> None:
    refused_without_a_trace(limiting, given, sql, prepare=False)


@pytest.mark.parametrize("sql", [sql for sql in WRITES if ";" not in sql])
def test_nor_in_the_extended_protocol(limiting: RunningGateway, given: Given, sql: str) -> None:
    refused_without_a_trace(limiting, given, sql, prepare=True)


def refused_without_a_trace(gateway: RunningGateway, given: Given, sql: str, *, prepare: bool) -> None:
    before = state(gateway)
    with connect(gateway, given) as session:
        with pytest.raises(psycopg.Error) as told:
            session.execute(sql, prepare=prepare)
        assert told.value.sqlstate in ("54000", "42501", "0A000")
        # What could not be told by itself has ended the session; any other goes on.
        assert session.closed or session.execute("SELECT 1").fetchone() == (1,)
    assert state(gateway) == before


def test_a_larger_write_fails_the_transaction_around_it(limiting: RunningGateway, given: Given) -> None:
    before = state(limiting)
    with connect(limiting, given, autocommit=False) as session:
        session.execute("UPDATE pgbench_accounts SET abalance = 1 WHERE aid = 1")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            session.execute("UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            session.execute("SELECT 1")
        session.commit()
    assert state(limiting) == before


async def test_a_write_is_not_run_in_pages(limiting: RunningGateway, given: Given) -> None:
    """PostgreSQL would have written all of it before the first page, and would not say how much."""
    before = state(limiting)
    session = await limiting.connect(given)
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="in pages"):
        await session.fetchrow("UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6 RETURNING aid")
    with pytest.raises(asyncpg.ProgramLimitExceededError):
        await session.fetch("UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6 RETURNING aid")
    await session.close()
    assert state(limiting) == before


def test_savepoints_take_a_larger_write_back(limiting: RunningGateway, given: Given) -> None:
    before = state(limiting)
    with connect(limiting, given, autocommit=False) as session:
        session.execute("SAVEPOINT s")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            session.execute("UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6")
        session.execute("ROLLBACK TO s")
        assert session.execute("SELECT 1").fetchone() == (1,)
        session.rollback()
    assert state(limiting) == before


@pytest.mark.parametrize("rows", [5, 6])
def test_copy_in_is_counted(limiting: RunningGateway, given: Given, rows: int) -> None:
    before = state(limiting)
    with connect(limiting, given) as session:

        def copy() -> None:
            with session.cursor().copy("COPY pgbench_history (tid) FROM STDIN") as into:
                for _ in range(rows):
                    into.write_row((777,))

        if rows > 5:
            with pytest.raises(psycopg.errors.ProgramLimitExceeded):
                copy()
            assert state(limiting) == before
        else:
            copy()
            assert state(limiting) != before
        session.execute("SELECT 1")


def test_a_pipeline_is_counted(limiting: RunningGateway, given: Given) -> None:
    before = state(limiting)

    def write() -> None:
        with connect(limiting, given, autocommit=False) as session, session.pipeline():
            session.execute("UPDATE pgbench_accounts SET abalance = 77 WHERE aid <= 6")
            session.commit()

    with pytest.raises(psycopg.Error):
        write()
    assert state(limiting) == before


def test_many_small_writes_in_a_pipeline(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given) as session:
        with session.pipeline():
            for delta in (3, -3, 4, -4):
                session.execute("UPDATE pgbench_accounts SET abalance = abalance + %s WHERE aid = 1", [delta])
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_executemany(limiting: RunningGateway, given: Given) -> None:
    before = state(limiting)
    with connect(limiting, given) as session:
        sql = "UPDATE pgbench_accounts SET abalance = abalance + %s WHERE aid = 1"
        session.cursor().executemany(sql, [[n] for n in (1, 2, 3, -6)])
    assert state(limiting) == before


def test_a_goodbye_right_after_a_write_keeps_it(limiting: RunningGateway, given: Given) -> None:
    done = limiting.psql(given, "UPDATE pgbench_accounts SET abalance = 5 WHERE aid = 2", "-q")
    assert done.text == ""
    assert limiting.database.postgres.run("SELECT abalance FROM pgbench_accounts WHERE aid = 2", "bench") == "5"
    limiting.psql(given, "UPDATE pgbench_accounts SET abalance = 0 WHERE aid = 2", "-q")


# time


async def test_a_transaction_ends_with_its_time(limiting: RunningGateway, given: Given) -> None:
    session = await limiting.connect(given)
    await session.execute("BEGIN")
    began = time.monotonic()
    told = asyncio.get_running_loop().create_future()
    session.add_termination_listener(lambda _: told.set_result(None))
    session.add_log_listener(lambda *_: None)
    await asyncio.wait_for(told, 20)
    assert time.monotonic() - began > 2.5


def test_a_long_statement_is_a_long_transaction(limiting: RunningGateway, given: Given) -> None:
    done = limiting.psql(given, "SELECT pg_sleep(60)")
    assert "transaction timeout" in done.text


# the record


def test_the_record_and_the_metrics_name_the_limit(limiting: RunningGateway, given: Given) -> None:
    with connect(limiting, given) as session, pytest.raises(psycopg.errors.ProgramLimitExceeded):
        session.execute(f"SELECT aid {ACCOUNTS} LIMIT 101")
    told = httpx.get(f"http://127.0.0.1:{limiting.stage.ports.metrics}/metrics").text
    assert 'pgcurfew_limits_reached_total{limit="rows"}' in told


def test_a_write_that_sql_prepared_and_the_protocol_runs_is_counted_before_it_counts(
    limiting: RunningGateway, given: Given
) -> None:
    before = balances(limiting)
    with logged_in(limiting, given) as client:
        client.send(Query("PREPARE w AS UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid < 100"))
        client.until_ready()
        for messages in ((Bind("", "w"), Execute(""), Sync()), (Query("EXECUTE w"),)):
            client.send(*messages)
            heard = client.until_ready()
            assert [one.fields["C"] for one in heard if isinstance(one, ErrorResponse)] == ["54000"]
            assert balances(limiting) == before
        client.send(Query("PREPARE few AS UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 1"))
        client.until_ready()
        client.send(Query("BEGIN"), Bind("", "few"), Execute(""), Sync(), Query("ROLLBACK"))
        for _ in range(3):
            assert not [one for one in client.until_ready() if isinstance(one, ErrorResponse)]
    assert balances(limiting) == before
