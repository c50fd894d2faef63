"""Where each key and each element stands in a TOML file that tomllib has already accepted.

tomllib tells values but not places. This reads the same text once more, only for its structure
(toml.io/en/v1.0.0): it skips over values, it never interprets them.
"""

from __future__ import annotations

import bisect
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.problems import Location

_BLANK = " \t\r\n"
_BARE_END = frozenset(" \t\r\n=.]")
_SCALAR_END = frozenset(",]}\n#")


@dataclass(frozen=True, slots=True)
class Header:
    """A line that opens a table: `[a.b]`, or `[[a.b]]` for one of many."""

    location: Location
    line: int
    many: bool = False


class Lines:
    """Line numbers of a document by location; what has no line of its own has that of its nearest parent."""

    def __init__(self, found: Mapping[Location, int] | None = None, headers: Sequence[Header] = ()) -> None:
        self._found = dict(found or {})
        #: Every header in its order.
        self.headers = tuple(headers)

    def __contains__(self, location: Location) -> bool:
        return location in self._found

    def line(self, location: Location) -> int:
        """The line on which the location, or the nearest thing around it, begins."""
        while location and location not in self._found:
            location = location[:-1]
        return self._found.get(location, 1)

    def present(self, location: Location) -> Location:
        """The longest beginning of the location that is written in the document."""
        while location and location not in self._found:
            location = location[:-1]
        return location


def locate(text: str) -> Lines:
    """All locations of a TOML document, which must be one that tomllib reads."""
    reader = _Reader(text)
    reader.document()
    return Lines(reader.found, reader.headers)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.newlines = [index for index, character in enumerate(text) if character == "\n"]
        self.found: dict[Location, int] = {}
        #: Arrays of tables, with how many elements each has so far.
        self.arrays: dict[Location, int] = {}
        self.headers: list[Header] = []

    def document(self) -> None:
        table: Location = ()
        while self._skip_blank():
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Location:
        line = self._line()
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self._keys()
        self.at += 2 if many else 1
        location: Location = ()
        for position, key in enumerate(keys):
            location = (*location, key)
            last = position == len(keys) - 1
            if last and many:
                self.arrays[location] = self.arrays.get(location, 0) + 1
            if last and not many:
                self.found[location] = line
            self.found.setdefault(location, line)
            if location in self.arrays:
                location = (*location, self.arrays[location] - 1)
                self.found.setdefault(location, line)
        self.headers.append(Header(location, line, many))
        return location

    def _pair(self, table: Location) -> None:
        line = self._line()
        location = table
        for key in self._keys():
            location = (*location, key)
            self.found.setdefault(location, line)
        self.at += 1  # the "="
        self._skip_blank()
        self._value(location)

    def _value(self, location: Location) -> None:
        match self.text[self.at]:
            case "[":
                self._array(location)
            case "{":
                self._inline_table(location)
            case '"' | "'":
                self._string()
            case _:
                while self.at < len(self.text) and self.text[self.at] not in _SCALAR_END:
                    self.at += 1

    def _array(self, location: Location) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and self.text[self.at] != "]":
            self.found[(*location, index)] = self._line()
            self._value((*location, index))
            index += 1
            self._skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, location: Location) -> None:
        self.at += 1
        while self._skip_blank() and self.text[self.at] != "}":
            self._pair(location)
            self._skip_blank()
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _string(self) -> str:
        """Skip a string and return it as written, its quotes included."""
        start = self.at
        quote = self.text[start]
        fence = quote * 3 if self.text.startswith(quote * 3, start) else quote
        self.at += len(fence)
        while not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(fence)
        # Up to two quotes may stand directly before the closing three.
        while len(fence) == 3 and self.text.startswith(quote, self.at):
            self.at += 1
        return self.text[start : self.at]

    def _keys(self) -> tuple[str, ...]:
        keys: list[str] = []
        while True:
            self._skip_blank()
            if self.text[self.at] in "\"'":
                # The one value that is read, because a key can be escaped: by tomllib itself.
                keys.append(str(tomllib.loads(f"key = {self._string()}")["key"]))
            else:
                start = self.at
                while self.text[self.at] not in _BARE_END:
                    self.at += 1
                keys.append(self.text[start : self.at])
            self._skip_blank()
            if self.text[self.at] != ".":
                return tuple(keys)
            self.at += 1

    def _skip_blank(self) -> bool:
        """Over blanks, newlines and comments; False at the end of the text."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in _BLANK:
                self.at += 1
            else:
                return True
        return False

    def _line(self) -> int:
        return bisect.bisect_left(self.newlines, self.at) + 1
