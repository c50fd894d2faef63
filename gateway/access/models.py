"""What is asked, decided, granted and issued: frozen values, with states and moves as tables.

Times are timezone-aware UTC datetimes; durations are whole seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.access.extent import WHOLE, Extent, RelationShown
from gateway.access.terms import AutoApproval, BreakGlass, Circle

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
    one before it is a decision and no move. EDIT makes another version of it, which nobody has approved."""

    EDIT = "edit"
    APPROVE = "approve"
    AUTO_APPROVE = "auto-approve"
    BREAK_GLASS = "break-glass"
    DENY = "deny"
    EXPIRE = "expire"
    CANCEL = "cancel"


#: Every move there is. What is not in the table does not happen.
REQUEST_MOVES: Mapping[tuple[RequestState, RequestMove], RequestState] = {
    (RequestState.PENDING, RequestMove.EDIT): RequestState.PENDING,
    (RequestState.PENDING, RequestMove.APPROVE): RequestState.APPROVED,
    (RequestState.PENDING, RequestMove.AUTO_APPROVE): RequestState.APPROVED,
    (RequestState.PENDING, RequestMove.BREAK_GLASS): RequestState.APPROVED,
    (RequestState.PENDING, RequestMove.DENY): RequestState.DENIED,
    (RequestState.PENDING, RequestMove.EXPIRE): RequestState.EXPIRED,
    (RequestState.PENDING, RequestMove.CANCEL): RequestState.CANCELLED,
}


class GrantState(StrEnum):
    #: Approved, and not begun.
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    ENDED = "ended"
    #: Its owner was done with it before its end.
    DONE = "done"
    #: Nobody used it in time.
    LAPSED = "lapsed"
    REVOKED = "revoked"


class GrantMove(StrEnum):
    BEGIN = "begin"
    EXTEND = "extend"
    END = "end"
    FINISH = "finish"
    LAPSE = "lapse"
    REVOKE = "revoke"


GRANT_MOVES: Mapping[tuple[GrantState, GrantMove], GrantState] = {
    (GrantState.SCHEDULED, GrantMove.BEGIN): GrantState.ACTIVE,
    (GrantState.SCHEDULED, GrantMove.FINISH): GrantState.DONE,
    (GrantState.SCHEDULED, GrantMove.REVOKE): GrantState.REVOKED,
    (GrantState.ACTIVE, GrantMove.EXTEND): GrantState.ACTIVE,
    (GrantState.ACTIVE, GrantMove.END): GrantState.ENDED,
    (GrantState.ACTIVE, GrantMove.FINISH): GrantState.DONE,
    (GrantState.ACTIVE, GrantMove.LAPSE): GrantState.LAPSED,
    (GrantState.ACTIVE, GrantMove.REVOKE): GrantState.REVOKED,
}

#: What stays as it is, whatever happens and whatever the clock says.
OVER = frozenset({GrantState.ENDED, GrantState.DONE, GrantState.LAPSED, GrantState.REVOKED})


class How(StrEnum):
    """By what a grant was given."""

    APPROVED = "approved"
    #: By conditions in the policy, without anybody's approval.
    AUTO = "auto"
    BREAK_GLASS = "break-glass"


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
    #: With what a reason must begin, if this is not empty: one of these, then ": " and more.
    reason_choices: tuple[str, ...] = ()
    #: Who may ask and decide besides the groups, by name.
    requester_people: frozenset[str] = frozenset()
    approver_people: frozenset[str] = frozenset()
    #: Whether the owners of a target decide on the role there.
    owner_approves: bool = False
    #: By target: who owns it, as the settings say.
    owners: Mapping[str, Circle] = field(default_factory=dict)
    #: The approvals must come from as many different groups.
    distinct_groups: bool = False
    #: How long a request waits for an answer.
    pending_seconds: int = 86_400
    #: A grant that nobody has used so long after its start is over.
    lapse_seconds: int = 86_400
    #: What is given without asking anybody, the first that fits.
    auto: tuple[AutoApproval, ...] = ()
    break_glass: BreakGlass | None = None
    #: What of the data the role sees, for those who ask and those who decide.
    statements: tuple[str, ...] = ()
    shown: tuple[RelationShown, ...] = ()

    @property
    def anybody_asks(self) -> bool:
        """May everybody who can sign in ask for it?"""
        return not self.requester_groups and not self.requester_people

    def sides(self, person: Person, target: str) -> frozenset[str]:
        """In which capacities the person decides on the role at this target: group names, "person:…",
        "target:owner". Empty: not at all. Colons are in no group's name."""
        found = set(person.groups & self.approver_groups)
        if person.name in self.approver_people:
            found.add(f"person:{person.name}")
        owners = self.owners.get(target)
        if self.owner_approves and owners is not None and owners.holds(person.name, person.groups):
            found.add("target:owner")
        return frozenset(found)

    def anybody_decides(self, target: str | None = None) -> bool:
        """Does the role name anybody who could approve it (at this target)?"""
        owned = self.owner_approves and any(
            bool(owners) for name, owners in self.owners.items() if target in (None, name)
        )
        return bool(self.approver_groups or self.approver_people or owned)


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
    #: The version of the request that was decided on.
    version: int = 1
    #: Approved for less: for so many seconds, for this part of it.
    seconds: int | None = None
    extent: Extent | None = None


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
    #: Those on this version of it; an edit drops what was decided on the one before.
    decisions: tuple[Decision, ...] = ()
    #: The grant that came of it, or that it extended, when it was approved.
    grant: str | None = None
    #: Counts from 1; each edit makes another.
    version: int = 1
    #: Which part of the role.
    extent: Extent = WHOLE
    #: When the grant is to begin; None: when it is approved.
    starts_at: datetime | None = None
    #: The grant that is to go on for `seconds` after its end.
    extends: str | None = None

    @property
    def reference(self) -> str:
        """How people name this version of it: "req_4f…" as it was asked, "req_4f….2" after an edit."""
        return self.id if self.version == 1 else f"{self.id}.{self.version}"

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
    #: Which end that was: ENDED, DONE or LAPSED.
    ended_as: GrantState = GrantState.ENDED
    #: Not used before this time, it is over; None: it is over at its end only.
    lapses_at: datetime | None = None
    #: When somebody first came in with it.
    used_at: datetime | None = None
    how: How = How.APPROVED
    #: Which part of the role.
    extent: Extent = WHOLE

    def state_at(self, now: datetime) -> GrantState:
        """The state as of `now`, also before anybody has written it down; revoked wins over ended."""
        if self.revoked_at is not None:
            return GrantState.REVOKED
        if self.ended_at is not None:
            return self.ended_as
        if self.used_at is None and self.lapses_at is not None and now >= self.lapses_at:
            return GrantState.LAPSED
        if now >= self.ends_at:
            return GrantState.ENDED
        return GrantState.ACTIVE if now >= self.starts_at else GrantState.SCHEDULED

    def covers(self, now: datetime) -> bool:
        """Whether the grant gives access at `now`."""
        return self.state_at(now) is GrantState.ACTIVE


@dataclass(frozen=True, slots=True)
class Emergency:
    """A grant that nobody approved beforehand, and its review by somebody else."""

    grant: str
    person: str
    #: Not reviewed by then, the person is locked out.
    due_at: datetime
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    review: str | None = None
    #: When the person was locked out for it.
    locked_at: datetime | None = None


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
    #: Whether it lasts as long as its grant, also when that is extended; otherwise the token ends it before.
    follows_grant: bool = False


@dataclass(frozen=True, slots=True)
class GrantEnded:
    """A grant ended before its time. `cause` is "grant-revoked", "grant-done" or
    "person-locked". With `token` it is one token of
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
