"""Alert rules over made-up sights, with a clock of the test's: when each kind fires, and when not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.alerts import KINDS, Alert, minutes_of_week
from gateway.alerts.rules import AlertRules
from gateway.alerts.sights import (
    AnySight,
    Came,
    EndsInTransaction,
    GlassBroken,
    RecordTrouble,
    SignInFailed,
    Tripped,
    TurnedAway,
    Used,
    WasRefused,
    Who,
)
from gateway.alerts.usual import Book, network_of

#: A Monday, noon.
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALICE = Who("s1", "alice", "support", "shop", "grant_1", "203.0.113.7")
BOB = Who("s2", "bob", "analyst", "lake", "grant_2", "203.0.113.8")


def used(rows: int = 0, who: Who = ALICE, **more: Any) -> Used:
    fields: dict[str, Any] = {"statements": 1, "bytes": rows * 100, "lookups": 0, "kinds": {"select": 1}, **more}
    return Used(who, rows=rows, relations=fields.pop("relations", {"public.orders": 1}), **fields)


def rules(**table: Any) -> AlertRules:
    return AlertRules({"r": Alert.model_validate(table)}, Book())


def fired(of: AlertRules, sight: AnySight, at: datetime = NOON) -> list[str]:
    return [one.text for one in of.see(sight, at)]


def refused(who: Who = ALICE) -> WasRefused:
    return WasRefused(who, "select", "function")


def test_so_many_in_that_time_and_no_fewer() -> None:
    of = rules(when="refused", count=3, within="10m")
    assert fired(of, refused()) == []
    assert fired(of, refused(), NOON + timedelta(minutes=1)) == []
    assert fired(of, refused(BOB), NOON + timedelta(minutes=1)) == [], "each person counts alone"
    assert fired(of, refused(), NOON + timedelta(minutes=10)) == [], "the first is ten minutes ago"
    assert fired(of, refused(), NOON + timedelta(minutes=10, seconds=59)) == [
        "alice had 3 statements refused within 0:10:00"
    ]


def test_it_is_quiet_for_a_while_after_it_fired_and_for_that_person_only() -> None:
    of = rules(when="refused", count=1, within="10m", quiet="5m")
    assert fired(of, refused())
    assert not fired(of, refused(), NOON + timedelta(minutes=4, seconds=59))
    assert fired(of, refused(BOB), NOON + timedelta(minutes=1))
    assert fired(of, refused(), NOON + timedelta(minutes=5))


@pytest.mark.parametrize("when", ["rows", "bytes"])
def test_rows_and_bytes_add_up(when: str) -> None:
    of = rules(when=when, count=1000 if when == "rows" else 100_000, within="1h")
    assert not fired(of, used(999))
    assert fired(of, used(1), NOON + timedelta(minutes=59)) == [
        f"alice read {1000 if when == 'rows' else 100_000:,} {when} within 1:00:00"
    ]


def test_lookups_add_up() -> None:
    of = rules(when="lookups", count=5, within="1h")
    assert not fired(of, used(lookups=4))
    assert fired(of, used(lookups=1)) == ["alice looked up 5 values within 1:00:00"]


def test_a_relation_is_new_once_and_again_after_a_long_time() -> None:
    of = rules(when="new-relation", remember="30d", quiet="1h")
    assert fired(of, used()) == ["alice touched public.orders for the first time"]
    assert not fired(of, used(), NOON + timedelta(days=29))
    assert fired(of, used(), NOON + timedelta(days=60))
    assert fired(of, used(relations={"public.orders": 1, "public.customers": 2}), NOON + timedelta(days=61)) == [
        "alice touched public.customers for the first time"
    ]
    assert fired(of, used(who=BOB)) == ["bob touched public.orders for the first time"]


def test_only_these_relations_roles_and_targets() -> None:
    of = rules(when="new-relation", relations=["public.customers"])
    assert not fired(of, used())
    assert fired(of, used(relations={"public.customers": 1}))
    assert not fired(rules(when="new-relation", roles=["analyst"]), used())
    assert fired(rules(when="new-relation", roles=["analyst"]), used(who=BOB))
    assert not fired(rules(when="new-relation", targets=["lake"]), used())
    assert not fired(rules(when="failed-sign-ins", count=1, within="1h", roles=["support"]), SignInFailed("a", "x"))


def test_outside_hours_in_the_zone_of_the_people() -> None:
    of = rules(when="outside-hours", hours=["mon-fri 08:00-18:00"], zone="Europe/Vienna", quiet="0s")
    assert not fired(of, Came(ALICE), datetime(2026, 11, 23, 7, 0, tzinfo=UTC))
    assert fired(of, Came(ALICE), datetime(2026, 11, 23, 6, 59, tzinfo=UTC)) == [
        "alice connected on Monday at 07:59 (Europe/Vienna)"
    ]
    assert fired(of, Came(ALICE), datetime(2026, 11, 23, 17, 0, tzinfo=UTC))
    assert fired(of, Came(ALICE), datetime(2026, 11, 29, 12, 0, tzinfo=UTC)), "a Sunday"
    assert not fired(of, Came(ALICE), datetime(2027, 7, 2, 6, 0, tzinfo=UTC)), "summer time"


def test_a_new_network_is_new_once() -> None:
    of = rules(when="new-network", quiet="0s")
    assert fired(of, Came(ALICE)) == ["alice connected from 203.0.113.0/24 for the first time"]
    assert not fired(of, Came(ALICE), NOON + timedelta(minutes=1))
    assert not fired(of, Came(Who("s3", "alice", "support", "shop", "grant_1", "203.0.113.99")))
    assert fired(of, Came(BOB))
    assert fired(of, Came(Who("s3", "alice", "support", "shop", "grant_1", "198.51.100.1")))


@pytest.mark.parametrize(
    ("when", "sight"),
    [
        ("second-lock", Tripped(ALICE)),
        ("ending-in-transaction", EndsInTransaction(ALICE, 60)),
        ("break-glass", GlassBroken("alice", "support", "shop", "grant_1", "all is down")),
        ("record", RecordTrouble("No space left on device")),
        ("token-reuse", TurnedAway("token-used", "alice", "203.0.113.7")),
        ("failed-sign-ins", SignInFailed("alice", "203.0.113.7")),
    ],
)
def test_what_happens_once_is_enough(when: str, sight: AnySight) -> None:
    counted = {"count": 1, "within": "1h"} if when in ("token-reuse", "failed-sign-ins") else {}
    assert len(fired(rules(when=when, **counted), sight)) == 1
    others = [kind for kind in KINDS if kind != when]
    for kind in others:
        table: dict[str, Any] = {"when": kind}
        if kind in ("refused", "rows", "bytes", "lookups", "token-reuse", "failed-sign-ins"):
            table |= {"count": 1, "within": "1h"}
        if kind == "outside-hours":
            table["hours"] = ["mon-sun 00:00-24:00"]
        if kind == "unusual":
            table["score"] = 1
        assert fired(rules(**table), sight) == [], kind


def test_other_refusals_at_the_door_are_no_reuse() -> None:
    of = rules(when="token-reuse", count=1, within="1h")
    assert not fired(of, TurnedAway("token-missing", "", "203.0.113.7"))
    assert not fired(of, TurnedAway("token-expired", "alice", "203.0.113.7"))


def with_history(of: AlertRules, days: int, rows: int = 1000) -> None:
    for day in range(1, days + 1):
        of.see(Used(ALICE, 5, rows, rows * 100, 0, {"select": 5}, {"public.orders": 5}), NOON - timedelta(days=day))


def test_so_many_times_the_usual_once_there_is_something_usual() -> None:
    of = rules(when="rows", times_usual=5)
    with_history(of, 4)
    assert not fired(of, used(1_000_000)), "four days are not enough"
    of = rules(when="rows", times_usual=5)
    with_history(of, 10)
    assert not fired(of, used(5000))
    assert fired(of, used(1)) == ["alice read 5,001 rows today, 1,000 on a usual day"]
    assert not fired(of, used(1_000_000, who=BOB)), "of bob nothing is known"


def test_an_unusual_day_says_why() -> None:
    of = rules(when="unusual", score=60)
    with_history(of, 10)
    assert not fired(of, used(2000))
    night = NOON + timedelta(hours=15)
    odd = Used(ALICE, 9, 200_000, 1, 0, {"copy_to": 9, "delete": 1}, {f"public.t{n}": 1 for n in range(5)})
    [text] = fired(of, odd, night)
    assert "new relations: public.t0, public.t1, public.t2, …" in text
    assert "rows today, 1,000 on a usual day" in text
    assert "2 new kinds of statements: copy_to, delete" in text
    assert "at 3:00 UTC on 0 of 11 days before" in text


def test_a_usual_day_has_no_points() -> None:
    of = rules(when="unusual", score=60)
    with_history(of, 10)
    of.see(used(1000), NOON)
    score = of.book.score("alice", NOON)
    assert score is not None
    assert score.points == 0


@given(st.lists(st.tuples(st.integers(0, 3600), st.integers(1, 50)), max_size=60), st.integers(1, 200))
def test_a_window_counts_as_a_list_would(steps: list[tuple[int, int]], limit: int) -> None:
    of = rules(when="rows", count=limit, within="10m", quiet="0s")
    at, seen = NOON, []
    for seconds, rows in steps:
        at += timedelta(seconds=seconds)
        seen.append((at, rows))
        total = sum(number for when, number in seen if when > at - timedelta(minutes=10))
        assert bool(fired(of, used(rows), at)) == (total >= limit)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/socket", "/run/socket"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    "table",
    [
        {"when": "refused"},
        {"when": "refused", "count": 1},
        {"when": "second-lock", "count": 1, "within": "1m"},
        {"when": "lookups", "times_usual": 2.0},
        {"when": "rows", "times_usual": 2.0, "count": 5, "within": "1m"},
        {"when": "outside-hours"},
        {"when": "outside-hours", "hours": ["mon-fri 18:00-08:00"]},
        {"when": "outside-hours", "hours": ["monday 08:00-18:00"]},
        {"when": "outside-hours", "hours": ["mon 08:00-18:00"], "zone": "Mars/Olympus"},
        {"when": "second-lock", "hours": ["mon 08:00-18:00"]},
        {"when": "unusual"},
        {"when": "record", "action": "lock-person"},
        {"when": "failed-sign-ins", "count": 1, "within": "1m", "action": "lock-person"},
        {"when": "failed-sign-ins", "count": 1, "within": "1m", "action": "end-session"},
        {"when": "anything"},
        {"when": "second-lock", "unknown": 1},
        {"when": "second-lock", "relations": ["public.orders"]},
    ],
)
def test_a_rule_that_says_nothing_sensible_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Alert.model_validate(table)


def test_hours_over_the_end_of_the_week() -> None:
    minutes = minutes_of_week(("sat-mon 10:00-11:00",))
    assert sorted({minute // 1440 for minute in minutes}) == [0, 5, 6]
    assert len(minutes) == 3 * 60
