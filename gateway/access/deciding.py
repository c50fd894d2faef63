"""Decisions on requests: approved, denied; and the grant that the last approval makes."""

from __future__ import annotations

import secrets
from datetime import datetime

from gateway.access import permissions, requests
from gateway.access.errors import NotPossible
from gateway.access.facts import about_grant, about_request
from gateway.access.models import AccessRequest, Decision, Person, RequestMove, RoleTerms, Vote
from gateway.access.office import Office, known_request, must
from gateway.access.permissions import Action, Denied, RequestFor
from gateway.access.store import Change


class Deciding:
    """The part of `Access` where reviewers decide."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def approve(self, person: Person, request_id: str, *, reason: str = "") -> AccessRequest:
        """The request after this approval; with the last one that its role demands comes the
        grant, whose clock starts now. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        office = self._office
        note = requests.plain_text(reason, "reason")
        async with office.store.change() as change:
            now = office.clock()
            request = await self._decidable(change, person, request_id, Action.APPROVE, now)
            terms = office.terms(request.role)
            assert terms is not None, "a reviewer was found in the terms"
            await self._still_grantable(change, request, terms)
            await self._decide(change, Decision(request.id, person.name, Vote.APPROVE, note, now))
            office.record(about_request(request, "approved", person.name, note))
            request = await known_request(change, request.id)
            deciders = [await change.person(decision.by) for decision in request.decisions]
            approvers = permissions.standing_approvers(request, terms, {one.name: one for one in deciders if one})
            if len(approvers) >= max(1, terms.approvals):
                await self._grant(change, request, approvers, now)
                request = await known_request(change, request.id)
        return request

    async def deny(self, person: Person, request_id: str, *, reason: str) -> AccessRequest:
        """The request, denied with a reason. Raises as `approve`."""
        office = self._office
        note = requests.plain_text(reason, "reason", required=True)
        async with office.store.change() as change:
            now = office.clock()
            request = await self._decidable(change, person, request_id, Action.DENY, now)
            after = requests.moved(request, RequestMove.DENY, now)
            await self._decide(change, Decision(request.id, person.name, Vote.DENY, note, now))
            must(await change.move_request(request.id, after))
            office.record(about_request(request, "denied", person.name, note))
            return await known_request(change, request.id)

    async def _decidable(
        self, change: Change, person: Person, request_id: str, action: Action, now: datetime
    ) -> AccessRequest:
        request = await self._office.visible_request(change, person, request_id)
        requests.moved(request, RequestMove.APPROVE if action is Action.APPROVE else RequestMove.DENY, now)
        about = about_request(request, action, person.name)
        self._office.permit(person, action, RequestFor(request, self._office.terms(request.role)), about)
        return request

    async def _decide(self, change: Change, decision: Decision) -> None:
        if not await change.add_decision(decision):
            raise NotPossible("decided", "the request was decided in the meantime", 'see "pgcurfew requests --all"')

    async def _still_grantable(self, change: Change, request: AccessRequest, terms: RoleTerms) -> None:
        """The terms or the requester may have changed since the request was made."""
        hint = "deny it, and let them ask again"
        asker = await change.person(request.person)
        if asker is None:
            raise NotPossible("requester", f'there is no "{request.person}" any more', hint)
        answer = permissions.may(asker, Action.REQUEST, terms)
        if isinstance(answer, Denied):
            raise NotPossible("requester", f'"{request.person}" may not have this role now: {answer.reason}', hint)
        if request.target not in terms.targets or request.seconds > terms.max_seconds:
            raise NotPossible("terms", f'the terms of the role "{request.role}" have changed since', hint)

    async def _grant(self, change: Change, request: AccessRequest, approvers: tuple[str, ...], now: datetime) -> None:
        grant = requests.grant_of(request, grant_id=f"grant_{secrets.token_hex(6)}", approvers=approvers, now=now)
        must(await change.move_request(request.id, requests.moved(request, RequestMove.APPROVE, now)))
        must(await change.add_grant(grant))
        self._office.record(about_grant(grant, "granted", ", ".join(approvers)))
