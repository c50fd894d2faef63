"""policy check, scan, test, explain, matrix: is the policy right, and what does it say?

They read files and ask the targets themselves; no gateway has to run.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from config.load import load_policy
from config.problems import ConfigError, Problem
from gateway.audit.visible import visible
from gateway.cli import policy_explain, policy_matrix, policy_review, policy_scan, policy_snapshot, policy_tests
from gateway.cli.output import Exit, Json, note, put_json, tell
from gateway.cli.policy_sources import Config, PolicyPath, as_given, in_use, settings_of
from gateway.desk.outlook import outlook
from gateway.desk.proposal import scanned
from gateway.desk.targets import TargetUnavailable, read_catalog
from gateway.policies import Coverage, Policies, check_against, check_alerts, check_targets, compile_policies, coverage

app = typer.Typer(help="Is the policy right, and what does it say?", no_args_is_help=True)
#: More names than these are counted only; --json has them all.
MOST_NAMED = 12


@app.callback()
def log_to_stderr() -> None:
    """What the gateway's own code logs goes where it does not mix with an answer."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, _in_one_line],
        # Asked for each time: sys.stderr can be another one by then.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _in_one_line(_: object, __: str, event: structlog.typing.EventDict) -> str:
    words = event.pop("event", "")
    level = event.pop("level", "")
    return visible(f"{level}: {words} ({', '.join(f'{name}: {value}' for name, value in event.items())})")


@app.command()
def check(
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
    offline: Annotated[bool, typer.Option("--offline", help="Only the files: ask no database, read no key.")] = False,
    as_json: Json = False,
) -> None:
    """Report every mistake in the settings and the policy, with file and line; ask the databases about names and types.

    Exit codes: 0 all is right, 1 something is wrong, 4 nothing is wrong but a target could not be asked.
    """
    settings, problems = settings_of(config, files=not offline)
    file = policy or (settings.policy.file if settings else config.absolute().parent / "policy.toml")
    policies: Policies | None = None
    asked: dict[str, str | None] = {}
    covered: list[tuple[str, Coverage]] = []
    unseen: dict[str, tuple[str, ...]] = {}
    try:
        policies = compile_policies(load_policy(as_given(file)))
    except ConfigError as error:
        problems += error.problems
    if settings is not None and policies is not None:
        problems += check_targets(policies, settings.targets)
        problems += check_alerts(policies, settings.targets, settings.notices.sinks)
        for name, target in {} if offline else in_use(policies, settings):
            try:
                catalog = asyncio.run(read_catalog(name, target))
            except TargetUnavailable as error:
                asked[name] = str(error)
                continue
            asked[name] = None
            problems += check_against(policies, catalog, name)
            covered += ((name, relation) for relation in coverage(policies, catalog, name))
            unseen[name] = outlook(policies, catalog, name, scanned(catalog)).hidden
    report = _Report(file, tuple(dict.fromkeys(problems)), policies, asked, tuple(covered), unseen)
    if as_json:
        put_json(report.as_json())
    else:
        report.tell()
    if report.problems:
        raise typer.Exit(int(Exit.REFUSED))
    if any(reason is not None for reason in asked.values()):
        raise typer.Exit(int(Exit.UNREACHABLE))


for _name, _command in (
    ("scan", policy_scan.scan),
    ("test", policy_tests.run_tests),
    ("explain", policy_explain.explain),
    ("matrix", policy_matrix.matrix),
    ("snapshot", policy_snapshot.snapshot),
    ("review", policy_review.access_review),
    ("sign-off", policy_review.sign_off),
):
    app.command(_name)(_command)


# --- what check found ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Report:
    file: Path
    problems: tuple[Problem, ...]
    policies: Policies | None
    #: Targets that were to be asked, with the reason where one could not be.
    asked: dict[str, str | None]
    covered: tuple[tuple[str, Coverage], ...]
    #: By target: the relations that no role can see.
    unseen: dict[str, tuple[str, ...]]

    def as_json(self) -> dict[str, Any]:
        return {
            "policy": str(self.file),
            "version": self.policies.version if self.policies else None,
            "problems": [asdict(problem) for problem in self.problems],
            "targets": [{"target": name, "unreachable": reason} for name, reason in self.asked.items()],
            "coverage": [{"target": name} | asdict(relation) for name, relation in self.covered],
            "out_of_sight": [{"target": name, "relations": list(found)} for name, found in self.unseen.items()],
        }

    def tell(self) -> None:
        for problem in self.problems:
            tell(str(problem))
        for name, relation in self.covered:
            unclassified = relation.unclassified
            if unclassified:
                count = len(unclassified) + len(relation.clear) + len(relation.masked)
                note(
                    f"note: {name}: {relation.relation}: {len(unclassified)} of {count} columns are not classified "
                    f"and show NULL: {', '.join(unclassified)}"
                )
        for name, relations in self.unseen.items():
            if relations:
                some = ", ".join(relations[:MOST_NAMED]) + (", …" if len(relations) > MOST_NAMED else "")
                note(f"note: {name}: {len(relations)} relations that no role can see: {some}")
            counted = [found for target, found in self.covered if target == name]
            note(
                f"note: {name}: of the columns that roles read, "
                f"{sum(len(found.clear) for found in counted)} are clear, "
                f"{sum(len(found.masked) for found in counted)} masked, "
                f"{sum(len(found.unclassified) for found in counted)} not classified"
            )
        for reason in self.asked.values():
            if reason is not None:
                note(f"not checked: {reason}")
        if self.problems:
            note("1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems")
        elif self.policies is not None:
            checked = [name for name, reason in self.asked.items() if reason is None]
            beside = f", checked against {', '.join(checked)}" if checked else ", not checked against any database"
            tell(f"{self.file} is right: roles {', '.join(self.policies.roles)}{beside}")
