"""What strangers may use up: lines of the record, guesses at cancel keys. All of it in bounded memory.
Time is in seconds, monotonic."""

from __future__ import annotations

import ipaddress

#: Refusals without a valid token that are recorded one by one, a minute.
RECORDED_A_MINUTE = 120
#: So many wrong cancel keys one address may show at once, and one more each second. Beyond that none of its
#: cancel requests is looked at. Clients whose session has just ended show a wrong one now and then.
GUESSES_AT_ONCE = 50
GUESSES_A_SECOND = 1.0
#: So many addresses are remembered. Who has more than these can go on guessing, at keys of 32 bits or
#: more beside a random number of 31.
REMEMBERED_ADDRESSES = 4096


class Strangers:
    """Counts the refusals of those who showed no token of ours. Of very many only some are recorded one
    by one, or they would fill the record's disk."""

    def __init__(self, most: int = RECORDED_A_MINUTE) -> None:
        self._most = most
        self._since = 0.0
        self._recorded = 0
        self._left_out = 0

    def another(self, now: float) -> int | None:
        """One more: None when it is not to be recorded, else how many before it were not."""
        if now - self._since >= 60:
            self._since = now
            self._recorded = 0
        if self._recorded >= self._most:
            self._left_out += 1
            return None
        self._recorded += 1
        left_out, self._left_out = self._left_out, 0
        return left_out


class Guesses:
    """Who showed how many wrong cancel keys of late."""

    def __init__(self, most: int = GUESSES_AT_ONCE, remembered: int = REMEMBERED_ADDRESSES) -> None:
        self._most = most
        self._remembered = remembered
        #: Address -> when it last guessed wrong, and how many then counted. The longest ago comes first.
        self._wrong: dict[str, tuple[float, float]] = {}

    def too_many(self, address: str, now: float) -> bool:
        """Has this address guessed so often that it is not listened to for the moment?"""
        return self._count(address, now) > self._most - 1

    def wrong(self, address: str, now: float) -> None:
        """This address showed a wrong key."""
        count = self._count(address, now) + 1
        self._wrong.pop(address, None)
        if len(self._wrong) >= self._remembered:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[address] = (now, count)

    def _count(self, address: str, now: float) -> float:
        last, count = self._wrong.get(address, (now, 0.0))
        return max(0.0, count - (now - last) * GUESSES_A_SECOND)

    def __len__(self) -> int:
        return len(self._wrong)


def neighbourhood(host: str) -> str:
    """What one stranger can call from: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
