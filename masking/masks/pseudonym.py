"""`pseudonym`: the same stand-in for the same value, made with a key that only the gateway and the session know.

The key is a setting of the session (`current_setting`), so it stands in no SQL text. That function is STABLE:
the planner cannot fold the key into a plan, and EXPLAIN shows the setting's name.
"""

from __future__ import annotations

from masking.catalog import Column
from masking.masks.types import (
    BYTEA,
    FLOAT4,
    FLOAT8,
    INTEGER_MAXIMUM,
    NUMERIC,
    UUID,
    is_text,
    natural,
    number,
    precision,
    room,
    text_of,
)
from masking.policy import Mask
from masking.strip import quoted

#: Pseudonyms of numbers stay below this: exact in JavaScript's and JSON's numbers too.
_EXACT = 9007199254740991


def pseudonym(mask: Mask, column: Column, value: str, key_setting: str) -> str:
    """SQL of the stand-in, of a form that the column's type holds."""
    digest = _digest(mask, _equal_text_of(column, value), key_setting)
    if column.type_oid == BYTEA:
        return f"pg_catalog.decode(pg_catalog.left({digest}, 32), 'hex')"
    if is_text(column):
        return _text(mask, column, digest)
    if column.type_oid == UUID:
        # 32 hexadecimal digits that say "version 8" (RFC 9562: custom), and whose variant is that of the RFC.
        middle = f"'8', pg_catalog.substr({digest}, 14, 3), '8'"
        return f"pg_catalog.concat(pg_catalog.left({digest}, 12), {middle}, pg_catalog.right({digest}, 15))"
    return _keyed_number(digest, _numbers_below(mask, column))


def problem_pseudonym(mask: Mask, column: Column) -> str | None:
    """Why the column's type has no room for a stand-in."""
    style = mask.option("style")
    if style not in (None, "email"):
        return f'style of a pseudonym must be "email", not {style!r}'
    wrong = natural(mask, "length", least=4, most=64) or natural(mask, "below", least=2, most=_EXACT)
    if wrong is not None:
        return wrong
    if style is not None and mask.option("length") is not None:
        return "style and length exclude each other"
    if is_text(column):
        return None if mask.option("below") is None else f"option below does not fit type {column.type_name}"
    for option in ("style", "length"):
        if mask.option(option) is not None:
            return f"{option} needs a text type, not {column.type_name}"
    if column.type_oid in (BYTEA, UUID):
        return None if mask.option("below") is None else f"option below does not fit type {column.type_name}"
    if column.type_oid in (FLOAT4, FLOAT8, NUMERIC, *INTEGER_MAXIMUM):
        return None if _numbers_below(mask, column) > 1 else f"{column.type_name} has no room for a pseudonym"
    return f"needs text, a number, uuid or bytea, not {column.type_name}"


def _digest(mask: Mask, value: str, key_setting: str) -> str:
    """Keyed SHA-256 in hex."""
    key = f"pg_catalog.current_setting({quoted(key_setting)})"
    domain = quoted(str(mask.option("domain") or "") + ":")
    keyed = f"pg_catalog.concat({key}, ':', {domain}, {value})"
    octets = f"pg_catalog.convert_to({keyed}, pg_catalog.getdatabaseencoding())"
    return f"pg_catalog.encode(pg_catalog.sha256({octets}), 'hex')"


def _equal_text_of(column: Column, value: str) -> str:
    """The same text for what the type calls equal, and for nothing else: 1.0 and 1.00, also 0 and -0; no
    setting rounds it (with extra_float_digits low, all that is near would have one pseudonym)."""
    if column.type_oid == BYTEA:
        return f"pg_catalog.encode({value}, 'hex')"
    if column.type_oid == NUMERIC:
        return f"pg_catalog.trim_scale({value})::pg_catalog.text"
    send = {FLOAT4: "float4", FLOAT8: "float8"}.get(column.type_oid)
    if send is not None:
        zero = f"({value} OPERATOR(pg_catalog.+) '0'::pg_catalog.{send})"
        return f"pg_catalog.encode(pg_catalog.{send}send({zero}), 'hex')"
    if column.type_name.rpartition(".")[2] == "citext":
        return f"pg_catalog.lower({text_of(value)})"
    return text_of(value)


def _text(mask: Mask, column: Column, digest: str) -> str:
    """All of its letters are of the digest where there is little room, so that as few as possible collide."""
    limit = room(column)
    if mask.option("style") == "email":
        if limit is None or limit >= 32:
            return f"pg_catalog.concat('user_', pg_catalog.left({digest}, 12), '@masked.example')"
        if limit >= 18:
            return f"pg_catalog.concat(pg_catalog.left({digest}, {limit - 10}), '@m.example')"
    length = number(mask, "length")
    if length:
        return f"pg_catalog.left({digest}, {length})"
    if limit is not None and limit < 18:
        return f"pg_catalog.left({digest}, {limit})"
    return f"pg_catalog.concat('p_', pg_catalog.left({digest}, 16))"


def _keyed_number(digest: str, below: int) -> str:
    """A number from 0 to below - 1."""
    bits = f"pg_catalog.concat('x', pg_catalog.left({digest}, 16))::pg_catalog.bit(64)::pg_catalog.int8"
    return f"pg_catalog.abs(pg_catalog.mod({bits}, {quoted(str(below))}::pg_catalog.int8))"


def _numbers_below(mask: Mask, column: Column) -> int:
    if column.type_oid == FLOAT4:
        most = 2**24
    elif column.type_oid == NUMERIC:
        limits = precision(column)
        whole = 15 if limits is None else min(15, limits[0] - limits[1])
        most = int(10**whole)
    else:
        most = min(INTEGER_MAXIMUM.get(column.type_oid, _EXACT), _EXACT)
    return min(most, number(mask, "below", most))
