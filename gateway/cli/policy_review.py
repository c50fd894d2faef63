"""policy review, policy sign-off: what each role allows against what was used of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from config.durations import parse_duration
from config.load import parse_policy
from gateway.audit.index.answering import day_of
from gateway.audit.index.usage import Usage, recorded_since, usage_of
from gateway.cli.client import Client
from gateway.cli.output import Exit, Json, Stopped, note, put_json, tell
from gateway.cli.policy_sources import Config, Sources, as_given, opened
from gateway.cli.search import open_index
from gateway.desk.narrowing import RoleUse, compared
from gateway.desk.patch import unified_diff
from gateway.desk.trimming import trimmed, unclassified

Since = Annotated[str, typer.Option("--since", help="So many days back, UTC and with today: 90d.")]


def access_review(
    since: Since = "90d",
    role: Annotated[str | None, typer.Option("--role", help="Only this role.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only the proposal, for `patch -p1`.")] = False,
    config: Config = Path("pgcurfew.toml"),
    as_json: Json = False,
) -> None:
    """Show what each role allows and nobody used, out of the record, and propose less as a diff to the policy.

    On the gateway's host. Exit codes: 0 done, 4 a target cannot be asked for its columns.
    """
    sources = opened(config, None)
    settings = sources.settings
    assert settings is not None, "it was opened by its settings"
    if role is not None:
        sources.role(role)
    days = days_of(since)
    first = (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days - days + 1
    names = [role] if role is not None else list(sources.policies.roles)
    found: list[tuple[RoleUse, Usage]] = []
    with open_index(settings.record.directory) as index:
        began = recorded_since(index)
        for name in names:
            usage = usage_of(index, name, first)
            written, policy = sources.policies.file.roles[name], sources.role(name)
            catalogs = {target: sources.catalog(target) for target in written.targets}
            found.append((compared(name, written, policy, usage, catalogs), usage))
    before = sources.file.read_bytes().decode()
    after, kept = _proposed(sources, before, [use for use, _ in found])
    difference = unified_diff(before, after, as_given(sources.file.absolute()).name)
    if as_json:
        put_json({
            "policy": str(sources.file), "version": sources.policies.version, "days": days, "since": day_of(first),
            "recorded_since": began, "roles": [_as_json(use, usage) for use, usage in found],
            "not_proposed": kept, "diff": difference,
        })  # fmt: skip
        return
    if not began or began > day_of(first):
        note(f"the record begins {began or 'with nothing'}: what was used before is not in it")
    if diff:
        typer.echo(difference, nl=False)
    else:
        for use, usage in found:
            _tell(use, usage)
        tell("less would have done: --diff shows the change" if difference else "nothing to propose")
    for name, reason in kept.items():
        note(f"not proposed: {name}: {reason}")
    note(f'signed off by: pgcurfew policy sign-off --role ROLE --since {since} --note "…" '
         f"--version {sources.policies.version}")  # fmt: skip


def sign_off(
    role: Annotated[str, typer.Option("--role", help="The role that was reviewed.")],
    text: Annotated[str, typer.Option("--note", help="What was found, and what follows from it.")],
    since: Since = "90d",
    version: Annotated[
        str | None, typer.Option("--version", help="The policy that was looked at; refused if another is in force.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Stand for what a role allows, after a review; recorded. For reviewers of the role and administrators."""
    body: dict[str, object] = {"role": role, "note": text, "days": days_of(since)}
    if version is not None:
        body["policy"] = version
    with Client.signed_in() as client:
        done = client.post("access-review", "sign-off", body=body)
    if as_json:
        put_json(done)
        return
    tell(f"signed off: {done['role']} ({done['words']})")


def days_of(text: str) -> int:
    """Whole days. Raises Stopped."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise Stopped(Exit.USAGE, f"--since: {error}", "such as 90d") from None
    if not 86_400 <= seconds <= 3660 * 86_400:
        raise Stopped(Exit.USAGE, "--since is at least 1d, and at most ten years", "such as 90d")
    return -(-seconds // 86_400)


def _proposed(sources: Sources, text: str, uses: list[RoleUse]) -> tuple[str, dict[str, str]]:
    """The text with less in it, and why what was not narrowed was not."""
    kept: dict[str, str] = {}
    file = sources.policies.file
    for use in uses:
        role = file.roles[use.role]
        if use.narrowed is None:
            alerts = [name for name, alert in file.alerts.items() if use.role in alert.roles]
            if role.break_glass is not None:
                kept[use.role] = "never used, but it is there for emergencies"
                continue
            if alerts:
                kept[use.role] = f"never used, but alerts name it: {', '.join(alerts)}"
                continue
        less = trimmed(text, use.role, role, use.narrowed)
        if less is None:
            kept[use.role] = "its tables cannot be changed line by line, or no policy would be left; edit it yourself"
        else:
            text = less
    for relation in _nowhere(sources, text):
        less = unclassified(text, relation)
        if less is None:
            kept[relation] = "no target has it any more, but its classification cannot be taken out; edit it yourself"
        else:
            text = less
    return text, kept


def _nowhere(sources: Sources, text: str) -> list[str]:
    """Classified relations that went with their roles, and that no target which is left has."""
    left = parse_policy(text.encode())
    if set(left.roles) == set(sources.policies.file.roles):
        return []
    catalogs = [sources.catalog(name) for name in {target for role in left.roles.values() for target in role.targets}]
    known = {relation.qualified for catalog in catalogs for relation in catalog.relations.values()}
    gone = {name for role in sources.policies.file.roles.values() for name in role.relations} - known
    return [name for name in left.classification if name in gone]


def _as_json(use: RoleUse, usage: Usage) -> dict[str, Any]:
    return {
        "role": use.role,
        "used": use.narrowed is not None,
        "relations": [asdict(found) for found in use.relations],
        "used_statements": use.used_kinds,
        "unused_statements": use.unused_kinds,
        "unused_reveal": use.unused_reveal,
        "unnamed_functions": use.unnamed_functions,
        "kept_whole": use.kept_whole,
        "people": [asdict(holder) for holder in usage.holders],
        "signed_off": None if usage.sign_off is None else asdict(usage.sign_off),
    }


def _tell(use: RoleUse, usage: Usage) -> None:
    signed = usage.sign_off
    when = "never signed off" if signed is None else f"signed off {signed.time[:10]} by {signed.by}: {signed.words}"
    tell(f"{use.role}: {when}")
    if use.narrowed is None:
        tell("  nobody used it: it could go")
    for found in use.relations:
        if not found.last:
            tell(f"  {found.relation}: not used")
            continue
        tell(f"  {found.relation}: last {found.last}, {found.statements} statements")
        for word, columns in (("not read", found.unread), ("not written", found.unwritten)):
            if columns:
                tell(f"    {word}: {', '.join(columns)}")
    for word, names in (
        ("statements not used", use.unused_kinds),
        ("revealed, not read", use.unused_reveal),
        ("functions that no statement names", use.unnamed_functions),
        ("kept whole, statements need it", use.kept_whole),
    ):
        if names:
            tell(f"  {word}: {', '.join(names)}")
    for holder in usage.holders:
        tell(f"  {holder.person}: {holder.grants} grants, {holder.statements} statements, last {holder.last or 'none'}")
