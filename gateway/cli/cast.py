"""A recorded session as asciicast v3 (docs.asciinema.org/manual/asciicast/v3): a terminal film of its timeline,
statement by statement, at the pace that it had."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from rich.console import Console, RenderableType

from gateway.audit.replay import Moment, Session, Statement
from gateway.audit.visible import visible
from gateway.cli.timeline import moment_line, session_end, session_head, statement_block

COLUMNS: Final = 110
ROWS: Final = 36
#: Players shorten longer pauses to this (seconds).
IDLE_SECONDS: Final = 3


def cast(session: Session) -> Iterator[str]:
    """The lines of the file, without line ends."""
    opened = session.opened
    started = datetime.fromisoformat(session.started)
    title = f"{opened.person} on {opened.target} as {opened.role}: {opened.session}"
    header: dict[str, Any] = {
        "version": 3,
        "term": {"cols": COLUMNS, "rows": ROWS, "type": "xterm-256color"},
        "timestamp": int(started.timestamp()),
        "idle_time_limit": IDLE_SECONDS,
        "title": visible(title),
    }
    yield json.dumps(header)
    before = started
    yield _event(0.0, session_head(session))
    texts = {entry.number: entry.text for entry in session.statements}
    for entry in session.timeline:
        match entry:
            case Statement():
                # It is seen when its outcome is.
                time = datetime.fromisoformat(entry.ended or entry.time)
                shown = statement_block(replace(entry, text=entry.text or texts.get(entry.of, "")))
            case Moment():
                time, shown = datetime.fromisoformat(entry.time), moment_line(entry)
        yield _event(max(0.0, (time - before).total_seconds()), shown)
        before = max(before, time)
    ended = datetime.fromisoformat(session.ended) if session.ended else before
    yield _event(max(0.0, (ended - before).total_seconds()), session_end(session))
    yield json.dumps([1.0, "x", "0"])


def _event(interval: float, shown: RenderableType) -> str:
    screen = Console(
        file=io.StringIO(), width=COLUMNS, force_terminal=True, color_system="256", highlight=False, emoji=False,
        markup=False, legacy_windows=False,
    )  # fmt: skip
    screen.print(shown)
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    return json.dumps([round(interval, 6), "o", said.replace("\n", "\r\n")])
