"""Requests, as those who make them see them: asked, looked at, withdrawn."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from gateway.access import grants, permissions, requests
from gateway.access.errors import NotFound, NotPossible, NotValid
from gateway.access.extent import WHOLE, Extent, fitting_extent, preview
from gateway.access.facts import about_grant, about_request
from gateway.access.models import AccessRequest, GrantMove, How, Person, RequestMove, RoleTerms
from gateway.access.office import OURSELVES, Office, known_grant, known_request, must
from gateway.access.permissions import Action, Denied, GrantFor, RequestFor
from gateway.audit.facts import AccessChanged


class Asking:
    """The part of `Access` that takes requests."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(
        self,
        person: Person,
        *,
        target: str,
        role: str,
        reason: str,
        seconds: int,
        extent: Extent = WHOLE,
        starts_at: datetime | None = None,
    ) -> AccessRequest:
        """A new request: pending, or approved at once where the policy's own conditions say so. Raises
        NotPermitted, NotFound, NotValid."""
        office = self._office
        terms = self._terms(role)
        asked = AccessChanged(what="requested", by=person.name, person=person.name, role=role, target=target)
        office.permit(person, Action.REQUEST, terms, asked)
        async with office.store.change() as change:
            now = office.clock()
            request = requests.new_request(
                request_id=_new_id(),
                person=person.name,
                target=target,
                terms=terms,
                reason=reason,
                seconds=seconds,
                now=now,
                extent=extent,
                starts_at=starts_at,
            )
            await change.add_request(request)
            office.record(about_request(request, "requested", person.name, request.reason))
            auto = requests.auto_approval(request, terms, person.groups, now)
            if auto is not None:
                condition = f"policy:auto.{auto}"
                office.record(about_request(request, "auto-approved", OURSELVES, condition))
                await office.give(change, request, (condition,), How.AUTO, now)
            return await known_request(change, request.id)

    def preview(self, person: Person, *, target: str, role: str, extent: Extent = WHOLE) -> RoleTerms:
        """The role's terms, cut down to the extent: what would be visible, and what masked. Raises
        NotPermitted, NotFound, NotValid."""
        terms = self._terms(role)
        asked = AccessChanged(what="requested", by=person.name, person=person.name, role=role, target=target)
        self._office.permit(person, Action.REQUEST, terms, asked)
        if target not in terms.targets:
            known = ", ".join(sorted(terms.targets))
            raise NotValid("target", f'the role "{role}" does not exist on "{target}"', f"its targets: {known}")
        return replace(terms, shown=preview(terms.shown, fitting_extent(extent, terms.shown, role)))

    async def edit(
        self,
        person: Person,
        request_id: str,
        *,
        reason: str | None = None,
        seconds: int | None = None,
        extent: Extent | None = None,
        starts_at: datetime | None = None,
    ) -> AccessRequest:
        """The next version of the person's own request; what was approved before counts no more. None
        leaves things as they are. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        office = self._office
        async with office.store.change() as change:
            now = office.clock()
            request = await office.visible_request(change, person, request_id)
            terms = self._terms(request.role)
            office.permit(
                person, Action.EDIT, RequestFor(request, terms), about_request(request, "edited", person.name)
            )
            office.permit(person, Action.REQUEST, terms, about_request(request, "edited", person.name))
            after = requests.edited(
                request, terms=terms, now=now, reason=reason, seconds=seconds, extent=extent, starts_at=starts_at
            )
            if after.extends is not None:
                grant = await known_grant(change, after.extends)
                requests.fitting_extension(grant, after.seconds, terms)
            must(await change.edit_request(after))
            office.record(about_request(after, "edited", person.name, after.reason))
            return await known_request(change, request.id)

    async def extend(self, person: Person, grant_id: str, *, seconds: int, reason: str) -> AccessRequest:
        """A new pending request to let the person's own grant go on. Raises as `edit`."""
        office = self._office
        async with office.store.change() as change:
            now = office.clock()
            grant = await office.visible_grant(change, person, grant_id)
            terms = self._terms(grant.role)
            about = about_grant(grant, "extension-requested", person.name)
            office.permit(person, Action.EXTEND, GrantFor(grant, terms), about)
            office.permit(person, Action.REQUEST, terms, about)
            grants.moved(grant, GrantMove.EXTEND, now)
            if grant.how is How.BREAK_GLASS:
                hint = 'ask for a grant that somebody approves: "pgcurfew request"'
                raise NotPossible("emergency", "what was taken in an emergency is not extended", hint)
            request = requests.new_extension(
                request_id=_new_id(), grant=grant, terms=terms, reason=reason, seconds=seconds, now=now
            )
            await change.add_request(request)
            office.record(about_request(request, "extension-requested", person.name, request.reason))
            return await known_request(change, request.id)

    def _terms(self, role: str) -> RoleTerms:
        terms = self._office.terms(role)
        if terms is None:
            raise NotFound("role", "there is no such role", 'see "pgcurfew targets" for what you can ask for')
        return terms

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
        self,
        person: Person,
        *,
        open_only: bool = True,
        target: str | None = None,
        limit: int = 200,
        after: str | None = None,
    ) -> tuple[AccessRequest, ...]:
        """Requests that the person may see, newest first; those behind the request `after`. Raises NotValid."""
        now = self._office.clock()
        which = self._office.visible(person, open_only, target, limit, now)
        found = await self._office.store.requests(await self._office.behind_request(person, which, after))
        return tuple(requests.as_of(request, now) for request in found)


def _new_id() -> str:
    return f"req_{secrets.token_hex(6)}"
