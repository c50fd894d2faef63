"""Access: joins rules, store, tokens and the record.

Its one rule is the order: judge, write within a change, record, commit, tell. What cannot be
recorded is not committed; what was told is committed.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.access import door, grants, people
from gateway.access.asking import Asking
from gateway.access.deciding import Deciding
from gateway.access.errors import AdmissionRefused, NotValid
from gateway.access.facts import about_grant, about_token
from gateway.access.granting import Granting
from gateway.access.models import Admission, Grant, GrantEnded, IssuedToken, Person, Standing
from gateway.access.office import Clock, Office, Record, Terms, utc_now
from gateway.access.permissions import Action, Everything, GrantFor
from gateway.access.store import AccessStore, ListFilter, StoreUnavailable
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import AccessChanged
from gateway.audit.journal import RecordUnavailable

__all__ = ["Access", "Clock", "Minted", "Record", "Terms", "utc_now"]


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
        office = Office(store, clock, terms, record, roles)
        self._office = office
        self._store = store
        self._signer = signer
        self._clock = clock
        self._terms = terms
        self._record = record
        self._sessions_per_grant = sessions_per_grant
        self._open_sessions: Counter[str] = Counter()
        # Each part under the one name that callers know.
        asking, deciding, self._granting = Asking(office), Deciding(office), Granting(office)
        self.ask, self.cancel, self.offers = asking.ask, asking.cancel, asking.offers
        self.request, self.requests = asking.request, asking.requests
        self.approve, self.deny = deciding.approve, deciding.deny
        self.grant, self.grants, self.revoke = self._granting.grant, self._granting.grants, self._granting.revoke
        self.subscribe = office.subscribe

    # Tokens

    async def mint(self, person: Person, grant_id: str, *, seconds: int | None = None) -> Minted:
        """A token for the person's own active grant, living `seconds` at most and never past the
        grant. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        if seconds is not None and seconds < 1:
            raise NotValid("duration", "a token lives for a second at least", "ask for a longer life")
        async with self._store.change() as change:
            now = self._clock()
            grant = await self._office.visible_grant(change, person, grant_id)
            refused = about_grant(grant, "token-minted", person.name)
            self._office.permit(person, Action.TOKEN, GrantFor(grant, self._terms(grant.role)), refused)
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
            told = self._office.told
            standing, waiting = await self._store.at_the_door(token_id)
            if waiting:
                await self._take_over()
            elif told == self._office.told:
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

    async def still_valid(self, grant_ids: Collection[str]) -> set[str]:
        """Which of these grants give access now: for the periodic check of live sessions, which
        also catches what another process wrote."""
        await self._take_over()
        return set(await self._store.live_grants(grant_ids, self._clock())) if grant_ids else set()

    async def tidy(self) -> None:
        """Write down what time has brought: requests that expired, grants that ended. To be called
        now and then; nothing waits for it, because states are always asked for as of now."""
        await self._take_over()
        await self._granting.tidy()

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
        self._office.permit(
            person, Action.ADMINISTER, Everything(), AccessChanged(what="people-listed", by=person.name)
        )
        return await self._store.people()

    async def set_locked(self, person: Person, name: str, *, locked: bool, reason: str) -> None:
        """Lock somebody, whose sessions then end, or unlock. Raises NotPermitted, NotFound, NotPossible."""
        about = AccessChanged(what="person-locked" if locked else "person-unlocked", by=person.name, person=name)
        self._office.permit(person, Action.ADMINISTER, Everything(), about)
        async with self._store.change() as change:
            fact = await people.set_locked(change, by=person.name, name=name, locked=locked, reason=reason)
            self._record(fact)
        await self._tell_if_locked(fact)

    # Within

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
            self._office.tell(GrantEnded(grant.id, "person-locked", fact.by, fact.reason))
