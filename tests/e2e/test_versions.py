"""Another PostgreSQL upstream, the distribution's: the whole story in small. `make test-all` takes every version."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest

from gateway.demo.process import clean_environment
from gateway.demo.stage import Outcome, client_environment, run
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase


@pytest.fixture(scope="module")
def older(
    sample_database_of_the_distribution: SampleDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    with running_gateway(sample_database_of_the_distribution, tmp_path_factory.mktemp("older")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def given(older: RunningGateway) -> Given:
    return older.give()


def psql(gateway: RunningGateway, given: Given, text: str) -> Outcome:
    """psql of the server's own version."""
    command = gateway.stage.psql_command(given.person, database=given.target)
    command[0] = str(gateway.database.postgres.cluster.binaries.program("psql"))
    return run(command, client_environment(given.token), input=text)


@pytest.mark.parametrize(
    "command",
    [r"\d", r"\d customers", r"\d+ customer_overview", r"\d sales.payments", r"\dt+ *.*", r"\df", r"\dn+", r"\dT+",
     r"\du", r"\l", r"\dp", r"\di+", r"\ds", r"\dx", r"\sv customer_overview", r"\drds"],
)  # fmt: skip
def test_psqls_own_commands_work(older: RunningGateway, given: Given, command: str) -> None:
    assert "ERROR" not in psql(older, given, command).err


def test_masks_in_text_binary_and_copy(older: RunningGateway, given: Given) -> None:
    secrets = set(older.directly("SELECT email FROM customers").splitlines())
    with psycopg.connect(older.conninfo(given), password=given.token) as connection:
        for binary in (False, True):
            found = connection.cursor(binary=binary).execute("SELECT email FROM customers").fetchall()
            assert len(found) == len(secrets)
            assert secrets.isdisjoint(email for (email,) in found)
        with connection.cursor().copy("COPY customers (email) TO STDOUT") as out:
            assert secrets.isdisjoint(email for (email,) in out.rows())


def test_a_refusal_says_what_to_ask_for(older: RunningGateway, given: Given) -> None:
    done = psql(older, given, "BEGIN; SELECT pg_read_file('/etc/passwd'); SELECT 1; ROLLBACK; SELECT 'on it goes';")
    assert "is not permitted for role support" in done.err
    assert "HINT:" in done.err
    assert "current transaction is aborted" in done.err
    assert "on it goes" in done.out


def test_a_revocation_cuts_off_a_query_in_flight(older: RunningGateway) -> None:
    given = older.give()
    command = older.stage.psql_command(given.person, "-c", "SELECT pg_sleep(60)")
    environment = clean_environment(client_environment(given.token))
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as sleeping:
        sleepers = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
        deadline = time.monotonic() + 10
        while older.directly(sleepers) == "0":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        older.revoke(given)
        _, said = sleeping.communicate(timeout=10)
    assert "was revoked by rita" in said


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench(older: RunningGateway, mode: str) -> None:
    given = older.give("bench", target="bench")
    program = older.database.postgres.cluster.binaries.program("pgbench")
    done = run(
        [str(program), "-n", "-M", mode, "-c", "4", "-j", "2", "-t", "50", older.conninfo(given)],
        client_environment(given.token),
    )
    assert done.code == 0, done.err
    assert "number of transactions actually processed: 200/200" in done.out
