"""What is asked, decided, granted and issued: frozen values, with states and moves as tables.

Times are timezone-aware UTC datetimes; durations are whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: Members may administer people, see everything and revoke. They approve nothing by being admins.
ADMINS = "admins"
#: Members may see every request, grant and session.
AUDITORS = "auditors"


class RequestState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class RequestMove(StrEnum):
    """What can happen to a request. APPROVE is the last approval that the role demands;
    one before it is a decision and no move."""

    APPROVE = "approve"
    DENY = "deny"
    EXPIRE = "expire"
    CANCEL = "cancel"


#: Every move there is. What is not in the table does not happen.
REQUEST_MOVES: Mapping[tuple[RequestState, RequestMove], RequestState] = {
    (RequestState.PENDING, RequestMove.APPROVE): RequestState.APPROVED,
    (RequestState.PENDING, RequestMove.DENY): RequestState.DENIED,
    (RequestState.PENDING, RequestMove.EXPIRE): RequestState.EXPIRED,
    (RequestState.PENDING, RequestMove.CANCEL): RequestState.CANCELLED,
}


class GrantState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"
    REVOKED = "revoked"


class GrantMove(StrEnum):
    END = "end"
    REVOKE = "revoke"


GRANT_MOVES: Mapping[tuple[GrantState, GrantMove], GrantState] = {
    (GrantState.ACTIVE, GrantMove.END): GrantState.ENDED,
    (GrantState.ACTIVE, GrantMove.REVOKE): GrantState.REVOKED,
}


class Vote(StrEnum):
    """How a reviewer decided."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class TokenTerms:
    """What a role demands of the tokens that open it."""

    single_use: bool = False
    #: Where connections may come from, as "10.0.0.0/8"; empty: from everywhere.
    networks: tuple[str, ...] = ()
    #: Each token has to be bound to a client certificate.
    certificate: bool = False
    #: How long a token opens the door at most; None: as long as its grant lives.
    max_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class RoleTerms:
    """On which terms a role is given: from the policy file."""

    role: str
    #: Names of the targets where the role may be asked for.
    targets: frozenset[str]
    max_seconds: int
    #: Who decides; a role without approver groups can be given to nobody.
    approver_groups: frozenset[str]
    #: Who may ask; empty means everyone who can sign in.
    requester_groups: frozenset[str]
    #: How many distinct people must approve.
    approvals: int = 1
    #: Concurrent sessions of one grant; None leaves it to the gateway's own limit.
    sessions: int | None = None
    reason_min_length: int = 10
    #: A regular expression that must be found in the reason (a ticket number, say).
    reason_pattern: str | None = None
    token: TokenTerms = TokenTerms()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. A locked person may nothing, and holds nothing."""

    name: str
    groups: frozenset[str]
    locked: bool = False
    #: Accounts with the same identity belong to one human; empty where this is the only one.
    identity: str = ""
    #: An account of a program: it asks and connects, and decides on nothing.
    service: bool = False

    @property
    def human(self) -> str:
        """Who stands behind the account. What demands two people compares this, never names."""
        return self.identity or self.name


@dataclass(frozen=True, slots=True)
class Decision:
    """What one reviewer said to one request."""

    request: str
    by: str
    vote: Vote
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody asks for a role on a target, for a time, with a reason."""

    id: str
    person: str
    target: str
    role: str
    reason: str
    seconds: int
    asked_at: datetime
    #: Unanswered at this time, it is no longer pending.
    expires_at: datetime
    state: RequestState = RequestState.PENDING
    decisions: tuple[Decision, ...] = ()
    #: The grant that came of it, when it was approved.
    grant: str | None = None

    def state_at(self, now: datetime) -> RequestState:
        """The state as of `now`: a pending request past its time is expired, also before
        anybody has written that down."""
        if self.state is RequestState.PENDING and now >= self.expires_at:
            return RequestState.EXPIRED
        return self.state

    @property
    def approvers(self) -> tuple[str, ...]:
        return tuple(decision.by for decision in self.decisions if decision.vote is Vote.APPROVE)


@dataclass(frozen=True, slots=True)
class Grant:
    """A person may use a role on a target from `starts_at` to `ends_at`, and not a moment longer."""

    id: str
    request: str
    person: str
    target: str
    role: str
    reason: str
    approvers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_reason: str | None = None
    #: Written once its end was noticed, so that a clock set back revives nothing.
    ended_at: datetime | None = None

    def state_at(self, now: datetime) -> GrantState:
        """The state as of `now`; revoked wins over ended."""
        if self.revoked_at is not None:
            return GrantState.REVOKED
        if self.ended_at is not None or now >= self.ends_at:
            return GrantState.ENDED
        return GrantState.ACTIVE

    def covers(self, now: datetime) -> bool:
        """Whether the grant gives access at `now`."""
        return self.state_at(now) is GrantState.ACTIVE and self.starts_at <= now


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """What is kept of a token: its id, never its text."""

    id: str
    grant: str
    person: str
    issued_at: datetime
    #: From then on it opens no door.
    ends_at: datetime
    #: The id of the key that signed it.
    key: str = ""
    #: When sessions that it opened end; None: with their grant.
    session_ends_at: datetime | None = None
    #: It opens one session, once; and when it did.
    once: bool = False
    used_at: datetime | None = None
    #: How many sessions it may have open at one time; None leaves it to role and gateway.
    sessions: int | None = None
    #: Where it may be shown, as "10.0.0.0/8"; empty: everywhere.
    networks: tuple[str, ...] = ()
    #: The SHA-256 of the client certificate that has to come with it, as in `cnf.x5t#S256` (RFC 8705, 3.1).
    certificate: str = ""
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_reason: str | None = None
    #: The key that signed it was struck out.
    key_struck: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the store knows about a token: one read at the door."""

    token: IssuedToken
    grant: Grant
    person: Person


@dataclass(frozen=True, slots=True)
class Admission:
    """The door is open: who comes in, under which grant, until when.

    `ends_at` is when the session ends: with its grant, or earlier where its token says so. Whoever was given
    an admission hands it back with `Access.leave` when the session is over.
    """

    grant: Grant
    token_id: str
    person: Person
    ends_at: datetime
    #: The key that signed the token.
    key: str = ""


@dataclass(frozen=True, slots=True)
class GrantEnded:
    """A grant ended before its time. `cause` is "grant-revoked" or "person-locked". With `token` it is one token of
    the grant that was revoked ("token-revoked"); with `key`, every token of that key ("key-struck")."""

    grant: str
    cause: str
    by: str
    reason: str
    token: str = ""
    key: str = ""

    def concerns(self, admission: Admission) -> bool:
        """Whether a session of that admission is to end."""
        if self.key:
            return admission.key == self.key
        return admission.grant.id == self.grant and self.token in ("", admission.token_id)
