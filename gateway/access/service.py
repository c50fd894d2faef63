"""Access: joins rules, store, tokens and the record.

Its one rule is the order: judge, write within a change, record, commit, tell. What cannot be
recorded is not committed; what was told is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.access import people
from gateway.access.admitting import Admitting
from gateway.access.asking import Asking
from gateway.access.bindings import TokenWish
from gateway.access.clock import utc_now
from gateway.access.crowd import HouseLimits
from gateway.access.deciding import Deciding
from gateway.access.emergencies import Emergencies
from gateway.access.granting import Granting
from gateway.access.models import GrantEnded, Person
from gateway.access.office import Clock, Office, Record, Terms
from gateway.access.permissions import Action, Everything
from gateway.access.signing_off import SigningOff
from gateway.access.store import AccessStore, ListFilter
from gateway.access.token_desk import Held, Minted, TokenDesk
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import AccessChanged

__all__ = ["Access", "Clock", "Minted", "Record", "Terms", "utc_now"]


class Access:
    """Requests, decisions, grants, tokens, people and the door.

    `terms` gives the terms of a role from the policy in force, `roles` its names; `record`
    writes a fact or raises, in which case nothing changes. `limits` are the
    gateway's own limit, which a role can lower; `held_keys` reads the private keys that sign tokens,
    beside which the store has the public ones (None: `signer` has its keys, and keeps them).
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
        limits: HouseLimits = HouseLimits(),  # noqa: B008 -- frozen
        held_keys: Held | None = None,
    ) -> None:
        office = Office(store, clock, terms, record, roles)
        self._office = office
        self._store = store
        self._clock = clock
        self._record = record
        self.tokens = TokenDesk(office, signer, held_keys, self._take_over)
        self._admitting = Admitting(office, self.tokens, self._take_over, limits)
        # Each part under the one name that callers know.
        asking, deciding = Asking(office), Deciding(office)
        granting, emergencies = self._granting, self._emergencies = Granting(office), Emergencies(office)
        self.ask, self.edit, self.cancel, self.extend = asking.ask, asking.edit, asking.cancel, asking.extend
        self.request, self.requests = asking.request, asking.requests
        self.offers, self.preview = asking.offers, asking.preview
        self.approve, self.deny = deciding.approve, deciding.deny
        self.grant, self.grants = granting.grant, granting.grants
        self.revoke, self.done = granting.revoke, granting.done
        self.break_glass, self.review = emergencies.break_glass, emergencies.review
        self.emergencies = emergencies.emergencies
        self.sign_off = SigningOff(office).sign_off
        self.admit, self.leave, self.still_valid = (
            self._admitting.admit,
            self._admitting.leave,
            self._admitting.still_valid,
        )
        self.subscribe = office.subscribe
        self.look_again = self._admitting.look_again

    async def mint(
        self, person: Person, grant_id: str, *, seconds: int | None = None, wish: TokenWish | None = None
    ) -> Minted:
        """A token for the person's own active grant, as wished for or living `seconds` at most, and never past the
        grant. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        return await self.tokens.mint(person, grant_id, wish or TokenWish(seconds=seconds))

    def renew(self, signer: TokenSigner, *, limits: HouseLimits) -> None:
        """Mint and believe tokens by this from now on. `tokens.take_keys` takes the keys of store and files."""
        self.tokens.renew(signer)
        self._admitting.limits = limits

    async def tidy(self) -> None:
        """Write down what time has brought: requests that expired, grants that ended. To be called
        now and then; nothing waits for it, because states are always asked for as of now."""
        await self._take_over()
        await self._granting.tidy()
        await self._emergencies.tidy()

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
        reason = f"{refused} from {client}".strip()
        self._record(AccessChanged(what=what, by=by, person=by, reason=reason, how="credential"))

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

    async def lock(self, name: str, *, by: str, reason: str) -> bool:
        """Lock somebody because a rule of the policy says so; their sessions end. False when they are
        locked already, or are nobody."""
        async with self._store.change() as change:
            person = await change.person(name)
            if person is None or person.locked:
                return False
            fact = await people.set_locked(change, by=by, name=name, locked=True, reason=reason[:1000])
            self._record(fact)
        await self._tell_if_locked(fact)
        return True

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
            await self.tokens.keys_changed(fact)

    async def _tell_if_locked(self, fact: AccessChanged) -> None:
        if fact.what != "person-locked":
            return
        which = ListFilter(person=fact.person, open_at=self._clock(), limit=10_000)
        for grant in await self._store.grants(which):
            self._office.tell(GrantEnded(grant.id, "person-locked", fact.by, fact.reason))
