"""pgcurfew: the root command, and where every other is mounted."""

from __future__ import annotations

import importlib
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from gateway.cli import ask, connect, decide, hold, sign_in
from gateway.cli.output import Json, Stopped, put_json, put_plain, tell_stopped, wants_json

#: Commands of other files, imported when they are called: `pgcurfew token` need not know PostgreSQL's grammar.
ELSEWHERE: Final = {
    "sessions": ("record", "sessions"),
    "replay": ("record", "replay"),
    "audit": ("audit", "app"),
    "tail": ("live", "tail"),
    "kill": ("live", "kill"),
    "policy": ("policy", "app"),
    "token": ("tokens", "app"),
    "keys": ("keys", "app"),
    "notices": ("notices", "app"),
    "alerts": ("alerts", "app"),
    "user": ("user", "app"),
    "break-glass": ("emergency", "break_glass"),
    "emergencies": ("emergency", "emergencies"),
    "review": ("emergency", "review"),
    "doctor": ("doctor", "doctor"),
    "init": ("init", "init"),
    "serve": ("serve", "serve"),
    "demo": ("demo", "demo"),
}


class Root(TyperGroup):
    """Imports what stands elsewhere, and turns `Stopped` into words on stderr and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in ELSEWHERE:
            return _elsewhere(cmd_name, *ELSEWHERE[cmd_name])
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Stopped as stopped:
            tell_stopped(stopped, as_json=wants_json(ctx))
            raise typer.Exit(int(stopped.code)) from None


def _elsewhere(name: str, module: str, attribute: str) -> Any:
    """The command of that name: a group that the module calls `attribute`, or a function."""
    found = getattr(importlib.import_module(f"gateway.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        found.rich_markup_mode = None
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name)(found)
    return get_command(alone)


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

for _commands in (sign_in, ask, decide, hold, connect):
    app.registered_commands += _commands.app.registered_commands


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
