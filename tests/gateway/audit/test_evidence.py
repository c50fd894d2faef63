"""Evidence of a grant: whole for an outside auditor with openssl and Python alone, broken when anything is altered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.audit.evidence.bundle import Bundle, NoEvidence, gather, write
from gateway.audit.facts import AccessChanged, SessionClosed
from gateway.audit.index import schema
from gateway.audit.index.answering import Index
from gateway.audit.index.indexing import bring_up_to_date
from tests.gateway.audit.conftest import CANARY, Bench, ended, judged, opened

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def gathered(bench: Bench, grant: str = "g-1", *, opened_up: bool = False) -> Bundle:
    bring_up_to_date(bench.directory)
    index = Index(schema.readable(bench.directory / schema.FILE))
    try:
        return gather(index, bench.directory, grant, bench.signer, now=NOW, key=bench.auditor if opened_up else None)
    finally:
        index.close()


@pytest.fixture
def written(bench: Bench) -> Bench:
    """Alice's grant g-1 with two sessions, of which one goes on; carol's g-2."""
    recorder = bench.open()
    recorder.note(
        AccessChanged(
            "requested",
            by="alice",
            request="r-1",
            person="alice",
            role="support",
            target="shop",
            reason="<b>ticket</b> 42",
        )
    )
    recorder.note(AccessChanged("requested", by="carol", request="r-2", person="carol"))
    recorder.note(AccessChanged("approved", by="bob", request="r-1", grant="g-1", person="alice", reason="looks right"))
    one = recorder.open_session(opened("s1"))
    one.append([judged(1), ended(1)])
    one.append([judged(2, verdict="refused", kind="delete", rule="statement-kind", reason="DELETE is not permitted")])
    one.append([judged(3), ended(3, outcome="failed", sqlstate="22012")])
    one.close(SessionClosed(cause="client", statements=3, refused=1))
    other = recorder.open_session(opened("s2", person="carol", grant="g-2"))
    other.append([judged(1), ended(1)])
    still = recorder.open_session(opened("s3"))
    still.append([judged(1), ended(1)])
    recorder.checkpoint()
    still.append([judged(2)])
    recorder.note(AccessChanged("revoked", by="bob", grant="g-1", reason="enough"))
    recorder.checkpoint()
    return bench


@pytest.fixture
def bundle(written: Bench, tmp_path: Path) -> Path:
    write(gathered(written).files, tmp_path / "bundle", "evidence")
    return tmp_path / "bundle"


def verified(bundle: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", *words], cwd=bundle, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_an_outside_auditor_finds_it_whole(written: Bench, bundle: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(written.signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    status, said = verified(bundle, str(key))
    assert status == 0, said
    assert said.startswith("whole: ")
    assert "compare it" in verified(bundle)[1]
    events = [json.loads(line) for line in (bundle / "events.jsonl").read_text().splitlines()]
    assert [event["event"]["what"] for event in events if "what" in event["event"]] == [
        "requested",
        "approved",
        "revoked",
    ]
    assert {event["log"] for event in events if event["event"]["type"] == "StatementJudged"} == {"s1", "s3"}
    assert not list(bundle.rglob("s2.jsonl")), "another grant's session"


def test_checked_by_hand_as_the_readme_says(bundle: Path) -> None:
    commands = [line.strip() for line in (bundle / "README.md").read_text().splitlines() if line.startswith("    ")]
    by_hand = "\n".join(commands[1:]).replace("the-key-you-got.pem", "public-key.pem")
    if shutil.which("xxd") is None:
        by_hand = by_hand.replace(
            "xxd -r -p manifest.sig",
            "python3 -c \"import sys; sys.stdout.buffer.write(bytes.fromhex(open('manifest.sig').read()))\"",
        )
    done = subprocess.run(["bash", "-euc", by_hand], cwd=bundle, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Verified Successfully" in done.stdout


def a_byte_of(name: str) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        [path] = bundle.rglob(name)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return change


def removed(name: str) -> Callable[[Path], None]:
    return lambda bundle: next(bundle.rglob(name)).unlink()


def added(bundle: Path) -> None:
    (bundle / "record" / "sessions" / "extra.jsonl").write_text("{}\n")


@pytest.mark.parametrize(
    "alter",
    [
        *(a_byte_of(name) for name in ("s1.jsonl", "s3.jsonl", "ledger.jsonl", "events.jsonl", "report.html")),
        *(a_byte_of(name) for name in ("manifest.sha256", "README.md")),
        removed("s1.jsonl"),
        removed("events.jsonl"),
        added,
    ],
)
def test_anything_altered_is_found(bundle: Path, alter: Callable[[Path], None]) -> None:
    alter(bundle)
    status, said = verified(bundle)
    assert status == 1, said
    assert "broken" in said


def resigned(bundle: Path, signer: Ed25519PrivateKey) -> None:
    """As who has no key of the record would do it: everything fits but the key."""
    from hashlib import sha256

    names = [path for path in sorted(bundle.rglob("*")) if path.is_file() and not path.name.startswith("manifest")]
    manifest = "".join(f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(bundle)}\n" for path in names)
    (bundle / "manifest.sha256").write_text(manifest)
    (bundle / "manifest.sig").write_text(signer.sign(b"pgcurfew evidence 1\n" + manifest.encode()).hex() + "\n")


def test_a_record_that_does_not_hold_is_found_under_a_good_manifest(written: Bench, bundle: Path) -> None:
    """The manifest's key was abused; the chain and the checkpoints still tell."""
    [path] = bundle.rglob("s1.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    resigned(bundle, written.signer)
    status, said = verified(bundle)
    assert status == 1
    assert "does not end where the ledger closed it" in said
    assert "s1" in said


def test_a_bundle_of_another_key_is_found_by_who_brings_their_own(written: Bench, bundle: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(written.signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    other = Ed25519PrivateKey.generate()
    (bundle / "public-key.pem").write_bytes(
        other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    resigned(bundle, other)
    assert verified(bundle, str(key))[0] == 1


def test_the_report_says_everything_and_holds_nothing_foreign(written: Bench) -> None:
    page = gathered(written).files["report.html"].decode()
    for shown in (
        "alice",
        "looks right",
        "&lt;b&gt;ticket",
        "DELETE is not permitted",
        "22012",
        "nothing yet",
        "revoked",
    ):
        assert shown in page, shown
    for foreign in ("<script", "http://", "https://", "<b>ticket", CANARY):
        assert foreign not in page, foreign
    assert CANARY in gathered(written, opened_up=True).files["report.html"].decode()


def test_a_zip_holds_the_same_and_nothing_is_overwritten(written: Bench, tmp_path: Path) -> None:
    bundle = gathered(written)
    write(bundle.files, tmp_path / "it.zip", "evidence-g-1")
    with zipfile.ZipFile(tmp_path / "it.zip") as archive:
        assert {name.removeprefix("evidence-g-1/") for name in archive.namelist()} == set(bundle.files)
        archive.extractall(tmp_path / "out")
    assert verified(tmp_path / "out" / "evidence-g-1")[0] == 0
    with pytest.raises(FileExistsError):
        write(bundle.files, tmp_path / "it.zip", "evidence-g-1")


def test_a_grant_that_was_never_used_has_evidence_too_and_an_unknown_one_has_none(written: Bench) -> None:
    with pytest.raises(NoEvidence):
        gathered(written, "g-nosuch")
