"""The judge's answers, one case a block of cases/*.sql: `-->` rewritten, `--=` passed, `--!` refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from masking.parse import parse, same
from masking.review import review
from masking.verdict import Rewritten
from tests.masking.village import CATALOG, ROLES

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    place: str
    role: str
    sql: str
    mark: str
    expected: str


def _cases() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.sql")):
        line = 1
        for block in file.read_text().split("\n\n"):
            lines = block.strip("\n").split("\n")
            place, line = f"{file.name}:{line}", line + block.count("\n") + 2
            role = "reader"
            if lines[0].startswith("-- role: "):
                role = lines.pop(0).removeprefix("-- role: ")
            if not lines[-1].startswith(("-->", "--=", "--!")):
                continue
            yield Case(place, role, "\n".join(lines[:-1]), lines[-1][:3], lines[-1][4:])


CASES = list(_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_the_judge_says_what_the_case_expects(case: Case) -> None:
    result = review(case.sql, ROLES[case.role], CATALOG)
    if case.mark == "--!":
        assert result.refusal is not None
        assert f"{result.refusal.sqlstate} {result.refusal.rule}" == case.expected
        assert result.refusal.rule != "internal"
        return
    assert result.refusal is None, result.refusal
    assert result.text.rstrip() == case.expected
    assert any(isinstance(verdict, Rewritten) for verdict in result.verdicts) == (case.mark == "-->")


@pytest.mark.parametrize("case", [case for case in CASES if case.mark != "--!"], ids=lambda case: case.place)
def test_what_is_sent_reads_back_as_itself_and_judged_again_is_no_less_masked(case: Case) -> None:
    sent = review(case.sql, ROLES[case.role], CATALOG).text
    tree = parse(sent)
    for raw in tree.stmts:
        raw.stmt_location = raw.stmt_len = 0
    assert same(tree.SerializeToString(), parse(sent).SerializeToString())


def test_there_are_cases() -> None:
    assert len(CASES) > 200
