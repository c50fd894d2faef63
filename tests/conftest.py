"""Fixtures for all tests: a real PostgreSQL, started once a worker when a test first asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gateway.demo.binaries import distribution_versions
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import Postgres, SampleDatabase, make_sample_database, running_postgres

# How long an example takes says nothing on a machine that runs other tests too. In continuous integration the
# examples are the same each time; on a developer's machine each run looks further.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that tests have measured (record_property("figure", …)), also when all went well."""
    figures = [
        figure
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, figure in report.user_properties
        if name == "figure" and report.when == "call"
    ]
    if figures:
        terminalreporter.section("figures")
    for figure in figures:
        terminalreporter.write_line(str(figure))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The embedded PostgreSQL (or the one that discovery finds)."""
    with running_postgres() as found:
        yield found


@pytest.fixture(scope="session")
def postgres_of_the_distribution() -> Iterator[Postgres]:
    """The oldest PostgreSQL that the machine's packages brought; skips where there is none."""
    versions = distribution_versions()
    if not versions:
        pytest.skip("no PostgreSQL from the distribution")
    with running_postgres(versions[min(versions)]) as found:
        yield found


@pytest.fixture(scope="session")
def sample_database(postgres: Postgres) -> SampleDatabase:
    """The demo's "shop" with some 5,700 rows; tests that change rows must put them back or roll back."""
    return make_sample_database(postgres)


@pytest.fixture(scope="session")
def sample_database_of_the_distribution(postgres_of_the_distribution: Postgres) -> SampleDatabase:
    """The same on the distribution's PostgreSQL."""
    return make_sample_database(postgres_of_the_distribution)


@pytest.fixture(scope="session")
def gateway(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One gateway for all tests of a worker; tests that kill it take `own_gateway`."""
    with running_gateway(sample_database, tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture
def own_gateway(sample_database: SampleDatabase, tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that a test has for itself, to kill it and to look into its files."""
    with running_gateway(sample_database, tmp_path) as found:
        yield found
