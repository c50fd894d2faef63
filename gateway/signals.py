"""What the operator's signals mean: SIGTERM drains and ends, SIGINT or a second SIGTERM ends at
once, SIGHUP reads the settings again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine

import structlog

log = structlog.get_logger()


class Signals:
    """The signals of one gateway, from now on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        #: The gateway is to end.
        self.stop = asyncio.Event()
        #: It is to end without waiting for anybody.
        self.at_once = asyncio.Event()
        #: The settings are to be read again.
        self.hang_up = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, self.hang_up.set)
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)

    async def unless_at_once(self, work: Coroutine[None, None, None]) -> None:
        """Do this to its end, or until it is to end at once."""
        working = asyncio.ensure_future(work)
        hurrying = asyncio.ensure_future(self.at_once.wait())
        try:
            await asyncio.wait((working, hurrying), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            working.cancel()
            hurrying.cancel()
            await asyncio.gather(working, hurrying, return_exceptions=True)

    def _terminate(self) -> None:
        if self.stop.is_set():
            self._interrupt()
        self.stop.set()

    def _interrupt(self) -> None:
        if not self.at_once.is_set():
            log.info("ending at once")
        self.at_once.set()
        self.stop.set()
