"""A session is read back with each statement and its outcome, and nothing in it reaches a terminal raw."""

from __future__ import annotations

import pytest

from gateway.audit.facts import (
    CancelAsked,
    CopyEnded,
    ExpiryNoticed,
    SessionClosed,
    StatementEnded,
)
from gateway.audit.replay import (
    Moment,
    NoSuchSession,
    Statement,
    UnknownFact,
    Unreadable,
    list_sessions,
    read_events,
    read_session,
)
from gateway.audit.visible import visible
from tests.gateway.audit.conftest import Bench, ended, judged, opened


def test_sessions_are_listed_latest_first(bench: Bench) -> None:
    bench.write_a_record()
    listed = list_sessions(bench.directory)
    assert [(one.session, one.person, one.statements, one.refused, one.cause) for one in listed] == [
        ("s2", "carol", 1, 0, "grant-ended"),
        ("s1", "alice", 3, 1, "client"),
    ]
    assert listed[0].started < listed[0].ended


def test_an_open_session_is_counted_from_its_events(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1, how="parse"), judged(2, how="execute", of=1), judged(3, verdict="refused")])
    one = list_sessions(bench.directory)[0]
    assert (one.statements, one.refused, one.cause, one.ended) == (2, 1, "", "")


def test_a_statement_is_joined_with_its_outcome(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened())
    session.append([judged(1), judged(2)])  # a pipeline: the outcomes come later
    session.append([ExpiryNoticed(seconds_left=60)])
    session.append([ended(1, rows=7, microseconds=10)])
    session.append([StatementEnded(number=2, outcome="suspended", rows=5, microseconds=4)])
    session.append([ended(2, rows=6, microseconds=3)])
    session.append([judged(3), CancelAsked(number=3, by="bob")])
    session.append([CopyEnded(number=3, bytes=99), ended(3, outcome="failed", sqlstate="57014", rows=0, bytes=0)])
    session.append([judged(4, verdict="refused", rule="statement-kind")])
    session.append([judged(5)])
    session.close(SessionClosed(cause="grant-ended", detail="g-1", statements=5, refused=1))
    read = read_session(bench.directory, "s1", bench.auditor)
    by_number = {statement.number: statement for statement in read.statements}
    assert (by_number[1].rows, by_number[1].outcome) == (7, "done")
    assert (by_number[2].rows, by_number[2].microseconds, by_number[2].outcome) == (11, 7, "done")
    assert (by_number[3].cancelled_by, by_number[3].bytes, by_number[3].sqlstate) == ("bob", 99, "57014")
    assert (by_number[4].outcome, by_number[4].rule) == ("refused", "statement-kind")
    assert by_number[5].outcome == ""
    kinds = [type(entry) for entry in read.timeline]
    assert kinds == [Statement, Statement, Moment, Statement, Statement, Statement]
    assert read.closed is not None
    assert read.closed.detail == "g-1"
    assert read.problem == ""


def test_a_beginning_of_an_id_will_do(bench: Bench) -> None:
    recorder = bench.open()
    for session in ("abc1", "abc2", "x1", "x"):
        recorder.open_session(opened(session)).close(SessionClosed(cause="client"))
    assert read_session(bench.directory, "abc2").opened.session == "abc2"
    assert read_session(bench.directory, "x").opened.session == "x"
    for unknown in ("abc", "nope", "", "../../ledger", "*"):
        with pytest.raises(NoSuchSession):
            read_session(bench.directory, unknown)


def test_events_of_a_later_version_are_shown_as_unknown() -> None:
    line = b'{"prev":"%b","time":"2026-11-23T13:00:00.000000Z","seq":1,"event":{"type":"Moonrise","at":1}}\n' % (
        b"0" * 64
    )
    assert [event.fact for event in read_events([line])] == [UnknownFact("Moonrise")]
    with pytest.raises(Unreadable):
        list(read_events([b"garbage\n"]))
    assert list(read_events([b'{"unfinished'])) == []


def test_files_that_are_no_sessions_are_left_out_of_the_list(bench: Bench) -> None:
    bench.write_a_record()
    bench.session_file("s1").write_bytes(b"garbage\n")
    bench.session_file("s2").with_name("s3.jsonl").write_bytes(b"")
    assert [one.session for one in list_sessions(bench.directory)] == ["s2"]


def test_a_session_that_was_changed_says_so(bench: Bench) -> None:
    bench.write_a_record()
    path = bench.session_file()
    path.write_bytes(path.read_bytes().replace(b'"rows":3', b'"rows":8', 1))
    assert read_session(bench.directory, "s1").problem.startswith("line 3")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("Zoë 漢字 😀", "Zoë 漢字 😀"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_does_not_show_as_itself_is_escaped(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_lines_may_stay_where_sql_is_shown() -> None:
    assert visible("SELECT\r\n\t1\x1b\rx", lines=True) == "SELECT\n    1\\x1b\\rx"
