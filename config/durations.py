"""Lengths of time as people write them: "45s", "30m", "2h", "1h30m", "1d"."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHAPE = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)

EXPECTED = 'expected a length of time such as "45s", "30m", "2h" or "1h30m"'


def parse_duration(text: str) -> int:
    """Seconds of a text such as "1h30m"; ValueError says what was expected."""
    found = _SHAPE.fullmatch(text)
    if not text or found is None:
        raise ValueError(EXPECTED)
    return sum(int(count) * unit for count, unit in zip(found.groups(), (86_400, 3600, 60, 1), strict=True) if count)


def format_duration(seconds: int) -> str:
    """The shortest text that `parse_duration` reads back as the same number: 5400 -> "1h30m"."""
    text = ""
    for name, unit in sorted(_UNITS.items(), key=lambda pair: -pair[1]):
        count, seconds = divmod(seconds, unit)
        text += f"{count}{name}" if count else ""
    return text or "0s"


def _seconds(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _only_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(EXPECTED)
    return parse_duration(value)


#: A field whose name says seconds: a number, or a text with units.
Seconds = Annotated[int, BeforeValidator(_seconds)]
#: The same where fractions are of use.
FineSeconds = Annotated[float, BeforeValidator(_seconds), Field(allow_inf_nan=False)]
#: A field whose name does not say its unit: only a text with units.
Duration = Annotated[int, BeforeValidator(_only_text)]
