"""The rest of a grant's life over HTTPS: preview, edit, extend, hand back, break the glass, review."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.extent import Extent
from gateway.access.models import Person
from gateway.access.scopes import Scope
from gateway.access.service import Access
from gateway.admin.answers import answer
from gateway.admin.bodies import (
    BreakGlassBody,
    EditBody,
    EmergenciesAnswer,
    EmergencyAnswer,
    ExtendBody,
    GrantAnswer,
    NoteBody,
    PreviewAnswer,
    PreviewBody,
    RequestAnswer,
    ReviewBody,
)
from gateway.admin.endpoints import Endpoint, parsed
from gateway.admin.openapi import Described


class Workflow:
    """What the handlers work with."""

    def __init__(self, access: Access, clock: Callable[[], datetime]) -> None:
        self._access = access
        self._clock = clock

    async def preview(self, request: Request, person: Person) -> Response:
        body = await parsed(request, PreviewBody)
        extent = Extent.of(body.relations or {})
        terms = self._access.preview(person, target=body.target, role=body.role, extent=extent)
        return answer(PreviewAnswer.of(body.target, terms))

    async def edit(self, request: Request, person: Person) -> Response:
        body = await parsed(request, EditBody)
        edited = await self._access.edit(
            person,
            request.path_params["id"],
            reason=body.reason,
            seconds=body.seconds,
            extent=None if body.relations is None else Extent.of(body.relations),
            starts_at=body.starts_at,
        )
        return answer(RequestAnswer.of(edited))

    async def extend(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ExtendBody)
        asked = await self._access.extend(person, request.path_params["id"], seconds=body.seconds, reason=body.reason)
        return answer(RequestAnswer.of(asked), 201)

    async def done(self, request: Request, person: Person) -> Response:
        body = await parsed(request, NoteBody)
        over = await self._access.done(person, request.path_params["id"], reason=body.reason)
        return answer(GrantAnswer.of(over, self._clock()))

    async def break_glass(self, request: Request, person: Person) -> Response:
        body = await parsed(request, BreakGlassBody)
        given = await self._access.break_glass(
            person,
            target=body.target,
            role=body.role,
            reason=body.reason,
            seconds=body.seconds,
            extent=Extent.of(body.relations or {}),
        )
        return answer(RequestAnswer.of(given), 201)

    async def emergencies(self, request: Request, person: Person) -> Response:
        found = await self._access.emergencies(person)
        return answer(EmergenciesAnswer(emergencies=tuple(EmergencyAnswer.of(one) for one, _ in found)))

    async def review(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ReviewBody)
        reviewed = await self._access.review(person, request.path_params["id"], text=body.text)
        return answer(EmergencyAnswer.of(reviewed))


def endpoints(access: Access, clock: Callable[[], datetime]) -> tuple[Endpoint, ...]:
    """The routes of this module."""
    work = Workflow(access, clock)
    return (
        Endpoint(
            Described("POST", "/v1/preview", "What a role would show", PreviewAnswer, PreviewBody),
            Scope.REQUEST,
            work.preview,
        ),
        Endpoint(
            Described("POST", "/v1/requests/{id}/edit", "Change one's own request", RequestAnswer, EditBody),
            Scope.REQUEST,
            work.edit,
        ),
        Endpoint(
            Described("POST", "/v1/grants/{id}/extend", "Ask for more time", RequestAnswer, ExtendBody, status=201),
            Scope.REQUEST,
            work.extend,
        ),
        Endpoint(
            Described("POST", "/v1/grants/{id}/done", "Hand one's own grant back", GrantAnswer, NoteBody),
            Scope.CONNECT,
            work.done,
        ),
        Endpoint(
            Described(
                "POST", "/v1/break-glass", "Access at once, in an emergency", RequestAnswer, BreakGlassBody, status=201
            ),
            Scope.REQUEST,
            work.break_glass,
        ),
        Endpoint(
            Described("GET", "/v1/emergencies", "Emergencies that wait for a review", EmergenciesAnswer),
            Scope.SEE,
            work.emergencies,
        ),
        Endpoint(
            Described("POST", "/v1/grants/{id}/review", "Review an emergency", EmergencyAnswer, ReviewBody),
            Scope.DECIDE,
            work.review,
        ),
    )
