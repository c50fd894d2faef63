"""A recorded session, played in the terminal: at its own pace or ten times that, step by step, or from refusal to
error. Needs the extra `replay` (textual). All recorded text passes through `visible` before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from pglast import prettify
from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Input, Static

from gateway.audit.replay import Moment, Session, Statement
from gateway.audit.visible import visible
from gateway.cli.timeline import moment_line, moment_words, session_head, statement_block, took

#: While it plays, no pause is longer (seconds of the session): nobody watches somebody think.
LONGEST_PAUSE = 3.0
TICK = 0.05
_VERDICTS = {"passed": ("passed", "green"), "rewritten": ("masked", "cyan"), "refused": ("refused", "bold red")}

Entry = Statement | Moment


class ReplayScreen(App[None]):
    """One session. Leaves nothing behind."""

    TITLE = "pgcurfew replay"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { height: auto; max-height: 9; padding: 0 1; background: $panel; }
    #list { height: 1fr; min-height: 6; }
    #detail { height: 1fr; min-height: 8; border-top: solid $primary; padding: 0 1; }
    #clock { height: 1; padding: 0 1; background: $panel; }
    #filter { display: none; height: 3; }
    #filter.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play"),
        Binding("1", "speed(1)", "1×"),
        Binding("0", "speed(10)", "10×"),
        Binding("n,right", "step(1)", "Next"),
        Binding("p,left", "step(-1)", "Back"),
        Binding("e", "trouble(1)", "Refusal/error"),
        Binding("E", "trouble(-1)", "…back", show=False),
        Binding("slash", "filter", "Filter"),
        Binding("escape", "clear", "All", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._texts = {entry.number: entry.text for entry in session.statements}
        self._offsets = _offsets(session.timeline)
        #: What is listed: places in the timeline.
        self.shown: list[int] = list(range(len(session.timeline)))
        self.speed = 1
        self.playing = False
        #: Seconds since the beginning, as it plays.
        self._now = 0.0

    def compose(self) -> ComposeResult:
        yield Static(session_head(self.session), id="head")
        yield DataTable(id="list", cursor_type="row", zebra_stripes=True)
        with VerticalScroll(id="detail"):
            yield Static(id="entry")
        yield Static(id="clock")
        yield Input(
            placeholder="part of a text, a column, a rule, an SQLSTATE …; Enter keeps it, Esc shows all", id="filter"
        )
        yield Footer()

    def on_mount(self) -> None:
        table = self._table
        for name, width in (
            ("time", 12),
            ("#", 5),
            ("verdict", 9),
            ("kind", 12),
            ("rows", 9),
            ("took", 9),
            ("text", None),
        ):
            table.add_column(name, width=width)
        self._fill()
        self.set_interval(TICK, self._tick)
        table.focus()

    # what is shown

    @property
    def _table(self) -> DataTable[Any]:
        return self.query_one("#list", DataTable)

    @property
    def place(self) -> int | None:
        """Where in the timeline the cursor is."""
        row = self._table.cursor_row
        return self.shown[row] if 0 <= row < len(self.shown) else None

    def _fill(self) -> None:
        table = self._table
        table.clear()
        for place in self.shown:
            table.add_row(*_cells(self.session.timeline[place], self._texts))
        self._show()

    def _show(self) -> None:
        place = self.place
        entry = None if place is None else self.session.timeline[place]
        self.query_one("#entry", Static).update(self._detail(entry))
        self._tell_time()

    def _detail(self, entry: Entry | None) -> RenderableType:
        match entry:
            case Statement():
                text = entry.text or self._texts.get(entry.of, "")
                parts: list[RenderableType] = [statement_block(replace(entry, text=formatted(text)))]
                touched = [f"reads {', '.join(entry.read)}"] if entry.read else []
                touched += [f"writes {', '.join(entry.written)}"] if entry.written else []
                return Group(*parts, *(Text(visible(line), "dim") for line in touched))
            case Moment():
                return moment_line(entry)
            case None:
                return Text("nothing fits: Esc shows all", "dim")

    def _tell_time(self) -> None:
        whole = self._offsets[-1] if self._offsets else 0.0
        room = max(10, self.size.width - 46)
        done = 0 if whole <= 0 else min(room, round(self._now / whole * room))
        word = "▶" if self.playing else "■"
        line = Text.assemble(f"{word} {self.speed:>2}×  {_clock(self._now)} / {_clock(whole)}  ")
        line.append("━" * done, "bold cyan").append("━" * (room - done), "dim")
        listed = f"{len(self.shown)} of {len(self.session.timeline)}" if self._filtered else f"{len(self.shown)}"
        self.query_one("#clock", Static).update(line.append(f"  {listed}", "dim"))

    @property
    def _filtered(self) -> bool:
        return len(self.shown) != len(self.session.timeline)

    # what is done

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        place = self.place
        if place is not None and not self.playing:
            self._now = self._offsets[place]
        self._show()

    def action_play(self) -> None:
        """Play on, or pause; at the end from the beginning."""
        self.playing = not self.playing and bool(self.shown)
        if self.playing and self._table.cursor_row >= len(self.shown) - 1:
            self._table.move_cursor(row=0)
            self._now = self._offsets[self.shown[0]]
        self._tell_time()

    def action_speed(self, speed: int) -> None:
        self.speed = speed
        self._tell_time()

    def action_step(self, by: int) -> None:
        self.playing = False
        self._move(self._table.cursor_row + by)

    def action_trouble(self, by: int) -> None:
        """To the next (or previous) statement that was refused, failed or was cut off."""
        self.playing = False
        row = self._table.cursor_row + by
        while 0 <= row < len(self.shown):
            if is_trouble(self.session.timeline[self.shown[row]]):
                self._move(row)
                return
            row += by
        self.bell()

    def action_filter(self) -> None:
        wanted = self.query_one("#filter", Input)
        wanted.add_class("open")
        wanted.focus()

    def action_clear(self) -> None:
        self.query_one("#filter", Input).value = ""
        self._close_filter()

    def on_input_changed(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        timeline = self.session.timeline
        self.shown = [place for place, entry in enumerate(timeline) if _fits(entry, words, self._texts)]
        self.playing = False
        self._fill()

    def on_input_submitted(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter", Input).remove_class("open")
        self._table.focus()

    def _move(self, row: int) -> None:
        if 0 <= row < len(self.shown):
            self._now = self._offsets[self.shown[row]]
            self._table.move_cursor(row=row)

    def _tick(self) -> None:
        if not self.playing:
            return
        self._now += TICK * self.speed
        row = self._table.cursor_row
        while row + 1 < len(self.shown) and self._offsets[self.shown[row + 1]] <= self._now:
            row += 1
        if row != self._table.cursor_row:
            self._table.move_cursor(row=row)
        if row + 1 >= len(self.shown):
            self.playing = False
        self._tell_time()


def is_trouble(entry: Entry) -> bool:
    """Was it refused, did it fail, was it cut off?"""
    if isinstance(entry, Moment):
        return False
    return entry.verdict == "refused" or bool(entry.sqlstate) or entry.outcome in ("failed", "cut")


def formatted(sql: str) -> str:
    """The text laid out over lines by PostgreSQL's own grammar; as it is where that cannot read it."""
    try:
        return str(prettify(sql, comma_at_eoln=True))
    except Exception:  # the printer knows fewer statements than the parser; what was recorded is shown then
        return sql


def _offsets(timeline: Sequence[Entry]) -> list[float]:
    """When each entry comes, in seconds from the first; long pauses are shortened."""
    offsets: list[float] = []
    at, before = 0.0, None
    for entry in timeline:
        time = datetime.fromisoformat(entry.time)
        if before is not None:
            at += min(LONGEST_PAUSE, max(0.0, (time - before).total_seconds()))
        before = time
        offsets.append(at)
    return offsets


def _cells(entry: Entry, texts: dict[int, str]) -> list[Text]:
    time = Text(datetime.fromisoformat(entry.time).astimezone().strftime("%H:%M:%S.%f")[:12], "dim")
    if isinstance(entry, Moment):
        said = Text(visible(moment_words(entry)), "yellow", no_wrap=True)
        return [time, Text(), Text(), Text(), Text(), Text(), said]
    word, style = _VERDICTS.get(entry.verdict, (visible(entry.verdict), "bold"))
    outcome = entry.outcome not in ("", "done", "refused")
    text = " ".join((entry.text or texts.get(entry.of, "")).split())
    return [
        time,
        Text(str(entry.number), "bold"),
        Text(entry.outcome if outcome else word, "bold yellow" if outcome else style),
        Text(visible(entry.kind)),
        Text(f"{entry.rows:,}" if entry.rows else "", justify="right"),
        Text(took(entry.microseconds) if entry.outcome and entry.outcome != "refused" else "", justify="right"),
        Text(visible(text[:300]), no_wrap=True),
    ]


def _fits(entry: Entry, words: Sequence[str], texts: dict[int, str]) -> bool:
    if not words:
        return True
    if isinstance(entry, Moment):
        said = moment_words(entry)
    else:
        word, _ = _VERDICTS.get(entry.verdict, (entry.verdict, ""))
        parts = (
            entry.text or texts.get(entry.of, ""),
            entry.kind,
            entry.verdict,
            word,
            entry.rule,
            entry.reason,
            entry.outcome,
        )
        names = (*entry.read, *entry.written, *entry.masks, *entry.lookups)
        said = " ".join(
            (*parts, entry.sqlstate, entry.message, f"#{entry.number}", *names, *filter(None, entry.parameters))
        )
    said = said.lower()
    return all(word in said for word in words)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


__all__ = ["ReplayScreen", "formatted", "is_trouble"]
