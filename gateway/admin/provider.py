"""The company's identity provider, as we ask it: discovery, authorization code with PKCE, device flow.

OpenID Connect Core and Discovery 1.0, RFC 6749, 7636, 8628. Only https, no redirects followed, bounded
answers; secrets go to the token endpoint and nowhere else.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import structlog
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE

from config.oidc import Oidc
from gateway.access.arrival import Arrival
from gateway.admin.id_token import IdTokenRefused, KeyUnknown, arrival_of, keys_of

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS: Final = 10.0
MAX_BYTES: Final = 512 * 1024
#: Discovery and keys are asked for again after so long; keys that are not known at once, but not more often than this.
FRESH_SECONDS: Final = 3600.0
AGAIN_SECONDS: Final = 30.0


class ProviderFailed(Exception):
    """The provider cannot be asked, or its answer is none; the message is for the log and the person."""


class ProviderRefused(Exception):
    """The provider said no. `code` is its word for it (RFC 6749, 5.2; RFC 8628, 3.5)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """RFC 8628, 3.2."""

    device_code: str = field(repr=False)
    user_code: str
    address: str
    address_with_code: str
    interval: int
    seconds: int


class Provider:
    """One provider. `clock` tells the time that tokens are compared with."""

    def __init__(self, settings: Oidc, redirect_uri: str, clock: Callable[[], datetime]) -> None:
        assert settings.issuer is not None
        assert settings.client_id is not None
        self.settings = settings
        self.issuer = settings.issuer
        self.client_id = settings.client_id
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._discovered: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, tuple[Any, ...]] | None = None

    async def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises ProviderFailed."""
        endpoint = await self._endpoint("authorization_endpoint")
        address: str = prepare_grant_uri(
            endpoint,
            client_id=self.client_id,
            response_type="code",
            redirect_uri=self._redirect_uri,
            scope=" ".join(self.settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return address

    async def origin(self) -> str:
        """Scheme and host of where browsers are sent. Raises ProviderFailed."""
        parts = urlsplit(await self._endpoint("authorization_endpoint"))
        return f"{parts.scheme}://{parts.netloc}"

    async def redeem(self, code: str, *, verifier: str, nonce: str) -> Arrival:
        """Who came back with this code. Raises ProviderFailed, ProviderRefused, IdTokenRefused."""
        answer = await self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "code_verifier": verifier,
            }
        )
        return await self._arrival(answer, nonce)

    async def begin_device(self) -> DeviceCode:
        """A code to confirm on another device. Raises ProviderFailed, ProviderRefused."""
        endpoint = await self._endpoint("device_authorization_endpoint")
        answer = await self._post(endpoint, {"scope": " ".join(self.settings.scopes)})
        address, complete = answer.get("verification_uri"), answer.get("verification_uri_complete", "")
        texts = (answer.get("device_code"), answer.get("user_code"), address, complete)
        times = (answer.get("interval", 5), answer.get("expires_in"))
        if not all(isinstance(text, str) and text.isprintable() for text in texts) or not all(
            type(seconds) is int and seconds > 0 for seconds in times
        ):
            raise ProviderFailed("the identity provider's device code cannot be read")
        # They are shown to a person, and opened.
        for shown in filter(None, (address, complete)):
            _https(str(shown))
        return DeviceCode(
            str(texts[0]),
            str(texts[1]),
            str(address),
            str(complete),
            min(int(times[0] or 5), 60),
            min(int(times[1] or 0), 1800),
        )

    async def wait_device(self, device_code: str) -> Arrival | None:
        """Who confirmed; None: nobody yet. Raises ProviderFailed, ProviderRefused, IdTokenRefused."""
        try:
            answer = await self._token({"grant_type": DEVICE_CODE_GRANT_TYPE, "device_code": device_code})
        except ProviderRefused as refused:
            if refused.code in ("authorization_pending", "slow_down"):
                return None
            raise
        return await self._arrival(answer, None)

    async def has_device_flow(self) -> bool:
        """Whether it confirms on another device; False also when it cannot be asked now."""
        try:
            return "device_authorization_endpoint" in await self._discover()
        except ProviderFailed as error:
            log.warning("oidc.unreachable", reason=str(error))
            return False

    async def _arrival(self, answer: Mapping[str, Any], nonce: str | None) -> Arrival:
        for again in (False, True):
            try:
                return arrival_of(
                    answer.get("id_token"),
                    await self._signing_keys(again),
                    issuer=self.issuer,
                    client_id=self.client_id,
                    nonce=nonce,
                    now=self._clock(),
                    name_claim=self.settings.name_claim,
                    groups_claim=self.settings.groups_claim,
                )
            except KeyUnknown:
                if again:
                    raise
        raise AssertionError("the second time raises or returns")

    async def _signing_keys(self, again: bool) -> tuple[Any, ...]:
        now = time.monotonic()
        if self._keys is None or now - self._keys[0] > (AGAIN_SECONDS if again else FRESH_SECONDS):
            self._keys = (now, keys_of(await self._get(await self._endpoint("jwks_uri"))))
        return self._keys[1]

    async def _discover(self) -> dict[str, Any]:
        now = time.monotonic()
        if self._discovered is None or now - self._discovered[0] > FRESH_SECONDS:
            document = await self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            # OpenID Connect Discovery, 4.3: otherwise one provider could speak for another.
            if document.get("issuer") != self.issuer:
                raise ProviderFailed("the identity provider says that it is another issuer")
            self._discovered = (now, document)
        return self._discovered[1]

    async def _endpoint(self, name: str) -> str:
        address = (await self._discover()).get(name)
        if not isinstance(address, str):
            raise ProviderFailed(f"the identity provider has no {name}")
        return _https(address)

    async def _token(self, form: dict[str, str]) -> dict[str, Any]:
        return await self._post(await self._endpoint("token_endpoint"), form)

    async def _post(self, address: str, form: dict[str, str]) -> dict[str, Any]:
        """As this client: by client_secret_basic, or by its id alone (RFC 6749, 2.3.1)."""
        secret = self.settings.client_secret
        if secret is None:
            return await self._ask("POST", address, data=form | {"client_id": self.client_id})
        login = httpx.BasicAuth(quote(self.client_id, safe=""), quote(secret.read().decode(), safe=""))
        return await self._ask("POST", address, data=form, auth=login)

    async def _get(self, address: str) -> dict[str, Any]:
        return await self._ask("GET", address)

    async def _ask(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        content = bytearray()
        try:
            async with (
                httpx.AsyncClient(verify=self._trust(), timeout=TIMEOUT_SECONDS, follow_redirects=False) as client,
                client.stream(method, address, headers={"Accept": "application/json"}, **options) as response,
            ):
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise ProviderFailed("the identity provider's answer is too long")
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            raise ProviderFailed(f"the identity provider cannot be reached: {type(error).__name__}") from error
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ProviderFailed(f"the identity provider answered {response.status_code} and no JSON")
        if response.status_code != 200:
            code = answer.get("error")
            if response.status_code in (400, 401, 403) and isinstance(code, str):
                raise ProviderRefused(code[:100] if code.isprintable() else "?")
            raise ProviderFailed(f"the identity provider answered {response.status_code}")
        return answer

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=None if self.settings.ca is None else str(self.settings.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _https(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise ProviderFailed("the identity provider names an address that is not https")
    return address


__all__ = ["DeviceCode", "IdTokenRefused", "Provider", "ProviderFailed", "ProviderRefused"]
