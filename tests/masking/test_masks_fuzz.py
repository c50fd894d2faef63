"""Every mask on values that nobody thought of: no error, the same answer twice, constants that know nothing of the
value, and pseudonyms with nothing of it in them."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masking.catalog import Column
from masking.masks import mask_expression, problem
from masking.policy import Mask, MaskKind
from tests.masking.test_masks import KEY, MASKS
from tests.support.postgres import Postgres


@dataclass(frozen=True, slots=True)
class Type:
    name: str
    oid: int
    category: str
    values: st.SearchStrategy[str]


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=80)
LIKELY_TEXT = st.text(st.sampled_from(string.printable + "é@ü\u00a0\u200b１"), max_size=40)
TEXT = st.one_of(ANY_TEXT, LIKELY_TEXT)
NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "0", "-0", "1e-16000", "-9e130000"]),
)
FLOATS = st.floats(width=64).map(repr)
YEARS = st.integers(-4712, 5874897)
DATES = st.one_of(
    st.builds(
        lambda y, m, d: f"{abs(y) or 1:04}-{m:02}-{d:02}{' BC' if y <= 0 else ''}",
        YEARS,
        st.integers(1, 12),
        st.integers(1, 28),
    ),
    st.sampled_from(["infinity", "-infinity", "epoch"]),
)
STAMPS = st.one_of(
    st.builds(
        lambda y, m, s: f"{abs(y) or 1:04}-{m:02}-01 23:{s:02}:59.999999{' BC' if y <= 0 else ''}",
        st.integers(-4712, 294276), st.integers(1, 12), st.integers(0, 59),
    ),
    st.sampled_from(["infinity", "-infinity"]),
)  # fmt: skip
ADDRESSES = st.one_of(
    st.ip_addresses().map(str), st.builds(lambda a, n: f"{a}/{n}", st.ip_addresses(), st.integers(0, 128))
)

ELEMENTS = TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')


def lists(items: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(items, max_size=4).map(lambda found: "{" + ",".join(found) + "}")


#: What each constant was when it was first seen.
CONSTANTS: dict[tuple[str, Mask], bytes | None] = {}

TYPES = (
    Type("text", 25, "S", TEXT),
    Type("character varying(7)", 1043, "S", TEXT.map(lambda text: text[:7])),
    Type("character(5)", 1042, "S", TEXT.map(lambda text: text[:5])),
    Type("name", 19, "S", TEXT),
    Type('"char"', 18, "Z", TEXT),
    Type("smallint", 21, "N", st.integers(-32768, 32767).map(str)),
    Type("integer", 23, "N", st.integers(-(2**31), 2**31 - 1).map(str)),
    Type("bigint", 20, "N", st.integers(-(2**63), 2**63 - 1).map(str)),
    Type("numeric", 1700, "N", NUMBERS),
    Type("numeric(12,2)", 1700, "N", st.decimals(-9999999999, 9999999999, places=2).map(str)),
    Type("real", 700, "N", st.floats(width=32).map(repr)),
    Type("double precision", 701, "N", FLOATS),
    Type("money", 790, "N", st.integers(-(2**63) // 100, 2**63 // 100).map(str)),
    Type("boolean", 16, "B", st.sampled_from(["t", "f"])),
    Type("date", 1082, "D", DATES),
    Type("timestamp(3) without time zone", 1114, "D", STAMPS),
    Type("timestamp with time zone", 1184, "D", STAMPS),
    Type("time without time zone", 1083, "D", st.times().map(str)),
    Type("interval", 1186, "T", st.timedeltas().map(lambda delta: f"{delta.days} days {delta.seconds} s")),
    Type("inet", 869, "I", ADDRESSES),
    Type("cidr", 650, "I", ADDRESSES),
    Type("macaddr", 829, "U", st.integers(0, 2**48 - 1).map(lambda number: f"{number:012x}")),
    Type("uuid", 2950, "U", st.uuids().map(str)),
    Type("bytea", 17, "U", st.binary(max_size=40).map(lambda octets: "\\x" + octets.hex())),
    Type("json", 114, "U", st.one_of(TEXT.map(lambda text: f'{{"a": "{text}"}}'), NUMBERS)),
    Type("jsonb", 3802, "U", st.one_of(TEXT.map(lambda text: f'{{"a": "{text}"}}'), NUMBERS)),
    Type("text[]", 1009, "A", lists(ELEMENTS)),
    Type("numeric(9,2)[]", 1231, "A", lists(st.decimals(-9999999, 9999999, places=2).map(str))),
    Type("timestamp with time zone[]", 1185, "A", lists(STAMPS)),
)  # fmt: skip


@pytest.fixture(scope="module", params=["postgres", "postgres_of_the_distribution"])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    postgres: Postgres = request.getfixturevalue(request.param)
    postgres.run("CREATE DATABASE fuzz TEMPLATE template0 ENCODING 'UTF8'")
    options = f"-c {KEY}=a-key-of-the-session-32-bytes-long"
    with psycopg.connect(postgres.dsn("fuzz"), autocommit=True, options=options) as connection:
        yield connection
    postgres.run("DROP DATABASE fuzz WITH (FORCE)")


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_no_value_is_an_error(connection: psycopg.Connection, kind: Type, data: st.DataObject) -> None:
    column = Column("v", 1, kind.oid, kind.name, type_category=kind.category)
    masks = [mask for mask in MASKS if problem(mask, column) is None]
    value = data.draw(kind.values)
    try:
        raw = connection.execute(f"SELECT (%s::{kind.name})::text", (value,)).fetchone()[0]
    except psycopg.Error:
        return  # no value of this type
    shown = ", ".join(f"({mask_expression(mask, column, 'v', KEY)})" for mask in masks)
    query = f"SELECT {shown} FROM (SELECT $1::{kind.name} AS v OFFSET 0) x".encode()
    answers = []
    for _ in range(2):
        result = connection.pgconn.exec_params(query, [value.encode()])
        assert not result.error_message, (value, result.error_message)
        answers.append([result.get_value(0, place) for place in range(len(masks))])
    assert answers[0] == answers[1]
    for mask, found in zip(masks, answers[0], strict=True):
        if mask.kind is MaskKind.NULL:
            assert found is None
        elif mask.kind is MaskKind.FIXED:
            assert found == CONSTANTS.setdefault((kind.name, mask), found)
        elif mask.kind is MaskKind.PSEUDONYM and len(raw) > 8 and kind.category != "A":
            assert raw not in (found or b"").decode()
