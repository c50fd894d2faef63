"""What the API takes and answers. Parsed at the door: unknown fields and wrong types are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.access.models import AccessRequest, Decision, Emergency, Grant, Person, RoleTerms
from gateway.access.token_desk import Minted

Name = Annotated[str, Field(min_length=1, max_length=63)]
Reason = Annotated[str, Field(max_length=4000)]
Seconds = Annotated[int, Field(ge=1, le=365 * 86400)]
Columns = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=63)], ...], Field(max_length=200, strict=False)]
Relations = Annotated[
    dict[Annotated[str, Field(min_length=3, max_length=130)], Columns],
    Field(
        min_length=1,
        max_length=100,
        description="a part of the role: its relations, each with columns; no columns are all of them",
    ),
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AskBody(Body):
    target: Name
    role: Name
    reason: Reason
    seconds: Annotated[int, Field(ge=1, le=365 * 86400, description="how long the grant is to last")]
    relations: Relations | None = None
    starts_at: AwareDatetime | None = Field(default=None, description="when it is to begin; none: once it is approved")


class PreviewBody(Body):
    target: Name
    role: Name
    relations: Relations | None = None


class EditBody(Body):
    """What is left out stays as it is."""

    reason: Reason | None = None
    seconds: Seconds | None = None
    relations: Relations | None = None
    starts_at: AwareDatetime | None = None


class ApproveBody(Body):
    reason: Reason = ""
    version: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=1, description="the version that was looked at: an edit makes another"
    )
    seconds: Seconds | None = Field(default=None, description="for so long only")
    relations: Relations | None = None


class ExtendBody(Body):
    seconds: Annotated[int, Field(ge=1, le=365 * 86400, description="how much longer the grant is to last")]
    reason: Reason


class BreakGlassBody(Body):
    target: Name
    role: Name
    reason: Reason
    seconds: Seconds | None = None
    relations: Relations | None = None


class ReviewBody(Body):
    text: Reason


class NoteBody(Body):
    reason: Reason = ""


class ReasonBody(Body):
    reason: Reason


class TokenBody(Body):
    seconds: Annotated[int, Field(ge=1, le=365 * 86400)] | None = Field(
        default=None, description="how long the token and its sessions are to live; never longer than its grant"
    )
    enter_seconds: Annotated[int, Field(ge=1, le=365 * 86400)] | None = Field(
        default=None, description="how long it opens the door; its sessions live on"
    )
    once: bool = Field(default=False, description="it opens one session, once")
    sessions: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="how many sessions it may have open at one time"
    )
    networks: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=16, strict=False)] = Field(
        default=(), description='where it may be shown, such as "10.1.0.0/16"; empty: everywhere'
    )
    certificate: Annotated[str, Field(max_length=64)] = Field(
        default="", description="SHA-256 of the client certificate that has to come with it, in base64url (RFC 8705)"
    )


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErrorAnswer(Answer):
    error: str = Field(description="what happened, as a sentence")
    hint: str = Field(description="what to do next; may be empty")
    cause: str = Field(description="the same in one word, for programs")


class HealthAnswer(Answer):
    status: str
    version: str


class DecisionAnswer(Answer):
    by: str
    vote: str
    reason: str
    at: datetime
    seconds: int | None = Field(description="approved for so long only")
    relations: dict[str, tuple[str, ...]] | None = Field(description="approved for this part only")

    @classmethod
    def of(cls, decision: Decision) -> Self:
        return cls(
            by=decision.by,
            vote=decision.vote.value,
            reason=decision.reason,
            at=decision.at,
            seconds=decision.seconds,
            relations=None if decision.extent is None else dict(decision.extent.parts),
        )


class RequestAnswer(Answer):
    id: str
    person: str
    target: str
    role: str
    reason: str
    seconds: int
    asked_at: datetime
    expires_at: datetime
    state: str
    decisions: tuple[DecisionAnswer, ...] = Field(description="those on this version")
    grant: str | None
    version: int
    reference: str = Field(description="how this version is named: the id, and from the second version on its number")
    relations: dict[str, tuple[str, ...]] | None = Field(description="the part of the role; none: all of it")
    starts_at: datetime | None
    extends: str | None = Field(description="the grant that is to go on for so many seconds")

    @classmethod
    def of(cls, request: AccessRequest) -> Self:
        return cls(
            id=request.id,
            person=request.person,
            target=request.target,
            role=request.role,
            reason=request.reason,
            seconds=request.seconds,
            asked_at=request.asked_at,
            expires_at=request.expires_at,
            state=request.state.value,
            decisions=tuple(map(DecisionAnswer.of, request.decisions)),
            grant=request.grant,
            version=request.version,
            reference=request.reference,
            relations=None if request.extent.whole else dict(request.extent.parts),
            starts_at=request.starts_at,
            extends=request.extends,
        )


class GrantAnswer(Answer):
    id: str
    request: str
    person: str
    target: str
    role: str
    reason: str
    approvers: tuple[str, ...]
    state: str
    starts_at: datetime
    ends_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_reason: str | None
    how: str = Field(description="approved, auto (by conditions in the policy) or break-glass")
    used_at: datetime | None
    lapses_at: datetime | None = Field(description="not used by then, it is over")
    relations: dict[str, tuple[str, ...]] | None = Field(description="the part of the role; none: all of it")

    @classmethod
    def of(cls, grant: Grant, now: datetime) -> Self:
        return cls(
            id=grant.id,
            request=grant.request,
            person=grant.person,
            target=grant.target,
            role=grant.role,
            reason=grant.reason,
            approvers=grant.approvers,
            state=grant.state_at(now).value,
            starts_at=grant.starts_at,
            ends_at=grant.ends_at,
            revoked_at=grant.revoked_at,
            revoked_by=grant.revoked_by,
            revoked_reason=grant.revoked_reason,
            how=grant.how.value,
            used_at=grant.used_at,
            lapses_at=grant.lapses_at,
            relations=None if grant.extent.whole else dict(grant.extent.parts),
        )


class ColumnAnswer(Answer):
    name: str = Field(description="* stands for every column that is not named")
    shown: str = Field(description='"clear", the name of a mask, or "unclassified", which reads as NULL')


class RelationAnswer(Answer):
    relation: str
    read: tuple[ColumnAnswer, ...]
    write: tuple[str, ...]


class PreviewAnswer(Answer):
    """What would be visible, and what masked."""

    target: str
    role: str
    statements: tuple[str, ...]
    relations: tuple[RelationAnswer, ...]
    max_seconds: int
    approvals: int
    distinct_groups: bool

    @classmethod
    def of(cls, target: str, terms: RoleTerms) -> Self:
        return cls(
            target=target,
            role=terms.role,
            statements=terms.statements,
            relations=tuple(
                RelationAnswer(
                    relation=one.relation,
                    read=tuple(ColumnAnswer(name=column.name, shown=column.shown) for column in one.read),
                    write=one.write,
                )
                for one in terms.shown
            ),
            max_seconds=terms.max_seconds,
            approvals=terms.approvals,
            distinct_groups=terms.distinct_groups,
        )


class EmergencyAnswer(Answer):
    grant: str
    person: str
    due_at: datetime = Field(description="not reviewed by then, the person is locked out")
    reviewed_at: datetime | None
    reviewed_by: str | None
    review: str | None

    @classmethod
    def of(cls, emergency: Emergency) -> Self:
        return cls(
            grant=emergency.grant,
            person=emergency.person,
            due_at=emergency.due_at,
            reviewed_at=emergency.reviewed_at,
            reviewed_by=emergency.reviewed_by,
            review=emergency.review,
        )


class EmergenciesAnswer(Answer):
    emergencies: tuple[EmergencyAnswer, ...]


class TokenAnswer(Answer):
    token: str = Field(description="the JWT; shown this once")
    id: str
    grant: str
    target: str
    ends_at: datetime
    once: bool

    @classmethod
    def of(cls, minted: Minted) -> Self:
        return cls(
            token=minted.text,
            id=minted.token.id,
            grant=minted.grant.id,
            target=minted.grant.target,
            ends_at=minted.token.ends_at,
            once=minted.token.once,
        )


class PersonAnswer(Answer):
    name: str
    groups: tuple[str, ...]

    @classmethod
    def of(cls, person: Person) -> Self:
        return cls(name=person.name, groups=tuple(sorted(person.groups)))


class RoleAnswer(Answer):
    role: str
    max_seconds: int
    approvals: int
    reason_min_length: int
    reason_pattern: str | None
    reason_choices: tuple[str, ...]

    @classmethod
    def of(cls, terms: RoleTerms) -> Self:
        return cls(
            role=terms.role,
            max_seconds=terms.max_seconds,
            approvals=terms.approvals,
            reason_min_length=terms.reason_min_length,
            reason_pattern=terms.reason_pattern,
            reason_choices=terms.reason_choices,
        )


class TargetAnswer(Answer):
    name: str
    roles: tuple[RoleAnswer, ...] = Field(description="the roles that the caller may ask for here")


class TargetsAnswer(Answer):
    host: str = Field(description="where PostgreSQL clients connect to")
    port: int
    targets: tuple[TargetAnswer, ...]


class RequestsAnswer(Answer):
    requests: tuple[RequestAnswer, ...]


class GrantsAnswer(Answer):
    grants: tuple[GrantAnswer, ...]


class SessionsAnswer(Answer):
    sessions: tuple[dict[str, Any], ...]


class SessionAnswer(Answer):
    session: str
    person: str
    events: tuple[dict[str, Any], ...]


class LiveSessionAnswer(Answer):
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
    rows: int = Field(description="of all statements that have ended")
    running: str = Field(description="the kind of the statement that runs now; empty when none does")
    running_seconds: float
    transaction: str = Field(description="I: none, T: one is open, E: one has failed")


class LiveSessionsAnswer(Answer):
    sessions: tuple[LiveSessionAnswer, ...]


class LiveEventAnswer(Answer):
    session: str
    seq: int = Field(description="the event's line in the session's log")
    time: str
    event: dict[str, Any] = Field(description="as in the record; its type is also the name of the event")


class FoundAnswer(Answer):
    id: int
    time: str
    session: str
    number: int
    line: int = Field(description="in the session's log")
    person: str
    grant: str
    target: str
    role: str
    kind: str
    verdict: str
    text: str = Field(description="normalised: constants stand as $1, $2, …")
    fingerprint: str
    rule: str
    reason: str
    read: tuple[str, ...]
    written: tuple[str, ...]
    masks: tuple[str, ...]
    lookups: tuple[str, ...]
    outcome: str
    rows: int
    bytes: int
    microseconds: int
    sqlstate: str


class CountAnswer(Answer):
    of: str
    statements: int


class SearchAnswer(Answer):
    statements: tuple[FoundAnswer, ...] = Field(description="the latest first")
    total: int
    before: int = Field(description="asks for the next page; 0 when this is the last")
    counts: tuple[CountAnswer, ...]
    indexed_at: str = Field(description="when the index last held all that the record did")
