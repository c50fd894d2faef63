"""pgcurfew: the root command, and where every other is mounted."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from gateway.cli import ask, connect, hold, people, sign_in
from gateway.cli.output import Json, Stopped, put_json, put_plain, tell_stopped, wants_json


class Root(TyperGroup):
    """Turns `Stopped` into words on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Stopped as stopped:
            tell_stopped(stopped, as_json=wants_json(ctx))
            raise typer.Exit(int(stopped.code)) from None


app = typer.Typer(
    name="pgcurfew",
    cls=Root,
    help="Time-boxed, masked and fully recorded access to production PostgreSQL.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong use, 3 not signed in, 4 the gateway cannot be reached, "
    "5 waited in vain.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)

for _commands in (sign_in, ask, hold, connect):
    app.registered_commands += _commands.app.registered_commands
app.add_typer(people.app, name="user")


def _mount(module: str, name: str | None = None) -> None:
    """Mount the commands that another file exports: a function named as the file, or `app`, flat or under `name`."""
    try:
        found = importlib.import_module(f"gateway.cli.{module}")
    except ModuleNotFoundError:
        return
    if hasattr(found, module):
        app.command()(getattr(found, module))
    elif name is None:
        app.registered_commands += found.app.registered_commands
        app.registered_groups += found.app.registered_groups
    else:
        app.add_typer(found.app, name=name)


_mount("serve")
_mount("policy", "policy")
_mount("record")
_mount("demo")


@app.command()
def version(as_json: Json = False) -> None:
    """The version of this program."""
    from importlib import metadata

    try:
        found = metadata.version("pgcurfew")
    except metadata.PackageNotFoundError:
        found = "unknown"
    if as_json:
        put_json({"version": found})
        return
    put_plain(found)
