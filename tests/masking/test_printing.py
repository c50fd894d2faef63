"""Masks and struck columns survive libpg_query's printer: what was judged is what is sent."""

from __future__ import annotations

import pytest

from masking.catalog import Column
from masking.masks import mask_expression, problem
from masking.parse import parse, print_tree
from masking.policy import CLEAR, Mask, MaskKind
from masking.system import SYSTEM_RELATIONS

TYPES = (
    ("text", 25, "S"),
    ("character varying(80)", 1043, "S"),
    ("character(16)", 1042, "S"),
    ("bpchar", 1042, "S"),
    ("name", 19, "S"),
    ('"char"', 18, "Z"),
    ("extensions.citext", 99999, "S"),
    ("smallint", 21, "N"),
    ("integer", 23, "N"),
    ("bigint", 20, "N"),
    ("numeric(12,2)", 1700, "N"),
    ("real", 700, "N"),
    ("double precision", 701, "N"),
    ("money", 790, "N"),
    ("boolean", 16, "B"),
    ("date", 1082, "D"),
    ("timestamp without time zone", 1114, "D"),
    ("timestamp(3) with time zone", 1184, "D"),
    ("time(0) without time zone", 1083, "D"),
    ("interval day to second(2)", 1186, "T"),
    ("inet", 869, "I"),
    ("cidr", 650, "I"),
    ("uuid", 2950, "U"),
    ("bytea", 17, "U"),
    ("json", 114, "U"),
    ("jsonb", 3802, "U"),
    ("xml", 142, "U"),
    ("bit(9)", 1560, "V"),
    ("bit varying(9)", 1562, "V"),
    ("text[]", 1009, "A"),
    ('crm."Odd Type"[]', 99998, "A"),
    ("tsvector", 3614, "U"),
)
MASKS = (
    Mask(MaskKind.NULL),
    Mask(MaskKind.FIXED),
    Mask(MaskKind.FIXED, (("value", "it's \\ so"),)),
    Mask(MaskKind.PARTIAL, (("keep_last", 2),)),
    Mask(MaskKind.PARTIAL, (("style", "email"),)),
    Mask(MaskKind.PARTIAL, (("style", "card"),)),
    Mask(MaskKind.PSEUDONYM),
    Mask(MaskKind.PSEUDONYM, (("style", "email"),)),
    Mask(MaskKind.GENERALIZE, (("unit", "year"),)),
    Mask(MaskKind.GENERALIZE, (("bucket", 10),)),
    Mask(MaskKind.GENERALIZE, (("keep", 2),)),
    Mask(MaskKind.GENERALIZE, (("prefix", 16),)),
    Mask(MaskKind.TRUNCATE, (("length", 1),)),
    Mask(MaskKind.DETECT),
    Mask(MaskKind.JSONPATH, (("rest", "***"),), paths=(("$.a[*].*", CLEAR), ("$.b", Mask(MaskKind.DETECT)))),
)


@pytest.mark.parametrize(("type_name", "oid", "category"), TYPES)
@pytest.mark.parametrize("hide_null", [False, True])
def test_every_mask_prints_as_it_was_meant(type_name: str, oid: int, category: str, hide_null: bool) -> None:
    column = Column("c", 1, oid, type_name, type_category=category)
    for kind in MASKS:
        mask = Mask(kind.kind, kind.options, hide_null)
        if problem(mask, column) is None:
            print_tree(parse(f"SELECT {mask_expression(mask, column, 'c', 'pgcurfew.mask_key')} AS c FROM t"))


@pytest.mark.parametrize("name", SYSTEM_RELATIONS)
def test_every_struck_column_prints_as_it_was_meant(name: str) -> None:
    relation = SYSTEM_RELATIONS[name]
    for column, expression in relation.expressions("no-literals").items():
        print_tree(parse(f"SELECT {expression} AS {column} FROM {name} WHERE {relation.condition or 'true'}"))
