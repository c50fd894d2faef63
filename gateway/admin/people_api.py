"""The endpoints by which administrators manage people and service accounts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.access.directory import Directory
from gateway.access.models import Person
from gateway.access.scopes import Scope
from gateway.access.sign_in_models import Identity
from gateway.admin.answers import answer
from gateway.admin.bodies import ReasonBody
from gateway.admin.endpoints import Endpoint, caller_of, parsed
from gateway.admin.openapi import Described
from gateway.admin.sign_in_api import came
from gateway.admin.sign_in_bodies import (
    EntriesAnswer,
    EntryAnswer,
    GroupsBody,
    InvitedAnswer,
    LinkBody,
    LockBody,
    NothingAnswer,
    PersonBody,
    ServiceTokenBody,
    SignedInAnswer,
)


class PeopleDesk:
    """The handlers. `issuer` is the identity provider's, "" where there is none."""

    def __init__(self, directory: Directory, *, issuer: str = "") -> None:
        self._directory = directory
        self._issuer = issuer

    async def list(self, request: Request, admin: Person) -> Response:
        found = await self._directory.entries(admin)
        return answer(EntriesAnswer(people=tuple(EntryAnswer.of(one) for one in found)))

    async def one(self, request: Request, admin: Person) -> Response:
        return answer(EntryAnswer.of(await self._directory.entry(admin, _name(request))))

    async def add(self, request: Request, admin: Person) -> Response:
        body = await parsed(request, PersonBody)
        added = await self._directory.add(
            admin, name=body.name, groups=body.groups, identity=body.identity, service=body.service
        )
        return answer(EntryAnswer.of(added), 201)

    async def groups(self, request: Request, admin: Person) -> Response:
        body = await parsed(request, GroupsBody)
        return answer(EntryAnswer.of(await self._directory.set_groups(admin, _name(request), body.groups)))

    async def lock(self, request: Request, admin: Person) -> Response:
        body = await parsed(request, ReasonBody)
        return answer(
            EntryAnswer.of(await self._directory.set_locked(admin, _name(request), locked=True, reason=body.reason))
        )

    async def unlock(self, request: Request, admin: Person) -> Response:
        body = await parsed(request, LockBody)
        return answer(
            EntryAnswer.of(await self._directory.set_locked(admin, _name(request), locked=False, reason=body.reason))
        )

    async def invite(self, request: Request, admin: Person) -> Response:
        return answer(InvitedAnswer.of(*await self._directory.invite(admin, _name(request))), 201)

    async def reset(self, request: Request, admin: Person) -> Response:
        return answer(InvitedAnswer.of(*await self._directory.reset(admin, _name(request))), 201)

    async def link(self, request: Request, admin: Person) -> Response:
        body = await parsed(request, LinkBody)
        identity = Identity(self._issuer, body.subject)
        return answer(EntryAnswer.of(await self._directory.link(admin, _name(request), identity)))

    async def unlink(self, request: Request, admin: Person) -> Response:
        return answer(EntryAnswer.of(await self._directory.unlink(admin, _name(request))))

    async def token(self, request: Request, person: Person) -> Response:
        body = await parsed(request, ServiceTokenBody)
        signed_in = await self._directory.service_token(
            caller_of(request),
            _name(request),
            seconds=body.seconds,
            scopes=frozenset(body.scopes),
            came=came(request),
        )
        return answer(SignedInAnswer.of(signed_in), 201)

    async def sign_out(self, request: Request, admin: Person) -> Response:
        await self._directory.sign_everything_out(admin, _name(request))
        return answer(NothingAnswer())


def people_endpoints(desk: PeopleDesk) -> tuple[Endpoint, ...]:
    """Everything about people; only administrators get further than the permission."""

    person = "/v1/people/{id}"
    return (
        Endpoint(Described("GET", "/v1/people", "Everybody", EntriesAnswer), Scope.ADMIN, desk.list),
        Endpoint(
            Described("POST", "/v1/people", "Add a person or a service account", EntryAnswer, PersonBody, 201),
            Scope.ADMIN,
            desk.add,
        ),
        Endpoint(Described("GET", person, "One person", EntryAnswer), Scope.ADMIN, desk.one),
        Endpoint(
            Described("POST", f"{person}/groups", "Put somebody into exactly these groups", EntryAnswer, GroupsBody),
            Scope.ADMIN,
            desk.groups,
        ),
        Endpoint(
            Described("POST", f"{person}/lock", "Lock somebody out", EntryAnswer, ReasonBody), Scope.ADMIN, desk.lock
        ),
        Endpoint(
            Described("POST", f"{person}/unlock", "Let somebody in again", EntryAnswer, LockBody),
            Scope.ADMIN,
            desk.unlock,
        ),
        Endpoint(
            Described("POST", f"{person}/invite", "An invitation to choose a password", InvitedAnswer, status=201),
            Scope.ADMIN,
            desk.invite,
        ),
        Endpoint(
            Described("POST", f"{person}/reset", "Void a login, and invite anew", InvitedAnswer, status=201),
            Scope.ADMIN,
            desk.reset,
        ),
        Endpoint(
            Described("POST", f"{person}/link", "Bind an identity of the provider", EntryAnswer, LinkBody),
            Scope.ADMIN,
            desk.link,
        ),
        Endpoint(Described("POST", f"{person}/unlink", "Take identities away", EntryAnswer), Scope.ADMIN, desk.unlink),
        Endpoint(
            Described(
                "POST", f"{person}/token", "A short token of a service account", SignedInAnswer, ServiceTokenBody, 201
            ),
            None,
            desk.token,
        ),
        Endpoint(
            Described("POST", f"{person}/sign-out", "End all sign-ins of somebody", NothingAnswer),
            Scope.CONNECT,
            desk.sign_out,
        ),
    )


def _name(request: Request) -> str:
    name = request.path_params["id"]
    assert isinstance(name, str)
    return name
