"""The routes of the HTTPS API. Handlers parse, call `Access`, and answer; who may do what is
decided in `gateway.access.permissions` and nowhere here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.access import permissions
from gateway.access.errors import NotFound
from gateway.access.extent import Extent
from gateway.access.models import Person
from gateway.access.permissions import Action, Denied, SessionOf
from gateway.access.scopes import Scope
from gateway.access.service import Access, utc_now
from gateway.access.sign_in import SignIns
from gateway.admin import answers, tokens, workflow
from gateway.admin.answers import Refused, answer
from gateway.admin.auth import SignIn
from gateway.admin.bodies import (
    ApproveBody,
    AskBody,
    GrantAnswer,
    GrantsAnswer,
    HealthAnswer,
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
from gateway.admin.endpoints import LIST_LIMIT, Endpoint, OpenEndpoint, limit_of, one_query, parsed
from gateway.admin.openapi import Described, Query, document


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
            person,
            target=body.target,
            role=body.role,
            reason=body.reason,
            seconds=body.seconds,
            extent=Extent.of(body.relations or {}),
            starts_at=body.starts_at,
        )
        return answer(RequestAnswer.of(asked), 201)

    async def requests(self, request: Request, person: Person) -> Response:
        found = await self.access.requests(person, **_listing(request))
        return answer(RequestsAnswer(requests=tuple(RequestAnswer.of(one) for one in found)))

    async def request(self, request: Request, person: Person) -> Response:
        return answer(RequestAnswer.of(await self.access.request(person, request.path_params["id"])))

    async def approve(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ApproveBody)
        approved = await self.access.approve(
            person,
            request.path_params["id"],
            reason=body.reason,
            version=body.version,
            seconds=body.seconds,
            extent=None if body.relations is None else Extent.of(body.relations),
        )
        return answer(RequestAnswer.of(approved))

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
        minted = await self.access.mint(person, request.path_params["id"], wish=tokens.wish_of(body))
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
        who = one_query(request, "person") if everything else person.name
        limit = limit_of(request)
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


def _listing(request: Request) -> _Listing:
    everything = one_query(request, "all") or "false"
    if everything not in ("true", "false"):
        raise Refused(422, "all", "all is true or false")
    return _Listing(
        open_only=everything == "false",
        target=one_query(request, "target"),
        limit=limit_of(request),
        after=one_query(request, "after"),
    )


class _Listing(TypedDict):
    open_only: bool
    target: str | None
    limit: int
    after: str | None


_LISTING: Final = (
    Query("all", "boolean", "also what is over"),
    Query("target", "string", "only of this target"),
    Query("limit", "integer", f"how many at most, up to {LIST_LIMIT}", {"minimum": 1, "maximum": LIST_LIMIT}),
    Query("after", "string", "the id of the last one that was seen: the list goes on behind it"),
)
_SESSIONS: Final = (Query("person", "string", "only of this person"), _LISTING[2])


def endpoints(api: Api) -> tuple[Endpoint, ...]:
    """Requests, grants, sessions; what else there is comes from modules of its own."""
    return (
        Endpoint(
            Described("POST", "/v1/requests", "Ask for access", RequestAnswer, AskBody, status=201),
            Scope.REQUEST,
            api.ask,
        ),
        Endpoint(
            Described("GET", "/v1/requests", "Requests", RequestsAnswer, queries=_LISTING), Scope.SEE, api.requests
        ),
        Endpoint(Described("GET", "/v1/requests/{id}", "One request", RequestAnswer), Scope.SEE, api.request),
        Endpoint(
            Described("POST", "/v1/requests/{id}/approve", "Approve", RequestAnswer, ApproveBody),
            Scope.DECIDE,
            api.approve,
        ),
        Endpoint(
            Described("POST", "/v1/requests/{id}/deny", "Deny", RequestAnswer, ReasonBody), Scope.DECIDE, api.deny
        ),
        Endpoint(
            Described("POST", "/v1/requests/{id}/cancel", "Withdraw one's own request", RequestAnswer),
            Scope.REQUEST,
            api.cancel,
        ),
        Endpoint(Described("GET", "/v1/grants", "Grants", GrantsAnswer, queries=_LISTING), Scope.SEE, api.grants),
        Endpoint(Described("GET", "/v1/grants/{id}", "One grant", GrantAnswer), Scope.SEE, api.grant),
        Endpoint(
            Described("POST", "/v1/grants/{id}/revoke", "End a grant now", GrantAnswer, ReasonBody),
            Scope.CONNECT,
            api.revoke,
        ),
        Endpoint(
            Described(
                "POST", "/v1/grants/{id}/token", "A token for one's own grant", TokenAnswer, TokenBody, status=201
            ),
            Scope.CONNECT,
            api.token,
        ),
        Endpoint(Described("GET", "/v1/whoami", "Who is calling", PersonAnswer), None, api.whoami),
        Endpoint(
            Described("GET", "/v1/targets", "Where one may go, in which roles", TargetsAnswer), Scope.SEE, api.targets
        ),
        Endpoint(
            Described("GET", "/v1/sessions", "Sessions", SessionsAnswer, queries=_SESSIONS),
            Scope.RECORD,
            api.session_list,
        ),
        Endpoint(
            Described("GET", "/v1/sessions/{id}", "The record of one session", SessionAnswer),
            Scope.RECORD,
            api.session,
        ),
    )


DESCRIPTION: Final = "/v1/openapi.json"
HEALTH: Final = Described("GET", "/healthz", "Whether the API answers", HealthAnswer, open=True)


def create_api(
    access: Access,
    *,
    address: GatewayAddress,
    version: str,
    sessions: SessionReader | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
    sign_ins: SignIns | None = None,
    more: Sequence[Endpoint | OpenEndpoint] = (),
    pages: Sequence[Route] = (),
) -> Starlette:
    """The API over `access`, as an ASGI application. `address` is what people are told to
    connect to; `sessions` reads the record; `sign_ins` know who signed in; `more` are the endpoints of other modules,
    `pages` what browsers are shown, which ask for cookies of their own.
    All endpoints are in the application's `state.endpoints`."""
    api = Api(access, address=address, sessions=sessions, version=version, clock=clock)
    served = (
        OpenEndpoint(HEALTH, api.health),
        *endpoints(api),
        *workflow.endpoints(access, clock),
        *tokens.endpoints(access),
        *more,
    )
    described = document((one.describes for one in served), version=version)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    # A word goes before what could be any word: /v1/sessions/live is no session.
    paths = sorted(dict.fromkeys(one.describes.path for one in served), key=lambda path: path.count("{"))
    routes = [Route(DESCRIPTION, openapi, methods=["GET"])]
    routes += [_route(path, [one for one in served if one.describes.path == path]) for path in paths]
    routes += pages
    open_paths = (
        {DESCRIPTION}
        | {one.path for one in pages}
        | {one.describes.path for one in served if isinstance(one, OpenEndpoint)}
    )
    application = Starlette(
        routes=routes,
        middleware=[
            Middleware(SignIn, access=access, monotonic=monotonic, open_paths=frozenset(open_paths), sign_ins=sign_ins)
        ],
        exception_handlers=dict.fromkeys(answers.HANDLED, answers.on_error),
    )
    application.state.endpoints = served
    return application


def _route(path: str, at: Sequence[Endpoint | OpenEndpoint]) -> Route:
    """All endpoints of one path, so that a method which none of them has is answered with those that there are."""
    by_method = {one.describes.method: one for one in at}

    async def serve(request: Request) -> Response:
        return await by_method["GET" if request.method == "HEAD" else request.method].serve(request)

    return Route(path, serve, methods=list(by_method))
