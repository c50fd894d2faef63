"""Amounts of data as people write them: "500kB", "1MB". A kB is 1024 bytes, as in PostgreSQL (PG manual, 19.1.1)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3}
_SHAPE = re.compile(r"(\d{1,9}) ?(B|kB|MB|GB)", re.ASCII)

EXPECTED = 'expected an amount of data such as "64kB" or "1MB"'


def parse_size(text: str) -> int:
    """Bytes of a text such as "64kB"; ValueError says what was expected."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(EXPECTED)
    return int(found[1]) * _UNITS[found[2]]


def _bytes(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


#: A field whose name says bytes: a number, or a text with units.
Bytes = Annotated[int, BeforeValidator(_bytes)]
