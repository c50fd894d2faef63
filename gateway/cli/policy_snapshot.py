"""policy snapshot: what a target's database looks like, as a file for tests where no database is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import Exit, Stopped, put_plain, tell
from gateway.cli.policy_sources import Config, PolicyPath, opened
from gateway.desk.catalog_file import SavedCatalog, encode


def snapshot(
    target: Annotated[str | None, typer.Option("--target", "-t", help="Which target, when there are several.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; without it, stdout.")] = None,
    config: Config = Path("pgcurfew.toml"),
    policy: PolicyPath = None,
) -> None:
    """Save a target's catalog, to test and explain without the database. It holds names and types, and no data."""
    sources = opened(config, policy)
    name = sources.one_target(target)
    content = encode(SavedCatalog(name, sources.catalog(name)))
    if out is None:
        put_plain(content.decode().rstrip("\n"))
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{out} cannot be written: {error.strerror}") from None
    tell(f"{out}: the catalog of {name}; use it with --catalog {out}")
