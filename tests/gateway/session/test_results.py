"""Results that a role's policy has recorded: the first rows, as the client saw them, whatever way they came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.audit.facts import ResultRecorded, StatementEnded
from gateway.session.judge import Judge
from gateway.session.relay import Relay
from masking.policy import Results
from protocol.backend import (
    BindComplete,
    CommandComplete,
    CopyOutResponse,
    DataRow,
    Field,
    NoData,
    ParameterDescription,
    ParseComplete,
    PortalSuspended,
    RowDescription,
)
from protocol.copying import CopyData, CopyDone
from protocol.frontend import Bind, Describe, Execute, Parse, Query, Sync
from tests.gateway.session.test_relay import CATALOG, DIVISION, POLICY, READY, client_hears, facts, says

ID = RowDescription((Field("id", 1000, 1, 23, 4, -1, 0), Field("wie's", 0, 0, 25, -1, -1, 0)))


def recording(rows: int = 3, size: int = 1000) -> Relay:
    return Relay(Judge(replace(POLICY, results=Results(rows, size)), CATALOG), max_message_bytes=1 << 20)


def rows_of(commands: list[object]) -> list[object]:
    found = [fact for fact in facts(commands) if isinstance(fact, ResultRecorded)]  # type: ignore[arg-type]
    return [(fact.number, fact.rows, fact.sealed.columns, fact.sealed.rows) for fact in found if fact.sealed]


def row(*values: bytes | None) -> DataRow:
    return DataRow(values)


def test_the_first_rows_of_a_query_are_recorded_before_its_end() -> None:
    relay = recording()
    relay.client_sent(says(Query("SELECT id, email FROM customers")), 1.0)
    answer = says(ID, row(b"1", b"***"), row(b"2", None), CommandComplete("SELECT 2"), READY)
    done = relay.upstream_sent(answer, 1.1)
    assert rows_of(done) == [(1, 2, ("id", "wie's"), (("1", "***"), ("2", None)))]
    assert [type(fact) for fact in facts(done)] == [ResultRecorded, StatementEnded]


def test_no_more_than_the_policy_says_and_in_whatever_pieces_they_come() -> None:
    rows = [row(str(number).encode(), b"x" * 10) for number in range(6)]
    answer = says(ID, *rows, CommandComplete("SELECT 6"), READY)
    for relay, expected in ((recording(rows=3), 3), (recording(rows=100, size=60), 2), (recording(size=5), 0)):
        relay.client_sent(says(Query("SELECT id, email FROM customers")), 1.0)
        found = [fact for at in range(len(answer)) for fact in facts(relay.upstream_sent(answer[at : at + 1], 1.1))]
        [seen] = [fact for fact in found if isinstance(fact, ResultRecorded)]
        assert seen.rows == expected
        assert seen.sealed is not None
        assert seen.sealed.rows == tuple((str(number), "x" * 10) for number in range(expected))
        assert [fact.rows for fact in found if isinstance(fact, StatementEnded)] == [6]


def test_what_is_prepared_is_read_by_the_types_of_its_description_and_the_formats_of_its_bind() -> None:
    relay = recording()
    relay.client_sent(says(Parse("s", "SELECT id, email FROM customers"), Describe("S", "s"), Sync()), 1.0)
    relay.upstream_sent(says(ParseComplete(), ParameterDescription(()), ID, READY), 1.0)
    for formats, value in (((1, 0), b"\0\0\0\7"), ((), b"7"), ((0,), b"7")):
        relay.client_sent(says(Bind("", "s", result_formats=formats), Execute(""), Sync()), 1.0)
        done = relay.upstream_sent(says(BindComplete(), row(value, b"y"), CommandComplete("SELECT 1"), READY), 1.0)
        [(_, _, columns, seen)] = rows_of(done)
        assert (columns, seen) == (("id", "wie's"), (("7", "y"),))


def test_each_page_is_recorded_and_so_is_what_came_before_a_failure() -> None:
    relay = recording()
    relay.client_sent(says(Parse("", "SELECT id, email FROM customers"), Bind("", ""), Describe("P", "")), 1.0)
    relay.client_sent(says(Execute("", 1), Execute("", 1), Sync()), 1.0)
    page = says(row(b"1", b"a"), PortalSuspended())
    relay.upstream_sent(says(ParseComplete(), BindComplete(), ID), 1.0)
    assert [seen for *_, seen in rows_of(relay.upstream_sent(page, 1.0))] == [(("1", "a"),)]
    assert [seen for *_, seen in rows_of(relay.upstream_sent(says(row(b"2", b"b"), DIVISION, READY), 1.0))] == [
        (("2", "b"),)
    ]


def test_a_session_that_is_cut_off_says_what_its_client_had_seen() -> None:
    relay = recording()
    relay.client_sent(says(Query("SELECT id, email FROM customers")), 1.0)
    relay.upstream_sent(says(ID, row(b"1", b"a")), 1.0)
    done = relay.client_left(2.0)
    assert [seen for *_, seen in rows_of(done)] == [(("1", "a"),)]


@pytest.mark.parametrize(("binary", "shown"), [(0, "1\ta\\nb"), (1, "\\x31096125")])
def test_a_copy_is_recorded_line_by_line(binary: int, shown: str) -> None:
    relay = recording()
    relay.client_sent(says(Query("COPY (SELECT id FROM customers) TO STDOUT")), 1.0)
    data = bytes.fromhex(shown[2:]) if binary else b"1\ta\\nb\n"
    answer = says(CopyOutResponse(binary, (binary,)), CopyData(data), CopyDone(), CommandComplete("COPY 1"), READY)
    assert rows_of(relay.upstream_sent(answer, 1.0)) == [(1, 1, (), ((shown,),))]


def test_what_returns_no_rows_has_no_result() -> None:
    relay = recording()
    relay.client_sent(says(Parse("", "SELECT id FROM customers"), Bind("", ""), Describe("P", ""), Execute("")), 1.0)
    answer = says(ParseComplete(), BindComplete(), NoData(), CommandComplete("SELECT 0"))
    assert rows_of(relay.upstream_sent(answer, 1.0)) == []


def test_nothing_is_kept_where_nobody_asked_for_it() -> None:
    relay = Relay(Judge(POLICY, CATALOG), max_message_bytes=1 << 20)
    relay.client_sent(says(Query("SELECT id, email FROM customers")), 1.0)
    done = relay.upstream_sent(says(ID, row(b"1", b"a"), CommandComplete("SELECT 1"), READY), 1.0)
    assert rows_of(done) == []
    assert client_hears(done)[-1] == READY
