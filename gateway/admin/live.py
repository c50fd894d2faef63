"""Open sessions over the API: who is there, what they do as they do it, and ending one.

What they do is read from the record as it is written, so nobody sees here what is not recorded, and what is
sealed stays sealed. It comes as server-sent events (WHATWG HTML, section 9.2).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.access.errors import NotFound
from gateway.access.models import Person, RoleTerms
from gateway.access.permissions import Action, Denied, LiveSessionOf, SessionOf, may
from gateway.access.requests import plain_text
from gateway.access.scopes import Scope
from gateway.admin.answers import Refused, answer
from gateway.admin.bodies import LiveEventAnswer, LiveSessionAnswer, LiveSessionsAnswer, ReasonBody
from gateway.admin.endpoints import Endpoint, one_query, parsed
from gateway.admin.openapi import Described, Query
from gateway.audit.facts import AccessChanged
from gateway.audit.replay import Event, UnknownFact, Unreadable
from gateway.audit.tailing import Tail, log_of
from gateway.session.view import LiveView

log = structlog.get_logger(__name__)

SSE: Final = "text/event-stream"
#: How often logs are looked at, and which sessions are open.
LOOK_SECONDS: Final = 0.2
LIST_SECONDS: Final = 1.0
#: Something is sent at least this often, so that both ends know of each other.
TICK_SECONDS: Final = 1.0
#: A stream ends after this time. Who goes on asks again, and is asked who they are.
STREAM_SECONDS: Final = 60.0
#: Streams at the same time.
MOST_STREAMS: Final = 64


class Open(Protocol):
    """The sessions that are open, in all processes of this gateway."""

    async def live(self) -> Sequence[LiveView]: ...

    async def end_session(self, session: str, by: str, reason: str) -> bool: ...


class Live:
    """What the handlers work with. `note` writes to the control log."""

    def __init__(
        self,
        open_: Open,
        directory: Path,
        terms: Callable[[str], RoleTerms | None],
        note: Callable[[AccessChanged], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        stream_seconds: float = STREAM_SECONDS,
    ) -> None:
        self._stream_seconds = stream_seconds
        self._open = open_
        self._directory = directory
        self._terms = terms
        self._note = note
        self._monotonic = monotonic
        self._streams = 0

    async def open_sessions(self, request: Request, person: Person) -> Response:
        found = [view for view in await self._open.live() if self._may(person, Action.SEE, view)]
        found.sort(key=lambda view: view.since, reverse=True)
        answers = tuple(LiveSessionAnswer(**msgspec.to_builtins(view)) for view in found)
        return answer(LiveSessionsAnswer(sessions=answers))

    async def kill(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ReasonBody)
        # The person whose session ends is shown it, on a terminal.
        reason = plain_text(body.reason, "reason", required=True)
        view = await self._seen(request, person)
        told = AccessChanged(
            what="session-killed",
            by=person.name,
            grant=view.grant,
            person=view.person,
            role=view.role,
            target=view.target,
            reason=f"{view.session}: {reason}",
        )
        match may(person, Action.KILL, LiveSessionOf(view.person, self._terms(view.role))):
            case Denied(why):
                self._note(msgspec.structs.replace(told, what="kill-refused", reason=why))
                raise Refused(403, "not-permitted", why)
            case _:
                self._note(told)
        if not await self._open.end_session(view.session, person.name, reason):
            raise _not_open()
        return answer(LiveSessionAnswer(**msgspec.to_builtins(view)))

    async def follow(self, request: Request, person: Person) -> Response:
        """One session, to its end."""
        view = await self._seen(request, person)
        if isinstance(may(person, Action.SEE, SessionOf(view.person)), Denied):
            raise _not_open()
        return self._stream(request, person, view.session)

    async def follow_all(self, request: Request, person: Person) -> Response:
        """All sessions whose record the person may read, those that begin later too."""
        return self._stream(request, person, "")

    async def _seen(self, request: Request, person: Person) -> LiveView:
        session = request.path_params["id"]
        for view in await self._open.live():
            if view.session == session and self._may(person, Action.SEE, view):
                return view
        raise _not_open()

    def _may(self, person: Person, action: Action, view: LiveView) -> bool:
        return not isinstance(may(person, action, LiveSessionOf(view.person, self._terms(view.role))), Denied)

    def _stream(self, request: Request, person: Person, session: str) -> Response:
        start = (one_query(request, "from") or "now") if not (last := request.headers.get("last-event-id")) else last
        if start not in ("now", "start") and not last:
            raise Refused(422, "from", 'from is "now" or "start"')
        if self._streams >= MOST_STREAMS:
            raise Refused(429, "too-many-streams", f"{MOST_STREAMS} streams are open already", "try again soon")
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(person, session, start), media_type=SSE, headers=headers)

    async def _events(self, person: Person, session: str, start: str) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            async for piece in self._followed(person, session, start):
                yield piece
        finally:
            self._streams -= 1

    async def _followed(self, person: Person, session: str, start: str) -> AsyncIterator[bytes]:
        """`start` is "now", "start", or the time of the last event that was seen."""
        began = ticked = self._monotonic()
        listed = began - LIST_SECONDS
        ends = began + self._stream_seconds
        tails: dict[str, Tail] = {}
        first = True
        yield b"retry: 500\n\n"
        while (now := self._monotonic()) < ends:
            if now - listed >= LIST_SECONDS:
                listed = now
                views = [view for view in await self._open.live() if session in ("", view.session)]
                for view in views:
                    if view.session not in tails and not isinstance(
                        may(person, Action.SEE, SessionOf(view.person)), Denied
                    ):
                        path = log_of(self._directory, view.session, view.since)
                        if path is not None:
                            tails[view.session] = Tail(path)
                            await self._skip(tails[view.session], start if first else "start")
                for name in tails.keys() - {view.session for view in views}:
                    if tails[name].over:
                        del tails[name]
                first = False
            said = False
            for name, event in await asyncio.to_thread(_new_of, dict(tails)):
                if start in ("now", "start") or event.time >= start:
                    yield _sse(name, event)
                    said = True
            if session and session in tails and tails[session].over:
                yield b"event: end\ndata: {}\n\n"
                return
            if session and session not in tails and now - began > 3 * LIST_SECONDS:
                yield b"event: end\ndata: {}\n\n"  # it ended while nobody looked
                return
            if said or now - ticked >= TICK_SECONDS:
                ticked = now
                yield b": tick\n\n"
            await asyncio.sleep(LOOK_SECONDS)

    async def _skip(self, tail: Tail, start: str) -> None:
        """From now on: what is there already is passed over, but for how the session began."""
        if start == "now":
            while await asyncio.to_thread(_new, tail):
                pass


def _new_of(tails: Mapping[str, Tail]) -> list[tuple[str, Event]]:
    """What is new in each of them."""
    return [(name, event) for name, tail in tails.items() for event in _new(tail)]


def _new(tail: Tail) -> list[Event]:
    try:
        return tail.new()
    except (OSError, Unreadable) as error:
        log.warning("a session cannot be followed", reason=str(error))
        tail.over = True
        return []


def _not_open() -> NotFound:
    return NotFound("session", "there is no such open session that you may see", 'see "pgcurfew sessions --live"')


def _sse(session: str, event: Event) -> bytes:
    """One event; its id is its time, from which a later stream goes on."""
    fact: dict[str, Any] = msgspec.to_builtins(event.fact)
    kind = event.fact.type if isinstance(event.fact, UnknownFact) else str(fact["type"])
    data = json.dumps({"session": session, "seq": event.seq, "time": event.time, "event": fact})
    return f"id: {event.time}\nevent: {kind}\ndata: {data}\n\n".encode()


def live_endpoints(live: Live) -> tuple[Endpoint, ...]:
    """Open sessions: seen, followed, ended."""
    start = (Query("from", "string", '"now" (when left out), or "start": from the beginning of the session'),)
    return (
        Endpoint(
            Described("GET", "/v1/sessions/live", "Open sessions", LiveSessionsAnswer), Scope.RECORD, live.open_sessions
        ),
        Endpoint(
            Described(
                "GET", "/v1/sessions/live/events", "Follow open sessions", LiveEventAnswer, queries=start, media=SSE
            ),
            Scope.RECORD,
            live.follow_all,
        ),
        Endpoint(
            Described(
                "GET",
                "/v1/sessions/live/{id}/events",
                "Follow an open session",
                LiveEventAnswer,
                queries=start,
                media=SSE,
            ),
            Scope.RECORD,
            live.follow,
        ),
        Endpoint(
            Described("POST", "/v1/sessions/live/{id}/kill", "End an open session", LiveSessionAnswer, ReasonBody),
            Scope.CONNECT,
            live.kill,
        ),
    )
