"""Access: joins rules, store, tokens and the record.

Its one rule is the order: judge, write within a change, record, commit, tell. What cannot be
recorded is not committed; what was told is committed.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.access import door, grants, people, permissions, requests
from gateway.access.errors import AdmissionRefused, NotFound, NotPermitted, NotPossible, NotValid
from gateway.access.facts import about_grant, about_request, about_token
from gateway.access.gate import Listener
from gateway.access.models import (
    AccessRequest,
    Admission,
    Decision,
    Grant,
    GrantEnded,
    GrantMove,
    IssuedToken,
    Person,
    RequestMove,
    RequestState,
    RoleTerms,
    Standing,
    Vote,
)
from gateway.access.permissions import Action, Denied, Everything, GrantFor, RequestFor, Subject
from gateway.access.store import AccessStore, Change, ListFilter, StoreUnavailable
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import AccessChanged
from gateway.audit.journal import RecordUnavailable

Clock = Callable[[], datetime]
Terms = Callable[[str], RoleTerms | None]
Record = Callable[[AccessChanged], None]


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, once: its text is in no store and no record."""

    text: str = field(repr=False)
    token: IssuedToken
    grant: Grant


class Access:
    """Requests, decisions, grants, tokens, people and the door.

    `terms` gives the terms of a role from the policy in force, `roles` its names; `record`
    writes a fact or raises, in which case nothing changes. `sessions_per_grant` is the
    gateway's own limit, which a role can lower.
    """

    def __init__(
        self,
        store: AccessStore,
        signer: TokenSigner,
        clock: Clock,
        terms: Terms,
        record: Record,
        *,
        roles: Callable[[], Iterable[str]] = tuple,
        sessions_per_grant: int | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._terms = terms
        self._record = record
        self._roles = roles
        self._sessions_per_grant = sessions_per_grant
        self._listeners: list[Listener] = []
        self._open_sessions: Counter[str] = Counter()
        #: Counts what was told to listeners: whoever read the store across one reads again.
        self._told = 0

    # Requests

    async def ask(self, person: Person, *, target: str, role: str, reason: str, seconds: int) -> AccessRequest:
        """A new pending request. Raises NotPermitted, NotFound, NotValid."""
        terms = self._terms(role)
        if terms is None:
            raise NotFound("role", "there is no such role", 'see "pgcurfew targets" for what you can ask for')
        asked = AccessChanged(what="requested", by=person.name, person=person.name, role=role, target=target)
        self._permit(person, Action.REQUEST, terms, asked)
        now = self._clock()
        request = requests.new_request(
            request_id=f"req_{secrets.token_hex(6)}",
            person=person.name,
            target=target,
            terms=terms,
            reason=reason,
            seconds=seconds,
            now=now,
        )
        async with self._store.change() as change:
            await change.add_request(request)
            self._record(about_request(request, "requested", person.name, request.reason))
        return request

    async def approve(self, person: Person, request_id: str, *, reason: str = "") -> AccessRequest:
        """The request after this approval; with the last one that its role demands comes the
        grant, whose clock starts now. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        note = requests.plain_text(reason, "reason")
        async with self._store.change() as change:
            now = self._clock()
            request = await self._decidable(change, person, request_id, Action.APPROVE, now)
            terms = self._terms(request.role)
            assert terms is not None, "a reviewer was found in the terms"
            await self._still_grantable(change, request, terms)
            await self._decide(change, Decision(request.id, person.name, Vote.APPROVE, note, now))
            self._record(about_request(request, "approved", person.name, note))
            request = await _known_request(change, request.id)
            deciders = [await change.person(decision.by) for decision in request.decisions]
            approvers = permissions.standing_approvers(request, terms, {one.name: one for one in deciders if one})
            if len(approvers) >= max(1, terms.approvals):
                await self._grant(change, request, approvers, now)
                request = await _known_request(change, request.id)
        return request

    async def deny(self, person: Person, request_id: str, *, reason: str) -> AccessRequest:
        """The request, denied with a reason. Raises as `approve`."""
        note = requests.plain_text(reason, "reason", required=True)
        async with self._store.change() as change:
            now = self._clock()
            request = await self._decidable(change, person, request_id, Action.DENY, now)
            after = requests.moved(request, RequestMove.DENY, now)
            await self._decide(change, Decision(request.id, person.name, Vote.DENY, note, now))
            _must(await change.move_request(request.id, after))
            self._record(about_request(request, "denied", person.name, note))
            return await _known_request(change, request.id)

    async def cancel(self, person: Person, request_id: str) -> AccessRequest:
        """The person's own request, withdrawn. Raises as `approve`."""
        async with self._store.change() as change:
            now = self._clock()
            request = await self._visible_request(change, person, request_id)
            subject = RequestFor(request, self._terms(request.role))
            self._permit(person, Action.CANCEL, subject, about_request(request, "cancelled", person.name))
            _must(await change.move_request(request.id, requests.moved(request, RequestMove.CANCEL, now)))
            self._record(about_request(request, "cancelled", person.name))
            return await _known_request(change, request.id)

    def offers(self, person: Person) -> tuple[RoleTerms, ...]:
        """The roles that the person may ask for, by name."""
        known = (self._terms(role) for role in sorted(self._roles()))
        return tuple(
            terms for terms in known if terms and not isinstance(permissions.may(person, Action.REQUEST, terms), Denied)
        )

    async def request(self, person: Person, request_id: str) -> AccessRequest:
        """One request that the person may see. Raises NotFound."""
        return requests.as_of(await self._visible_request(self._store, person, request_id), self._clock())

    async def requests(
        self, person: Person, *, open_only: bool = True, target: str | None = None, limit: int = 200
    ) -> tuple[AccessRequest, ...]:
        """Requests that the person may see, newest first."""
        now = self._clock()
        found = await self._store.requests(self._visible(person, open_only, target, limit, now))
        return tuple(requests.as_of(request, now) for request in found)

    # Grants and tokens

    async def grant(self, person: Person, grant_id: str) -> Grant:
        """One grant that the person may see. Raises NotFound."""
        return await self._visible_grant(self._store, person, grant_id)

    async def grants(
        self, person: Person, *, open_only: bool = True, target: str | None = None, limit: int = 200
    ) -> tuple[Grant, ...]:
        """Grants that the person may see, newest first."""
        return await self._store.grants(self._visible(person, open_only, target, limit, self._clock()))

    async def revoke(self, person: Person, grant_id: str, *, reason: str) -> Grant:
        """The grant, revoked; its sessions are told. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        note = requests.plain_text(reason, "reason", required=True)
        async with self._store.change() as change:
            now = self._clock()
            grant = await self._visible_grant(change, person, grant_id)
            subject = GrantFor(grant, self._terms(grant.role))
            fact = about_grant(grant, "revoked", person.name, note)
            self._permit(person, Action.REVOKE, subject, fact)
            grants.moved(grant, GrantMove.REVOKE, now)
            _must(await change.revoke_grant(grant.id, at=now, by=person.name, reason=note))
            self._record(fact)
            grant = await _known_grant(change, grant.id)
        self._tell(GrantEnded(grant.id, "grant-revoked", person.name, note))
        return grant

    async def mint(self, person: Person, grant_id: str, *, seconds: int | None = None) -> Minted:
        """A token for the person's own active grant, living `seconds` at most and never past the
        grant. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        if seconds is not None and seconds < 1:
            raise NotValid("duration", "a token lives for a second at least", "ask for a longer life")
        async with self._store.change() as change:
            now = self._clock()
            grant = await self._visible_grant(change, person, grant_id)
            refused = about_grant(grant, "token-minted", person.name)
            self._permit(person, Action.TOKEN, GrantFor(grant, self._terms(grant.role)), refused)
            life = None if seconds is None else timedelta(seconds=seconds)
            token = grants.token_for(grant, token_id=f"tok_{secrets.token_hex(12)}", now=now, life=life)
            await change.add_token(token)
            text = self._signer.mint(
                token_id=token.id, person=token.person, grant=grant.id, issued_at=now, ends_at=token.ends_at
            )
            self._record(about_token(grant, token))
        return Minted(text, token, grant)

    # The door

    async def admit(self, token: str, *, user: str, database: str, client: str) -> Admission:
        """Let somebody in who shows a token as password, or raise AdmissionRefused. The caller
        hands the admission back with `leave`, and hears of its early end through `subscribe`."""
        claims = self._signer.verify(token, now=self._clock())
        try:
            standing = await self._standing(claims.token_id)
        except (StoreUnavailable, RecordUnavailable) as error:
            # Nobody comes in who cannot be checked. The cause is chained for the log.
            raise AdmissionRefused(
                "unavailable", "57P03", "the gateway cannot check tokens at the moment", "try again soon"
            ) from error
        admission = door.admission(
            claims,
            standing,
            user=user,
            database=database,
            now=self._clock(),
            terms=self._terms(standing.grant.role) if standing else None,
            open_sessions=self._open_sessions[claims.grant],
            session_limit=self._sessions_per_grant,
        )
        self._open_sessions[admission.grant.id] += 1
        return admission

    async def _standing(self, token_id: str) -> Standing | None:
        """What the store knows of the token, read again if something had to be taken over first, or if a
        grant was ended meanwhile: a listener that has been told already would not hear of this session."""
        while True:
            told = self._told
            standing, waiting = await self._store.at_the_door(token_id)
            if waiting:
                await self._take_over()
            elif told == self._told:
                return standing

    def leave(self, admission: Admission) -> None:
        """The session of this admission is over."""
        self._open_sessions[admission.grant.id] -= 1
        if self._open_sessions[admission.grant.id] <= 0:
            del self._open_sessions[admission.grant.id]

    def renew(self, signer: TokenSigner, *, sessions_per_grant: int | None) -> None:
        """Sign and believe tokens by these keys from now on, and by these alone."""
        self._signer = signer
        self._sessions_per_grant = sessions_per_grant

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` in the event loop whenever a grant ends before its time."""
        self._listeners.append(listener)

    async def still_valid(self, grant_ids: Collection[str]) -> set[str]:
        """Which of these grants give access now: for the periodic check of live sessions, which
        also catches what another process wrote."""
        await self._take_over()
        return set(await self._store.live_grants(grant_ids, self._clock())) if grant_ids else set()

    async def tidy(self) -> None:
        """Write down what time has brought: requests that expired, grants that ended. To be called
        now and then; nothing waits for it, because states are always asked for as of now."""
        await self._take_over()
        now = self._clock()
        for request in await self._store.overdue_requests(now):
            async with self._store.change() as change:
                if await change.move_request(request.id, RequestState.EXPIRED):
                    self._record(about_request(request, "expired", "pgcurfew"))
        for grant in await self._store.overdue_grants(now):
            async with self._store.change() as change:
                if await change.end_grant(grant.id, at=now):
                    self._record(about_grant(grant, "ended", "pgcurfew"))

    # People

    async def authenticate(self, credential: str) -> Person | None:
        """Whose login credential this is, locked or not; None when nobody's."""
        digest = people.digest_of(credential)
        if digest is None:
            return None
        await self._take_over()
        return await self._store.person_by_credential(digest)

    def note_sign_in(self, *, by: str, client: str, refused: str = "") -> None:
        """Record that somebody signed in to the API, or tried to."""
        what = "sign-in-refused" if refused else "signed-in"
        self._record(AccessChanged(what=what, by=by, person=by, reason=f"{refused} from {client}".strip()))

    async def people(self, person: Person) -> tuple[Person, ...]:
        """Everybody. Raises NotPermitted."""
        self._permit(person, Action.ADMINISTER, Everything(), AccessChanged(what="people-listed", by=person.name))
        return await self._store.people()

    async def set_locked(self, person: Person, name: str, *, locked: bool, reason: str) -> None:
        """Lock somebody, whose sessions then end, or unlock. Raises NotPermitted, NotFound, NotPossible."""
        about = AccessChanged(what="person-locked" if locked else "person-unlocked", by=person.name, person=name)
        self._permit(person, Action.ADMINISTER, Everything(), about)
        async with self._store.change() as change:
            fact = await people.set_locked(change, by=person.name, name=name, locked=locked, reason=reason)
            self._record(fact)
        await self._tell_if_locked(fact)

    # Within

    def _permit(self, person: Person, action: Action, subject: Subject, about: AccessChanged) -> None:
        match permissions.may(person, action, subject):
            case Denied(reason):
                self._record(
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

    async def _decidable(
        self, change: Change, person: Person, request_id: str, action: Action, now: datetime
    ) -> AccessRequest:
        request = await self._visible_request(change, person, request_id)
        requests.moved(request, RequestMove.APPROVE if action is Action.APPROVE else RequestMove.DENY, now)
        about = about_request(request, action, person.name)
        self._permit(person, action, RequestFor(request, self._terms(request.role)), about)
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
        _must(await change.move_request(request.id, requests.moved(request, RequestMove.APPROVE, now)))
        _must(await change.add_grant(grant))
        self._record(about_grant(grant, "granted", ", ".join(approvers)))

    async def _visible_request(self, reader: AccessStore | Change, person: Person, request_id: str) -> AccessRequest:
        request = await reader.request(request_id)
        if request is None or isinstance(
            permissions.may(person, Action.SEE, RequestFor(request, self._terms(request.role))), Denied
        ):
            raise NotFound("request", "there is no such request that you may see", 'see "pgcurfew requests --all"')
        return request

    async def _visible_grant(self, reader: AccessStore | Change, person: Person, grant_id: str) -> Grant:
        grant = await reader.grant(grant_id)
        if grant is None or isinstance(
            permissions.may(person, Action.SEE, GrantFor(grant, self._terms(grant.role))), Denied
        ):
            raise NotFound("grant", "there is no such grant that you may see", 'see "pgcurfew grants --all"')
        return grant

    def _visible(self, person: Person, open_only: bool, target: str | None, limit: int, now: datetime) -> ListFilter:
        open_at = now if open_only else None
        if permissions.sees_all(person):
            return ListFilter(target=target, open_at=open_at, limit=limit)
        reviews = frozenset(role for role in self._roles() if permissions.is_reviewer(person, self._terms(role)))
        return ListFilter(person=person.name, roles=reviews, target=target, open_at=open_at, limit=limit)

    async def _take_over(self) -> None:
        """Record what was changed on this host by another process (`pgcurfew user …`), before
        anything is decided on it; and tell of people that were locked."""
        if not await self._store.handed_over():
            return
        async with self._store.change() as change:
            waiting = await change.handed_over()
            for _, fact in waiting:
                self._record(fact)
            await change.taken_over([number for number, _ in waiting])
        for _, fact in waiting:
            await self._tell_if_locked(fact)

    async def _tell_if_locked(self, fact: AccessChanged) -> None:
        if fact.what != "person-locked":
            return
        which = ListFilter(person=fact.person, open_at=self._clock(), limit=10_000)
        for grant in await self._store.grants(which):
            self._tell(GrantEnded(grant.id, "person-locked", fact.by, fact.reason))

    def _tell(self, ended: GrantEnded) -> None:
        self._told += 1
        for listener in self._listeners:
            listener(ended)


async def _known_request(change: Change, request_id: str) -> AccessRequest:
    request = await change.request(request_id)
    assert request is not None, "it was read in this change"
    return request


async def _known_grant(change: Change, grant_id: str) -> Grant:
    grant = await change.grant(grant_id)
    assert grant is not None, "it was read in this change"
    return grant


def _must(happened: bool) -> None:
    """A conditional write whose condition was read in the same change."""
    if not happened:
        raise NotPossible("changed", "it was changed in the meantime", "look again, then decide")
