"""The clock of everything that ends: the machine's, except that it never goes back while the process runs.

Who sets a machine's clock back must not give anybody a longer grant; who sets it forward ends grants early.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

log = structlog.get_logger(__name__)

#: A smaller step back is what time servers do all day, and nobody needs to hear of it.
WORTH_SAYING = timedelta(seconds=2)


def utc_now() -> datetime:
    """What the machine says."""
    return datetime.now(UTC)


class SteadyClock:
    """Says the time when it is called. While the machine's clock stands behind what was said before, it
    goes on by the time that truly passed."""

    def __init__(self, wall: Callable[[], datetime] = utc_now, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._said = wall()
        self._at = monotonic()
        self._behind = False

    def __call__(self) -> datetime:
        passed = self._said + timedelta(seconds=self._monotonic() - self._at)
        wall = self._wall()
        if wall < passed:
            self._tell(passed - wall)
            return passed
        self._said, self._at, self._behind = wall, self._monotonic(), False
        return wall

    def _tell(self, behind: timedelta) -> None:
        if behind > WORTH_SAYING and not self._behind:
            self._behind = True
            log.warning("the machine's clock was set back; grants end as if it had not been", seconds=behind.seconds)
