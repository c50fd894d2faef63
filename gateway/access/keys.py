"""Signing keys by id: Ed25519 only, so that a token's header has nothing to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class KeyNotUsable(ValueError):
    """The key is not an unencrypted PEM Ed25519 private key. The message never holds any of it."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that signs, and all that are believed, by the id in a token's `kid`."""

    current: str
    signing: Ed25519PrivateKey = field(repr=False)
    believed: Mapping[str, Ed25519PublicKey] = field(repr=False)

    @classmethod
    def from_pem(cls, pem: bytes, *, key_id: str, believed: Mapping[str, Ed25519PublicKey] | None = None) -> KeyRing:
        """A ring with the key of `pem` under `key_id`, and older keys that are still believed.
        Raises KeyNotUsable."""
        signing = private_key(pem)
        return cls(key_id, signing, {**(believed or {}), key_id: signing.public_key()})


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """The Ed25519 private key in `pem`. Raises KeyNotUsable."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise KeyNotUsable("the signing key is not an unencrypted private key in PEM (PKCS #8)") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyNotUsable("the signing key is not an Ed25519 key")
    return key
