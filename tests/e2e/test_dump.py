"""pg_dump through the gateway: the schema without literals, the data behind its masks, and restored."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gateway.demo.binaries import find_postgres
from gateway.demo.process import clean_environment
from gateway.demo.stage import Outcome, client_environment, run
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

#: pg_dump reads where the sequence of an identity column stands, so it must be listed like its table.
POLICY = """
[roles.archivist]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "1h"
statements = ["read"]

[roles.archivist.relations]
"public.customers" = "read"
"public.customers_id_seq" = "read"
"public.customer_overview" = "read"
"public.staff" = "read"
"sales.orders" = "read"
"sales.orders_id_seq" = "read"

[classification."public.customers_id_seq"]
"*" = "clear"

[classification."sales.orders_id_seq"]
"*" = "clear"
"""


class Archive:
    """A gateway, the grants of somebody who may dump, and a server's own pg_dump."""

    def __init__(self, gateway: RunningGateway, programs: Path) -> None:
        self.gateway = gateway
        self.programs = programs
        self.shop = gateway.give("archivist")
        self.bench = gateway.give("bench", target="bench")

    def dump(self, given: Given, *options: str) -> Outcome:
        command = [str(self.programs / "pg_dump"), *options, "-d", self.gateway.conninfo(given)]
        return run(command, client_environment(given.token))

    def secrets(self, column: str) -> set[str]:
        found = self.gateway.directly(f"SELECT DISTINCT {column} FROM public.customers WHERE {column} IS NOT NULL")
        return set(found.splitlines())


def archive_of(database: SampleDatabase, folder: Path) -> Iterator[Archive]:
    with running_gateway(database, folder, policy=POLICY) as gateway:
        yield Archive(gateway, database.postgres.cluster.binaries.bin)


@pytest.fixture(scope="module", params=["sample_database", "sample_database_of_the_distribution"])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    yield from archive_of(request.getfixturevalue(request.param), tmp_path_factory.mktemp("archive"))


def test_the_data_of_a_table_comes_out_masked(archive: Archive) -> None:
    done = archive.dump(archive.shop, "--data-only", "-t", "customers")
    assert done.code == 0, done.err
    assert "COPY public.customers (id, full_name, email," in done.out
    rows = done.out.partition("FROM stdin;\n")[2].partition("\n\\.")[0].splitlines()
    assert len(rows) == int(archive.gateway.directly("SELECT count(*) FROM public.customers"))
    assert all("***@" in row for row in rows)
    for column in ("email", "phone", "card_number", "street", "full_name"):
        assert not any(secret in done.out for secret in archive.secrets(column))


@pytest.mark.parametrize("how", ["--inserts", "--column-inserts"])
def test_as_inserts_it_is_masked_too(archive: Archive, how: str) -> None:
    done = archive.dump(archive.shop, "--data-only", "-t", "customers", how)
    assert done.code == 0, done.err
    assert done.out.count("INSERT INTO public.customers ") == len(archive.secrets("id"))
    assert not any(secret in done.out for secret in archive.secrets("email"))


def test_the_schema_shows_no_literals(archive: Archive) -> None:
    done = archive.dump(archive.shop, "--schema-only", "-t", "customers", "-t", "customer_overview", "-t", "orders")
    assert done.code == 0, done.err
    for words in (
        "CREATE TABLE public.customers (",
        "segment public.customer_segment DEFAULT '***'",
        "CREATE VIEW public.customer_overview AS",
        "ADD CONSTRAINT customers_pkey PRIMARY KEY (id);",
        "CREATE INDEX customers_created_at_idx",
        "COMMENT ON TABLE public.customers",
    ):
        assert words in done.out


def test_a_table_out_of_sight_cannot_be_dumped(archive: Archive) -> None:
    done = archive.dump(archive.shop, "-t", "support_tickets")
    assert done.code != 0
    assert "no matching tables were found" in done.err  # as for one that is not there
    assert "COPY" not in done.out


def test_a_whole_database_is_dumped_and_restored(archive: Archive, tmp_path: Path) -> None:
    """All of pgbench's tables are clear, so what comes back must be what is there."""
    file = tmp_path / "bench.dump"
    done = archive.dump(archive.bench, "-Fc", "-f", str(file))
    assert done.code == 0, done.err
    cluster = archive.gateway.database.postgres.cluster
    cluster.run("DROP DATABASE IF EXISTS restored")
    cluster.run("CREATE DATABASE restored")
    environment = cluster.environment(database="restored")
    restore: Sequence[str | Path] = [archive.programs / "pg_restore", "-d", "restored", "--exit-on-error", file]
    restored = subprocess.run(restore, env=environment, capture_output=True, text=True, check=False)
    assert restored.returncode == 0, restored.stderr
    digest = "SELECT count(*), sum(aid::bigint * 31 + abalance) FROM pgbench_accounts"
    assert cluster.run(digest, database="restored") == cluster.run(digest, database="bench")
    cluster.run("DROP DATABASE restored")


def test_a_younger_pg_dump_reads_an_older_server(archive: Archive) -> None:
    programs = find_postgres()
    if programs.major < archive.gateway.database.postgres.version:
        pytest.skip("the embedded pg_dump is older")
    done = run(
        [str(programs.program("pg_dump")), "-t", "customers", "-d", archive.gateway.conninfo(archive.shop)],
        clean_environment(client_environment(archive.shop.token)),
    )
    assert done.code == 0, done.err
    assert "***@" in done.out
