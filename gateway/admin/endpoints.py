"""An endpoint: what the API's description says of it, which scope a caller's credential needs, and
its handler. What is done to which thing is asked of `gateway.access.permissions` by the services.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.models import Person
from gateway.access.scopes import Caller, Scope, demand
from gateway.admin.answers import Refused
from gateway.admin.bodies import Body
from gateway.admin.openapi import Described

BODY_LIMIT: Final = 32 * 1024
LIST_LIMIT: Final = 1000

_Body = TypeVar("_Body", bound=Body)
Handler = Callable[[Request, Person], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """For callers who are signed in. `scope` is what their credential must be good for; None: any is."""

    describes: Described
    scope: Scope | None
    handler: Handler

    async def serve(self, request: Request) -> Response:
        caller = caller_of(request)
        demand(caller, self.scope)
        return await self.handler(request, caller.person)


@dataclass(frozen=True, slots=True)
class OpenEndpoint:
    """For everybody: the few that come before a sign-in."""

    describes: Described
    handler: Callable[[Request], Awaitable[Response]]

    async def serve(self, request: Request) -> Response:
        return await self.handler(request)


def caller_of(request: Request) -> Caller:
    """Who calls, as the door found out (`gateway.admin.auth`)."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


async def parsed(request: Request, model: type[_Body]) -> _Body:
    """The request's JSON body as `model`; an empty body is `{}`. Raises Refused, ValidationError."""
    content = await body_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content and kind != "application/json":
        raise Refused(415, "content-type", "the body has to be JSON", "send Content-Type: application/json")
    return model.model_validate_json(content or b"{}")


async def body_of(request: Request) -> bytes:
    """The request's body, up to BODY_LIMIT bytes. Raises Refused."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > BODY_LIMIT:
            raise Refused(413, "too-large", f"the body is larger than {BODY_LIMIT} bytes", "send less")
    return bytes(received)


def limit_of(request: Request) -> int:
    """How many to list at most. Raises Refused."""
    text = one_query(request, "limit") or "200"
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LIST_LIMIT):
        raise Refused(422, "limit", f"limit is a number from 1 to {LIST_LIMIT}")
    return int(text)


def one_query(request: Request, name: str) -> str | None:
    """A parameter of the address that may stand there once. Raises Refused."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise Refused(422, name, f"{name} stands there {len(values)} times", "say it once")
    return values[0] if values else None
