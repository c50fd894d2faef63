"""Games with the order of messages, their names, and the end of the session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.audit.facts import CancelAsked, CopyEnded, PolicyLoaded, StatementEnded, StatementJudged
from gateway.session import relay as relay_module
from gateway.session import statements
from gateway.session.commands import CancelUpstream, Command, JudgeAside, RefreshCatalog, SendToUpstream
from gateway.session.judge import LONG, MOST_STATEMENTS, Judge
from gateway.session.relay import Relay
from masking.policy import CLEAR, Mask, MaskKind, StatementKind
from protocol.backend import (
    BindComplete,
    CloseComplete,
    CommandComplete,
    CopyInResponse,
    DataRow,
    ErrorResponse,
    Field,
    ParseComplete,
    ReadyForQuery,
    RowDescription,
)
from protocol.copying import CopyData, CopyDone
from protocol.frontend import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync, Terminate
from tests.gateway.session.test_relay import (
    CATALOG,
    CUSTOMERS,
    ID,
    POLICY,
    READY,
    client_hears,
    ending,
    errors,
    facts,
    says,
    upstream_hears,
)

SQL_NAMES = {StatementKind.PREPARE, StatementKind.EXECUTE, StatementKind.DEALLOCATE, StatementKind.DISCARD}
CURSORS = {StatementKind.DECLARE, StatementKind.FETCH, StatementKind.CLOSE}
IN_TRANSACTION = ReadyForQuery("T")
FAILED = ReadyForQuery("E")


def error(sqlstate: str) -> ErrorResponse:
    return ErrorResponse({"S": "ERROR", "V": "ERROR", "C": sqlstate, "M": "PostgreSQL says no"})


@pytest.fixture
def relay() -> Relay:
    policy = replace(POLICY, statements=POLICY.statements | SQL_NAMES | CURSORS)
    return Relay(Judge(policy, CATALOG), max_message_bytes=1 << 20)


def executed(commands: list[Command]) -> list[StatementJudged]:
    return [fact for fact in facts(commands) if isinstance(fact, StatementJudged) and fact.how == "execute"]


def outcomes(commands: list[Command]) -> list[str]:
    return [fact.outcome for fact in facts(commands) if isinstance(fact, StatementEnded)]


# after an error in a batch


def test_a_batch_goes_on_after_its_error_was_answered(relay: Relay) -> None:
    """The client has heard of the error (Flush) and sends the rest: PostgreSQL skips it up to the Sync."""
    relay.client_sent(says(Parse("", "SELECT 1"), Flush()), 1.0)
    relay.upstream_sent(says(error("53200")), 1.0)
    late = relay.client_sent(says(Bind("", ""), Execute(""), Query("SELECT 2"), Sync()), 1.0)
    assert "skipped" in outcomes(late)
    done = relay.upstream_sent(says(READY), 1.0)
    assert client_hears(done) == [READY]
    assert not relay.busy


def test_a_query_in_a_failed_batch_is_skipped_and_nothing_waits_for_it(relay: Relay) -> None:
    """The Bind waits to know what "x" stands for, and the Query before it is never answered."""
    relay.client_sent(says(Parse("x", "SELECT 1"), Query("SELECT 2"), Bind("", "x"), Execute(""), Sync()), 1.0)
    assert relay.holding
    relay.upstream_sent(says(error("53200")), 1.0)
    assert not relay.holding
    assert client_hears(relay.upstream_sent(says(READY), 1.0)) == [READY]
    assert not relay.busy


def test_what_a_skipped_message_would_have_named_is_not_named(relay: Relay) -> None:
    relay.client_sent(says(Parse("", "SELECT 1"), Flush()), 1.0)
    relay.upstream_sent(says(error("53200")), 1.0)
    relay.client_sent(says(Parse("x", "SELECT 1"), Query("PREPARE y AS SELECT 1"), Sync()), 1.0)
    relay.upstream_sent(says(READY), 1.0)
    for name in ("x", "y"):
        done = relay.client_sent(says(Bind("", name), Sync()), 1.0)
        assert [fact.rule for fact in facts(done) if isinstance(fact, StatementJudged)] == ["unknown-statement"]
        relay.upstream_sent(says(error("42601"), READY), 1.0)


# names


def test_names_that_postgresql_takes_for_one_are_one(relay: Relay) -> None:
    """It looks at 63 bytes: closing one long name frees another, under which something else then runs."""
    long = "n" * 63
    relay.client_sent(says(Parse(long + "-one", "SELECT 1"), Close("S", long + "-two"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), CloseComplete(), READY), 1.0)
    relay.client_sent(says(Parse(long + "-three", "SELECT id FROM customers"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    [fact] = executed(relay.client_sent(says(Bind("", long + "-one"), Execute(""), Sync()), 1.0))
    assert fact.of == 2
    assert fact.read == ("public.customers.id",)


@pytest.mark.parametrize("everything", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_dropping_all_names_waits_for_what_is_on_its_way(relay: Relay, everything: str) -> None:
    """Both fail in a failed transaction; what the name stands for must then be what it stood for before."""
    relay.client_sent(says(Parse("x", "SELECT 1"), Sync(), Query("BEGIN")), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY, CommandComplete("BEGIN"), IN_TRANSACTION), 1.0)
    relay.client_sent(says(Parse("x", "SELECT id FROM customers"), Sync(), Query(everything)), 1.0)
    relay.upstream_sent(says(error("42P05"), FAILED), 1.0)
    relay.upstream_sent(says(error("25P02"), FAILED), 1.0)
    relay.client_sent(says(Query("ROLLBACK")), 1.0)
    relay.upstream_sent(says(CommandComplete("ROLLBACK"), READY), 1.0)
    [fact] = executed(relay.client_sent(says(Bind("", "x"), Execute(""), Sync()), 1.0))
    assert fact.of == 1


def test_running_by_protocol_what_sql_prepared(relay: Relay) -> None:
    """It runs what is inside the PREPARE, and does not prepare it again."""
    relay.client_sent(says(Query("PREPARE p AS SELECT id FROM customers")), 1.0)
    relay.upstream_sent(says(CommandComplete("PREPARE"), READY), 1.0)
    relay.client_sent(says(Query("BEGIN"), Bind("c", "p"), Sync(), Query("DEALLOCATE p")), 1.0)
    relay.upstream_sent(says(CommandComplete("BEGIN"), IN_TRANSACTION, BindComplete(), IN_TRANSACTION), 1.0)
    relay.upstream_sent(says(CommandComplete("DEALLOCATE"), IN_TRANSACTION), 1.0)
    [fact] = executed(relay.client_sent(says(Execute("c"), Sync()), 1.0))
    assert (fact.kind, fact.of) == ("execute", 1)
    relay.upstream_sent(says(ID, CommandComplete("SELECT 1"), IN_TRANSACTION), 1.0)
    done = relay.client_sent(says(Bind("", "p"), Sync()), 1.0)
    assert [fact.rule for fact in facts(done) if isinstance(fact, StatementJudged)] == ["unknown-statement"]


def test_fetch_says_which_cursor_it_reads(relay: Relay) -> None:
    relay.client_sent(says(Query("BEGIN"), Query("DECLARE c CURSOR FOR SELECT id FROM customers")), 1.0)
    relay.upstream_sent(says(CommandComplete("BEGIN"), IN_TRANSACTION), 1.0)
    relay.upstream_sent(says(CommandComplete("DECLARE CURSOR"), IN_TRANSACTION), 1.0)
    [fact] = facts(relay.client_sent(says(Query("FETCH 10 FROM c")), 1.0))
    assert isinstance(fact, StatementJudged)
    assert (fact.kind, fact.of) == ("fetch", 2)


def test_portals_end_with_their_transaction(relay: Relay) -> None:
    """Else every named portal would keep its parameters for as long as the session lasts."""
    relay.client_sent(says(Parse("s", "SELECT $1::text"), Bind("p", "s", values=(b"x" * 1000,)), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), BindComplete(), READY), 1.0)
    relay.client_sent(says(Execute("p"), Sync()), 1.0)
    answer = relay.upstream_sent(says(error("42601"), READY), 1.0)
    assert errors(answer) == ["34000"]


def test_names_are_bounded(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_NAMES", 3)
    for number in range(3):
        relay.client_sent(says(Parse(f"s{number}", "SELECT 1"), Sync()), 1.0)
        relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    for too_many in (says(Parse("s3", "SELECT 1"), Sync()), says(Query("PREPARE s3 AS SELECT 1"))):
        relay.client_sent(too_many, 1.0)
        assert errors(relay.upstream_sent(says(error("42601"), READY), 1.0)) == ["54000"]
    relay.client_sent(says(Close("S", "s0"), Parse("s3", "SELECT 1"), Sync()), 1.0)
    relay.upstream_sent(says(CloseComplete(), ParseComplete(), READY), 1.0)
    assert not relay.busy


# COPY


COPY = "COPY customers (id) FROM STDIN"


def test_copy_data_sent_before_it_was_asked_for(relay: Relay) -> None:
    """All in one go: the Sync comes after the end of the data, so it is answered."""
    batch = says(Parse("", COPY), Bind("", ""), Execute(""), CopyData(b"1\n"), CopyDone(), Sync(), Query("SELECT 1"))
    relay.client_sent(batch, 1.0)
    done = relay.upstream_sent(
        says(ParseComplete(), BindComplete(), CopyInResponse(0, (0,)), CommandComplete("COPY 1"), READY), 1.0
    )
    assert CopyEnded(2, 2) in facts(done)
    relay.upstream_sent(says(CommandComplete("SELECT 1"), READY), 1.0)
    assert not relay.busy


def test_a_message_after_the_data_is_not_taken_for_one_within_it(relay: Relay) -> None:
    relay.client_sent(says(Query(COPY), CopyData(b"1\n"), CopyDone()), 1.0)
    relay.upstream_sent(says(CopyInResponse(0, (0,))), 1.0)
    relay.client_sent(says(Query("SELECT 1"), Sync()), 1.0)
    relay.upstream_sent(says(CommandComplete("COPY 1"), READY, CommandComplete("SELECT 1"), READY, READY), 1.0)
    assert not relay.busy


def test_a_query_within_the_data_ends_the_session_as_postgresql_would(relay: Relay) -> None:
    relay.client_sent(says(Query(COPY)), 1.0)
    relay.upstream_sent(says(CopyInResponse(0, (0,))), 1.0)
    done = relay.client_sent(says(CopyData(b"1\n"), Query("SELECT 1")), 1.0)
    assert errors(done) == ["08P01"]
    assert ending(done) == "protocol"


def test_a_sync_within_the_data_of_a_simple_copy_is_ignored(relay: Relay) -> None:
    relay.client_sent(says(Query(COPY), Sync(), CopyData(b"1\n"), CopyDone()), 1.0)
    relay.upstream_sent(says(CopyInResponse(0, (0,)), CommandComplete("COPY 1"), READY), 1.0)
    assert not relay.busy


def test_a_batch_goes_on_over_a_sync_that_is_ignored(relay: Relay) -> None:
    relay.client_sent(says(Parse("", COPY), Bind("", ""), Execute(""), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), BindComplete(), CopyInResponse(0, (0,))), 1.0)
    relay.client_sent(says(CopyDone(), Bind("", ""), Sync()), 1.0)
    assert not relay.holding, "nobody will answer the first Sync"
    relay.upstream_sent(says(CommandComplete("COPY 0"), BindComplete(), READY), 1.0)
    assert not relay.busy


def test_copy_ends_where_there_is_no_copy_mean_nothing(relay: Relay) -> None:
    relay.client_sent(says(CopyDone(), Query("SELECT 1"), CopyData(b"x"), CopyDone(), Query("SELECT 2")), 1.0)
    done = relay.upstream_sent(says(CommandComplete("SELECT 1"), READY, CommandComplete("SELECT 1"), READY), 1.0)
    assert not any(isinstance(fact, CopyEnded) for fact in facts(done))
    assert not relay.busy


# the end, and what waits


def test_what_waited_for_the_catalog_does_not_run_after_the_end(relay: Relay) -> None:
    waiting = relay.client_sent(says(Query("SELECT 1 FROM newcomer"), Query("SELECT 1")), 5.0)
    assert [type(command) for command in waiting] == [RefreshCatalog]
    relay.end("grant-ended", "57P01", "the grant ended", 5.1)
    assert relay.catalog_refreshed(5.2) == []


def test_what_waited_for_an_answer_does_not_run_after_the_end(relay: Relay) -> None:
    relay.client_sent(says(Query("PREPARE x AS SELECT 1"), Query("EXECUTE x")), 1.0)
    assert relay.holding
    relay.end_at_once("client", "gone", 1.1)
    assert relay.upstream_sent(says(CommandComplete("PREPARE"), READY), 1.2) == []


def test_a_cancel_under_way_does_not_hit_the_next_statement(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT 1")), 1.0)
    done = relay.cancel_asked("127.0.0.1:1", 1.0)
    assert [type(command) for command in done][-1] is CancelUpstream
    assert CancelAsked(1, "127.0.0.1:1") in facts(done)
    relay.upstream_sent(says(CommandComplete("SELECT 1"), READY), 1.0)
    assert relay.client_sent(says(Query("SELECT 2")), 1.0) == []
    assert relay.cancel_asked("127.0.0.1:2", 1.0) == [], "one at a time"
    assert any(isinstance(command, SendToUpstream) for command in relay.cancel_done(1.1))


def test_unanswered_messages_are_bounded(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "MOST_UNANSWERED", 5)
    assert len(upstream_hears(relay.client_sent(says(*[Sync()] * 8), 1.0))) == 5
    assert relay.holding
    assert len(upstream_hears(relay.upstream_sent(says(READY, READY), 1.0))) == 2
    relay.upstream_sent(says(READY, READY, READY), 1.0)
    assert not relay.holding


# the catalog changes


def test_a_prepared_statement_is_judged_anew_when_the_catalog_changed(relay: Relay) -> None:
    """The table it names may be another one by now."""
    judge = Judge(POLICY, CATALOG)
    relay = Relay(judge, max_message_bytes=1 << 20)
    relay.client_sent(says(Parse("s", "SELECT * FROM customers"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    judge.adopt(replace(CATALOG, version="c2"))
    assert len(executed(relay.client_sent(says(Bind("", "s"), Execute(""), Sync()), 1.0))) == 1
    relay.upstream_sent(says(BindComplete(), ID, CommandComplete("SELECT 0"), READY), 1.0)
    narrower = replace(CUSTOMERS, columns=CUSTOMERS.columns[:1])
    judge.adopt(replace(CATALOG, version="c3", relations={("public", "customers"): narrower}))
    relay.client_sent(says(Bind("", "s"), Execute(""), Sync()), 1.0)
    assert errors(relay.upstream_sent(says(error("42601"), READY), 1.0)) == ["0A000"]


def test_nothing_is_judged_by_a_snapshot_that_is_too_old(relay: Relay) -> None:
    judge = Judge(POLICY, CATALOG)
    relay = Relay(judge, max_message_bytes=1 << 20)
    relay.client_sent(says(Parse("s", "SELECT 1"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), READY), 1.0)
    judge.suspended = True
    for asked in (says(Query("SELECT 1")), says(Bind("", "s"), Execute(""), Sync())):
        relay.client_sent(asked, 1.0)
        assert errors(relay.upstream_sent(says(error("42601"), READY), 1.0)) == ["57P03"]
    judge.adopt(CATALOG)
    assert len(executed(relay.client_sent(says(Bind("", "s"), Execute(""), Sync()), 1.0))) == 1


# long statements


def test_a_long_statement_waits_for_its_verdict(relay: Relay) -> None:
    judge = Judge(POLICY, CATALOG)
    relay = Relay(judge, max_message_bytes=1 << 20)
    sql = "SELECT id FROM customers /* " + "x" * LONG + " */"
    [aside] = relay.client_sent(says(Query(sql), Query("SELECT 2")), 1.0)
    assert aside == JudgeAside(judge, sql.encode())
    assert relay.holding
    done = relay.judged(sql.encode(), judge.judge(sql.encode()), 1.1)
    assert [fact.number for fact in facts(done)] == [1, 2]  # type: ignore[attr-defined]
    assert not relay.holding


def test_no_verdict_lets_a_statement_run_after_the_end(relay: Relay) -> None:
    judge = Judge(POLICY, CATALOG)
    relay = Relay(judge, max_message_bytes=1 << 20)
    sql = "SELECT 1 /* " + "x" * LONG + " */"
    relay.client_sent(says(Query(sql)), 1.0)
    relay.end("grant-ended", "57P01", "the grant ended", 1.1)
    assert relay.judged(sql.encode(), judge.judge(sql.encode()), 1.2) == []


def test_many_statements_in_one_string_are_refused(relay: Relay) -> None:
    done = relay.client_sent(says(Query("END;" * (MOST_STATEMENTS + 1))), 1.0)
    assert len(facts(done)) == 1
    assert errors(relay.upstream_sent(says(error("42601"), READY), 1.0)) == ["54000"]


# another policy while something is on its way


def test_a_statement_after_a_reload_is_checked_by_the_new_policy(relay: Relay) -> None:
    """The one before it is still running; what the new policy shows may come back."""
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    open_hearted = replace(POLICY, version="p2", classification={"public.customers": {"id": CLEAR, "email": CLEAR}})
    relay.judge_anew(Judge(open_hearted, CATALOG), PolicyLoaded("p2", before="p1"))
    relay.upstream_sent(says(CommandComplete("SELECT 0"), READY), 1.0)
    relay.client_sent(says(Query("SELECT email FROM customers")), 1.0)
    email = says(RowDescription((Field("email", 1000, 2, 25, -1, -1, 0),)))
    assert [type(heard) for heard in client_hears(relay.upstream_sent(email, 1.0))] == [RowDescription]


def test_a_statement_before_a_reload_is_checked_by_the_policy_that_judged_it(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT id FROM customers"), Query("SELECT id FROM customers")), 1.0)
    tight = replace(POLICY, version="p2", classification={"public.customers": {"id": Mask(MaskKind.FIXED)}})
    relay.judge_anew(Judge(tight, CATALOG), PolicyLoaded("p2", before="p1"))
    described = says(RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),)))
    for _ in range(2):
        heard = client_hears(relay.upstream_sent(described + says(CommandComplete("SELECT 0"), READY), 1.0))
        assert [type(one) for one in heard] == [RowDescription, CommandComplete, ReadyForQuery]
    done = relay.client_sent(says(Query("SELECT 1")), 1.0)
    assert ending(relay.upstream_sent(described, 1.0)) == "second-lock", done


def test_half_a_batch_before_a_reload_is_checked_by_the_policy_that_judged_it(relay: Relay) -> None:
    relay.client_sent(says(Parse("", "SELECT id FROM customers"), Bind("", ""), Describe("P", ""), Flush()), 1.0)
    tight = replace(POLICY, version="p2", classification={"public.customers": {"id": Mask(MaskKind.FIXED)}})
    relay.judge_anew(Judge(tight, CATALOG), PolicyLoaded("p2", before="p1"))
    described = says(ParseComplete(), BindComplete(), RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),)))
    assert [type(one) for one in client_hears(relay.upstream_sent(described, 1.0))][-1] is RowDescription


# Ctrl-C while a statement still waits with us


def test_a_cancel_while_the_verdict_is_awaited(relay: Relay) -> None:
    """PostgreSQL would be running it by now, and would break it off."""
    long = "SELECT id FROM customers WHERE id IN (" + ",".join(str(n) for n in range(2000)) + ")"
    [aside] = relay.client_sent(says(Query(long), Query("SELECT 1")), 1.0)
    assert isinstance(aside, JudgeAside)
    done = relay.cancel_asked("10.0.0.1", 1.1)
    assert not any(isinstance(command, CancelUpstream) for command in done)
    judged = [fact for fact in facts(done) if isinstance(fact, StatementJudged)]
    assert [(fact.verdict, fact.rule) for fact in judged] == [("refused", "cancelled"), ("passed", "")]
    assert any(isinstance(fact, CancelAsked) and fact.number == judged[0].number for fact in facts(done))
    assert not any(b"customers" in command.data for command in done if isinstance(command, SendToUpstream))
    answer = relay.upstream_sent(says(error("42601"), READY, CommandComplete("SELECT 1"), READY), 1.1)
    assert errors(answer) == ["57014"]
    # Its verdict comes late and is nobody's.
    assert relay.judged(aside.sql, aside.judge.judge(aside.sql), 1.2) == []
    [again] = relay.client_sent(says(Query(long + " AND id > 0")), 1.3)
    assert isinstance(again, JudgeAside)


def test_a_cancel_while_the_catalog_is_looked_at(relay: Relay) -> None:
    done = relay.client_sent(says(Parse("", "SELECT 1 FROM newcomer"), Bind("", ""), Execute(""), Sync()), 5.0)
    assert [type(command) for command in done] == [RefreshCatalog]
    done = relay.cancel_asked("10.0.0.1", 1.1)
    assert "cancelled" in [fact.rule for fact in facts(done) if isinstance(fact, StatementJudged)]
    assert errors(relay.upstream_sent(says(error("42601"), READY), 5.1)) == ["57014"]
    assert relay.catalog_refreshed(5.2) == []
    assert not relay.busy


def test_a_cancel_hits_what_runs_and_not_what_waits_behind_it(relay: Relay) -> None:
    long = "SELECT id FROM customers WHERE id IN (" + ",".join(str(n) for n in range(2000)) + ")"
    relay.client_sent(says(Query("SELECT 1"), Query(long)), 1.0)
    done = relay.cancel_asked("10.0.0.1", 1.1)
    assert any(isinstance(command, CancelUpstream) for command in done)
    assert not any(isinstance(fact, StatementJudged) for fact in facts(done))


# a goodbye behind what waits


def test_what_waits_before_a_goodbye_runs(relay: Relay) -> None:
    """As at PostgreSQL, where it would have run by then; also when the client has closed its socket."""
    relay.client_sent(says(Query("SELECT 1 FROM newcomer"), Query("SELECT 2"), Terminate(), Query("SELECT 3")), 5.0)
    assert relay.client_left(5.1) == []
    heard = upstream_hears(relay.catalog_refreshed(5.2))
    assert [type(one) for one in heard] == [Query, Query, Terminate]


def test_a_long_answer_to_nobody_is_broken_off(relay: Relay) -> None:
    """PostgreSQL ends a session when it finds that nobody takes the answer; a short one it does not notice."""
    relay.client_sent(says(Query("SELECT id FROM customers"), Terminate()), 1.0)
    assert relay.client_left(1.1) == []
    described = says(RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),)))
    assert outcomes(relay.upstream_sent(described + says(DataRow((b"x" * 1000,))), 1.2)) == []
    done = relay.upstream_sent(says(DataRow((b"x" * 8000,))), 1.3)
    assert ending(done) == "client"
    assert any(isinstance(command, CancelUpstream) for command in done)
    assert outcomes(done) == ["cut"]


def test_a_statement_before_two_reloads_is_checked_by_the_policy_that_judged_it(relay: Relay) -> None:
    relay.client_sent(says(Query("SELECT id FROM customers")), 1.0)
    tight = replace(POLICY, version="p2", classification={"public.customers": {"id": Mask(MaskKind.FIXED)}})
    relay.judge_anew(Judge(tight, CATALOG), PolicyLoaded("p2", before="p1"))
    relay.client_sent(says(Query("SELECT 1")), 1.0)
    relay.judge_anew(Judge(replace(tight, version="p3"), CATALOG), PolicyLoaded("p3", before="p2"))
    described = says(RowDescription((Field("id", 1000, 1, 23, 4, -1, 0),)))
    heard = client_hears(relay.upstream_sent(described + says(CommandComplete("SELECT 0"), READY), 1.0))
    assert [type(one) for one in heard] == [RowDescription, CommandComplete, ReadyForQuery]
    assert ending(relay.upstream_sent(described, 1.0)) == "second-lock"


@pytest.mark.parametrize("sql", ["EXECUTE p", "EXPLAIN EXECUTE p", "EXPLAIN ANALYZE EXECUTE p"])
def test_what_a_former_policy_allowed_to_prepare_is_not_run_or_explained(sql: str) -> None:
    kinds = POLICY.statements | {StatementKind.EXPLAIN}
    relay = Relay(Judge(replace(POLICY, statements=kinds), CATALOG), max_message_bytes=1 << 20)
    relay.client_sent(says(Query("PREPARE p AS SELECT email FROM customers")), 1.0)
    relay.upstream_sent(says(CommandComplete("PREPARE"), READY), 1.0)
    blind = replace(POLICY, version="p2", statements=kinds, relations={})
    relay.judge_anew(Judge(blind, CATALOG), PolicyLoaded("p2", before="p1"))
    done = relay.client_sent(says(Query(sql)), 1.0)
    assert [fact.rule for fact in facts(done) if isinstance(fact, StatementJudged)] == ["relation-unknown"]
    assert not any(b"EXECUTE" in command.data for command in done if isinstance(command, SendToUpstream))
