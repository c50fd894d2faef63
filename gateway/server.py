"""Sockets: accepts clients, hands each to the door under a deadline, and ends sessions whose grant ended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from time import monotonic

import structlog

from gateway.access.models import GrantEnded
from gateway.channel import Channel, Keepalive
from gateway.session.handshake import Door, Turned, Visitor, knock
from gateway.session.live import LiveSession
from gateway.session.refusals import fatal
from gateway.session.strangers import neighbourhood
from gateway.session.view import LiveView

log = structlog.get_logger()

#: How often the grants of open sessions are compared with the store, whatever was told before.
RECHECK_SECONDS = 0.5
#: How long the store may take to say so.
CONFIRM_SECONDS = 5.0
#: From a FATAL until the connection is cut, if the client does not close it.
LINGER_SECONDS = 2.0
#: How long sessions may take to end when the gateway stops, and once more when they are cancelled.
CLOSE_SECONDS = 3.0

HOW_IT_ENDED = {
    "grant-revoked": "was revoked",
    "grant-done": "was handed back",
    "person-locked": "is void: its holder was locked",
    "grant-ended": "ended",
    "token-revoked": "is open, but the token of this session was revoked",
    "key-struck": "is open, but the key that signed this session's token was struck out",
}


_ASK = 'If you still need access, ask for it with "pgcurfew request".'
_MINT = 'If you still need access, have a new token by "pgcurfew token".'


class Server:
    """The PostgreSQL door of one gateway."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._sessions: dict[str, LiveSession] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._visitors: set[Visitor] = set()
        #: How many of them came from where.
        self._from_place: dict[str, int] = {}
        self._listener: asyncio.Server | None = None
        self.draining = False
        #: The last session has left.
        self._quiet = asyncio.Event()
        door.access.subscribe(self.grant_ended)

    @property
    def open_sessions(self) -> int:
        """Open ones, and those of people who were admitted and are still at the door."""
        return len(self._sessions) + sum(1 for visitor in self._visitors if visitor.admission)

    async def listen(self, host: str, port: int) -> int:
        """Begin to accept; the port in use (for port 0). Raises OSError."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Accepted(self), host, port, backlog=1024)
        return int(self._listener.sockets[0].getsockname()[1])

    async def take(self, client: socket.socket, gone: Callable[[], None]) -> None:
        """A connection that another process accepted and passed on; `gone` is called when it is over."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: _Accepted(self, gone), client)
        except OSError:
            client.close()  # it went away meanwhile
            gone()

    def accepted(self, client: Channel, gone: Callable[[], None] = lambda: None) -> None:
        """A connection came. It is cut off at once when there are too many that are no sessions yet:
        strangers must not use up what open sessions need."""
        limits = self._door.settings.limits
        visitor = Visitor(client.peer, neighbourhood(client.peer_host))
        if (
            len(self._visitors) >= limits.handshakes
            or self._from_place.get(visitor.place, 0) >= limits.handshakes_per_address
        ):
            client.abort()
            self._door.note_refusal(visitor, Turned("too-many-handshakes", "53300", "too many connections at the door"))
            gone()
            return
        client.keep_alive(self._keepalive())
        self._visitors.add(visitor)
        self._from_place[visitor.place] = self._from_place.get(visitor.place, 0) + 1
        task = asyncio.get_running_loop().create_task(self._serve(client, visitor))
        self._connections.add(task)
        task.add_done_callback(lambda ended: self._left(ended, visitor))
        task.add_done_callback(lambda _: gone())

    def _keepalive(self) -> Keepalive:
        settings = self._door.settings.gateway
        return Keepalive(
            settings.keepalive_seconds,
            settings.keepalive_interval_seconds,
            settings.keepalive_count,
            settings.tcp_user_timeout_seconds,
        )

    def _through_the_door(self, visitor: Visitor) -> None:
        """In, or away."""
        if visitor not in self._visitors:
            return
        self._visitors.discard(visitor)
        left = self._from_place[visitor.place] - 1
        if left:
            self._from_place[visitor.place] = left
        else:
            del self._from_place[visitor.place]

    async def recheck(self) -> None:
        """Until cancelled: end every session whose grant the store does not call live."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            if not self._sessions:
                continue
            before = list(self._sessions.values())
            now = monotonic()
            for live in before:
                live.mind_time(now)
            try:
                async with asyncio.timeout(CONFIRM_SECONDS):
                    valid = await self._door.access.still_valid(
                        {live.admission.grant.id for live in before}, {live.admission.token_id for live in before}
                    )
            except Exception:
                # Whatever the reason, what cannot be confirmed must not go on (law 5).
                log.exception("grants cannot be confirmed, their sessions end")
                valid = {}
            for live in before:
                ends_at = valid.get(live.admission.grant.id)
                if ends_at is None:
                    self._end(live, GrantEnded(live.admission.grant.id, "grant-ended", "", ""))
                elif live.admission.token_id not in valid:
                    self._end(live, GrantEnded(live.admission.grant.id, "token-revoked", "", ""))
                elif live.admission.follows_grant:
                    live.goes_on_until(ends_at, (ends_at - self._door.clock()).total_seconds())

    def judge_anew(self) -> None:
        """Another policy is in force: open sessions are judged by it from their next statement on.
        Those whose role it does not know any more, or not on this target, end."""
        for live in list(self._sessions.values()):
            self._judge_anew(live)

    def _judge_anew(self, live: LiveSession) -> None:
        grant = live.admission.grant
        policies = self._door.policies()
        if live.judge.policy.version == policies.version:
            return
        role, terms = policies.role(grant.role, grant.extent), policies.terms(grant.role)
        if role is None or terms is None or grant.target not in terms.targets:
            live.end(
                "policy",
                "57P01",
                f'terminating connection: the policy no longer gives the role "{grant.role}" on "{grant.target}"',
                hint="Ask an administrator.",
            )
            return
        live.judge_anew(self._door.snapshots[grant.target].judge_anew(live.judge, role))

    def grant_ended(self, ended: GrantEnded) -> None:
        """A grant, a token or a key ended before its time: so do its sessions, in the middle of a query."""
        for live in list(self._sessions.values()):
            if ended.concerns(live.admission):
                self._end(live, ended)
        for visitor in self._visitors:
            if visitor.admission is not None and ended.concerns(visitor.admission):
                visitor.ended = ended

    def live(self) -> tuple[LiveView, ...]:
        """The open sessions."""
        return tuple(live.view() for live in self._sessions.values())

    def end_session(self, session: str, by: str, reason: str) -> bool:
        """End this session now, in the middle of a query; False when it is not one of ours."""
        live = self._sessions.get(session)
        if live is None:
            return False
        live.end(
            "killed",
            "57P01",
            f"terminating connection: session ended by {by}: {reason}",
            hint="Talk to them before you connect again.",
            detail=f"{by}: {reason}",
        )
        return True

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more, and let open transactions end, for so many seconds at most. Sessions
        that have none end at once. Returns when there are no sessions, or the time is up.

        The port stays open meanwhile, as PostgreSQL's own does: whoever comes hears 57P03 and not
        silence, and Ctrl-C still reaches a statement that runs on."""
        self.draining = True
        self._quiet.clear()
        for live in list(self._sessions.values()):
            live.drain()
        if self.open_sessions:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._quiet.wait()

    async def close(self) -> None:
        """Stop accepting and end every session."""
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        for live in list(self._sessions.values()):
            live.shut_down()
        if self._connections:
            _, late = await asyncio.wait(self._connections, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=CLOSE_SECONDS)

    def _left(self, task: asyncio.Task[None], visitor: Visitor) -> None:
        self._connections.discard(task)
        self._through_the_door(visitor)
        if not self.open_sessions:
            self._quiet.set()

    def _end(self, live: LiveSession, ended: GrantEnded) -> None:
        how = HOW_IT_ENDED.get(ended.cause, "ended")
        by = f" by {ended.by}" if ended.by else ""
        why = f": {ended.reason}" if ended.reason else ""
        live.end(
            ended.cause,
            "57P01",
            f"terminating connection: grant {live.admission.grant.id} {how}{by}{why}",
            hint=_MINT if ended.token or ended.key or ended.cause == "token-revoked" else _ASK,
        )

    async def _serve(self, client: Channel, visitor: Visitor) -> None:
        door = self._door
        live: LiveSession | None = None
        try:
            async with asyncio.timeout(door.settings.limits.handshake_seconds):
                live = await knock(door, client, visitor)
        except TimeoutError:
            turned = Turned("timeout", "08P01", "the handshake took too long")
            door.note_refusal(visitor, turned)
            client.write(fatal(turned.sqlstate, turned.message))
        except Exception:
            log.exception("handshake failed", client=client.peer)
            client.write(fatal("XX000", "internal error in the gateway", hint="Tell whoever runs it; see its log."))
        if live is None:
            # Still at the door until it has gone: who is refused is one of so many, too.
            visitor.admission = None
            client.close()
            await _gone(client)
            return
        self._through_the_door(visitor)
        self._sessions[live.id] = live
        if visitor.ended is not None:
            self._end(live, visitor.ended)
        self._judge_anew(live)
        if self.draining:
            live.drain()
        try:
            await live.run()
        finally:
            del self._sessions[live.id]
            door.cancel_keys.forget(live.cancel_pid)
            door.access.leave(live.admission)


class _Accepted(Channel):
    """A channel that tells the server when it is there."""

    __slots__ = ("_gone", "_server")

    def __init__(self, server: Server, gone: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._server = server
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.accepted(self, self._gone)


async def _gone(client: Channel) -> None:
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            await client.wait_closed()
    except TimeoutError:
        client.abort()
