"""Taking away from a policy's text: what stays keeps its comments, order and spelling."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from config.lines import locate
from config.load import parse_policy
from config.policy_file import EVERY, Role
from config.problems import ConfigError, Location
from gateway.desk.narrowing import Narrowed
from gateway.desk.patch import text_as_toml
from gateway.policies import compile_policies
from masking.policy import RelationRule


def trimmed(text: str, role: str, before: Role, narrowed: Narrowed | None) -> str | None:
    """The text with the narrowed role, or without the role (None). None where it cannot be written without
    rewriting what somebody wrote, or where what came out would be no policy."""
    expected: dict[str, Any] = copy.deepcopy(tomllib.loads(text))
    at: Location = ("roles", role)
    if narrowed is None:
        del expected["roles"][role]
        return _checked(_without_tables(text, at), expected)
    found = expected["roles"][role]
    changes: list[tuple[Location, str | None]] = []
    for relation, rule in before.relations.items():
        less = narrowed.relations.get(relation)
        if less is None:
            del found["relations"][relation]
            changes.append(((*at, "relations", relation), None))
        elif less != RelationRule(frozenset(rule.read), frozenset(rule.write)):
            written = _rule_as_toml(less, (rule.read, rule.write))
            found["relations"][relation] = tomllib.loads(f"it = {written}")["it"]
            changes.append(((*at, "relations", relation), written))
    for name, old, new in (
        ("statements", before.statements, narrowed.statements),
        ("reveal", before.reveal, narrowed.reveal),
    ):
        if old != new:
            changes.append(((*at, name), _list_as_toml(new) if new else None))
            if new:
                found[name] = list(new)
            else:
                del found[name]
    lines = text.split("\n")
    places = locate(text)
    # From the end, so that the lines before stay where they are.
    for location, value in sorted(changes, key=lambda change: places.line(change[0]), reverse=True):
        start = places.line(location) - 1
        end = _end_of_value(lines, start)
        if end is None:
            return None
        lines[start:end] = [] if value is None else [_with_value(lines[start:end], value)]
    return _checked("\n".join(lines), expected)


def unclassified(text: str, relation: str) -> str | None:
    """The text without the classification of a relation. None where it cannot be written."""
    expected: dict[str, Any] = copy.deepcopy(tomllib.loads(text))
    del expected["classification"][relation]
    return _checked(_without_tables(text, ("classification", relation)), expected)


def _rule_as_toml(rule: RelationRule, order: Sequence[Sequence[str]]) -> str:
    if EVERY in rule.read and (not rule.write or EVERY in rule.write):
        return '"write"' if rule.write else '"read"'
    parts = [
        f"{word} = {_columns_as_toml(columns, listed)}"
        for word, columns, listed in (("read", rule.read, order[0]), ("write", rule.write, order[1]))
        if columns
    ]
    return f"{{ {', '.join(parts)} }}"


def _columns_as_toml(columns: Iterable[str], order: Sequence[str]) -> str:
    named = set(columns)
    if EVERY in named:
        return f'"{EVERY}"'
    return _list_as_toml(sorted(named, key=lambda name: (order.index(name) if name in order else len(order), name)))


def _list_as_toml(names: Iterable[str]) -> str:
    return f"[{', '.join(map(text_as_toml, names))}]"


# --- lines ---------------------------------------------------------------------------------


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _end_of_value(lines: Sequence[str], start: int) -> int | None:
    """The index after the last line of the pair that begins there; None where none begins."""
    if lines[start].lstrip().startswith("["):
        return None
    return next((end for end in range(start + 1, len(lines) + 1) if _parses("\n".join(lines[start:end]))), None)


def _with_value(pair: Sequence[str], value: str) -> str:
    """The pair with another value; its indentation, key and the comment behind it stay."""
    whole = "\n".join(pair)
    equals = next(at for at, letter in enumerate(whole) if letter == "=" and _parses(f"{whole[:at]}= 0"))
    last = pair[-1]
    before = "\n".join(pair[:-1])
    # The first # behind which nothing of the value stands.
    hashes = (at for at, letter in enumerate(last) if letter == "#" and _parses(f"{before}\n{last[:at]}"))
    start = next(hashes, None)
    ending = "\r" if last.endswith("\r") else ""
    comment = "" if start is None else f"  {last[start:].rstrip()}"
    return f"{whole[:equals]}= {value}{comment}{ending}"


def _without_tables(text: str, at: Location) -> str:
    """Without every table below that location. Comments right above a header go with it."""
    lines = text.split("\n")
    headers = locate(text).headers
    for number, header in reversed(list(enumerate(headers))):
        if header.location[: len(at)] != at:
            continue
        end = headers[number + 1].line - 1 if number + 1 < len(headers) else len(lines)
        if number + 1 < len(headers):
            while end > header.line and lines[end - 1].lstrip().startswith("#"):
                end -= 1
        else:
            while end > header.line and not lines[end - 1].strip():
                end -= 1
        # What is set apart by blank lines belongs to nobody's table.
        between = range(header.line, end)
        blank = next((i for i in between if not lines[i].strip() and _only_comments(lines[i:end])), None)
        del lines[header.line - 1 : end if blank is None else blank + 1]
    return "\n".join(lines)


def _only_comments(lines: Iterable[str]) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in lines)


def _checked(found: str, expected: dict[str, Any]) -> str | None:
    """What came out says exactly what was meant, and is a policy."""
    try:
        if tomllib.loads(found) != expected:
            return None
        compile_policies(parse_policy(found.encode()))
    except (tomllib.TOMLDecodeError, ConfigError):
        return None
    return found
