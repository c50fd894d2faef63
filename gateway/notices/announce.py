"""Changes leave their notices in the outbox within the same transaction: what was committed is told, also
after a crash, and what was not committed is not.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol

from config.durations import format_duration
from config.notices import Notices
from gateway.access import permissions
from gateway.access.facts import about_grant
from gateway.access.models import ADMINS, Grant, Person, RoleTerms
from gateway.access.store import AccessReader
from gateway.audit.facts import AccessChanged
from gateway.notices.notice import EVENT_OF, FOR_REVIEWERS, Notice, about_change, about_ending
from gateway.notices.outbox import Outgoing

#: The facts that the change which is under way has recorded.
_RECORDED: ContextVar[list[AccessChanged] | None] = ContextVar("recorded", default=None)


class Change(AccessReader, Protocol):
    """What a change has to know for its notices to go along."""

    async def put_out(self, outgoing: Iterable[Outgoing], at: datetime) -> None: ...


class Announcer:
    """Words the notices of changes, and says where each is to go."""

    def __init__(
        self,
        settings: Callable[[], Notices],
        terms: Callable[[str], RoleTerms | None],
        public_url: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._terms = terms
        self._public_url = public_url
        self._clock = clock

    @asynccontextmanager
    async def around(self, change: Change) -> AsyncIterator[None]:
        """What is recorded within is put into the outbox by the same change."""
        facts: list[AccessChanged] = []
        before = _RECORDED.set(facts)
        try:
            yield
        finally:
            _RECORDED.reset(before)
        outgoing = await self.outgoing(change, facts)
        if outgoing:
            await change.put_out(outgoing, self._clock())

    def recorded(self, fact: AccessChanged) -> None:
        """A change that is under way has recorded this."""
        facts = _RECORDED.get()
        if facts is not None:
            facts.append(fact)

    async def outgoing(self, change: Change, facts: Iterable[AccessChanged]) -> list[Outgoing]:
        """What is to be sent of these facts, read in the change that they are of."""
        found: list[Outgoing] = []
        for fact in facts:
            event = EVENT_OF.get(fact.what)
            sinks = self.takers(event) if event is not None else ()
            if not sinks:
                continue
            people, asked_for = [fact.person], ""
            if event in FOR_REVIEWERS:
                everybody = await change.people()
                people = [one.name for one in everybody if self._is_told(one, fact, event or "")]
                request = await change.request(fact.request) if fact.request else None
                asked_for = format_duration(request.seconds) if request is not None else ""
            notice = about_change(
                fact,
                notice_id=_new_id(),
                at=_rfc3339(self._clock()),
                people=people,
                public_url=self._public_url(),
                asked_for=asked_for,
            )
            if notice is not None:
                found.append(Outgoing(notice, sinks, notice.id))
        return found

    def ending(self, grants: Iterable[Grant]) -> list[Outgoing]:
        """That these grants are about to end; each is told once for each end."""
        sinks = self.takers("ending")
        if not sinks:
            return []
        found = []
        for grant in grants:
            fact = about_grant(grant, "ending", "pgcurfew")
            notice = about_ending(fact, notice_id=_new_id(), at=_rfc3339(self._clock()), public_url=self._public_url())
            found.append(Outgoing(notice, sinks, f"ending:{grant.id}:{fact.ends_at}"))
        return found

    def test(self, sink: str, by: str) -> Outgoing:
        """A notice that only says that notices arrive."""
        notice = Notice(
            id=_new_id(),
            event="test",
            at=_rfc3339(self._clock()),
            title=f"{by} tries out whether notices arrive",
            people=(by,),
            by=by,
        )
        return Outgoing(notice, (sink,), notice.id)

    def takers(self, event: str) -> tuple[str, ...]:
        """The sinks that this event goes to."""
        return tuple(name for name, sink in self._settings().sinks.items() if event in sink.events)

    def _is_told(self, person: Person, fact: AccessChanged, event: str) -> bool:
        if person.locked or person.name == fact.person:
            return False
        terms = self._terms(fact.role)
        if event == "break-glass" and not person.service:
            glass = terms.break_glass if terms is not None else None
            if ADMINS in person.groups or (glass is not None and glass.people.holds(person.name, person.groups)):
                return True
        return permissions.is_reviewer(person, terms, fact.target)


def _new_id() -> str:
    return f"ntc_{secrets.token_hex(8)}"


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
