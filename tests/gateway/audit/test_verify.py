"""Whatever is done to a record is found, and the place is named."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.audit import chain, ledger
from gateway.audit.facts import SessionClosed
from gateway.audit.verify import Report, verify
from tests.gateway.audit.conftest import Bench, ended, judged, opened
from tests.gateway.audit.independent_verifier import verify as verify_independently

FILES = ("ledger.jsonl", "session", "control")


@pytest.fixture
def written(bench: Bench) -> Bench:
    bench.write_a_record()
    return bench


def path_of(bench: Bench, which: str) -> Path:
    match which:
        case "session":
            return bench.session_file("s1")
        case "control":
            return next((bench.directory / "control").rglob("*.jsonl"))
        case _:
            return bench.directory / which


def lines_named(bench: Bench, report: Report, path: Path) -> set[int]:
    name = path.relative_to(bench.directory).as_posix()
    return {finding.line for finding in report.findings if finding.file == name and finding.kind == "broken"}


def test_a_record_that_nobody_touched_is_whole(written: Bench) -> None:
    report = verify(written.directory, written.signer.public_key())
    assert report.findings == []
    assert (report.sessions, report.logs, report.checkpoints) == (2, 3, 3)
    assert report.events == 7 + 4 + 2
    assert verify_independently(written.directory, written.signer.public_key()) == []


@pytest.mark.parametrize("which", FILES)
def test_every_changed_byte_is_found_and_located(written: Bench, which: str) -> None:
    path = path_of(written, which)
    original = path.read_bytes()
    step = 3 if which != "control" else 1
    for place in range(0, len(original), step):
        flipped = bytearray(original)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        report = verify(written.directory, written.signer.public_key())
        if which == "ledger.jsonl" and place == len(original) - 1:
            # The ledger's very last line feed: the line is as unfinished as one that a crash tore.
            assert [finding.kind for finding in report.findings] == ["open"]
            continue
        assert not report.whole, place
        line = original[:place].count(b"\n") + 1
        named = lines_named(written, report, path)
        lines_moved = 10 in (original[place], flipped[place])
        assert line in named or (lines_moved and line + 1 in named), (place, line, report.findings)
        assert verify_independently_says_broken(written), place
    path.write_bytes(original)
    assert verify(written.directory, written.signer.public_key()).findings == []


def verify_independently_says_broken(bench: Bench) -> bool:
    try:
        return bool(verify_independently(bench.directory, bench.signer.public_key()))
    except (KeyError, ValueError, TypeError, AttributeError):
        return True  # a ledger whose words were changed


@pytest.mark.parametrize("which", FILES)
def test_every_removed_line_is_found_and_located(written: Bench, which: str) -> None:
    path = path_of(written, which)
    lines = path.read_bytes().splitlines(keepends=True)
    for gone in range(len(lines)):
        path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
        report = verify(written.directory, written.signer.public_key())
        if which == "ledger.jsonl" and gone == len(lines) - 1:
            # Cut at a line's end, a ledger looks like one of a gateway that died just then.
            assert [finding.kind for finding in report.findings] == ["open"]
        else:
            assert gone + 1 in lines_named(written, report, path), (gone, report.findings)


@pytest.mark.parametrize("which", FILES)
def test_lines_swapped_doubled_or_cut_are_found_and_located(written: Bench, which: str) -> None:
    path = path_of(written, which)
    lines = path.read_bytes().splitlines(keepends=True)
    for at in range(len(lines) - 1):
        swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        path.write_bytes(b"".join(swapped))
        named = lines_named(written, verify(written.directory, written.signer.public_key()), path)
        assert named & {at + 1, at + 2}, ("swapped", at)
    for at in range(len(lines)):
        path.write_bytes(b"".join([*lines[: at + 1], *lines[at:]]))
        named = lines_named(written, verify(written.directory, written.signer.public_key()), path)
        assert at + 2 in named, ("doubled", at)
    for at in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:at]))
        report = verify(written.directory, written.signer.public_key())
        assert report.findings, ("cut", at)
        if which != "ledger.jsonl":
            assert at + 1 in lines_named(written, report, path), ("cut", at)


def test_bytes_added_after_the_end_are_found(written: Bench) -> None:
    path = written.session_file()
    path.write_bytes(path.read_bytes() + b"{")
    report = verify(written.directory, written.signer.public_key())
    assert lines_named(written, report, path) == {8}


def test_a_removed_session_is_found(written: Bench) -> None:
    path = written.session_file()
    path.unlink()
    report = verify(written.directory, written.signer.public_key())
    assert [finding.what for finding in report.findings if "removed" in finding.what]
    assert not report.whole


def test_a_session_put_there_is_found(written: Bench) -> None:
    path = written.session_file()
    shutil.copy(path, path.with_name("s9.jsonl"))
    report = verify(written.directory, written.signer.public_key())
    assert [Path(finding.file).name for finding in report.findings] == ["s9.jsonl"]


def rechain(lines: list[bytes], name: str) -> list[bytes]:
    """What a forger without the signing key can do: make the chain fit again."""
    prev, out = chain.genesis(name), []
    for number, line in enumerate(lines, 1):
        body = line[line.index(b'"event":') : -2]
        header = chain.header_of(line)
        assert header is not None
        out.append(chain.make_line(prev, header.time.encode(), number, body))
        prev = chain.digest_of(out[-1])
    return out


def record_id(bench: Bench) -> str:
    return str(msgspec.json.decode((bench.directory / "ledger.jsonl").read_bytes().splitlines()[0])["event"]["record"])


def test_a_chain_made_anew_does_not_fit_the_ledger(written: Bench) -> None:
    path = written.session_file()
    lines = path.read_bytes().splitlines(keepends=True)
    changed = [line.replace(b'"rows":3', b'"rows":1') for line in lines]
    path.write_bytes(b"".join(rechain(changed, chain.log_name(record_id(written), "s1"))))
    report = verify(written.directory, written.signer.public_key())
    assert 3 in lines_named(written, report, path)


def test_a_ledger_made_anew_has_no_valid_signatures(written: Bench) -> None:
    path = written.directory / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rechain(lines, chain.ledger_name())))
    assert verify(written.directory, written.signer.public_key()).whole  # the same words: the same lines
    changed = [line.replace(b'"durability":"process"', b'"durability":"disk"') for line in lines]
    path.write_bytes(b"".join(rechain(changed, chain.ledger_name())))
    report = verify(written.directory, written.signer.public_key())
    assert any("the signature does not hold" in finding.what for finding in report.findings)


def test_signatures_by_another_key_do_not_count(written: Bench) -> None:
    other = Ed25519PrivateKey.generate()
    report = verify(written.directory, other.public_key())
    assert not report.whole
    assert verify(written.directory, [other.public_key(), written.signer.public_key()]).whole


def test_a_ledger_rolled_back_to_a_checkpoint_leaves_files_it_does_not_know(bench: Bench) -> None:
    bench.write_a_record()
    before = (bench.directory / "ledger.jsonl").read_bytes()
    recorder = bench.open()
    recorder.open_session(opened("s7")).close(SessionClosed(cause="client"))
    recorder.close()
    kept_elsewhere = (bench.directory / "ledger.jsonl").read_bytes().splitlines()[-1]
    whole = verify(bench.directory, bench.signer.public_key(), checkpoint=kept_elsewhere)
    assert whole.findings == []
    (bench.directory / "ledger.jsonl").write_bytes(before)
    report = verify(bench.directory, bench.signer.public_key())
    assert [finding.what[:30] for finding in report.findings] == ["the ledger does not know this f"[:30]]
    bench.session_file("s7").unlink()
    assert verify(bench.directory, bench.signer.public_key()).findings == []  # only a checkpoint kept elsewhere tells
    report = verify(bench.directory, bench.signer.public_key(), checkpoint=kept_elsewhere)
    assert [finding.what[:11] for finding in report.findings] == ["rolled back"]


def test_a_checkpointed_line_cannot_be_cut_off_an_open_session(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1), ended(1)])
    recorder.checkpoint()
    path = bench.session_file()
    assert verify(bench.directory, bench.signer.public_key()).whole
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    report = verify(bench.directory, bench.signer.public_key())
    assert lines_named(bench, report, path) == {3}


def test_an_open_record_is_whole_and_said_to_be_open(bench: Bench) -> None:
    recorder = bench.open()
    recorder.open_session(opened()).append([judged(1)])
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole
    assert {finding.kind for finding in report.findings} == {"open"}
    assert not report.cut


def test_since_leaves_earlier_logs_alone(written: Bench) -> None:
    path = written.session_file()
    path.write_bytes(path.read_bytes()[:-50])
    later = datetime(2026, 12, 1, tzinfo=UTC)
    assert not verify(written.directory, written.signer.public_key()).whole
    assert verify(written.directory, written.signer.public_key(), since=later).findings == []


def test_a_missing_ledger_is_broken(written: Bench) -> None:
    (written.directory / "ledger.jsonl").unlink()
    assert not verify(written.directory, written.signer.public_key()).whole


def test_a_ledger_cannot_name_a_file_outside(bench: Bench) -> None:
    bench.write_a_record()
    recorder = bench.open()
    entry = ledger.LogOpened(log="x", kind="session", path="../../etc/passwd", first="0" * 64)
    recorder._ledger.add(b'"event":' + chain.json_of(entry))
    recorder.checkpoint()
    report = verify(bench.directory, bench.signer.public_key())
    assert any("outside" in finding.what for finding in report.findings)
