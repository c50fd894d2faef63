"""How many grants and requests there are, for the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.storage.database import Source
from gateway.storage.times import micros, time_or_none


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one moment."""

    grants_active: int
    grants_ending: int
    requests_waiting: int
    #: When the oldest of them was asked.
    oldest_request: datetime | None


async def counts(source: Source, now: datetime, soon: datetime) -> Counts:
    """What is in force and what waits at `now`; grants that end by `soon` are about to. Raises StoreUnavailable."""
    [grants] = await source.read(
        """SELECT count(*) AS active, coalesce(sum(CASE WHEN ends_at <= ? THEN 1 ELSE 0 END), 0) AS ending
           FROM grants WHERE revoked_at IS NULL AND ended_at IS NULL AND ends_at > ? AND starts_at <= ?""",
        [micros(soon), micros(now), micros(now)],
    )
    [requests] = await source.read(
        """SELECT count(*) AS waiting, min(asked_at) AS oldest FROM requests
           WHERE state = 'pending' AND expires_at > ?""",
        [micros(now)],
    )
    return Counts(
        int(grants["active"]), int(grants["ending"]), int(requests["waiting"]), time_or_none(requests["oldest"])
    )
