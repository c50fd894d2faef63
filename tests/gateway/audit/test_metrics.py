"""Facts are counted; labels stay bounded whatever the facts say."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gateway.audit.facts import (
    CancelAsked,
    CopyEnded,
    DoorRefused,
    ExpiryNoticed,
    SecondLockTripped,
    SessionClosed,
    StatementEnded,
)
from gateway.audit.metrics import MOST_LABELS, Metrics
from tests.gateway.audit.conftest import ended, judged, opened


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def door(cause: str) -> DoorRefused:
    return DoorRefused(client="c", cause=cause, sqlstate="28P01", message="…")


def test_each_fact_is_counted() -> None:
    metrics = Metrics()
    for fact in (
        opened("s1"),
        opened("s2"),
        judged(1),
        judged(2),
        judged(3, kind="delete", verdict="refused", lookups=("public.customers.email",)),
        judged(4, how="parse", kind="explain", lookups=("public.customers.email",)),
        judged(5, how="execute", kind="explain", lookups=("public.customers.email", "public.customers.email")),
        ended(1, rows=10, bytes=100, microseconds=2_000_000),
        StatementEnded(number=2, outcome="failed"),
        CopyEnded(number=2, bytes=7),
        CancelAsked(number=2, by="client"),
        SecondLockTripped(number=2, table_oid=1, attribute=1),
        ExpiryNoticed(seconds_left=60),
        SessionClosed(cause="grant-ended"),
        door("token-expired"),
        door("token-expired"),
    ):
        metrics.saw(fact)
    metrics.judged(0.00002)
    found = samples(metrics)
    assert found["pgcurfew_sessions_open",] == 1
    assert found["pgcurfew_sessions_total",] == 2
    assert found["pgcurfew_sessions_closed_total", "grant-ended"] == 1
    assert found["pgcurfew_statements_total", "select", "rewritten"] == 2
    assert found["pgcurfew_statements_total", "delete", "refused"] == 1
    assert found["pgcurfew_statements_ended_total", "failed"] == 1
    assert found["pgcurfew_lookups_total",] == 2
    assert found["pgcurfew_rows_total",] == 10
    assert found["pgcurfew_result_bytes_total",] == 100
    assert found["pgcurfew_copy_in_bytes_total",] == 7
    assert found["pgcurfew_door_refusals_total", "token-expired"] == 2
    assert found["pgcurfew_judging_seconds_count",] == 1
    assert found["pgcurfew_record_available",] == 1
    metrics.record_available(False)
    assert samples(metrics)["pgcurfew_record_available",] == 0


def test_labels_are_bounded() -> None:
    metrics = Metrics()
    for number in range(10 * MOST_LABELS):
        metrics.saw(door(f"cause {number}"))
    counted = {key: value for key, value in samples(metrics).items() if key[0] == "pgcurfew_door_refusals_total"}
    assert len(counted) == MOST_LABELS + 1
    assert counted["pgcurfew_door_refusals_total", "other"] == 9 * MOST_LABELS
    assert sum(counted.values()) == 10 * MOST_LABELS


def test_each_has_its_own_registry() -> None:
    first, second = Metrics(), Metrics()
    first.saw(opened())
    assert samples(second)["pgcurfew_sessions_total",] == 0
