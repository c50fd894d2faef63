"""Grants after they were given: looked at, revoked, and what time does to them."""

from __future__ import annotations

from datetime import datetime

from gateway.access import grants, requests
from gateway.access.facts import about_grant, about_request
from gateway.access.models import OVER, Grant, GrantEnded, GrantMove, Person, RequestState
from gateway.access.office import OURSELVES, Office, known_grant, must
from gateway.access.permissions import Action, GrantFor


class Granting:
    """The part of `Access` that keeps grants."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._caught_up = False

    async def grant(self, person: Person, grant_id: str) -> Grant:
        """One grant that the person may see. Raises NotFound."""
        return await self._office.visible_grant(self._office.store, person, grant_id)

    async def grants(
        self,
        person: Person,
        *,
        open_only: bool = True,
        target: str | None = None,
        limit: int = 200,
        after: str | None = None,
    ) -> tuple[Grant, ...]:
        """Grants that the person may see, newest first; those behind the grant `after`. Raises NotValid."""
        office = self._office
        which = office.visible(person, open_only, target, limit, office.clock())
        return await office.store.grants(await office.behind_grant(person, which, after))

    async def revoke(self, person: Person, grant_id: str, *, reason: str) -> Grant:
        """The grant, revoked; its sessions are told. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        office = self._office
        note = requests.plain_text(reason, "reason", required=True)
        async with office.store.change() as change:
            now = office.clock()
            grant = await office.visible_grant(change, person, grant_id)
            subject = GrantFor(grant, office.terms(grant.role))
            fact = about_grant(grant, "revoked", person.name, note)
            office.permit(person, Action.REVOKE, subject, fact)
            grants.moved(grant, GrantMove.REVOKE, now)
            must(await change.revoke_grant(grant.id, at=now, by=person.name, reason=note))
            office.record(fact)
            grant = await known_grant(change, grant.id)
        office.tell(GrantEnded(grant.id, "grant-revoked", person.name, note))
        return grant

    async def done(self, person: Person, grant_id: str, *, reason: str = "") -> Grant:
        """The person's own grant, handed back; its sessions are told. Raises NotFound, NotPermitted, NotPossible."""
        office = self._office
        note = requests.plain_text(reason, "reason")
        async with office.store.change() as change:
            now = office.clock()
            grant = await office.visible_grant(change, person, grant_id)
            fact = about_grant(grant, "done", person.name, note)
            office.permit(person, Action.FINISH, GrantFor(grant, office.terms(grant.role)), fact)
            must(await change.end_grant(grant.id, at=now, as_=grants.moved(grant, GrantMove.FINISH, now)))
            office.record(fact)
            grant = await known_grant(change, grant.id)
        office.tell(GrantEnded(grant.id, "grant-done", person.name, note))
        return grant

    async def tidy(self) -> None:
        """Write down what time has brought: requests that expired, grants that ended or lapsed; and the
        time itself, so that nothing comes back when the clock is set back while nothing runs."""
        office = self._office
        now = office.clock()
        # Once after a start, also what was over when the time was last noted.
        seen, self._caught_up = (now if self._caught_up else max(now, await office.store.latest())), True
        for request in await office.store.overdue_requests(seen):
            async with office.store.change() as change:
                if await change.move_request(request.id, RequestState.EXPIRED):
                    office.record(about_request(request, "expired", OURSELVES))
        for grant in await office.store.overdue_grants(seen):
            await self._write_end(grant, seen)
        async with office.store.change() as change:
            await change.note_latest(now)

    async def _write_end(self, grant: Grant, now: datetime) -> None:
        state = grant.state_at(now)
        async with self._office.store.change() as change:
            if state in OVER and await change.end_grant(grant.id, at=now, as_=state):
                self._office.record(about_grant(grant, state, OURSELVES))
