"""policy check, policy explain: is the policy right, and what does it say of this statement?

Both read files and ask the targets themselves; no gateway has to run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer

from config.load import load_policy, load_settings
from config.policy_file import EVERY, PolicyFile, Role
from config.problems import ConfigError, Problem, dotted, suggestion
from config.secrets import SecretUnavailable
from config.settings import Settings, Target
from gateway.cli.output import Exit, Json, Stopped, note, put_json, tell
from gateway.policies import Coverage, Policies, check_against, check_targets, compile_policies, coverage
from gateway.session.snapshots import Snapshots
from gateway.session.upstream import UpstreamUnavailable
from masking.catalog import Catalog
from masking.review import review
from masking.verdict import Passed, Refused, Rewritten, Touched, Verdict

app = typer.Typer(help="Is the policy right, and what does it say?", no_args_is_help=True)

Config = Annotated[Path, typer.Option("--config", "-c", envvar="PGCURFEW_CONFIG", help="The gateway's settings file.")]
PolicyPath = Annotated[
    Path | None, typer.Option("--policy", help="Another policy file than the settings name, before it is put in place.")
]


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
    settings, problems = _settings(config, files=not offline)
    file = policy or (settings.policy.file if settings else config.absolute().parent / "policy.toml")
    policies: Policies | None = None
    asked: dict[str, str | None] = {}
    covered: list[tuple[str, Coverage]] = []
    try:
        policies = compile_policies(load_policy(_as_given(file)))
    except ConfigError as error:
        problems += error.problems
    if settings is not None and policies is not None:
        problems += check_targets(policies, settings.targets)
        for name, target in {} if offline else _in_use(policies, settings):
            catalog, reason = _catalog(name, target)
            asked[name] = reason
            if catalog is not None:
                problems += check_against(policies, catalog, name)
                covered += ((name, relation) for relation in coverage(policies, catalog, name))
    report = _Report(file, tuple(dict.fromkeys(problems)), policies, asked, tuple(covered))
    if as_json:
        put_json(report.as_json())
    else:
        report.tell()
    if report.problems:
        raise typer.Exit(int(Exit.REFUSED))
    if any(reason is not None for reason in asked.values()):
        raise typer.Exit(int(Exit.UNREACHABLE))


@app.command()
def explain(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role of the policy.")],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="What somebody with that role would send.")],
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="Which target, when the role has several.")
    ] = None,
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
    as_json: Json = False,
) -> None:
    """Show what would happen to a statement and why: the verdict, what is masked by which line, what would run.

    Nothing is run. Exit codes: 0 it may run, 1 it would be refused.
    """
    settings, problems = _settings(config, files=False)
    if settings is None:
        raise _unusable(problems)
    try:
        policies = compile_policies(load_policy(_as_given(policy or settings.policy.file)))
    except ConfigError as error:
        raise _unusable(list(error.problems)) from None
    judged_by = policies.role(role)
    if judged_by is None:
        close = suggestion(role, policies.roles)
        hint = f"did you mean {close}?" if close else f"roles: {', '.join(policies.roles)}"
        raise Stopped(Exit.USAGE, f'the policy has no role "{role}"', hint)
    name = _target(role, policies.file.roles[role], target, settings)
    catalog, reason = _catalog(name, settings.targets[name])
    if catalog is None:
        raise Stopped(Exit.UNREACHABLE, reason or "", "names can only be judged beside the database that has them")
    found = review(sql, judged_by, catalog)
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


# --- check ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Report:
    file: Path
    problems: tuple[Problem, ...]
    policies: Policies | None
    #: Targets that were to be asked, with the reason where one could not be.
    asked: dict[str, str | None]
    covered: tuple[tuple[str, Coverage], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "policy": str(self.file),
            "version": self.policies.version if self.policies else None,
            "problems": [asdict(problem) for problem in self.problems],
            "targets": [{"target": name, "unreachable": reason} for name, reason in self.asked.items()],
            "coverage": [{"target": name} | asdict(relation) for name, relation in self.covered],
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
        for reason in self.asked.values():
            if reason is not None:
                note(f"not checked: {reason}")
        if self.problems:
            note("1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems")
        elif self.policies is not None:
            checked = [name for name, reason in self.asked.items() if reason is None]
            beside = f", checked against {', '.join(checked)}" if checked else ", not checked against any database"
            tell(f"{self.file} is right: roles {', '.join(self.policies.roles)}{beside}")


def _settings(config: Path, *, files: bool) -> tuple[Settings | None, list[Problem]]:
    """The settings where they are usable at all, and everything that is wrong with them."""
    try:
        return load_settings(_as_given(config), files=files), []
    except ConfigError as error:
        problems = list(error.problems)
    if not files:
        return None, problems
    # A key that is not there must not keep the policy from being looked at.
    return _settings(config, files=False)[0], problems


def _as_given(path: Path) -> Path:
    """A path below the current directory is shown without it."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _in_use(policies: Policies, settings: Settings) -> Iterator[tuple[str, Target]]:
    named = {name for role in policies.file.roles.values() for name in role.targets}
    return ((name, target) for name, target in settings.targets.items() if name in named)


def _unusable(problems: list[Problem]) -> Stopped:
    return Stopped(
        Exit.USAGE,
        "\n".join(str(problem) for problem in problems),
        "name the gateway's settings with --config FILE; `pgcurfew policy check` reports everything at once",
    )


def _catalog(name: str, target: Target) -> tuple[Catalog | None, str | None]:
    """What the target's database looks like now, or why that cannot be told."""
    try:
        return asyncio.run(_read_catalog(name, target)), None
    except UpstreamUnavailable as error:
        return None, error.message
    except (SecretUnavailable, OSError) as error:
        return None, f'target "{name}" cannot be asked: {error}'


async def _read_catalog(name: str, target: Target) -> Catalog | None:
    snapshots = Snapshots(name, target, time.monotonic)
    try:
        await snapshots.refresh()
        return snapshots.catalog
    finally:
        await snapshots.close()


# --- explain -------------------------------------------------------------------------------


def _target(name: str, role: Role, wanted: str | None, settings: Settings) -> str:
    usable = [target for target in role.targets if target in settings.targets]
    if wanted is None and len(usable) == 1:
        return usable[0]
    if wanted is None:
        raise Stopped(Exit.USAGE, f"role {name} has several targets", f"choose one with --target: {', '.join(usable)}")
    if wanted not in usable:
        raise Stopped(Exit.USAGE, f'role {name} has no target "{wanted}"', f"targets: {', '.join(usable)}")
    return wanted


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
                        "masked": [
                            {"column": column, "mask": mask, "why": _why(file, role, touched.relation, column)}
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
            for line in _pointed_at(sql, refusal.position):
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
        tell(f"  masked   {touched.relation}.{column} as {mask}: {_why(file, role, touched.relation, column)}")


def _why(file: PolicyFile, role: str, relation: str, column: str) -> str:
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


def _pointed_at(sql: str, position: int | None) -> Iterator[str]:
    """The line of the statement that a position is on, with a caret below it, as psql shows it."""
    if position is None or not 1 <= position <= len(sql) + 1:
        return
    start = sql.rfind("\n", 0, position - 1) + 1
    end = sql.find("\n", start)
    label = f"  LINE {sql.count(chr(10), 0, start) + 1}: "
    line = sql[start : len(sql) if end < 0 else end]
    yield label + line.replace("\t", " ")
    yield " " * (len(label) + position - 1 - start) + "^"
