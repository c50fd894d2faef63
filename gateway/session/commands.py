"""What the relay asks its surroundings to do, in the order in which it must be done.

`Record` stands before the `SendToUpstream` that it is about: law 1 is the order of a list.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.audit.facts import Fact
from gateway.session.judge import Judge


@dataclass(frozen=True, slots=True)
class Record:
    """Write these down; if that fails, nothing that follows may happen."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class SendToUpstream:
    data: bytes


@dataclass(frozen=True, slots=True)
class SendToClient:
    data: bytes


@dataclass(frozen=True, slots=True)
class CancelUpstream:
    """Cancel what the upstream is running, by a CancelRequest on a connection of its own."""


@dataclass(frozen=True, slots=True)
class RefreshCatalog:
    """A name is unknown: look again, then call `catalog_refreshed`. The client waits."""


@dataclass(frozen=True, slots=True)
class JudgeAside:
    """This text is long: have it judged in the other process, then call `judged`. The client waits."""

    judge: Judge
    sql: bytes


@dataclass(frozen=True, slots=True)
class EndSession:
    """Close both sides. `cause` as in facts.SessionClosed."""

    cause: str
    detail: str = ""


Command = Record | SendToUpstream | SendToClient | CancelUpstream | RefreshCatalog | JudgeAside | EndSession
