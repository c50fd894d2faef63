"""The relay as playbooks: what a side says, and what must be done about it, in order."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from gateway.audit.facts import CopyEnded, Fact, SecondLockTripped, StatementEnded, StatementJudged
from gateway.session.asking import REFUSED_QUERY, REFUSED_TEXT
from gateway.session.commands import (
    CancelUpstream,
    Command,
    EndSession,
    Record,
    RecordSoon,
    RefreshCatalog,
    SendToClient,
    SendToUpstream,
)
from gateway.session.judge import Judge
from gateway.session.relay import Relay
from masking.catalog import Catalog, Column, Relation
from masking.policy import CLEAR, Mask, MaskKind, RelationRule, RolePolicy, StatementKind
from protocol.backend import (
    BindComplete,
    CommandComplete,
    CopyInResponse,
    DataRow,
    ErrorResponse,
    Field,
    NoData,
    NoticeResponse,
    ParameterDescription,
    ParameterStatus,
    ParseComplete,
    ReadyForQuery,
    RowDescription,
    decode_backend,
)
from protocol.copying import CopyData, CopyDone
from protocol.frames import BackendFrames, FrontendFrames, Rows
from protocol.frontend import (
    Bind,
    Describe,
    Execute,
    Flush,
    FunctionCall,
    Parse,
    Query,
    Sync,
    Terminate,
    decode_frontend,
)

CUSTOMERS = Relation(
    oid=1000,
    schema="public",
    name="customers",
    kind="r",
    columns=(
        Column("id", 1, 23, "integer", type_category="N"),
        Column("email", 2, 25, "text", type_category="S"),
    ),
    primary_key=("id",),
)
CATALOG = Catalog(
    version="c1",
    server_version=170000,
    search_path=("public",),
    relations={("public", "customers"): CUSTOMERS},
    functions=(),
    operators=(),
)
POLICY = RolePolicy(
    role="support",
    version="p1",
    statements=frozenset({StatementKind.SELECT, StatementKind.COPY_TO, StatementKind.COPY_FROM}),
    relations={"public.customers": RelationRule(read=frozenset("*"), write=frozenset({"id"}))},
    classification={"public.customers": {"id": CLEAR, "email": Mask(MaskKind.FIXED)}},
)
SYNTAX_ERROR = ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "42601", "M": 'syntax error at or near "pgcurfew"'})
DIVISION = ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "22012", "M": "division by zero"})
READY = ReadyForQuery("I")
#: What `SELECT 1` and `SELECT id FROM customers` return.
ONE = RowDescription((Field("?column?", 0, 0, 23, 4, -1, 0),))
ID = RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),))


@pytest.fixture
def relay() -> Relay:
    return Relay(Judge(POLICY, CATALOG), max_message_bytes=1 << 20)


def says(*messages: object) -> bytes:
    return b"".join(message.encode() for message in messages)  # type: ignore[attr-defined]


def facts(commands: Iterable[Command]) -> list[Fact]:
    return [fact for command in commands if isinstance(command, Record | RecordSoon) for fact in command.facts]


def upstream_hears(commands: Iterable[Command]) -> list[object]:
    data = b"".join(command.data for command in commands if isinstance(command, SendToUpstream))
    return [decode_frontend(kind, raw[5:]) for kind, raw in FrontendFrames().feed(data)]


def client_hears(commands: Iterable[Command]) -> list[object]:
    data = b"".join(command.data for command in commands if isinstance(command, SendToClient))
    pieces = BackendFrames().feed(data)
    return [piece if isinstance(piece, Rows) else decode_backend(piece.kind, piece.body) for piece in pieces]


def errors(commands: Iterable[Command]) -> list[str]:
    return [heard.fields["C"] for heard in client_hears(commands) if isinstance(heard, ErrorResponse)]


def ending(commands: Iterable[Command]) -> str:
    return next(command.cause for command in commands if isinstance(command, EndSession))


def test_a_statement_is_recorded_before_it_is_sent(relay: Relay) -> None:
    done = relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    assert [type(command) for command in done] == [Record, SendToUpstream]
    [judged] = facts(done)
    assert isinstance(judged, StatementJudged)
    assert (judged.number, judged.how, judged.kind) == (1, "simple", "select")
    assert "public.customers.id" in judged.read


def test_the_upstream_hears_the_judged_text_and_not_the_clients(relay: Relay) -> None:
    [query] = upstream_hears(relay.client_sent(says(Query("select /* hi */ email from customers")), 1.0))
    assert isinstance(query, Query)
    assert "hi" not in query.text
    assert "public.customers" in query.text
    assert "'***'" in query.text


def test_a_refused_statement_never_reaches_the_upstream(relay: Relay) -> None:
    done = relay.client_sent(says(Query("DROP TABLE customers")), 1.0)
    assert b"".join(c.data for c in done if isinstance(c, SendToUpstream)) == REFUSED_QUERY
    [judged] = facts(done)
    assert isinstance(judged, StatementJudged)
    assert judged.verdict == "refused"
    answer = relay.upstream_sent(says(SYNTAX_ERROR, READY), 1.1)
    assert errors(answer) == ["42501"]
    assert client_hears(answer)[-1] == READY


def test_one_refused_statement_refuses_its_string(relay: Relay) -> None:
    done = relay.client_sent(says(Query("SELECT 1; DROP TABLE customers; SELECT 2")), 1.0)
    assert b"".join(c.data for c in done if isinstance(c, SendToUpstream)) == REFUSED_QUERY
    assert [fact.verdict for fact in facts(done) if isinstance(fact, StatementJudged)] == ["refused"] * 3


def test_a_refusal_in_a_pipeline_keeps_the_order(relay: Relay) -> None:
    batch = says(
        Parse("", "SELECT 1"), Bind("", ""), Execute(""),
        Parse("", "DROP TABLE customers"), Bind("", ""), Execute(""),
        Parse("", "SELECT 2"), Bind("", ""), Execute(""), Sync(),
    )  # fmt: skip
    sent = upstream_hears(relay.client_sent(batch, 1.0))
    texts = [message.text for message in sent if isinstance(message, Parse)]
    assert texts[1] == REFUSED_TEXT.decode()
    answer = relay.upstream_sent(
        says(ParseComplete(), BindComplete(), ONE, DataRow((b"1",)), CommandComplete("SELECT 1"), SYNTAX_ERROR, READY),
        1.2,
    )
    heard = client_hears(answer)
    assert [type(message) for message in heard] == [
        ParseComplete, BindComplete, Rows, CommandComplete, ErrorResponse, ReadyForQuery,
    ]  # fmt: skip
    assert errors(answer) == ["42501"]
    outcomes = {fact.number: fact.outcome for fact in facts(answer) if isinstance(fact, StatementEnded)}
    assert "done" in outcomes.values()
    assert set(outcomes.values()) == {"done", "skipped"}
    assert not relay.busy


def test_each_execute_is_its_own_event_with_its_parameters(relay: Relay) -> None:
    relay.client_sent(says(Parse("s", "SELECT id FROM customers LIMIT $1"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    for value, described in ((b"7", (ID,)), (b"8", ())):
        done = relay.client_sent(says(Bind("", "s", values=(value,)), Execute(""), Sync()), 1.0)
        [fact] = facts(done)
        assert isinstance(fact, StatementJudged)
        assert (fact.how, fact.of) == ("execute", 1)
        assert fact.sealed is not None
        assert fact.sealed.parameters == (value.decode(),)
        relay.upstream_sent(says(BindComplete(), *described, CommandComplete("SELECT 1"), READY), 1.0)


def test_binary_parameters_are_recorded_as_their_text(relay: Relay) -> None:
    relay.client_sent(says(Parse("s", "SELECT id FROM customers", (23, 1700)), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    values = (b"\xff\xff\xff\xf9", bytes.fromhex("0001000000000002") + b"\0\x05", b"\x01")
    done = relay.client_sent(says(Bind("", "s", (1,), values), Execute(""), Sync()), 1.0)
    [judged] = facts(done)
    assert isinstance(judged, StatementJudged)
    assert judged.sealed is not None
    assert judged.sealed.parameters == ("-7", "5.00", "\\x01"), "the third is of no type that was told"


def test_types_that_only_postgresql_knows_are_taken_from_its_description(relay: Relay) -> None:
    relay.client_sent(says(Parse("s", "SELECT id FROM customers"), Describe("S", "s"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), ParameterDescription((16,)), NoData(), READY), 1.0)
    [judged] = facts(relay.client_sent(says(Bind("", "s", (1,), (b"\1",)), Execute(""), Sync()), 1.0))
    assert isinstance(judged, StatementJudged)
    assert judged.sealed is not None
    assert judged.sealed.parameters == ("t",)


def test_what_is_bound_and_never_run_is_recorded_with_its_parameters(relay: Relay) -> None:
    """Planning can run functions of the parameters, so a Bind alone says something to PostgreSQL."""
    relay.client_sent(says(Parse("s", "SELECT id FROM customers"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    done = relay.client_sent(says(Bind("p", "s", values=(b"1",)), Flush()), 1.0)
    assert [type(command) for command in done] == [Record, SendToUpstream]
    [judged] = facts(done)
    assert isinstance(judged, StatementJudged)
    assert (judged.how, judged.of) == ("bind", 1)
    assert judged.sealed is not None
    assert judged.sealed.parameters == ("1",)
    [ended] = facts(relay.upstream_sent(says(DIVISION), 1.1))
    assert isinstance(ended, StatementEnded)
    assert (ended.number, ended.outcome, ended.sqlstate) == (2, "failed", "22012")
    assert relay.statements == 0


def test_a_bind_that_fails_is_the_failure_of_its_run(relay: Relay) -> None:
    relay.client_sent(says(Parse("s", "SELECT id FROM customers"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    batch = says(Bind("a", "s"), Bind("b", "s"), Execute("b"), Execute("a"), Sync())
    assert [fact.number for fact in facts(relay.client_sent(batch, 1.0)) if isinstance(fact, StatementJudged)] == [2, 3]
    ends = [fact for fact in facts(relay.upstream_sent(says(DIVISION, READY), 1.1)) if isinstance(fact, StatementEnded)]
    assert [(end.number, end.outcome, end.sqlstate) for end in ends] == [(3, "failed", "22012"), (2, "skipped", "")]


def test_a_refused_statement_is_one_event_however_many_messages_it_takes(relay: Relay) -> None:
    batch = says(Parse("", "DROP TABLE customers"), Bind("", ""), Describe("P", ""), Execute(""), Sync())
    events = [fact for fact in facts(relay.client_sent(batch, 1.0)) if isinstance(fact, StatementJudged)]
    assert [(event.how, event.verdict, event.rule) for event in events] == [("parse", "refused", "statement-kind")]
    assert relay.refused == 1
    sent = upstream_hears(relay.client_sent(says(Execute(""), Sync()), 1.0))
    assert not any(isinstance(message, Execute) for message in sent), "the next batch is told anew"


def test_the_transaction_status_after_each_statement_is_recorded(relay: Relay) -> None:
    said = "BEGIN; SELECT 1; ROLLBACK TO a; COMMIT AND CHAIN; COMMIT; SELECT 2; BEGIN; SELECT 3; SELECT 4"
    relay.client_sent(says(Query(said)), 1.0)
    tags = ("BEGIN", "SELECT 1", "ROLLBACK", "COMMIT", "COMMIT", "SELECT 1", "BEGIN")
    answer = [CommandComplete(tag) for tag in tags]
    ends = [
        fact for fact in facts(relay.upstream_sent(says(*answer, DIVISION), 1.0)) if isinstance(fact, StatementEnded)
    ]
    assert "".join(end.transaction for end in ends) == "TTTTIITEE"
    relay.upstream_sent(says(ReadyForQuery("E")), 1.0)
    relay.client_sent(says(Query("ROLLBACK TO SAVEPOINT a")), 1.0)
    [ended] = facts(relay.upstream_sent(says(CommandComplete("ROLLBACK")), 1.0))
    assert isinstance(ended, StatementEnded)
    assert ended.transaction == "T"


def test_execute_and_fetch_are_recorded_with_what_they_read(relay: Relay) -> None:
    said = "PREPARE q AS SELECT email FROM customers; EXECUTE q; DECLARE c CURSOR FOR SELECT id FROM customers; FETCH c"
    events = [fact for fact in facts(relay.client_sent(says(Query(said)), 1.0)) if isinstance(fact, StatementJudged)]
    assert [(event.kind, event.of, event.read, event.masks) for event in events] == [
        ("prepare", 0, ("public.customers.email",), ("public.customers.email:fixed",)),
        ("execute", 1, ("public.customers.email",), ("public.customers.email:fixed",)),
        ("declare", 0, ("public.customers.id",), ()),
        ("fetch", 3, ("public.customers.id",), ()),
    ]
    assert {event.relations for event in events} == {("public.customers",)}


def test_a_name_taken_twice_is_recorded_as_what_runs(relay: Relay) -> None:
    """Parse over an existing name fails upstream; what runs later is the old statement."""
    relay.client_sent(says(Parse("s", "SELECT 1"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    done = relay.client_sent(
        says(Parse("s", "SELECT id FROM customers"), Sync(), Bind("", "s"), Execute(""), Sync()), 1.0
    )
    executed = [fact for fact in facts(done) if isinstance(fact, StatementJudged) and fact.how == "execute"]
    assert executed == [], "what the name stands for is not known yet"
    assert relay.holding
    exists = ErrorResponse({"S": "ERROR", "V": "ERROR", "C": "42P05", "M": 'prepared statement "s" already exists'})
    done = relay.upstream_sent(says(exists, READY), 1.0)
    [executed_fact] = [fact for fact in facts(done) if isinstance(fact, StatementJudged)]
    assert executed_fact.of == 1
    assert not relay.holding


def test_deallocate_in_sql_and_bind_by_protocol_agree(relay: Relay) -> None:
    relay.client_sent(says(Parse("s", "SELECT 1"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    done = relay.client_sent(says(Query("DEALLOCATE s"), Bind("", "s"), Execute(""), Sync()), 1.0)
    assert relay.holding
    done = relay.upstream_sent(says(CommandComplete("DEALLOCATE"), READY), 1.0)
    [refused, *_] = [fact for fact in facts(done) if isinstance(fact, StatementJudged)]
    assert refused.rule == "unknown-statement"


def test_an_unknown_statement_is_refused_in_postgresqls_words(relay: Relay) -> None:
    relay.client_sent(says(Bind("", "nowhere"), Execute(""), Sync()), 1.0)
    answer = relay.upstream_sent(says(SYNTAX_ERROR, READY), 1.0)
    [error] = [heard for heard in client_hears(answer) if isinstance(heard, ErrorResponse)]
    assert error.fields["C"] == "26000"
    assert error.fields["M"] == 'prepared statement "nowhere" does not exist'


def test_function_calls_are_refused_and_recorded(relay: Relay) -> None:
    done = relay.client_sent(says(FunctionCall(764, (1,), (b"\0\0\0\1",), 1)), 1.0)
    assert b"".join(c.data for c in done if isinstance(c, SendToUpstream)) == REFUSED_QUERY
    [fact] = facts(done)
    assert isinstance(fact, StatementJudged)
    assert (fact.how, fact.verdict) == ("function-call", "refused")
    assert errors(relay.upstream_sent(says(SYNTAX_ERROR, READY), 1.0)) == ["0A000"]


def test_errors_lose_what_quotes_a_row(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    told = ErrorResponse(
        {"S": "ERROR", "V": "ERROR", "C": "23505", "M": "duplicate key", "D": "Key (email)=(a@b.c)", "W": "row a@b.c"}
    )
    [error, _] = client_hears(relay.upstream_sent(says(told, READY), 1.0))
    assert isinstance(error, ErrorResponse)
    assert "a@b.c" not in str(error.fields)


def test_notices_lose_it_too(relay: Relay) -> None:
    told = NoticeResponse({"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": "look", "D": "a@b.c"})
    [notice] = client_hears(relay.upstream_sent(says(told), 1.0))
    assert isinstance(notice, NoticeResponse)
    assert notice.fields["M"] == "look"
    assert "D" not in notice.fields


@pytest.mark.parametrize(("table", "attribute"), [(1000, 2), (1000, 0), (4711, 1)])
def test_the_second_lock_ends_the_session_before_a_row_passes(relay: Relay, table: int, attribute: int) -> None:
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    field = Field("email", table, attribute, 25, -1, -1, 0)
    done = relay.upstream_sent(says(RowDescription((field,)), DataRow((b"raw@example.org",))), 1.0)
    assert any(isinstance(fact, SecondLockTripped) for fact in facts(done))
    assert ending(done) == "second-lock"
    assert not any(b"raw@example.org" in c.data for c in done if isinstance(c, SendToClient))
    assert relay.upstream_sent(says(DataRow((b"raw@example.org",))), 1.0) == []


def test_answers_that_nobody_waits_for_end_the_session(relay: Relay) -> None:
    assert ending(relay.upstream_sent(says(CommandComplete("SELECT 1")), 1.0)) == "upstream"


def test_a_pinned_setting_that_moves_ends_the_session(relay: Relay) -> None:
    assert ending(relay.upstream_sent(says(ParameterStatus("standard_conforming_strings", "off")), 1.0)) == "upstream"


def test_the_end_of_a_grant_waits_for_the_end_of_the_row(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    row = says(DataRow((b"x" * 1000,)))
    relay.upstream_sent(says(RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),))) + row[:500], 1.0)
    done = relay.end("grant-ended", "57P01", "the grant ended", 2.0)
    assert not any(isinstance(command, SendToClient) for command in done), "not in the middle of a row"
    assert any(isinstance(command, CancelUpstream) for command in done)
    done = relay.upstream_sent(row[500:], 2.0)
    assert ending(done) == "grant-ended"
    assert b"57P01" in done[-2].data  # type: ignore[union-attr]
    [cut] = facts(done)
    assert isinstance(cut, StatementEnded)
    assert (cut.outcome, cut.rows) == ("cut", 1)


def test_what_ends_with_the_row_that_was_passing_has_one_end(relay: Relay) -> None:
    """The rest of the answer comes with the rest of the row: it was not cut, and its rows count once."""
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    row = says(DataRow((b"x" * 1000,)))
    done = relay.upstream_sent(says(RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),))) + row + row[:500], 1.0)
    done += relay.end("grant-ended", "57P01", "the grant ended", 2.0)
    done += relay.upstream_sent(row[500:] + says(CommandComplete("SELECT 2"), READY), 2.0)
    assert ending(done) == "grant-ended"
    [ended] = [fact for fact in facts(done) if isinstance(fact, StatementEnded)]
    assert (ended.outcome, ended.rows, ended.tag) == ("done", 2, "SELECT 2")


def test_a_row_that_never_ends_is_cut_once(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    row = says(DataRow((b"x" * 1000,)))
    relay.upstream_sent(says(RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),))) + row + row[:500], 1.0)
    done = relay.end("grant-ended", "57P01", "the grant ended", 2.0)
    done += relay.end_at_once("grant-ended", "the grant ended", 2.5)
    [cut] = [fact for fact in facts(done) if isinstance(fact, StatementEnded)]
    assert (cut.outcome, cut.rows) == ("cut", 1)
    assert ending(done) == "grant-ended"


def test_the_end_of_a_grant_is_told_at_once_between_messages(relay: Relay) -> None:
    done = relay.end("grant-revoked", "57P01", "revoked", 2.0)
    assert errors(done) == ["57P01"]
    assert ending(done) == "grant-revoked"
    assert relay.client_sent(says(Query("SELECT 1")), 2.0) == []


@pytest.mark.parametrize(
    ("sqlstate", "cause"),
    [("57P05", "idle"), ("25P03", "idle"), ("57P01", "upstream")],
    ids=["idle", "in block", "other"],
)
def test_why_postgresql_ended_the_session_is_told_apart(relay: Relay, sqlstate: str, cause: str) -> None:
    fatal = ErrorResponse({"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": "terminating connection"})
    assert ending(relay.upstream_sent(says(fatal), 1.0)) == cause


def test_an_unknown_relation_is_looked_up_again_once(relay: Relay) -> None:
    done = relay.client_sent(says(Query("SELECT 1 FROM newcomer"), Query("SELECT 1")), 5.0)
    assert [type(command) for command in done] == [RefreshCatalog]
    assert relay.holding
    done = relay.catalog_refreshed(5.1)
    assert not relay.holding
    verdicts = [fact.verdict for fact in facts(done) if isinstance(fact, StatementJudged)]
    assert verdicts == ["refused", "passed"]


def test_copy_data_passes_and_its_end_is_recorded(relay: Relay) -> None:
    relay.client_sent(says(Query("COPY customers (id) FROM STDIN")), 1.0)
    relay.upstream_sent(says(CopyInResponse(0, (0,))), 1.0)
    done = relay.client_sent(says(CopyData(b"1\n"), CopyDone()), 1.0)
    assert [type(command) for command in done] == [Record, SendToUpstream]
    [ended] = facts(done)
    assert ended == CopyEnded(1, 2)
    done = relay.upstream_sent(says(CommandComplete("COPY 1"), READY), 1.0)
    [outcome] = facts(done)
    assert isinstance(outcome, StatementEnded)
    assert (outcome.rows, outcome.tag) == (1, "COPY 1")


def test_syncs_during_copy_are_not_awaited(relay: Relay) -> None:
    """libpq sends Parse, Bind, Execute, Sync at once; PostgreSQL ignores the Sync when it was a COPY."""
    relay.client_sent(says(Parse("", "COPY customers (id) FROM STDIN"), Bind("", ""), Execute(""), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), BindComplete(), CopyInResponse(0, (0,))), 1.0)
    relay.client_sent(says(CopyData(b"1\n"), Sync(), CopyDone(), Sync()), 1.0)
    relay.upstream_sent(says(CommandComplete("COPY 1"), READY), 1.0)
    assert not relay.busy


def test_bytes_one_at_a_time_are_judged_the_same(relay: Relay) -> None:
    data = says(Parse("", "SELECT 1"), Bind("", ""), Execute(""), Flush(), Sync())
    sent: list[Command] = []
    for index in range(len(data)):
        sent += relay.client_sent(data[index : index + 1], 1.0)
    whole = Relay(Judge(POLICY, CATALOG), max_message_bytes=1 << 20).client_sent(data, 1.0)
    assert upstream_hears(sent) == upstream_hears(whole)
    # What was bound in an earlier chunk than it is run in has an event of its own.
    assert [fact.how for fact in facts(sent) if isinstance(fact, StatementJudged)] == ["parse", "bind", "execute"]
    assert [fact.how for fact in facts(whole) if isinstance(fact, StatementJudged)] == ["parse", "execute"]


def test_a_message_out_of_place_ends_the_session(relay: Relay) -> None:
    done = relay.client_sent(b"p\0\0\0\x09token\0", 1.0)
    assert errors(done) == ["08P01"]
    assert ending(done) == "protocol"


def test_goodbye(relay: Relay) -> None:
    assert ending(relay.client_sent(says(Terminate()), 1.0)) == "client"


def test_a_goodbye_in_the_middle_lets_postgresql_finish(relay: Relay) -> None:
    done = relay.client_sent(says(Query("SELECT 1"), Terminate()), 1.0)
    assert isinstance(upstream_hears(done)[-1], Terminate)
    assert not any(isinstance(command, CancelUpstream | EndSession) for command in done)
    assert relay.client_left(1.1) == []
    [ended] = facts(relay.upstream_sent(says(CommandComplete("SELECT 1"), READY), 1.2))
    assert isinstance(ended, StatementEnded)
    assert ended.outcome == "done"
    assert ending(relay.upstream_left(1.3)) == "client"


def test_a_client_that_vanishes_has_its_query_cancelled(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT 1")), 1.0)
    done = relay.client_left(1.1)
    assert any(isinstance(command, CancelUpstream) for command in done)
    assert ending(done) == "client"


def test_after_a_goodbye_the_curfew_still_falls(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT 1"), Terminate()), 1.0)
    done = relay.end("grant-ended", "57P01", "the grant ended", 2.0)
    assert any(isinstance(command, CancelUpstream) for command in done)
    assert ending(done) == "grant-ended"
