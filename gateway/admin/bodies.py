"""What the API takes and answers. Parsed at the door: unknown fields and wrong types are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from gateway.access.models import AccessRequest, Grant, Person, RoleTerms
from gateway.access.token_desk import Minted

Name = Annotated[str, Field(min_length=1, max_length=63)]
Reason = Annotated[str, Field(max_length=4000)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AskBody(Body):
    target: Name
    role: Name
    reason: Reason
    seconds: Annotated[int, Field(ge=1, le=365 * 86400, description="how long the grant is to last")]


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
    decisions: tuple[DecisionAnswer, ...]
    grant: str | None

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
            decisions=tuple(
                DecisionAnswer(by=decision.by, vote=decision.vote.value, reason=decision.reason, at=decision.at)
                for decision in request.decisions
            ),
            grant=request.grant,
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
        )


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

    @classmethod
    def of(cls, terms: RoleTerms) -> Self:
        return cls(
            role=terms.role,
            max_seconds=terms.max_seconds,
            approvals=terms.approvals,
            reason_min_length=terms.reason_min_length,
            reason_pattern=terms.reason_pattern,
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
