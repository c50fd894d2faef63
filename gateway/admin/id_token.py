"""An ID token: whether the provider said it, to us, now (OpenID Connect Core 1.0, section 3.1.3.7). Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import jwt
from jwt import PyJWK, PyJWKSet

from gateway.access.arrival import Arrival
from gateway.access.sign_in_models import Identity

#: By the kind of key: no HMAC and no "none", whatever the token's header says (RFC 8725, 3.1 and 3.2).
ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
LEEWAY_SECONDS: Final = 30
#: A token that was issued longer ago is not of this sign-in.
OLDEST_SECONDS: Final = 600
MAX_BYTES: Final = 32 * 1024
MAX_GROUPS: Final = 1000


class IdTokenRefused(Exception):
    """The token says nothing to us; the message says why, and holds nothing of it."""


class KeyUnknown(IdTokenRefused):
    """None of the provider's keys that we have made this signature; perhaps it has a new one."""


def keys_of(document: Any) -> tuple[PyJWK, ...]:
    """The keys of a JWK set that may sign. Raises IdTokenRefused."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise IdTokenRefused("the provider's keys cannot be read")
    usable = [
        key
        for key in document["keys"][:100]
        if isinstance(key, dict) and key.get("kty") in ALGORITHMS and key.get("use", "sig") == "sig" and "d" not in key
    ]
    try:
        return tuple(PyJWKSet.from_dict({"keys": usable}).keys) if usable else ()
    except (jwt.PyJWTError, ValueError, TypeError):
        raise IdTokenRefused("the provider's keys cannot be read") from None


def arrival_of(
    token: object,
    keys: Sequence[PyJWK],
    *,
    issuer: str,
    client_id: str,
    nonce: str | None,
    now: datetime,
    name_claim: str,
    groups_claim: str,
) -> Arrival:
    """Who came, by an ID token. `nonce` is what this sign-in began with; None for the device flow, which has
    none. Raises IdTokenRefused."""
    if not isinstance(token, str) or len(token) > MAX_BYTES:
        raise IdTokenRefused("there is no ID token, or it is too long")
    claims = _signed(token, keys, issuer=issuer, client_id=client_id)
    at = now.timestamp()
    if not claims["exp"] + LEEWAY_SECONDS > at:
        raise IdTokenRefused("the ID token is over")
    if not at - OLDEST_SECONDS <= claims["iat"] <= at + LEEWAY_SECONDS:
        raise IdTokenRefused("the ID token was not issued just now")
    if claims.get("nbf", at) > at + LEEWAY_SECONDS:
        raise IdTokenRefused("the ID token is not good yet")
    audience = claims["aud"]
    if ((isinstance(audience, list) and len(audience) > 1) or "azp" in claims) and claims.get("azp") != client_id:
        raise IdTokenRefused("the ID token was issued to another client")
    if nonce is not None and not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()):
        raise IdTokenRefused("the ID token is of another sign-in")
    subject = _text(claims, "sub")
    if not subject or len(subject) > 255 or not subject.isprintable():
        raise IdTokenRefused("the ID token names nobody")
    groups = claims.get(groups_claim)
    return Arrival(
        Identity(issuer, subject),
        _text(claims, name_claim),
        frozenset(one for one in groups[:MAX_GROUPS] if isinstance(one, str)) if isinstance(groups, list) else None,
        _text(claims, "email"),
        claims.get("email_verified") is True,
    )


def _signed(token: str, keys: Sequence[PyJWK], *, issuer: str, client_id: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        named = [key for key in keys if key.key_id == key_id] if key_id is not None else list(keys)
        # Keys that stand in the token or are named by an address in it are not looked at (RFC 8725, 3.10).
        if len(named) != 1:
            raise KeyUnknown("none of the provider's keys signed the ID token")
        key = named[0]
        if algorithm not in ALGORITHMS.get(key.key_type or "", ()):
            raise IdTokenRefused("the ID token is not signed as it has to be")
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[str(algorithm)],
            audience=client_id,
            issuer=issuer,
            # The times are looked at by the gateway's own clock.
            options={
                "require": ["iss", "aud", "sub", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise IdTokenRefused("the ID token is for somebody else") from None
    except jwt.InvalidIssuerError:
        raise IdTokenRefused("the ID token is another issuer's") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise IdTokenRefused("the ID token is not what the provider signed") from None
    if not all(type(claims[name]) in (int, float) for name in ("exp", "iat")):
        raise IdTokenRefused("the ID token has no times")
    if type(claims.get("nbf", 0)) not in (int, float):
        raise IdTokenRefused("the ID token has no times")
    return claims


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= 1000 else ""
