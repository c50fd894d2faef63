"""The endpoints of signing in and out, and of enrolling."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.enrolment import Enrolment
from gateway.access.models import Person
from gateway.access.sign_in import From, SignIns
from gateway.access.sign_in_models import Kind
from gateway.admin.answers import answer
from gateway.admin.endpoints import Endpoint, OpenEndpoint, caller_of, one_query, parsed
from gateway.admin.openapi import Described, Query
from gateway.admin.sign_in_bodies import (
    EnrolBody,
    EnrolledAnswer,
    InvitationBody,
    NothingAnswer,
    OfferedAnswer,
    PasswordBody,
    SignedInAnswer,
    SignInAnswer,
    SignInsAnswer,
    WaysAnswer,
)
from gateway.session.strangers import neighbourhood


class Doors:
    """The handlers. `provider` is the identity provider's name, "" where there is none."""

    def __init__(self, sign_ins: SignIns, *, provider: str = "", device: bool = False) -> None:
        self._sign_ins = sign_ins
        self._enrolment = Enrolment(sign_ins)
        self._provider = provider
        self._device = device

    async def ways(self, request: Request) -> Response:
        return answer(WaysAnswer(password=self._sign_ins.box is not None, provider=self._provider, device=self._device))

    async def sign_in(self, request: Request) -> Response:
        body = await parsed(request, PasswordBody)
        signed_in = await self._sign_ins.with_password(body.name, body.password, body.code, came(request), Kind.CLI)
        return answer(SignedInAnswer.of(signed_in), 201)

    async def begin(self, request: Request) -> Response:
        body = await parsed(request, InvitationBody)
        return answer(OfferedAnswer.of(await self._enrolment.begin(body.invitation, came(request))))

    async def enrol(self, request: Request) -> Response:
        body = await parsed(request, EnrolBody)
        enrolled = await self._enrolment.confirm(body.invitation, body.password, body.code, came(request), Kind.CLI)
        return answer(EnrolledAnswer.enrolled(enrolled), 201)

    async def sign_out(self, request: Request, person: Person) -> Response:
        await self._sign_ins.sign_out(caller_of(request))
        return answer(NothingAnswer())

    async def list(self, request: Request, person: Person) -> Response:
        name = one_query(request, "person") or person.name
        found = await self._sign_ins.of(person, name)
        return answer(SignInsAnswer(sign_ins=tuple(SignInAnswer.of(one) for one in found)))

    async def end(self, request: Request, person: Person) -> Response:
        name = one_query(request, "person") or person.name
        await self._sign_ins.end(person, name, request.path_params["id"])
        return answer(NothingAnswer())


_WHOSE = (Query("person", "string", "whose; one's own where it is left out"),)


def sign_in_endpoints(doors: Doors) -> tuple[Endpoint | OpenEndpoint, ...]:
    """What comes before a sign-in, and what ends it."""
    return (
        OpenEndpoint(Described("GET", "/v1/sign-in", "How people sign in here", WaysAnswer, open=True), doors.ways),
        OpenEndpoint(
            Described(
                "POST", "/v1/sign-in", "Sign in by password and code", SignedInAnswer, PasswordBody, 201, open=True
            ),
            doors.sign_in,
        ),
        OpenEndpoint(
            Described(
                "POST",
                "/v1/enrol/begin",
                "Take a second factor",
                OfferedAnswer,
                InvitationBody,
                open=True,
            ),
            doors.begin,
        ),
        OpenEndpoint(
            Described("POST", "/v1/enrol", "Choose a password", EnrolledAnswer, EnrolBody, 201, open=True),
            doors.enrol,
        ),
        Endpoint(Described("POST", "/v1/sign-out", "Sign out", NothingAnswer), None, doors.sign_out),
        Endpoint(
            Described("GET", "/v1/sign-ins", "Where somebody is signed in", SignInsAnswer, queries=_WHOSE),
            None,
            doors.list,
        ),
        Endpoint(
            Described("POST", "/v1/sign-ins/{id}/end", "End a sign-in", NothingAnswer, queries=_WHOSE), None, doors.end
        ),
    )


def came(request: Request) -> From:
    """Where the call comes from. No header is believed: the gateway is not told of by proxies."""
    client = request.client.host if request.client else "unknown"
    return From(client, neighbourhood(client))
