"""What the API takes and answers about signing in and about people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from gateway.access.directory import Entry
from gateway.access.enrolment import Enrolled, Offered
from gateway.access.scopes import SERVICE_SCOPES, Scope
from gateway.access.sign_in_models import Invitation, SignedIn, SignIn
from gateway.admin.bodies import Answer, Body, Name, Reason

#: What was typed; how long a password may be is said when one is chosen.
Typed = Annotated[str, Field(min_length=1, max_length=1024)]
Code = Annotated[str, Field(min_length=6, max_length=64)]
Groups = Annotated[tuple[Name, ...], Field(max_length=64, strict=False)]


class PasswordBody(Body):
    name: Name
    password: Typed
    code: Code = Field(description="of the authenticator, or a recovery code")


class InvitationBody(Body):
    invitation: Typed


class EnrolBody(Body):
    invitation: Typed
    password: Typed
    code: Code = Field(description="of the authenticator that took the secret")


class PersonBody(Body):
    name: Name
    groups: Groups = ()
    identity: Annotated[str, Field(max_length=63)] = Field(
        default="", description="whose further account it is: what demands two people counts them as one"
    )
    service: bool = Field(default=False, description="an account of a program, which decides on nothing")


class GroupsBody(Body):
    groups: Groups


class LinkBody(Body):
    subject: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        description="`sub` at the identity provider of the settings"
    )


class ServiceTokenBody(Body):
    seconds: Annotated[int, Field(ge=1, le=365 * 86400)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope), strict=False)] = Field(
        description="what it is good for; some of " + ", ".join(sorted(SERVICE_SCOPES))
    )


class LockBody(Body):
    reason: Reason = ""


class NothingAnswer(Answer):
    done: Literal[True] = True


class WaysAnswer(Answer):
    password: bool = Field(description="name, password and code")
    provider: str = Field(description="what the identity provider is called; empty: there is none")
    device: bool = Field(description="the identity provider confirms on another device (RFC 8628)")


class SignInAnswer(Answer):
    id: str
    person: str
    kind: str
    scopes: tuple[str, ...]
    how: str
    client: str
    made_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, sign_in: SignIn) -> Self:
        return cls(
            id=sign_in.id,
            person=sign_in.person,
            kind=sign_in.kind.value,
            scopes=tuple(scope.value for scope in Scope if scope in sign_in.scopes),
            how=sign_in.how,
            client=sign_in.client,
            made_at=sign_in.made_at,
            ends_at=sign_in.ends_at,
        )


class SignInsAnswer(Answer):
    sign_ins: tuple[SignInAnswer, ...]


class SignedInAnswer(Answer):
    secret: str = Field(description="for `Authorization: Bearer`; shown this once")
    id: str
    name: str
    groups: tuple[str, ...]
    ends_at: datetime

    @classmethod
    def of(cls, signed_in: SignedIn) -> Self:
        return cls(
            secret=signed_in.secret,
            id=signed_in.sign_in.id,
            name=signed_in.person.name,
            groups=tuple(sorted(signed_in.person.groups)),
            ends_at=signed_in.sign_in.ends_at,
        )


class DeviceBody(Body):
    device: Typed


class DeviceAnswer(Answer):
    device: str = Field(description="what to wait with; a secret")
    user_code: str
    address: str = Field(description="where the person confirms")
    address_with_code: str = Field(description="the same with the code in it; may be empty")
    interval: int = Field(description="seconds between two questions")
    ends_at: datetime


class WaitedAnswer(Answer):
    signed_in: SignedInAnswer | None = Field(description="null: nobody confirmed yet")


class OfferedAnswer(Answer):
    name: str
    secret: str = Field(description="of the second factor, in base32")
    otpauth: str = Field(description="the same as an address that authenticators take")
    ends_at: datetime

    @classmethod
    def of(cls, offered: Offered) -> Self:
        return cls(name=offered.person, secret=offered.secret, otpauth=offered.otpauth, ends_at=offered.ends_at)


class EnrolledAnswer(SignedInAnswer):
    recovery: tuple[str, ...] = Field(description="each stands in for a code, once; shown this once")

    @classmethod
    def enrolled(cls, enrolled: Enrolled) -> Self:
        return cls(recovery=enrolled.recovery, **SignedInAnswer.of(enrolled.signed_in).model_dump())


class InvitedAnswer(Answer):
    name: str
    invitation: str = Field(description="for `pgcurfew enrol`; shown this once")
    ends_at: datetime

    @classmethod
    def of(cls, secret: str, invitation: Invitation) -> Self:
        return cls(name=invitation.person, invitation=secret, ends_at=invitation.ends_at)


class EntryAnswer(Answer):
    name: str
    groups: tuple[str, ...]
    locked: bool
    service: bool
    identity: str
    ways: tuple[str, ...] = Field(description='how they sign in: "password", "identity"')

    @classmethod
    def of(cls, entry: Entry) -> Self:
        person = entry.person
        return cls(
            name=person.name,
            groups=tuple(sorted(person.groups)),
            locked=person.locked,
            service=person.service,
            identity=person.identity,
            ways=tuple(sorted(entry.ways)),
        )


class EntriesAnswer(Answer):
    people: tuple[EntryAnswer, ...]
