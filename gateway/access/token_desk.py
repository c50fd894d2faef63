"""Tokens and the keys that sign them: minted, listed, revoked, used; keys taken over from store and files, struck out.

Part of `gateway.access.service.Access`, with the same order: judge, write within a change, record, commit, tell.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.access import bindings, grants, requests, rotation
from gateway.access.bindings import TokenWish
from gateway.access.errors import AdmissionRefused, NotFound, NotPossible
from gateway.access.facts import about_grant, about_token
from gateway.access.keys import KeyNotUsable, KeyRing, SigningKey, public_text, published
from gateway.access.models import Grant, GrantEnded, IssuedToken, Person, TokenTerms
from gateway.access.office import Office
from gateway.access.permissions import Action, Everything, GrantFor
from gateway.access.store import AccessReader
from gateway.access.tokens import Claims, TokenSigner
from gateway.audit.facts import AccessChanged

#: A key id that we do not know has us look into the store, and so often at most: another node may have added it.
LOOK_AGAIN: Final = timedelta(seconds=1)

#: The private keys at hand, by id. Reads files; raises KeyNotUsable.
Held = Callable[[], Mapping[str, Ed25519PrivateKey]]


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, once: its text is in no store and no record."""

    text: str = field(repr=False)
    token: IssuedToken
    grant: Grant


class TokenDesk:
    """One in each `Access`. `take_over` records what another process has changed."""

    def __init__(
        self, office: Office, signer: TokenSigner, held: Held | None, take_over: Callable[[], Awaitable[None]]
    ) -> None:
        self._office = office
        self._store = office.store
        self._signer = signer
        self._clock = office.clock
        self._held = held
        self._take_over = take_over
        self._looked = office.clock()

    # Keys

    def renew(self, signer: TokenSigner) -> None:
        """Mint and verify by this issuer and audience; keys stay until `take_keys`, where we have a store of them."""
        self._signer = signer if self._held is None else replace(signer, keys=self._signer.keys)

    async def take_keys(self, *, by: str = "pgcurfew") -> None:
        """Sign and believe by what store and files hold now. A key in a file that the store does not know is added and
        signs at once. Raises KeyNotUsable when a file holds another key than the store knows by that id."""
        if self._held is None:
            return
        held = await asyncio.to_thread(self._held)
        known = {key.id: key for key in await self._store.signing_keys()}
        for key_id, private in held.items():
            if key_id in known and known[key_id].public != public_text(private.public_key()):
                raise KeyNotUsable(f'the key id "{key_id}" is that of another key; give a new key a new id')
        unknown = [key_id for key_id in held if key_id not in known]
        if unknown:
            await self._add(unknown, held, by)
        self._believe(await self._store.signing_keys(), held)

    async def _add(self, key_ids: list[str], held: Mapping[str, Ed25519PrivateKey], by: str) -> None:
        async with self._store.change() as change:
            known = {key.id for key in await change.signing_keys()}
            now = self._clock()
            for key_id in key_ids:
                if key_id not in known:
                    public = public_text(held[key_id].public_key())
                    self._office.record(
                        await rotation.add(change, by=by, key_id=key_id, public=public, now=now, signs_from=now)
                    )

    def _believe(self, keys: tuple[SigningKey, ...], held: Mapping[str, Ed25519PrivateKey]) -> None:
        now = self._clock()
        self._looked = now
        # A signer of its own: what was verified under the keys before is verified again.
        self._signer = replace(self._signer, keys=KeyRing.of(keys, held, now), _good={})

    async def keys_changed(self, fact: AccessChanged) -> None:
        """A key was added or struck out, here or on this host; who came in by a struck one is told to leave."""
        match fact.what:
            case "key-added":
                await self.take_keys()
            case "key-struck":
                self._office.tell(GrantEnded("", "key-struck", fact.by, fact.reason, key=fact.key))
                await self.take_keys()
            case _:
                pass

    async def strike(self, person: Person, key_id: str, *, reason: str) -> SigningKey:
        """Strike a key out, with all tokens that it signed. Raises NotPermitted, NotFound, NotPossible, NotValid."""
        about = AccessChanged(what="key-struck", by=person.name, key=key_id[:63])
        self._office.permit(person, Action.ADMINISTER, Everything(), about)
        async with self._store.change() as change:
            fact = await rotation.strike(change, by=person.name, key_id=key_id, reason=reason, now=self._clock())
            self._office.record(fact)
        await self.keys_changed(fact)
        return next(key for key in await self._store.signing_keys() if key.id == key_id)

    async def published_keys(self) -> tuple[SigningKey, ...]:
        """The public keys for whoever wants to verify tokens: next, signing, and still believed."""
        await self._take_over()
        return published(await self._store.signing_keys(), self._clock())

    @property
    def believed(self) -> int:
        """How many keys are believed now."""
        return len(self._signer.keys.believed)

    # Tokens

    async def mint(self, person: Person, grant_id: str, wish: TokenWish) -> Minted:
        """A token for the person's own active grant. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        await self._take_over()
        until = self._signer.keys.until
        if until is not None and self._clock() >= until:
            await self.take_keys()
        async with self._store.change() as change:
            now = self._clock()
            grant = await self._office.visible_grant(change, person, grant_id)
            terms = self._office.terms(grant.role)
            about = about_grant(grant, "token-minted", person.name)
            self._office.permit(person, Action.TOKEN, GrantFor(grant, terms), about)
            fitting = bindings.fitting(wish, terms.token if terms else TokenTerms())
            token = grants.token_for(
                grant, token_id=f"tok_{secrets.token_hex(12)}", now=now, wish=fitting, key=self._signer.keys.current
            )
            await change.add_token(token)
            text = self._signer.mint(
                token_id=token.id,
                person=token.person,
                grant=grant.id,
                issued_at=now,
                ends_at=token.ends_at,
                certificate=token.certificate,
            )
            self._office.record(about_token(grant, token))
        return Minted(text, token, grant)

    async def verify(self, token: str) -> Claims:
        """The claims of a token with a good signature, in force now. Raises AdmissionRefused."""
        now = self._clock()
        try:
            return self._signer.verify(token, now=now)
        except AdmissionRefused as refused:
            if refused.cause != "token-key" or self._held is None or now - self._looked < LOOK_AGAIN:
                raise
            self._looked = now
        await self.take_keys()
        return self._signer.verify(token, now=now)

    async def tokens(self, person: Person, grant_id: str) -> tuple[IssuedToken, ...]:
        """Those of a grant that the person may see, newest first. Raises NotFound."""
        grant = await self._office.visible_grant(self._store, person, grant_id)
        return await self._store.tokens_of(grant.id)

    async def token(self, person: Person, token_id: str) -> IssuedToken:
        """One token of a grant that the person may see. Raises NotFound."""
        _, token = await self._visible(self._store, person, token_id)
        return token

    async def revoke(self, person: Person, token_id: str, *, reason: str) -> IssuedToken:
        """The token, revoked; the sessions that it opened end. Raises NotFound, NotPermitted, NotPossible, NotValid."""
        note = requests.plain_text(reason, "reason", required=True)
        async with self._store.change() as change:
            grant, token = await self._visible(change, person, token_id)
            fact = about_token(grant, token, "token-revoked", person.name, note)
            self._office.permit(person, Action.REVOKE, GrantFor(grant, self._office.terms(grant.role)), fact)
            if not await change.revoke_token(token.id, at=self._clock(), by=person.name, reason=note):
                raise NotPossible(
                    "token-revoked", f"the token {token.id} was revoked before", 'see "pgcurfew token list"'
                )
            self._office.record(fact)
            _, token = await self._visible(change, person, token_id)
        self._office.tell(GrantEnded(grant.id, "token-revoked", person.name, note, token=token.id))
        return token

    async def use(self, grant: Grant, token: IssuedToken) -> bool:
        """Write down that a single-use token has opened its session; False when another one was first."""
        async with self._store.change() as change:
            if not await change.use_token(token.id, at=self._clock()):
                return False
            self._office.record(about_token(grant, token, "token-used"))
        return True

    async def _visible(self, reader: AccessReader, person: Person, token_id: str) -> tuple[Grant, IssuedToken]:
        token = await reader.token(token_id)
        if token is not None:
            try:
                return await self._office.visible_grant(reader, person, token.grant), token
            except NotFound:
                pass
        raise NotFound("token", "there is no such token that you may see", 'see "pgcurfew token list"')
