"""SQLAlchemy 2 through the gateway, over psycopg and over asyncpg: reflection, reading, writing, bulk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine.reflection import Inspector, ObjectKind
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.ext.automap import automap_base

from tests.support.gateway import Given, RunningGateway


class Base(orm.DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "pgbench_accounts"

    aid: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    bid: orm.Mapped[int]
    abalance: orm.Mapped[int]
    filler: orm.Mapped[str | None]


def accounts(count: int) -> list[Account]:
    return [Account(aid=9_000_000 + n, bid=1, abalance=n, filler="x") for n in range(count)]


def url(gateway: RunningGateway, given: Given, driver: str) -> sa.URL:
    return sa.URL.create(f"postgresql+{driver}", given.person, given.token, "localhost", gateway.port, given.target)


@pytest.fixture(scope="module")
def engine(gateway: RunningGateway) -> Iterator[sa.Engine]:
    yield from engine_of(gateway, gateway.give())


@pytest.fixture(scope="module")
def writer(gateway: RunningGateway) -> Iterator[sa.Engine]:
    yield from engine_of(gateway, gateway.give("bench", target="bench"))


def engine_of(gateway: RunningGateway, given: Given) -> Iterator[sa.Engine]:
    engine = sa.create_engine(
        url(gateway, given, "psycopg"),
        connect_args={"sslmode": "verify-full", "sslrootcert": str(gateway.ca_file)},
    )
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def inspector(engine: sa.Engine) -> Inspector:
    return sa.inspect(engine)


@pytest.fixture(scope="module")
def customers(engine: sa.Engine) -> sa.Table:
    return sa.Table("customers", sa.MetaData(), autoload_with=engine)


# -- reflection ---------------------------------------------------------------------------------------


def test_the_inspector_names_what_there_is(inspector: Inspector) -> None:
    assert {"public", "sales"} <= set(inspector.get_schema_names())
    assert {"customers", "staff"} <= set(inspector.get_table_names())
    assert inspector.get_view_names() == ["customer_overview"]
    assert inspector.get_materialized_view_names() == []
    assert "customers_id_seq" in inspector.get_sequence_names()
    assert inspector.get_temp_table_names() == []
    assert inspector.has_table("customers")
    assert not inspector.has_table("nosuch")
    assert inspector.has_schema("sales")
    assert inspector.has_sequence("customers_id_seq")
    assert {enum["name"] for enum in inspector.get_enums()} >= {"customer_segment"}
    assert {domain["name"] for domain in inspector.get_domains()} == {"postal_code"}


def test_the_inspector_describes_a_table(inspector: Inspector) -> None:
    columns = {column["name"]: column for column in inspector.get_columns("customers")}
    assert columns["id"]["autoincrement"] is True
    assert columns["segment"]["type"].enums == ["private", "business", "reseller", "vip"]
    assert inspector.get_pk_constraint("customers")["constrained_columns"] == ["id"]
    assert inspector.get_foreign_keys("orders", schema="sales")[0]["referred_table"] == "customers"
    assert {index["name"] for index in inspector.get_indexes("customers")} >= {"customers_created_at_idx"}
    assert inspector.get_unique_constraints("customers")[0]["column_names"] == ["email"]
    assert inspector.get_table_comment("customers") == {"text": "People and firms who buy from us"}
    assert inspector.get_table_options("customers") == {}
    assert "FROM" in inspector.get_view_definition("customer_overview")


def test_the_inspector_describes_a_whole_schema(inspector: Inspector) -> None:
    checks = inspector.get_multi_check_constraints(schema="sales")
    assert any("***" in check["sqltext"] for found in checks.values() for check in found), "literals are struck"
    for ask in (
        inspector.get_multi_columns,
        inspector.get_multi_pk_constraint,
        inspector.get_multi_foreign_keys,
        inspector.get_multi_indexes,
        inspector.get_multi_unique_constraints,
        inspector.get_multi_table_comment,
        inspector.get_multi_table_options,
    ):
        assert ("sales", "orders") in ask(schema="sales", kind=ObjectKind.ANY)


def test_metadata_reflects_the_schema(engine: sa.Engine) -> None:
    metadata = sa.MetaData()
    metadata.reflect(engine, views=True)
    metadata.reflect(engine, schema="sales")
    assert {"customers", "customer_overview", "sales.orders", "sales.payments_2025_10"} <= set(metadata.tables)
    [key] = metadata.tables["sales.orders"].foreign_keys
    assert key.column.table.name == "customers"


def test_automap_maps_and_reads(engine: sa.Engine) -> None:
    base = automap_base()
    base.prepare(engine)
    with orm.Session(engine) as session:
        first = session.scalars(sa.select(base.classes.customers).order_by("id").limit(1)).one()
        assert "***@" in first.email
        tickets = session.scalars(sa.select(base.classes.support_tickets).limit(5)).all()
        assert all(ticket.customers.id == ticket.customer_id for ticket in tickets)


# -- reading ------------------------------------------------------------------------------------------


def test_a_select_shows_masks_in_the_columns_own_types(engine: sa.Engine, customers: sa.Table) -> None:
    with orm.Session(engine) as session:
        row = session.execute(sa.select(customers).order_by(customers.c.id).limit(1)).one()
    assert row.id == 1
    assert row.full_name.endswith("***")
    assert "***@" in row.email
    assert isinstance(row.date_of_birth, date)
    assert (row.date_of_birth.month, row.date_of_birth.day) == (1, 1)
    assert row.preferences is None


def test_isolation_levels_and_autocommit(engine: sa.Engine, customers: sa.Table) -> None:
    counting = sa.select(sa.func.count()).select_from(customers)
    options: list[dict[str, Any]] = [
        {"isolation_level": "REPEATABLE READ"},
        {"isolation_level": "SERIALIZABLE"},
        {"isolation_level": "AUTOCOMMIT"},
    ]
    for option in options:
        with engine.connect().execution_options(**option) as connection:
            assert connection.get_isolation_level() == option["isolation_level"].replace("AUTOCOMMIT", "READ COMMITTED")
            assert connection.scalar(counting) == connection.scalar(counting)


def test_a_server_side_cursor_streams(engine: sa.Engine, customers: sa.Table) -> None:
    with engine.connect().execution_options(stream_results=True, yield_per=50) as connection:
        numbers = [row.id for row in connection.execute(sa.select(customers.c.id).order_by(customers.c.id))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 50


def test_ddl_is_refused_with_a_hint(writer: sa.Engine) -> None:
    metadata = sa.MetaData()
    sa.Table("brand_new", metadata, sa.Column("id", sa.Integer, primary_key=True))
    with pytest.raises(ProgrammingError, match="CREATE TABLE is not permitted"):
        metadata.create_all(writer)


# -- writing ------------------------------------------------------------------------------------------


def test_bulk_writes(writer: sa.Engine) -> None:
    history = sa.Table("pgbench_history", sa.MetaData(), autoload_with=writer)
    mine = history.c.delta == -10070
    with writer.connect() as connection:
        connection.execute(sa.insert(history), [{"tid": 1, "bid": 1, "aid": n, "delta": -10070} for n in range(2500)])
        assert connection.scalar(sa.select(sa.func.count()).where(mine)) == 2500
        rows = [{"tid": 1, "bid": 1, "aid": n, "delta": -10080} for n in range(50)]
        assert len(connection.execute(sa.insert(history).returning(history.c.aid), rows).all()) == 50
        assert connection.execute(sa.update(history).where(mine).values(delta=-10071)).rowcount == 2500
        with connection.begin_nested() as savepoint:
            connection.execute(sa.delete(history).where(history.c.delta == -10080))
            savepoint.rollback()
        assert connection.execute(sa.delete(history).where(history.c.delta == -10080)).rowcount == 50
        connection.rollback()
        assert connection.scalar(sa.select(sa.func.count()).where(mine)) == 0


def test_upserts(writer: sa.Engine) -> None:
    upsert = insert(Account).values(aid=1, bid=1, abalance=5)
    upsert = upsert.on_conflict_do_update(index_elements=[Account.aid], set_={"abalance": upsert.excluded.abalance})
    with orm.Session(writer) as session:
        assert session.scalar(upsert.returning(Account.abalance)) == 5
        session.rollback()


def test_a_unit_of_work(writer: sa.Engine) -> None:
    with orm.Session(writer) as session:
        session.add_all(accounts(300))
        session.flush()
        account = session.get_one(Account, 9_000_003)
        account.abalance = 77
        session.flush()
        session.refresh(account, with_for_update=True)
        assert account.abalance == 77
        session.execute(sa.update(Account), [{"aid": 9_000_000 + n, "abalance": 1} for n in range(10)])
        session.delete(account)
        session.flush()
        assert session.scalar(sa.select(sa.func.count()).where(Account.aid >= 9_000_000)) == 299
        session.rollback()


# -- the same over asyncpg ----------------------------------------------------------------------------


async def async_engine_of(gateway: RunningGateway, given: Given) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url(gateway, given, "asyncpg"), connect_args={"ssl": gateway.tls})
    yield engine
    await engine.dispose()


@pytest.fixture
async def async_engine(gateway: RunningGateway) -> AsyncIterator[AsyncEngine]:
    async for engine in async_engine_of(gateway, gateway.give()):
        yield engine


@pytest.fixture
async def async_writer(gateway: RunningGateway) -> AsyncIterator[AsyncEngine]:
    async for engine in async_engine_of(gateway, gateway.give("bench", target="bench")):
        yield engine


async def test_asyncpg_reflects_and_reads(async_engine: AsyncEngine) -> None:
    metadata = sa.MetaData()

    def reflect(connection: sa.Connection) -> None:
        metadata.reflect(connection, views=True)
        metadata.reflect(connection, schema="sales")

    async with async_engine.connect() as connection:
        await connection.run_sync(reflect)
        customers = metadata.tables["customers"]
        row = (await connection.execute(sa.select(customers).order_by(customers.c.id).limit(1))).one()
    assert {"customer_overview", "sales.orders", "sales.payments_2025_10"} <= set(metadata.tables)
    assert "***@" in row.email


async def test_asyncpg_writes_and_streams(async_writer: AsyncEngine) -> None:
    async with AsyncSession(async_writer) as session:
        session.add_all(accounts(300))
        await session.flush()
        counting = sa.select(sa.func.count()).where(Account.aid >= 9_000_000)
        assert await session.scalar(counting) == 300
        streamed = [row async for row in await session.stream(sa.select(Account.aid).limit(1000))]
        assert len(streamed) == 1000
        async with session.begin_nested() as savepoint:
            await session.execute(sa.delete(Account).where(Account.aid >= 9_000_000))
            await savepoint.rollback()
        assert await session.scalar(counting) == 300
        await session.rollback()


async def test_asyncpgs_transactions_of_its_own_level(async_engine: AsyncEngine) -> None:
    async with async_engine.connect() as connection:
        await connection.execution_options(isolation_level="SERIALIZABLE", postgresql_readonly=True)
        assert await connection.get_isolation_level() == "SERIALIZABLE"
        assert await connection.scalar(sa.text("SELECT 1")) == 1
