"""Fixtures of the gateway's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.store import Store
from tests.support.host import Host, make_host
from tests.support.postgres import Postgres, SampleDatabase
from tests.support.store import postgres_store, sqlite_store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A new store; each test that asks for it runs on both databases."""
    if request.param == "sqlite":
        return sqlite_store(tmp_path)
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres_store(postgres, tmp_path)


@pytest.fixture
def host(tmp_path: Path, sample_database: SampleDatabase) -> Host:
    """The gateway's host with a small policy over the sample database."""
    return make_host(tmp_path, sample_database)


ODD = """\
# a beginning
[roles.support]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read"]

[roles.support.relations]
"public.empty" = "read"   # nothing in it
"""


@pytest.fixture(scope="session")
def odd_database(sample_database: SampleDatabase) -> str:
    """A database with canaries in its rows and harmful names in its catalog; its name."""
    sample_database.postgres.run("CREATE DATABASE odd ENCODING 'UTF8' TEMPLATE template0")
    sample_database.postgres.run((Path(__file__).parents[1] / "support" / "odd.sql").read_text(), "odd")
    return "odd"


@pytest.fixture
def odd_host(tmp_path: Path, sample_database: SampleDatabase, odd_database: str) -> Host:
    """A host with the smallest policy over that database."""
    return make_host(tmp_path, sample_database, name=odd_database, policy=ODD)
