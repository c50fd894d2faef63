"""What is shown instead of a value: the SQL of each mask.

Rules for all of them: the result has exactly the column's wire type, type modifier included (the
outermost cast); NULL stays NULL unless `hide_null`; no raw value, however odd, makes the expression
raise an error; only names of pg_catalog, spelled out, operators too.

| kind       | options                                                     | applies to                     |
|------------|-------------------------------------------------------------|--------------------------------|
| null       |                                                             | every type                     |
| fixed      | value (default: a constant of the type)                     | built-in types, enums, ranges… |
| partial    | keep_first, keep_last, or style "email" / "card"            | text types                     |
| pseudonym  | domain (joins hold inside one), style "email" for text      | text, numbers, uuid, bytea     |
| generalize | unit ("month", "year"…), bucket, prefix/prefix6, keep       | dates, numbers, inet/cidr, text |
| truncate   | length                                                      | text types                     |

Examples: partial style=email `mary@example.org` -> `m***@example.org`; partial keep_last=2
`0151234567` -> `***67` (never more than half of the value); generalize unit=month `1984-05-17` ->
`1984-05-01`; bucket=1000 `4711.50` -> `4000.00`.
truncate, and generalize keep=n on text, show a value that is no longer than n whole: they are for values
whose beginning is harmless, such as postcodes.
"""

from __future__ import annotations

import re

from masking.catalog import Column
from masking.policy import Mask, MaskKind
from masking.strip import quoted

# pg_type OIDs that never change (PG manual, chapter 8).
BOOL, BYTEA, CHAR, NAME, INT8, INT2, INT4, TEXT, OID = 16, 17, 18, 19, 20, 21, 23, 25, 26
FLOAT4, FLOAT8, BPCHAR, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ = 700, 701, 1042, 1043, 1082, 1114, 1184
NUMERIC, INET, CIDR, UUID = 1700, 869, 650, 2950

_INTEGER_MAXIMUM = {INT2: 32767, INT4: 2147483647, INT8: 9223372036854775807}
#: Pseudonyms of numbers stay below this: exact in JavaScript's and JSON's numbers too.
_EXACT = 9007199254740991

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
    114: "{}",  # json
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
    829: "00:00:00:00:00:00",  # macaddr
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
    3802: "{}",  # jsonb
    4072: "$",  # jsonpath
}

_UNITS = ("week", "month", "quarter", "year", "decade", "century")

_OPTIONS: dict[MaskKind, frozenset[str]] = {
    MaskKind.CLEAR: frozenset(),
    MaskKind.NULL: frozenset(),
    MaskKind.FIXED: frozenset({"value"}),
    MaskKind.PARTIAL: frozenset({"keep_first", "keep_last", "style"}),
    MaskKind.PSEUDONYM: frozenset({"domain", "style"}),
    MaskKind.GENERALIZE: frozenset({"unit", "bucket", "prefix", "prefix6", "keep"}),
    MaskKind.TRUNCATE: frozenset({"length"}),
}


def mask_expression(mask: Mask, column: Column, value: str, key_setting: str) -> str:
    """SQL text that stands for the column in its relation's masked subselect.

    `value` is SQL for the raw column, quoted and qualified as needed; `key_setting` names the custom setting
    that holds the session's mask key. The caller has asked `problem()` first; a mask that does not fit
    comes out as NULL. CLEAR returns `value` as it is.
    """
    if mask.kind is MaskKind.CLEAR:
        return value
    if mask.kind is MaskKind.NULL or problem(mask, column) is not None:
        return f"NULL::{wire_type(column)}"
    shown = _shown(mask, column, value, key_setting)
    if mask.hide_null and mask.kind in (MaskKind.GENERALIZE, MaskKind.TRUNCATE):
        shown = f"COALESCE(({shown})::{wire_type(column)}, {_fixed(Mask(MaskKind.FIXED), column)})"
    elif not mask.hide_null:
        shown = f"CASE WHEN {value} IS NULL THEN NULL ELSE {shown} END"
    return f"({shown})::{wire_type(column)}{_collation(mask, column)}"


def problem(mask: Mask, column: Column) -> str | None:
    """Why the mask cannot apply to a column of this type; None if it can. For policy errors at load."""
    unknown = sorted(name for name, _ in mask.options if name not in _OPTIONS[mask.kind])
    if unknown:
        return f"mask {mask.kind} knows no option {', '.join(unknown)}"
    match mask.kind:
        case MaskKind.CLEAR | MaskKind.NULL:
            return None
        case MaskKind.FIXED:
            return _problem_fixed(mask, column)
        case MaskKind.PARTIAL:
            return _problem_partial(mask, column)
        case MaskKind.PSEUDONYM:
            return _problem_pseudonym(mask, column)
        case MaskKind.GENERALIZE:
            return _problem_generalize(mask, column)
        case MaskKind.TRUNCATE:
            return _not_text(column) or _natural(mask, "length", required=True)


def _shown(mask: Mask, column: Column, value: str, key_setting: str) -> str:
    """The masked value of a value that is not NULL (or of any, if NULL is to be hidden), before the outermost cast."""
    match mask.kind:
        case MaskKind.FIXED:
            return _fixed(mask, column)
        case MaskKind.PARTIAL:
            return _partial(mask, _text_of(value))
        case MaskKind.PSEUDONYM:
            return _pseudonym(mask, column, value, key_setting)
        case MaskKind.GENERALIZE:
            return _generalize(mask, column, value)
        case _:
            return f"pg_catalog.left({_text_of(value)}, {_number(mask, 'length')})"


# --- types ---------------------------------------------------------------------------------


#: Type names that PostgreSQL's grammar itself reads as types of pg_catalog, and bpchar without a length,
#: which libpg_query prints as char, that is char(1), when it is qualified.
_GRAMMAR_TYPES = frozenset(
    {"bpchar", "bigint", "bit", "boolean", "character", "integer", "interval", "numeric", "real", "smallint"}
)


def wire_type(column: Column) -> str:
    """The name to cast to: qualified also in pg_catalog, because a temporary table's row type is found before it."""
    found = re.fullmatch(r'("[^"]+"|[a-z_][a-z0-9_]*)(\([0-9,-]+\))?(\[\])*', column.type_name)
    if found is None or found[1] in _GRAMMAR_TYPES:
        return column.type_name
    return f"pg_catalog.{column.type_name}"


def is_text(column: Column) -> bool:
    """text, varchar, char(n), name, and string types of extensions (citext)."""
    if column.type_oid in (TEXT, VARCHAR, BPCHAR, NAME):
        return True
    return column.type_category == "S" and column.type_kind == "b" and column.type_oid != CHAR


def _text_of(value: str) -> str:
    return f"({value})::pg_catalog.text"


def _collation(mask: Mask, column: Column) -> str:
    """Masks that match patterns compare in "C" (a nondeterministic collation cannot); give the column its own back."""
    if mask.kind is not MaskKind.PARTIAL or mask.option("style") is None:
        return ""
    return f" COLLATE {column.collation or _default_collation(column)}"


def _default_collation(column: Column) -> str:
    return 'pg_catalog."C"' if column.type_oid == NAME else 'pg_catalog."default"'


def _typmod(column: Column) -> tuple[int, int] | None:
    """(precision, scale) of numeric(p,s)."""
    found = re.search(r"\((\d+),(-?\d+)\)", column.type_name)
    return (int(found[1]), int(found[2])) if found else None


def _number(mask: Mask, name: str, default: int = 0) -> int:
    option = mask.option(name)
    return option if isinstance(option, int) else default


def _natural(mask: Mask, name: str, *, required: bool = False, least: int = 0, most: int = 1_000_000) -> str | None:
    option = mask.option(name)
    if option is None:
        return f"mask {mask.kind} needs option {name}" if required else None
    if not isinstance(option, int) or isinstance(option, bool) or not least <= option <= most:
        return f"option {name} of mask {mask.kind} must be a whole number from {least} to {most}"
    return None


def _not_text(column: Column) -> str | None:
    return None if is_text(column) else f"needs a text type, not {column.type_name}"


# --- fixed ---------------------------------------------------------------------------------


def _default_constant(column: Column) -> str | None:
    if column.type_kind == "e":
        return column.enum_labels[0] if column.enum_labels else None
    if column.type_kind == "r":
        return "empty"
    if column.type_kind == "m" or column.type_category == "A":
        return "{}"
    if column.type_oid in _CONSTANT:
        return _CONSTANT[column.type_oid]
    return "***" if is_text(column) else None


def _fixed(mask: Mask, column: Column) -> str:
    option = mask.option("value")
    constant = _default_constant(column) if option is None else str(option)
    return f"{quoted(constant or '')}::{wire_type(column)}"


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


def _problem_fixed(mask: Mask, column: Column) -> str | None:
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
    shape = _SHAPES.get(column.type_oid)
    if shape is None:
        return f"a value of one's own is not supported for type {column.type_name}"
    if re.fullmatch(shape, text) is None or text.startswith("0000") or not _fits(column, text):
        return f"{text!r} is no value of type {column.type_name}"
    return None


def _fits(column: Column, text: str) -> bool:
    maximum = _INTEGER_MAXIMUM.get(column.type_oid)
    if maximum is not None:
        return -maximum <= int(text) <= maximum
    limits = _typmod(column) if column.type_oid == NUMERIC else None
    if limits is not None:
        precision, scale = limits
        return abs(float(text)) < 10.0 ** (precision - scale) * (1 - 10.0 ** -min(precision, 15))
    return True


# --- partial -------------------------------------------------------------------------------


def _partial(mask: Mask, text: str) -> str:
    style = mask.option("style")
    if style == "email":
        return _partial_email(f'({text} COLLATE pg_catalog."C")')
    if style == "card":
        return _partial_card(f'({text} COLLATE pg_catalog."C")')
    first, last = _number(mask, "keep_first"), _number(mask, "keep_last")
    shown = f"pg_catalog.concat(pg_catalog.left({text}, {first}), '***', pg_catalog.right({text}, {last}))"
    # At least as much stays hidden as is shown.
    enough = f"pg_catalog.length({text}) OPERATOR(pg_catalog.>=) {2 * (first + last)}"
    return f"CASE WHEN {enough} THEN {shown} ELSE '***' END"


def _partial_email(text: str) -> str:
    domain = f"pg_catalog.split_part({text}, '@', 2)"
    return (
        f"CASE WHEN {text} OPERATOR(pg_catalog.~) '^[^@]{{2,}}@[A-Za-z0-9.-]+$' "
        f"THEN pg_catalog.concat(pg_catalog.left({text}, 1), '***@', {domain}) "
        f"WHEN {text} OPERATOR(pg_catalog.~) '^[^@]*@[A-Za-z0-9.-]+$' THEN pg_catalog.concat('***@', {domain}) "
        "ELSE '***' END"
    )


def _partial_card(text: str) -> str:
    digits = f"pg_catalog.regexp_replace({text}, '[^0-9]', '', 'g')"
    return (
        f"CASE WHEN pg_catalog.length({digits}) OPERATOR(pg_catalog.>=) 12 "
        f"THEN pg_catalog.concat('************', pg_catalog.right({digits}, 4)) ELSE '***' END"
    )


def _problem_partial(mask: Mask, column: Column) -> str | None:
    style = mask.option("style")
    if style not in (None, "email", "card"):
        return f'style must be "email" or "card", not {style!r}'
    if style is not None and (mask.option("keep_first") is not None or mask.option("keep_last") is not None):
        return "style and keep_first/keep_last exclude each other"
    if style is None and mask.option("keep_first") is None and mask.option("keep_last") is None:
        return "mask partial needs keep_first, keep_last or style"
    return _not_text(column) or _natural(mask, "keep_first", most=64) or _natural(mask, "keep_last", most=64)


# --- pseudonym -----------------------------------------------------------------------------


def _digest(mask: Mask, value: str, key_setting: str) -> str:
    """Keyed SHA-256 in hex. current_setting is STABLE, so the planner cannot fold the key into EXPLAIN."""
    key = f"pg_catalog.current_setting({quoted(key_setting)})"
    domain = quoted(str(mask.option("domain") or "") + ":")
    keyed = f"pg_catalog.concat({key}, ':', {domain}, {value})"
    octets = f"pg_catalog.convert_to({keyed}, pg_catalog.getdatabaseencoding())"
    return f"pg_catalog.encode(pg_catalog.sha256({octets}), 'hex')"


def _exact_text_of(column: Column, value: str) -> str:
    """Text that no setting rounds: with extra_float_digits low, all that is near would have one pseudonym."""
    send = {FLOAT4: "float4send", FLOAT8: "float8send"}.get(column.type_oid)
    return _text_of(value) if send is None else f"pg_catalog.encode(pg_catalog.{send}({value}), 'hex')"


def _keyed_number(digest: str, below: int) -> str:
    """A number from 0 to below - 1."""
    bits = f"pg_catalog.concat('x', pg_catalog.left({digest}, 16))::pg_catalog.bit(64)::pg_catalog.int8"
    return f"pg_catalog.abs(pg_catalog.mod({bits}, {quoted(str(below))}::pg_catalog.int8))"


def _pseudonym(mask: Mask, column: Column, value: str, key_setting: str) -> str:
    if column.type_oid == BYTEA:
        hexadecimal = f"pg_catalog.encode({value}, 'hex')"
        return f"pg_catalog.decode(pg_catalog.left({_digest(mask, hexadecimal, key_setting)}, 32), 'hex')"
    digest = _digest(mask, _exact_text_of(column, value), key_setting)
    if is_text(column):
        if mask.option("style") == "email":
            return f"pg_catalog.concat('user_', pg_catalog.left({digest}, 12), '@masked.example')"
        return f"pg_catalog.concat('p_', pg_catalog.left({digest}, 16))"
    if column.type_oid == UUID:
        # 32 hexadecimal digits that say "version 8" (RFC 9562: custom).
        return f"pg_catalog.concat(pg_catalog.left({digest}, 12), '8', pg_catalog.right({digest}, 19))"
    return _keyed_number(digest, _numbers_below(column))


def _numbers_below(column: Column) -> int:
    if column.type_oid == FLOAT4:
        return 2**24
    if column.type_oid == NUMERIC:
        limits = _typmod(column)
        whole = 15 if limits is None else min(15, limits[0] - limits[1])
        return int(10**whole)
    return min(_INTEGER_MAXIMUM.get(column.type_oid, _EXACT), _EXACT)


def _problem_pseudonym(mask: Mask, column: Column) -> str | None:
    style = mask.option("style")
    if style not in (None, "email"):
        return f'style of a pseudonym must be "email", not {style!r}'
    if style is not None and not is_text(column):
        return f"style needs a text type, not {column.type_name}"
    if is_text(column) or column.type_oid in (BYTEA, UUID, FLOAT4, FLOAT8, *_INTEGER_MAXIMUM):
        return None
    if column.type_oid == NUMERIC:
        return None if _numbers_below(column) > 1 else f"{column.type_name} has no room for a pseudonym"
    return f"needs text, a number, uuid or bytea, not {column.type_name}"


# --- generalize ----------------------------------------------------------------------------


def _generalize(mask: Mask, column: Column, value: str) -> str:
    match column.type_oid:
        case 1082 | 1114 | 1184:
            return _generalize_time(str(mask.option("unit") or "month"), column, value)
        case 869 | 650:
            four, six = _number(mask, "prefix", 24), _number(mask, "prefix6", 48)
            length = f"CASE WHEN pg_catalog.family({value}) OPERATOR(pg_catalog.=) 4 THEN {four} ELSE {six} END"
            return f"pg_catalog.network(pg_catalog.set_masklen({value}, {length}))"
        case 700 | 701 | 1700 | 20 | 21 | 23:
            return _generalize_number(_number(mask, "bucket", 1), column, value)
        case _:
            return f"pg_catalog.left({_text_of(value)}, {_number(mask, 'keep')})"


def _generalize_time(unit: str, column: Column, value: str) -> str:
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


def _generalize_number(bucket: int, column: Column, value: str) -> str:
    """Towards zero, so that the result always fits the type; NaN and infinity stay what they are."""
    if column.type_oid in _INTEGER_MAXIMUM:
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


def _problem_generalize(mask: Mask, column: Column) -> str | None:
    given = {name for name, _ in mask.options}
    if column.type_oid in (DATE, TIMESTAMP, TIMESTAMPTZ):
        unit = mask.option("unit")
        if unit not in _UNITS:
            return f"option unit must be one of {', '.join(_UNITS)}"
        return _only(given, {"unit"}, column)
    if column.type_oid in (INET, CIDR):
        return (
            _only(given, {"prefix", "prefix6"}, column)
            or _natural(mask, "prefix", most=32)
            or _natural(mask, "prefix6", most=128)
        )
    if column.type_oid in (FLOAT4, FLOAT8, NUMERIC, *_INTEGER_MAXIMUM):
        most = _INTEGER_MAXIMUM.get(column.type_oid, 10**15)
        return _only(given, {"bucket"}, column) or _natural(mask, "bucket", required=True, least=2, most=most)
    if is_text(column):
        return _only(given, {"keep"}, column) or _natural(mask, "keep", required=True)
    return f"needs a date, a number, an address or text, not {column.type_name}"


def _only(given: set[str], known: set[str], column: Column) -> str | None:
    wrong = sorted(given - known)
    return f"option {', '.join(wrong)} does not fit type {column.type_name}" if wrong else None
