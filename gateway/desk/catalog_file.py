"""A catalog as a file, so that a policy can be tested where no database is: names and types, no data.

One JSON document, one relation or function a line, in a fixed order: a change of the schema is a readable diff.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from gateway.audit.visible import visible_json
from masking.catalog import Catalog, Column, ForeignKey, Function, Operator, Relation

#: More is no catalog that was saved here.
MAX_BYTES = 256 * 1024 * 1024


class CatalogFileError(Exception):
    """The file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class SavedCatalog:
    target: str
    catalog: Catalog


def _shape() -> str:
    """Changes with what a catalog holds: a file of another version would be judged by with parts missing."""
    hints = {kind.__name__: str(get_type_hints(kind)) for kind in (Catalog, Relation, Column, ForeignKey, Function)}
    return hashlib.sha256(repr([sorted(hints.items()), str(get_type_hints(Operator))]).encode()).hexdigest()[:12]


def encode(saved: SavedCatalog) -> bytes:
    """The file's content."""
    lines = [f'"format": {_json(_shape())}', f'"target": {_json(saved.target)}']
    for field in fields(saved.catalog):
        value = getattr(saved.catalog, field.name)
        if isinstance(value, Mapping):
            value = [list(pair) for pair in value.items()]
        if isinstance(value, frozenset):
            value = sorted(value)
        if isinstance(value, list | tuple):
            items = ",\n  ".join(map(_json, value))
            lines.append(f'"{field.name}": [\n  {items}\n ]' if items else f'"{field.name}": []')
        else:
            lines.append(f'"{field.name}": {_json(value)}')
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def _json(value: object) -> str:
    return visible_json(msgspec.json.encode(value, order="deterministic").decode())


def decode(content: bytes) -> SavedCatalog:
    """Read a file's content. Raises CatalogFileError."""
    again = "; save it again with `pgcurfew policy snapshot`"
    try:
        found = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CatalogFileError(f"is no saved catalog{again}") from None
    if found.get("format") != _shape():
        raise CatalogFileError(f"was saved by another version of pgcurfew, or is no catalog{again}")
    hints = get_type_hints(Catalog)
    values: dict[str, Any] = {}
    try:
        for field in fields(Catalog):
            hint = hints[field.name]
            if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
                pair: Any = tuple[get_args(hint)]  # type: ignore[misc]  # made of what the field says
                values[field.name] = dict(msgspec.convert(found[field.name], list[pair]))
            else:
                values[field.name] = msgspec.convert(found[field.name], hint)
        return SavedCatalog(msgspec.convert(found["target"], str), Catalog(**values))
    except (KeyError, TypeError, msgspec.ValidationError):
        raise CatalogFileError(f"is damaged{again}") from None


def read(path: Path) -> SavedCatalog:
    """Read a file. Raises CatalogFileError, which names it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CatalogFileError(f"{path} is longer than {MAX_BYTES} bytes")
        return decode(path.read_bytes())
    except OSError as error:
        raise CatalogFileError(f"{path} cannot be read: {error.strerror}") from None
    except CatalogFileError as error:
        message = str(error)
        raise CatalogFileError(message if message.startswith(str(path)) else f"{path} {message}") from None
