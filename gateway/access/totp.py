"""The second factor: codes that change every 30 seconds (TOTP, RFC 6238), and codes for when the device is lost.

Pure: the time, the randomness and the key come in as arguments.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor.totp import TOTP

#: RFC 4226, section 4, R6: 160 bits.
SECRET_BYTES: Final = 20
STEP_SECONDS: Final = 30
DIGITS: Final = 6
#: How far the device's clock may be off, in steps (RFC 6238, section 5.2).
WINDOW: Final = 1
RECOVERY_CODES: Final = 8
RECOVERY_BYTES: Final = 10


class SecretBox:
    """Keeps the secrets of the second factor encrypted, each to its person; the key is in no store."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes or more."""
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"pgcurfew second factor").derive(key)
        self._cipher = AESGCM(derived)

    def seal(self, person: str, secret: bytes, nonce: bytes) -> str:
        """The secret as it is kept; `nonce` is 12 random bytes."""
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret, person.encode())).decode()

    def open(self, person: str, kept: str) -> bytes | None:
        """The secret; None when it was sealed with another key or for somebody else."""
        content = base64.b64decode(kept)
        try:
            return self._cipher.decrypt(content[:12], content[12:], person.encode())
        except InvalidTag:
            return None


def code_at(secret: bytes, seconds: float) -> str:
    """The code of that moment (seconds since 1970)."""
    # RFC 6238's default, which is what every authenticator knows; HMAC does not rest on SHA-1's collisions.
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS).generate(int(seconds)).decode()  # noqa: S303


def matching_step(secret: bytes, code: str, seconds: float, *, after: int) -> int | None:
    """The step whose code this is, within the window around `seconds` and later than `after`, the last
    step that was used; None when there is none."""
    now = int(seconds) // STEP_SECONDS
    found = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        same = hmac.compare_digest(code_at(secret, step * STEP_SECONDS).encode(), code.encode())
        if same and step > after and found is None:
            found = step
    return found


def otpauth(secret: bytes, *, person: str, issuer: str) -> str:
    """The address that authenticators take."""
    from urllib.parse import quote

    label = f"{quote(issuer, safe='')}:{quote(person, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={as_text(secret)}&issuer={quote(issuer, safe='')}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )


def as_text(secret: bytes) -> str:
    """The secret as people type it."""
    return base64.b32encode(secret).decode().rstrip("=")


def recovery_codes(entropy: bytes) -> tuple[str, ...]:
    """Codes of 80 bits each, from RECOVERY_CODES * RECOVERY_BYTES random bytes."""
    texts = (
        base64.b32encode(entropy[start : start + RECOVERY_BYTES]).decode().lower()
        for start in range(0, RECOVERY_CODES * RECOVERY_BYTES, RECOVERY_BYTES)
    )
    return tuple("-".join(text[start : start + 4] for start in range(0, 16, 4)) for text in texts)


def recovery_digest(person: str, code: str) -> str:
    """What is kept of a recovery code, however it was typed."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(f"{person}:{plain}".encode("utf-8", "surrogatepass")).hexdigest()


def recovery_digests(person: str, codes: Iterable[str]) -> tuple[str, ...]:
    """The same of several."""
    return tuple(recovery_digest(person, code) for code in codes)
