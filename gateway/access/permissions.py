"""Who may do what: every such question is answered here, and the answer is no unless a rule says yes.

`may(person, action, subject)` compares groups and names; whether the thing is still in a
state where the action makes sense is the business of requests and grants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.access.models import ADMINS, AUDITORS, AccessRequest, Grant, Person, RoleTerms, Vote
from gateway.access.terms import Circle


class Action(StrEnum):
    REQUEST = "request"
    APPROVE = "approve"
    DENY = "deny"
    CANCEL = "cancel"
    EDIT = "edit"
    REVOKE = "revoke"
    EXTEND = "extend"
    FINISH = "finish"
    BREAK_GLASS = "break-glass"
    REVIEW = "review"
    SIGN_OFF = "sign-off"
    TOKEN = "token"  # noqa: S105 -- the action, no secret
    SEE = "see"
    SEE_ALL = "see-all"
    ADMINISTER = "administer"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class SessionOf:
    """The record of one session of that person."""

    person: str


@dataclass(frozen=True, slots=True)
class LiveSessionOf:
    """An open session of that person, with the terms of its role."""

    person: str
    terms: RoleTerms | None


@dataclass(frozen=True, slots=True)
class Everything:
    """All requests, grants and sessions; with ADMINISTER, the people."""


@dataclass(frozen=True, slots=True)
class RequestFor:
    """A request with the terms of its role (None: the policy no longer has the role), and who asked."""

    request: AccessRequest
    terms: RoleTerms | None
    asker: Person | None = None


@dataclass(frozen=True, slots=True)
class GrantFor:
    """A grant with the terms of its role."""

    grant: Grant
    terms: RoleTerms | None


@dataclass(frozen=True, slots=True)
class EmergencyOf:
    """A grant that nobody approved beforehand, and who took it."""

    grant: Grant
    terms: RoleTerms | None
    person: Person | None


Subject = RoleTerms | RequestFor | GrantFor | EmergencyOf | SessionOf | LiveSessionOf | Everything


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Denied:
    reason: str


Answer = Allowed | Denied
ALLOWED = Allowed()
#: What takes a human.
_FOR_PEOPLE = frozenset(
    {Action.APPROVE, Action.DENY, Action.BREAK_GLASS, Action.REVIEW, Action.SIGN_OFF, Action.ADMINISTER}
)


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


def is_reviewer(person: Person, terms: RoleTerms | None, target: str | None = None) -> bool:
    """Whether the person is among those who decide on the role at this target; without one: at every target."""
    if terms is None or person.locked or person.service:
        return False
    if target is not None:
        return bool(terms.sides(person, target))
    return bool(person.groups & terms.approver_groups) or person.name in terms.approver_people


def sees_all(person: Person) -> bool:
    """Whether the person may look at everything: auditors and administrators."""
    return isinstance(may(person, Action.SEE_ALL, Everything()), Allowed)


def _request(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RoleTerms)
    if not subject.anybody_decides():
        return Denied(f'the role "{subject.role}" names nobody who could approve it')
    if subject.anybody_asks or person.name in subject.requester_people or person.groups & subject.requester_groups:
        return ALLOWED
    whom = Circle(subject.requester_groups, subject.requester_people)
    return Denied(f'the role "{subject.role}" may be asked for by members of {whom}')


def _break_glass(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RoleTerms)
    if subject.break_glass is None:
        return Denied(f'the role "{subject.role}" is not given in emergencies')
    if subject.break_glass.people.holds(person.name, person.groups):
        return ALLOWED
    return Denied(f'in an emergency the role "{subject.role}" is given to {subject.break_glass.people}')


def _decide(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RequestFor)
    request, asker = subject.request, subject.asker
    if request.person == person.name or (asker is not None and asker.human == person.human):
        return Denied("nobody decides on their own request; ask another reviewer")
    if _could_have_asked(person, asker):
        return Denied("an administrator can make tokens of a service account, so another reviewer decides for it")
    if not is_reviewer(person, subject.terms, request.target):
        return Denied(f'only reviewers of the role "{request.role}" decide on it')
    if any(decision.by == person.name for decision in request.decisions):
        return Denied("you have decided on this request already; another reviewer is needed")
    return ALLOWED


def _could_have_asked(person: Person, asker: Person | None) -> bool:
    """Who makes the tokens of a service account can ask as it."""
    return asker is not None and asker.service and ADMINS in person.groups


def _cancel(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RequestFor)
    if subject.request.person == person.name:
        return ALLOWED
    return Denied("only the person who asked may cancel a request; a reviewer may deny it")


def _edit(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RequestFor)
    if subject.request.person == person.name:
        return ALLOWED
    return Denied("only the person who asked may edit a request; a reviewer may approve less of it")


def _own_grant(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, GrantFor)
    if subject.grant.person == person.name:
        return ALLOWED
    return Denied("only its owner may extend a grant or hand it back; a reviewer may revoke it")


def _review(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, EmergencyOf)
    owner = subject.person
    if subject.grant.person == person.name or (owner is not None and owner.human == person.human):
        return Denied("nobody reviews their own emergency; ask somebody else")
    if is_reviewer(person, subject.terms, subject.grant.target) or person.groups & {ADMINS, AUDITORS}:
        return ALLOWED
    return Denied("emergencies are reviewed by reviewers of the role, auditors and administrators")


def _sign_off(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, RoleTerms)
    if ADMINS in person.groups or any(is_reviewer(person, subject, target) for target in subject.targets):
        return ALLOWED
    return Denied(f'the role "{subject.role}" is signed off by its reviewers and by administrators')


def _revoke(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, GrantFor)
    grant = subject.grant
    if grant.person == person.name or ADMINS in person.groups or is_reviewer(person, subject.terms, grant.target):
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
            if request.person == person.name or is_reviewer(person, terms, request.target):
                return ALLOWED
        case GrantFor(grant, terms):
            if grant.person == person.name or is_reviewer(person, terms, grant.target):
                return ALLOWED
        case _:
            pass
    return Denied("this is not yours to see")


def _see_session(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, SessionOf)
    if AUDITORS in person.groups or subject.person == person.name:
        return ALLOWED
    return Denied("sessions are read by auditors, and by the person whose session it was")


def _see_live(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, LiveSessionOf)
    if person.groups & {ADMINS, AUDITORS} or subject.person == person.name or is_reviewer(person, subject.terms):
        return ALLOWED
    return Denied("open sessions are seen by administrators, auditors, reviewers of the role and their own person")


def _kill(person: Person, subject: Subject) -> Answer:
    assert isinstance(subject, LiveSessionOf)
    if ADMINS in person.groups or subject.person == person.name or is_reviewer(person, subject.terms):
        return ALLOWED
    return Denied("a session is ended by its own person, a reviewer of its role, or an administrator")


def _see_all(person: Person, subject: Subject) -> Answer:
    if person.groups & {ADMINS, AUDITORS}:
        return ALLOWED
    return Denied("only auditors and administrators see everything")


def _administer(person: Person, subject: Subject) -> Answer:
    return ALLOWED if ADMINS in person.groups else Denied("only administrators manage people")


#: What nobody wrote here is denied.
_RULES: Mapping[tuple[Action, type[Subject]], Callable[[Person, Subject], Answer]] = {
    (Action.REQUEST, RoleTerms): _request,
    (Action.BREAK_GLASS, RoleTerms): _break_glass,
    (Action.APPROVE, RequestFor): _decide,
    (Action.DENY, RequestFor): _decide,
    (Action.CANCEL, RequestFor): _cancel,
    (Action.EDIT, RequestFor): _edit,
    (Action.EXTEND, GrantFor): _own_grant,
    (Action.FINISH, GrantFor): _own_grant,
    (Action.REVIEW, EmergencyOf): _review,
    (Action.SIGN_OFF, RoleTerms): _sign_off,
    (Action.REVOKE, GrantFor): _revoke,
    (Action.TOKEN, GrantFor): _token,
    (Action.SEE, RequestFor): _see,
    (Action.SEE, GrantFor): _see,
    (Action.SEE, SessionOf): _see_session,
    (Action.SEE, LiveSessionOf): _see_live,
    (Action.KILL, LiveSessionOf): _kill,
    (Action.SEE_ALL, Everything): _see_all,
    (Action.ADMINISTER, Everything): _administer,
}


def standing_approvers(
    request: AccessRequest, terms: RoleTerms | None, people: Mapping[str, Person]
) -> tuple[str, ...]:
    """Whose approvals of the request count now: one account of each human who may still decide on the
    role, and who is not its requester. `people` has the requester and everybody who decided, as they are now."""
    asker = people.get(request.person)
    if asker is None:
        return ()
    counted: dict[str, str] = {}
    for decision in request.decisions:
        person = people.get(decision.by)
        if (
            decision.vote is Vote.APPROVE
            and decision.version == request.version
            and person is not None
            and person.name != asker.name
            and person.human != asker.human
            and not _could_have_asked(person, asker)
            and is_reviewer(person, terms, request.target)
        ):
            counted.setdefault(person.human, person.name)
    return tuple(counted.values())


def enough(approvers: Collection[str], terms: RoleTerms, target: str, people: Mapping[str, Person]) -> bool:
    """Whether these approvals are all that the role demands: so many people, and where the role says so,
    from as many different groups, of which each speaks for one."""
    wanted = max(1, terms.approvals)
    if not terms.distinct_groups:
        return len(approvers) >= wanted
    speaks_for: dict[str, str] = {}

    def seat(name: str, tried: set[str]) -> bool:
        """Find a group for this person, moving others to another group of theirs where that helps."""
        for side in sorted(terms.sides(people[name], target) - tried):
            tried.add(side)
            if side not in speaks_for or seat(speaks_for[side], tried):
                speaks_for[side] = name
                return True
        return False

    return sum(seat(name, set()) for name in approvers) >= wanted
