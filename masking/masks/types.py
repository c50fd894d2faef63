"""Which types there are, and how a mask's result is cast back to the column's own (PG manual, chapter 8)."""

from __future__ import annotations

import re
from dataclasses import replace

from masking.catalog import Column
from masking.policy import Mask

# pg_type OIDs that never change.
BOOL, BYTEA, CHAR, NAME, INT8, INT2, INT4, TEXT, OID = 16, 17, 18, 19, 20, 21, 23, 25, 26
FLOAT4, FLOAT8, BPCHAR, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ = 700, 701, 1042, 1043, 1082, 1114, 1184
NUMERIC, INET, CIDR, MACADDR, UUID, JSON, JSONB = 1700, 869, 650, 829, 2950, 114, 3802

INTEGER_MAXIMUM = {INT2: 32767, INT4: 2147483647, INT8: 9223372036854775807}

#: Array types of pg_catalog -> the type of their elements and its category.
_ELEMENTS = {
    1009: (TEXT, "S"),
    1015: (VARCHAR, "S"),
    1014: (BPCHAR, "S"),
    1003: (NAME, "S"),
    1005: (INT2, "N"),
    1007: (INT4, "N"),
    1016: (INT8, "N"),
    1021: (FLOAT4, "N"),
    1022: (FLOAT8, "N"),
    1231: (NUMERIC, "N"),
    1182: (DATE, "D"),
    1115: (TIMESTAMP, "D"),
    1185: (TIMESTAMPTZ, "D"),
    1041: (INET, "I"),
    651: (CIDR, "I"),
    1040: (MACADDR, "U"),
    2951: (UUID, "U"),
    1001: (BYTEA, "U"),
    199: (JSON, "U"),
    3807: (JSONB, "U"),
}

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


def element_of(column: Column) -> Column | None:
    """What an array holds, as a column of its own; None for what is no array of a type of pg_catalog."""
    known = _ELEMENTS.get(column.type_oid)
    if known is None or not column.type_name.endswith("[]"):
        return None
    oid, category = known
    return replace(column, type_oid=oid, type_name=column.type_name.removesuffix("[]"), type_category=category)


def text_of(value: str) -> str:
    """SQL of the value as text."""
    return f"({value})::pg_catalog.text"


def plain_text_of(value: str) -> str:
    """The same for patterns, which a nondeterministic collation cannot serve; classes are those of ASCII."""
    return f'({text_of(value)} COLLATE pg_catalog."C")'


def default_collation(column: Column) -> str:
    """The collation of the column's type."""
    return 'pg_catalog."C"' if column.type_oid == NAME else 'pg_catalog."default"'


def room(column: Column) -> int | None:
    """How many characters varchar(n) and char(n) hold; None where there is no end, or only a far one."""
    if column.type_oid == NAME:
        return 63
    found = re.search(r"\((\d+)\)(\[\])*$", column.type_name)
    if found is None:
        # format_type says bpchar for char without a length.
        return 1 if column.type_oid == BPCHAR and column.type_name == "character" else None
    return int(found[1])


def precision(column: Column) -> tuple[int, int] | None:
    """(precision, scale) of numeric(p,s)."""
    found = re.search(r"\((\d+),(-?\d+)\)", column.type_name)
    return (int(found[1]), int(found[2])) if found else None


# --- options -------------------------------------------------------------------------------


def number(mask: Mask, name: str, default: int = 0) -> int:
    """A whole number among the mask's options."""
    option = mask.option(name)
    return option if isinstance(option, int) else default


def natural(mask: Mask, name: str, *, required: bool = False, least: int = 0, most: int = 1_000_000) -> str | None:
    """Why the option is no whole number of that range; None if it is."""
    option = mask.option(name)
    if option is None:
        return f"mask {mask.kind} needs option {name}" if required else None
    if not isinstance(option, int) or isinstance(option, bool) or not least <= option <= most:
        return f"option {name} of mask {mask.kind} must be a whole number from {least} to {most}"
    return None


def not_text(column: Column) -> str | None:
    """Why a mask for text does not fit the column; None if it does."""
    return None if is_text(column) else f"needs a text type, not {column.type_name}"
