"""Finds out how things stand, when somebody asks for the metrics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from config.settings import Settings
from gateway.access.store import StoreUnavailable
from gateway.admin.live import Open
from gateway.audit.gauges import Gauges, Moment
from gateway.storage.counts import counts
from gateway.storage.database import Database

log = structlog.get_logger()

#: How often the event loop is asked whether it is late (seconds).
TICK_SECONDS = 0.25


class Gauging:
    """`look` brings the gauges up to date; `mind_the_loop` runs until cancelled."""

    def __init__(
        self, gauges: Gauges, database: Database, settings: Callable[[], Settings], clock: Callable[[], datetime]
    ) -> None:
        self._gauges = gauges
        self._database = database
        self._settings = settings
        self._clock = clock
        self._lag = 0.0

    async def mind_the_loop(self) -> None:
        """Until cancelled: measure how late the event loop is."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(TICK_SECONDS)
            self._lag = max(self._lag, loop.time() - before - TICK_SECONDS)

    async def look(self, front: Open) -> None:
        """How things stand now; where the store cannot be asked, as they stood."""
        lag, self._lag = self._lag, 0.0
        now = self._clock()
        soon = now + timedelta(seconds=self._settings().notices.ending_seconds)
        try:
            counted = await counts(self._database, now, soon)
        except StoreUnavailable as error:
            log.warning("the store cannot be counted", reason=str(error))
            return
        sessions = Counter((view.target, view.role) for view in await front.live())
        self._gauges.moment = Moment(
            sessions=dict(sessions),
            grants_active=counted.grants_active,
            grants_ending=counted.grants_ending,
            requests_waiting=counted.requests_waiting,
            oldest_request_seconds=(
                0.0 if counted.oldest_request is None else max((now - counted.oldest_request).total_seconds(), 0.0)
            ),
            loop_lag_seconds=lag,
        )
