"""Salted keys of passwords that a server has proved to know: 4,096 rounds of SHA-256 are done once, not at each log-in.

RFC 5802, section 9, allows for it: a client may keep them instead of the password. They stay in this process.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict

from protocol.scram import Keys

#: A login has one salt; a few more while its password is changed, on several servers.
REMEMBERED = 32


class SaltedKeys:
    """The newest ones, under a password that is not kept itself."""

    __slots__ = ("_kept", "_pepper")

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, bytes, int], Keys] = OrderedDict()
        self._pepper = secrets.token_bytes(32)

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, password: str, salt: bytes, iterations: int) -> Keys | None:
        """The keys, when they were remembered."""
        which = self._which(password, salt, iterations)
        keys = self._kept.get(which)
        if keys is not None:
            self._kept.move_to_end(which)
        return keys

    def remember(self, password: str, salt: bytes, iterations: int, keys: Keys) -> None:
        """Keep these, which the server has signed with; the one unused for longest makes room."""
        which = self._which(password, salt, iterations)
        self._kept[which] = keys
        self._kept.move_to_end(which)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def _which(self, password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes, int]:
        return hmac.digest(self._pepper, password.encode(), "sha256"), salt, iterations
