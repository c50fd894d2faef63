"""policy matrix: who can see what, as a table, as JSON, or as one HTML page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Exit, Json, Stopped, note, put_json, put_table, tell
from gateway.cli.policy_sources import Config, PolicyPath, Saved, opened
from gateway.desk.outlook import Cell, Outlook, outlook
from gateway.desk.page import in_words, page
from gateway.desk.proposal import scanned


def matrix(
    target: Annotated[str | None, typer.Option("--target", "-t", help="Which target, when there are several.")] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write one HTML page to this file; nothing in it comes from elsewhere."),
    ] = None,
    relation: Annotated[
        list[str] | None, typer.Option("--relation", help='Only this relation, as "schema.name"; repeat for more.')
    ] = None,
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
    catalog: Saved = None,
    as_json: Json = False,
) -> None:
    """Show who can see what: every column that some role sees, as each role finds it."""
    sources = opened(config, policy, catalog)
    name = sources.one_target(target)
    found = sources.catalog(name)
    wanted = [known for known in scanned(found) if not relation or known.qualified in relation]
    missing = set(relation or ()) - {known.qualified for known in wanted}
    if missing:
        raise Stopped(Exit.USAGE, f"{name} has no relation {', '.join(sorted(missing))}")
    seen = outlook(sources.policies, found, name, wanted)
    if html is not None:
        try:
            html.write_text(page(seen), encoding="utf-8")
        except OSError as error:
            raise Stopped(Exit.USAGE, f"{html} cannot be written: {error.strerror}") from None
        note(f"{html}: who can see what on {name}")
    if as_json:
        put_json(_as_json(seen))
    elif html is None:
        _tell(seen)


def _as_json(seen: Outlook) -> dict[str, object]:
    return {
        "target": seen.target,
        "policy": seen.policy_version,
        "columns": [
            {
                "relation": line.relation,
                "column": line.column,
                "type": line.type_name,
                "roles": {role: asdict(cell) for role, cell in zip(seen.roles, line.cells, strict=True)},
            }
            for line in seen.lines
        ],
        "out_of_sight": list(seen.hidden),
    }


def _tell(seen: Outlook) -> None:
    rows = [[f"{line.relation}.{line.column}", *(_cell(cell) for cell in line.cells)] for line in seen.lines]
    put_table(["COLUMN", *seen.roles], rows, nothing="No role can see anything there.")
    if seen.hidden:
        tell("")
        tell(f"Out of every role's sight ({len(seen.hidden)}): {', '.join(seen.hidden)}")


def _cell(cell: Cell) -> str:
    return f"{in_words(cell)}, writes" if cell.writes else in_words(cell)
