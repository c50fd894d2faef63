"""The record is found again: by who, what, when, and however the index came to be."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from gateway.audit.facts import AccessChanged, DoorRefused, SessionClosed
from gateway.audit.index import schema
from gateway.audit.index.answering import Index
from gateway.audit.index.indexing import bring_up_to_date, rebuild
from gateway.audit.index.questions import BYS, Count, NotAsked, Question, month
from tests.gateway.audit.conftest import Bench, Clock, ended, judged, opened

ORDERS = {
    "normalized": "UPDATE orders SET status = $1 WHERE id = $2",
    "fingerprint": "beef",
    "kind": "update",
    "read": ("sales.orders.id",),
    "written": ("sales.orders.status",),
    "masks": (),
    "verdict": "passed",
}


def asked(bench: Bench) -> Index:
    bring_up_to_date(bench.directory)
    return Index(schema.readable(bench.directory / schema.FILE))


def numbers(index: Index, **question: object) -> list[tuple[str, int]]:
    page = index.page(Question(**question))  # type: ignore[arg-type]
    assert page.total == len(page.found)
    return [(found.session, found.number) for found in page.found]


@pytest.fixture
def written(bench: Bench) -> Bench:
    """Alice read an e-mail address, was refused once, and updated an order; carol read addresses a day later."""
    clock = Clock()
    bench.clock = clock
    recorder = bench.open()
    recorder.note(AccessChanged("requested", by="alice", request="r-1", person="alice", role="support", target="shop"))
    recorder.note(AccessChanged("approved", by="bob", request="r-1", grant="g-1"))
    recorder.note(DoorRefused(client="10.0.0.1:5", cause="token", sqlstate="28P01", message="no", user="mallory"))
    one = recorder.open_session(opened("s1"))
    one.append([judged(1), ended(1)])
    one.append([judged(2, verdict="refused", kind="delete", rule="statement-kind", reason="DELETE is not permitted")])
    one.append([judged(3, how="parse", **ORDERS)])
    one.append([judged(4, how="execute", of=3, **ORDERS)])
    one.append([ended(4, rows=1)])
    one.append([judged(5, how="execute", of=3, **ORDERS), ended(5, outcome="failed", sqlstate="23505")])
    one.close(SessionClosed(cause="client", statements=4, refused=1))
    recorder.sync()
    clock.now += timedelta(days=1)
    two = recorder.open_session(opened("s2", person="carol", grant="g-2"))
    two.append([judged(number) for number in range(1, 4)])
    two.append([ended(number) for number in range(1, 4)])
    recorder.close()
    return bench


def test_statements_are_found_by_all_that_is_readable(written: Bench) -> None:
    index = asked(written)
    assert numbers(index, column="public.customers.email", person="alice") == [("s1", 2), ("s1", 1)]
    assert numbers(index, column="customers.email", person="alice") == [("s1", 2), ("s1", 1)]
    assert numbers(index, column="mers.email") == []
    assert numbers(index, relation="sales.orders") == [("s1", 5), ("s1", 4)]
    assert numbers(index, relation="orders", written=True) == [("s1", 5), ("s1", 4)]
    assert numbers(index, column="orders.id", written=True) == []
    assert numbers(index, column="orders.id", written=False) == [("s1", 5), ("s1", 4)]
    assert numbers(index, kind="delete") == numbers(index, verdict="refused") == [("s1", 2)]
    assert numbers(index, rule="statement-kind") == [("s1", 2)]
    assert numbers(index, sqlstate="23505") == [("s1", 5)]
    assert numbers(index, grant="g-2") == [("s2", 3), ("s2", 2), ("s2", 1)]
    assert numbers(index, session="s1", kind="update") == [("s1", 5), ("s1", 4)]
    assert numbers(index, text="update STATUS") == [("s1", 5), ("s1", 4)]
    assert numbers(index, text="sta*") == [("s1", 5), ("s1", 4)]
    assert numbers(index, text='nosuch" OR email') == []
    assert numbers(index, fingerprint="beef", target="shop", role="support") == [("s1", 5), ("s1", 4)]
    assert numbers(index, role="operator") == []
    with pytest.raises(NotAsked):
        index.page(Question(text="%%"))


def test_what_is_found_says_how_it_came_out(written: Bench) -> None:
    [failed, done] = asked(written).page(Question(relation="sales.orders")).found
    assert (failed.outcome, failed.sqlstate, done.outcome, done.rows) == ("failed", "23505", "done", 1)
    assert (done.person, done.grant, done.kind) == ("alice", "g-1", "update")
    assert done.written == ("sales.orders.status",)
    assert done.time.startswith("2026-11-23T13:00:00")


def test_pages_go_on_where_the_one_before_ended(written: Bench) -> None:
    index = asked(written)
    seen: list[tuple[str, int]] = []
    before = 0
    while True:
        page = index.page(Question(), limit=2, before=before)
        assert page.total == 7
        seen += [(found.session, found.number) for found in page.found]
        before = page.before
        if not before:
            break
    assert seen == [("s2", 3), ("s2", 2), ("s2", 1), ("s1", 5), ("s1", 4), ("s1", 2), ("s1", 1)]


def test_counts_by_day_user_and_relation(written: Bench) -> None:
    index = asked(written)
    assert index.counts(Question(), "day") == [Count("2026-11-23", 4), Count("2026-11-24", 3)]
    assert index.counts(Question(column="customers.email"), "user") == [Count("carol", 3), Count("alice", 2)]
    assert index.counts(Question(person="alice"), "relation") == [
        Count("public.customers", 2),
        Count("sales.orders", 2),
    ]
    assert index.counts(Question(grant="g-1"), "kind") == [Count("update", 2), Count("delete", 1), Count("select", 1)]
    assert index.counts(Question(sqlstate="23505"), "column")[0].statements == 1
    assert index.counts(Question(text="select*", kind="select"), "user") == [Count("carol", 3), Count("alice", 1)]
    for kind, users in (("select", {"carol": 3, "alice": 1}), ("update", {"alice": 2})):
        for since in (None, datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, 1, tzinfo=UTC)):
            found = index.counts(Question(verdict="refused"), "user")
            assert found == [Count("alice", 1)]
            counted = {count.of: count.statements for count in index.counts(Question(kind=kind, since=since), "user")}
            assert counted == users
    for by in BYS:
        assert sum(count.statements for count in index.counts(Question(grant="g-2"), by)) in (0, 3), by


def test_days_and_parts_of_days_add_up(written: Bench) -> None:
    index = asked(written)
    times = sorted(datetime.fromisoformat(found.time) for found in index.page(Question()).found)
    for since in (*times, times[0] - timedelta(days=3), datetime(2026, 11, 24, tzinfo=UTC)):
        for until in (*times, times[-1] + timedelta(days=3), datetime(2026, 11, 24, tzinfo=UTC)):
            expected = sum(since <= time < until for time in times)
            page = index.page(Question(since=since, until=until))
            assert page.total == len(page.found) == expected
            assert (
                sum(count.statements for count in index.counts(Question(since=since, until=until), "day")) == expected
            )


def test_the_index_follows_a_record_that_grows(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened("s1"))
    session.append([judged(1)])
    assert bring_up_to_date(bench.directory) == 1
    index = Index(schema.readable(bench.directory / schema.FILE))
    assert index.page(Question()).found[0].outcome == ""
    session.append([ended(1), judged(2)])
    assert bring_up_to_date(bench.directory) == 1
    assert [found.outcome for found in index.page(Question()).found] == ["", "done"]
    assert bring_up_to_date(bench.directory) == 0
    session.close(SessionClosed(cause="client"))
    recorder.close()
    assert bring_up_to_date(bench.directory) == 0
    assert index.state().statements == 2


def test_an_unfinished_line_waits_for_its_end(bench: Bench) -> None:
    recorder = bench.open()
    session = recorder.open_session(opened("s1"))
    session.append([judged(1)])
    path = bench.session_file()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert bring_up_to_date(bench.directory) == 0
    path.write_bytes(whole)
    assert bring_up_to_date(bench.directory) == 1
    recorder.close()


def test_made_anew_it_answers_the_same(written: Bench) -> None:
    before = asked(written).page(Question())
    rebuild(written.directory)
    after = asked(written).page(Question())
    assert [(found.session, found.number, found.outcome) for found in before.found] == [
        (found.session, found.number, found.outcome) for found in after.found
    ]


def test_compressed_logs_are_read_like_others(written: Bench) -> None:
    for path in list((written.directory / "sessions").rglob("*.jsonl")):
        path.with_name(f"{path.name}.zst").write_bytes(zstandard.compress(path.read_bytes()))
        path.unlink()
    assert asked(written).page(Question()).total == 7


def test_an_index_of_another_record_or_version_is_made_anew(written: Bench, tmp_path: Path) -> None:
    other = Bench(tmp_path / "other")
    other.write_a_record()
    bring_up_to_date(other.directory)
    (other.directory / schema.FILE).replace(written.directory / schema.FILE)
    assert asked(written).page(Question(relation="sales.orders")).total == 2
    connection = sqlite3.connect(written.directory / schema.FILE)
    connection.execute("PRAGMA user_version = 4711")
    connection.close()
    assert asked(written).page(Question()).total == 7


@pytest.mark.parametrize("indexed_before", [True, False])
def test_what_has_expired_is_in_the_index_no_more(written: Bench, indexed_before: bool) -> None:
    if indexed_before:
        assert asked(written).page(Question()).total == 7
    clock = Clock(datetime(2026, 11, 25, 0, 30, tzinfo=UTC))
    written.clock = clock
    recorder = written.open()
    clock.now += timedelta(hours=1)
    recorder.expire(1)
    recorder.close()
    index = asked(written)
    assert index.page(Question()).total == len(index.page(Question()).found) == 3
    assert index.counts(Question(), "user") == [Count("carol", 3)]
    assert index.page(Question(text="status")).total == 0
    assert index.page(Question(text="email")).total == 3


def test_events_of_one_microsecond_are_all_there(bench: Bench) -> None:
    recorder = bench.open()
    bench.clock.now = datetime(2026, 11, 23, 13, tzinfo=UTC)  # type: ignore[attr-defined]
    still = bench.clock.now  # type: ignore[attr-defined]
    recorder._clock = lambda: still  # type: ignore[method-assign]
    for name in ("s1", "s2"):
        session = recorder.open_session(opened(name))
        session.append([judged(number) for number in range(1, 601)])
    recorder.close()
    assert asked(bench).state().statements == 1200


def test_what_happened_to_a_grant_is_found(written: Bench) -> None:
    index = asked(written)
    assert [affair.what for affair in index.affairs(request="r-1")] == ["requested", "approved"]
    assert [affair.by for affair in index.affairs(grant="g-1")] == ["bob"]
    assert index.affairs() == []


def test_it_answers_without_full_text_search_too(written: Bench) -> None:
    bring_up_to_date(written.directory)
    connection = sqlite3.connect(written.directory / schema.FILE)
    connection.execute("DROP TABLE words")
    connection.close()
    assert numbers(asked(written), text="update status") == [("s1", 5), ("s1", 4)]


def test_the_index_holds_no_constant_and_is_not_for_all(written: Bench) -> None:
    bring_up_to_date(written.directory)
    path = written.directory / schema.FILE
    assert path.stat().st_mode & 0o077 == 0
    assert b"canary-4711" not in path.read_bytes()


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("2026-03", "2026-03-01", "2026-04-01"),
        ("march", "2026-03-01", "2026-04-01"),
        ("Dec", "2025-12-01", "2026-01-01"),
    ],
)
def test_months(text: str, first: str, end: str) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert [f"{each:%Y-%m-%d}" for each in month(text, now)] == [first, end]


def test_no_month() -> None:
    with pytest.raises(NotAsked):
        month("2026-13", datetime(2026, 11, 23, tzinfo=UTC))
