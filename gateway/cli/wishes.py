"""What options of a command say of a wish: how long, when, which part of a role."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from config.durations import format_duration, parse_duration
from gateway.cli.output import Exit, Stopped

Relations = Annotated[
    list[str],
    typer.Option(
        "--relation",
        "-R",
        help='Only this part of the role: "public.orders", or "public.orders(id, status)". May be given several times.',
    ),
]
At = Annotated[str | None, typer.Option("--at", help='When it is to begin: "14:30", "2026-11-24 09:00" or "+2h".')]

_PART = re.compile(r"(?P<relation>[^()]+?)\s*(?:\((?P<columns>[^()]*)\))?\s*\Z")


def seconds_of(duration: str, option: str = "--for") -> int:
    """A length of time. Raises Stopped."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise Stopped(
            Exit.USAGE, f'{option} "{duration}": {error}', f'such as {option} 30m, or {option} "1h30m"'
        ) from None
    if not seconds:
        raise Stopped(Exit.USAGE, f"{option}: no time at all was asked for", f"such as {option} 30m")
    return seconds


def moment_of(text: str, now: datetime) -> str:
    """A start as people say it, in their own time zone, as the API takes it. A time of day is the next one.
    Raises Stopped."""
    here = now.astimezone()
    try:
        if text.startswith("+"):
            start = here + timedelta(seconds=parse_duration(text[1:]))
        elif re.fullmatch(r"\d{1,2}:\d\d", text):
            hour, _, minute = text.partition(":")
            start = here.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            start += timedelta(days=1 if start <= here else 0)
        else:
            start = datetime.fromisoformat(text)
    except ValueError:
        hint = 'such as --at 14:30, --at "2026-11-24 09:00", or --at +2h'
        raise Stopped(Exit.USAGE, f'--at "{text}": expected a time', hint) from None
    # What says no zone is meant where the person is.
    return start.astimezone().astimezone(UTC).isoformat()


def parts_of(options: list[str]) -> dict[str, list[str]] | None:
    """Relations with their columns; None when nothing was said. Raises Stopped."""
    parts: dict[str, list[str]] = {}
    for option in options:
        found = _PART.match(option.strip())
        if found is None or "." not in found["relation"]:
            hint = 'such as --relation "public.orders", or --relation "public.orders(id, status)"'
            raise Stopped(
                Exit.USAGE, f'--relation "{option}": expected schema.relation, with columns in brackets', hint
            )
        columns = [word.strip() for word in (found["columns"] or "").split(",") if word.strip()]
        parts.setdefault(found["relation"].strip(), []).extend(columns)
    return parts or None


def said_parts(relations: dict[str, list[str]] | None) -> str:
    """A part of a role as people read it; empty for all of it."""
    return "; ".join(
        name if columns in (["*"], []) else f"{name}({', '.join(columns)})"
        for name, columns in (relations or {}).items()
    )


def said_wish(one: dict[str, Any]) -> str:
    """What a request asks for: "30m", "30m from 14:00", "30m more", with the part of the role."""
    text = format_duration(one["seconds"]) + (" more" if one["extends"] else "")
    if one["starts_at"]:
        text += f" from {datetime.fromisoformat(one['starts_at']).astimezone():%Y-%m-%d %H:%M}"
    parts = said_parts(one["relations"])
    return f"{text}, {parts}" if parts else text
