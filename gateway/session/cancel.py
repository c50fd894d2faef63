"""CancelRequest, by a key that only the client knows (PG manual, 55.2.9).

The client is given a number and a key of the gateway's own; the upstream's never leave it.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from gateway.channel import ChannelClosed
from gateway.session.upstream import Upstream, UpstreamUnavailable, connect
from protocol.startup import CancelRequest

#: Told by whom; gives back what is under way because of it, if anything is.
Cancel = Callable[[str], "asyncio.Task[None] | None"]

#: What a key is long: in protocol 3.0 always four bytes, from 3.2 on up to 256; PostgreSQL 18 takes 32.
SHORT_KEY = 4
LONG_KEY = 32
#: 31 bits: pids are positive in every client. Of several workers each has its own range of 24 bits.
_PIDS = 1 << 31
_PIDS_OF_ONE = 1 << 24


class Elsewhere(Protocol):
    """The other processes that serve the same port."""

    async def cancel(self, request: CancelRequest, by: str) -> bool:
        """Have the process whose number this is look at the request. Was the key right? The upstream
        has taken it then."""
        ...

    def guessed(self, address: str) -> None:
        """Somebody at this address showed a wrong key here."""
        ...


class Nowhere:
    """There is only this process."""

    async def cancel(self, request: CancelRequest, by: str) -> bool:
        return False

    def guessed(self, address: str) -> None:
        pass


def worker_of(pid: int) -> int:
    """Which of several workers made this number."""
    return pid // _PIDS_OF_ONE


@dataclass(slots=True)
class CancelKeys:
    """Which session a CancelRequest means. `worker` is 0 where there is one process, else from 1 to 127."""

    worker: int = 0
    _entries: dict[int, tuple[bytes, Cancel]] = field(default_factory=dict)

    def issue(self, cancel: Cancel, length: int = SHORT_KEY) -> tuple[int, bytes]:
        """A fresh (pid, key of so many bytes); `cancel(by)` is called when a request shows both."""
        while True:
            if self.worker:
                pid = self.worker * _PIDS_OF_ONE + secrets.randbelow(_PIDS_OF_ONE)
            else:
                pid = secrets.randbelow(_PIDS - 1) + 1
            if pid not in self._entries:
                key = secrets.token_bytes(length)
                self._entries[pid] = (key, cancel)
                return pid, key

    def forget(self, pid: int) -> None:
        self._entries.pop(pid, None)

    def meant(self, request: CancelRequest) -> Cancel | None:
        """How to cancel what the request means. None for a wrong key, which does nothing."""
        key, cancel = self._entries.get(request.pid, (b"", None))
        return cancel if hmac.compare_digest(key, request.key) else None


async def cancel_upstream(upstream: Upstream) -> None:
    """Ask the upstream to cancel what this session runs; returns when it has taken the request.
    A target that cannot be reached is left to itself: the session's connection is closed anyway."""
    try:
        channel = await connect(upstream.route, upstream.place)
    except UpstreamUnavailable:
        return
    try:
        channel.write(CancelRequest(upstream.pid, upstream.key).encode())
        async with asyncio.timeout(upstream.route.timeout):
            await channel.wait_closed()
    except (ChannelClosed, TimeoutError):
        pass
    finally:
        channel.abort()
