"""`pgcurfew demo`: the whole story on this machine, to try or to watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo(
    tour: Annotated[bool, typer.Option("--tour", help="Play the whole story, check every step, and end.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to put it; removed at the end. None: a temporary one.")
    ] = None,
    scale: Annotated[float, typer.Option("--scale", min=0.005, max=20, help="1 is 275,000 rows.")] = 1.0,
) -> None:
    """Start a PostgreSQL with sample data, a gateway, and three people to try it with."""
    # Only this command needs all that a demo needs.
    from gateway.demo import show

    raise typer.Exit(show.tour(scale=scale) if tour else show.demo(folder, scale=scale))
