"""The record for other programs: as it is, and in OCSF's words, valid by OCSF's own schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from gateway.audit.facts import AccessChanged, SessionClosed
from gateway.audit.ocsf import _KINDS, VERSION
from masking.policy import StatementKind
from tests.gateway.audit.conftest import CANARY, Bench, ended, judged, opened
from tests.gateway.audit.test_record_commands import pgcurfew


@pytest.fixture
def written(bench: Bench) -> Bench:
    recorder = bench.open()
    recorder.note(AccessChanged("requested", by="alice", request="r-1", person="alice"))
    one = recorder.open_session(opened("s1", client="[::1]:50000"))
    one.append([judged(1), ended(1)])
    one.append([judged(2, verdict="refused", kind="delete", rule="statement-kind", reason="DELETE is not permitted")])
    one.append(
        [judged(3, kind="update", written=("sales.orders.status",)), ended(3, outcome="failed", sqlstate="23505")]
    )
    one.append([judged(4, how="parse"), judged(5, how="execute", of=4), judged(6, kind="other", read=())])
    one.close(SessionClosed(cause="client", statements=4, refused=1))
    two = recorder.open_session(opened("s2", person="carol", grant="g-2", client="10.0.0.1:5"))
    two.append([judged(1), ended(1)])
    two.close(SessionClosed(cause="client", statements=1))
    recorder.close()
    return bench


def exported(bench: Bench, *words: object) -> list[dict[str, Any]]:
    done = pgcurfew("audit", "export", *words, "--record", bench.directory)
    assert done.exit_code == 0, done.output
    assert CANARY not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_ocsf_events_are_valid_by_the_schema(written: Bench) -> None:
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION)).get_class_schema("datastore_activity")
    validator = Draft202012Validator(schema)
    events = exported(written, "--format", "ocsf")
    assert len(events) == 8, "two sessions, five statements and one"
    for event in events:
        assert list(validator.iter_errors(event)) == []
        assert event["type_uid"] == 600500 + event["activity_id"]
    assert list(validator.iter_errors({**events[0], "actor": None})), "the schema does check"


def test_ocsf_says_what_happened(written: Bench) -> None:
    connect, query, refused, failed, run, other = exported(written, "--format", "ocsf", "--user", "alice")
    assert connect["activity_name"] == "Connect"
    assert (query["activity_name"], query["status"], query["table"]) == (
        "Query",
        "Success",
        {"name": "public.customers"},
    )
    assert query["src_endpoint"] == {"ip": "::1", "port": 50000}
    assert query["unmapped"]["masks"] == ["public.customers.email:pseudonym"]
    assert (refused["status"], refused["status_code"], refused["severity"]) == ("Failure", "statement-kind", "Medium")
    assert (failed["activity_name"], failed["status_code"]) == ("Update", "23505")
    assert "table" not in failed, "it touches two"
    assert run["status"] == "Unknown", "no outcome is recorded"
    assert other["activity_name"] == "Other"
    assert len({event["metadata"]["uid"] for event in (connect, query, refused, failed, run, other)}) == 6


def test_kinds_are_those_of_the_record() -> None:
    assert {kind.value for kind in StatementKind} >= set(_KINDS)


def test_jsonl_holds_every_event_as_recorded(written: Bench, tmp_path: Path) -> None:
    events = exported(written, "--format", "jsonl")
    recorded = [
        json.loads(line)
        for path in written.directory.glob("*/*/*/*/*.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    assert len(events) == len(recorded)
    assert all(event["event"] in [line["event"] for line in recorded] for event in events)
    assert {event["log"] for event in exported(written, "--format", "jsonl", "--grant", "g-2")} == {"s2"}
    assert exported(written, "--format", "jsonl", "--until", "2026-11-23") == []
    done = pgcurfew("audit", "export", "-f", "ocsf", "--out", tmp_path / "x.jsonl", "--record", written.directory)
    assert done.exit_code == 0
    assert "8 events" in done.stderr
    done = pgcurfew("audit", "export", "-f", "ocsf", "--out", tmp_path / "x.jsonl", "--record", written.directory)
    assert done.exit_code == 2
