"""Signing in: by password and code, or on somebody else's word; and what a sign-in's secret opens.

Its one rule: a failure is counted before anything is compared, so that guessing side by side gains
nothing, and it costs and says the same whether or not there is such a person.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.access import totp
from gateway.access.errors import NotFound, NotPermitted, NotPossible, NotSignedIn, TooMany
from gateway.access.lockout import BY_ADDRESS, BY_PERSON, Lockout
from gateway.access.models import Person
from gateway.access.passwords import Passwords
from gateway.access.permissions import Action, Denied, Everything, may
from gateway.access.scopes import EVERY_SCOPE, Caller, Scope
from gateway.access.sign_in_models import Kind, LocalLogin, SignedIn, SignIn, SignInTerms
from gateway.access.sign_in_store import SignInChange, SignInStore
from gateway.audit.facts import AccessChanged

Clock = Callable[[], datetime]
Record = Callable[[AccessChanged], None]

#: What a secret begins with says which door it is for; the store is asked all the same.
PREFIXES: Final = {Kind.CLI: "pgs_", Kind.WEB: "pgw_", Kind.SERVICE: "pga_"}
_SECRET: Final = re.compile(r"pg[swa]_[A-Za-z0-9_-]{43}", re.ASCII)
#: What the API takes as a bearer's.
BEARER: Final = frozenset({Kind.CLI, Kind.SERVICE})
_WRONG: Final = "the name, the password or the code is wrong"
_HINT: Final = 'each code works once; an administrator can help with "pgcurfew user reset"'


@dataclass(frozen=True, slots=True)
class From:
    """Where somebody comes from: what is shown and recorded, and what one stranger can call from."""

    client: str
    network: str


class SignIns:
    """`box` keeps second factors; without one nobody signs in by password."""

    def __init__(
        self, store: SignInStore, clock: Clock, record: Record, terms: SignInTerms, box: totp.SecretBox | None
    ) -> None:
        self.store = store
        self.clock = clock
        self.record = record
        self.terms = terms
        self.box = box
        self.passwords = Passwords()
        #: The doors that are shut now, and recorded as such.
        self._noted: dict[str, datetime] = {}

    # Getting in

    async def with_password(self, name: str, password: str, code: str, came: From, kind: Kind) -> SignedIn:
        """A sign-in by name, password and code (of the device, or for recovery). Raises NotSignedIn,
        NotPermitted when locked, TooMany."""
        if self.box is None:
            raise NotPossible("no-passwords", "nobody signs in by password here", 'see "pgcurfew login --help"')
        keys = ((f"person:{_as_key(name)}", BY_PERSON), (f"address:{came.network}", BY_ADDRESS))
        await self._count(keys, name, came)
        login = await self.store.local_login(name)
        matches = await self.passwords.matches(password, login.password if login else None)
        async with self.store.change() as change:
            person = await change.person(name)
            second = False
            if person is not None and login is not None and matches and await change.local_login(name) is not None:
                second = await self._second_factor(change, login, code)
            if person is not None and second and not person.locked:
                await change.forget_attempts(keys[0][0])
                await self._take_back(change, keys[1][0])
                return await self.open(change, person, kind, how="password", came=came)
            why = "the account is locked" if second else "a wrong code" if matches else "a wrong password"
            self.refuse(person.name if person else "unknown", "password", why, came)
        if second:
            raise NotPermitted("person-locked", f'the account "{name}" is locked', "ask an administrator")
        raise NotSignedIn("sign-in", _WRONG, _HINT)

    async def open(
        self,
        change: SignInChange,
        person: Person,
        kind: Kind,
        *,
        how: str,
        came: From,
        scopes: frozenset[Scope] = EVERY_SCOPE,
        until: datetime | None = None,
        by: str = "",
    ) -> SignedIn:
        """A new sign-in of the person, with a secret that is always new. Recorded."""
        now = self.clock()
        ends_at = until or now + self.terms.session
        secret = PREFIXES[kind] + secrets.token_urlsafe(32)
        sign_in = SignIn(f"sin_{secrets.token_hex(6)}", person.name, kind, scopes, how, came.client, now, ends_at)
        await change.add_sign_in(digest_of(secret), sign_in)
        what = "service-token-minted" if kind is Kind.SERVICE else "signed-in"
        reason = f"from {came.client}" + (f", for {', '.join(sorted(scopes))}" if scopes != EVERY_SCOPE else "")
        self.record(
            AccessChanged(
                what=what,
                by=by or person.name,
                person=person.name,
                reason=reason,
                ends_at=ends_at.isoformat().replace("+00:00", "Z"),
                how=how,
            )
        )
        return SignedIn(secret, sign_in, person)

    def refuse(self, name: str, how: str, why: str, came: From) -> None:
        """Record that somebody did not get in. `name` is a person's, or "unknown": what was typed may be a password."""
        self.record(
            AccessChanged(what="sign-in-refused", by=name, person=name, reason=f"{why} from {came.client}", how=how)
        )

    async def throttle(self, came: From, how: str) -> None:
        """Count a try at a door that has no name to it. Raises TooMany."""
        await self._count(((f"address:{came.network}", BY_ADDRESS),), "", came, how)

    async def forgive(self, change: SignInChange, came: From) -> None:
        """The last try from there, counted by `throttle`, was a good one."""
        await self._take_back(change, f"address:{came.network}")

    # Being in

    async def caller(self, secret: str, kinds: frozenset[Kind] = BEARER) -> Caller | None:
        """Whose secret this is, as they are now, locked or not; None when nobody's, over, or of another door."""
        if not _SECRET.fullmatch(secret):
            return None
        found = await self.store.sign_in(digest_of(secret), kinds, self.clock())
        if found is None:
            return None
        sign_in, person = found
        return Caller(person, sign_in.scopes, sign_in.id)

    async def sign_out(self, caller: Caller) -> None:
        """End the sign-in that the call came with. Raises NotPossible for a long-lived credential."""
        if not caller.sign_in:
            raise NotPossible(
                "credential", "a long-lived credential is not signed out of", 'an administrator can "user renew" it'
            )
        await self._end(caller.person.name, caller.person.name, caller.sign_in)

    async def of(self, person: Person, name: str) -> tuple[SignIn, ...]:
        """The sign-ins of a person: one's own, or an administrator's look. Raises NotPermitted."""
        self._own_or_administered(person, name)
        return await self.store.sign_ins(name, self.clock())

    async def end(self, person: Person, name: str, sign_in: str) -> None:
        """End one sign-in of a person. Raises NotPermitted, NotFound."""
        self._own_or_administered(person, name)
        if sign_in not in {one.id for one in await self.store.sign_ins(name, self.clock())}:
            raise NotFound("sign-in", "there is no such sign-in", 'see "pgcurfew user sign-ins"')
        await self._end(person.name, name, sign_in)

    async def tidy(self) -> None:
        """Forget what is long over."""
        now = self.clock()
        self._noted = {key: until for key, until in self._noted.items() if until > now}
        async with self.store.change() as change:
            await change.tidy_sign_ins(now)

    # Within

    async def _second_factor(self, change: SignInChange, login: LocalLogin, code: str) -> bool:
        assert self.box is not None
        secret = self.box.open(login.person, login.totp)
        plain = code.replace(" ", "")
        if secret is not None and len(plain) == totp.DIGITS and plain.isascii() and plain.isdigit():
            step = totp.matching_step(secret, plain, self.clock().timestamp(), after=login.last_step)
            return step is not None and await change.use_step(login.person, step)
        return await change.use_recovery_code(login.person, totp.recovery_digest(login.person, code))

    async def _count(self, keys: tuple[tuple[str, Lockout], ...], name: str, came: From, how: str = "password") -> None:
        """One more try under each key, as if it had failed; nothing is counted at a door that is shut."""
        now = self.clock()
        async with self.store.change() as change:
            before = [(key, lockout, await change.attempts(key)) for key, lockout in keys]
            shut, which = max(
                ((attempts.shut_for(now), key) for key, _, attempts in before if attempts is not None),
                default=(0, ""),
            )
            if not shut:
                for key, lockout, attempts in before:
                    await change.put_attempts(key, lockout.after_one_more(attempts, now))
                return
            if self._noted.get(which, now) <= now:
                known = await change.person(name) if name else None
                who = known.name if known else "unknown"
                self.refuse(who, how, f"too many failures, shut for {shut} seconds,", came)
        if len(self._noted) < 10_000:
            self._noted[which] = now + timedelta(seconds=shut)
        raise TooMany("too-many-failures", "too many failed sign-ins", f"wait {shut} seconds", seconds=shut)

    async def _take_back(self, change: SignInChange, key: str) -> None:
        """Uncount one try: others from the same address may have failed for good."""
        if attempts := await change.attempts(key):
            await change.put_attempts(key, replace(attempts, failures=max(0, attempts.failures - 1)))

    def _own_or_administered(self, person: Person, name: str) -> None:
        if person.name == name and not person.locked:
            return
        if isinstance(answer := may(person, Action.ADMINISTER, Everything()), Denied):
            raise NotPermitted("not-permitted", answer.reason)

    async def _end(self, by: str, name: str, sign_in: str) -> None:
        async with self.store.change() as change:
            if await change.end_sign_in(sign_in):
                self.record(AccessChanged(what="signed-out", by=by, person=name, reason=sign_in))


def digest_of(secret: str) -> str:
    """What is kept of a secret of 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _as_key(name: str) -> str:
    """What was typed as a name, so that it can be counted: a name stands as it is, anything else as its digest."""
    return name if len(name) <= 63 and name.isascii() and name.isprintable() else digest_of(name)[:32]
