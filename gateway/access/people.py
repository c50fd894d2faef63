"""People: their names, groups and login credentials.

A credential is 256 random bits; only its SHA-256 is kept, which is enough for something
that nobody can guess. These functions write within a `Change` and return the fact that the
caller has to record (in the gateway) or hand over (on the gateway's host).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from gateway.access.errors import NotFound, NotPossible, NotValid
from gateway.access.models import ADMINS, Person
from gateway.access.requests import plain_text
from gateway.access.store import Change
from gateway.audit.facts import AccessChanged

CREDENTIAL_PREFIX: Final = "pgc_"
CREDENTIAL_BYTES: Final = 32
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,62}", re.ASCII)
#: Whom the record names where no person did it.
_RESERVED: Final = frozenset({"pgcurfew", "unknown", "host"})
#: What a credential looks like; anything else is not looked up.
_CREDENTIAL: Final = re.compile(r"pgc_[A-Za-z0-9_-]{43}", re.ASCII)


def credential_of(entropy: bytes) -> str:
    """The credential's text from 32 random bytes."""
    if len(entropy) != CREDENTIAL_BYTES:
        raise ValueError("a credential has 256 bits")
    return CREDENTIAL_PREFIX + _urlsafe(entropy)


def digest_of(credential: str) -> bytes | None:
    """What is kept of a credential; None when the text cannot be one."""
    if not _CREDENTIAL.fullmatch(credential):
        return None
    return hashlib.sha256(credential.encode("ascii")).digest()


def fitting_name(name: str, what: str = "name") -> str:
    """A name that is good as PostgreSQL user and in every table and log. Raises NotValid."""
    if not _NAME.fullmatch(name):
        raise NotValid(
            what,
            f"{name[:63]!a} is not a {what}",
            "a small letter first, then small letters, digits, dots, dashes and underscores; 63 at most",
        )
    if name in _RESERVED:
        raise NotValid(what, f'"{name}" is a name that the record uses itself', "take another one")
    return name


async def add(
    change: Change,
    *,
    by: str,
    name: str,
    groups: Iterable[str],
    credential: str,
    identity: str = "",
    service: bool = False,
) -> AccessChanged:
    """A new person with groups and a credential. `identity` says whose further account it is, `service`
    that it is a program's. Raises NotValid, NotPossible when there is one of that name."""
    identity = await _of_human(change, fitting_name(name), fitting_name(identity, "identity")) if identity else ""
    person = Person(
        fitting_name(name),
        frozenset(fitting_name(group, "group") for group in groups),
        identity=identity,
        service=service,
    )
    _no_program_administers(person)
    if not await change.add_person(person, _digest(credential)):
        raise NotPossible("person-exists", f'there is a person "{name}" already', 'see "pgcurfew user list"')
    listed = ", ".join(sorted(person.groups)) or "none"
    also = f"; a further account of {identity}" if identity else "; a service account" if service else ""
    return AccessChanged(what="person-added", by=by, person=name, reason=f"groups: {listed}{also}")


async def set_groups(change: Change, *, by: str, name: str, groups: Iterable[str]) -> AccessChanged:
    """Put the person into exactly these groups. Raises NotFound."""
    wanted = frozenset(fitting_name(group, "group") for group in groups)
    person = await change.person(name)
    if person is None:
        raise _unknown()
    _no_program_administers(replace(person, groups=wanted))
    await change.set_groups(name, wanted)
    return AccessChanged(
        what="person-groups", by=by, person=name, reason=f"groups: {', '.join(sorted(wanted)) or 'none'}"
    )


async def renew_credential(change: Change, *, by: str, name: str, credential: str) -> AccessChanged:
    """Replace the person's credential; the old one is void. Raises NotFound."""
    if not await change.set_credential(name, _digest(credential)):
        raise _unknown()
    return AccessChanged(what="credential-renewed", by=by, person=name)


async def set_locked(change: Change, *, by: str, name: str, locked: bool, reason: str) -> AccessChanged:
    """Lock or unlock a person. Raises NotFound, NotPossible when it is so already."""
    if await change.person(name) is None:
        raise _unknown()
    if not await change.set_locked(name, locked):
        raise NotPossible("person-unchanged", f'"{name}" is {"locked" if locked else "not locked"} already')
    what = "person-locked" if locked else "person-unlocked"
    return AccessChanged(what=what, by=by, person=name, reason=plain_text(reason, "reason"))


async def _of_human(change: Change, name: str, identity: str) -> str:
    """Whose further account `name` is to be: an account of an account is of the human behind both.
    Raises NotPossible."""
    known = await change.person(identity)
    human = identity if known is None else known.human
    if human != name:
        for other in await change.people():
            if other.identity == name:
                raise NotPossible(
                    "identity",
                    f'"{other.name}" is a further account of "{name}", and would be of another human than that',
                    f'add "{name}" without an identity, or under another name',
                )
    return human


def _no_program_administers(person: Person) -> None:
    if person.service and ADMINS in person.groups:
        raise NotValid("group", "a service account is no administrator", "give it other groups")


def _digest(credential: str) -> bytes:
    digest = digest_of(credential)
    if digest is None:
        raise ValueError("not a credential")
    return digest


def _unknown() -> NotFound:
    return NotFound("person", "there is no such person", 'see "pgcurfew user list"')


def _urlsafe(entropy: bytes) -> str:
    return base64.urlsafe_b64encode(entropy).rstrip(b"=").decode("ascii")
