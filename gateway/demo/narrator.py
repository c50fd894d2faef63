"""Tells a story on the terminal: who does what, what they see, and whether it is what it should be."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

#: Each party has a colour that stays the same throughout.
COLOURS = {"alice": "cyan", "rita": "magenta", "otto": "yellow", "the database": "blue", "an intruder": "red"}
LONGEST_OUTPUT = 24


def screen() -> Console:
    """Where the story is told: as wide as the terminal, or a hundred columns where there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 100)


@dataclass(frozen=True, slots=True)
class Check:
    """One claim of the story, and whether it held."""

    chapter: str
    claim: str
    held: bool
    evidence: str


class StoryBrokenError(Exception):
    """A claim on which the rest depends did not hold."""


@dataclass
class Narrator:
    """Prints chapters, scenes and checks, and remembers every check."""

    console: Console = field(default_factory=screen)
    checks: list[Check] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _chapter: str = ""

    def chapter(self, number: int, title: str, words: str = "") -> None:
        """A new part of the story."""
        self._chapter = f"{number}. {title}"
        self.console.print()
        self.console.print(Rule(f"[bold]{self._chapter}[/bold]", align="left", style="dim"))
        if words:
            self.say(words)

    def say(self, words: str) -> None:
        """A sentence in between."""
        self.console.print(Text(words, style="italic"))

    def scene(self, who: str, command: str | Sequence[str], seen: str) -> None:
        """What somebody typed, and what they then saw."""
        typed = command if isinstance(command, str) else shlex.join(command)
        colour = COLOURS.get(who, "white")
        body = Text()
        body.append("$ " if not isinstance(command, str) else "", style="dim")
        body.append(typed.strip() + "\n", style="bold")
        body.append_text(Text.from_ansi(shortened(seen)))
        self.console.print(Panel(body, title=f"[bold {colour}]{who}[/]", title_align="left", border_style=colour))

    def check(self, held: bool, claim: str, evidence: str = "") -> bool:
        """A claim about what was just seen. The evidence is shown when it does not hold."""
        self.checks.append(Check(self._chapter, claim, held, evidence))
        mark, style = ("✓", "green") if held else ("✗", "bold red")
        self.console.print(Text(f"  {mark} {claim}", style=style))
        if not held and evidence:
            self.console.print(Panel(Text(shortened(evidence)), title="but", border_style="red"))
        return held

    def need(self, held: bool, claim: str, evidence: str = "") -> None:
        """A claim without which there is no going on."""
        if not self.check(held, claim, evidence):
            raise StoryBrokenError(claim)

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.held]

    def end(self) -> int:
        """The summary; gives back the exit code."""
        seconds = time.monotonic() - self.began
        table = Table(box=None, padding=(0, 2), show_header=False)
        for chapter in dict.fromkeys(check.chapter for check in self.checks):
            of_chapter = [check for check in self.checks if check.chapter == chapter]
            held = sum(check.held for check in of_chapter)
            style = "green" if held == len(of_chapter) else "bold red"
            table.add_row(chapter, Text(f"{held} of {len(of_chapter)}", style=style))
        self.console.print()
        self.console.print(Rule("[bold]The story in figures[/bold]", align="left", style="dim"))
        self.console.print(table)
        if self.failed:
            for check in self.failed:
                self.console.print(Text(f"✗ {check.chapter}: {check.claim}", style="bold red"))
            return 1
        if not self.checks:
            self.console.print(Text("✗ nothing was checked", style="bold red"))
            return 1
        self.console.print(Text(f"✓ {len(self.checks)} checks held, in {seconds:.0f} s", style="bold green"))
        return 0


def shortened(text: str, lines: int = LONGEST_OUTPUT) -> str:
    """At most so many lines, and a word about the rest."""
    found = text.rstrip().splitlines()
    if len(found) <= lines:
        return "\n".join(found)
    return "\n".join([*found[: lines - 1], f"… ({len(found) - lines + 1} more lines)"])
