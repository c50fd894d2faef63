"""What may stand where in a file, asked of the models: for suggestions and for values that come as text."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from config.problems import Location, suggestion


def step(annotation: Any, key: str) -> Any:
    """The type of what stands under this key; None where nothing may."""
    inner = unwrapped(annotation)
    if is_model(inner):
        found = inner.model_fields.get(key)
        return found.annotation if found is not None else None
    if get_origin(inner) is dict:
        return get_args(inner)[1]
    if get_origin(inner) is tuple and key.isdigit():
        return get_args(inner)[0]
    return None


def unwrapped(annotation: Any) -> Any:
    """The type itself, without Annotated[…] and without "or None"."""
    if get_origin(annotation) is Annotated:
        return unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        inner = [choice for choice in get_args(annotation) if choice is not NoneType]
        return unwrapped(inner[0]) if len(inner) == 1 else annotation
    return annotation


def fields_at(model: type[BaseModel], location: Location) -> tuple[str, ...]:
    """The keys that may stand in the table at this location; () where they are free or there is no table."""
    inner = _at(model, location)
    return tuple(inner.model_fields) if is_model(inner) else ()


def description_at(model: type[BaseModel], location: Location) -> str | None:
    """What the field at this location is for."""
    inner = _at(model, location[:-1])
    found = inner.model_fields.get(str(location[-1])) if is_model(inner) else None
    return found.description if found is not None else None


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """The end of a sentence about an unknown word: the one probably meant, or all there are."""
    close = suggestion(word, known)
    if close is not None:
        return f"; did you mean {close}?"
    return f"; known here: {', '.join(known)}" if known else ""


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _at(model: type[BaseModel], location: Location) -> Any:
    annotation: Any = model
    for part in location:
        annotation = step(annotation, str(part))
    return unwrapped(annotation)
