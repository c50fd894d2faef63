"""Requests, as those who make them see them: asked, looked at, withdrawn."""

from __future__ import annotations

import secrets

from gateway.access import permissions, requests
from gateway.access.errors import NotFound
from gateway.access.facts import about_request
from gateway.access.models import AccessRequest, Person, RequestMove, RoleTerms
from gateway.access.office import Office, known_request, must
from gateway.access.permissions import Action, Denied, RequestFor
from gateway.audit.facts import AccessChanged


class Asking:
    """The part of `Access` that takes requests."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(self, person: Person, *, target: str, role: str, reason: str, seconds: int) -> AccessRequest:
        """A new pending request. Raises NotPermitted, NotFound, NotValid."""
        office = self._office
        terms = office.terms(role)
        if terms is None:
            raise NotFound("role", "there is no such role", 'see "pgcurfew targets" for what you can ask for')
        asked = AccessChanged(what="requested", by=person.name, person=person.name, role=role, target=target)
        office.permit(person, Action.REQUEST, terms, asked)
        request = requests.new_request(
            request_id=f"req_{secrets.token_hex(6)}",
            person=person.name,
            target=target,
            terms=terms,
            reason=reason,
            seconds=seconds,
            now=office.clock(),
        )
        async with office.store.change() as change:
            await change.add_request(request)
            office.record(about_request(request, "requested", person.name, request.reason))
        return request

    async def cancel(self, person: Person, request_id: str) -> AccessRequest:
        """The person's own request, withdrawn. Raises NotFound, NotPermitted, NotPossible."""
        office = self._office
        async with office.store.change() as change:
            now = office.clock()
            request = await office.visible_request(change, person, request_id)
            subject = RequestFor(request, office.terms(request.role))
            office.permit(person, Action.CANCEL, subject, about_request(request, "cancelled", person.name))
            must(await change.move_request(request.id, requests.moved(request, RequestMove.CANCEL, now)))
            office.record(about_request(request, "cancelled", person.name))
            return await known_request(change, request.id)

    def offers(self, person: Person) -> tuple[RoleTerms, ...]:
        """The roles that the person may ask for, by name."""
        known = (self._office.terms(role) for role in sorted(self._office.roles()))
        return tuple(
            terms for terms in known if terms and not isinstance(permissions.may(person, Action.REQUEST, terms), Denied)
        )

    async def request(self, person: Person, request_id: str) -> AccessRequest:
        """One request that the person may see. Raises NotFound."""
        office = self._office
        return requests.as_of(await office.visible_request(office.store, person, request_id), office.clock())

    async def requests(
        self, person: Person, *, open_only: bool = True, target: str | None = None, limit: int = 200
    ) -> tuple[AccessRequest, ...]:
        """Requests that the person may see, newest first."""
        now = self._office.clock()
        found = await self._office.store.requests(self._office.visible(person, open_only, target, limit, now))
        return tuple(requests.as_of(request, now) for request in found)
