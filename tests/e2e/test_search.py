"""What happened at the gate is found again, while the gateway goes on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from tests.e2e.test_curfew import wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase


@pytest.fixture(scope="module")
def two_workers(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    settings = {"gateway": "workers = 2"}
    with running_gateway(sample_database, tmp_path_factory.mktemp("search"), settings=settings) as found:
        yield found


@pytest.fixture(scope="module")
def told(two_workers: RunningGateway) -> tuple[Given, Given]:
    """Two grants of alice, two sessions each, on both workers."""
    gateway = two_workers
    alice, other = gateway.give(), gateway.give(reason="another ticket, 4712")
    for given in (alice, other, alice, other):
        with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
            connection.execute("SELECT email FROM customers WHERE id = 42")
            connection.execute("SELECT status FROM sales.orders WHERE customer_id = %s", (42,), prepare=True)
            connection.execute("SELECT count(*) FROM support_tickets")
            with pytest.raises(psycopg.Error):
                connection.execute("DELETE FROM customers WHERE id = 42")
    return alice, other


def operator(gateway: RunningGateway, *words: str) -> Any:
    done = gateway.pgcurfew(None, "audit", "search", *words, "--config", str(gateway.stage.settings), "--json")
    assert done.code == 0, done.text
    return json.loads(done.out)


def test_the_gateway_keeps_the_index_up_to_date_by_itself(
    two_workers: RunningGateway, told: tuple[Given, Given]
) -> None:
    def of_grant() -> int:
        path = two_workers.stage.record / "index.sqlite"
        if not path.exists():
            return 0
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = connection.execute(
                "SELECT count(*) FROM event JOIN session ON session.id = event.session WHERE under = ?",
                (told[0].grant,),
            )
            return int(rows.fetchone()[0])
        finally:
            connection.close()

    wait_until("the index has all statements", lambda: of_grant() == 8, 10)
    with urlopen(f"http://127.0.0.1:{two_workers.stage.ports.metrics}/metrics", timeout=10) as response:
        assert b"pgcurfew_index_lag_seconds" in response.read()


def test_what_touched_a_customer_is_found(two_workers: RunningGateway, told: tuple[Given, Given]) -> None:
    alice, _ = told
    key = ("--key", str(two_workers.stage.auditor_key))
    found = operator(two_workers, "--value", "42", "--grant", alice.grant, *key)
    assert found["total"] == 6
    found = operator(two_workers, "--value", "42", "--relation", "sales.orders", "--grant", alice.grant, *key)
    assert [one["kind"] for one in found["statements"]] == ["select", "select"]


def test_columns_and_refusals_are_found_by_grant(two_workers: RunningGateway, told: tuple[Given, Given]) -> None:
    found = operator(two_workers, "--column", "customers.email", "--grant", told[1].grant)
    assert found["total"] == 2
    found = operator(two_workers, "--verdict", "refused", "--grant", told[1].grant)
    assert found["total"] == 2


def test_evidence_of_a_grant_is_whole(two_workers: RunningGateway, told: tuple[Given, Given], tmp_path: Path) -> None:
    """Sessions of both workers; the outside auditor has openssl, Python and the key."""
    place = ("--config", str(two_workers.stage.settings))
    time.sleep(2.5)  # a checkpoint of the tests' settings is 2 seconds apart
    done = two_workers.pgcurfew(None, "audit", "evidence", told[0].grant, "--out", str(tmp_path / "out"), *place)
    assert done.code == 0, done.text
    (tmp_path / "key.pem").write_text(two_workers.pgcurfew(None, "audit", "public-key", *place).out)
    command = [sys.executable, "-I", "verify.py", str(tmp_path / "key.pem")]
    checked = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "whole" in checked.stdout
    assert len(list((tmp_path / "out").rglob("ses_*.jsonl"))) == 2
    done = two_workers.pgcurfew(None, "audit", "evidence", "grant_nosuch", "--out", str(tmp_path / "no"), *place)
    assert done.code == 1


def test_over_the_api_auditors_search_everything_and_others_their_own(
    two_workers: RunningGateway, told: tuple[Given, Given]
) -> None:
    def indexed() -> bool:
        with two_workers.api("otto") as api:
            return bool(api.get("audit", "search", grant=told[1].grant)["total"] == 8)

    wait_until("the index has all statements", indexed, 20)
    done = two_workers.pgcurfew("otto", "audit", "search", "--column", "customers.email", "--by", "user")
    assert "alice" in done.out
    assert "█" in done.out
    assert "4 statements" in done.out
    done = two_workers.pgcurfew("alice", "audit", "search", "--grant", told[1].grant, "--limit", "3")
    assert "8 statements" in done.out
    assert "--before" in done.err
    assert "nothing was found" in two_workers.pgcurfew("rita", "audit", "search").out
    assert two_workers.pgcurfew("rita", "audit", "search", "--user", "alice").code == 1
    done = two_workers.pgcurfew("otto", "audit", "search", "--value", "42")
    assert done.code == 2, "what is sealed is opened on the host alone"
