"""`generalize`: something coarser. Edges stay where they are, whatever the session sets."""

from __future__ import annotations

from masking.catalog import Column
from masking.masks.types import (
    CIDR,
    DATE,
    FLOAT4,
    FLOAT8,
    INET,
    INT2,
    INT4,
    INT8,
    INTEGER_MAXIMUM,
    MACADDR,
    NUMERIC,
    TIMESTAMP,
    TIMESTAMPTZ,
    is_text,
    natural,
    number,
    text_of,
)
from masking.policy import Mask
from masking.strip import quoted

_UNITS = ("week", "month", "quarter", "year", "decade", "century")
#: Of these a date knows nothing.
_SMALL_UNITS = ("minute", "hour", "day")


def generalize(mask: Mask, column: Column, value: str) -> str:
    """SQL of the coarser value."""
    if column.type_oid in (DATE, TIMESTAMP, TIMESTAMPTZ):
        return _time(str(mask.option("unit") or "month"), column, value)
    if column.type_oid in (INET, CIDR):
        four, six = number(mask, "prefix", 24), number(mask, "prefix6", 48)
        length = f"CASE WHEN pg_catalog.family({value}) OPERATOR(pg_catalog.=) 4 THEN {four} ELSE {six} END"
        # A network wider than that stays what it is: set_masklen would make it look smaller.
        length = f"LEAST(pg_catalog.masklen({value}), {length})"
        return f"pg_catalog.network(pg_catalog.set_masklen({value}, {length}))"
    if column.type_oid == MACADDR:
        return f"pg_catalog.trunc({value})"
    if column.type_oid in (FLOAT4, FLOAT8, NUMERIC, *INTEGER_MAXIMUM):
        return _number(number(mask, "bucket", 1), column, value)
    return f"pg_catalog.left({text_of(value)}, {number(mask, 'keep')})"


def problem_generalize(mask: Mask, column: Column) -> str | None:
    """Why there is nothing coarser of the column's type."""
    given = {name for name, _ in mask.options}
    if column.type_oid in (DATE, TIMESTAMP, TIMESTAMPTZ):
        units = _UNITS if column.type_oid == DATE else (*_SMALL_UNITS, *_UNITS)
        if mask.option("unit") not in units:
            return f"option unit must be one of {', '.join(units)}"
        return _only(given, {"unit"}, column)
    if column.type_oid in (INET, CIDR):
        return (
            _only(given, {"prefix", "prefix6"}, column)
            or natural(mask, "prefix", most=32)
            or natural(mask, "prefix6", most=128)
        )
    if column.type_oid == MACADDR:
        return _only(given, set(), column)
    if column.type_oid in (FLOAT4, FLOAT8, NUMERIC, *INTEGER_MAXIMUM):
        most = INTEGER_MAXIMUM.get(column.type_oid, 10**15)
        return _only(given, {"bucket"}, column) or natural(mask, "bucket", required=True, least=2, most=most)
    if is_text(column):
        return _only(given, {"keep"}, column) or natural(mask, "keep", required=True)
    return f"needs a date, a number, an address or text, not {column.type_name}"


def _time(unit: str, column: Column, value: str) -> str:
    """Truncated in UTC, so that SET TimeZone cannot move the edges and find the value between them.
    What lies outside the years that date_trunc can handle (and infinity) shows as NULL."""
    name = {DATE: "date", TIMESTAMP: "timestamp", TIMESTAMPTZ: "timestamptz"}[column.type_oid]
    zone = "+00" if column.type_oid == TIMESTAMPTZ else ""
    low, high = (
        f"'4000-01-01 00:00:00{zone} BC'::pg_catalog.{name}",
        f"'200000-01-01 00:00:00{zone}'::pg_catalog.{name}",
    )
    inside = f"{value} OPERATOR(pg_catalog.>=) {low} AND {value} OPERATOR(pg_catalog.<) {high}"
    if column.type_oid == TIMESTAMPTZ:
        truncated = f"pg_catalog.date_trunc({quoted(unit)}, {value}, 'UTC')"
    else:
        truncated = f"pg_catalog.date_trunc({quoted(unit)}, ({value})::pg_catalog.timestamp)"
    return f"CASE WHEN {inside} THEN {truncated} END"


def _number(bucket: int, column: Column, value: str) -> str:
    """Towards zero, so that the result always fits the type; NaN and infinity stay what they are."""
    if column.type_oid in INTEGER_MAXIMUM:
        name = {INT2: "int2", INT4: "int4", INT8: "int8"}[column.type_oid]
        size = f"{quoted(str(bucket))}::pg_catalog.{name}"
        return f"{value} OPERATOR(pg_catalog.-) pg_catalog.mod({value}, {size})"
    name = "numeric" if column.type_oid == NUMERIC else "float8"
    size = f"{quoted(str(bucket))}::pg_catalog.{name}"
    wide = f"({value})::pg_catalog.{name}"
    quotient = f"pg_catalog.trunc({wide} OPERATOR(pg_catalog./) {size})"
    return (
        f"CASE WHEN pg_catalog.abs({wide}) OPERATOR(pg_catalog.<) {size} THEN '0'::pg_catalog.{name} "
        f"ELSE {quotient} OPERATOR(pg_catalog.*) {size} END"
    )


def _only(given: set[str], known: set[str], column: Column) -> str | None:
    wrong = sorted(given - known)
    return f"option {', '.join(wrong)} does not fit type {column.type_name}" if wrong else None
