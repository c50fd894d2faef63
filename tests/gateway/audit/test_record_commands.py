"""sessions, replay, audit verify, audit keygen as people type them, on the gateway's host."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner, Result

from gateway.admin.sessions import RecordReader
from gateway.audit.facts import CancelAsked, ExpiryNoticed, Sealed, SessionClosed
from gateway.audit.replay import read_session
from gateway.audit.seal import auditor_from_pem, recipient_from_pem
from gateway.cli.main import app
from gateway.cli.record import _from_events
from tests.gateway.audit.conftest import CANARY, Bench, ended, judged, opened


def pgcurfew(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def written(bench: Bench, tmp_path: Path) -> Bench:
    bench.write_a_record()
    public = bench.signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "record.pub.pem").write_bytes(public)
    key = bench.auditor.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "auditor.pem").write_bytes(key)
    return bench


def test_sessions_shows_who_was_there(written: Bench) -> None:
    done = pgcurfew("sessions", "--record", written.directory)
    assert done.exit_code == 0, done.output
    assert "alice" in done.stdout
    assert "the grant ended" in done.stdout
    done = pgcurfew("sessions", "--record", written.directory, "--person", "carol", "--json")
    assert [one["session"] for one in json.loads(done.stdout)] == ["s2"]


def test_replay_shows_the_session_query_by_query(written: Bench, tmp_path: Path) -> None:
    done = pgcurfew("replay", "s1", "--record", written.directory)
    assert done.exit_code == 0, done.output
    for shown in ("alice", "ticket 42", "#1 masked", "3 rows", "1.5 ms", "public.customers.email (pseudonym)", "$1"):
        assert shown in done.stdout, shown
    for shown in (
        "#2 refused",
        "statement-kind",
        "DELETE is not permitted",
        "the client left",
        "3 statements, 1 refused",
    ):
        assert shown in done.stdout, shown
    assert CANARY not in done.stdout
    done = pgcurfew("replay", "s1", "--record", written.directory, "--key", tmp_path / "auditor.pem")
    assert CANARY in done.stdout
    assert "$2 = NULL" in done.stdout
    done = pgcurfew("replay", "s1", "--record", written.directory, "--json")
    answer = json.loads(done.stdout)
    assert [entry["verdict"] for entry in answer["timeline"]] == ["rewritten", "refused", "rewritten"]


def test_replay_shows_errors_notices_and_cancels_and_no_escape_of_a_client(bench: Bench) -> None:
    recorder = bench.open(sealing="off")
    bad = "\x1b]0;owned\x07\u202e"
    session = recorder.open_session(opened(reason=f"r{bad}", person=f"p{bad}", startup={"application_name": f"a{bad}"}))
    error = Sealed(message=f"no {bad}")
    session.append([judged(1, sealed=Sealed(text=f"SELECT '{bad}'\n, 2", parameters=(bad,)))])
    session.append(
        [ended(1, outcome="failed", sqlstate="22012", tag=bad, sealed=error), ExpiryNoticed(seconds_left=60)]
    )
    session.append([judged(2, kind=bad, rule=bad, reason=bad, verdict="refused", masks=(bad,)), CancelAsked(2, by=bad)])
    session.append([judged(3, how="parse"), judged(4, how="execute", of=3, normalized="", sealed=None), ended(4)])
    session.close(SessionClosed(cause=bad, detail=bad))
    recorder.close()
    done = pgcurfew("replay", "s1", "--record", bench.directory)
    assert done.exit_code == 0, done.output
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
    for shown in ("error 22012", "1m are left", "prepared", "run of #3", "\\x1b]0;owned\\x07\\u202e", "in clear"):
        assert shown in done.stdout, shown
    done = pgcurfew("sessions", "--record", bench.directory)
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)


def test_a_session_that_came_by_the_api_is_the_one_in_the_record(written: Bench) -> None:
    answer = RecordReader(written.directory).events("s1")
    assert answer is not None
    over_the_wire = json.loads(json.dumps(answer[1]))
    assert _from_events(over_the_wire) == read_session(written.directory, "s1")


def test_verify_says_whole_or_where(written: Bench, tmp_path: Path) -> None:
    command = ("audit", "verify", "--record", written.directory, "--public-key", tmp_path / "record.pub.pem")
    done = pgcurfew(*command)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("whole: 2 sessions, 13 events in 3 logs, 3 signed checkpoints")
    path = written.session_file()
    path.write_bytes(path.read_bytes().replace(b'"rows":3', b'"rows":4', 1))
    done = pgcurfew(*command)
    assert done.exit_code == 1
    assert f"{path.relative_to(written.directory)}:3" in done.stdout
    answer = json.loads(pgcurfew(*command, "--json").stdout)
    assert answer["whole"] is False
    assert answer["findings"][0]["line"] == 3
    assert pgcurfew(*command, "--since", "2030-01-01").exit_code == 0


def test_verify_against_a_checkpoint_kept_elsewhere(written: Bench, tmp_path: Path) -> None:
    command = ("audit", "verify", "--record", written.directory, "--public-key", tmp_path / "record.pub.pem")
    lines = (written.directory / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "kept").write_bytes(lines[-1])
    assert pgcurfew(*command, "--checkpoint", tmp_path / "kept").exit_code == 0
    (written.directory / "ledger.jsonl").write_bytes(b"".join(lines[:-1]))
    assert pgcurfew(*command).exit_code == 0
    done = pgcurfew(*command, "--checkpoint", tmp_path / "kept")
    assert done.exit_code == 1
    assert "rolled back" in done.stdout


def test_what_cannot_be_done_is_said_in_words(written: Bench, tmp_path: Path) -> None:
    record = ("--record", written.directory)
    for words, said in (
        (("replay", "nope", *record), "no session 'nope'"),
        (("replay", "s1", *record, "--key", tmp_path / "record.pub.pem"), "no auditor's private key"),
        (("replay", "s1", *record, "--key", tmp_path / "missing"), "cannot be read"),
        (("replay", "s1", "--key", tmp_path / "auditor.pem"), "on the gateway's host"),
        (("audit", "verify", *record), "public key is needed"),
        (("audit", "verify", *record, "--public-key", tmp_path / "auditor.pem"), "no Ed25519 public key"),
        (("audit", "verify", "--record", tmp_path / "no", "--public-key", tmp_path / "record.pub.pem"), "no record at"),
        (("audit", "verify", "--config", tmp_path / "no.toml"), "no.toml"),
    ):
        done = pgcurfew(*words)
        assert done.exit_code in (1, 2), words
        assert said in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.output


def test_keygen_makes_a_pair_and_never_overwrites(tmp_path: Path) -> None:
    assert pgcurfew("audit", "keygen", "--out", tmp_path / "keys" / "otto").exit_code == 0
    private, public = tmp_path / "keys" / "otto.pem", tmp_path / "keys" / "otto.pub.pem"
    assert stat.S_IMODE(os.stat(private).st_mode) == 0o600
    pair = auditor_from_pem(private.read_bytes()).public_key(), recipient_from_pem(public.read_bytes())
    assert pair[0].public_bytes_raw() == pair[1].public_bytes_raw()
    before = private.read_bytes()
    done = pgcurfew("audit", "keygen", "--out", tmp_path / "keys" / "otto")
    assert done.exit_code == 2
    assert "already" in done.stderr
    assert private.read_bytes() == before
