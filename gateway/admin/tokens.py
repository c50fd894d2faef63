"""Routes about tokens and the keys that sign them; the keys' public halves are for everybody (RFC 7517)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Self

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.bindings import TokenWish
from gateway.access.models import IssuedToken, Person
from gateway.access.scopes import Scope
from gateway.access.service import Access
from gateway.admin.answers import answer
from gateway.admin.bodies import Answer, ReasonBody, TokenBody
from gateway.admin.endpoints import Endpoint, OpenEndpoint, parsed
from gateway.admin.openapi import Described

JWKS: Final = "/.well-known/jwks.json"
#: How long others may go on with what they have read. New keys are published for longer before they sign.
JWKS_SECONDS: Final = 60


class IssuedAnswer(Answer):
    """A token as its owner and reviewers see it: never its text."""

    id: str
    grant: str
    person: str
    issued_at: datetime
    ends_at: datetime = Field(description="from then on it opens no door")
    session_ends_at: datetime | None = Field(description="when its sessions end; null: with their grant")
    key: str
    once: bool
    used_at: datetime | None
    sessions: int | None
    networks: tuple[str, ...]
    certificate: str
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_reason: str | None

    @classmethod
    def of(cls, token: IssuedToken) -> Self:
        return cls(**{name: getattr(token, name) for name in cls.model_fields})


class IssuedTokensAnswer(Answer):
    tokens: tuple[IssuedAnswer, ...]


class KeySetAnswer(Answer):
    keys: tuple[dict[str, Any], ...] = Field(description="JSON Web Keys (RFC 7517, RFC 8037)")


class KeyAnswer(Answer):
    id: str
    signs_from: datetime
    struck_at: datetime | None
    struck_by: str | None
    struck_reason: str | None


def wish_of(body: TokenBody) -> TokenWish:
    """What the body asks a token to be."""
    return TokenWish(
        seconds=body.seconds,
        enter_seconds=body.enter_seconds,
        once=body.once,
        sessions=body.sessions,
        networks=body.networks,
        certificate=body.certificate,
    )


class Tokens:
    """What the handlers work with."""

    def __init__(self, access: Access) -> None:
        self._tokens = access.tokens

    async def list(self, request: Request, person: Person) -> Response:
        found = await self._tokens.tokens(person, request.path_params["id"])
        return answer(IssuedTokensAnswer(tokens=tuple(IssuedAnswer.of(one) for one in found)))

    async def one(self, request: Request, person: Person) -> Response:
        return answer(IssuedAnswer.of(await self._tokens.token(person, request.path_params["id"])))

    async def revoke(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ReasonBody)
        return answer(IssuedAnswer.of(await self._tokens.revoke(person, request.path_params["id"], reason=body.reason)))

    async def strike(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ReasonBody)
        key = await self._tokens.strike(person, request.path_params["id"], reason=body.reason)
        return answer(KeyAnswer(**{name: getattr(key, name) for name in KeyAnswer.model_fields}))

    async def published(self, request: Request) -> Response:
        keys = await self._tokens.published_keys()
        response = answer(KeySetAnswer(keys=tuple(key.jwk() for key in keys)))
        response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
        return response


def endpoints(access: Access) -> tuple[Endpoint | OpenEndpoint, ...]:
    """Tokens and keys."""
    tokens = Tokens(access)
    return (
        Endpoint(
            Described("GET", "/v1/grants/{id}/tokens", "Tokens of a grant", IssuedTokensAnswer), Scope.SEE, tokens.list
        ),
        Endpoint(Described("GET", "/v1/tokens/{id}", "One token", IssuedAnswer), Scope.SEE, tokens.one),
        Endpoint(
            Described("POST", "/v1/tokens/{id}/revoke", "End a token and its sessions", IssuedAnswer, ReasonBody),
            Scope.CONNECT,
            tokens.revoke,
        ),
        Endpoint(
            Described("POST", "/v1/keys/{id}/strike", "Strike a signing key out", KeyAnswer, ReasonBody),
            Scope.ADMIN,
            tokens.strike,
        ),
        OpenEndpoint(Described("GET", JWKS, "Public keys of the tokens", KeySetAnswer, open=True), tokens.published),
    )
