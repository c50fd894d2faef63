"""The same facts, counted, for Prometheus. Labels are bounded: a client can choose none of their
values. Counts are plain numbers that become metrics when they are asked for: the library's own
counters cost 6 µs a statement, these less than 1 (bench/).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.audit.facts import (
    AccessChanged,
    CancelAsked,
    CopyEnded,
    DoorRefused,
    Fact,
    ResultRecorded,
    SecondLockTripped,
    SessionClosed,
    SessionOpened,
    StatementEnded,
    StatementJudged,
)
from gateway.audit.gauges import Gauges

#: What the facts say of causes and kinds comes from tables of ours; should one of them ever carry
#: a text, this many different values are kept, and the rest counted as "other".
MOST_LABELS = 64

#: One append to the record in so many is measured.
MEASURED = 16

#: From a cached verdict (some µs) to a deep analysis.
_JUDGING = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 1.0)
_STATEMENT = (1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


#: The steps of requests and grants that are counted.
WORKFLOW: Final = frozenset(
    {
        "requested", "edited", "approved", "auto-approved", "denied", "cancelled", "expired", "granted",
        "extension-requested", "extended", "done", "lapsed", "ended", "revoked", "break-glass", "reviewed",
    }
)  # fmt: skip


class _Counts:
    """Counts by the values of their labels."""

    __slots__ = ("_counts", "_help", "_labels", "_name")

    def __init__(self, name: str, help_: str, *labels: str) -> None:
        self._name = name
        self._help = help_
        self._labels = labels
        self._counts: dict[tuple[str, ...], int] = {}

    def count(self, *values: str) -> None:
        counts = self._counts
        if values in counts:
            counts[values] += 1
            return
        if len(counts) >= MOST_LABELS:
            values = ("other",) * len(self._labels)
        counts[values] = counts.get(values, 0) + 1

    def state(self) -> list[tuple[tuple[str, ...], int]]:
        return list(self._counts.items())

    def add(self, state: Iterable[tuple[Sequence[str], int]]) -> None:
        for values, count in state:
            self._counts[tuple(values)] = self._counts.get(tuple(values), 0) + count

    def family(self) -> Metric:
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for values, count in list(self._counts.items()):
            family.add_metric(values, count)
        return family


class _Durations:
    """How many took how long; `bounds` in seconds."""

    __slots__ = ("_bounds", "_buckets", "_help", "_name", "_sum")

    def __init__(self, name: str, help_: str, bounds: tuple[float, ...]) -> None:
        self._name = name
        self._help = help_
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        self._buckets[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def state(self) -> tuple[list[int], float]:
        return self._buckets, self._sum

    def add(self, state: tuple[Sequence[int], float]) -> None:
        buckets, total = state
        self._buckets = [ours + theirs for ours, theirs in zip(self._buckets, buckets, strict=True)]
        self._sum += total

    def family(self) -> Metric:
        family = HistogramMetricFamily(self._name, self._help)
        buckets, total = [], 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric((), buckets, self._sum)
        return family


class Metrics(Collector):
    """One registry; `saw(fact)` for everything that is recorded."""

    #: The Content-Type of what render() returns.
    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._open = 0
        self._sessions = 0
        self._rows = 0
        self._bytes = 0
        self._copied = 0
        self._recorded_rows = 0
        self._cancels = 0
        self._wrong_cancels = 0
        self._ignored_cancels = 0
        self._second_lock = 0
        self._keys = 0
        self._lookups = 0
        self._masked = 0
        self._record = 1
        self._copies = self._copies_failed = self._copies_waiting = 0
        self._draining = 0
        self._policy = ("", 0.0)
        self._index_lag = 0.0
        self._workers_ended = 0
        #: What other processes have counted.
        self._elsewhere: list[Mapping[str, Any]] = []
        self._reloads = _Counts("pgcurfew_reloads", "Reloads of settings and policy, by outcome.", "outcome")
        self._closed = _Counts("pgcurfew_sessions_closed", "Sessions that ended, by cause.", "cause")
        self._statements = _Counts("pgcurfew_statements", "Statements judged.", "kind", "verdict")
        self._ended = _Counts("pgcurfew_statements_ended", "How statements came out.", "outcome")
        self._limits = _Counts("pgcurfew_limits_reached", "Statements that a limit cut off, by limit.", "limit")
        self._tokens = _Counts("pgcurfew_tokens", "What became of tokens and of the keys that sign them.", "event")
        self._workflow = _Counts("pgcurfew_access_changes", "What became of requests and grants.", "event")
        self._door = _Counts("pgcurfew_door_refusals", "Connections refused, by cause.", "cause")
        self._alerts = _Counts("pgcurfew_alerts", "Alert rules that fired, by rule.", "rule")
        self._notices = _Counts("pgcurfew_notices", "Tries to deliver notices, by outcome.", "sink", "outcome")
        #: Notices that wait, by sink.
        self._notices_waiting: dict[str, int] = {}
        self._sign_ins = _Counts("pgcurfew_sign_ins", "Sign-ins, by door and outcome.", "how", "outcome")
        self._judging = _Durations(
            "pgcurfew_judging_seconds", "Time to judge a query string that was not seen before.", _JUDGING
        )
        self._duration = _Durations("pgcurfew_statement_seconds", "Time from forward to outcome.", _STATEMENT)
        self._connecting = _Durations(
            "pgcurfew_upstream_connect_seconds", "Time to connect and log in at a target.", _STATEMENT
        )
        self._writing = _Durations(
            "pgcurfew_record_append_seconds", "Time to append to the record; one append in 16 is measured.", _JUDGING
        )
        self._syncing = _Durations("pgcurfew_record_sync_seconds", "Time of an fsync of the record.", _STATEMENT)
        #: How things stand, when somebody asks.
        self.gauges = Gauges()
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.registry.register(self.gauges)
        ProcessCollector(namespace="pgcurfew", registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        """Everything counted so far, as Prometheus wants it."""
        if not self._elsewhere:
            return self._families()
        total = Metrics.summed((self.state(), *self._elsewhere))
        total._policy = self._policy
        total._notices_waiting = self._notices_waiting
        total._index_lag = self._index_lag
        return total._families()

    def state(self) -> dict[str, Any]:
        """All counts as plain data, for `summed` in another process."""
        plain: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, int):
                plain[name] = value
            elif isinstance(value, _Counts | _Durations):
                plain[name] = value.state()
        return plain

    @classmethod
    def summed(cls, states: Iterable[Mapping[str, Any]]) -> Metrics:
        """Several processes as if they were one."""
        total = cls()
        for state in states:
            for name, value in vars(total).items():
                if name not in state:
                    continue
                if isinstance(value, _Counts | _Durations):
                    value.add(state[name])
                elif name == "_record":
                    total._record = min(total._record, int(state[name]))
                elif isinstance(value, int):
                    setattr(total, name, value + int(state[name]))
        return total

    def elsewhere(self, states: Sequence[Mapping[str, Any]]) -> None:
        """What the other processes have counted up to now."""
        self._elsewhere = list(states)

    def worker_ended(self) -> None:
        """A worker ended that nobody had told to."""
        self._workers_ended += 1

    def _families(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("pgcurfew_sessions_open", "Sessions now.", self._open)
        yield CounterMetricFamily("pgcurfew_sessions", "Sessions since start.", self._sessions)
        yield self._closed.family()
        yield self._statements.family()
        yield self._ended.family()
        yield self._limits.family()
        yield CounterMetricFamily("pgcurfew_lookups", "Raw values that rows were looked up by.", self._lookups)
        yield self._door.family()
        yield self._tokens.family()
        yield self._workflow.family()
        yield GaugeMetricFamily("pgcurfew_keys_believed", "Keys whose tokens are believed.", self._keys)
        yield CounterMetricFamily("pgcurfew_rows", "Rows that statements returned or changed.", self._rows)
        yield CounterMetricFamily("pgcurfew_result_bytes", "Bytes of results sent to clients.", self._bytes)
        yield CounterMetricFamily(
            "pgcurfew_result_rows_recorded", "Rows of results that were recorded.", self._recorded_rows
        )
        yield CounterMetricFamily("pgcurfew_copy_in_bytes", "Bytes of COPY data from clients.", self._copied)
        yield CounterMetricFamily("pgcurfew_cancels", "Cancel requests that reached a session.", self._cancels)
        yield CounterMetricFamily(
            "pgcurfew_cancels_refused", "Cancel requests whose key was wrong.", self._wrong_cancels
        )
        yield CounterMetricFamily(
            "pgcurfew_cancels_ignored",
            "Cancel requests not looked at, after too many wrong keys from one address.",
            self._ignored_cancels,
        )
        yield CounterMetricFamily("pgcurfew_second_lock_trips", "Sessions ended by the second lock.", self._second_lock)
        yield self._sign_ins.family()
        yield self._judging.family()
        yield self._duration.family()
        yield self._connecting.family()
        yield self._writing.family()
        yield self._syncing.family()
        yield CounterMetricFamily("pgcurfew_masked_columns", "Columns masked in statements that ran.", self._masked)
        handshakes = CounterMetricFamily("pgcurfew_handshakes", "Connections, by outcome.", labels=("outcome",))
        handshakes.add_metric(("admitted",), self._sessions)
        handshakes.add_metric(("refused",), sum(count for _, count in self._door.state()))
        yield handshakes
        yield self._alerts.family()
        yield self._notices.family()
        waiting = GaugeMetricFamily("pgcurfew_notices_waiting", "Notices that wait to be sent.", labels=("sink",))
        for sink, count in self._notices_waiting.items():
            waiting.add_metric((sink,), count)
        yield waiting
        yield self._reloads.family()
        yield CounterMetricFamily(
            "pgcurfew_workers_ended", "Workers that ended by themselves and were started again.", self._workers_ended
        )
        policy, since = self._policy
        info = GaugeMetricFamily("pgcurfew_policy_info", "The version of the policy in force.", labels=("version",))
        info.add_metric((policy,), 1)
        yield info
        yield GaugeMetricFamily(
            "pgcurfew_policy_loaded_timestamp_seconds", "When the policy in force was loaded.", since
        )
        yield GaugeMetricFamily("pgcurfew_draining", "1 while the gateway waits for open transactions.", self._draining)
        yield GaugeMetricFamily("pgcurfew_record_available", "1 when the record can be written.", self._record)
        yield CounterMetricFamily("pgcurfew_record_copies", "Files of the record copied elsewhere.", self._copies)
        yield CounterMetricFamily(
            "pgcurfew_record_copies_failed", "Attempts to copy a file of the record that failed.", self._copies_failed
        )
        yield GaugeMetricFamily(
            "pgcurfew_record_copies_waiting", "Closed files that wait to be copied elsewhere.", self._copies_waiting
        )
        yield GaugeMetricFamily(
            "pgcurfew_index_lag_seconds",
            "Since the index for searching last held all that the record did.",
            self._index_lag,
        )

    def saw(self, fact: Fact) -> None:
        """Count one fact; facts that mean nothing here are passed over."""
        match fact:
            case StatementJudged():
                self._statements.count(fact.kind, fact.verdict)
                if fact.masks and fact.how != "parse":
                    self._masked += len(fact.masks)
                if fact.lookups and fact.how not in ("parse", "bind") and fact.verdict != "refused":
                    self._lookups += len(fact.lookups)
            case StatementEnded():
                self._ended.count(fact.outcome)
                if fact.rule:
                    self._limits.count(fact.rule)
                self._rows += fact.rows
                self._bytes += fact.bytes
                self._duration.observe(fact.microseconds / 1e6)
            case ResultRecorded():
                self._recorded_rows += fact.rows
            case SessionOpened():
                self._sessions += 1
                self._open += 1
            case SessionClosed():
                self._open -= 1
                self._closed.count(fact.cause)
            case AccessChanged(what="signed-in" | "sign-in-refused" as what):
                self._sign_ins.count(fact.how or "credential", "done" if what == "signed-in" else "refused")
            case DoorRefused():
                self._door.count(fact.cause)
            case CopyEnded():
                self._copied += fact.bytes
            case CancelAsked():
                self._cancels += 1
            case SecondLockTripped():
                self._second_lock += 1
            case AccessChanged() if fact.what in WORKFLOW:
                self._workflow.count(fact.what)
            case AccessChanged(what="token-minted" | "token-used" | "token-revoked" | "key-added" | "key-struck"):
                self._tokens.count(fact.what)
            case _:
                pass

    def cancel_refused(self) -> None:
        """A CancelRequest came with a key that is nobody's."""
        self._wrong_cancels += 1

    def cancel_ignored(self) -> None:
        """A CancelRequest came from an address that had guessed too often."""
        self._ignored_cancels += 1

    def judged(self, seconds: float) -> None:
        """How long judging one query string took."""
        self._judging.observe(seconds)

    def connected(self, seconds: float) -> None:
        """How long it took to connect and log in at a target."""
        self._connecting.observe(seconds)

    def appended(self, seconds: float) -> None:
        """How long an append to the record took."""
        self._writing.observe(seconds)

    def synced(self, seconds: float) -> None:
        """How long an fsync of the record took."""
        self._syncing.observe(seconds)

    def alerted(self, rule: str) -> None:
        """An alert rule fired; rules are named in the policy, so there are few."""
        self._alerts.count(rule)

    def notice_sent(self, sink: str, outcome: str) -> None:
        """A try to send a notice came out: delivered, failed (and tried again) or dead (given up)."""
        self._notices.count(sink, outcome)

    def notices_waiting(self, waiting: Mapping[str, int]) -> None:
        """How many notices wait, by sink."""
        self._notices_waiting = dict(waiting)

    def reloaded(self, outcome: str) -> None:
        """A reload came out: done, refused or failed."""
        self._reloads.count(outcome)

    def policy_loaded(self, version: str, at: datetime) -> None:
        """This policy is in force since then."""
        self._policy = (version, at.timestamp())

    def keys_believed(self, count: int) -> None:
        """So many keys may have signed a token."""
        self._keys = count

    def draining(self, draining: bool) -> None:
        """Whether the gateway only waits for the last transactions."""
        self._draining = 1 if draining else 0

    def index_lag(self, seconds: float) -> None:
        """How long ago the index was up to date."""
        self._index_lag = seconds

    def record_copied(self, copied: int, failed: int, waiting: int) -> None:
        """Since the start (Recorder.copying)."""
        self._copies, self._copies_failed, self._copies_waiting = copied, failed, waiting

    def record_available(self, available: bool) -> None:
        """Whether the recorder can write (Recorder.trouble is None)."""
        self._record = 1 if available else 0

    def render(self) -> bytes:
        """The exposition text, for CONTENT_TYPE."""
        return generate_latest(self.registry)
