"""Group commit: one fdatasync for the events of many sessions, and after a power cut everything that was
acknowledged is there, made up from the commit log."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.audit import commits
from gateway.audit.commits import CommitLog, Piece
from gateway.audit.facts import AccessChanged, SessionClosed, StatementJudged
from gateway.audit.journal import Disk, RecordUnavailable
from gateway.audit.record import Recorder
from gateway.audit.verify import verify
from tests.gateway.audit.conftest import Bench, ended, facts_in, judged, opened
from tests.gateway.audit.independent_verifier import verify as verify_independently


@dataclass
class Watched:
    """A disk whose syncs are counted, can be held up, can fail, and which remembers what each has brought to it."""

    syncs: int = 0
    error: int = 0
    hold: threading.Event | None = None
    safe: dict[Path, bytes] = field(default_factory=dict)

    def disk(self) -> Disk:
        return Disk(write=self.write, sync=self.sync)

    def write(self, fd: int, data: bytes) -> int:
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        self.syncs += 1
        if self.hold is not None:
            assert self.hold.wait(20)
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        content = os.pread(fd, os.fstat(fd).st_size, 0)
        os.fdatasync(fd)
        self.safe[path] = content

    def cut_the_power(self, bench: Bench, recorder: Recorder) -> None:
        """What was synced is left, and nothing else."""
        os.close(recorder._lock)
        shutil.rmtree(bench.directory)
        for path, content in self.safe.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


async def test_one_sync_is_for_all_sessions_that_wrote_meanwhile(bench: Bench) -> None:
    watched = Watched()
    recorder = bench.open(disk=watched.disk(), durability="disk")
    sessions = [await recorder.begin_session(opened(f"s{number}")) for number in range(32)]
    sessions[0].append([judged(1)])
    watched.hold, watched.syncs = threading.Event(), 0
    first = sessions[0].on_disk()
    while not watched.syncs:  # noqa: ASYNC110 - a thread gets there
        await asyncio.sleep(0.001)
    rest = []
    for session in sessions[1:]:
        session.append([judged(1)])
        rest.append(session.on_disk())
    await asyncio.sleep(0.02)
    assert not first.done(), "the loop went on, the session did not"
    watched.hold.set()
    await asyncio.gather(first, *rest)
    assert watched.syncs == 2
    recorder.close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []


@pytest.mark.parametrize("passes", [False, True], ids=["no pass came", "passes came between"])
async def test_a_power_cut_loses_nothing_that_was_acknowledged(bench: Bench, passes: bool) -> None:
    watched = Watched()
    recorder = bench.open(disk=watched.disk(), durability="disk")
    recorder.note(AccessChanged(what="approved", by="rita"))
    sessions = [await recorder.begin_session(opened(f"s{number}")) for number in range(4)]
    for number in range(1, 40):
        session = sessions[number % 4]
        session.append([judged(number), ended(number)])
        await session.on_disk()
        if passes and number % 7 == 0:
            recorder.sync()
        if number == 20:
            sessions[0].close(SessionClosed(cause="client"))
            sessions[0] = await recorder.begin_session(opened("s9"))
    sessions[1].append([judged(99)])  # nobody has acknowledged it
    watched.cut_the_power(bench, recorder)
    bench.open(durability="disk").close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings
    assert {finding.kind for finding in report.findings} == {"cut"}
    assert verify_independently(bench.directory, bench.signer.public_key()) == []
    numbers = [
        fact.number
        for name in ("s0", "s1", "s2", "s3", "s9")
        for fact in facts_in(bench.session_file(name))
        if isinstance(fact, StatementJudged)
    ]
    assert sorted(numbers) == list(range(1, 40))
    [control] = (bench.directory / "control").rglob("*.jsonl")
    assert AccessChanged(what="approved", by="rita") in facts_in(control)


async def test_what_was_synced_in_its_own_file_needs_no_commit_log(bench: Bench) -> None:
    """Both files are written again and again; each turn waits for the pass that makes the other one needless."""
    watched = Watched()
    recorder = bench.open(disk=watched.disk(), durability="disk")
    session = await recorder.begin_session(opened())
    for number in range(1, 30):
        session.append([judged(number)])
        await session.on_disk()
        recorder.sync()
    assert all((bench.directory / name).stat().st_size == commits.SIZE for name in ("commits-1", "commits-2"))
    recorder.close()
    assert not list(bench.directory.glob("commits-*")), "nothing is left of it when all is in its place"
    assert verify(bench.directory, bench.signer.public_key()).findings == []


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EROFS])
async def test_who_waits_for_a_failing_disk_is_told_and_later_ones_are_served(bench: Bench, error: int) -> None:
    watched = Watched()
    recorder = bench.open(disk=watched.disk(), durability="disk")
    session = await recorder.begin_session(opened())
    session.append([judged(1)])
    waiting = session.on_disk()
    watched.error = error
    with pytest.raises(RecordUnavailable, match=os.strerror(error)):
        await waiting
    with pytest.raises(RecordUnavailable):
        await recorder.begin_session(opened("s2"))
    with pytest.raises(RecordUnavailable):
        session.append([judged(2)])
    watched.error = 0
    session.append([judged(3)])
    await session.on_disk()
    recorder.sync()
    other = await recorder.begin_session(opened("s3"))
    other.append([judged(1)])
    syncs = watched.syncs
    await other.on_disk()
    assert watched.syncs == syncs + 1, "the commit log is in use again"
    watched.cut_the_power(bench, recorder)
    bench.open().close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings
    assert [fact.number for fact in facts_in(bench.session_file()) if isinstance(fact, StatementJudged)] == [1, 3]
    assert len(facts_in(bench.session_file("s3"))) == 3


async def test_a_session_whose_beginning_cannot_be_brought_to_disk_is_none(bench: Bench) -> None:
    watched = Watched()
    recorder = bench.open(disk=watched.disk(), durability="disk")
    opening = asyncio.ensure_future(recorder.begin_session(opened()))
    await asyncio.sleep(0)
    watched.error = errno.EIO
    with pytest.raises(RecordUnavailable):
        await opening
    watched.error = 0
    recorder.close()
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings
    assert ["never begun" in finding.what for finding in report.findings] == [True]


def cut_frames(path: Path) -> list[Callable[[bytes], bytes]]:
    return [
        lambda data: data[:50],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"line", b"lime", 1),
        lambda data: b"",
        lambda data: os.urandom(len(data)),
    ]


@pytest.mark.parametrize("which", range(5))
def test_a_damaged_frame_is_no_frame(tmp_path: Path, which: int) -> None:
    log = CommitLog(tmp_path, Disk())
    log.write([Piece("ledger.jsonl", 0, b"line\n")])
    log.close()
    path = tmp_path / "commits-1"
    path.write_bytes(cut_frames(path)[which](path.read_bytes()))
    assert commits.left(tmp_path) in ([], [Piece("ledger.jsonl", 0, b"line\n")])
    assert (which == 1) == bool(commits.left(tmp_path)), "half of the file holds the whole frame"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.jsonl", "sessions/../../x.jsonl", "sessions/2026/11/23/../x.jsonl", "lock"]
)
def test_a_frame_writes_nowhere_but_into_the_record(tmp_path: Path, path: str) -> None:
    record = tmp_path / "a" / "record"
    record.mkdir(parents=True)
    assert commits.make_up(record, [Piece(path, 0, b"x\n")], lambda _: True) == 0
    assert list(record.iterdir()) == []


def test_a_log_that_lost_more_than_the_commit_log_holds_is_left_as_it_is(tmp_path: Path) -> None:
    piece = Piece("sessions/2026/11/23/s1.jsonl", 100, b"x\n")
    assert commits.make_up(tmp_path, [piece], lambda _: True) == 0
    path = tmp_path / piece.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"y" * 99)
    assert commits.make_up(tmp_path, [piece], lambda _: True) == 0
    path.write_bytes(b"y" * 100)
    assert commits.make_up(tmp_path, [piece], lambda _: True) == 1
    assert path.read_bytes() == b"y" * 100 + b"x\n"
