"""policy explain: what would happen to a statement, and why."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer

from config.policy_file import EVERY, PolicyFile
from config.problems import dotted
from gateway.cli.output import Exit, Json, put_json, tell
from gateway.cli.policy_sources import Config, PolicyPath, Saved, opened
from masking.review import review
from masking.verdict import Passed, Refused, Rewritten, Touched, Verdict


def explain(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role of the policy.")],
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="What somebody with that role would send; - reads it from stdin.")
    ],
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Which target, when the role has several.")
    ] = None,
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
    catalog: Saved = None,
    as_json: Json = False,
) -> None:
    """Show what would happen to a statement and why: the verdict, what is masked by which line, what would run.

    Nothing is run. Exit codes: 0 it may run, 1 it would be refused.
    """
    sources = opened(config, policy, catalog)
    judged_by = sources.role(role)
    name = sources.target_of(role, target)
    policies = sources.policies
    sql = sys.stdin.read() if sql == "-" else sql
    found = review(sql, judged_by, sources.catalog(name))
    if as_json:
        put_json(
            {
                "role": role,
                "target": name,
                "refused": found.refusal is not None,
                "statements": [_verdict_as_json(policies.file, role, verdict) for verdict in found.verdicts],
            }
        )
    else:
        if not found.verdicts:
            tell("There is no statement in that.")
        for verdict in found.verdicts:
            _tell_verdict(policies.file, role, name, sql, verdict)
        if len(found.verdicts) > 1 and found.refusal is not None:
            tell("One refusal refuses the whole string: nothing of it would run.")
    if found.refusal is not None:
        raise typer.Exit(int(Exit.REFUSED))


def _verdict_as_json(file: PolicyFile, role: str, verdict: Verdict) -> dict[str, Any]:
    match verdict:
        case Refused(statement=statement, refusal=refusal):
            return {
                "verdict": "refused",
                "kind": statement.kind if statement else None,
                **asdict(refusal),
            }
        case Passed(statement=statement, text=text) | Rewritten(statement=statement, text=text):
            return {
                "verdict": "passed" if isinstance(verdict, Passed) else "rewritten",
                "kind": statement.kind,
                "relations": [
                    {
                        "relation": touched.relation,
                        "read": touched.read,
                        "written": touched.written,
                        "lookups": touched.lookups,
                        "masked": [
                            {"column": column, "mask": mask, "why": why(file, role, touched.relation, column)}
                            for column, mask in touched.masked
                        ],
                    }
                    for touched in statement.touched
                ],
                "runs": text,
            }
        case _:
            assert_never(verdict)


def _tell_verdict(file: PolicyFile, role: str, target: str, sql: str, verdict: Verdict) -> None:
    match verdict:
        case Refused(refusal=refusal):
            tell(f"{role} may not run this on {target}: {refusal.message}")
            for line in pointed_at(sql, refusal.position):
                tell(line)
            for word, text in (("detail", refusal.detail), ("hint", refusal.hint)):
                if text and text != f"Rule: {refusal.rule}.":
                    tell(f"  {word:<9}{text}")
            tell(f"  rule     {refusal.rule} (SQLSTATE {refusal.sqlstate})")
        case Passed(statement=statement, text=text) | Rewritten(statement=statement, text=text):
            how = "as it is" if isinstance(verdict, Passed) else "rewritten"
            tell(f"{role} may run this {statement.kind} on {target}, {how}.")
            for touched in statement.touched:
                _tell_touched(file, role, touched)
            tell(f"  runs     {text}")
        case _:
            assert_never(verdict)


def _tell_touched(file: PolicyFile, role: str, touched: Touched) -> None:
    if touched.written:
        tell(f"  writes   {touched.relation}: {', '.join(touched.written)}")
    if touched.read:
        tell(f"  reads    {touched.relation}: {', '.join(touched.read)}")
    for column, mask in touched.masked:
        tell(f"  masked   {touched.relation}.{column} as {mask}: {why(file, role, touched.relation, column)}")
    for column, times in Counter(touched.lookups).items():
        values = "one raw value" if times == 1 else f"{times} raw values"
        tell(f"  looks up {touched.relation}.{column} by {values}; that counts against limits.lookups of the role")


def why(file: PolicyFile, role: str, relation: str, column: str) -> str:
    """Which line of the policy masks a column, or that none does."""
    rule = file.roles[role].relations.get(relation)
    if rule is None:
        return "system relations hide it from every role"
    at = ("roles", role, "relations", relation)
    if EVERY not in rule.read and column not in rule.read:
        return f"{file.file}:{file.line((*at, 'read'))}: this role does not read it"
    columns = file.classification.get(relation, {})
    name = column if column in columns else EVERY
    if name in columns:
        if columns[name].mask == "clear":
            return "a relation that it inherits from, or that inherits from it, masks it"
        place = ("classification", relation, name)
        return f"{file.file}:{file.line(place)}: {dotted(place)}"
    return "nobody has classified it"


def pointed_at(sql: str, position: int | None) -> Iterator[str]:
    """The line of the statement that a position is on, with a caret below it, as psql shows it."""
    if position is None or not 1 <= position <= len(sql) + 1:
        return
    start = sql.rfind("\n", 0, position - 1) + 1
    end = sql.find("\n", start)
    label = f"  LINE {sql.count(chr(10), 0, start) + 1}: "
    line = sql[start : len(sql) if end < 0 else end]
    yield label + line.replace("\t", " ")
    yield " " * (len(label) + position - 1 - start) + "^"
