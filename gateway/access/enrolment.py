"""How somebody comes by a password: an invitation, once and soon; a second factor; a few codes for bad days."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.access import totp
from gateway.access.errors import NotFound, NotPossible, NotSignedIn, NotValid
from gateway.access.passwords import fitting_password
from gateway.access.sign_in import From, SignIns, digest_of
from gateway.access.sign_in_models import Invitation, Kind, LocalLogin, SignedIn
from gateway.access.sign_in_store import SignInChange, SignInReader
from gateway.audit.facts import AccessChanged

PREFIX: Final = "pgi_"
_INVITATION: Final = re.compile(r"pgi_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Offered:
    """A second factor to put into an authenticator."""

    person: str
    ends_at: datetime
    secret: str = field(repr=False)
    otpauth: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Somebody who can sign in from now on, and did."""

    signed_in: SignedIn
    recovery: tuple[str, ...] = field(repr=False)


async def invite(change: SignInChange, *, by: str, name: str, now: datetime, life: timedelta) -> tuple[str, Invitation]:
    """A new invitation and its secret; earlier ones are void. Raises NotFound, NotPossible. The caller records."""
    person = await change.person(name)
    if person is None:
        raise NotFound("person", "there is no such person", 'see "pgcurfew user list"')
    if person.service:
        raise NotPossible(
            "service", f'"{name}" is a service account, which has no password', 'give it a token: "pgcurfew user token"'
        )
    if person.locked:
        raise NotPossible("person-locked", f'the account "{name}" is locked', "unlock it first")
    secret = PREFIX + secrets.token_urlsafe(32)
    invitation = Invitation(name, by, now + life)
    await change.put_invitation(digest_of(secret), invitation)
    return secret, invitation


def about_invitation(invitation: Invitation) -> AccessChanged:
    """That somebody was invited, as the record words it."""
    ends_at = invitation.ends_at.isoformat().replace("+00:00", "Z")
    return AccessChanged(what="invited", by=invitation.made_by, person=invitation.person, ends_at=ends_at)


class Enrolment:
    """The two steps of whoever holds an invitation."""

    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins

    async def begin(self, secret: str, came: From) -> Offered:
        """A second factor to take; the invitation stays good. Raises NotSignedIn, TooMany, NotPossible."""
        box = self._box()
        await self._sign_ins.throttle(came, "invitation")
        now = self._sign_ins.clock()
        async with self._sign_ins.store.change() as change:
            invitation = await self._invitation(change, secret, now)
            if invitation is not None:
                factor = secrets.token_bytes(totp.SECRET_BYTES)
                sealed = box.seal(invitation.person, factor, secrets.token_bytes(12))
                await change.offer(digest_of(secret), sealed)
                await self._sign_ins.forgive(change, came)
                address = totp.otpauth(factor, person=invitation.person, issuer=self._sign_ins.terms.issuer)
                return Offered(invitation.person, invitation.ends_at, totp.as_text(factor), address)
            self._sign_ins.refuse("unknown", "invitation", "no invitation that is good now", came)
        raise _no_invitation()

    async def confirm(self, secret: str, password: str, code: str, came: From, kind: Kind) -> Enrolled:
        """Take the password, and the second factor once it has shown a code. Earlier sign-ins of the person end.
        Raises as `begin`, and NotValid."""
        box = self._box()
        await self._sign_ins.throttle(came, "invitation")
        now = self._sign_ins.clock()
        # Nothing is hashed for whoever has no invitation.
        invitation = await self._invitation(self._sign_ins.store, secret, now)
        kept = None
        if invitation is not None:
            kept = await self._sign_ins.passwords.hash(fitting_password(password, invitation.person))
        async with self._sign_ins.store.change() as change:
            invitation = await self._invitation(change, secret, now)
            if invitation is None or kept is None:
                self._sign_ins.refuse("unknown", "invitation", "no invitation that is good now", came)
            else:
                factor = box.open(invitation.person, invitation.totp) if invitation.totp else None
                if factor is None:
                    raise NotPossible("second-factor", "no second factor was taken yet", "begin again")
                step = totp.matching_step(factor, code.replace(" ", ""), now.timestamp(), after=0)
                if step is not None:
                    return await self._enrol(change, secret, invitation, kept, step, came, kind)
        if invitation is None:
            raise _no_invitation()
        raise NotValid("code", "the code is not the one of this moment", "is the clock of the device right?")

    async def _enrol(
        self,
        change: SignInChange,
        secret: str,
        invitation: Invitation,
        kept: str,
        step: int,
        came: From,
        kind: Kind,
    ) -> Enrolled:
        person = await change.person(invitation.person)
        assert person is not None, "an invitation is a person's"
        codes = totp.recovery_codes(secrets.token_bytes(totp.RECOVERY_CODES * totp.RECOVERY_BYTES))
        await change.use_invitation(digest_of(secret))
        await change.end_sign_ins(person.name)
        login = LocalLogin(person.name, kept, invitation.totp, step)
        await change.put_local_login(login, totp.recovery_digests(person.name, codes))
        await change.forget_attempts(f"person:{person.name}")
        await self._sign_ins.forgive(change, came)
        self._sign_ins.record(
            AccessChanged(what="enrolled", by=person.name, person=person.name, reason=f"from {came.client}")
        )
        signed_in = await self._sign_ins.open(change, person, kind, how="invitation", came=came)
        return Enrolled(signed_in, codes)

    async def _invitation(self, reader: SignInReader, secret: str, now: datetime) -> Invitation | None:
        if not _INVITATION.fullmatch(secret):
            return None
        invitation = await reader.invitation(digest_of(secret), now)
        if invitation is None:
            return None
        person = await reader.person(invitation.person)
        return invitation if person is not None and not person.locked else None

    def _box(self) -> totp.SecretBox:
        if self._sign_ins.box is None:
            raise NotPossible("no-passwords", "nobody signs in by password here", "sign in as your company does")
        return self._sign_ins.box


def _no_invitation() -> NotSignedIn:
    return NotSignedIn(
        "invitation", "the invitation is not known here, was used, or is over", "ask an administrator for a new one"
    )
