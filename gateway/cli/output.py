"""What a command says: tables for people, JSON for programs; and how it stops."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.durations import format_duration
from gateway.audit.visible import visible, visible_json


class Exit(IntEnum):
    """Exit codes; documented in docs and in `pgcurfew --help`."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    UNREACHABLE = 4
    WAITED_IN_VAIN = 5


class Stopped(Exception):
    """The command cannot go on: `message` says what happened, `hint` what to do next."""

    def __init__(self, code: Exit, message: str, hint: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause or code.name.lower().replace("_", "-")


_WANTS_JSON = "pgcurfew.json"


def _note_json(context: typer.Context, value: bool) -> bool:
    context.meta[_WANTS_JSON] = value
    return value


Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.", callback=_note_json, is_eager=True)]


def wants_json(context: typer.Context) -> bool:
    """Whether the command that ran in this context was asked for JSON."""
    return bool(context.meta.get(_WANTS_JSON, False))


def tell_stopped(stopped: Stopped, *, as_json: bool) -> None:
    """Say on stderr why the command stopped."""
    if as_json:
        body = {"error": stopped.message, "hint": stopped.hint, "cause": stopped.cause}
        sys.stderr.write(json.dumps(body) + "\n")
        return
    console = _console(stderr=True)
    console.print(Text("refused: " if stopped.code is Exit.REFUSED else "error: ", "bold red"), end="")
    console.print(Text(visible(stopped.message, lines=True)), soft_wrap=True)
    if stopped.hint:
        console.print(Text("hint: ", "bold"), end="")
        console.print(Text(visible(stopped.hint)), soft_wrap=True)


def tell(text: str) -> None:
    """A line for people, on stdout."""
    _console().print(Text(visible(text)), soft_wrap=True)


def note(text: str) -> None:
    """A line for people on stderr, where it does not mix with what a program reads."""
    _console(stderr=True).print(Text(visible(text), "dim"), soft_wrap=True)


def put_json(value: object) -> None:
    """JSON on stdout. Letters stay letters; what a terminal would act on is written as its number."""
    sys.stdout.write(visible_json(json.dumps(value, indent=2, ensure_ascii=False, default=str)) + "\n")


def put_plain(text: str) -> None:
    """Exactly this text and a line end on stdout: for what another program takes as it is."""
    sys.stdout.write(text + "\n")


def put_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str) -> None:
    """A table of texts, or the sentence `nothing` when there are no rows. The first column is never cut."""
    if not rows:
        tell(nothing)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    _console().print(table)


def status(text: str) -> Any:
    """A live line on stderr while the block runs; call `.update(text)` on what it gives."""
    return _console(stderr=True).status(Text(text))


def moment(text: str) -> datetime:
    """A time of the API."""
    return datetime.fromisoformat(text)


def clock_time(text: str) -> str:
    """A time of the API as people read it, in their own zone."""
    return moment(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def left(text: str) -> str:
    """How long until a time of the API: "29m30s", or "over"."""
    seconds = int((moment(text) - datetime.now(UTC)).total_seconds())
    return format_duration(seconds) if seconds > 0 else "over"


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    # Rich takes 80 columns where there is no terminal, which would fold what programs read.
    return Console(stderr=stderr, width=None if stream.isatty() else 240, highlight=False, emoji=False, markup=False)
