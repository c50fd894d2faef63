"""The JWT that a person shows at the door in place of a password: minted and verified.

One algorithm (EdDSA, RFC 8037), one type, every claim required (RFC 7519, RFC 8725). The
libpq password prompt carries it (PostgreSQL manual 53.2.1, AuthenticationCleartextPassword).
Verification here asks nothing of the store; `Access.admit` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, cast

import jwt

from gateway.access.errors import AdmissionRefused, NotPossible
from gateway.access.keys import KeyRing

ALGORITHM: Final = "EdDSA"
TYPE: Final = "pgcurfew-session+jwt"
CLAIMS: Final = ("iss", "aud", "sub", "jti", "grant", "iat", "nbf", "exp")
#: The one claim that a token need not have: what its bearer has to prove (RFC 7800, 3; RFC 8705, 3.1).
CONFIRMATION: Final = "cnf"
THUMBPRINT: Final = "x5t#S256"
_KNOWN: Final = frozenset({*CLAIMS, CONFIRMATION})
_HEADERS: Final = frozenset({"alg", "typ", "kid"})
_TEXTS: Final = ("iss", "aud", "sub", "jti", "grant")
_TIMES: Final = ("iat", "nbf", "exp")
#: 9999-12-31T23:59:59Z, the last second that a datetime holds.
_LAST_SECOND: Final = 253_402_300_799

#: Tokens whose signature was found good and need not be verified again: people connect more than once.
_REMEMBERED: Final = 1024

FRESH: Final = 'run "pgcurfew token" for a fresh one and give it as the password'


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. Believed only after `TokenSigner.verify`."""

    token_id: str
    person: str
    grant: str
    issued_at: datetime
    ends_at: datetime
    #: The key that signed it, and the certificate that has to come with it.
    key: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Mints tokens and verifies them; both sides of one agreement."""

    issuer: str
    audience: str
    keys: KeyRing
    leeway_seconds: int = 0
    max_bytes: int = 4096
    #: By the token's SHA-256: what was said under a good signature of `keys`. Never whether it is in force.
    _good: dict[bytes, tuple[dict[str, object], Claims]] = field(default_factory=dict, repr=False, compare=False)

    def mint(
        self,
        *,
        token_id: str,
        person: str,
        grant: str,
        issued_at: datetime,
        ends_at: datetime,
        certificate: str = "",
    ) -> str:
        """The token's text. Times are cut to whole seconds, so it never lives longer than said. Raises NotPossible
        when no key may sign."""
        if self.keys.signing is None:
            raise NotPossible("no-key", "no key may sign tokens now", 'an administrator runs "pgcurfew keys rotate"')
        issued = int(issued_at.timestamp())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": person,
            "jti": token_id,
            "grant": grant,
            "iat": issued,
            "nbf": issued,
            "exp": int(ends_at.timestamp()),
        }
        if certificate:
            claims[CONFIRMATION] = {THUMBPRINT: certificate}
        return jwt.encode(
            claims, self.keys.signing, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": self.keys.current}
        )

    def verify(self, token: str, *, now: datetime) -> Claims:
        """The claims of a token that is ours, whole and valid at `now`. Raises AdmissionRefused
        (28P01), whose message says nothing about anybody until the signature was found good."""
        if len(token) > self.max_bytes:
            raise _refused("token-too-large", f"the token is longer than {self.max_bytes} bytes")
        if not token.strip():
            raise _refused("token-missing", "the password is empty; a pgcurfew token is expected")
        digest = sha256(token.encode("utf-8", "replace")).digest()
        good = self._good.get(digest)
        if good is None:
            claims, key_id = self._signed(token)
            good = claims, _shaped(claims, key_id)
            while len(self._good) >= _REMEMBERED:
                del self._good[next(iter(self._good))]
            self._good[digest] = good
        self._in_force(*good, now)
        return good[1]

    def _signed(self, token: str) -> tuple[dict[str, object], str]:
        """The claims, and whose key signed them, once header and signature are good; nothing in them is checked yet."""
        header = _header(token)
        if header.get("alg") != ALGORITHM:
            raise _refused("token-algorithm", "the token is not signed with EdDSA, the one algorithm accepted here")
        if header.get("typ") != TYPE:
            raise _refused("token-type", "this is not a session token")
        if not set(header) <= _HEADERS:
            raise _refused("token-malformed", "the token's header asks for something this gateway does not know")
        key_id = header.get("kid")
        if not isinstance(key_id, str) or (key := self.keys.believed.get(key_id)) is None:
            raise _refused("token-key", "the token was signed with a key that this gateway does not know")
        try:
            # Times, issuer and audience are compared below: with our clock, and with words of ours.
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                options={
                    "require": list(CLAIMS),
                    "verify_signature": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_iss": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.InvalidSignatureError:
            raise _refused("token-signature", "the token's signature is wrong: it was changed, or cut short") from None
        except jwt.MissingRequiredClaimError as missing:
            raise _refused("token-malformed", f'the token lacks the claim "{missing.claim}"') from None
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _refused("token-malformed", "the password is not a well-formed token") from None
        return cast(dict[str, object], claims), key_id

    def _in_force(self, claims: dict[str, object], found: Claims, now: datetime) -> None:
        if claims["iss"] != self.issuer:
            raise _refused("token-issuer", "the token was issued by somebody else", found)
        if claims["aud"] != self.audience:
            raise _refused("token-audience", "the token is meant for another gateway", found)
        leeway = timedelta(seconds=self.leeway_seconds)
        if now >= found.ends_at + leeway:
            raise _refused("token-expired", f"the token expired at {said(found.ends_at)}", found)
        begins = datetime.fromtimestamp(max(cast(int, claims["nbf"]), cast(int, claims["iat"])), UTC)
        if begins > now + leeway:
            raise _refused(
                "token-not-yet-valid",
                f"the token is not valid before {said(begins)}",
                found,
                hint="check this machine's clock, or wait until then",
            )


def said(at: datetime) -> str:
    """A time as people are told it: "2026-11-23 14:05:00 UTC"."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _header(token: str) -> dict[str, object]:
    if token.count(".") != 2 or not token.isascii():
        raise _refused("token-malformed", "the password is not a token", hint=f"a pgcurfew token is expected: {FRESH}")
    try:
        return cast(dict[str, object], jwt.get_unverified_header(token))
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _refused("token-malformed", "the password is not a well-formed token") from None


def _shaped(claims: dict[str, object], key_id: str) -> Claims:
    """Text claims are text, times are whole seconds; JSON would allow lists, floats and booleans. What we do not
    understand is refused."""
    if not set(claims) <= _KNOWN:
        raise _refused("token-malformed", "the token claims something that this gateway does not know")
    for name in _TEXTS:
        value = claims[name]
        if not isinstance(value, str) or not value:
            raise _refused("token-malformed", f'the token\'s claim "{name}" is not a text')
    for name in _TIMES:
        value = claims[name]
        if type(value) is not int or not 0 <= value <= _LAST_SECOND:
            raise _refused("token-malformed", f'the token\'s claim "{name}" is not a time')
    return Claims(
        token_id=cast(str, claims["jti"]),
        person=cast(str, claims["sub"]),
        grant=cast(str, claims["grant"]),
        issued_at=datetime.fromtimestamp(cast(int, claims["iat"]), UTC),
        ends_at=datetime.fromtimestamp(cast(int, claims["exp"]), UTC),
        key=key_id,
        certificate=_certificate(claims),
    )


def _certificate(claims: dict[str, object]) -> str:
    """The thumbprint in `cnf`; empty without one."""
    if CONFIRMATION not in claims:
        return ""
    match claims[CONFIRMATION]:
        case {"x5t#S256": str(thumbprint), **others} if thumbprint and not others:
            return thumbprint
        case _:
            raise _refused("token-malformed", "the token is bound to something that this gateway does not know")


def _refused(cause: str, message: str, known: Claims | None = None, *, hint: str = FRESH) -> AdmissionRefused:
    token_id, person = (known.token_id, known.person) if known else ("", "")
    return AdmissionRefused(cause, "28P01", message, hint, token_id=token_id, person=person)
