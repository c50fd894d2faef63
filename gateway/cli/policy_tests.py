"""policy test: does the policy still say what it was meant to say?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from config.load import load_policy_tests
from config.problems import ConfigError, Problem, suggestion
from gateway.cli.output import Exit, Json, Stopped, put_json, tell
from gateway.cli.policy_explain import pointed_at
from gateway.cli.policy_sources import Config, PolicyPath, Saved, Sources, as_given, opened, unusable
from gateway.desk.expectations import Outcome, judge


def run_tests(
    tests: Annotated[
        Path | None,
        typer.Argument(
            metavar="TESTS", help="The file with the tests; without it, policy.tests.toml beside policy.toml."
        ),
    ] = None,
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
    catalog: Saved = None,
    as_json: Json = False,
) -> None:
    """Judge the statements of a file and compare the verdicts with those that are expected. Nothing is run.

    Exit codes: 0 all as expected, 1 something is not, 2 the files cannot be used, 4 a target cannot be asked.
    """
    sources = opened(config, policy, catalog)
    file = tests if tests is not None else sources.file.with_suffix(".tests.toml")
    outcomes = _judged(as_given(file), sources)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if as_json:
        put_json({"tests": str(file), "failed": len(failed), "outcomes": [_as_json(outcome) for outcome in outcomes]})
    else:
        for outcome in failed:
            _tell(str(as_given(file)), outcome)
        tell(f"{len(outcomes) - len(failed)} as expected, {len(failed)} not")
    if failed:
        raise typer.Exit(int(Exit.REFUSED))


def _judged(file: Path, sources: Sources) -> list[Outcome]:
    try:
        found = load_policy_tests(file)
    except ConfigError as error:
        if not file.exists():
            hint = 'begin with [[test]], role = "…", sql = "…", expect = "allow" or "refuse"'
            raise Stopped(Exit.USAGE, f"{file} is not there", hint) from None
        raise Stopped(Exit.USAGE, "\n".join(str(problem) for problem in error.problems)) from None
    roles = sources.policies.roles
    problems = [
        Problem(found.file, found.line(index), f"test[{index}].role", _no_role(expectation.role, roles))
        for index, expectation in enumerate(found.expectations)
        if expectation.role not in roles
    ]
    if problems:
        raise unusable(problems)
    outcomes = []
    for index, expectation in enumerate(found.expectations):
        target = sources.target_of(expectation.role, expectation.target)
        role, catalog = sources.role(expectation.role), sources.catalog(target)
        outcomes.append(judge(expectation, found.line(index), target, role, catalog))
    return outcomes


def _no_role(name: str, known: tuple[str, ...]) -> str:
    close = suggestion(name, known)
    return f'the policy has no role "{name}"' + (f"; did you mean {close}?" if close else "")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    expectation = outcome.expectation
    return {
        "name": expectation.name,
        "line": outcome.line,
        "role": expectation.role,
        "target": outcome.target,
        "sql": expectation.sql,
        "passed": outcome.passed,
        "differences": [asdict(difference) for difference in outcome.differences],
    }


def _tell(file: str, outcome: Outcome) -> None:
    expectation = outcome.expectation
    tell(f"{file}:{outcome.line}: {expectation.name or expectation.role} ({expectation.role} on {outcome.target})")
    for line in expectation.sql.strip().splitlines():
        tell(f"    {line}")
    if outcome.refusal is not None:
        for line in pointed_at(expectation.sql, outcome.refusal.position):
            tell(f"  {line}")
    for difference in outcome.differences:
        tell(f"  {difference.what}")
        # What both have stands once, as in any diff.
        for word in difference.expected:
            tell(f"  {' ' if word in difference.found else '-'} {word}")
        for word in difference.found:
            if word not in difference.expected:
                tell(f"  + {word}")
        if not difference.expected:
            tell("  - (none)")
        if not difference.found:
            tell("  + (none)")
        elif sorted(difference.expected) == sorted(difference.found):
            tell(f"  + in this order: {', '.join(difference.found)}")
    tell("")
