"""The endpoint by which a role is signed off after an access review."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.models import Person
from gateway.access.scopes import Scope
from gateway.access.service import Access
from gateway.admin.answers import answer
from gateway.admin.bodies import Answer, Body, Name, Reason
from gateway.admin.endpoints import Endpoint, parsed
from gateway.admin.openapi import Described


class SignOffBody(Body):
    role: Name
    note: Reason
    days: Annotated[int, Field(ge=1, le=3660, description="so many days were looked at")] = 90
    policy: Annotated[str, Field(max_length=64, description="the version of the policy that was looked at")] | None = (
        None
    )


class SignOffAnswer(Answer):
    role: str
    by: str
    policy: str = Field(description="the version of the policy that is in force")
    words: str = Field(description="what is recorded")


class SignOffApi:
    """The handler."""

    def __init__(self, access: Access, version: Callable[[], str]) -> None:
        self._access = access
        self._version = version

    async def sign_off(self, request: Request, person: Person) -> Response:
        body = await parsed(request, SignOffBody)
        policy = self._version()
        fact = await self._access.sign_off(
            person, role=body.role, note=body.note, days=body.days, in_force=policy, looked_at=body.policy
        )
        return answer(SignOffAnswer(role=fact.role, by=fact.by, policy=policy, words=fact.reason))


def endpoints(access: Access, version: Callable[[], str]) -> tuple[Endpoint, ...]:
    """The route of this module; `version` gives that of the policy in force."""
    return (
        Endpoint(
            Described("POST", "/v1/access-review/sign-off", "Stand for what a role allows", SignOffAnswer, SignOffBody),
            Scope.DECIDE,
            SignOffApi(access, version).sign_off,
        ),
    )
