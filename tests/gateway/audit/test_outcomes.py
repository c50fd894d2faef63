"""How a statement came out may be written a moment later; it is neither lost nor out of order."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable

import pytest

from gateway.audit.facts import RecordResumed, Sealed, SessionClosed, StatementEnded, StatementJudged
from gateway.audit.journal import Disk
from gateway.audit.record import RecordUnavailable
from gateway.audit.replay import read_session
from gateway.audit.verify import verify
from tests.gateway.audit.conftest import CANARY, Bench, ended, facts_in, judged, opened
from tests.gateway.audit.test_record import FailingDisk, until

FAILED = ended(1, outcome="failed", sqlstate="22P02", sealed=Sealed(message=f"invalid input: {CANARY}"))


def numbers(bench: Bench) -> list[tuple[str, int]]:
    return [
        (type(fact).__name__, fact.number)
        for fact in facts_in(bench.session_file())
        if isinstance(fact, StatementJudged | StatementEnded)
    ]


def test_an_outcome_goes_with_what_comes_next_and_before_it(bench: Bench) -> None:
    writes: list[int] = []

    def write(fd: int, data: bytes) -> int:
        writes.append(data.count(b"\n"))
        return os.write(fd, data)

    recorder = bench.open(disk=Disk(write=write))
    session = recorder.open_session(opened())
    session.append([judged(1)])
    writes.clear()
    session.append_soon([ended(1)])
    assert writes == []
    session.append([judged(2)])
    assert writes == [2]
    assert numbers(bench) == [("StatementJudged", 1), ("StatementEnded", 1), ("StatementJudged", 2)]


@pytest.mark.parametrize("ending", ["close", "shutdown"])
def test_an_outcome_is_written_when_the_session_ends(bench: Bench, ending: str) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1)])
    session.append_soon([FAILED])
    if ending == "close":
        session.close(SessionClosed(cause="client"))
    recorder.close()
    assert isinstance(facts_in(bench.session_file())[-2], StatementEnded)
    assert isinstance(facts_in(bench.session_file())[-1], SessionClosed)
    assert CANARY.encode() not in bench.session_file().read_bytes()
    [statement] = read_session(bench.directory, "s1", bench.auditor).statements
    assert CANARY in statement.message
    assert verify(bench.directory, bench.signer.public_key()).findings == []


async def test_an_outcome_that_nothing_follows_is_written_in_a_moment(bench: Bench) -> None:
    recorder = bench.open()
    running = asyncio.create_task(recorder.run())
    session = recorder.open_session(opened())
    session.append([judged(1)])
    session.append_soon([ended(1)])
    await until(lambda: ("StatementEnded", 1) in numbers(bench))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    recorder.close()


@pytest.mark.parametrize("over", [False, True])
def test_an_outcome_that_the_disk_does_not_take_waits(bench: Bench, over: bool) -> None:
    failing = FailingDisk()
    recorder = bench.open(disk=failing.disk())
    session = recorder.open_session(opened())
    session.append([judged(1)])
    failing.write_error = errno.ENOSPC
    session.append_soon([FAILED])
    recorder.flush()
    if over:
        session.close(SessionClosed(cause="record"))
        with pytest.raises(RecordUnavailable):
            recorder.sync()
    else:
        with pytest.raises(RecordUnavailable):
            session.append([judged(2)])
    failing.write_error = 0
    again: Callable[[], None] = recorder.sync if over else recorder.flush
    again()
    resumed, outcome = facts_in(bench.session_file())[2:4]
    assert isinstance(resumed, RecordResumed)
    assert isinstance(outcome, StatementEnded)
    assert CANARY.encode() not in bench.session_file().read_bytes()
    assert ("StatementJudged", 2) not in numbers(bench)
    recorder.close()
    assert verify(bench.directory, bench.signer.public_key()).findings == []
