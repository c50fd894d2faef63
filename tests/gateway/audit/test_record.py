"""What was acknowledged is there; what could not be written did not happen; nothing is continued over a hole."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit.facts import (
    AccessChanged,
    AnyFact,
    CancelAsked,
    CopyEnded,
    DoorRefused,
    ExpiryNoticed,
    Fact,
    GatewayStarted,
    RecordResumed,
    Sealed,
    SecondLockTripped,
    SessionClosed,
    StatementEnded,
    StatementJudged,
)
from gateway.audit.journal import Disk, RecordUnavailable
from gateway.audit.record import Recorder, RecordLocked
from gateway.audit.recover import RecordBroken
from gateway.audit.replay import read_session
from gateway.audit.verify import verify
from tests.gateway.audit.conftest import Bench, ended, facts_in, judged, opened
from tests.gateway.audit.independent_verifier import verify as verify_independently

text = st.text(max_size=20)
facts = st.one_of(
    st.builds(
        StatementJudged,
        number=st.integers(1, 10**9),
        how=st.sampled_from(["simple", "parse", "execute"]),
        kind=text,
        verdict=st.sampled_from(["passed", "rewritten", "refused"]),
        normalized=text,
        reason=text,
        read=st.tuples(text, text),
        sealed=st.none() | st.builds(Sealed, text=st.none() | text, parameters=st.tuples(st.none() | text)),
    ),
    st.builds(StatementEnded, number=st.integers(1, 10**9), outcome=text, rows=st.integers(0, 10**12)),
    st.builds(CopyEnded, number=st.integers(1, 100), bytes=st.integers(0, 10**12)),
    st.builds(CancelAsked, number=st.integers(1, 100), by=text),
    st.builds(ExpiryNoticed, seconds_left=st.integers(0, 10**6)),
    st.builds(SecondLockTripped, number=st.integers(1, 100), table_oid=st.integers(0, 2**32), attribute=st.integers()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chunks=st.lists(st.lists(facts, min_size=1, max_size=4), max_size=6), reason=st.text(max_size=30))
def test_any_sequence_of_facts_is_read_back_and_verifies(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[list[Fact]], reason: str
) -> None:
    bench = Bench(tmp_path_factory.mktemp("r") / "record")
    recorder = bench.open()
    session = recorder.open_session(opened(reason=reason))
    for chunk in chunks:
        session.append(chunk)
    session.close(SessionClosed(cause="client"))
    recorder.close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []
    assert verify_independently(bench.directory, bench.signer.public_key()) == []
    raw = bench.session_file().read_bytes()
    assert raw.isascii()
    assert raw.count(b"\n") == 2 + sum(map(len, chunks))
    assert not any(byte < 32 and byte != 10 for byte in raw)
    read = facts_in(bench.session_file())[1:-1]
    expected = [msgspec.structs.replace(f, sealed=None) if hasattr(f, "sealed") else f for c in chunks for f in c]
    assert read == expected


@pytest.mark.parametrize("bad", ["\x1b[2J\x9b31m", "\u202egnp.exe", "a\nb\r\x00", '","seq":9', "\ud800", "\x7f"])
def test_nothing_can_forge_a_line_or_a_terminal_escape(bench: Bench, bad: str) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened(reason=bad, person=bad, startup={bad: bad}))
    session.append([judged(1, normalized=bad, sealed=Sealed(text=bad, parameters=(bad,)))])
    session.close(SessionClosed(cause="client", detail=bad))
    recorder.close()
    raw = bench.session_file().read_bytes()
    assert raw.count(b"\n") == 3
    assert all(byte == 10 or 32 <= byte < 127 for byte in raw)
    assert verify(bench.directory, bench.signer.public_key()).findings == []
    read = read_session(bench.directory, "s1", bench.auditor)
    shown = bad if bad != "\ud800" else "\\ud800"
    assert read.opened.reason == shown
    assert read.statements[0].text == shown


def test_every_kind_of_fact_can_be_noted(bench: Bench) -> None:
    recorder = bench.open()
    noted: list[AnyFact] = [
        GatewayStarted(version="1", policy_version="p", sealing="auditors"),
        DoorRefused(client="10.0.0.1:5", cause="token-expired", sqlstate="28P01", message="…"),
        AccessChanged(what="approved", by="bob", grant="g-1"),
    ]
    for fact in noted:
        recorder.note(fact)
    recorder.close()
    assert facts_in(next((bench.directory / "control").rglob("*.jsonl"))) == noted
    assert verify(bench.directory, bench.signer.public_key()).findings == []


def test_there_is_one_writer(bench: Bench) -> None:
    first = bench.open()
    with pytest.raises(RecordLocked):
        bench.open()
    first.close()
    bench.open().close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []


def test_a_session_id_cannot_leave_the_directory(bench: Bench) -> None:
    recorder = bench.open()
    for session in ("../x", "a/b", "", ".", "x" * 65):
        with pytest.raises(ValueError, match="session id"):
            recorder.open_session(opened(session))


def test_sealing_needs_somebody_to_seal_to(bench: Bench) -> None:
    with pytest.raises(ValueError, match="recipient"):
        Recorder.open(bench.directory, signer=bench.signer, recipients=[], clock=bench.clock)


def test_checkpoints_are_signed_only_when_something_happened(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    recorder.checkpoint()
    size = (bench.directory / "ledger.jsonl").stat().st_size
    recorder.checkpoint()
    assert (bench.directory / "ledger.jsonl").stat().st_size == size
    session.append([judged(1)])
    recorder.checkpoint()
    assert (bench.directory / "ledger.jsonl").stat().st_size > size


def test_nothing_is_written_after_the_end(bench: Bench, tmp_path: Path) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    recorder.close()
    with (tmp_path / "another file").open("wb") as other:  # gets the number that the log had
        with pytest.raises(RecordUnavailable):
            session.append([judged(1)])
        other.flush()
    assert not any(path.stat().st_size for path in tmp_path.glob("another*"))
    last = facts_in(bench.session_file())[-1]
    assert isinstance(last, SessionClosed)
    assert last.cause == "shutdown"
    assert verify(bench.directory, bench.signer.public_key()).findings == []


async def test_run_syncs_and_signs_by_itself_and_gets_over_trouble(bench: Bench) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk(), checkpoint_seconds=0.15)
    running = asyncio.create_task(recorder.run())
    recorder.open_session(opened()).append([judged(1)])
    await until(lambda: b'"heads":{"s1":[2,' in (bench.directory / "ledger.jsonl").read_bytes())
    failing.write_error = errno.ENOSPC
    with pytest.raises(RecordUnavailable):
        recorder.open_session(opened("s2"))
    assert recorder.trouble is not None
    await asyncio.sleep(0.3)
    assert not running.done()
    failing.write_error = 0
    await until(lambda: recorder.trouble is None)
    recorder.open_session(opened("s3")).close(SessionClosed(cause="client"))
    await until(lambda: b'"LogClosed","log":"s3"' in (bench.directory / "ledger.jsonl").read_bytes())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    recorder.close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - what is waited for happens on a disk
            await asyncio.sleep(0.01)


def test_one_write_for_all_facts_of_a_chunk(bench: Bench) -> None:
    writes: list[int] = []

    def write(fd: int, data: bytes) -> int:
        writes.append(len(data))
        return os.write(fd, data)

    session = bench.open(disk=Disk(write=write)).open_session(opened())
    writes.clear()
    session.append([judged(1), ended(1), judged(2)])
    assert len(writes) == 1


class FailingDisk:
    """A disk that can fail at each call; real files beneath."""

    def __init__(self) -> None:
        self.write_error = self.sync_error = self.truncate_error = 0
        #: Bytes taken before the error.
        self.takes = 0

    def disk(self) -> Disk:
        return Disk(write=self.write, sync=self.sync, truncate=self.truncate)

    def write(self, fd: int, data: bytes) -> int:
        if self.write_error:
            if self.takes:
                taken, self.takes = os.write(fd, data[: self.takes]), 0
                return taken
            raise OSError(self.write_error, os.strerror(self.write_error))
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        if self.sync_error:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        if self.truncate_error:
            raise OSError(self.truncate_error, os.strerror(self.truncate_error))
        os.ftruncate(fd, size)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("takes", [0, 1, 300])
@pytest.mark.parametrize("truncate_fails", [False, True])
def test_a_failed_write_is_taken_back_and_stated(bench: Bench, error: int, takes: int, truncate_fails: bool) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk())
    session = recorder.open_session(opened())
    session.append([judged(1)])
    failing.write_error, failing.takes = error, takes
    failing.truncate_error = error if truncate_fails else 0
    for number in (2, 3):
        with pytest.raises(RecordUnavailable, match=os.strerror(error)):
            session.append([ended(1), judged(number)])
        failing.takes = takes
    failing.write_error = failing.truncate_error = 0
    session.append([ended(1), judged(4)])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    read = facts_in(bench.session_file())
    assert [type(fact).__name__ for fact in read] == [
        "SessionOpened",
        "StatementJudged",
        "RecordResumed",
        "StatementEnded",
        "StatementJudged",
        "SessionClosed",
    ]
    resumed = read[2]
    assert isinstance(resumed, RecordResumed)
    assert (resumed.cause, resumed.facts) == (os.strerror(error), 4)
    assert verify(bench.directory, bench.signer.public_key()).findings == []
    assert verify_independently(bench.directory, bench.signer.public_key()) == []
    assert read_session(bench.directory, "s1", bench.auditor).still_sealed == ""


def test_a_full_disk_stops_statements_and_the_record_goes_on_when_there_is_room(bench: Bench) -> None:
    """A real file-size limit: the kernel takes a part of the line, then refuses."""
    recorder = bench.open()
    session = recorder.open_session(opened())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    acknowledged = refused = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (bench.session_file().stat().st_size + 3000, hard))
    try:
        for number in range(1, 30):
            try:
                session.append([judged(number), ended(number)])
                acknowledged += 1
            except RecordUnavailable:
                refused += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert acknowledged
    assert refused
    session.append([judged(99)])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    read = facts_in(bench.session_file())
    assert sum(isinstance(fact, StatementJudged) for fact in read) == acknowledged + 1
    # An interruption whose statement of it found no room either is stated once, when it is over.
    assert any(isinstance(fact, RecordResumed) for fact in read)
    assert verify(bench.directory, bench.signer.public_key()).findings == []


def test_a_session_that_ends_while_the_disk_is_full_is_closed_when_there_is_room(bench: Bench) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk())
    session = recorder.open_session(opened())
    failing.write_error = errno.ENOSPC
    session.close(SessionClosed(cause="record"))
    for attempt in (recorder.sync, recorder.checkpoint, recorder.sync):
        with pytest.raises(RecordUnavailable):
            attempt()
    with pytest.raises(RecordUnavailable):
        recorder.open_session(opened("s2"))
    assert recorder.trouble == os.strerror(errno.ENOSPC)
    failing.write_error = 0
    recorder.sync()
    assert recorder.trouble is None
    recorder.open_session(opened("s3")).close(SessionClosed(cause="client"))
    recorder.close()
    last = facts_in(bench.session_file())[-1]
    assert isinstance(last, SessionClosed)
    assert last.cause == "record"
    assert verify(bench.directory, bench.signer.public_key()).findings == []


def test_a_log_that_could_not_be_begun_is_stated_and_not_forged(bench: Bench) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk())
    (bench.directory / "sessions").write_text("in the way")
    with pytest.raises(RecordUnavailable):
        recorder.open_session(opened())
    (bench.directory / "sessions").unlink()
    recorder.open_session(opened("s2")).close(SessionClosed(cause="client"))
    recorder.close()
    report = verify(bench.directory, bench.signer.public_key())
    assert [finding.kind for finding in report.findings] == ["cut"]
    assert "never begun" in report.findings[0].what


def test_after_a_failed_fsync_nothing_is_accepted_before_the_data_was_read_back(bench: Bench) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk())
    session = recorder.open_session(opened())
    session.append([judged(1)])
    failing.sync_error = errno.EIO
    with pytest.raises(RecordUnavailable):
        recorder.sync()
    with pytest.raises(RecordUnavailable):
        session.append([ended(1)])
    failing.sync_error = 0
    session.append([ended(1), judged(2)])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    names = [type(fact).__name__ for fact in facts_in(bench.session_file())]
    assert names == [
        "SessionOpened",
        "StatementJudged",
        "RecordResumed",
        "StatementEnded",
        "StatementJudged",
        "SessionClosed",
    ]
    assert verify(bench.directory, bench.signer.public_key()).findings == []
    assert read_session(bench.directory, "s1", bench.auditor).still_sealed == ""


def test_data_that_a_failed_fsync_lost_is_never_continued(bench: Bench) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk())
    session = recorder.open_session(opened())
    recorder.sync()
    before = bench.session_file().stat().st_size
    session.append([judged(1)])
    failing.sync_error = errno.EIO
    with pytest.raises(RecordUnavailable):
        recorder.sync()
    size = bench.session_file().stat().st_size
    with bench.session_file().open("r+b") as file:  # what a dropped page leaves behind
        file.seek(before)
        file.write(bytes(size - before))
    failing.sync_error = 0
    with pytest.raises(RecordUnavailable, match="did not reach the disk"):
        session.append([ended(1)])


def test_a_new_day_begins_a_new_control_log(bench: Bench) -> None:
    recorder = bench.open()
    recorder.note(AccessChanged(what="requested", by="alice"))
    bench.clock.now += timedelta(days=1)  # type: ignore[attr-defined]
    recorder.note(AccessChanged(what="approved", by="bob"))
    recorder.close()
    assert len(list((bench.directory / "control").rglob("*.jsonl"))) == 2
    assert verify(bench.directory, bench.signer.public_key()).findings == []


def test_a_record_whose_ledger_was_removed_is_not_begun_anew(bench: Bench) -> None:
    bench.write_a_record()
    (bench.directory / "ledger.jsonl").unlink()
    with pytest.raises(RecordBroken):
        bench.open()
