"""A cluster of one's own: it runs, takes TLS and SCRAM only, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from gateway.demo import postgres as module
from gateway.demo.binaries import (
    VARIABLE,
    PostgresBinaries,
    PostgresMissingError,
    find_pgbench,
    find_postgres,
    find_psql,
)
from gateway.demo.postgres import Cluster, scram_verifier
from tests.support.postgres import Postgres


def test_a_cluster_leaves_no_process_and_no_file_behind() -> None:
    with Cluster() as cluster:
        assert cluster.run("SELECT 1") == "1"
        pid = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
    assert not cluster.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_cluster_starts_again_with_its_data() -> None:
    with Cluster() as cluster:
        cluster.run("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        cluster.stop()
        cluster.start()
        assert cluster.run("SELECT n FROM kept") == "7"


def test_programs_that_the_servers_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has a second user to run the server as")
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    (private / "installation").symlink_to(find_postgres().root)
    with Cluster(PostgresBinaries(private / "installation" / "bin")) as cluster:
        assert cluster.binaries.bin.is_relative_to(cluster.folder)
        assert cluster.run("SELECT 1") == "1"
    assert private.stat().st_mode & 0o777 == 0o700


async def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn().replace(postgres.superuser.password, "wrong"))


async def test_tls_is_verified_and_cleartext_works_too(postgres: Postgres) -> None:
    for tls in (True, False):
        connection = await asyncpg.connect(postgres.dsn(tls=tls))
        assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is tls
        await connection.close()


def test_a_verifier_is_what_postgresql_would_have_stored(postgres: Postgres) -> None:
    postgres.run(f"CREATE ROLE verified LOGIN PASSWORD '{scram_verifier('it is a secret')}'")
    environment = postgres.cluster.environment(user="verified", password="it is a secret")
    done = subprocess.run(
        [find_psql(), "-XAtc", "SELECT current_user"], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == "verified"


def test_the_variable_comes_first_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(PostgresMissingError, match=VARIABLE):
        find_postgres()


def test_clients_are_found_with_nothing_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_psql().is_file()
    assert find_pgbench().is_file()


def test_the_server_never_runs_as_root() -> None:
    owner = module.server_owner()
    assert (owner is None) == (os.geteuid() != 0)
    assert owner is None or owner.uid != 0


def test_a_cluster_does_not_outlive_whoever_started_it() -> None:
    script = (
        "import time\nfrom gateway.demo.postgres import Cluster\nwith Cluster() as cluster:\n"
        "    print(cluster.folder, (cluster.data / 'postmaster.pid').read_text().split()[0], flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        folder, pid = starter.stdout.readline().split()
        starter.kill()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and (Path(folder).exists() or Path(f"/proc/{pid}").exists()):
        time.sleep(0.1)
    assert not Path(folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
