"""Breaking the glass: access at once, without anybody's approval, for people whom the policy lists. It is
short, everybody who is to know is told, and somebody else reviews it in writing or the person is locked out.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.access import permissions, requests
from gateway.access.errors import NotFound, NotPossible, NotValid
from gateway.access.extent import WHOLE, Extent
from gateway.access.facts import about_grant, about_request
from gateway.access.models import AccessRequest, Emergency, Grant, GrantEnded, How, Person
from gateway.access.office import OURSELVES, Office, known_request
from gateway.access.permissions import Action, Denied, EmergencyOf
from gateway.access.store import Change, ListFilter
from gateway.audit.facts import AccessChanged

#: What stands in the place of an approver.
BY_POLICY = "policy:break-glass"
REVIEW_MIN_LENGTH = 20


class Emergencies:
    """The part of `Access` for emergencies."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def break_glass(
        self,
        person: Person,
        *,
        target: str,
        role: str,
        reason: str,
        seconds: int | None = None,
        extent: Extent = WHOLE,
    ) -> AccessRequest:
        """A request that is granted at once, for as long as the policy gives it in emergencies unless
        less is asked for. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        office = self._office
        terms = office.terms(role)
        if terms is None:
            raise NotFound("role", "there is no such role", 'see "pgcurfew targets" for what you can ask for')
        about = AccessChanged(what="break-glass", by=person.name, person=person.name, role=role, target=target)
        office.permit(person, Action.BREAK_GLASS, terms, about)
        glass = terms.break_glass
        assert glass is not None, "it was just permitted"
        async with office.store.change() as change:
            now = office.clock()
            await self._nothing_overdue(change, person, now)
            request = requests.new_request(
                request_id=f"req_{secrets.token_hex(6)}",
                person=person.name,
                target=target,
                terms=replace(terms, max_seconds=glass.max_seconds, reason_choices=(), reason_pattern=None),
                reason=reason,
                seconds=glass.max_seconds if seconds is None else seconds,
                now=now,
                extent=extent,
            )
            await change.add_request(request)
            office.record(about_request(request, "requested", person.name, request.reason))
            grant = await office.give(change, request, (BY_POLICY,), How.BREAK_GLASS, now)
            due_at = now.replace(microsecond=0) + timedelta(seconds=glass.review_seconds)
            await change.add_emergency(Emergency(grant.id, person.name, due_at))
            office.record(about_grant(grant, "break-glass", person.name, request.reason))
            return await known_request(change, request.id)

    async def review(self, person: Person, grant_id: str, *, text: str) -> Emergency:
        """The written review of an emergency, by somebody else. Raises NotFound, NotPermitted,
        NotPossible, NotValid."""
        office = self._office
        words = requests.plain_text(text, "review", required=True)
        if len(words) < REVIEW_MIN_LENGTH:
            raise NotValid(
                "review",
                f"a review has {REVIEW_MIN_LENGTH} characters at least; this one has {len(words)}",
                "say what was done, whether it was needed, and what follows from it",
            )
        async with office.store.change() as change:
            grant = await office.visible_grant(change, person, grant_id)
            emergency = await change.emergency(grant_id)
            if emergency is None:
                raise NotPossible("no-emergency", "this grant was approved beforehand", "there is nothing to review")
            subject = EmergencyOf(grant, office.terms(grant.role), await change.person(grant.person))
            fact = about_grant(grant, "reviewed", person.name, words)
            office.permit(person, Action.REVIEW, subject, fact)
            if not await change.review_emergency(grant_id, at=office.clock(), by=person.name, text=words):
                raise NotPossible("reviewed", f"it was reviewed by {emergency.reviewed_by or 'somebody'} already")
            office.record(fact)
            reviewed = await change.emergency(grant_id)
            assert reviewed is not None, "it was read in this change"
            return reviewed

    async def emergencies(self, person: Person) -> tuple[tuple[Emergency, Grant], ...]:
        """Those that wait for a review and that the person may see, the earliest due first."""
        office = self._office
        found: list[tuple[Emergency, Grant]] = []
        for emergency in await office.store.open_emergencies():
            grant = await office.store.grant(emergency.grant)
            if grant is not None and not isinstance(
                permissions.may(person, Action.SEE, permissions.GrantFor(grant, office.terms(grant.role))), Denied
            ):
                found.append((emergency, grant))
        return tuple(found)

    async def tidy(self) -> None:
        """Lock out whose emergency was not reviewed in time: every account of theirs."""
        office = self._office
        for emergency in await office.store.open_emergencies(due_before=office.clock()):
            locked: list[AccessChanged] = []
            async with office.store.change() as change:
                if await change.emergency_locked(emergency.grant, at=office.clock()):
                    locked = await self._lock_out(change, emergency)
            for fact in locked:
                await self._end_all(fact)

    async def _lock_out(self, change: Change, emergency: Emergency) -> list[AccessChanged]:
        owner = await change.person(emergency.person)
        facts: list[AccessChanged] = []
        for account in await change.people():
            if owner is None or account.human != owner.human or not await change.set_locked(account.name, True):
                continue
            why = f"the emergency {emergency.grant} was not reviewed in time"
            fact = AccessChanged(
                what="person-locked", by=OURSELVES, person=account.name, grant=emergency.grant, reason=why
            )
            self._office.record(fact)
            facts.append(fact)
        return facts

    async def _end_all(self, fact: AccessChanged) -> None:
        office = self._office
        which = ListFilter(person=fact.person, open_at=office.clock(), limit=10_000)
        for grant in await office.store.grants(which):
            office.tell(GrantEnded(grant.id, "person-locked", fact.by, fact.reason))

    async def _nothing_overdue(self, change: Change, person: Person, now: datetime) -> None:
        for emergency in await change.open_emergencies():
            owner = await change.person(emergency.person)
            if owner is not None and owner.human == person.human and emergency.due_at <= now:
                raise NotPossible(
                    "review-overdue",
                    f"your emergency {emergency.grant} has not been reviewed",
                    f'have somebody else review it: pgcurfew review {emergency.grant} --text "…"',
                )
