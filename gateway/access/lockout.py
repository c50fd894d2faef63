"""How long a door stays shut after failures: free at first, then twice as long each time.

Failures are counted by person (also names that are nobody's, so that a name tells nothing) and by
address, in the store, so a restart forgives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: After so long without a failure everything is forgotten.
FORGOTTEN_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is known of one key: failures in a row, the last one, and until when the door is shut."""

    failures: int
    last_at: datetime
    shut_until: datetime

    def shut_for(self, now: datetime) -> int:
        """Whole seconds, rounded up; 0: the door is open."""
        return max(0, -int((now - self.shut_until).total_seconds() // 1))


@dataclass(frozen=True, slots=True)
class Lockout:
    """`free` failures cost nothing; the next shuts the door for a second, each further one for twice as
    long, up to `longest`."""

    free: int
    longest: timedelta

    def after_one_more(self, before: Attempts | None, now: datetime) -> Attempts:
        """With one more failure, at `now`."""
        failures = 1
        if before is not None and now - before.last_at < FORGOTTEN_AFTER:
            failures = before.failures + 1
        beyond = failures - self.free
        wait = min(self.longest, timedelta(seconds=2 ** min(beyond - 1, 30))) if beyond > 0 else timedelta()
        return Attempts(failures, now, now + wait)


#: One person's password is guessed at.
BY_PERSON: Final = Lockout(5, timedelta(minutes=15))
#: One address tries many names. Many people may share one.
BY_ADDRESS: Final = Lockout(30, timedelta(minutes=15))
