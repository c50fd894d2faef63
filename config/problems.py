"""What is wrong with a file, said so that the person who wrote it can mend it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Where something stands in a TOML document: keys, and indexes into arrays.
Location = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` counts from 1; 0 where there is none (the environment, a file that cannot be read).
    `path` is the dotted key as one would write it in TOML, or the name of an environment variable."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(Exception):
    """The file cannot be used; `problems` holds everything that was found, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def dotted(location: Location) -> str:
    """The location as one writes it in TOML: `roles.support.relations."public.customers"`, `targets[0]`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        text += ("." if text else "") + (part if _BARE_KEY.match(part) else _quoted(part))
    return text


def suggestion(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known word that was probably meant, or None."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return close[0] if close else None


def _quoted(key: str) -> str:
    # A key of a broken file can hold anything; what a terminal would act on is shown escaped.
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in key.replace("\\", "\\\\"))
    return '"' + shown.replace('"', '\\"') + '"'
