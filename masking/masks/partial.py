"""`partial` and `truncate`: a part of a text, for people who compare it with what they hear on the phone."""

from __future__ import annotations

from masking.catalog import Column
from masking.masks.types import BYTEA, natural, not_text, number, plain_text_of, text_of
from masking.policy import Mask


def partial(mask: Mask, value: str) -> str:
    """SQL of the part that is shown; never more than half of the value, unless it is a domain or a card's end."""
    style = mask.option("style")
    if style == "email":
        return _email(plain_text_of(value))
    if style == "card":
        return _card(plain_text_of(value))
    text = text_of(value)
    first, last = number(mask, "keep_first"), number(mask, "keep_last")
    shown = f"pg_catalog.concat(pg_catalog.left({text}, {first}), '***', pg_catalog.right({text}, {last}))"
    # At least as much stays hidden as is shown.
    enough = f"pg_catalog.length({text}) OPERATOR(pg_catalog.>=) {2 * (first + last)}"
    return f"CASE WHEN {enough} THEN {shown} ELSE '***' END"


def problem_partial(mask: Mask, column: Column) -> str | None:
    """Why there is no such part of the column's type."""
    style = mask.option("style")
    if style not in (None, "email", "card"):
        return f'style must be "email" or "card", not {style!r}'
    if style is not None and (mask.option("keep_first") is not None or mask.option("keep_last") is not None):
        return "style and keep_first/keep_last exclude each other"
    if style is None and mask.option("keep_first") is None and mask.option("keep_last") is None:
        return "mask partial needs keep_first, keep_last or style"
    return not_text(column) or natural(mask, "keep_first", most=64) or natural(mask, "keep_last", most=64)


def truncate(mask: Mask, column: Column, value: str) -> str:
    """SQL of the beginning."""
    length = number(mask, "length")
    if column.type_oid == BYTEA:
        return f"pg_catalog.substr({value}, 1, {length})"
    return f"pg_catalog.left({text_of(value)}, {length})"


def problem_truncate(mask: Mask, column: Column) -> str | None:
    """Why the column's type has no beginning to show."""
    wrong = None if column.type_oid == BYTEA else not_text(column)
    return wrong or natural(mask, "length", required=True)


def _email(text: str) -> str:
    domain = f"pg_catalog.split_part({text}, '@', 2)"
    return (
        f"CASE WHEN {text} OPERATOR(pg_catalog.~) '^[^@]{{2,}}@[A-Za-z0-9.-]+$' "
        f"THEN pg_catalog.concat(pg_catalog.left({text}, 1), '***@', {domain}) "
        f"WHEN {text} OPERATOR(pg_catalog.~) '^[^@]*@[A-Za-z0-9.-]+$' THEN pg_catalog.concat('***@', {domain}) "
        "ELSE '***' END"
    )


def _card(text: str) -> str:
    digits = f"pg_catalog.regexp_replace({text}, '[^0-9]', '', 'g')"
    return (
        f"CASE WHEN pg_catalog.length({digits}) OPERATOR(pg_catalog.>=) 12 "
        f"THEN pg_catalog.concat('************', pg_catalog.right({digits}, 4)) ELSE '***' END"
    )
