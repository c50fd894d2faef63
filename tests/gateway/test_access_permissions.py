"""Every action by every kind of person: a table of who may, and no for everything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from gateway.access.models import AccessRequest, Decision, Grant, Person, Vote
from gateway.access.permissions import (
    Action,
    Allowed,
    Denied,
    EmergencyOf,
    Everything,
    GrantFor,
    RequestFor,
    SessionOf,
    may,
    standing_approvers,
)
from gateway.access.terms import BreakGlass, Circle
from tests.support.access import PEOPLE, REASON, ROLES, START

EVERYBODY = {name: Person(name, frozenset(groups)) for name, groups in PEOPLE.items()}
HOUR = timedelta(hours=1)
REQUEST = AccessRequest("req_1", "alice", "shop", "support", REASON, 600, START, START + HOUR)
GRANT = Grant("grant_1", "req_1", "alice", "shop", "support", REASON, ("bob",), START, START + HOUR)
TERMS = ROLES["support"]
GLASS = BreakGlass(Circle(frozenset({"dbas"}), frozenset({"erin"})), 900)
OWNED = replace(
    TERMS,
    approver_groups=frozenset(),
    owner_approves=True,
    owners={"shop": Circle(frozenset({"dbas"}), frozenset({"mallory"}))},
)

#: (action, subject) → who may; everybody else may not.
WHO_MAY = {
    "ask for support": (Action.REQUEST, TERMS, {"alice", "erin", "bob", "carol"}),
    "ask for operator": (Action.REQUEST, ROLES["operator"], set(EVERYBODY)),
    "ask for a role that nobody approves": (Action.REQUEST, ROLES["orphan"], set()),
    "sign off support": (Action.SIGN_OFF, TERMS, {"bob", "carol", "adam"}),
    "sign off what its owner approves": (Action.SIGN_OFF, OWNED, {"adam", "mallory", "dave", "carol"}),
    "approve": (Action.APPROVE, RequestFor(REQUEST, TERMS), {"bob", "carol"}),
    "deny": (Action.DENY, RequestFor(REQUEST, TERMS), {"bob", "carol"}),
    "approve a lead's own": (Action.APPROVE, RequestFor(replace(REQUEST, person="bob"), TERMS), {"carol"}),
    "approve an admin's own": (Action.APPROVE, RequestFor(replace(REQUEST, person="adam"), TERMS), {"bob", "carol"}),
    "approve after bob": (
        Action.APPROVE,
        RequestFor(replace(REQUEST, decisions=(Decision("req_1", "bob", Vote.APPROVE, "", START),)), TERMS),
        {"carol"},
    ),
    "approve by a second account of whoever asked": (
        Action.APPROVE,
        RequestFor(REQUEST, TERMS, Person("alice", frozenset({"engineers"}), identity="bob")),
        {"carol"},
    ),
    "deny by a second account of whoever asked": (
        Action.DENY,
        RequestFor(REQUEST, TERMS, Person("alice", frozenset({"engineers"}), identity="carol")),
        {"bob"},
    ),
    "approve as one who is named": (
        Action.APPROVE,
        RequestFor(REQUEST, replace(TERMS, approver_groups=frozenset(), approver_people=frozenset({"dave"}))),
        {"dave"},
    ),
    "approve as owner of the target": (Action.APPROVE, RequestFor(REQUEST, OWNED), {"mallory", "dave", "carol"}),
    "approve as owner of another target": (
        Action.APPROVE,
        RequestFor(replace(REQUEST, target="archive"), OWNED),
        set(),
    ),
    "break the glass": (Action.BREAK_GLASS, replace(TERMS, break_glass=GLASS), {"dave", "erin", "carol"}),
    "break the glass where there is none": (Action.BREAK_GLASS, ROLES["operator"], set()),
    "review an emergency": (Action.REVIEW, EmergencyOf(GRANT, TERMS, None), {"bob", "carol", "adam", "audrey"}),
    "review one's own as somebody else": (
        Action.REVIEW,
        EmergencyOf(GRANT, TERMS, Person("alice", frozenset(), identity="audrey")),
        {"bob", "carol", "adam"},
    ),
    "edit": (Action.EDIT, RequestFor(REQUEST, TERMS), {"alice"}),
    "extend": (Action.EXTEND, GrantFor(GRANT, TERMS), {"alice"}),
    "hand back": (Action.FINISH, GrantFor(GRANT, TERMS), {"alice"}),
    "approve without a role": (Action.APPROVE, RequestFor(REQUEST, None), set()),
    "cancel": (Action.CANCEL, RequestFor(REQUEST, TERMS), {"alice"}),
    "see a request": (Action.SEE, RequestFor(REQUEST, TERMS), {"alice", "bob", "carol", "adam", "audrey"}),
    "see a request without a role": (Action.SEE, RequestFor(REQUEST, None), {"alice", "adam", "audrey"}),
    "revoke": (Action.REVOKE, GrantFor(GRANT, TERMS), {"alice", "bob", "carol", "adam"}),
    "revoke without a role": (Action.REVOKE, GrantFor(GRANT, None), {"alice", "adam"}),
    "mint a token": (Action.TOKEN, GrantFor(GRANT, TERMS), {"alice"}),
    "see a grant": (Action.SEE, GrantFor(GRANT, TERMS), {"alice", "bob", "carol", "adam", "audrey"}),
    "see a session": (Action.SEE, SessionOf("alice"), {"alice", "audrey"}),
    "see everything": (Action.SEE_ALL, Everything(), {"adam", "audrey"}),
    "manage people": (Action.ADMINISTER, Everything(), {"adam"}),
}


@pytest.mark.parametrize("case", WHO_MAY)
def test_who_may(case: str) -> None:
    action, subject, allowed = WHO_MAY[case]
    answers = {name: may(person, action, subject) for name, person in EVERYBODY.items()}
    assert {name for name, answer in answers.items() if isinstance(answer, Allowed)} == allowed
    assert all(answer.reason for answer in answers.values() if isinstance(answer, Denied))


@pytest.mark.parametrize("case", WHO_MAY)
def test_a_locked_person_may_nothing(case: str) -> None:
    action, subject, _ = WHO_MAY[case]
    for person in EVERYBODY.values():
        assert isinstance(may(replace(person, locked=True), action, subject), Denied)


def test_what_no_rule_speaks_of_nobody_may() -> None:
    subjects = [
        TERMS,
        RequestFor(REQUEST, TERMS),
        GrantFor(GRANT, TERMS),
        EmergencyOf(GRANT, TERMS, None),
        SessionOf("alice"),
        Everything(),
    ]
    spoken = {(action, type(subject)) for action, subject, _ in WHO_MAY.values()}
    rest = [(action, subject) for action, subject in product(Action, subjects) if (action, type(subject)) not in spoken]
    assert rest
    for (action, subject), person in product(rest, EVERYBODY.values()):
        assert isinstance(may(person, action, subject), Denied)


def test_an_approval_stops_counting_when_its_giver_is_no_reviewer_any_more() -> None:
    decided = tuple(Decision("req_1", name, Vote.APPROVE, "", START) for name in ("bob", "carol", "dave", "alice"))
    request = replace(REQUEST, decisions=decided)
    assert standing_approvers(request, TERMS, EVERYBODY) == ("bob", "carol")
    locked = {**EVERYBODY, "bob": replace(EVERYBODY["bob"], locked=True)}
    assert standing_approvers(request, TERMS, locked) == ("carol",)
    assert standing_approvers(request, None, EVERYBODY) == ()


def test_an_administrator_does_not_decide_for_a_service_account_whose_tokens_they_make() -> None:
    robot = Person("robot", frozenset({"engineers"}), service=True)
    both = Person("ada", frozenset({*TERMS.approver_groups, "admins"}))
    request = replace(REQUEST, person="robot")
    for action in (Action.APPROVE, Action.DENY):
        assert isinstance(may(both, action, RequestFor(request, TERMS, robot)), Denied)
    assert isinstance(may(EVERYBODY["bob"], Action.APPROVE, RequestFor(request, TERMS, robot)), Allowed)
    said = tuple(Decision("req_1", name, Vote.APPROVE, "", START) for name in ("ada", "bob"))
    everybody = {**EVERYBODY, "ada": both, "robot": robot}
    assert standing_approvers(replace(request, decisions=said), TERMS, everybody) == ("bob",)
