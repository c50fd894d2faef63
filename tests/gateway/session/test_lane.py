"""The short way of a statement that comes alone is the long way, only shorter: whatever is said, in whatever
pieces, a relay that may take it and one that may not record the same facts and pass on the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.facts import PolicyLoaded, StatementEnded, StatementJudged
from gateway.session.asking import REFUSED_TEXT
from gateway.session.commands import Command, Record, RecordSoon, SendToClient, SendToUpstream
from gateway.session.judge import Judge
from gateway.session.relay import Relay
from masking.catalog import Operator
from masking.policy import StatementKind
from protocol.backend import (
    BindComplete,
    CloseComplete,
    CommandComplete,
    DataRow,
    EmptyQueryResponse,
    ErrorResponse,
    Field,
    NoData,
    NoticeResponse,
    ParameterDescription,
    ParameterStatus,
    ParseComplete,
    PortalSuspended,
    ReadyForQuery,
    RowDescription,
)
from protocol.frames import FrontendFrames
from protocol.frontend import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync, Terminate, decode_frontend
from tests.gateway.session import test_relay
from tests.gateway.session.test_relay import POLICY, facts, says

CATALOG = replace(test_relay.CATALOG, operators=(Operator("pg_catalog", "=", ("pg_catalog", "int4eq")),))
KINDS = {StatementKind.TRANSACTION, StatementKind.PREPARE, StatementKind.EXECUTE, StatementKind.DEALLOCATE}
ID = RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),))
SEARCHED = RowDescription((Field("id", 1000, 1, 23, 4, -1, 0), Field("?column?", 0, 0, 25, -1, -1, 0)))
PROTECTED = RowDescription((Field("email", 1000, 2, 25, -1, -1, 0),))
DESCRIPTIONS = {"id": ID, "searched": SEARCHED, "nothing": NoData(), "protected": PROTECTED}


def new_relay() -> Relay:
    policy = replace(POLICY, statements=POLICY.statements | KINDS)
    return Relay(Judge(policy, CATALOG), max_message_bytes=1 << 20)


class Side:
    """A relay, and what came out of it."""

    def __init__(self, relay: Relay, *, short: bool) -> None:
        self.relay = relay
        self.short = short
        self.facts: list[object] = []
        self.to_client = b""
        self.to_upstream = b""
        self.others: list[str] = []
        self.taken = 0

    def client(self, data: bytes, now: float) -> None:
        asked = self.relay.asked_alone(data, now) if self.short else None
        if asked is None:
            self.did(self.relay.client_sent(data, now))
        else:
            self.taken += 1
            self.did([Record(asked[:1]), SendToUpstream(asked[1])])

    def upstream(self, data: bytes, now: float) -> None:
        ended = self.relay.answered_alone(data, now) if self.short else None
        if ended is None:
            self.did(self.relay.upstream_sent(data, now))
        else:
            self.taken += 1
            self.did([RecordSoon((ended,)), SendToClient(data)])

    def did(self, commands: list[Command]) -> None:
        self.facts += facts(commands)
        for command in commands:
            if isinstance(command, SendToClient):
                self.to_client += command.data
            elif isinstance(command, SendToUpstream):
                self.to_upstream += command.data
            elif not isinstance(command, Record | RecordSoon):
                self.others.append(type(command).__name__)

    def seen(self) -> tuple[object, ...]:
        relay = self.relay
        state = (relay.busy, relay.transaction, relay.statements, relay.holding, relay.at_rest)
        return self.facts, self.to_client, self.to_upstream, self.others, state


class Database:
    """Answers what it hears as PostgreSQL would, or with what was drawn instead."""

    def __init__(self, draw: Callable[[st.SearchStrategy[str]], str]) -> None:
        self._draw = draw
        self._frames = FrontendFrames()
        self._status = "I"
        self._skipping = False

    def hears(self, data: bytes) -> bytes:
        return b"".join([self._answer(decode_frontend(kind, raw[5:])) for kind, raw in self._frames.feed(data)])

    def _answer(self, message: object) -> bytes:
        if isinstance(message, Sync):
            self._skipping = False
            return self._ready()
        if self._skipping:
            return b""
        match message:
            case Query(text):
                return self._run(text) + self._ready()
            case Parse(_, text) if text == REFUSED_TEXT.decode():
                self._skipping = True
                return says(ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "42601", "M": "syntax error"}))
            case Parse():
                return says(ParseComplete())
            case Bind():
                return self._or_an_error(says(BindComplete()))
            case Close():
                return says(CloseComplete())
            case Describe("S", _):
                return says(ParameterDescription((23,)), self._description())
            case Describe():
                return says(self._description())
            case Execute():
                return self._or_an_error(self._rows())
            case _:
                return b""

    def _ready(self) -> bytes:
        return says(ReadyForQuery(self._status))  # type: ignore[arg-type]

    def _run(self, text: str) -> bytes:
        if text == REFUSED_TEXT.decode():
            return says(ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "42601", "M": "syntax error"}))
        if text.startswith(("BEGIN", "COMMIT")):
            self._status = "T" if text.startswith("BEGIN") else "I"
            return says(CommandComplete(text.split()[0]))
        if not text:
            return says(EmptyQueryResponse())
        if not text.startswith("SELECT"):
            return says(CommandComplete(text.split()[0]))
        answer = self._or_an_error(says(self._description()) + self._rows())
        self._skipping = False
        return answer

    def _description(self) -> RowDescription | NoData:
        choices = st.sampled_from(["id"] * 12 + ["searched", "nothing", "protected"])
        return DESCRIPTIONS[self._draw(choices)]

    def _rows(self) -> bytes:
        row = DataRow((b"1", says(CommandComplete("SELECT 1"), ReadyForQuery("I"))))
        match self._draw(
            st.sampled_from(["one"] * 6 + ["none", "three", "change", "notice", "suspended", "status", "odd"])
        ):
            case "one":
                return says(row, CommandComplete("SELECT 1"))
            case "none":
                return says(CommandComplete("SELECT 0"))
            case "three":
                return says(row, row, row, CommandComplete("SELECT 3"))
            case "change":
                return says(CommandComplete("UPDATE 2"))
            case "notice":
                return says(row, NoticeResponse({"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": "by the way"}),
                            CommandComplete("SELECT 1"))  # fmt: skip
            case "suspended":
                return says(row, PortalSuspended())
            case "status":
                return says(CommandComplete("SET"), ParameterStatus("application_name", "x"))
            case _:
                return says(CommandComplete("SELECT 1"), row)

    def _or_an_error(self, answer: bytes) -> bytes:
        if self._draw(st.sampled_from(["well"] * 14 + ["error"])) == "well":
            return answer
        self._skipping = True
        if self._status == "T":
            self._status = "E"
        return says(ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "22012", "M": "division by zero"}))


RUN = (Execute(""), Sync())
DESCRIBED = (Describe("P", ""), *RUN)
CHUNKS = [
    says(Query("SELECT id FROM customers WHERE id = 1")),
    says(Query("SELECT id FROM customers WHERE id = 27;")),
    says(Query("SELECT 1; SELECT 2")),
    says(Query("SELECT '$1', 3")),
    says(Query("DROP TABLE customers")),
    says(Query("BEGIN")),
    says(Query("COMMIT")),
    says(Query("PREPARE q AS SELECT 1")),
    says(Query("EXECUTE q")),
    says(Query("DEALLOCATE s")),
    says(Query("")),
    says(Parse("s", "SELECT id FROM customers WHERE id = $1"), Sync()),
    says(Parse("", "SELECT id FROM customers WHERE id = $1"), Sync()),
    says(Parse("s", "SELECT 1"), Flush()),
    says(Bind("", "s", values=(b"1",)), *DESCRIBED),
    says(Bind("", "s", values=(b"1",)), *RUN),
    says(Bind("", "", (1,), (b"\0\0\0\1", None), (1,)), *DESCRIBED),
    says(Bind("", "s", (0, 1), (b"x", b"\xff")), *RUN),
    says(Bind("", "q"), *DESCRIBED),
    says(Bind("p", "s", values=(b"1",)), Describe("P", "p"), Execute("p"), Sync()),
    says(Bind("", "s", values=(b"1",)), Execute("", 1), Sync()),
    says(Bind("", "nobody"), *DESCRIBED),
    says(Bind("", "s"), Describe("S", "s"), *RUN),
    says(Execute(""), Sync()),
    says(Close("S", "s"), Sync()),
    says(Describe("S", "s"), Sync()),
    says(Flush()),
    says(Sync()),
    says(Terminate()),
]
#: Of these a session is mostly made, or few would ever come to the short way.
COMMON = CHUNKS[0:2] + CHUNKS[14:17]
SAID = st.one_of(st.sampled_from(COMMON), st.sampled_from(CHUNKS))


@given(st.data())
def test_a_session_is_the_same_by_either_way(data: st.DataObject) -> None:
    short, long = Side(new_relay(), short=True), Side(new_relay(), short=False)
    database = Database(lambda strategy: data.draw(strategy))
    begin = [says(Parse("s", "SELECT id FROM customers WHERE id = $1"), Sync())]
    heard, waiting = 0, b""
    for number, chunk in enumerate(begin + data.draw(st.lists(SAID, max_size=14)), 1):
        now = float(number)
        event = data.draw(st.sampled_from(["whole"] * 6 + ["cut", "cancel", "catalog", "policy", "warn"]))
        for side in (short, long):
            if event == "cut":
                side.client(chunk[:7], now)
                side.client(chunk[7:], now) if chunk[7:] else None
            else:
                side.client(chunk, now)
            if event == "cancel":
                side.did(side.relay.cancel_asked("127.0.0.1:1", now))
            elif event == "warn":
                side.did(side.relay.warn("soon", 60, now))
            elif event == "policy":
                judge = side.relay.judge
                other = replace(judge.policy, version=f"p{number}")
                side.did(side.relay.judge_anew(Judge(other, judge.catalog), PolicyLoaded(other.version)))
        assert short.to_upstream == long.to_upstream
        waiting += database.hears(short.to_upstream[heard:])
        heard = len(short.to_upstream)
        keep = data.draw(st.sampled_from([0, 0, 0, 0, 1, 6, len(waiting)]))
        answer, waiting = waiting[: len(waiting) - keep], waiting[len(waiting) - keep :]
        for side in (short, long):
            if answer:
                side.upstream(answer, now + 0.5)
            if event == "cancel":
                side.did(side.relay.cancel_done(now + 0.6))
            if event == "catalog":
                side.relay._talk.judge.adopt(replace(CATALOG, version=f"c{number}"))
        assert short.facts == long.facts
        assert short.to_client == long.to_client
    ending = data.draw(st.sampled_from(["client", "upstream", "curfew", "none"]))
    for side in (short, long):
        if ending == "client":
            side.did(side.relay.client_left(99.0))
        elif ending == "upstream":
            side.did(side.relay.upstream_left(99.0))
        elif ending == "curfew":
            side.did(side.relay.end("grant-ended", "57P01", "over", 99.0))
    assert short.seen() == long.seen()


@pytest.fixture
def side() -> Side:
    """A session that has prepared its statement and seen its answer once."""
    side = Side(new_relay(), short=True)
    side.client(says(Parse("s", "SELECT id FROM customers WHERE id = $1"), Sync()), 1.0)
    side.upstream(says(ParseComplete(), ReadyForQuery("I")), 1.1)
    side.client(says(Bind("", "s", values=(b"1",)), *DESCRIBED), 1.2)
    side.upstream(says(BindComplete(), ID, DataRow((b"1",)), CommandComplete("SELECT 1"), ReadyForQuery("I")), 1.3)
    side.taken = 0
    side.facts.clear()
    return side


def test_the_short_way_is_taken_in_both_directions(side: Side) -> None:
    side.client(says(Bind("", "s", values=(b"7",)), *DESCRIBED), 2.0)
    row = DataRow((says(CommandComplete("SELECT 9"), ReadyForQuery("T")),))
    side.upstream(says(BindComplete(), ID, row, row, CommandComplete("SELECT 2"), ReadyForQuery("I")), 2.5)
    side.client(says(Query("SELECT id FROM customers")), 3.0)
    side.upstream(says(ID, CommandComplete("SELECT 0"), ReadyForQuery("I")), 3.5)
    assert side.taken == 4
    judged, ended, *_ = side.facts
    assert isinstance(judged, StatementJudged)
    assert (judged.number, judged.how, judged.of) == (3, "execute", 1)
    assert judged.sealed is not None
    assert judged.sealed.parameters == ("7",)
    assert isinstance(ended, StatementEnded)
    assert (ended.number, ended.rows, ended.bytes, ended.microseconds) == (3, 2, 2 * len(row.encode()), 500_000)


@pytest.mark.parametrize(
    "answer",
    [
        says(BindComplete(), PROTECTED, CommandComplete("SELECT 1"), ReadyForQuery("I")),
        says(BindComplete(), ID, CommandComplete("SELECT 1"), ReadyForQuery("I"), ReadyForQuery("I")),
        says(ID, CommandComplete("SELECT 1"), ReadyForQuery("I")),
        says(BindComplete(), CommandComplete("SELECT 1"), ReadyForQuery("I")),
        says(BindComplete(), ID, CommandComplete("SELECT 1")),
        says(BindComplete(), ID, DataRow((b"1",)))[:-1],
        says(BindComplete(), ID, DataRow((b"1",)), CommandComplete("SELECT 1"))[:-1] + says(ReadyForQuery("I")),
    ],
)
def test_an_answer_of_another_shape_takes_the_long_way(side: Side, answer: bytes) -> None:
    side.client(says(Bind("", "s", values=(b"7",)), *DESCRIBED), 2.0)
    assert side.relay.answered_alone(answer, 2.1) is None


def test_a_statement_cut_off_on_the_short_way_is_recorded_as_cut(side: Side) -> None:
    side.client(says(Bind("", "s", values=(b"7",)), *DESCRIBED), 2.0)
    side.did(side.relay.end("grant-ended", "57P01", "over", 2.5))
    assert [fact.outcome for fact in side.facts if isinstance(fact, StatementEnded)] == ["cut"]
    assert "CancelUpstream" in side.others


def test_nothing_is_asked_alone_after_the_end(side: Side) -> None:
    side.did(side.relay.end("grant-ended", "57P01", "over", 2.0))
    assert side.relay.asked_alone(says(Query("SELECT id FROM customers")), 2.1) is None


def test_nothing_is_asked_alone_while_the_judge_is_suspended(side: Side) -> None:
    side.relay._talk.judge.suspended = True
    assert side.relay.asked_alone(says(Bind("", "s", values=(b"7",)), *DESCRIBED), 2.0) is None
