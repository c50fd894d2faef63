"""What administrators can see of notices, and do about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.notices.announce import Announcer
from gateway.notices.outbox import DeliveryState, Outbox
from gateway.notices.postman import Postman


class NoticeDesk:
    """Over the outbox."""

    def __init__(self, outbox: Outbox, announcer: Announcer, postman: Postman, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._announcer = announcer
        self._postman = postman
        self._clock = clock

    @property
    def sinks(self) -> tuple[str, ...]:
        """The names of all sinks."""
        return self._postman.sinks

    async def states(self, *, limit: int, undelivered: bool) -> tuple[DeliveryState, ...]:
        """The latest notices."""
        return await self._outbox.states(limit=limit, undelivered=undelivered)

    async def again(self, delivery: str) -> bool:
        """Try one that was given up again; False when there is none."""
        again = await self._outbox.again(delivery, self._clock())
        if again:
            self._postman.wake()
        return again

    async def test(self, sink: str, by: str) -> bool:
        """Put out a notice that only says that it arrives; False when there is no such sink."""
        if sink not in self.sinks:
            return False
        await self._outbox.put([self._announcer.test(sink, by)], self._clock())
        self._postman.wake()
        return True
