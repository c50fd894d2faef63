"""What a policy is expected to say, against what it says: one test is a role, a statement and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.policy_tests import Expectation
from masking.catalog import Catalog
from masking.columns import output_columns
from masking.policy import RolePolicy
from masking.review import review
from masking.verdict import Refusal, Refused

#: A name that only PostgreSQL could tell, such as that of an expression.
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was expected otherwise: "+" lines are the outcome, "-" lines the expectation."""

    what: str
    expected: tuple[str, ...]
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    expectation: Expectation
    #: Where the test stands.
    line: int
    target: str
    differences: tuple[Difference, ...]
    refusal: Refusal | None

    @property
    def passed(self) -> bool:
        return not self.differences


def judge(expectation: Expectation, line: int, target: str, policy: RolePolicy, catalog: Catalog) -> Outcome:
    """Judge the statement and compare. Nothing is run."""
    found = review(expectation.sql, policy, catalog)
    refusal = found.refusal
    differences: list[Difference] = []

    def compare(what: str, expected: Sequence[str], outcome: Sequence[str]) -> None:
        if tuple(expected) != tuple(outcome):
            differences.append(Difference(what, tuple(expected), tuple(outcome)))

    verdict = "refuse" if refusal is not None else "allow"
    if expectation.expect != verdict:
        said = f"{verdict}: {refusal.message} ({refusal.rule}, {refusal.sqlstate})" if refusal is not None else verdict
        return Outcome(expectation, line, target, (Difference("verdict", (expectation.expect,), (said,)),), refusal)
    if refusal is not None:
        if expectation.rule is not None:
            compare("rule", (expectation.rule,), (refusal.rule,))
        if expectation.sqlstate is not None:
            compare("sqlstate", (expectation.sqlstate,), (refusal.sqlstate,))
        return Outcome(expectation, line, target, tuple(differences), refusal)
    masks: dict[str, str] = {}
    for one in found.verdicts:
        if not isinstance(one, Refused):
            masks.update((f"{t.relation}.{column}", mask) for t in one.statement.touched for column, mask in t.masked)
    if expectation.masked is not None:
        compare("masked", *_masks(expectation.masked, masks))
    if expectation.columns is not None:
        outcome = output_columns(expectation.sql, policy, catalog)
        compare("columns", *_columns(expectation.columns, outcome))
    return Outcome(expectation, line, target, tuple(differences), None)


def _masks(expected: Mapping[str, str | None], found: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Only as exact as the test: one that names no mask takes any."""
    wanted = [f"{column} as {mask}" if mask else column for column, mask in sorted(expected.items())]
    outcome = [
        column if column in expected and expected[column] is None else f"{column} as {mask}"
        for column, mask in sorted(found.items())
    ]
    return wanted, outcome


def _columns(expected: Sequence[str], found: Sequence[str | None] | None) -> tuple[list[str], list[str]]:
    if found is None:
        return list(expected), ["(cannot be told without running it)"]
    outcome = [UNKNOWN if name is None else name for name in found]
    if len(outcome) == len(expected):
        # Where only PostgreSQL knows the name, any is taken.
        outcome = [want if name == UNKNOWN else name for want, name in zip(expected, outcome, strict=True)]
    return list(expected), outcome
