"""After kill -9 at any moment: what was acknowledged is there, and the cut is named and not called forged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.audit.facts import GatewayStarted, SessionClosed, StatementEnded
from gateway.audit.record import Recorder
from gateway.audit.replay import read_session
from gateway.audit.verify import verify
from tests.gateway.audit.conftest import Bench, ended, facts_in, judged, opened
from tests.gateway.audit.independent_verifier import verify as verify_independently


def crash(recorder: Recorder) -> None:
    """What kill -9 leaves: files as they are, the lock free."""
    os.close(recorder._lock)


@pytest.mark.parametrize("torn", [b"", b'{"prev":"00', b"x" * 5000])
def test_a_crashed_record_is_cut_and_not_called_forged(bench: Bench, torn: bytes) -> None:
    recorder = bench.open()
    recorder.note(GatewayStarted(version="1", policy_version="p", sealing="auditors"))
    session = recorder.open_session(opened())
    session.append([judged(1), ended(1), judged(2, verdict="refused")])
    crash(recorder)
    for path in (bench.session_file(), bench.directory / "ledger.jsonl"):
        path.write_bytes(path.read_bytes() + torn)
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole
    assert {finding.kind for finding in report.findings} == {"open"}
    bench.open().close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole
    assert {finding.kind for finding in report.findings} == {"cut"}
    assert len(report.findings) == 2
    assert verify_independently(bench.directory, bench.signer.public_key()) == []
    read = read_session(bench.directory, "s1", bench.auditor)
    assert read.closed is not None
    assert (read.closed.cause, read.closed.statements, read.closed.refused) == ("cut", 2, 1)
    if torn:
        aside = bench.session_file().with_name("s1.jsonl.torn")
        assert aside.read_bytes() == torn + b"\n"


@pytest.mark.parametrize("began", [None, b"", b'{"prev":"0123'])
def test_a_session_whose_first_line_was_never_finished_is_cut(bench: Bench, began: bytes | None) -> None:
    recorder = bench.open()
    recorder.open_session(opened())
    crash(recorder)
    path = bench.session_file()
    path.unlink()
    if began is not None:
        path.write_bytes(began)
    report = verify(bench.directory, bench.signer.public_key())
    assert {finding.kind for finding in report.findings} == {"open"}
    bench.open().close()
    report = verify(bench.directory, bench.signer.public_key())
    assert [finding.kind for finding in report.findings] == ["cut"]
    assert verify_independently(bench.directory, bench.signer.public_key()) == []


def test_a_session_that_ended_before_the_crash_is_closed_and_not_cut(bench: Bench) -> None:
    recorder = bench.open()
    recorder.open_session(opened()).close(SessionClosed(cause="client"))
    crash(recorder)
    bench.open().close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []


def test_what_was_changed_between_crash_and_start_is_broken_still(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1), ended(1), judged(2), ended(2)])
    crash(recorder)
    path = bench.session_file()
    path.write_bytes(path.read_bytes().replace(b'"rows":3', b'"rows":4', 1))
    bench.open().close()
    report = verify(bench.directory, bench.signer.public_key())
    assert not report.whole
    assert 3 in {finding.line for finding in report.findings}


WRITER = """
import sys
from gateway.audit.facts import SessionClosed
from tests.gateway.audit.conftest import Bench, opened, judged, ended
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pathlib import Path
from gateway.audit.record import utc_now
import threading, os
pem = Path(sys.argv[2]).read_bytes()
bench = Bench(Path(sys.argv[1]), signer=load_pem_private_key(pem, None), clock=utc_now)
recorder = bench.open()
def keep():
    while True:
        recorder.checkpoint()
threading.Thread(target=keep, daemon=True).start()
for round in range(10**6):
    name = f"r{sys.argv[3]}s{round}"
    session = recorder.open_session(opened(name))
    for number in range(1, 200):
        session.append([judged(number), ended(number)])
        os.write(1, f"{name} {number}\\n".encode())
    session.close(SessionClosed(cause="client", statements=199))
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(bench: Bench, tmp_path: Path) -> None:
    pem = tmp_path / "signer.pem"
    pem.write_bytes(bench.signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    acknowledged: dict[str, int] = {}
    chance = random.Random(4711)
    for round_ in range(6):
        out = tmp_path / f"out{round_}"
        with out.open("wb") as file:
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, bench.directory, pem, str(round_)],
                stdout=file,
                cwd=Path(__file__).parents[3],
            )
        deadline = time.monotonic() + 10
        while not out.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.25))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        for line in out.read_text().splitlines():
            name, _, number = line.partition(" ")
            acknowledged[name] = int(number or 0)
        report = verify(bench.directory, bench.signer.public_key())
        assert report.whole, report.findings
    assert len(acknowledged) >= 6
    bench.open().close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings
    assert {finding.kind for finding in report.findings} <= {"cut"}
    assert verify_independently(bench.directory, bench.signer.public_key()) == []
    for name, number in acknowledged.items():
        statements = [f.number for f in facts_in(bench.session_file(name)) if isinstance(f, StatementEnded)]
        assert statements[:number] == list(range(1, number + 1)), name


def test_verification_of_a_record_that_is_being_written_finds_nothing_broken(bench: Bench, tmp_path: Path) -> None:
    pem = tmp_path / "signer.pem"
    pem.write_bytes(bench.signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with (tmp_path / "out").open("wb") as out:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, bench.directory, pem, "0"], stdout=out, cwd=Path(__file__).parents[3]
        )
        try:
            deadline = time.monotonic() + 10
            while not (tmp_path / "out").stat().st_size and time.monotonic() < deadline:
                time.sleep(0.01)
            for _ in range(15):
                report = verify(bench.directory, bench.signer.public_key())
                assert report.whole, report.findings
        finally:
            writer.kill()
            writer.wait()
