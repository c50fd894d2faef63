"""What can be asked of the index, and what it answers. Plain values; times are UTC, RFC 3339."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

By = Literal["day", "user", "relation", "column", "kind", "verdict", "rule", "target", "role"]
BYS: Final[tuple[By, ...]] = ("day", "user", "relation", "column", "kind", "verdict", "rule", "target", "role")

#: A page holds no more.
MOST: Final = 1000


class NotAsked(ValueError):
    """The question cannot be answered as it stands; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """Statements that have all of these; None asks for nothing. Names of relations and columns may leave the
    beginning out: "customers.email" finds "public.customers.email"."""

    person: str | None = None
    grant: str | None = None
    session: str | None = None
    target: str | None = None
    role: str | None = None
    relation: str | None = None
    column: str | None = None
    #: Of relation and column: True only written, False only read.
    written: bool | None = None
    kind: str | None = None
    verdict: str | None = None
    rule: str | None = None
    fingerprint: str | None = None
    sqlstate: str | None = None
    #: Words of the normalised text, all of them; a last "*" stands for any ending.
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One statement."""

    #: Its place in the order of time; a page goes on before one of these.
    id: int
    time: str
    session: str
    number: int
    #: Its line in the session's log.
    line: int
    person: str
    grant: str
    target: str
    role: str
    kind: str
    verdict: str
    text: str
    fingerprint: str
    rule: str = ""
    reason: str = ""
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    outcome: str = ""
    rows: int = 0
    bytes: int = 0
    microseconds: int = 0
    sqlstate: str = ""
    #: With an auditor's key: the client's own text, and its parameters.
    opened: bool = False
    parameters: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Affair:
    """Something about access: a request, an approval, a token, a connection that was refused."""

    time: str
    what: str
    by: str
    person: str
    request: str
    grant: str
    target: str
    role: str
    reason: str
    #: Where it is recorded: log and line.
    log: str
    line: int


@dataclass(frozen=True, slots=True)
class Count:
    """So many statements of a day, a person, a relation, …"""

    of: str
    statements: int


@dataclass(frozen=True, slots=True)
class Page:
    """Statements, the latest first. `before` asks for the next page; 0: there is none."""

    found: tuple[Found, ...]
    total: int
    before: int


@dataclass(frozen=True, slots=True)
class State:
    """How far the index has come."""

    #: When it last held all that the record did; "" before the first time.
    at: str
    statements: int
    sessions: int


#: What a question is made of where it is told in words: on the command line and in an address.
WORDS: Final = (
    "person", "grant", "session", "target", "role", "relation", "column", "access", "kind", "verdict", "rule",
    "fingerprint", "sqlstate", "text", "since", "until", "month",
)  # fmt: skip
#: What people and the timeline call it -> what the record does.
_VERDICTS: Final = {"masked": "rewritten"}


def question_of(words: Mapping[str, str], now: datetime) -> Question:
    """A question told in words (WORDS); `access` is "read" or "written". Raises NotAsked."""
    for word in words:
        if word not in WORDS:
            raise NotAsked(f"nothing is called {word!r} here: there are {', '.join(WORDS)}")
    since, until = (_moment(name, words[name]) if name in words else None for name in ("since", "until"))
    if "month" in words:
        if since is not None or until is not None:
            raise NotAsked("a month has its own since and until")
        since, until = month(words["month"], now)
    access = words.get("access")
    if access not in (None, "read", "written"):
        raise NotAsked('access is "read" or "written"')
    if access is not None and not ("relation" in words or "column" in words):
        raise NotAsked("read and written are of a relation or a column: say which")
    verdict = words.get("verdict")
    plain = ("person", "grant", "session", "target", "role", "relation", "column", "kind", "rule", "fingerprint")
    return Question(
        **{name: words[name] for name in (*plain, "text") if name in words},
        verdict=_VERDICTS.get(verdict, verdict) if verdict is not None else None,
        sqlstate=words["sqlstate"].upper() if "sqlstate" in words else None,
        written=None if access is None else access == "written",
        since=since,
        until=until,
    )


def by_of(word: str) -> By:
    """What to count by. Raises NotAsked."""
    for by in BYS:
        if by == word:
            return by
    raise NotAsked(f"statements are counted by {', '.join(BYS)}, not by {word!r}")


def _moment(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotAsked(f"{name}: {text!r} is no time: write 2026-11-01 or 2026-11-01T13:30 (UTC)") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def month(text: str, now: datetime) -> tuple[datetime, datetime]:
    """ "2026-03", or "march" for the last one that has begun -> from when until when. Raises NotAsked."""
    for form in ("%Y-%m", "%B", "%b"):
        try:
            found = datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if form != "%Y-%m":
            found = found.replace(year=now.year if found.month <= now.month else now.year - 1)
        return found, (found + timedelta(days=32)).replace(day=1)
    raise NotAsked(f"{text!r} is no month: write 2026-03, or march")
