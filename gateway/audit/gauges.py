"""What is so at this moment, for Prometheus: asked for when somebody looks, and kept between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of a gateway. Sessions by target and role, which the policy names; ages in seconds."""

    sessions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    grants_active: int = 0
    #: Active grants that end within the time after which their owners are told.
    grants_ending: int = 0
    requests_waiting: int = 0
    oldest_request_seconds: float = 0.0
    #: The longest that the event loop kept anything waiting since somebody looked last.
    loop_lag_seconds: float = 0.0


class Gauges(Collector):
    """The latest moment."""

    def __init__(self) -> None:
        self.moment = Moment()

    def collect(self) -> Iterator[Metric]:
        """The moment as Prometheus wants it."""
        moment = self.moment
        sessions = GaugeMetricFamily(
            "pgcurfew_sessions_open_by", "Sessions now, by target and role.", labels=("target", "role")
        )
        for key, count in moment.sessions.items():
            sessions.add_metric(key, count)
        yield sessions
        yield GaugeMetricFamily("pgcurfew_grants_active", "Grants in force now.", moment.grants_active)
        yield GaugeMetricFamily("pgcurfew_grants_ending", "Grants that are about to end.", moment.grants_ending)
        yield GaugeMetricFamily("pgcurfew_requests_waiting", "Requests without an answer.", moment.requests_waiting)
        yield GaugeMetricFamily(
            "pgcurfew_oldest_request_seconds", "How long the oldest of them waits.", moment.oldest_request_seconds
        )
        yield GaugeMetricFamily(
            "pgcurfew_loop_lag_seconds",
            "The longest that the event loop of the control plane kept anything waiting since the last look.",
            moment.loop_lag_seconds,
        )
