"""PGCURFEW__SECTION__FIELD over what the settings file says, so that an image needs no file of its own per place.

`PGCURFEW__GATEWAY__LISTEN_PORT=6433`, `PGCURFEW__TARGETS__SHOP__HOST=db.internal`. Text is taken as it is; numbers,
true/false and lists are written as in TOML.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from pydantic import BaseModel

from config.durations import parse_duration
from config.problems import Location
from config.shape import step, unwrapped

PREFIX = "PGCURFEW__"


def overrides(
    environment: Mapping[str, str], model: type[BaseModel], document: Mapping[str, Any]
) -> Iterator[tuple[str, Location, object]]:
    """Each variable of ours as (its name, where it goes, the value). Unknown names come too: the model refuses them."""
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        parts = name.removeprefix(PREFIX).lower().split("__")
        location, annotation = _follow(parts, model, document)
        yield name, location, _value(environment[name], annotation)


def apply(document: dict[str, Any], location: Location, value: object) -> str | None:
    """Put the value into the document; what is in its way is returned as a sentence."""
    table: Any = document
    for key in location[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return f"{key} is no table, so nothing can be set inside it"
    if isinstance(table.get(location[-1]), dict):
        return "names a table; name one of its keys, with two underscores between"
    table[location[-1]] = value
    return None


def _follow(parts: list[str], model: type[BaseModel], document: Mapping[str, Any]) -> tuple[Location, Any]:
    annotation: Any = model
    table: Any = document
    location: Location = ()
    for part in parts:
        # Names of targets keep the case that the file gives them; variables have none.
        names = table if isinstance(table, dict) else {}
        key = next((name for name in names if name.lower() == part), part)
        location = (*location, key)
        annotation = step(annotation, key)
        table = names.get(key)
    return location, annotation


def _value(text: str, annotation: Any) -> object:
    if unwrapped(annotation) not in (int, float, bool) and get_origin(unwrapped(annotation)) is not tuple:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        pass
    try:
        return parse_duration(text)
    except ValueError:
        return text
