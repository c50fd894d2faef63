"""The endpoints of signing in and out, and of enrolling."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.enrolment import Enrolment
from gateway.access.errors import NotPossible
from gateway.access.models import Person
from gateway.access.scopes import Scope
from gateway.access.sign_in import From, SignIns
from gateway.access.sign_in_models import Kind
from gateway.admin.answers import answer
from gateway.admin.endpoints import Endpoint, OpenEndpoint, caller_of, one_query, parsed
from gateway.admin.openapi import Described, Query
from gateway.admin.provider_doors import ProviderDoors
from gateway.admin.sign_in_bodies import (
    DeviceAnswer,
    DeviceBody,
    EnrolBody,
    EnrolledAnswer,
    InvitationBody,
    NothingAnswer,
    OfferedAnswer,
    PasswordBody,
    SignedInAnswer,
    SignInAnswer,
    SignInsAnswer,
    WaitedAnswer,
    WaysAnswer,
)
from gateway.session.strangers import neighbourhood


class Doors:
    """The handlers. `provider` is None where there is no identity provider."""

    def __init__(self, sign_ins: SignIns, provider: ProviderDoors | None) -> None:
        self._sign_ins = sign_ins
        self._enrolment = Enrolment(sign_ins)
        self._provider = provider

    async def ways(self, request: Request) -> Response:
        provider = None if self._provider is None else self._provider.provider
        return answer(
            WaysAnswer(
                password=self._sign_ins.box is not None,
                provider="" if provider is None else provider.settings.label,
                device=provider is not None and await provider.has_device_flow(),
            )
        )

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

    async def begin_device(self, request: Request) -> Response:
        began = await self._providers().begin_device(came(request))
        code, now = began.code, self._sign_ins.clock()
        return answer(
            DeviceAnswer(
                device=began.device,
                user_code=code.user_code,
                address=code.address,
                address_with_code=code.address_with_code,
                interval=code.interval,
                ends_at=now + timedelta(seconds=code.seconds),
            ),
            201,
        )

    async def wait_device(self, request: Request) -> Response:
        body = await parsed(request, DeviceBody)
        found = await self._providers().wait_device(body.device, came(request))
        return answer(WaitedAnswer(signed_in=None if found is None else SignedInAnswer.of(found)))

    def _providers(self) -> ProviderDoors:
        if self._provider is None:
            raise NotPossible("no-provider", "no identity provider is set up here", "sign in by password")
        return self._provider

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
        OpenEndpoint(
            Described("POST", "/v1/sign-in/device", "Begin on another device", DeviceAnswer, status=201, open=True),
            doors.begin_device,
        ),
        OpenEndpoint(
            Described("POST", "/v1/sign-in/device/wait", "Ask who confirmed", WaitedAnswer, DeviceBody, open=True),
            doors.wait_device,
        ),
        Endpoint(Described("POST", "/v1/sign-out", "Sign out", NothingAnswer), None, doors.sign_out),
        Endpoint(
            Described("GET", "/v1/sign-ins", "Where somebody is signed in", SignInsAnswer, queries=_WHOSE),
            None,
            doors.list,
        ),
        Endpoint(
            Described("POST", "/v1/sign-ins/{id}/end", "End a sign-in", NothingAnswer, queries=_WHOSE),
            Scope.CONNECT,
            doors.end,
        ),
    )


def came(request: Request) -> From:
    """Where the call comes from. No header is believed: the gateway is not told of by proxies."""
    client = request.client.host if request.client else "unknown"
    return From(client, neighbourhood(client))
