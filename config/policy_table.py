"""What all tables of the policy file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Table(BaseModel):
    """A table of the file: frozen, strict about types, and with no room for unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """The values, none of which stands there twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f'"{value}" stands here twice')
    return values


def _word(text: str) -> str:
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError("expected a name, without blanks around it or control characters in it")
    return text


Word = Annotated[str, AfterValidator(_word)]
Words = Annotated[tuple[Word, ...], Field(strict=False), AfterValidator(distinct)]
