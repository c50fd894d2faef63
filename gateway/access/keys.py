"""The keys that sign tokens: Ed25519 only, so that a token's header has nothing to choose.

Public halves are in the store, so that every process and node believes the same; private ones are in files of the
gateway's. A key is added and published first, signs later, is then believed until the last token that it signed has
ended, and can be struck out at any moment. JWKS as in RFC 7517 and RFC 8037.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

#: What a key may be called: it is in headers, in tables and in file names.
KEY_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


class KeyNotUsable(ValueError):
    """The key is not an unencrypted PEM Ed25519 private key. The message never holds any of it."""


class KeyState(StrEnum):
    NEXT = "next"
    SIGNING = "signing"
    BELIEVED = "believed"
    OVER = "over"
    STRUCK = "struck"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What is kept of a key. `public` is as in a JWK: base64url of its 32 bytes."""

    id: str
    public: str
    added_at: datetime
    signs_from: datetime
    struck_at: datetime | None = None
    struck_by: str | None = None
    struck_reason: str | None = None
    #: When the last token that it signed ends.
    last_ends_at: datetime | None = None

    def jwk(self) -> dict[str, str]:
        """The public key as others read it (RFC 8037, 2)."""
        return {"kty": "OKP", "crv": "Ed25519", "x": self.public, "kid": self.id, "use": "sig", "alg": "EdDSA"}


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that signs (none, when every one that we hold was struck out), and all that are believed, by the id in a
    token's `kid`."""

    current: str
    signing: Ed25519PrivateKey | None = field(repr=False)
    believed: Mapping[str, Ed25519PublicKey] = field(repr=False)
    #: From then on another key signs.
    until: datetime | None = None

    @classmethod
    def from_pem(cls, pem: bytes, *, key_id: str, believed: Mapping[str, Ed25519PublicKey] | None = None) -> KeyRing:
        """A ring with the key of `pem` under `key_id`, and older keys that are still believed.
        Raises KeyNotUsable."""
        signing = private_key(pem)
        return cls(key_id, signing, {**(believed or {}), key_id: signing.public_key()})

    @classmethod
    def of(cls, keys: Sequence[SigningKey], held: Mapping[str, Ed25519PrivateKey], now: datetime) -> KeyRing:
        """The ring of these keys at `now`. Of those that are `held`, the one that began to sign last signs."""
        states = states_at(keys, now)
        able = sorted((key for key in keys if key.id in held and key.struck_at is None), key=_by_beginning)
        begun = [key for key in able if key.signs_from <= now]
        # Where all begin later, nobody waits for them: the first one signs.
        current = begun[-1].id if begun else able[0].id if able else ""
        return cls(
            current,
            held[current] if current else None,
            {key.id: public_key(key.public) for key in keys if states[key.id] in _BELIEVED or key.id == current},
            min((key.signs_from for key in able if key.signs_from > now), default=None),
        )


def states_at(keys: Sequence[SigningKey], now: datetime) -> Mapping[str, KeyState]:
    """What each key is at `now`."""
    begun = [key for key in keys if key.struck_at is None and key.signs_from <= now]
    signing = max(begun, key=_by_beginning, default=None)
    return {key.id: _state(key, signing, now) for key in keys}


def published(keys: Iterable[SigningKey], now: datetime) -> tuple[SigningKey, ...]:
    """Those that others should know: the one that signs, those to come, and those whose tokens have not ended."""
    known = tuple(keys)
    states = states_at(known, now)
    return tuple(key for key in known if states[key.id] in _BELIEVED)


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """The Ed25519 private key in `pem`. Raises KeyNotUsable."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise KeyNotUsable("the signing key is not an unencrypted private key in PEM (PKCS #8)") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyNotUsable("the signing key is not an Ed25519 key")
    return key


def public_key(text: str) -> Ed25519PublicKey:
    """The key of a JWK's `x`. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text + "="))


def public_text(key: Ed25519PublicKey) -> str:
    """The key as a JWK's `x`."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode("ascii")


_BELIEVED: Final = frozenset({KeyState.NEXT, KeyState.SIGNING, KeyState.BELIEVED})


def _by_beginning(key: SigningKey) -> tuple[datetime, str]:
    return key.signs_from, key.id


def _state(key: SigningKey, signing: SigningKey | None, now: datetime) -> KeyState:
    if key.struck_at is not None:
        return KeyState.STRUCK
    if signing is not None and key.id == signing.id:
        return KeyState.SIGNING
    if key.signs_from > now:
        return KeyState.NEXT
    if key.last_ends_at is not None and key.last_ends_at > now:
        return KeyState.BELIEVED
    return KeyState.OVER
