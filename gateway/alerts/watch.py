"""One session's facts as sights. Every statement passes here, so it only adds up, and speaks once a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.alerts.sights import (
    AnySight,
    Came,
    EndsInTransaction,
    GlassBroken,
    SignInFailed,
    Tripped,
    TurnedAway,
    Used,
    WasRefused,
    Who,
)
from gateway.audit.facts import (
    AccessChanged,
    DoorRefused,
    ExpiryNoticed,
    Fact,
    SecondLockTripped,
    SessionClosed,
    SessionOpened,
    StatementEnded,
    StatementJudged,
)

#: How often a session that works says what it did (seconds).
TELL_SECONDS = 1.0
#: What clients ask of by themselves says nothing about a person.
SYSTEM = ("pg_catalog.", "information_schema.", "pg_toast.")
Tell = Callable[[AnySight], None]


class Eyes(Protocol):
    """Whatever looks at each fact of a session."""

    def saw(self, fact: Fact) -> None: ...


def who(opened: SessionOpened) -> Who:
    """Whose session this fact begins."""
    return Who(opened.session, opened.person, opened.role, opened.target, opened.grant, address_of(opened.client))


def address_of(client: str) -> str:
    """The address of "203.0.113.7:5432" or "[2001:db8::1]:5432"; what has no port stays as it is."""
    host, colon, port = client.rpartition(":")
    if not colon or not port.isdigit():
        return client
    return host.removeprefix("[").removesuffix("]")


def sight_of(fact: Fact) -> AnySight | None:
    """What alert rules see in a fact that belongs to no session."""
    match fact:
        case DoorRefused():
            # Only under a good token, and one of that user, is the name more than a claim.
            person = fact.user if fact.token and fact.cause != "user-mismatch" else ""
            return TurnedAway(fact.cause, person, address_of(fact.client))
        case AccessChanged(what="break-glass"):
            return GlassBroken(fact.person, fact.role, fact.target, fact.grant, fact.reason)
        case AccessChanged(what="sign-in-refused"):
            return SignInFailed(fact.person, fact.reason.rpartition(" from ")[2])
        case _:
            return None


class Watch:
    """Eyes on one session: `saw` each of its facts."""

    __slots__ = (
        "_bytes",
        "_clock",
        "_kinds",
        "_lookups",
        "_relations",
        "_rows",
        "_seen",
        "_statements",
        "_tell",
        "_told_at",
        "_transaction",
        "_who",
    )

    def __init__(self, opened: SessionOpened, tell: Tell, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, of any beginning."""
        self._who = who(opened)
        self._tell = tell
        self._clock = clock
        self._told_at = clock()
        self._statements = self._rows = self._bytes = self._lookups = 0
        self._kinds: dict[str, int] = {}
        self._relations: dict[str, int] = {}
        #: Relations that the rules have heard of in this session.
        self._seen: set[str] = set()
        self._transaction = "I"
        tell(Came(self._who))

    def saw(self, fact: Fact) -> None:
        """One more fact of the session."""
        match fact:
            case StatementJudged():
                self._judged(fact)
            case StatementEnded():
                self._rows += fact.rows
                self._bytes += fact.bytes
                self._transaction = fact.transaction
                if self._clock() - self._told_at >= TELL_SECONDS:
                    self._speak()
            case ExpiryNoticed():
                if self._transaction != "I":
                    self._tell(EndsInTransaction(self._who, fact.seconds_left))
            case SecondLockTripped():
                self._tell(Tripped(self._who))
            case SessionClosed():
                self._speak()
            case _:
                pass

    def close(self) -> None:
        """Nothing more comes."""
        self._speak()

    def _judged(self, fact: StatementJudged) -> None:
        if fact.verdict == "refused":
            self._tell(WasRefused(self._who, fact.kind, fact.rule))
            return
        if fact.how == "parse":
            return
        self._statements += 1
        self._lookups += len(fact.lookups)
        kinds = self._kinds
        kinds[fact.kind] = kinds.get(fact.kind, 0) + 1
        relations = self._relations
        fresh = False
        for relation in fact.relations:
            if relation.startswith(SYSTEM):
                continue
            relations[relation] = relations.get(relation, 0) + 1
            fresh = fresh or relation not in self._seen
        if fresh:
            # What is touched for the first time is told before its rows come.
            self._seen.update(relations)
            self._speak()

    def _speak(self) -> None:
        self._told_at = self._clock()
        if not (self._statements or self._rows or self._bytes):
            return
        used = Used(self._who, self._statements, self._rows, self._bytes, self._lookups, self._kinds, self._relations)
        self._statements = self._rows = self._bytes = self._lookups = 0
        self._kinds = {}
        self._relations = {}
        self._tell(used)


class Watched:
    """Two pairs of eyes."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: Eyes, second: Eyes) -> None:
        self._first = first
        self._second = second

    def saw(self, fact: Fact) -> None:
        """Both see it."""
        self._first.saw(fact)
        self._second.saw(fact)
