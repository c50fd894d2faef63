"""The routes of the HTTPS API. Handlers parse, call `Access`, and answer; who may do what is
decided in `gateway.access.permissions` and nowhere here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypedDict, TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.access import permissions
from gateway.access.errors import NotFound
from gateway.access.models import Person
from gateway.access.permissions import Action, Denied, SessionOf
from gateway.access.service import Access, utc_now
from gateway.admin import answers
from gateway.admin.answers import Refused, answer
from gateway.admin.auth import SignIn
from gateway.admin.bodies import (
    AskBody,
    Body,
    GrantAnswer,
    GrantsAnswer,
    HealthAnswer,
    NoteBody,
    PersonAnswer,
    ReasonBody,
    RequestAnswer,
    RequestsAnswer,
    RoleAnswer,
    SessionAnswer,
    SessionsAnswer,
    TargetAnswer,
    TargetsAnswer,
    TokenAnswer,
    TokenBody,
)
from gateway.admin.openapi import Described, Query, document

BODY_LIMIT: Final = 32 * 1024
LIST_LIMIT: Final = 1000

_Body = TypeVar("_Body", bound=Body)


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """Where PostgreSQL clients reach the gateway."""

    host: str
    port: int


class SessionReader(Protocol):
    """Reads the record for the API; may be slow, and is called in a thread of its own."""

    def sessions(self, person: str | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Summaries, newest first: of one person's sessions, or of all."""
        ...

    def events(self, session: str) -> tuple[str, Sequence[Mapping[str, Any]]] | None:
        """The person of a session and its events in order; None when there is no such session."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    describes: Described
    handler: Callable[[Api, Request, Person], Awaitable[Response]]


class Api:
    """What the handlers work with."""

    def __init__(
        self,
        access: Access,
        *,
        address: GatewayAddress,
        sessions: SessionReader | None,
        version: str,
        clock: Callable[[], datetime],
    ) -> None:
        self.access = access
        self.address = address
        self.sessions = sessions
        self.version = version
        self.clock = clock

    async def ask(self, request: Request, person: Person) -> Response:
        body = await parsed(request, AskBody)
        asked = await self.access.ask(
            person, target=body.target, role=body.role, reason=body.reason, seconds=body.seconds
        )
        return answer(RequestAnswer.of(asked), 201)

    async def requests(self, request: Request, person: Person) -> Response:
        found = await self.access.requests(person, **_listing(request))
        return answer(RequestsAnswer(requests=tuple(RequestAnswer.of(one) for one in found)))

    async def request(self, request: Request, person: Person) -> Response:
        return answer(RequestAnswer.of(await self.access.request(person, request.path_params["id"])))

    async def approve(self, request: Request, person: Person) -> Response:
        body = await parsed(request, NoteBody)
        return answer(
            RequestAnswer.of(await self.access.approve(person, request.path_params["id"], reason=body.reason))
        )

    async def deny(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ReasonBody)
        return answer(RequestAnswer.of(await self.access.deny(person, request.path_params["id"], reason=body.reason)))

    async def cancel(self, request: Request, person: Person) -> Response:
        return answer(RequestAnswer.of(await self.access.cancel(person, request.path_params["id"])))

    async def grants(self, request: Request, person: Person) -> Response:
        found = await self.access.grants(person, **_listing(request))
        now = self.clock()
        return answer(GrantsAnswer(grants=tuple(GrantAnswer.of(one, now) for one in found)))

    async def grant(self, request: Request, person: Person) -> Response:
        return answer(GrantAnswer.of(await self.access.grant(person, request.path_params["id"]), self.clock()))

    async def revoke(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ReasonBody)
        revoked = await self.access.revoke(person, request.path_params["id"], reason=body.reason)
        return answer(GrantAnswer.of(revoked, self.clock()))

    async def token(self, request: Request, person: Person) -> Response:
        body = await parsed(request, TokenBody)
        minted = await self.access.mint(person, request.path_params["id"], seconds=body.seconds)
        return answer(TokenAnswer.of(minted), 201)

    async def whoami(self, request: Request, person: Person) -> Response:
        return answer(PersonAnswer.of(person))

    async def targets(self, request: Request, person: Person) -> Response:
        offers = self.access.offers(person)
        names = sorted({target for terms in offers for target in terms.targets})
        targets = tuple(
            TargetAnswer(name=name, roles=tuple(RoleAnswer.of(terms) for terms in offers if name in terms.targets))
            for name in names
        )
        return answer(TargetsAnswer(host=self.address.host, port=self.address.port, targets=targets))

    async def session_list(self, request: Request, person: Person) -> Response:
        everything = not isinstance(permissions.may(person, Action.SEE, SessionOf("")), Denied)
        who = request.query_params.get("person") if everything else person.name
        limit = _limit(request)
        found = await asyncio.to_thread(self._reader().sessions, who, limit)
        return answer(SessionsAnswer(sessions=tuple(dict(one) for one in found)))

    async def session(self, request: Request, person: Person) -> Response:
        session = request.path_params["id"]
        found = await asyncio.to_thread(self._reader().events, session)
        if found is None or isinstance(permissions.may(person, Action.SEE, SessionOf(found[0])), Denied):
            raise NotFound("session", "there is no such session that you may see", 'see "pgcurfew sessions"')
        whose, events = found
        return answer(SessionAnswer(session=session, person=whose, events=tuple(dict(one) for one in events)))

    async def health(self, request: Request) -> Response:
        return answer(HealthAnswer(status="ok", version=self.version))

    def _reader(self) -> SessionReader:
        if self.sessions is None:
            raise Refused(501, "sessions", "this gateway does not serve its record", "read it on its host")
        return self.sessions


async def parsed(request: Request, model: type[_Body]) -> _Body:
    """The request's JSON body as `model`; an empty body is `{}`. Raises Refused, ValidationError."""
    content = await _body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content and kind != "application/json":
        raise Refused(415, "content-type", "the body has to be JSON", "send Content-Type: application/json")
    return model.model_validate_json(content or b"{}")


async def _body(request: Request) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > BODY_LIMIT:
            raise Refused(413, "too-large", f"the body is larger than {BODY_LIMIT} bytes", "send less")
    return bytes(received)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "200")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LIST_LIMIT):
        raise Refused(422, "limit", f"limit is a number from 1 to {LIST_LIMIT}")
    return int(text)


def _listing(request: Request) -> _Listing:
    everything = request.query_params.get("all", "false")
    if everything not in ("true", "false"):
        raise Refused(422, "all", "all is true or false")
    return _Listing(open_only=everything == "false", target=request.query_params.get("target"), limit=_limit(request))


class _Listing(TypedDict):
    open_only: bool
    target: str | None
    limit: int


_LISTING: Final = (
    Query("all", "boolean", "also what is over"),
    Query("target", "string", "only of this target"),
    Query("limit", "integer", f"how many at most, up to {LIST_LIMIT}"),
)
_SESSIONS: Final = (Query("person", "string", "only of this person"), _LISTING[2])

#: Every endpoint there is, apart from the two that need no sign-in.
ENDPOINTS: Final = (
    Endpoint(Described("POST", "/v1/requests", "Ask for access", RequestAnswer, AskBody, status=201), Api.ask),
    Endpoint(Described("GET", "/v1/requests", "Requests", RequestsAnswer, queries=_LISTING), Api.requests),
    Endpoint(Described("GET", "/v1/requests/{id}", "One request", RequestAnswer), Api.request),
    Endpoint(Described("POST", "/v1/requests/{id}/approve", "Approve", RequestAnswer, NoteBody), Api.approve),
    Endpoint(Described("POST", "/v1/requests/{id}/deny", "Deny", RequestAnswer, ReasonBody), Api.deny),
    Endpoint(Described("POST", "/v1/requests/{id}/cancel", "Withdraw one's own request", RequestAnswer), Api.cancel),
    Endpoint(Described("GET", "/v1/grants", "Grants", GrantsAnswer, queries=_LISTING), Api.grants),
    Endpoint(Described("GET", "/v1/grants/{id}", "One grant", GrantAnswer), Api.grant),
    Endpoint(Described("POST", "/v1/grants/{id}/revoke", "End a grant now", GrantAnswer, ReasonBody), Api.revoke),
    Endpoint(
        Described("POST", "/v1/grants/{id}/token", "A token for one's own grant", TokenAnswer, TokenBody, status=201),
        Api.token,
    ),
    Endpoint(Described("GET", "/v1/whoami", "Who is calling", PersonAnswer), Api.whoami),
    Endpoint(Described("GET", "/v1/targets", "Where one may go, in which roles", TargetsAnswer), Api.targets),
    Endpoint(Described("GET", "/v1/sessions", "Sessions", SessionsAnswer, queries=_SESSIONS), Api.session_list),
    Endpoint(Described("GET", "/v1/sessions/{id}", "The record of one session", SessionAnswer), Api.session),
)
HEALTH: Final = Described("GET", "/healthz", "Whether the API answers", HealthAnswer, open=True)


def create_api(
    access: Access,
    *,
    address: GatewayAddress,
    version: str,
    sessions: SessionReader | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The API over `access`, as an ASGI application. `address` is what people are told to
    connect to; `sessions` reads the record."""
    api = Api(access, address=address, sessions=sessions, version=version, clock=clock)
    described = document([HEALTH, *(endpoint.describes for endpoint in ENDPOINTS)], version=version)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    routes = [Route(HEALTH.path, api.health, methods=["GET"]), Route("/v1/openapi.json", openapi, methods=["GET"])]
    routes += [
        Route(one.describes.path, _served(api, one), methods=[one.describes.method], name=one.describes.summary)
        for one in ENDPOINTS
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(SignIn, access=access, monotonic=monotonic)],
        exception_handlers=dict.fromkeys(answers.HANDLED, answers.on_error),
    )


def _served(api: Api, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await endpoint.handler(api, request, request.state.person)

    return serve
