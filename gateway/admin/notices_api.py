"""The endpoints by which administrators look after notices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gateway.access import permissions
from gateway.access.errors import NotFound, NotPermitted
from gateway.access.models import Person
from gateway.access.permissions import Action, Denied, Everything
from gateway.access.scopes import Scope
from gateway.admin.answers import Refused, answer
from gateway.admin.bodies import Answer, Body
from gateway.admin.endpoints import LIST_LIMIT, Endpoint, limit_of, one_query, parsed
from gateway.admin.openapi import Described, Query
from gateway.notices.desk import NoticeDesk
from gateway.notices.outbox import DeliveryState


class SinkBody(Body):
    sink: Annotated[str, Field(min_length=1, max_length=100, description='such as "webhook.oncall"')]


class NoticeAnswer(Answer):
    id: str
    sink: str
    event: str
    title: str
    state: str = Field(description="waiting, delivered or dead")
    tries: int
    created_at: datetime
    next_at: datetime | None
    error: str

    @classmethod
    def of(cls, one: DeliveryState) -> Self:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class NoticesAnswer(Answer):
    notices: tuple[NoticeAnswer, ...]


class OnItsWayAnswer(Answer):
    sink: str = Field(description="where it goes; empty where it is tried again")


_QUERIES: Final = (
    Query("undelivered", "boolean", "only those that wait or were given up"),
    Query("limit", "integer", f"how many at most, up to {LIST_LIMIT}", {"minimum": 1, "maximum": LIST_LIMIT}),
)


class NoticesApi:
    """The handlers."""

    def __init__(self, desk: NoticeDesk) -> None:
        self._desk = desk

    async def list(self, request: Request, person: Person) -> Response:
        _permit(person)
        undelivered = one_query(request, "undelivered") or "false"
        if undelivered not in ("true", "false"):
            raise Refused(422, "undelivered", "undelivered is true or false")
        found = await self._desk.states(limit=limit_of(request), undelivered=undelivered == "true")
        return answer(NoticesAnswer(notices=tuple(NoticeAnswer.of(one) for one in found)))

    async def retry(self, request: Request, person: Person) -> Response:
        _permit(person)
        if not await self._desk.again(request.path_params["id"]):
            raise NotFound("notice", "there is no such notice that was given up", "see pgcurfew notices list")
        return answer(OnItsWayAnswer(sink=""))

    async def test(self, request: Request, person: Person) -> Response:
        _permit(person)
        body = await parsed(request, SinkBody)
        if not await self._desk.test(body.sink, person.name):
            known = ", ".join(self._desk.sinks) or "none"
            raise NotFound("sink", "there is no such sink in the settings", f"its sinks: {known}")
        return answer(OnItsWayAnswer(sink=body.sink), 202)


def endpoints(desk: NoticeDesk) -> tuple[Endpoint, ...]:
    """For administrators."""
    api = NoticesApi(desk)
    return (
        Endpoint(Described("GET", "/v1/notices", "Notices", NoticesAnswer, queries=_QUERIES), Scope.ADMIN, api.list),
        Endpoint(
            Described("POST", "/v1/notices/{id}/retry", "Try a given-up notice again", OnItsWayAnswer),
            Scope.ADMIN,
            api.retry,
        ),
        Endpoint(
            Described("POST", "/v1/notices/test", "Send a notice to try a sink", OnItsWayAnswer, SinkBody, status=202),
            Scope.ADMIN,
            api.test,
        ),
    )


def _permit(person: Person) -> None:
    match permissions.may(person, Action.ADMINISTER, Everything()):
        case Denied(reason):
            raise NotPermitted("not-permitted", reason)
        case _:
            return
