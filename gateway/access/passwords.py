"""Passwords: Argon2id (RFC 9106) with OWASP's figures, computed in threads and never in the event loop.

Its one rule: whoever asks about a name that is not there costs the gateway what a known name costs.
"""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gateway.access.errors import NotValid, TooMany

#: OWASP, Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
SHORTEST: Final = 12
LONGEST: Final = 256
#: Each costs 19 MiB and some 50 ms of a core; who comes when so many wait is sent away.
AT_ONCE: Final = 2
WAITING: Final = 50

P = ParamSpec("P")
T = TypeVar("T")


class Passwords:
    """Hashes and compares. `computed` counts how often Argon2id ran."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self.computed = 0
        #: What an unknown name's password is compared with; the password to it was never known.
        self._nobodys = _derive(os.urandom(32))

    async def hash(self, password: str) -> str:
        """What is kept of a password, in PHC format. Raises TooMany."""
        return await self._in_turn(_derive, _bytes(password))

    async def matches(self, password: str, kept: str | None) -> bool:
        """Whether the password is the one of which `kept` was kept; None is no one's, and takes as long.
        Raises TooMany."""
        same = await self._in_turn(_same, _bytes(password), kept or self._nobodys)
        return same and kept is not None

    async def _in_turn(self, compute: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        if self._waiting >= WAITING:
            raise TooMany("busy", "too many people sign in at this moment", "try again in a few seconds", seconds=5)
        self._waiting += 1
        try:
            async with self._turns:
                self.computed += 1
                return await asyncio.to_thread(compute, *arguments, **options)
        finally:
            self._waiting -= 1


def fitting_password(password: str, name: str) -> str:
    """A password that may be used. Raises NotValid, without ever repeating it."""
    length = len(unicodedata.normalize("NFKC", password))
    if not SHORTEST <= length <= LONGEST:
        raise NotValid(
            "password", f"a password has {SHORTEST} to {LONGEST} characters", "several words are good, and easy to keep"
        )
    lowered = password.lower()
    if name in lowered or "pgcurfew" in lowered or len(set(lowered)) < 6:
        raise NotValid(
            "password",
            "the password is easy to guess: it holds your name or the gateway's, or a few characters again and again",
            "several words are good, and easy to keep",
        )
    return password


def _bytes(password: str) -> bytes:
    # The same characters typed on another keyboard may be other code points (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password[: 4 * LONGEST]).encode("utf-8", "surrogatepass")


def _derive(password: bytes) -> str:
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)
    return kdf.derive_phc_encoded(password)


def _same(password: bytes, kept: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password, kept)
    except InvalidKey:
        return False
    return True
