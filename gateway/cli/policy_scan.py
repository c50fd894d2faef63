"""policy scan: a classification proposed from names, types and sampled values, as a diff to the policy file."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from config.settings import Target
from gateway.cli.output import Exit, Json, Stopped, note, put_json, status
from gateway.cli.policy_sources import Config, PolicyPath, Sources, opened
from gateway.desk.patch import Edited, edited, mask_as_toml, unified_diff
from gateway.desk.proposal import Evidence, Proposal, propose, scanned, writable
from gateway.desk.sampling import TROUBLE, NotSampled, Surroundings, prepare, sample, surroundings
from gateway.desk.targets import TargetUnavailable, connected, read_catalog
from gateway.desk.values import Shares
from gateway.session.reading import QuestionRefused
from masking.catalog import Catalog, Relation

DEFAULT_SAMPLE = 200
#: More names than these are counted only; --json has them all.
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the database gave: its catalog, the evidence, and the relations without a sample, with the reason."""

    catalog: Catalog
    relations: tuple[Relation, ...]
    evidence: Evidence
    not_sampled: Mapping[str, str]


def scan(
    target: Annotated[str | None, typer.Option("--target", "-t", help="Which target, when there are several.")] = None,
    role: Annotated[
        str | None, typer.Option("--role", help="Also let this role read the relations where something was recognised.")
    ] = None,
    relation: Annotated[
        list[str] | None, typer.Option("--relation", help='Only this relation, as "schema.name"; repeat for more.')
    ] = None,
    schema: Annotated[list[str] | None, typer.Option("--schema", help="Only this schema; repeat for more.")] = None,
    size: Annotated[int, typer.Option("--sample", min=1, max=10_000, help="Rows of each relation to look at.")] = (
        DEFAULT_SAMPLE
    ),
    no_sample: Annotated[bool, typer.Option("--no-sample", help="Read no rows: names, types and keys alone.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the lines into the policy file.")] = False,
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
    as_json: Json = False,
) -> None:
    """Propose a classification for what nobody has classified yet: a diff to the policy file, with reasons.

    Apply it with `patch -p1` or `git apply` after you have read it, or have it written with --write. Columns that
    were not recognised stay hidden. Values that were looked at are never shown, only what share of them looks like
    what. What is classified already stays as it is. Exit codes: 0 done, 4 the target cannot be asked.
    """
    sources = opened(config, policy)
    name = sources.one_target(target)
    if role is not None:
        sources.role(role)
        sources.target_of(role, name)
    try:
        looked = asyncio.run(
            _look(name, sources.target(name), _Choice(relation or [], schema or []), 0 if no_sample else size)
        )
    except TargetUnavailable as error:
        raise Stopped(Exit.UNREACHABLE, str(error)) from None
    proposal = propose(sources.policies, looked.catalog, looked.relations, looked.evidence)
    before = _text(sources.file)
    after = edited(before, proposal.proposed, proposal.unlisted, _grants(sources, role, proposal))
    difference = unified_diff(before, after.text, _shown(sources.file))
    if write and difference:
        _write(sources.file, after.text)
    if as_json:
        put_json(_as_json(sources.file, name, looked, proposal, after, difference))
        return
    if not write:
        typer.echo(difference, nl=False)
    _tell(sources.file, looked, proposal, after, written=write and bool(difference))


# --- looking -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Choice:
    relations: list[str]
    schemas: list[str]

    def of(self, target: str, catalog: Catalog) -> tuple[Relation, ...]:
        everything = list(scanned(catalog))
        known = {found.qualified for found in everything}
        missing = [name for name in self.relations if name not in known]
        missing += [name for name in self.schemas if name not in {found.schema for found in everything}]
        if missing:
            raise Stopped(Exit.USAGE, f"{target} has no {', '.join(missing)}, or nothing to classify in it")
        return tuple(
            found
            for found in everything
            if (not self.relations and not self.schemas)
            or found.qualified in self.relations
            or found.schema in self.schemas
        )


async def _look(name: str, target: Target, choice: _Choice, size: int) -> _Looked:
    """Everything that is asked of the database. Raises TargetUnavailable."""
    catalog = await read_catalog(name, target)
    relations = choice.of(name, catalog)
    shares: dict[int, Mapping[str, Shares]] = {}
    not_sampled: dict[str, str] = {}
    around = Surroundings()
    async with connected(name, target) as channel:
        try:
            await prepare(channel)
            around = await surroundings(channel)
        except TROUBLE as error:
            raise TargetUnavailable(f'target "{name}" cannot be asked: {_kind(error)}') from None
        if not size:
            return _Looked(catalog, relations, Evidence(around), {})
        with status("looking …") as line:
            for done, relation in enumerate(relations):
                line.update(f"{done} of {len(relations)} relations")
                try:
                    found = await sample(channel, relation, relation.columns, size, around.rows.get(relation.oid))
                    shares[relation.oid] = found
                    if found and not any(column.rows for column in found.values()):
                        not_sampled[relation.qualified] = "it shows no rows"
                except NotSampled as error:
                    not_sampled[relation.qualified] = str(error)
                except TROUBLE as error:
                    # Never the words of the error: they could quote what was being read.
                    for rest in relations[done:]:
                        not_sampled[rest.qualified] = f"the connection was lost ({_kind(error)})"
                    break
    return _Looked(catalog, relations, Evidence(around, shares), not_sampled)


def _kind(error: BaseException) -> str:
    return f"SQLSTATE {error.sqlstate}" if isinstance(error, QuestionRefused) else type(error).__name__


def _grants(sources: Sources, role: str | None, proposal: Proposal) -> dict[str, str]:
    """Relations that the role does not list yet and where something is classified now."""
    if role is None:
        return {}
    listed = sources.policies.file.roles[role].relations
    names = dict.fromkeys(found.relation for found in proposal.proposed)
    return {name: role for name in names if name not in listed and writable(name)}


# --- the file ------------------------------------------------------------------------------


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Stopped(Exit.USAGE, f"{file} cannot be read") from None


def _shown(file: Path) -> str:
    """The name in the diff: from the current directory, or the name alone."""
    try:
        return file.absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.name


def _write(file: Path, text: str) -> None:
    """All of it or nothing, with the rights that the file had."""
    place = file.resolve()
    try:
        descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(text.encode())
            shutil.copymode(place, temporary)
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{file} cannot be written: {error.strerror}") from None


# --- saying --------------------------------------------------------------------------------


def _as_json(
    file: Path, target: str, looked: _Looked, proposal: Proposal, after: Edited, difference: str
) -> dict[str, Any]:
    return {
        "policy": str(file),
        "target": target,
        "diff": difference,
        "proposed": [
            {
                "relation": found.relation,
                "column": found.column,
                "mask": str(found.mask.kind),
                "written": mask_as_toml(found.mask),
                "reason": found.reason,
            }
            for found in proposal.proposed
        ],
        "hidden": [asdict(found) for found in proposal.unlisted],
        "doubts": [asdict(found) for found in proposal.doubts],
        "not_sampled": [{"relation": name, "reason": reason} for name, reason in looked.not_sampled.items()],
        "not_written": [{"name": name, "reason": reason} for name, reason in after.refused.items()],
    }


def _tell(file: Path, looked: _Looked, proposal: Proposal, after: Edited, *, written: bool) -> None:
    for doubt in proposal.doubts:
        note(f"look again: {doubt.relation}.{doubt.column} is shown clear, and {doubt.reason}")
    for name, reason in looked.not_sampled.items():
        note(f"not sampled: {name}: {reason}")
    for name, reason in after.refused.items():
        note(f"not written: {name}: {reason}")
    hidden = [f"{found.relation}.{found.column}" for found in proposal.unlisted]
    if hidden:
        some = ", ".join(hidden[:_MOST_NAMED]) + (", …" if len(hidden) > _MOST_NAMED else "")
        count = "1 column was" if len(hidden) == 1 else f"{len(hidden)} columns were"
        note(f"{count} not recognised and stay hidden (NULL): {some}")
    clear = sum(found.mask.kind == "clear" for found in proposal.proposed)
    masked = len(proposal.proposed) - clear
    if written:
        note(f"{file}: {masked} columns masked and {clear} clear were added; read them before you trust them")
    elif proposal.proposed:
        note(f"proposed: {masked} columns masked, {clear} clear; read the reasons before you apply it")
    else:
        note("nothing to propose: what could be recognised is classified already")
