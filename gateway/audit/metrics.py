"""The same facts, counted, for Prometheus. Labels are bounded: a client can choose none of their
values. Children are made once and kept: `.labels()` for each message costs several µs.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.audit.facts import (
    CancelAsked,
    CopyEnded,
    DoorRefused,
    Fact,
    SecondLockTripped,
    SessionClosed,
    SessionOpened,
    StatementEnded,
    StatementJudged,
)

#: What the facts say of causes and kinds comes from tables of ours; should one of them ever carry
#: a text, this many different values are kept, and the rest counted as "other".
MOST_LABELS = 64

#: From a cached verdict (some µs) to a deep analysis.
_JUDGING = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 1.0)
_STATEMENT = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class _Family:
    """The children of one counter by their label values, made when first seen."""

    __slots__ = ("_children", "_counter", "_names")

    def __init__(self, counter: Counter, names: int) -> None:
        self._counter = counter
        self._names = names
        self._children: dict[tuple[str, ...], Counter] = {}

    def count(self, *values: str) -> None:
        child = self._children.get(values)
        if child is None:
            if len(self._children) >= MOST_LABELS:
                values = ("other",) * self._names
                child = self._children.get(values)
            if child is None:
                child = self._children[values] = self._counter.labels(*values)
        child.inc()


class Metrics:
    """One registry; `saw(fact)` for everything that is recorded."""

    #: The Content-Type of what render() returns.
    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made = self.registry
        self._open = Gauge("pgcurfew_sessions_open", "Sessions now.", registry=made)
        self._sessions = Counter("pgcurfew_sessions", "Sessions since start.", registry=made)
        closed = Counter("pgcurfew_sessions_closed", "Sessions that ended, by cause.", ["cause"], registry=made)
        self._closed = _Family(closed, 1)
        statements = Counter("pgcurfew_statements", "Statements judged.", ["kind", "verdict"], registry=made)
        self._statements = _Family(statements, 2)
        ended = Counter("pgcurfew_statements_ended", "How statements came out.", ["outcome"], registry=made)
        self._ended = _Family(ended, 1)
        door = Counter("pgcurfew_door_refusals", "Connections refused, by cause.", ["cause"], registry=made)
        self._door = _Family(door, 1)
        self._rows = Counter("pgcurfew_rows", "Rows that statements returned or changed.", registry=made)
        self._bytes = Counter("pgcurfew_result_bytes", "Bytes of results sent to clients.", registry=made)
        self._copied = Counter("pgcurfew_copy_in_bytes", "Bytes of COPY data from clients.", registry=made)
        self._cancels = Counter("pgcurfew_cancels", "Cancel requests that reached a session.", registry=made)
        self._wrong_cancels = Counter("pgcurfew_cancels_refused", "Cancel requests whose key was wrong.", registry=made)
        self._second_lock = Counter("pgcurfew_second_lock_trips", "Sessions ended by the second lock.", registry=made)
        self._judging = Histogram(
            "pgcurfew_judging_seconds", "Time to judge a query string.", registry=made, buckets=_JUDGING
        )
        self._duration = Histogram(
            "pgcurfew_statement_seconds", "Time from forward to outcome.", registry=made, buckets=_STATEMENT
        )
        self._record = Gauge("pgcurfew_record_available", "1 when the record can be written.", registry=made)
        self._record.set(1)

    def saw(self, fact: Fact) -> None:
        """Count one fact; facts that mean nothing here are passed over."""
        match fact:
            case StatementJudged():
                self._statements.count(fact.kind, fact.verdict)
            case StatementEnded():
                self._ended.count(fact.outcome)
                self._rows.inc(fact.rows)
                self._bytes.inc(fact.bytes)
                self._duration.observe(fact.microseconds / 1e6)
            case SessionOpened():
                self._sessions.inc()
                self._open.inc()
            case SessionClosed():
                self._open.dec()
                self._closed.count(fact.cause)
            case DoorRefused():
                self._door.count(fact.cause)
            case CopyEnded():
                self._copied.inc(fact.bytes)
            case CancelAsked():
                self._cancels.inc()
            case SecondLockTripped():
                self._second_lock.inc()
            case _:
                pass

    def cancel_refused(self) -> None:
        """A CancelRequest came with a key that is nobody's."""
        self._wrong_cancels.inc()

    def judged(self, seconds: float) -> None:
        """How long judging one query string took (cached verdicts included)."""
        self._judging.observe(seconds)

    def record_available(self, available: bool) -> None:
        """Whether the recorder can write (Recorder.trouble is None)."""
        self._record.set(1 if available else 0)

    def render(self) -> bytes:
        """The exposition text, of `content_type`."""
        return generate_latest(self.registry)
