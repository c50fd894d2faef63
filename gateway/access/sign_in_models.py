"""What is kept of signing in: local logins, invitations, sign-ins, identities. Never a password, code or token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.access.models import Person
from gateway.access.scopes import Scope


class Kind(StrEnum):
    """Where a sign-in's secret is good: what was given to one door opens no other."""

    #: `Authorization: Bearer` of the API, got by a person.
    CLI = "cli"
    #: The cookie of a browser; the API does not look at cookies.
    WEB = "web"
    #: `Authorization: Bearer`, of a service account.
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class LocalLogin:
    """Somebody's password (PHC text) and second factor (sealed). `last_step` is the last time step used."""

    person: str
    password: str
    totp: str
    last_step: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time way to choose a password, until `ends_at`. `totp` is the second factor that was offered
    (sealed); empty before that."""

    person: str
    made_by: str
    ends_at: datetime
    totp: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in of a person, until `ends_at` or until it is ended."""

    id: str
    person: str
    kind: Kind
    scopes: frozenset[Scope]
    #: By which door: "password", "oidc", "device", "admin".
    how: str
    client: str
    made_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new sign-in with its secret, which is in no store and no record."""

    secret: str = field(repr=False)
    sign_in: SignIn
    person: Person


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an identity provider calls `subject` (OpenID Connect Core 1.0, section 5.7: issuer and subject
    together, and nothing else, name a person)."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that is at the identity provider now. `bound_to` is the digest of the browser's cookie."""

    kind: str
    bound_to: str
    values: Mapping[str, str]
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SignInTerms:
    """How signing in is set up: from the settings."""

    #: How long a sign-in is good.
    session: timedelta = timedelta(hours=12)
    invitation: timedelta = timedelta(hours=24)
    #: The longest life of a service account's token.
    service_token: timedelta = timedelta(hours=24)
    #: What authenticators show beside the person.
    issuer: str = "pgcurfew"
