"""The data plane: the door, its sessions, and what they are judged by. One in each process that serves clients."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.access.clock import SteadyClock
from gateway.access.gate import Gate
from gateway.alerts.watch import Eyes, Tell, Watch, Watched, sight_of
from gateway.audit.facts import DoorRefused, SessionOpened
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder
from gateway.credentials import door_context
from gateway.policies import Policies
from gateway.rules import Rules
from gateway.server import Server
from gateway.session.cancel import CancelKeys, Elsewhere, Nowhere
from gateway.session.chamber import Chamber
from gateway.session.handshake import Door
from gateway.session.route import Route
from gateway.session.snapshots import Snapshots
from gateway.session.view import LiveView
from protocol.startup import CancelRequest


@dataclass(frozen=True, slots=True)
class Renewal:
    """Rules with everything made ready that could fail, so that taking them cannot."""

    rules: Rules
    tls: ssl.SSLContext = field(repr=False)
    mask_key: bytes = field(repr=False)
    routes: Mapping[str, Route] = field(repr=False)

    @classmethod
    def of(cls, rules: Rules) -> Renewal:
        """Raises Misconfigured, SecretUnavailable, OSError."""
        settings = rules.settings
        return cls(
            rules,
            door_context(settings),
            settings.masking.key.read(),
            {name: Route.to(name, target) for name, target in settings.targets.items()},
        )


class DataPlane:
    """The sessions of one process. `start`, then `listen` or `take`; `drain`, `close`."""

    def __init__(
        self,
        renewal: Renewal,
        gate: Gate,
        recorder: Recorder,
        metrics: Metrics,
        *,
        worker: int = 0,
        elsewhere: Elsewhere | None = None,
        see: Tell | None = None,
    ) -> None:
        """`worker` is this process's number among several, which `elsewhere` reaches; `see` is told what
        the policy's alert rules look at, where it has some."""
        self._rules = renewal.rules
        settings = renewal.rules.settings
        self._see = see
        self._stack = contextlib.AsyncExitStack()
        self._chamber = Chamber()
        loop = asyncio.get_running_loop()
        self._metrics = metrics
        self._snapshots = {
            name: Snapshots(name, target, loop.time, metrics.judged, metrics.connected)
            for name, target in settings.targets.items()
        }
        self._door = Door(
            settings=settings,
            tls=renewal.tls,
            policies=lambda: self._rules.policies,
            access=gate,
            recorder=recorder,
            metrics=metrics,
            snapshots=self._snapshots,
            chamber=self._chamber,
            cancel_keys=CancelKeys(worker),
            clock=SteadyClock(),
            open_sessions=lambda: self._server.open_sessions,
            closing=lambda: self._server.draining,
            master_mask_key=renewal.mask_key,
            elsewhere=elsewhere or Nowhere(),
            eyes=self._eyes,
            turned_away=self._turned_away,
        )
        self._server = Server(self._door)

    @property
    def open_sessions(self) -> int:
        return self._server.open_sessions

    @property
    def draining(self) -> bool:
        return self._server.draining

    async def start(self) -> None:
        """What runs beside the sessions."""
        stack = self._stack
        stack.callback(self._chamber.close)
        for snapshots in self._snapshots.values():
            stack.push_async_callback(snapshots.close)
        beside = (self._server.recheck(), *(snapshots.keep_fresh() for snapshots in self._snapshots.values()))
        await stack.enter_async_context(running(*beside))
        stack.push_async_callback(self._server.close)

    async def listen(self, host: str, port: int) -> int:
        """Begin to accept; the port in use (for port 0). Raises OSError."""
        return await self._server.listen(host, port)

    async def take(self, client: socket.socket, gone: Callable[[], None]) -> None:
        """A connection that was accepted elsewhere; `gone` is called when it is over."""
        await self._server.take(client, gone)

    def trouble(self) -> str | None:
        """Nothing beyond the record's own."""
        return None

    async def gather(self) -> None:
        """The metrics of one process are always up to date."""

    async def cancel(self, request: CancelRequest, by: str) -> bool:
        """A key that another process was shown. Returns when the upstream has taken the request; False
        for a wrong key."""
        cancel = self._door.cancel_keys.meant(request)
        if cancel is None:
            return False
        under_way = cancel(by)
        if under_way is not None:
            await asyncio.wait((under_way,))
        return True

    async def live(self) -> tuple[LiveView, ...]:
        """The open sessions."""
        return self._server.live()

    async def end_session(self, session: str, by: str, reason: str) -> bool:
        """End it now; False when there is no such session."""
        return self._server.end_session(session, by, reason)

    def _eyes(self, opened: SessionOpened) -> Eyes:
        """What looks at each fact of a session."""
        if self._see is None or not self._rules.policies.file.alerts:
            return self._metrics
        return Watched(self._metrics, Watch(opened, self._see, asyncio.get_running_loop().time))

    def _turned_away(self, fact: DoorRefused) -> None:
        if self._see is not None and self._rules.policies.file.alerts:
            sight = sight_of(fact)
            assert sight is not None, "a refusal at the door is one"
            self._see(sight)

    def guessed(self, address: str) -> None:
        """Somebody at this address showed another process a wrong key."""
        self._door.guesses.wrong(address, asyncio.get_running_loop().time())

    def renew(self, renewal: Renewal) -> None:
        """Go on by these rules: new connections at once, open sessions from their next statement on."""
        before, self._rules = self._rules.policies, renewal.rules
        self._door.renew(renewal.rules.settings, renewal.tls, renewal.mask_key)
        for name, route in renewal.routes.items():
            # Whoever is at the door now may come in under the policy of a moment ago, and is judged anew then.
            self._snapshots[name].renew(route, (before.version, self.policies.version))
        self._server.judge_anew()

    @property
    def policies(self) -> Policies:
        return self._rules.policies

    async def drain(self, seconds: float) -> None:
        """Let open transactions end, for so many seconds; `close` ends what is left then."""
        await self._server.drain(seconds)

    async def close(self) -> None:
        """Stop accepting and end every session."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def running(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These run beside everything else, and end with it."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
