"""What the relay asks its surroundings to do, in the order in which it must be done.

`Record` stands before the `SendToUpstream` that it is about: law 1 is the order of a list. Structs, because
four of them are made for each transaction (0.1 µs each, a frozen dataclass 0.4).
"""

from __future__ import annotations

import msgspec

from gateway.audit.facts import Fact
from gateway.session.judge import Judge


class Record(msgspec.Struct, frozen=True):
    """Write these down; if that fails, nothing that follows may happen."""

    facts: tuple[Fact, ...]


class RecordSoon(msgspec.Struct, frozen=True):
    """Outcomes of what is recorded already: write them with what is recorded next, or in a moment."""

    facts: tuple[Fact, ...]


class SendToUpstream(msgspec.Struct, frozen=True):
    data: bytes


class SendToClient(msgspec.Struct, frozen=True):
    data: bytes


class CancelUpstream(msgspec.Struct, frozen=True):
    """Cancel what the upstream is running, by a CancelRequest on a connection of its own."""


class RefreshCatalog(msgspec.Struct, frozen=True):
    """A name is unknown: look again, then call `catalog_refreshed`. The client waits."""


class JudgeAside(msgspec.Struct, frozen=True):
    """This text is long: have it judged in the other process, then call `judged`. The client waits."""

    judge: Judge
    sql: bytes


class EndSession(msgspec.Struct, frozen=True):
    """Close both sides. `cause` as in facts.SessionClosed."""

    cause: str
    detail: str = ""


Command = (
    Record | RecordSoon | SendToUpstream | SendToClient | CancelUpstream | RefreshCatalog | JudgeAside | EndSession
)
