"""Signing in by the identity provider: out to it with a browser and back, or by a code on another device."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from gateway.access.arrival import Arrival, Arrivals
from gateway.access.errors import AccessRefused, NotPossible, NotSignedIn
from gateway.access.sign_in import From, SignIns, digest_of
from gateway.access.sign_in_models import Kind, PendingSignIn, SignedIn
from gateway.access.totp import SecretBox
from gateway.admin.id_token import IdTokenRefused
from gateway.admin.provider import DeviceCode, Provider, ProviderFailed, ProviderRefused

log = structlog.get_logger(__name__)

#: How long somebody may stay at the provider.
AWAY: Final = timedelta(minutes=10)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Began:
    """A sign-in on another device: our secret to wait with, and what the person is shown."""

    device: str
    code: DeviceCode


class ProviderDoors:
    """What goes out is kept under the digest of its secret, comes back once, and to the same browser."""

    def __init__(self, sign_ins: SignIns, arrivals: Arrivals, provider: Provider) -> None:
        self._sign_ins = sign_ins
        self.arrivals = arrivals
        self.provider = provider

    async def leave(self, cookie: str, came: From) -> str:
        """The provider's address for the browser that holds this cookie. Raises TooMany, NotPossible."""
        await self._sign_ins.throttle(came, "oidc")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        address = await self._asked(self.provider.address(state=state, nonce=nonce, verifier=verifier), "oidc", came)
        values = {"nonce": nonce, "verifier": verifier}
        pending = PendingSignIn("code", digest_of(cookie), values, self._sign_ins.clock() + AWAY)
        async with self._sign_ins.store.change() as change:
            await change.put_pending(digest_of(state), pending)
        return address

    async def come_back(self, cookie: str, *, state: str, code: str, issuer: str, came: From) -> SignedIn:
        """Who came back from the provider. `issuer` is its `iss` parameter, if it sends one (RFC 9207).
        Raises NotSignedIn, NotPermitted, NotPossible, TooMany."""
        async with self._sign_ins.store.change() as change:
            pending = await change.take_pending(digest_of(state), "code", self._sign_ins.clock())
        if pending is None or pending.bound_to != digest_of(cookie):
            # Who left was counted then; anybody else could fill the record from here.
            await self._sign_ins.throttle(came, "oidc")
            raise self._refused("oidc", "a sign-in that was not begun here, or was before, or is over", came)
        if issuer not in ("", self.provider.issuer):
            raise self._refused("oidc", "an answer of another issuer", came)
        verifier, nonce = pending.values["verifier"], pending.values["nonce"]
        arrival = await self._asked(self.provider.redeem(code, verifier=verifier, nonce=nonce), "oidc", came)
        return await self._let_in(arrival, came, Kind.WEB, "oidc")

    async def gone(self, state: str, why: str, came: From) -> None:
        """The provider sent the person back without a code. Raises TooMany."""
        async with self._sign_ins.store.change() as change:
            pending = await change.take_pending(digest_of(state), "code", self._sign_ins.clock())
        if pending is None:
            await self._sign_ins.throttle(came, "oidc")
        self._sign_ins.refuse("unknown", "oidc", f"the identity provider said no ({why})", came)

    async def begin_device(self, came: From) -> Began:
        """A code to confirm on another device. Raises TooMany, NotPossible."""
        await self._sign_ins.throttle(came, "device")
        code = await self._asked(self.provider.begin_device(), "device", came)
        device = secrets.token_urlsafe(32)
        # The provider's code opens with our secret alone, which only the one who waits has.
        sealed = SecretBox(device.encode()).seal("device", code.device_code.encode(), secrets.token_bytes(12))
        ends_at = self._sign_ins.clock() + timedelta(seconds=code.seconds)
        pending = PendingSignIn("device", "", {"code": sealed}, ends_at)
        async with self._sign_ins.store.change() as change:
            await change.put_pending(digest_of(device), pending)
        return Began(device, code)

    async def wait_device(self, device: str, came: From) -> SignedIn | None:
        """Who confirmed; None: nobody yet. Raises NotSignedIn, NotPermitted, NotPossible."""
        digest, now = digest_of(device), self._sign_ins.clock()
        pending = await self._sign_ins.store.pending(digest, "device", now)
        code = None if pending is None else SecretBox(device.encode()).open("device", pending.values["code"])
        if code is None:
            raise NotSignedIn("device", "this sign-in was not begun here, was used, or is over", "begin again")
        try:
            arrival = await self._asked(self.provider.wait_device(code.decode()), "device", came)
        except NotSignedIn:
            # What was refused stays so, and is recorded once.
            async with self._sign_ins.store.change() as change:
                await change.take_pending(digest, "device", now)
            raise
        if arrival is None:
            return None
        async with self._sign_ins.store.change() as change:
            if await change.take_pending(digest, "device", now) is None:
                raise NotSignedIn("device", "this sign-in was used", "begin again")
        return await self._let_in(arrival, came, Kind.CLI, "device")

    async def _let_in(self, arrival: Arrival, came: From, kind: Kind, how: str) -> SignedIn:
        async with self._sign_ins.store.change() as change:
            found = await self.arrivals.let_in(change, arrival, came, kind, how)
            if isinstance(found, SignedIn):
                await self._sign_ins.forgive(change, came)
        if isinstance(found, AccessRefused):
            raise found
        return found

    async def _asked(self, asked: Awaitable[_T], how: str, came: From) -> _T:
        try:
            return await asked
        except ProviderFailed as error:
            log.error("oidc.failed", reason=str(error))
            raise NotPossible("provider", str(error), "try again; tell an administrator if it stays so") from error
        except ProviderRefused as refused:
            why = f"the identity provider said no ({refused.code})"
            raise self._refused(how, why, came) from None
        except IdTokenRefused as refused:
            raise self._refused(how, str(refused), came) from None

    def _refused(self, how: str, why: str, came: From) -> NotSignedIn:
        self._sign_ins.refuse("unknown", how, why, came)
        return NotSignedIn("provider", f"you are not signed in: {why}", "begin again")
