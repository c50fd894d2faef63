"""audit search and audit index as people type them, on the gateway's host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.audit.facts import ResultRecorded, Sealed, SessionClosed
from gateway.audit.index.contents import has_constant
from tests.gateway.audit.conftest import CANARY, Bench, ended, judged, opened
from tests.gateway.audit.test_record_commands import pgcurfew


def pem(key: X25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def written(bench: Bench, tmp_path: Path) -> Bench:
    (tmp_path / "auditor.pem").write_bytes(pem(bench.auditor))
    (tmp_path / "other.pem").write_bytes(pem(X25519PrivateKey.generate()))
    recorder = bench.open()
    session = recorder.open_session(opened("s1"))
    for number, customer in enumerate((41, 42, 420), 1):
        text = f"SELECT email FROM customers WHERE id = {customer}"
        session.append([judged(number, sealed=Sealed(text=text)), ended(number)])
    prepared = "SELECT * FROM orders WHERE customer_id = $1 AND note <> 'Ünïcode 42' AND 'it''s' <> ''"
    session.append([judged(4, how="parse", kind="select", sealed=Sealed(text=prepared))])
    session.append([judged(5, how="execute", of=4, sealed=Sealed(parameters=("42",)))])
    failed = Sealed(message='invalid input syntax: "Otto Normal"')
    session.append([ended(5, outcome="failed", sqlstate="22P02", sealed=failed)])
    session.close(SessionClosed(cause="client", statements=4))
    other = recorder.open_session(opened("s2", person="bad\x1b[31m"))
    other.append([judged(1, verdict="refused", rule="relation", reason="no\x1b", read=(), masks=())])
    recorder.close()
    return bench


def found(bench: Bench, *words: object) -> list[tuple[str, int]]:
    done = pgcurfew("audit", "search", *words, "--record", bench.directory, "--json")
    assert done.exit_code == 0, done.output
    return [(one["session"], one["number"]) for one in json.loads(done.stdout)["statements"]]


def test_who_read_a_column_in_a_month(written: Bench) -> None:
    asked = ("--column", "public.customers.email", "--month", "2026-11", "--read")
    done = pgcurfew("audit", "search", *asked, "--by", "user", "--record", written.directory)
    assert done.exit_code == 0, done.output
    assert "alice" in done.stdout
    assert "█" in done.stdout
    assert "4 statements" in done.stdout
    assert found(written, "--column", "customers.email", "--month", "2026-10") == []
    done = pgcurfew("audit", "search", "--by", "day", "--record", written.directory)
    assert "2026-11-23" in done.stdout


def test_what_somebody_did_under_a_grant(written: Bench) -> None:
    done = pgcurfew("audit", "search", "--user", "alice", "--grant", "g-1", "--record", written.directory)
    assert done.exit_code == 0, done.output
    for shown in ("alice on shop as support", "s1 #1", "masked", "3 rows", "22P02", "4 statements"):
        assert shown in done.stdout, shown
    assert CANARY not in done.stdout


def test_the_statements_that_touched_a_customer_are_found_by_who_has_the_key(written: Bench, tmp_path: Path) -> None:
    key = ("--key", tmp_path / "auditor.pem")
    assert found(written, "--value", "42", *key) == [("s1", 5), ("s1", 2)]
    assert found(written, "--value", "42", "--kind", "update", *key) == []
    assert found(written, "--value", "it's", *key) == [("s1", 5)]
    assert found(written, "--contains", "OTTO normal", *key) == [("s1", 5)]
    done = pgcurfew("audit", "search", "--value", "42", *key, "--record", written.directory)
    assert "$1 = '42'" in done.stdout
    assert "customer_id" in done.stdout
    done = pgcurfew("audit", "search", "--value", "42", *key, "--by", "user", "--record", written.directory)
    assert "alice" in done.stdout
    assert "2 statements" in done.stdout


def test_what_was_seen_in_a_recorded_result_is_found(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "auditor.pem").write_bytes(pem(bench.auditor))
    recorder = bench.open()
    session = recorder.open_session(opened("s1"))
    seen = Sealed(columns=("id", "city"), rows=(("41", None), ("4711", "Springfield")))
    session.append([judged(1), ResultRecorded(1, rows=2, sealed=seen), ended(1), judged(2), ended(2)])
    recorder.close()
    key = ("--key", tmp_path / "auditor.pem")
    assert found(bench, "--value", "4711", *key) == [("s1", 1)]
    assert found(bench, "--contains", "spring", *key) == [("s1", 1)]
    assert found(bench, "--value", "471", *key) == []


def test_without_the_right_key_nothing_is_opened_and_that_is_said(written: Bench, tmp_path: Path) -> None:
    for key in ((), ("--key", tmp_path / "other.pem")):
        done = pgcurfew("audit", "search", "--value", "42", *key, "--record", written.directory)
        assert done.exit_code == 0, done.output
        assert "nothing was found" in done.stdout
        assert "2 sessions could not be looked into" in done.stderr


def test_a_page_says_how_the_next_is_asked_for(written: Bench) -> None:
    done = pgcurfew("audit", "search", "--limit", "2", "--record", written.directory)
    assert "5 statements" in done.stdout
    before = done.stderr.rsplit("--before ", 1)[1].split()[0]
    assert len(found(written, "--limit", "2", "--before", before)) == 2


def test_what_is_shown_holds_no_escape_of_a_client(written: Bench) -> None:
    done = pgcurfew("audit", "search", "--verdict", "refused", "--record", written.directory)
    assert "bad\\x1b[31m" in done.stdout
    done = pgcurfew("audit", "search", "--by", "user", "--record", written.directory)
    assert "\x1b[31m" not in done.stdout


@pytest.mark.parametrize(
    "words",
    [("--month", "nosuch"), ("--since", "yesterday"), ("--by", "moon"), ("--text", "%"), ("--read",), ("--value", "1")],
)
def test_what_cannot_be_asked_is_said(written: Bench, words: tuple[str, ...]) -> None:
    place = () if words[0] == "--value" else ("--record", written.directory)
    done = pgcurfew("audit", "search", *words, *place)
    assert done.exit_code == 2, done.output
    assert "hint: " in done.stderr


def test_the_index_can_be_made_anew(written: Bench) -> None:
    assert "5 statements new" in pgcurfew("audit", "index", "--record", written.directory).stdout
    assert "0 statements new" in pgcurfew("audit", "index", "--record", written.directory).stdout
    done = pgcurfew("audit", "index", "--rebuild", "--record", written.directory, "--json")
    assert json.loads(done.stdout)["new"] == 5
    assert pgcurfew("audit", "search", "--record", written.directory / "nosuch").exit_code == 2


@pytest.mark.parametrize(
    ("sql", "value", "there"),
    [
        ("SELECT 1 WHERE id = 42", "42", True),
        ("SELECT 1 WHERE id = 420", "42", False),
        ("SELECT 1 WHERE t42.id = 1", "42", False),
        ("SELECT 1 WHERE id = -42", "-42", True),
        ("SELECT 'ä', 42", "42", True),
        ("SELECT 'it''s'", "it's", True),
        ("SELECT $$it's$$, $q$x$q$", "it's", True),
        ("SELECT $q$x$q$", "x", True),
        ("SELECT 4.20", "4.20", True),
        ("SELECT '42 apples'", "42", False),
        ("SELECT 'open", "open", False),
    ],
)
def test_a_value_is_a_whole_constant(sql: str, value: str, there: bool) -> None:
    assert has_constant(sql, value) is there
