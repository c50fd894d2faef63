"""Every kind of message in every phase of a session: whole, cut short, too long, of impossible lengths.

The same is said to PostgreSQL and to the gateway, which must answer, go on or end as PostgreSQL does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from protocol.backend import (
    BindComplete,
    CommandComplete,
    CopyInResponse,
    CopyOutResponse,
    ErrorResponse,
    FunctionCallResponse,
    NoticeResponse,
    ParameterStatus,
    PortalSuspended,
    ReadyForQuery,
)
from protocol.copying import CopyData, CopyDone
from protocol.frontend import Bind, Close, CopyFail, Describe, Execute, Flush, FunctionCall, Parse, Query, Sync
from tests.e2e.test_bounds import megabytes
from tests.e2e.test_curfew import backends, wait_until
from tests.e2e.test_differential_wire import past_the_gateway
from tests.support.gateway import Given, RunningGateway
from tests.support.postgres import SampleDatabase
from tests.support.wire import RawClient, encrypted, frame

COPY_IN = "COPY pgbench_history (tid) FROM STDIN"


@dataclass(frozen=True, slots=True)
class Phase:
    """What is said to come into it, in turns; each turn ends when this kind of answer is there."""

    turns: tuple[tuple[tuple[Any, ...], type], ...] = ()


PHASES = {
    "ready": Phase(),
    "in a transaction": Phase((((Query("BEGIN"),), ReadyForQuery),)),
    "in a failed transaction": Phase(
        (((Query("BEGIN"),), ReadyForQuery), ((Query("SELECT 1/0"),), ReadyForQuery)),
    ),
    "within a batch": Phase((((Parse("s", "SELECT 1"), Bind("p", "s"), Flush()), BindComplete),)),
    "after an error in a batch": Phase((((Parse("", "SELECT nosuch"), Flush()), ErrorResponse),)),
    "with a suspended portal": Phase(
        (((Parse("s", "SELECT generate_series(1, 9)"), Bind("p", "s"), Execute("p", 2), Flush()), PortalSuspended),)
    ),
    "while data is copied in": Phase((((Query(COPY_IN),), CopyInResponse),)),
    "while a batch copies data in": Phase(
        (((Parse("", COPY_IN), Bind("", ""), Execute(""), Flush()), CopyInResponse),),
    ),
    "while data is copied out": Phase(
        (((Query("COPY (SELECT repeat('x', 10000) FROM generate_series(1, 300)) TO STDOUT"),), CopyOutResponse),)
    ),
}
WHOLE = {
    "Query": Query("SELECT 2"),
    "several statements": Query("SELECT 2; SELECT 1/0; SELECT 3"),
    "Parse": Parse("t", "SELECT 3"),
    "Bind": Bind("q", "s"),
    "Describe a statement": Describe("S", "s"),
    "Describe a portal": Describe("P", "p"),
    "Execute": Execute("p"),
    "Close a statement": Close("S", "s"),
    "Close a portal": Close("P", "none"),
    "Flush": Flush(),
    "Sync": Sync(),
    "CopyData": CopyData(b"1\n"),
    "CopyDone": CopyDone(),
    "CopyFail": CopyFail("no more"),
}
RAW = {name: message.encode() for name, message in WHOLE.items()}
BROKEN = {
    **{f"{name}, cut short": frame(chr(raw[0]), raw[5:-1]) for name, raw in RAW.items() if len(raw) > 5},
    **{f"{name}, too long": frame(chr(raw[0]), raw[5:] + b"\0\0") for name, raw in RAW.items()},
    "of length 3": b"Q\0\0\0\3",
    "of length -1": b"d\xff\xff\xff\xff",
    "of two gigabytes": b"d\x7f\xff\xff\xff",
    "a password that nobody asked for": frame("p", b"secret\0"),
    "a server's message": frame("Z", b"I"),
    "a kind that is none": frame("~", b""),
    "zeros": b"\0" * 5,
    "TLS in the middle": b"\x16\x03\x01\x02\x00",
}


#: Broken, refused, or failed as PostgreSQL says it.
CLEAN = {"08P01", "0A000", "54000", "25P02", "42703", "26000", "34000", "57014", "22012", "22P04"}


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give("bench", target="bench")


def through(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": "alice", "database": "bench"})
    assert not client.refusal
    return client


def outcome(log_in: Callable[[], RawClient], phase: Phase, message: bytes) -> list[object]:
    """What is answered from the message on, until the connection ends: it is always told to."""
    with log_in() as client:
        for said, heard in phase.turns:
            client.send(*said)
            while not isinstance(client.receive(), heard):
                pass
        try:
            client.send(message, Sync(), frame("f", b"enough\0"), Sync(), frame("X", b""))
        except OSError:
            return ["reset"]
        heard = [shown for answer in client.until_closed() if (shown := compared(answer)) is not None]
    # PostgreSQL says twice that a message has no place in a copy: the ERROR of the copy, and the end.
    return heard[:-2] + heard[-1:] if heard[-2:] == [("ERROR", "08P01"), ("FATAL", "08P01")] else heard


def compared(answer: Any) -> object:
    """Words may differ, and how many rows of a COPY are on their way does; nothing else."""
    match answer:
        case ParameterStatus() | NoticeResponse() | CopyData():
            return None
        case ErrorResponse():
            return answer.severity, answer.sqlstate
        case CommandComplete():
            return answer.tag
        case _:
            return answer


@pytest.mark.parametrize("phase", PHASES)
def test_whole_messages_are_answered_as_postgresql_answers_them(
    gateway: RunningGateway, given: Given, sample_database: SampleDatabase, phase: str
) -> None:
    different = []
    for name, message in RAW.items():
        mine = outcome(lambda: through(gateway, given), PHASES[phase], message)
        its = outcome(lambda: past_the_gateway(sample_database), PHASES[phase], message)
        if mine != its:
            different.append(f"{name}: {mine} instead of {its}")
    assert not different, "\n".join(different)


@pytest.mark.parametrize("phase", PHASES)
def test_a_broken_message_is_an_error_or_the_end(gateway: RunningGateway, given: Given, phase: str) -> None:
    """PostgreSQL answers some of these with an ERROR and goes on; the gateway ends whom it does not understand."""
    for name, message in BROKEN.items():
        heard = outcome(lambda: through(gateway, given), PHASES[phase], message)
        errors = [answer for answer in heard if isinstance(answer, tuple)]
        assert all(sqlstate in CLEAN for _, sqlstate in errors), (name, heard)
        fatal = [answer for answer in errors if answer[0] == "FATAL"]
        assert len(fatal) <= 1, (name, heard)
        if fatal:
            assert heard[-1] == fatal[0], (name, heard)
    assert "Traceback" not in gateway.log


@pytest.mark.parametrize("phase", PHASES)
def test_a_function_call_is_refused_in_its_place(gateway: RunningGateway, given: Given, phase: str) -> None:
    heard = outcome(lambda: through(gateway, given), PHASES[phase], FunctionCall(1598, (), (), 0).encode())
    assert not any(isinstance(answer, FunctionCallResponse) for answer in heard)


def test_broken_sessions_leave_nothing_behind(own_gateway: RunningGateway) -> None:
    """What waited unsent for a client is gone with its session, at once."""
    granted = own_gateway.give("bench", target="bench")

    def break_some(times: int) -> None:
        for message in list(BROKEN.values())[:times]:
            outcome(lambda: through(own_gateway, granted), PHASES["while data is copied out"], message)
        wait_until("no backend is left", lambda: backends(own_gateway) == 0)

    break_some(8)
    before = megabytes(own_gateway)
    break_some(25)
    assert megabytes(own_gateway) - before < 8
