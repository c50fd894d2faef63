"""search_path: the upstream's stays what the judge knows; a session may only ask for less of it.

Relations are judged along the pinned path and printed with their schemas, so a change of path could
not make another relation run; but functions, operators and types are judged with all that they could
mean on it. An empty path, which dump tools set, means pg_catalog alone and takes meanings away; the
pinned path itself changes nothing. pg_temp is always named last, or it would be searched first.
PG manual 5.10.3 and 20.11.1 (search_path).
"""

from __future__ import annotations

from collections.abc import Sequence

EMPTY = ("pg_catalog", "pg_temp")


def honoured(wished: Sequence[str | None], pinned: Sequence[str]) -> tuple[str, ...] | None:
    """The path to set when a session wishes for this one; None when it may not have it."""
    path = [schema for schema in wished if schema != "pg_temp"]
    if path in ([], [""], ["pg_catalog"]):
        return EMPTY
    return (*pinned, "pg_temp") if path == list(pinned) else None


def schemas(value: str) -> tuple[str, ...]:
    """What a value of search_path lists, as SHOW prints it and set_config() takes it. Names with a comma,
    a quote or a capital come out as no schema that there is, and so are not honoured."""
    return tuple(_name(part.strip()) for part in value.split(","))


def listed(path: Sequence[str]) -> str:
    """The path as one value, each name quoted."""
    return ", ".join('"' + schema.replace('"', '""') + '"' for schema in path)


def _name(part: str) -> str:
    if len(part) >= 2 and part[0] == part[-1] == '"':
        return part[1:-1]
    return part
