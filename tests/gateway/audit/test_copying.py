"""Copies elsewhere: created and never written again, complete enough to be verified by themselves, and a place that
cannot be reached holds up nothing but the copies."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.copying import STATE, CannotCopy, ObjectCopies
from gateway.audit.facts import SessionClosed
from gateway.audit.keeping import Keeping
from gateway.audit.record import Recorder
from gateway.audit.verify import verify
from tests.gateway.audit.conftest import Bench, ended, judged, opened

KEEPING = Keeping(segment_bytes=3000, compression=3, settle_seconds=0)


class Hours:
    """Each look at the clock is an hour later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600
        return self.now


def copies(bench: Bench, place: Path) -> ObjectCopies:
    return ObjectCopies(f"file://{place}", bench.directory, clock=Hours())


def begun(bench: Bench, place: Path) -> tuple[Recorder, ObjectCopies]:
    bench.directory.mkdir(parents=True, exist_ok=True)
    made = copies(bench, place)
    return bench.open(keeping=KEEPING, copies=made), made


def works(recorder: Recorder, session: str, statements: int = 20) -> None:
    record = recorder.open_session(opened(session))
    for number in range(1, statements + 1):
        record.append([judged(number), ended(number)])
        if number % 5 == 0:
            recorder.sync()
    record.close(SessionClosed(cause="client", statements=statements))
    recorder.checkpoint()


def restored(place: Path, to: Path) -> Path:
    """A record made of nothing but the copies."""
    [root] = place.iterdir()
    shutil.copytree(root, to)
    pieces = sorted((to / "ledger").iterdir())
    (to / "ledger.jsonl").write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    return to


def test_the_copies_by_themselves_are_a_record_that_verifies(bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    recorder, made = begun(bench, place)
    for session in ("s1", "s2"):
        works(recorder, session)
        recorder.keep_files()
    recorder.close()
    assert made.copied > 4
    report = verify(restored(place, tmp_path / "restored"), bench.signer.public_key())
    assert report.whole, report.findings
    assert report.sessions == 2
    assert {finding.kind for finding in report.findings} == {"open"}, "the last checkpoint came after the last copy"


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_the_next_run_goes_on_where_the_one_before_ended(bench: Bench, tmp_path: Path, state: str) -> None:
    place = tmp_path / "elsewhere"
    recorder, _ = begun(bench, place)
    works(recorder, "s1")
    recorder.keep_files()
    recorder.close()
    if state == "lost":
        (bench.directory / STATE).unlink()
    recorder, made = begun(bench, place)
    works(recorder, "s2")
    recorder.find_files()
    for _ in range(3):
        recorder.keep_files()
    recorder.close()
    assert made.failed == 0
    report = verify(restored(place, tmp_path / "restored"), bench.signer.public_key())
    assert report.whole, report.findings
    assert report.sessions == 2


def test_a_copy_is_never_written_again(bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    recorder, _ = begun(bench, place)
    works(recorder, "s1")
    recorder.keep_files()
    recorder.close()
    copied = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    (bench.directory / STATE).unlink()
    for path in (bench.directory / "sessions").rglob("s1.*"):
        path.write_bytes(path.read_bytes()[::-1])
    recorder, made = begun(bench, place)
    recorder.find_files()
    recorder.keep_files()
    recorder.close()
    assert made.failed >= 1, "that they differ is counted, and said in the log"
    assert {path: path.read_bytes() for path in copied} == copied


def test_a_place_that_cannot_be_reached_holds_up_nothing_else(bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    recorder, made = begun(bench, place)
    shutil.rmtree(place)
    place.write_text("in the way")
    works(recorder, "s1")
    recorder.keep_files()
    assert list((bench.directory / "sessions").rglob("*.zst")), "compressed all the same"
    copied, failed, waiting = recorder.copying
    assert (copied, bool(failed), bool(waiting)) == (0, True, True)
    bench.clock.now += timedelta(days=30)  # type: ignore[attr-defined]
    assert recorder.expire(10) == [], "nothing goes before its copy is there"
    place.unlink()
    place.mkdir()
    for _ in range(3):
        recorder.keep_files()
    assert recorder.copying[2] == 0
    assert {expiry.log for expiry in recorder.expire(10)} == {"s1"}
    recorder.close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings
    assert report.expired == 1
    assert made.has("sessions/2026/11/23/s1.jsonl")


def test_a_place_of_no_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotCopy, match="copy_to"):
        ObjectCopies("nowhere://x", tmp_path)
