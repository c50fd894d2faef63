"""Long logs in segments, closed ones compressed, old ones let go: the proof stays, and no step of it can be cut off
so that anything is lost."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.audit import keeping, ledger, lines
from gateway.audit.facts import AccessChanged, SessionClosed
from gateway.audit.index.indexing import bring_up_to_date
from gateway.audit.journal import Disk, RecordUnavailable
from gateway.audit.keeping import Keeping, compress
from gateway.audit.record import Recorder
from gateway.audit.replay import list_sessions, read_session
from gateway.audit.verify import Report, verify
from tests.gateway.audit.conftest import Bench, ended, judged, opened
from tests.gateway.audit.independent_verifier import verify as verify_independently

SMALL = Keeping(segment_bytes=3000, compression=3, settle_seconds=0)


def verified(bench: Bench) -> Report:
    report = verify(bench.directory, bench.signer.public_key())
    assert report.whole, report.findings
    assert verify_independently(bench.directory, bench.signer.public_key()) == []
    return report


def written(bench: Bench, *, compressed: bool = True, durability: str = "process") -> Recorder:
    """A closed session of many segments and an open one, and a control log."""
    recorder = bench.open(keeping=SMALL, durability=durability)
    recorder.note(AccessChanged(what="requested", by="alice"))
    one, two = recorder.open_session(opened("s1")), recorder.open_session(opened("s2"))
    for number in range(1, 41):
        one.append([judged(number), ended(number)])
        if number % 5 == 0:
            recorder.sync()
        if number < 5:
            two.append([judged(number), ended(number)])
    one.close(SessionClosed(cause="client", statements=40))
    recorder.checkpoint()
    if compressed:
        recorder.keep_files()
    return recorder


def files(bench: Bench, session: str = "s1") -> list[Path]:
    return sorted((bench.directory / "sessions").rglob(f"{session}.*"))


@pytest.mark.parametrize("durability", ["process", "disk"])
def test_a_long_log_goes_on_in_segments_as_if_it_were_one_file(bench: Bench, durability: str) -> None:
    recorder = written(bench, compressed=False, durability=durability)
    parts = lines.segments(bench.session_file())
    assert len(parts) > 5
    assert all(part.stat().st_size > 3000 for part in parts[:-1])
    with lines.opened(bench.session_file()) as file:
        whole = file.read()
    assert whole == b"".join(part.read_bytes() for part in parts)
    assert lines.size(bench.session_file()) == len(whole)
    for at in (0, 1, 2999, len(parts[0].read_bytes()), len(whole) // 2, len(whole) - 1, len(whole)):
        with lines.opened(bench.session_file(), at) as file:
            assert file.read() == whole[at:]
    recorder.close()
    verified(bench)


def test_closed_segments_are_compressed_and_everything_reads_them(bench: Bench) -> None:
    recorder = written(bench)
    assert sum(path.suffix == ".zst" for path in files(bench)) > 5
    assert all(path.stat().st_size < 4096 for path in files(bench) if path.suffix == ".jsonl")
    whole = list_sessions(bench.directory)
    assert {one.session: one.statements for one in whole} == {"s1": 40, "s2": 4}
    read = read_session(bench.directory, "s1", bench.auditor)
    assert [statement.number for statement in read.statements] == list(range(1, 41))
    assert read.statements[39].opened
    assert read.problem == ""
    assert bring_up_to_date(bench.directory) == 44
    verified(bench)
    recorder.close()
    assert verified(bench).findings == []


def test_the_index_follows_a_log_through_its_segments(bench: Bench) -> None:
    recorder = bench.open(keeping=SMALL)
    session = recorder.open_session(opened())
    indexed = 0
    for number in range(1, 41):
        session.append([judged(number), ended(number)])
        if number % 4 == 0:
            recorder.sync()
            recorder.keep_files()
        if number % 3 == 0:
            indexed += bring_up_to_date(bench.directory)
    session.close(SessionClosed(cause="client"))
    recorder.close()
    assert indexed + bring_up_to_date(bench.directory) == 40


def test_a_crash_among_segments_is_cut_and_goes_on(bench: Bench) -> None:
    recorder = written(bench, durability="disk")
    two = recorder._sessions["s2"]
    for number in range(5, 20):
        two.append([judged(number)])
        recorder.sync()
    os.close(recorder._lock)  # kill -9
    last = lines.segments(bench.session_file("s2"))[-1]
    last.write_bytes(last.read_bytes() + b'{"prev":"torn')
    bench.open(keeping=SMALL).close()
    report = verified(bench)
    assert {finding.kind for finding in report.findings} == {"cut"}
    read = read_session(bench.directory, "s2")
    assert read.closed is not None
    assert (read.closed.cause, read.closed.statements) == ("cut", 19)


@pytest.mark.parametrize("made", [False, True])
def test_a_crash_before_the_next_segment_was_begun(bench: Bench, made: bool) -> None:
    """The ledger knows of it; the file is not there, or empty."""
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1)])
    first = bench.session_file()
    path = lines.segment(first, 2)
    name = path.relative_to(bench.directory).as_posix()
    recorder._ledger.add(b'"event":' + msgspec.json.encode(ledger.LogContinued(log="s1", path=name)))
    recorder.sync()
    if made:
        path.touch()
    verified(bench)
    os.close(recorder._lock)
    bench.open().close()
    assert [finding.kind for finding in verified(bench).findings] == ["cut"]


def test_what_an_earlier_run_left_uncompressed_is_compressed_by_the_next(bench: Bench) -> None:
    written(bench, compressed=False).close()
    assert not list(bench.directory.rglob("*.zst"))

    async def runs() -> None:
        recorder = bench.open(keeping=SMALL)
        running = asyncio.create_task(recorder.run())
        async with asyncio.timeout(10):
            while any(  # noqa: ASYNC110 - a thread does it
                path.suffix == ".jsonl" and path.stat().st_size > 4096 for path in files(bench)
            ):
                await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.wait((running,))
        recorder.close()

    asyncio.run(runs())
    assert list(bench.directory.rglob("*.zst"))
    assert verified(bench).findings == []


def test_a_compressed_file_replaces_the_plain_one_only_when_it_reads_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(bench, compressed=False).close()
    path = bench.session_file()
    content = path.read_bytes()
    real = keeping._digest_compressed
    monkeypatch.setattr(keeping, "_digest_compressed", lambda _: b"another")
    with pytest.raises(OSError, match="read back"):
        compress(path, 3)
    assert [file for file in files(bench) if file.name.startswith("s1.jsonl")] == [path]
    monkeypatch.setattr(keeping, "_digest_compressed", real)
    # A crash came between the rename and the removal: both are there, and the plain one counts.
    path.with_name(path.name + ".zst").write_bytes(b"what a crash left")
    assert verified(bench)
    assert compress(path, 3)
    assert not path.exists()
    with lines.opened_file(path) as file:
        assert file.read() == content
    assert compress(path, 3), "nothing is left to be done"
    assert verified(bench).findings == []


def test_a_segment_that_cannot_be_begun_leaves_the_log_where_it_was(bench: Bench) -> None:
    failing: list[int] = []

    def sync(fd: int) -> None:
        if failing:
            raise OSError(failing[0], os.strerror(failing[0]))
        os.fsync(fd)

    recorder = bench.open(keeping=SMALL, disk=Disk(sync=sync))
    session = recorder.open_session(opened())
    session.append([judged(number) for number in range(1, 10)])
    in_the_way = lines.segment(bench.session_file(), 2)
    in_the_way.mkdir()
    with pytest.raises((RecordUnavailable, OSError)):
        recorder.sync()
    in_the_way.rmdir()
    failing.append(errno.EIO)
    with pytest.raises(RecordUnavailable):
        recorder.sync()
    failing.clear()
    session.append([judged(10)])
    recorder.sync()
    session.append([judged(11)])
    session.close(SessionClosed(cause="client"))
    recorder.close()
    assert len(lines.segments(bench.session_file())) == 2
    read = read_session(bench.directory, "s1")
    assert [statement.number for statement in read.statements] == list(range(1, 12))
    assert verified(bench).findings == []
    assert (bench.directory / "ledger.jsonl").read_bytes().count(b"LogContinued") == 1


# what is changed in closed, compressed segments is found


def changed_line(data: bytes) -> bytes:
    at = data.index(b'"rows":')
    return data[: at + 7] + b"9" + data[at + 8 :]


def removed_line(data: bytes) -> bytes:
    whole = data.splitlines(keepends=True)
    return b"".join(whole[:1] + whole[2:])


def swapped_lines(data: bytes) -> bytes:
    whole = data.splitlines(keepends=True)
    return b"".join([whole[1], whole[0], *whole[2:]])


def doubled_line(data: bytes) -> bytes:
    whole = data.splitlines(keepends=True)
    return b"".join([whole[0], *whole])


def truncated(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-1])


CHANGES = [changed_line, removed_line, swapped_lines, doubled_line, truncated]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("which", [0, 2, -2])
def test_every_change_inside_a_compressed_segment_is_found(bench: Bench, change: object, which: int) -> None:
    written(bench).close()
    path = [file for file in files(bench) if file.suffix == ".zst"][which]
    data = zstandard.ZstdDecompressor().decompress(path.read_bytes())
    path.write_bytes(zstandard.ZstdCompressor().compress(change(data)))  # type: ignore[operator]
    report = verify(bench.directory, bench.signer.public_key())
    assert not report.whole
    number = lines.plain(path).name.removesuffix(".jsonl")
    assert any(Path(finding.file).name.startswith(("s1",)) for finding in report.findings), number
    assert verify_independently(bench.directory, bench.signer.public_key())


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Bench]:
    """One as it was written, one of which a part has expired."""
    made = []
    for expires in (False, True):
        bench = Bench(tmp_path_factory.mktemp("r") / "record")
        recorder = written(bench)
        if expires:
            bench.clock.now += timedelta(days=2)  # type: ignore[attr-defined]
            recorder.expire(1)
        recorder.close()
        made.append(bench)
    return made


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    which=st.integers(0, 1),
    file=st.floats(0, 1, exclude_max=True),
    other=st.floats(0, 1, exclude_max=True),
    place=st.floats(0, 1, exclude_max=True),
    bits=st.integers(1, 255),
    how=st.sampled_from(["byte", "cut", "remove", "swap"]),
)
def test_no_damage_to_any_file_goes_unseen(
    records: list[Bench],
    tmp_path_factory: pytest.TempPathFactory,
    which: int,
    file: float,
    other: float,
    place: float,
    bits: int,
    how: str,
) -> None:
    """A byte of any file is changed, or it is cut short, removed, or another's is put in its place."""
    copy = tmp_path_factory.mktemp("c") / "record"
    shutil.copytree(records[which].directory, copy)
    everything = sorted(path for path in copy.rglob("*") if path.is_file() and path.stat().st_size)
    path = everything[int(file * len(everything))]
    content = path.read_bytes()
    at = int(place * len(content))
    match how:
        case "byte":
            path.write_bytes(content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :])
        case "cut":
            path.write_bytes(content[:at])
        case "remove":
            path.unlink()
        case "swap":
            path.write_bytes(everything[int(other * len(everything))].read_bytes())
    report = verify(copy, records[which].signer.public_key())
    # From the directory alone the end of the ledger cannot be missed; that it did not end in order is said.
    cut_ledger = path.name == "ledger.jsonl" and any(one.file == "ledger.jsonl" for one in report.findings)
    same = path.exists() and unpacked(path) == unpacked_bytes(content)
    assert not report.whole or cut_ledger or same, (path, how, report.findings)


def unpacked(path: Path) -> bytes | None:
    """What is said, whatever it is packed in: a flag of zstd's header may change and mean the same."""
    return unpacked_bytes(path.read_bytes())


def unpacked_bytes(content: bytes) -> bytes | None:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    except zstandard.ZstdError:
        return content


# retention


def test_what_is_old_expires_with_a_signed_tombstone(bench: Bench) -> None:
    written(bench).close()
    before = verified(bench)
    bench.clock.now += timedelta(days=91)  # type: ignore[attr-defined]
    recorder = bench.open(keeping=SMALL)
    young = recorder.open_session(opened("s3"))
    young.append([judged(1)])
    young.close(SessionClosed(cause="client", statements=1))
    gone = recorder.expire(90)
    assert sorted(expiry.log for expiry in gone if expiry.kind == "session") == ["s1", "s2"]
    recorder.close()
    report = verified(bench)
    assert report.findings == []
    assert report.expired == before.logs
    assert not files(bench, "s1")
    assert [one.session for one in list_sessions(bench.directory)] == ["s3"]
    assert bench.open(keeping=SMALL).expire(90) == []


def test_an_expiry_that_was_cut_off_is_finished_by_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    written(bench).close()
    bench.clock.now += timedelta(days=91)  # type: ignore[attr-defined]
    recorder = bench.open(keeping=SMALL)
    real, calls = Path.unlink, iter([None, None])

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if next(calls, "enough") == "enough":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(OSError, match="Input/output"):
        recorder.expire(90)
    monkeypatch.setattr(Path, "unlink", real)
    assert verified(bench)
    assert recorder.expire(90)
    recorder.close()
    assert not files(bench, "s1")
    assert verified(bench).findings == []


def test_a_file_that_was_removed_before_its_tombstone_was_signed_is_removed(bench: Bench) -> None:
    recorder = written(bench)
    recorder._tell_ledger(ledger.LogExpired(log="s1", days=1))
    recorder._ledger.sync()
    for path in files(bench):
        path.unlink()
    report = verify(bench.directory, bench.signer.public_key())
    assert any("removed" in finding.what for finding in report.findings)
    recorder.checkpoint()
    assert verify(bench.directory, bench.signer.public_key()).whole, "now whoever holds the signing key has said so"


def test_an_open_log_does_not_expire(bench: Bench) -> None:
    recorder = written(bench)
    bench.clock.now += timedelta(days=400)  # type: ignore[attr-defined]
    assert {expiry.log for expiry in recorder.expire(1)} == {"s1"}
    recorder.close()
    verified(bench)
