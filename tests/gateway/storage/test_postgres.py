"""A store on a server: several gateways at once, a server that restarts, commits that are durable."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from config.secrets import SecretReference
from config.store import Store
from gateway.access.crowd import HouseLimits
from gateway.access.errors import AdmissionRefused, NotPossible
from gateway.access.models import RequestState
from gateway.access.store import StoreNotUsable, StoreUnavailable
from gateway.storage.opening import server_of
from gateway.storage.postgres import numbered
from tests.support.access import REASON, House
from tests.support.databases import opened
from tests.support.postgres import Postgres, running_postgres
from tests.support.store import DATABASE, postgres_store


@pytest.fixture
def server(postgres: Postgres, tmp_path: Path) -> Store:
    return postgres_store(postgres, tmp_path)


async def test_two_gateways_start_on_one_empty_store(server: Store) -> None:
    async def start() -> int:
        async with opened(server) as database:
            [row] = await database.read("SELECT version FROM pgcurfew_schema")
            return int(row["version"])

    versions = await asyncio.gather(*(start() for _ in range(4)))
    assert len(set(versions)) == 1
    assert versions[0] >= 1


async def test_two_approvals_at_one_instant_on_two_gateways_make_one_grant(server: Store) -> None:
    async with House.open(server) as here, House.open(server) as there:
        await here.populate()
        alice, bob, carol = [await here.person(name) for name in ("alice", "bob", "carol")]
        for _ in range(10):
            request = await here.access.ask(alice, target="shop", role="support", reason=REASON, seconds=600)
            results = await asyncio.gather(
                here.access.approve(bob, request.id), there.access.approve(carol, request.id), return_exceptions=True
            )
            assert sorted(isinstance(result, NotPossible) for result in results) == [False, True], results
            found = await here.store.request(request.id)
            assert found is not None
            assert found.state is RequestState.APPROVED
            [row] = await here.database.read("SELECT count(*) AS n FROM grants WHERE request = ?", [request.id])
            assert row["n"] == 1


async def test_nobody_comes_in_through_one_gateway_after_another_has_revoked(server: Store) -> None:
    async with House.open(server) as here, House.open(server) as there:
        await here.populate()
        there.access.renew(here.signer, limits=HouseLimits(per_grant=5))
        bob = await here.person("bob")
        for round_ in range(10):
            grant = await here.granted()
            text = (await here.access.mint(await here.person("alice"), grant)).text

            async def come_in(text: str = text) -> str:
                try:
                    admission = await there.access.admit(text, user="alice", database="shop", client="x")
                except AdmissionRefused as refused:
                    return refused.cause
                there.access.leave(admission)
                return "in"

            _, during = await asyncio.gather(
                here.access.revoke(bob, grant, reason=f"round {round_} is over"), come_in()
            )
            assert during in ("in", "grant-revoked")
            assert await come_in() == "grant-revoked"


async def test_a_server_that_restarts_is_used_again(tmp_path: Path) -> None:
    with running_postgres() as postgres:
        server = postgres_store(postgres, tmp_path)
        async with House.open(server) as house:
            await house.populate()
            before = await house.token()
            postgres.cluster.stop("immediate")
            with pytest.raises(StoreUnavailable):
                await house.granted()
            with pytest.raises(AdmissionRefused) as caught:
                await house.access.admit(before, user="alice", database="shop", client="x")
            assert (caught.value.cause, caught.value.sqlstate) == ("unavailable", "57P03")
            postgres.cluster.start()
            await house.access.admit(before, user="alice", database="shop", client="x")
            assert await house.store.grant(await house.granted()) is not None


async def test_a_commit_that_was_not_answered_is_asked_after(server: Store, postgres: Postgres) -> None:
    """The server ends the connection as it commits: what happened is what is reported."""
    slow = """
        CREATE TABLE slow (x bigint);
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait();"""
    async with opened(server) as database:
        postgres.run(slow + "GRANT ALL ON slow TO store_keeper", DATABASE)

        async def cut() -> None:
            ended = "f"
            while ended != "t":
                await asyncio.sleep(0.05)
                ended = await asyncio.to_thread(
                    postgres.run,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    f"WHERE datname = '{DATABASE}' AND query LIKE 'NOTIFY%COMMIT' AND state = 'active'",
                )

        task = asyncio.create_task(cut())
        with pytest.raises(StoreUnavailable):
            async with database.transaction() as transaction:
                await transaction.write("INSERT INTO slow VALUES (1)")
        await task
        assert list(await database.read("SELECT * FROM slow")) == []
        async with database.transaction() as transaction:
            await transaction.write("INSERT INTO slow VALUES (2)")
        assert [row["x"] for row in await database.read("SELECT x FROM slow")] == [2]


async def test_commits_are_durable_whatever_the_server_s_default_is(server: Store, postgres: Postgres) -> None:
    assert postgres.run("SHOW synchronous_commit") == "off"
    async with opened(server) as database:
        for source in (database,):
            assert (await source.read("SHOW synchronous_commit"))[0][0] == "on"
        async with database.transaction() as transaction:
            assert (await transaction.read("SHOW synchronous_commit"))[0][0] == "on"
            assert (await transaction.read("SHOW transaction_isolation"))[0][0] == "read committed"


async def test_a_database_that_is_not_ours_is_refused(server: Store, postgres: Postgres) -> None:
    postgres.run("CREATE TABLE theirs ()", DATABASE)
    with pytest.raises(StoreNotUsable, match="another program"):
        async with opened(server):
            pass
    postgres.run("DROP TABLE theirs", DATABASE)
    async with opened(server) as database, database.transaction() as transaction:
        await transaction.write("UPDATE pgcurfew_schema SET version = 999")
    with pytest.raises(StoreNotUsable, match="999"):
        async with opened(server):
            pass


async def test_what_is_wrong_at_the_start_is_said_and_no_secret_with_it(server: Store, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("an-unlikely-password")
    wrong = SecretReference("file", str(tmp_path / "wrong"))
    with pytest.raises(StoreNotUsable, match="28P01") as caught:
        async with opened(server.model_copy(update={"password": wrong})):
            pass
    assert "unlikely" not in str(caught.value)
    missing = SecretReference("file", str(tmp_path / "missing"))
    with pytest.raises(StoreNotUsable, match="missing"):
        async with opened(server.model_copy(update={"password": missing})):
            pass
    with pytest.raises(StoreNotUsable, match="certificate"):
        async with opened(server.model_copy(update={"sslrootcert": None})):
            pass
    nowhere = (server.url or "").replace(str(server_of(server).ports[0]), "1")
    with pytest.raises(StoreNotUsable, match="cannot be used"):
        async with opened(server.model_copy(update={"url": nowhere})):
            pass


async def test_the_environment_of_libpq_is_not_looked_at(server: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PGUSER", "mallory"), ("PGPASSWORD", "x"), ("PGSSLMODE", "disable"), ("PGHOST", "192.0.2.1")):
        monkeypatch.setenv(name, value)
    async with opened(server) as database:
        [row] = await database.read("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert row["ssl"]


def test_parameters_are_numbered() -> None:
    assert numbered("a = ? AND b IN (?, ?)") == "a = $1 AND b IN ($2, $3)"
    assert numbered("nothing") == "nothing"
