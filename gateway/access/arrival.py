"""Somebody comes on an identity provider's word: whom they are here, and in which groups.

Its one rule: the provider says who somebody is. What that person may do comes of the groups that the
settings map, and nothing else it says; and a name it says takes over nobody's account.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.access import people
from gateway.access.errors import AccessRefused, NotPermitted
from gateway.access.models import ADMINS, Person
from gateway.access.sign_in import From, SignIns
from gateway.access.sign_in_models import Identity, Kind, SignedIn
from gateway.access.sign_in_store import SignInChange
from gateway.audit.facts import AccessChanged


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the provider said, its signature, audience and times found good. `groups` None: it said nothing of them."""

    identity: Identity
    name: str
    groups: frozenset[str] | None
    email: str
    email_verified: bool


@dataclass(frozen=True, slots=True)
class ArrivalTerms:
    """From [oidc]: which groups mean what, whose addresses are ours, whether new people are added."""

    groups: Mapping[str, str]
    allowed_domains: frozenset[str] = frozenset()
    add_people: bool = False


class Arrivals:
    """Lets people in whom the provider vouches for."""

    def __init__(self, sign_ins: SignIns, terms: ArrivalTerms) -> None:
        self._sign_ins = sign_ins
        self.terms = terms

    async def let_in(
        self, change: SignInChange, arrival: Arrival, came: From, kind: Kind, how: str
    ) -> SignedIn | AccessRefused:
        """A sign-in, within the change; or why not, recorded, for the caller to raise once that is committed."""
        refused = self._of_us(arrival)
        person = await change.person_of(arrival.identity)
        if refused is None and person is None:
            added = await self._added(change, arrival)
            if isinstance(added, Person):
                person = added
            else:
                refused = added
        if refused is None and person is not None and person.locked:
            refused = NotPermitted("person-locked", f'the account "{person.name}" is locked', "ask an administrator")
        if refused is not None or person is None:
            assert refused is not None
            self._sign_ins.refuse(person.name if person else "unknown", how, refused.message, came)
            return refused
        person = await self._in_groups(change, person, arrival)
        return await self._sign_ins.open(change, person, kind, how=how, came=came)

    def _of_us(self, arrival: Arrival) -> AccessRefused | None:
        domains = self.terms.allowed_domains
        _, at, domain = arrival.email.rpartition("@")
        if not domains or (at and arrival.email_verified and domain.lower() in domains):
            return None
        return NotPermitted(
            "domain",
            "the identity provider shows no verified e-mail address of ours for you",
            "sign in with your company's account",
        )

    async def _added(self, change: SignInChange, arrival: Arrival) -> Person | AccessRefused:
        """A new person of that name, bound to the identity; or why there is none."""
        ask = f'an administrator can link you: pgcurfew user link NAME --subject "{arrival.identity.subject}"'
        if not self.terms.add_people:
            return NotPermitted("not-linked", "nobody here is linked to your identity", ask)
        name = arrival.name.lower()
        if await change.person(name) is not None:
            return NotPermitted("name-taken", "there is somebody of your name here, and not linked to you", ask)
        nobodys = people.credential_of(secrets.token_bytes(people.CREDENTIAL_BYTES))
        try:
            fact = await people.add(change, by="pgcurfew", name=name, groups=(), credential=nobodys)
        except AccessRefused as refused:
            return NotPermitted(refused.cause, f"the provider's name for you is no name here: {refused.hint}", ask)
        await change.bind(arrival.identity, name, self._sign_ins.clock())
        self._sign_ins.record(fact)
        about = f"{arrival.identity.subject} at {arrival.identity.issuer}"
        self._sign_ins.record(AccessChanged(what="identity-linked", by="pgcurfew", person=name, reason=about))
        return Person(name, frozenset())

    async def _in_groups(self, change: SignInChange, person: Person, arrival: Arrival) -> Person:
        """The groups that the settings map are as the provider says now; those given by an administrator stay.
        A provider that says nothing of groups takes away those that it could give."""
        ours = frozenset(self.terms.groups.values())
        said = frozenset(self.terms.groups[group] for group in arrival.groups or () if group in self.terms.groups)
        wanted = (person.groups - ours) | said
        if person.service:
            wanted -= {ADMINS}
        if wanted != person.groups:
            self._sign_ins.record(await people.set_groups(change, by="pgcurfew", name=person.name, groups=wanted))
        return replace(person, groups=wanted)
