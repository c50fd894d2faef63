"""Salted keys of passwords that a server has proved to know: 4,096 rounds of SHA-256 are done once, not at each log-in.

RFC 5802, section 9, allows for it: a client may keep them instead of the password. They stay in this process.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from protocol.scram import Keys, salted_keys

#: A login has one salt; a few more while its password is changed, on several servers.
REMEMBERED = 32


class SaltedKeys:
    """The newest ones, under a password that is not kept itself."""

    __slots__ = ("_kept", "_pepper", "_worker")

    def __init__(self) -> None:
        #: One thread of its own: the count is the server's to choose, and others wait for the usual threads.
        self._worker: ThreadPoolExecutor | None = None
        self._kept: OrderedDict[tuple[bytes, bytes, int], Keys] = OrderedDict()
        self._pepper = secrets.token_bytes(32)

    def __len__(self) -> int:
        return len(self._kept)

    async def keys(self, password: str, salt: bytes, iterations: int) -> Keys:
        """The keys, remembered or computed beside the event loop."""
        found = self.recall(password, salt, iterations)
        if found is not None:
            return found
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "scram")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, salted_keys, password, salt, iterations)

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
        return blake2b(password.encode(), key=self._pepper, digest_size=32).digest(), salt, iterations
