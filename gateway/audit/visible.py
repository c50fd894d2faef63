"""Text from a record, made safe to show: what would move the cursor, change colours, reverse the
reading order or hide itself is shown as an escape instead.
"""

from __future__ import annotations

import re
import unicodedata

#: Control, format (bidi overrides, zero-width), surrogate, private use, unassigned, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_ANY_SUSPECT = re.compile(r"[^\x20-\x7e]")


def visible(text: str, *, lines: bool = False) -> str:
    """`text` with every character that does not show as itself written as `\\n`, `\\x1b`, `\\u202e`.
    With `lines`, line feeds stay and tabs become blanks (for SQL that is shown over several lines)."""
    if lines:
        text = text.replace("\r\n", "\n").replace("\t", "    ")
        return "\n".join(_ANY_SUSPECT.sub(_escape, line) for line in text.split("\n"))
    return _ANY_SUSPECT.sub(_escape, text)


def visible_json(text: str) -> str:
    """JSON that says the same, with every character that does not show as itself written as `\\u001b`."""
    return _ANY_SUSPECT.sub(_as_json_escape, text)


def _as_json_escape(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n" or unicodedata.category(character) not in _UNSEEN:
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _SHORT:
        return _SHORT[character]
    if unicodedata.category(character) not in _UNSEEN:
        return character
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
