"""Who may do what: every such question is answered here, and the answer is no unless a rule says yes.

`may(person, action, subject)` compares groups and names; whether the thing is still in a
state where the action makes sense is the business of requests and grants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.access.models import ADMINS, AUDITORS, AccessRequest, Grant, Person, RoleTerms, Vote


class Action(StrEnum):
    REQUEST = "request"
    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    REVOKE = "revoke"
    TOKEN = "token"  # noqa: S105 -- the action, no secret
    SEE = "see"
    SEE_ALL = "see-all"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class SessionOf:
    """The record of one session of that person."""

    person: str


@dataclass(frozen=True, slots=True)
class Everything:
    """All requests, grants and sessions; with ADMINISTER, the people."""


@dataclass(frozen=True, slots=True)
class RequestFor:
    """A request with the terms of its role (None: the policy no longer has the role)."""

    request: AccessRequest
    terms: RoleTerms | None


@dataclass(frozen=True, slots=True)
class GrantFor:
    """A grant with the terms of its role."""

    grant: Grant
    terms: RoleTerms | None


Subject = RoleTerms | RequestFor | GrantFor | SessionOf | Everything


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Denied:
    reason: str


Answer = Allowed | Denied
ALLOWED = Allowed()
#: What takes a human.
_FOR_PEOPLE = frozenset({Action.APPROVE, Action.DENY, Action.ADMINISTER})


def may(person: Person, action: Action, subject: Subject) -> Answer:
    """Whether `person` may do `action` to `subject`. A locked person may nothing, and what no
    rule speaks of nobody may."""
    if person.locked:
        return Denied("your account is locked; ask an administrator")
    rule = _RULES.get((action, type(subject)))
    if rule is None:
        return Denied(f'nobody may "{action}" this')
    if person.service and action in _FOR_PEOPLE:
        return Denied(f'"{person.name}" is a service account, and those decide on nothing')
    return rule(person, subject)


def is_reviewer(person: Person, terms: RoleTerms | None) -> bool:
    """Whether the person is among those who decide on the role."""
    return (
        terms is not None and not person.locked and not person.service and bool(person.groups & terms.approver_groups)
    )


def sees_all(person: Person) -> bool:
    """Whether the person may look at everything: auditors and administrators."""
    return isinstance(may(person, Action.SEE_ALL, Everything()), Allowed)


def _request(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RoleTerms)
    if not subject.approver_groups:
        return Denied(f'the role "{subject.role}" names nobody who could approve it')
    if subject.requester_groups and not person.groups & subject.requester_groups:
        return Denied(f'the role "{subject.role}" may be asked for by members of {_listed(subject.requester_groups)}')
    return ALLOWED


def _decide(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RequestFor)
    request = subject.request
    if request.person == person.name:
        return Denied("nobody decides on their own request; ask another reviewer")
    if not is_reviewer(person, subject.terms):
        return Denied(f'only reviewers of the role "{request.role}" decide on it')
    if any(decision.by == person.name for decision in request.decisions):
        return Denied("you have decided on this request already; another reviewer is needed")
    return ALLOWED


def _cancel(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RequestFor)
    if subject.request.person == person.name:
        return ALLOWED
    return Denied("only the person who asked may cancel a request; a reviewer may deny it")


def _revoke(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, GrantFor)
    if subject.grant.person == person.name or ADMINS in person.groups or is_reviewer(person, subject.terms):
        return ALLOWED
    return Denied("a grant is revoked by its owner, a reviewer of its role, or an administrator")


def _token(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, GrantFor)
    if subject.grant.person == person.name:
        return ALLOWED
    return Denied("a token is given to the owner of the grant alone")


def _see(person: Person, subject: Subject) -> Answer:
    if person.groups & {ADMINS, AUDITORS}:
        return ALLOWED
    match subject:
        case RequestFor(request, terms):
            if request.person == person.name or is_reviewer(person, terms):
                return ALLOWED
        case GrantFor(grant, terms):
            if grant.person == person.name or is_reviewer(person, terms):
                return ALLOWED
        case _:
            pass
    return Denied("this is not yours to see")


def _see_session(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, SessionOf)
    if AUDITORS in person.groups or subject.person == person.name:
        return ALLOWED
    return Denied("sessions are read by auditors, and by the person whose session it was")


def _see_all(person: Person, subject: Subject) -> Answer:
    if person.groups & {ADMINS, AUDITORS}:
        return ALLOWED
    return Denied("only auditors and administrators see everything")


def _administer(person: Person, subject: Subject) -> Answer:
    return ALLOWED if ADMINS in person.groups else Denied("only administrators manage people")


def _listed(groups: frozenset[str]) -> str:
    return ", ".join(f'"{group}"' for group in sorted(groups))


#: What nobody wrote here is denied.
_RULES: Mapping[tuple[Action, type[Subject]], Callable[[Person, Subject], Answer]] = {
    (Action.REQUEST, RoleTerms): _request,
    (Action.APPROVE, RequestFor): _decide,
    (Action.DENY, RequestFor): _decide,
    (Action.CANCEL, RequestFor): _cancel,
    (Action.REVOKE, GrantFor): _revoke,
    (Action.TOKEN, GrantFor): _token,
    (Action.SEE, RequestFor): _see,
    (Action.SEE, GrantFor): _see,
    (Action.SEE, SessionOf): _see_session,
    (Action.SEE_ALL, Everything): _see_all,
    (Action.ADMINISTER, Everything): _administer,
}


def standing_approvers(
    request: AccessRequest, terms: RoleTerms | None, people: Mapping[str, Person]
) -> tuple[str, ...]:
    """Whose approvals of the request count now: distinct people who may still decide on the role
    and are not its requester. `people` has everybody who decided, as they are now."""
    return tuple(
        dict.fromkeys(
            decision.by
            for decision in request.decisions
            if decision.vote is Vote.APPROVE
            and decision.by != request.person
            and decision.by in people
            and is_reviewer(people[decision.by], terms)
        )
    )
