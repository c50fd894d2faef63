"""What a credential of the API may be used for. It narrows what its owner may do and adds nothing:
`gateway.access.permissions` is asked all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.access.errors import NotPermitted, NotValid
from gateway.access.models import Person


class Scope(StrEnum):
    #: Look at requests, grants and targets.
    SEE = "see"
    #: Ask for access, and withdraw what was asked.
    REQUEST = "request"
    #: Take tokens for one's own grants, and end grants.
    CONNECT = "connect"
    #: Approve, deny, review.
    DECIDE = "decide"
    #: Read the record.
    RECORD = "record"
    #: Manage people and keys.
    ADMIN = "admin"


#: What a person has who signed in.
EVERY_SCOPE: Final = frozenset(Scope)
#: What a program can be given: it decides on nothing and manages nobody.
SERVICE_SCOPES: Final = frozenset({Scope.SEE, Scope.REQUEST, Scope.CONNECT, Scope.RECORD})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API, with a credential that is good for these scopes."""

    person: Person
    scopes: frozenset[Scope] = EVERY_SCOPE
    #: The sign-in that the credential came from; empty for a long-lived credential.
    sign_in: str = ""


def demand(caller: Caller, scope: Scope | None) -> None:
    """Raise NotPermitted unless the caller's credential is good for the scope. None: any credential is."""
    if scope is not None and scope not in caller.scopes:
        raise NotPermitted(
            "scope",
            f'this credential is not good for "{scope}"; it was given for {listed(caller.scopes)}',
            "use one that is, or ask an administrator for it",
        )


def parse_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Scopes by their names. Raises NotValid."""
    found = set()
    for word in words:
        try:
            found.add(Scope(word))
        except ValueError:
            known = ", ".join(Scope)
            raise NotValid("scope", f"{word[:63]!a} is no scope", f"there are {known}") from None
    return frozenset(found)


def listed(scopes: Iterable[Scope]) -> str:
    """The scopes as a text, in their order."""
    return ", ".join(f'"{scope}"' for scope in Scope if scope in set(scopes)) or "nothing"
