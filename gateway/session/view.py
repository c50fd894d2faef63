"""An open session as others see it, at this moment."""

from __future__ import annotations

import msgspec


class LiveView(msgspec.Struct, frozen=True):
    """Who, where, since when and until when, and what it does. Times are RFC 3339, UTC."""

    session: str
    person: str
    target: str
    role: str
    grant: str
    client: str
    since: str
    ends_at: str
    statements: int
    refused: int
    #: Of all statements that have ended.
    rows: int
    #: The kind of the statement that runs now, and for how long; "" and 0 when none does.
    running: str = ""
    running_seconds: float = 0.0
    transaction: str = "I"
