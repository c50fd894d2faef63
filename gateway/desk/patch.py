"""A proposal as lines of the policy file: comments, order and spelling of what is there stay as they are."""

from __future__ import annotations

import copy
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.lines import Header, locate
from config.load import parse_policy
from config.problems import ConfigError
from gateway.desk.proposal import Proposed, Unlisted, writable
from masking.policy import Mask

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Edited:
    """The file with the new lines in it, and what could not be written, by relation or role, with the reason."""

    text: str
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines for one table of the file, under the key that the table has."""

    table: tuple[str, ...]
    lines: tuple[str, ...]
    values: Mapping[str, object]


def edited(text: str, proposed: Sequence[Proposed], unlisted: Iterable[Unlisted], listed: Mapping[str, str]) -> Edited:
    """Write the proposed lines into a policy file's text.

    `unlisted` columns are named in a comment below the lines of their relation; `listed` are relations that a role
    is to read: relation -> role. What cannot be added without rewriting what somebody wrote is left out and told.
    """
    hidden: dict[str, list[str]] = {}
    for column in unlisted:
        hidden.setdefault(column.relation, []).append(column.column)
    by_relation: dict[str, list[Proposed]] = {}
    for line in proposed:
        by_relation.setdefault(line.relation, []).append(line)
    blocks = [_grants(role, [name for name, to in listed.items() if to == role]) for role in sorted({*listed.values()})]
    blocks += [_classification(name, lines, hidden.get(name, ())) for name, lines in by_relation.items()]
    refused: dict[str, str] = {}
    for block in blocks:
        found = _with(text, block)
        if found is None:
            refused[block.table[1]] = f"[{_header(block.table)}] is written in short; give it a table of its own"
        else:
            text = found
    return Edited(text, refused)


def unified_diff(before: str, after: str, name: str) -> str:
    """What `patch -p1` and `git apply` take; empty when nothing changes."""
    # A name with blanks ends at a tab (git does the same).
    suffix = "\t" if " " in name else ""
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}{suffix}", f"b/{name}{suffix}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Only at line feeds: splitlines() would part at other characters too."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [line for line in text.split("\n")[-1:] if line]


# --- lines ---------------------------------------------------------------------------------


def mask_as_toml(mask: Mask) -> str:
    """As it stands in the file: `"clear"`, `{ mask = "partial", keep_first = 1 }`."""
    written = {
        "mask": text_as_toml(str(mask.kind)),
        **{key_as_toml(name): _value(value) for name, value in mask.options},
    }
    if mask.hide_null:
        written["hide_null"] = "true"
    if mask.lookup:
        written["lookup"] = "true"
    if mask.paths:
        paths = ", ".join(f"{key_as_toml(path)} = {mask_as_toml(inner)}" for path, inner in mask.paths)
        written["paths"] = f"{{ {paths} }}"
    if len(written) == 1:
        return written["mask"]
    return "{ " + ", ".join(f"{name} = {value}" for name, value in written.items()) + " }"


def _as_value(mask: Mask) -> object:
    found: object = tomllib.loads(f"mask = {mask_as_toml(mask)}")["mask"]
    return found


def _classification(relation: str, proposed: Sequence[Proposed], hidden: Sequence[str]) -> _Block:
    lines = [f"{key_as_toml(p.column)} = {mask_as_toml(p.mask)}  # {p.reason}" for p in proposed]
    if hidden:
        odd = sum(not writable(name) for name in hidden)
        names = ", ".join(
            [key_as_toml(name) for name in hidden if writable(name)] + [f"{odd} with odd names"] * bool(odd)
        )
        lines.append(f"# not recognised, so hidden (NULL) until somebody decides: {names}")
    return _Block(
        ("classification", relation), tuple(lines), {proposal.column: _as_value(proposal.mask) for proposal in proposed}
    )


def _grants(role: str, relations: Sequence[str]) -> _Block:
    lines = tuple(f'{key_as_toml(name)} = "read"  # every column, as classified below' for name in relations)
    return _Block(("roles", role, "relations"), lines, dict.fromkeys(relations, "read"))


def _header(table: Sequence[str]) -> str:
    return ".".join(map(key_as_toml, table))


def key_as_toml(name: str) -> str:
    """Bare where it can be."""
    return name if _BARE_KEY.match(name) else text_as_toml(name)


def text_as_toml(text: str) -> str:
    """A basic string (toml.io/en/v1.0.0#string); what does not print is written as its number."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _value(value: str | int) -> str:
    return str(value) if isinstance(value, int) else text_as_toml(value)


# --- where they go -------------------------------------------------------------------------


def _with(text: str, block: _Block) -> str | None:
    """The text with the block in it, or None where it cannot stand. What comes out says exactly what the text
    said, and the block: anything else is taken back."""
    document = tomllib.loads(text)
    expected: dict[str, Any] = copy.deepcopy(document)
    table = expected
    for key in block.table:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return None
    table.update(block.values)
    lines = text.split("\n")
    ending = "\r" if "\r\n" in text else ""
    headers = locate(text).headers
    own = next((found for found in headers if found.location == block.table and not found.many), None)
    added = [line + ending for line in block.lines]
    if own is None:
        family = [found for found in headers if found.location[:1] == block.table[:1]]
        at = _past_comments(lines, _end_of(lines, headers, family[-1])) if family else _end(lines)
        added = [ending, f"[{_header(block.table)}]{ending}", *added]
    else:
        at = _end_of(lines, headers, own)
    if at == len(lines):
        # The file does not end with a line feed, and its last line has no \r.
        lines[-1] += ending
        added.append("")
    found = "\n".join([*lines[:at], *added, *lines[at:]])
    try:
        if tomllib.loads(found) != expected:
            return None
        parse_policy(found.encode())
    except (tomllib.TOMLDecodeError, ConfigError):
        return None
    return found


def _end_of(lines: Sequence[str], headers: Sequence[Header], header: Header) -> int:
    """The index of the line after the last one with a key of this table, before the comments of the next one."""
    later = [found.line for found in headers if found.line > header.line]
    # Comments right below the last keys belong to them; those before the next header belong to that.
    stop = min(later) - 1 if later else _end(lines)
    end = stop
    while end > header.line and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _past_comments(lines: Sequence[str], end: int) -> int:
    """Over comments right below, which belong to what stands above them: unless a header follows at once."""
    after = end
    while after < len(lines) and lines[after].lstrip().startswith("#"):
        after += 1
    return end if after < len(lines) and lines[after].strip() else after


def _end(lines: Sequence[str]) -> int:
    """The index after the last line that is not blank."""
    end = len(lines)
    while end > 0 and not lines[end - 1].strip():
        end -= 1
    return end
