"""Who is calling: a bearer credential (RFC 6750), checked before anything else is looked at.

Whoever is not known gets no further than /healthz and the API's description. Sign-ins and
refusals are recorded: the first call of a person from an address within an hour, and each
refusal up to the limit of that address.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access.scopes import EVERY_SCOPE, SERVICE_SCOPES, Caller
from gateway.access.service import Access
from gateway.access.sign_in import SignIns
from gateway.access.store import StoreUnavailable
from gateway.admin import answers
from gateway.admin.answers import Refused
from gateway.audit.journal import RecordUnavailable

_SIGN_IN: Final = 'sign in with "pgcurfew login"'


class Recently:
    """Counts per key within a window of seconds, for a bounded number of keys; the oldest go first."""

    def __init__(self, window: float, keys: int = 10_000) -> None:
        self._window = window
        self._keys = keys
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, key: str, now: float) -> int:
        """Count one more, and say how many there are in the window that began with the first."""
        began, seen = self._counts.pop(key, (now, 0))
        if now - began >= self._window:
            began, seen = now, 0
        self._counts[key] = (began, seen + 1)
        while len(self._counts) > self._keys:
            self._counts.popitem(last=False)
        return seen + 1

    def left(self, key: str, now: float) -> float:
        """Seconds until the key's window ends."""
        began, _ = self._counts.get(key, (now, 0))
        return max(0.0, began + self._window - now)


class SignIn:
    """ASGI middleware: puts the `Caller` into `request.state.caller`, or answers 401, 403 or 429.

    A credential has 256 bits, so guessing is hopeless; the limit keeps a guesser from filling
    the record, and it never keeps out who brings a good credential from the same address.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        monotonic: Callable[[], float],
        open_paths: frozenset[str],
        sign_ins: SignIns | None = None,
        failures_per_minute: int = 20,
    ) -> None:
        self._app = app
        self._access = access
        self._sign_ins = sign_ins
        self._monotonic = monotonic
        self._open_paths = open_paths
        self._limit = failures_per_minute
        self._failures = Recently(60.0)
        self._signed_in = Recently(3600.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if scope["path"] not in self._open_paths:
            try:
                request.state.caller = await self._caller(request)
            except (Refused, RecordUnavailable, StoreUnavailable) as error:
                response = await answers.on_error(request, error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _caller(self, request: Request) -> Caller:
        client = request.client.host if request.client else "unknown"
        headers = request.headers.getlist("authorization")
        if not headers:
            raise Refused(401, "not-signed-in", "a login credential is needed", _SIGN_IN)
        scheme, _, credential = headers[0].partition(" ")
        caller = None
        if len(headers) == 1 and scheme.lower() == "bearer":
            caller = await self._known(credential.strip())
        now = self._monotonic()
        if caller is None:
            self._count_failure(client, now, by="unknown", refused="unknown credential")
            raise Refused(401, "credential", "the login credential is not known here", _SIGN_IN)
        person = caller.person
        if person.locked:
            self._count_failure(client, now, by=person.name, refused="the account is locked")
            raise Refused(403, "person-locked", f'the account "{person.name}" is locked', "ask an administrator")
        # A sign-in was recorded when it was made; a long-lived credential is seen here first.
        if not caller.sign_in and self._signed_in.count(f"{person.name} {client}", now) == 1:
            self._access.note_sign_in(by=person.name, client=client)
        return caller

    async def _known(self, credential: str) -> Caller | None:
        """Whose credential this is, and what it is good for: a sign-in's secret or a long-lived one."""
        if self._sign_ins is not None and (caller := await self._sign_ins.caller(credential)) is not None:
            return caller
        person = await self._access.authenticate(credential)
        if person is None:
            return None
        return Caller(person, SERVICE_SCOPES if person.service else EVERY_SCOPE)

    def _count_failure(self, client: str, now: float, *, by: str, refused: str) -> None:
        if self._failures.count(client, now) > self._limit:
            wait = int(self._failures.left(client, now)) + 1
            raise Refused(429, "too-many-failures", "too many failed sign-ins", f"wait {wait} seconds")
        self._access.note_sign_in(by=by, client=client, refused=refused)
