"""What happened can be listed, replayed and proved; a change is found and named."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from gateway.demo.stage import Outcome
from tests.support.gateway import Given, RunningGateway


@pytest.fixture(scope="module")
def told(gateway: RunningGateway) -> tuple[Given, str]:
    """A session with a bit of everything, and its id."""
    given = gateway.give(reason="ticket 4711: where is the parcel?")
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        connection.execute("SELECT email FROM customers WHERE city = 'Canary-Constant-City'")
        connection.execute("SELECT id FROM customers WHERE id < %s", (4,))
        for sql in ("DROP TABLE customers", "SELECT 1/0", "SELECT nosuch FROM customers"):
            with pytest.raises(psycopg.Error):
                connection.execute(sql)
        with connection.cursor().copy("COPY (SELECT id, email FROM customers WHERE id < 3) TO STDOUT") as copy:
            list(copy)
    time.sleep(0.3)
    listed = json.loads(operator(gateway, "sessions", "--json").out)
    return given, next(each["session"] for each in listed if each["grant"] == given.grant)


def operator(gateway: RunningGateway, *arguments: str) -> Outcome:
    return gateway.pgcurfew(None, *arguments, "--config", str(gateway.stage.settings))


def test_sessions_lists_who_was_there_and_why(gateway: RunningGateway, told: tuple[Given, str]) -> None:
    _, session = told
    listed = operator(gateway, "sessions").out
    assert session[:12] in listed.replace("\n", "")
    [found] = [s for s in json.loads(operator(gateway, "sessions", "--json").out) if s["session"] == session]
    assert found["person"] == "alice"
    assert found["reason"] == "ticket 4711: where is the parcel?"
    assert found["approvers"] == ["rita"]
    assert (found["statements"], found["refused"]) == (6, 1)


def test_replay_shows_each_query_with_its_outcome(gateway: RunningGateway, told: tuple[Given, str]) -> None:
    _, session = told
    shown = operator(gateway, "replay", session).out
    for word in ("DROP TABLE", "statement-kind", "22012", "42703", "customers.email", "3 rows"):
        assert word in shown, word
    assert "Canary-Constant-City" not in shown, "constants are sealed"


def test_the_auditors_key_opens_what_is_sealed(gateway: RunningGateway, told: tuple[Given, str]) -> None:
    _, session = told
    shown = operator(gateway, "replay", session, "--key", str(gateway.stage.auditor_key)).out
    assert "Canary-Constant-City" in shown


def test_the_readable_record_is_no_copy_of_the_constants(gateway: RunningGateway, told: tuple[Given, str]) -> None:
    for path in gateway.stage.record.rglob("*.jsonl"):
        assert b"Canary-Constant-City" not in path.read_bytes()


def test_an_auditor_reads_over_the_api_and_an_engineer_only_their_own(
    gateway: RunningGateway, told: tuple[Given, str]
) -> None:
    _, session = told
    assert session in gateway.pgcurfew("otto", "sessions", "--json").out
    assert "DROP TABLE" in gateway.pgcurfew("otto", "replay", session).out
    assert "DROP TABLE" in gateway.pgcurfew("alice", "replay", session).out
    gateway.pgcurfew(None, "user", "list", "--config", str(gateway.stage.settings))
    assert gateway.pgcurfew("rita", "replay", session).code == 1


@pytest.fixture
def copy_of_the_record(gateway: RunningGateway, told: tuple[Given, str], tmp_path: Path) -> Path:
    time.sleep(2.5)  # a checkpoint of the tests' settings is 2 seconds apart
    copy = tmp_path / "record"
    shutil.copytree(gateway.stage.record, copy)
    return copy


def verify(gateway: RunningGateway, record: Path) -> Outcome:
    return operator(gateway, "audit", "verify", "--record", str(record))


def session_file(record: Path, session: str) -> Path:
    [path] = record.rglob(f"{session}.jsonl")
    return path


def test_verify_proves_the_record_whole(gateway: RunningGateway, copy_of_the_record: Path) -> None:
    done = verify(gateway, copy_of_the_record)
    assert done.code == 0, done.text
    assert "whole" in done.out


def test_a_changed_byte_is_found_where_it_is(
    gateway: RunningGateway, told: tuple[Given, str], copy_of_the_record: Path
) -> None:
    path = session_file(copy_of_the_record, told[1])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"time":"2', b'"time":"3', 1)
    path.write_bytes(b"".join(lines))
    done = verify(gateway, copy_of_the_record)
    assert done.code == 1
    assert f"{told[1]}.jsonl:3" in done.text.replace("\n", "")


def test_a_removed_line_is_found_where_it_was(
    gateway: RunningGateway, told: tuple[Given, str], copy_of_the_record: Path
) -> None:
    path = session_file(copy_of_the_record, told[1])
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[4]
    path.write_bytes(b"".join(lines))
    done = verify(gateway, copy_of_the_record)
    assert done.code == 1
    assert f"{told[1]}.jsonl:5" in done.text.replace("\n", "")


def test_a_removed_session_is_missed(
    gateway: RunningGateway, told: tuple[Given, str], copy_of_the_record: Path
) -> None:
    session_file(copy_of_the_record, told[1]).unlink()
    done = verify(gateway, copy_of_the_record)
    assert done.code == 1
    assert told[1] in done.text.replace("\n", "")


def metric(gateway: RunningGateway, name: str) -> float:
    with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", timeout=10) as response:
        text = response.read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_metrics_count_it(gateway: RunningGateway, told: tuple[Given, str]) -> None:
    assert metric(gateway, "pgcurfew_sessions_total") >= 1
    assert metric(gateway, 'pgcurfew_statements_total{kind="select",verdict="rewritten"}') >= 1
    assert metric(gateway, 'pgcurfew_statements_total{kind="temp_tables",verdict="refused"}') >= 1
    assert metric(gateway, "pgcurfew_judging_seconds_count") >= 1
    before = metric(gateway, "pgcurfew_door_refusals_total")
    gateway.stage.psql("alice", "no token", "SELECT 1")
    assert metric(gateway, "pgcurfew_door_refusals_total") == before + 1
    with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/readyz", timeout=10) as response:
        assert response.status == 200


def events(record: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)["event"]
        for path in record.rglob("ses_*.jsonl")
        for line in path.read_text().splitlines()
        if line.endswith("}")
    ]


def test_kill_9_loses_no_request_grant_revocation_or_event(own_gateway: RunningGateway) -> None:
    gateway = own_gateway
    kept, revoked = gateway.give(), gateway.give()
    gateway.revoke(revoked)
    with gateway.api("alice") as api:
        asked = api.post(
            "requests", body={"target": "shop", "role": "support", "reason": "still unanswered", "seconds": 600}
        )
    connection = psycopg.connect(gateway.conninfo(kept), password=kept.token, autocommit=True)
    for number in range(50):
        connection.execute("SELECT %s::int", (number,))
    gateway.kill(signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    executed = [event for event in events(gateway.stage.record) if event.get("how") in ("execute", "simple")]
    assert len(executed) >= 50
    gateway.start()
    done = operator(gateway, "audit", "verify")
    assert done.code == 0, done.text
    with gateway.api("alice") as api:
        assert api.get("requests", asked["id"])["state"] == "pending"
        assert api.get("grants", kept.grant)["state"] == "active"
        assert api.get("grants", revoked.grant)["state"] == "revoked"
    with psycopg.connect(gateway.conninfo(kept), password=kept.token, autocommit=True) as again:
        assert again.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="revoked"):
        psycopg.connect(gateway.conninfo(revoked), password=revoked.token)
