"""What alert rules look at. Sights hold names, counts and addresses; never a statement's text."""

from __future__ import annotations

import msgspec


class Who(msgspec.Struct, frozen=True):
    """Whose session it is."""

    session: str
    person: str
    role: str
    target: str
    grant: str
    #: The client's address without its port.
    address: str


class Sight(msgspec.Struct, frozen=True, tag=True):
    """Base of all sights."""


class Came(Sight, frozen=True, tag=True):
    """A session began."""

    who: Who


class WasRefused(Sight, frozen=True, tag=True):
    """A statement was refused."""

    who: Who
    kind: str
    rule: str


class Used(Sight, frozen=True, tag=True):
    """What a session did since its last sight of this kind."""

    who: Who
    statements: int
    rows: int
    bytes: int
    lookups: int
    #: How often each kind of statement, and each relation, was used.
    kinds: dict[str, int]
    relations: dict[str, int]


class Tripped(Sight, frozen=True, tag=True):
    """The second lock ended a session."""

    who: Who


class EndsInTransaction(Sight, frozen=True, tag=True):
    """A grant is about to end, and its session has a transaction open."""

    who: Who
    seconds_left: int


class TurnedAway(Sight, frozen=True, tag=True):
    """A connection was refused at the door. `person` is empty unless a token said who it was."""

    cause: str
    person: str
    address: str


class SignInFailed(Sight, frozen=True, tag=True):
    """Somebody failed to sign in to the API."""

    person: str
    address: str


class GlassBroken(Sight, frozen=True, tag=True):
    """Somebody took access without an approval."""

    person: str
    role: str
    target: str
    grant: str
    reason: str


class RecordTrouble(Sight, frozen=True, tag=True):
    """The record cannot be written."""

    cause: str


AnySight = (
    Came | WasRefused | Used | Tripped | EndsInTransaction | TurnedAway | SignInFailed | GlassBroken | RecordTrouble
)
