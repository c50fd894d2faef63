"""What the Python drivers can do beyond a query: async, pipelines, binary COPY, cursors, pools."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg import errors
from psycopg.rows import dict_row

from tests.support.gateway import Given, RunningGateway


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


@pytest.fixture(scope="module")
def writing(gateway: RunningGateway) -> Given:
    return gateway.give("bench", target="bench")


@pytest.fixture
def connection(gateway: RunningGateway, given: Given) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(gateway.conninfo(given), password=given.token) as opened:
        yield opened


@pytest.fixture
def writer(gateway: RunningGateway, writing: Given) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(gateway.conninfo(writing), password=writing.token) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
async def driver(gateway: RunningGateway, given: Given) -> AsyncIterator[Any]:
    opened = await gateway.connect(given)
    yield opened
    await opened.close()


@pytest.fixture
async def writing_driver(gateway: RunningGateway, writing: Given) -> AsyncIterator[Any]:
    opened = await gateway.connect(writing)
    transaction = opened.transaction()
    await transaction.start()
    yield opened
    await transaction.rollback()
    await opened.close()


# -- psycopg ------------------------------------------------------------------------------------------


async def test_psycopg_async(gateway: RunningGateway, given: Given) -> None:
    async with await psycopg.AsyncConnection.connect(
        gateway.conninfo(given), password=given.token, row_factory=dict_row
    ) as opened:
        found = await (await opened.execute("SELECT id, email FROM customers ORDER BY id LIMIT 1")).fetchone()
        assert found is not None
        assert "***@" in found["email"]
        async with opened.cursor("on_the_server") as cursor:
            await cursor.execute("SELECT id FROM customers ORDER BY id")
            assert [row["id"] async for row in cursor][:3] == [1, 2, 3]
        async with opened.pipeline():
            cursors = [await opened.execute("SELECT %s::int AS n", (n,)) for n in range(20)]
            assert [await cursor.fetchone() for cursor in cursors] == [{"n": n} for n in range(20)]


def test_a_scrollable_cursor(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor("there", scrollable=True) as cursor:
        cursor.execute("SELECT id FROM customers ORDER BY id")
        cursor.scroll(10)
        assert cursor.fetchone() == (11,)
        cursor.scroll(0, mode="absolute")
        assert cursor.fetchmany(2) == [(1,), (2,)]


def test_a_cursor_that_outlives_its_transaction(connection: psycopg.Connection[Any]) -> None:
    cursor = connection.cursor("held", withhold=True)
    cursor.execute("SELECT email FROM customers ORDER BY id")
    connection.commit()
    assert all("***@" in email for (email,) in cursor.fetchall())
    cursor.close()


def test_an_error_in_a_pipeline_aborts_what_follows_it(connection: psycopg.Connection[Any]) -> None:
    lost: list[psycopg.Cursor[Any]] = []
    with pytest.raises(errors.UndefinedColumn), connection.pipeline() as pipeline:  # noqa: PT012
        good = connection.execute("SELECT 1")
        connection.execute("SELECT nosuch FROM customers")
        # psycopg tells the error here already when the answer is quick, else at the sync.
        lost.append(connection.execute("SELECT 2"))
        pipeline.sync()
    assert good.fetchone() == (1,)
    for cursor in lost:
        with pytest.raises(psycopg.ProgrammingError):
            cursor.fetchone()
    connection.rollback()
    assert connection.execute("SELECT 3").fetchone() == (3,)


def test_prepared_statements_in_a_pipeline_of_batches(writer: psycopg.Connection[Any]) -> None:
    rows = [(1, 1, n, -10055) for n in range(1000)]
    with writer.cursor() as cursor:
        cursor.executemany("INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (%s, %s, %s, %s)", rows)
        assert cursor.rowcount == 1000
        cursor.executemany(
            "UPDATE pgbench_history SET tid = %s WHERE delta = -10055 AND aid = %s", [(2, n) for n in range(9)]
        )
        cursor.executemany("SELECT %s::int + 1", [(n,) for n in range(5)], returning=True)
        answers = [cursor.fetchone()]
        while cursor.nextset():
            answers.append(cursor.fetchone())
    assert answers == [(n + 1,) for n in range(5)]


def test_binary_copy_both_ways(writer: psycopg.Connection[Any]) -> None:
    with writer.cursor() as cursor:
        with cursor.copy("COPY pgbench_history (tid, bid, aid, delta) FROM STDIN (FORMAT binary)") as into:
            into.set_types(["int4", "int4", "int4", "int4"])
            for number in range(500):
                into.write_row((1, 1, number, -10066))
        with cursor.copy(
            "COPY (SELECT aid, delta FROM pgbench_history WHERE delta = -10066 ORDER BY aid) TO STDOUT (FORMAT binary)"
        ) as out:
            out.set_types(["int4", "int4"])
            rows = list(out.rows())
    assert rows == [(number, -10066) for number in range(500)]


def test_a_masked_table_in_binary_copy(connection: psycopg.Connection[Any]) -> None:
    columns = ["int8", "text", "date"]
    with connection.cursor().copy("COPY customers (id, email, date_of_birth) TO STDOUT (FORMAT binary)") as out:
        out.set_types(columns)
        rows = list(out.rows())
    assert all("***@" in email for _, email, _ in rows)
    assert {(born.month, born.day) for _, _, born in rows if isinstance(born, date)} == {(1, 1)}


def test_binary_and_text_say_the_same(connection: psycopg.Connection[Any]) -> None:
    sql = "SELECT id, full_name, email, date_of_birth, street, preferences, created_at FROM customers ORDER BY id"
    text, binary = (connection.cursor(binary=binary).execute(sql).fetchall() for binary in (False, True))
    assert text == binary


def test_listening_is_for_roles_that_may(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute("LISTEN somewhere")


# -- asyncpg ------------------------------------------------------------------------------------------


async def test_executemany(writing_driver: Any) -> None:
    insert = "INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES ($1, $2, $3, $4)"
    await writing_driver.executemany(insert, [(1, 1, number, -10077) for number in range(1000)])
    assert await writing_driver.fetchval("SELECT count(*) FROM pgbench_history WHERE delta = -10077") == 1000
    branches = "INSERT INTO pgbench_branches (bid, bbalance) VALUES ($1, 0)"
    savepoint = writing_driver.transaction()
    await savepoint.start()
    with pytest.raises(asyncpg.UniqueViolationError):
        await writing_driver.executemany(branches, [(1000,), (1,), (1001,)])
    await savepoint.rollback()
    assert await writing_driver.fetchval("SELECT count(*) FROM pgbench_branches WHERE bid >= 1000") == 0


async def test_copy_records_to_a_table(writing_driver: Any) -> None:
    columns = ["tid", "bid", "aid", "delta"]
    records = [(1, 1, number, -10088) for number in range(1000)]
    assert (
        await writing_driver.copy_records_to_table("pgbench_history", records=records, columns=columns) == "COPY 1000"
    )
    out = io.BytesIO()
    text = "SELECT aid FROM pgbench_history WHERE delta = $1 ORDER BY aid LIMIT 3"
    await writing_driver.copy_from_query(text, -10088, output=out, format="csv", header=True)
    assert out.getvalue() == b"aid\n0\n1\n2\n"
    table = io.BytesIO(b"1,1,5,-89\n1,1,6,-89\n")
    copied = await writing_driver.copy_to_table("pgbench_history", source=table, columns=columns, format="csv")
    assert copied == "COPY 2"


async def test_copy_from_a_masked_table(driver: Any) -> None:
    out = io.BytesIO()
    await driver.copy_from_table("customers", columns=["id", "email"], output=out)
    lines = out.getvalue().decode().splitlines()
    assert len(lines) == await driver.fetchval("SELECT count(*) FROM customers")
    assert all("***@" in line for line in lines)


async def test_prepared_statements_and_cursors(driver: Any) -> None:
    statement = await driver.prepare("SELECT id, email FROM customers WHERE id > $1 ORDER BY id")
    assert [a.name for a in statement.get_attributes()] == ["id", "email"]
    assert [p.name for p in statement.get_parameters()] == ["int8"]
    assert (await statement.fetchrow(4))["id"] == 5
    async with driver.transaction():
        cursor = await statement.cursor(10)
        assert [row["id"] for row in await cursor.fetch(3)] == [11, 12, 13]
        await cursor.forward(2)
        assert (await cursor.fetchrow())["id"] == 16
        seen = [row["id"] async for row in statement.cursor(0, prefetch=7)]
    assert seen[:20] == list(range(1, 21))
    assert "Plan" in (await statement.explain(1))[0]


async def test_types_that_need_introspection(driver: Any) -> None:
    row = await driver.fetchrow(
        "SELECT segment, postcode, tags FROM customers c JOIN support_tickets t ON t.customer_id = c.id"
    )
    assert row["segment"] in ("private", "business", "reseller", "vip")
    assert isinstance(row["tags"], list)
    assert await driver.fetchval("SELECT $1::public.customer_segment", "vip") == "vip"
    await driver.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=len)
    assert await driver.fetchval("SELECT '[1, 2]'::jsonb") == 6


async def test_a_pool_takes_back_what_a_session_did(gateway: RunningGateway, given: Given) -> None:
    async with asyncpg.create_pool(
        host="localhost", port=gateway.port, user=given.person, password=given.token, database=given.target,
        ssl=gateway.tls, min_size=1, max_size=1,
    ) as pool:  # fmt: skip
        async with pool.acquire() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await connection.execute("SET application_name = 'changed'")
            await connection.execute("DECLARE c CURSOR WITH HOLD FOR SELECT id FROM customers")
            path = await connection.fetchval("SHOW search_path")
            await connection.execute("SELECT set_config('search_path', '', false)")
        async with pool.acquire() as connection:
            assert await connection.fetchval("SELECT pg_backend_pid()") == pid
            assert await connection.fetchval("SHOW application_name") != "changed"
            assert await connection.fetchval("SHOW search_path") == path
            with pytest.raises(asyncpg.InvalidCursorNameError):
                await connection.execute("FETCH 1 FROM c")


async def test_isolation_of_its_own(driver: Any) -> None:
    async with driver.transaction(isolation="serializable", readonly=True, deferrable=True):
        assert await driver.fetchval("SHOW transaction_isolation") == "serializable"
        assert await driver.fetchval("SHOW transaction_read_only") == "on"
