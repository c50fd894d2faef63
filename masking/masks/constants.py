"""`fixed`: one constant of the type, which says nothing, or one that the policy names."""

from __future__ import annotations

import json
import re

from masking.catalog import Column
from masking.masks.types import (
    BOOL,
    BPCHAR,
    BYTEA,
    CHAR,
    CIDR,
    DATE,
    FLOAT4,
    FLOAT8,
    INET,
    INT2,
    INT4,
    INT8,
    INTEGER_MAXIMUM,
    JSON,
    JSONB,
    MACADDR,
    NAME,
    NUMERIC,
    OID,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    is_text,
    precision,
    wire_type,
)
from masking.policy import Mask
from masking.strip import quoted

#: A constant of the type that says nothing. Types by OID; enums, arrays and ranges have their own.
_CONSTANT = {
    BOOL: "false",
    BYTEA: "",
    CHAR: "*",
    NAME: "***",
    INT8: "0",
    INT2: "0",
    INT4: "0",
    TEXT: "***",
    OID: "0",
    JSON: "{}",
    142: "<masked/>",  # xml
    600: "(0,0)",  # point
    601: "[(0,0),(0,0)]",  # lseg
    602: "((0,0))",  # path
    603: "(0,0),(0,0)",  # box
    604: "((0,0))",  # polygon
    628: "{1,0,0}",  # line
    CIDR: "0.0.0.0/32",
    FLOAT4: "0",
    FLOAT8: "0",
    718: "<(0,0),0>",  # circle
    774: "00:00:00:00:00:00:00:00",  # macaddr8
    790: "0",  # money
    MACADDR: "00:00:00:00:00:00",
    INET: "0.0.0.0",  # noqa: S104
    BPCHAR: "***",
    VARCHAR: "***",
    DATE: "1970-01-01",
    1083: "00:00:00",  # time
    TIMESTAMP: "1970-01-01 00:00:00",
    TIMESTAMPTZ: "1970-01-01 00:00:00+00",
    1186: "0",  # interval
    1266: "00:00:00+00",  # timetz
    1560: "0",  # bit
    1562: "0",  # varbit
    NUMERIC: "0",
    UUID: "00000000-0000-0000-0000-000000000000",
    3220: "0/0",  # pg_lsn
    3614: "",  # tsvector
    3615: "",  # tsquery
    JSONB: "{}",
    4072: "$",  # jsonpath
}

#: Values of one's own: what every version of PostgreSQL reads as the type.
_SHAPES = {
    BOOL: r"true|false|t|f|yes|no|on|off|0|1",
    DATE: r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])",
    TIMESTAMP: r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])( ([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?)?",
    TIMESTAMPTZ: r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])( ([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?([+-]\d\d)?)?",
    UUID: r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    FLOAT4: r"-?\d{1,18}(\.\d{1,18})?",
    FLOAT8: r"-?\d{1,18}(\.\d{1,18})?",
    NUMERIC: r"-?\d{1,100}(\.\d{1,100})?",
    INT2: r"-?\d{1,19}",
    INT4: r"-?\d{1,19}",
    INT8: r"-?\d{1,19}",
    790: r"-?\d{1,15}(\.\d\d)?",
}


def fixed(mask: Mask, column: Column) -> str:
    """SQL of the constant."""
    option = mask.option("value")
    constant = _default_constant(column) if option is None else str(option)
    return f"{quoted(constant or '')}::{wire_type(column)}"


def problem_fixed(mask: Mask, column: Column) -> str | None:
    """Why there is no such constant of the column's type."""
    option = mask.option("value")
    if option is None:
        return None if _default_constant(column) is not None else f"no constant is known for type {column.type_name}"
    text = str(option)
    if "\x00" in text:
        return "the value may not contain a zero byte"
    if is_text(column):
        return None
    if column.type_kind == "e":
        return None if text in column.enum_labels else f"{text!r} is no label of {column.type_name}"
    if text == _default_constant(column):
        return None
    if column.type_oid in (JSON, JSONB):
        return None if _is_json(text) else f"{text!r} is no value of type {column.type_name}"
    shape = _SHAPES.get(column.type_oid)
    if shape is None:
        return f"a value of one's own is not supported for type {column.type_name}"
    if re.fullmatch(shape, text) is None or text.startswith("0000") or not _fits(column, text):
        return f"{text!r} is no value of type {column.type_name}"
    return None


def _default_constant(column: Column) -> str | None:
    if column.type_kind == "e":
        return column.enum_labels[0] if column.enum_labels else None
    if column.type_kind == "r":
        return "empty"
    if column.type_kind == "m" or column.type_category == "A":
        return "{}"
    if column.type_oid in _CONSTANT:
        return _CONSTANT[column.type_oid]
    if is_text(column):
        return "***"
    # An extension's type has another OID in each database; its name is its own.
    return "" if column.type_kind == "b" and column.type_name.rpartition(".")[2] == "hstore" else None


def _is_json(text: str) -> bool:
    """JSON that both types take: no escapes, no numbers that jsonb cannot hold."""
    if "\\" in text or re.search(r"\d{100}|\d[eE]", text):
        return False
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> None:
    """Python's reader takes NaN and Infinity, JSON does not."""
    raise ValueError(name)


def _fits(column: Column, text: str) -> bool:
    maximum = INTEGER_MAXIMUM.get(column.type_oid)
    if maximum is not None:
        return -maximum <= int(text) <= maximum
    limits = precision(column) if column.type_oid == NUMERIC else None
    if limits is not None:
        whole, scale = limits
        return abs(float(text)) < 10.0 ** (whole - scale) * (1 - 10.0 ** -min(whole, 15))
    return True
