"""What every part of the access service works with: store, clock, terms, the record, and who listens.

`permit` is the one way to ask whether somebody may; a refusal is recorded before it is raised.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.access import permissions, requests
from gateway.access.errors import NotFound, NotPermitted, NotPossible, NotValid
from gateway.access.facts import about_grant
from gateway.access.gate import Listener
from gateway.access.models import AccessRequest, Grant, GrantEnded, How, Person, RequestMove, RoleTerms
from gateway.access.permissions import Action, Denied, GrantFor, RequestFor, Subject
from gateway.access.store import AccessReader, AccessStore, Change, ListFilter
from gateway.audit.facts import AccessChanged

#: Whom the record names where no person did it.
OURSELVES: Final = "pgcurfew"
_BY: Final = {
    How.APPROVED: RequestMove.APPROVE,
    How.AUTO: RequestMove.AUTO_APPROVE,
    How.BREAK_GLASS: RequestMove.BREAK_GLASS,
}

Clock = Callable[[], datetime]
Terms = Callable[[str], RoleTerms | None]
Record = Callable[[AccessChanged], None]


class Office:
    """`terms` gives the terms of a role from the policy in force, `roles` its names; `record` writes a
    fact or raises, in which case nothing changes."""

    def __init__(
        self, store: AccessStore, clock: Clock, terms: Terms, record: Record, roles: Callable[[], Iterable[str]]
    ) -> None:
        self.store = store
        self.clock = clock
        self.terms = terms
        self.record = record
        self.roles = roles
        self._listeners: list[Listener] = []
        #: Counts what was told to listeners: whoever read the store across one reads again.
        self.told = 0

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` in the event loop whenever a grant ends before its time."""
        self._listeners.append(listener)

    def tell(self, ended: GrantEnded) -> None:
        """A grant ended, and this is committed."""
        self.told += 1
        for listener in self._listeners:
            listener(ended)

    def permit(self, person: Person, action: Action, subject: Subject, about: AccessChanged) -> None:
        """Raise NotPermitted unless the person may; `about` is what would have been recorded."""
        match permissions.may(person, action, subject):
            case Denied(reason):
                self.record(
                    AccessChanged(
                        what=f"{action}-refused",
                        by=person.name,
                        request=about.request,
                        grant=about.grant,
                        person=about.person,
                        role=about.role,
                        target=about.target,
                        reason=reason,
                    )
                )
                raise NotPermitted("not-permitted", reason)
            case _:
                return

    async def visible_request(self, reader: AccessReader, person: Person, request_id: str) -> AccessRequest:
        """A request that the person may see. Raises NotFound."""
        request = await reader.request(request_id)
        if request is None or isinstance(
            permissions.may(person, Action.SEE, RequestFor(request, self.terms(request.role))), Denied
        ):
            raise NotFound("request", "there is no such request that you may see", 'see "pgcurfew requests --all"')
        return request

    async def visible_grant(self, reader: AccessReader, person: Person, grant_id: str) -> Grant:
        """A grant that the person may see. Raises NotFound."""
        grant = await reader.grant(grant_id)
        if grant is None or isinstance(
            permissions.may(person, Action.SEE, GrantFor(grant, self.terms(grant.role))), Denied
        ):
            raise NotFound("grant", "there is no such grant that you may see", 'see "pgcurfew grants --all"')
        return grant

    def visible(self, person: Person, open_only: bool, target: str | None, limit: int, now: datetime) -> ListFilter:
        """Which requests and grants to list for the person."""
        open_at = now if open_only else None
        if permissions.sees_all(person):
            return ListFilter(target=target, open_at=open_at, limit=limit)
        known = [terms for role in self.roles() if (terms := self.terms(role)) is not None]
        reviews = frozenset(terms.role for terms in known if permissions.is_reviewer(person, terms))
        places = frozenset(
            (terms.role, name)
            for terms in known
            for name in terms.targets
            if terms.role not in reviews and permissions.is_reviewer(person, terms, name)
        )
        return ListFilter(person.name, reviews, places, target=target, open_at=open_at, limit=limit)

    async def behind_request(self, person: Person, which: ListFilter, after: str | None) -> ListFilter:
        """The list goes on behind this request. Raises NotValid."""
        if after is None:
            return which
        try:
            last = await self.visible_request(self.store, person, after)
        except NotFound:
            raise _no_such("request") from None
        return replace(which, after=(last.asked_at, last.id))

    async def behind_grant(self, person: Person, which: ListFilter, after: str | None) -> ListFilter:
        """The list goes on behind this grant. Raises NotValid."""
        if after is None:
            return which
        try:
            last = await self.visible_grant(self.store, person, after)
        except NotFound:
            raise _no_such("grant") from None
        return replace(which, after=(last.starts_at, last.id))

    async def give(
        self, change: Change, request: AccessRequest, approvers: tuple[str, ...], how: How, now: datetime
    ) -> Grant:
        """The grant of a pending request, which is approved by that; written and recorded in this change.
        Raises NotPossible."""
        terms = self.terms(request.role)
        assert terms is not None, "whoever approved was found in the terms"
        grant = requests.grant_of(
            request, grant_id=f"grant_{secrets.token_hex(6)}", approvers=approvers, terms=terms, now=now, how=how
        )
        must(await change.move_request(request.id, requests.moved(request, _BY[how], now)))
        must(await change.add_grant(grant))
        by = ", ".join(approvers) if how is How.APPROVED else OURSELVES
        self.record(about_grant(grant, "granted", by, "" if how is How.APPROVED else approvers[0]))
        return grant


async def known_request(change: Change, request_id: str) -> AccessRequest:
    """A request that was read in this change, read again."""
    request = await change.request(request_id)
    assert request is not None, "it was read in this change"
    return request


async def known_grant(change: Change, grant_id: str) -> Grant:
    """A grant that was read in this change, read again."""
    grant = await change.grant(grant_id)
    assert grant is not None, "it was read in this change"
    return grant


def must(happened: bool) -> None:
    """A conditional write whose condition was read in the same change."""
    if not happened:
        raise NotPossible("changed", "it was changed in the meantime", "look again, then decide")


def _no_such(what: str) -> NotValid:
    return NotValid("after", f"there is no such {what} that you may see", f"give the id of the last {what} of a list")
