"""People and service accounts, as administrators manage them over the API. Each question of who may goes
to `gateway.access.permissions`; each change is recorded before it is committed.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from gateway.access import people
from gateway.access.enrolment import about_invitation, invite
from gateway.access.errors import NotFound, NotPermitted, NotPossible, NotValid
from gateway.access.models import Person
from gateway.access.permissions import Action, Denied, Everything, may
from gateway.access.requests import plain_text
from gateway.access.scopes import SERVICE_SCOPES, Caller, Scope, listed
from gateway.access.service import Access
from gateway.access.sign_in import From, SignIns
from gateway.access.sign_in_models import Identity, Invitation, Kind, SignedIn
from gateway.access.sign_in_store import SignInChange
from gateway.audit.facts import AccessChanged


@dataclass(frozen=True, slots=True)
class Entry:
    """A person, and how they can sign in: "password", "identity"."""

    person: Person
    ways: frozenset[str]


class Directory:
    """`access` locks people, because their sessions end with it."""

    def __init__(self, access: Access, sign_ins: SignIns) -> None:
        self._access = access
        self._sign_ins = sign_ins

    async def entries(self, admin: Person) -> tuple[Entry, ...]:
        """Everybody. Raises NotPermitted."""
        everybody = await self._access.people(admin)
        ways: Mapping[str, frozenset[str]] = await self._sign_ins.store.ways()
        return tuple(Entry(one, ways.get(one.name, frozenset())) for one in everybody)

    async def entry(self, admin: Person, name: str) -> Entry:
        """One person. Raises NotPermitted, NotFound."""
        self._administered(admin, "person-seen", name)
        person = await self._known(self._sign_ins.store.person(name))
        return Entry(person, (await self._sign_ins.store.ways()).get(name, frozenset()))

    async def add(
        self, admin: Person, *, name: str, groups: Iterable[str], identity: str = "", service: bool = False
    ) -> Entry:
        """A new person, who cannot sign in until they are invited, linked or given a token. Raises NotPermitted,
        NotValid, NotPossible."""
        self._administered(admin, "person-added", name)
        nobodys = people.credential_of(secrets.token_bytes(people.CREDENTIAL_BYTES))
        async with self._sign_ins.store.change() as change:
            fact = await people.add(
                change, by=admin.name, name=name, groups=groups, credential=nobodys, identity=identity, service=service
            )
            self._sign_ins.record(fact)
            return Entry(await self._known(change.person(name)), frozenset())

    async def set_groups(self, admin: Person, name: str, groups: Iterable[str]) -> Entry:
        """Put somebody into exactly these groups. Raises NotPermitted, NotFound, NotValid."""
        self._administered(admin, "person-groups", name)
        async with self._sign_ins.store.change() as change:
            self._sign_ins.record(await people.set_groups(change, by=admin.name, name=name, groups=groups))
        return await self.entry(admin, name)

    async def set_locked(self, admin: Person, name: str, *, locked: bool, reason: str) -> Entry:
        """Lock somebody, whose sessions and sign-ins end, or unlock, which also opens doors that failures shut.
        Raises NotPermitted, NotFound, NotPossible."""
        if locked and admin.name == name:
            raise NotPossible("oneself", "nobody locks themselves out", "ask another administrator")
        if not locked:
            await self._forget_failures(admin, name)
        await self._access.set_locked(admin, name, locked=locked, reason=reason)
        return await self.entry(admin, name)

    async def invite(self, admin: Person, name: str) -> tuple[str, Invitation]:
        """An invitation and its secret. Raises NotPermitted, NotFound, NotPossible."""
        self._administered(admin, "invited", name)
        if self._sign_ins.box is None:
            raise NotPossible(
                "no-passwords", "nobody signs in by password here", "set [sign_in] key, or link the person's identity"
            )
        async with self._sign_ins.store.change() as change:
            return await self._invited(change, admin, name)

    async def reset(self, admin: Person, name: str) -> tuple[str, Invitation]:
        """Password, second factor, recovery codes and sign-ins are void; an invitation instead. Raises as `invite`."""
        self._administered(admin, "login-reset", name)
        async with self._sign_ins.store.change() as change:
            await change.drop_local_login(name)
            await change.end_sign_ins(name)
            await change.forget_attempts(f"person:{name}")
            self._sign_ins.record(AccessChanged(what="login-reset", by=admin.name, person=name))
            return await self._invited(change, admin, name)

    async def link(self, admin: Person, name: str, identity: Identity) -> Entry:
        """Bind an identity of the provider to a person. Raises NotPermitted, NotFound, NotPossible."""
        self._administered(admin, "identity-linked", name)
        if not identity.issuer:
            raise NotPossible("no-provider", "no identity provider is set up here", "see [oidc] in the settings")
        subject = plain_text(identity.subject, "subject", required=True)
        async with self._sign_ins.store.change() as change:
            person = await self._known(change.person(name))
            if person.service:
                raise NotPossible("service", f'"{name}" is a service account', "link a person")
            if not await change.bind(Identity(identity.issuer, subject), name, self._sign_ins.clock()):
                raise NotPossible(
                    "identity", "this identity, or this person, is linked already", 'see "pgcurfew user unlink"'
                )
            self._sign_ins.record(
                AccessChanged(
                    what="identity-linked", by=admin.name, person=name, reason=f"{subject} at {identity.issuer}"
                )
            )
        return await self.entry(admin, name)

    async def unlink(self, admin: Person, name: str) -> Entry:
        """Take the identities from a person, whose sign-ins end. Raises NotPermitted, NotFound, NotPossible."""
        self._administered(admin, "identity-unlinked", name)
        async with self._sign_ins.store.change() as change:
            await self._known(change.person(name))
            if not await change.unbind(name):
                raise NotPossible("identity", f'no identity is linked to "{name}"')
            await change.end_sign_ins(name)
            self._sign_ins.record(AccessChanged(what="identity-unlinked", by=admin.name, person=name))
        return await self.entry(admin, name)

    async def service_token(
        self, caller: Caller, name: str, *, seconds: int, scopes: frozenset[Scope], came: From
    ) -> SignedIn:
        """A short token of a service account: for an administrator, or for the account itself by its long-lived
        credential, and then within that credential's scopes. Raises NotPermitted, NotFound, NotValid, NotPossible."""
        own = caller.person.name == name and caller.person.service and not caller.person.locked
        if not own:
            self._administered(caller.person, "service-token-minted", name)
        elif caller.sign_in:
            raise NotPermitted("scope", "a token makes no further token", "use the account's long-lived credential")
        if not scopes or not scopes <= SERVICE_SCOPES:
            raise NotValid("scopes", f"a service account's token is for some of {listed(SERVICE_SCOPES)}")
        now = self._sign_ins.clock()
        life = timedelta(seconds=seconds)
        if life > self._sign_ins.terms.service_token:
            most = int(self._sign_ins.terms.service_token.total_seconds())
            raise NotValid("seconds", f"a service account's token lives for {most} seconds at most", "ask for less")
        async with self._sign_ins.store.change() as change:
            person = await self._known(change.person(name))
            if not person.service:
                raise NotPossible("service", f'"{name}" is a person, who signs in', "add an account with --service")
            if person.locked:
                raise NotPossible("person-locked", f'the account "{name}" is locked', "unlock it first")
            return await self._sign_ins.open(
                change,
                person,
                Kind.SERVICE,
                how="credential" if own else "admin",
                came=came,
                scopes=scopes,
                until=now + life,
                by=caller.person.name,
            )

    async def sign_everything_out(self, admin: Person, name: str) -> None:
        """End all sign-ins of a person. Raises NotPermitted, NotFound."""
        if admin.name != name:
            self._administered(admin, "signed-out", name)
        async with self._sign_ins.store.change() as change:
            await self._known(change.person(name))
            await change.end_sign_ins(name)
            self._sign_ins.record(AccessChanged(what="signed-out", by=admin.name, person=name, reason="everywhere"))

    async def _invited(self, change: SignInChange, admin: Person, name: str) -> tuple[str, Invitation]:
        terms, now = self._sign_ins.terms, self._sign_ins.clock()
        secret, invitation = await invite(change, by=admin.name, name=name, now=now, life=terms.invitation)
        self._sign_ins.record(about_invitation(invitation))
        return secret, invitation

    async def _forget_failures(self, admin: Person, name: str) -> None:
        self._administered(admin, "person-unlocked", name)
        async with self._sign_ins.store.change() as change:
            await change.forget_attempts(f"person:{name}")

    def _administered(self, admin: Person, what: str, name: str) -> None:
        if isinstance(answer := may(admin, Action.ADMINISTER, Everything()), Denied):
            self._sign_ins.record(AccessChanged(what=f"{what}-refused", by=admin.name, reason=answer.reason))
            raise NotPermitted("not-permitted", answer.reason)

    @staticmethod
    async def _known(asked: Awaitable[Person | None]) -> Person:
        person = await asked
        if person is None:
            raise NotFound("person", "there is no such person", 'see "pgcurfew user list"')
        return person
