"""Strangers must not fill the record's disk: of refusals in great number only some are written one by one."""

from __future__ import annotations

#: Refusals without a valid token that are recorded one by one, a minute.
RECORDED_A_MINUTE = 120


class Strangers:
    """Counts the refusals of those who showed no token of ours. Time is in seconds, monotonic."""

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
