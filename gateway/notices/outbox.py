"""The port to what waits to be sent. `gateway.storage.outbox` implements it.

A delivery is one notice for one sink. It is claimed before it is tried, for as long as a try may
take; a gateway that dies meanwhile leaves it unsure whether it was sent, and then alone it is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.notices.notice import Notice


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one sink; `tries` counts this one too."""

    id: str
    sink: str
    notice: Notice
    created_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice with the sinks that it is for. Of two with the same `about`, the second is not sent:
    the same thing is told once."""

    notice: Notice
    sinks: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How a delivery stands, for whoever looks after it."""

    id: str
    sink: str
    event: str
    title: str
    #: waiting, delivered, or dead: given up.
    state: str
    tries: int
    created_at: datetime
    next_at: datetime | None
    error: str


class Outbox(Protocol):
    """What waits, and what became of it."""

    async def put(self, outgoing: Sequence[Outgoing], at: datetime) -> None:
        """Keep them, durably. (Those of a change are kept with it: `announce`.)"""
        ...

    async def claim(self, sink: str, *, now: datetime, until: datetime) -> Delivery | None:
        """The oldest delivery that is due there, nobody else's until that time."""
        ...

    async def delivered(self, delivery: str, at: datetime) -> None: ...
    async def failed(self, delivery: str, *, next_at: datetime, error: str) -> None: ...
    async def gave_up(self, delivery: str, *, at: datetime, error: str) -> None: ...
    async def again(self, delivery: str, at: datetime) -> bool:
        """Try one that was given up once more; False when there is none."""
        ...

    async def waiting(self) -> dict[str, int]:
        """How many wait, by sink."""
        ...

    async def states(self, *, limit: int, undelivered: bool) -> tuple[DeliveryState, ...]:
        """The newest deliveries first."""
        ...

    async def forget(self, *, delivered_before: datetime, dead_before: datetime) -> None:
        """Throw away what nobody will ask for."""
        ...
