"""Binary values as text: what PostgreSQL itself says of each, value by value."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.values import READERS, shown, text_of
from tests.support.postgres import Postgres

#: By type, values as SQL literals.
VALUES: dict[str, list[str]] = {
    "bool": ["t", "f"],
    "bytea": ["", r"\x00ff5c"],
    '"char"': ["a", r"\000", r"\351"],
    "int2": ["0", "-32768", "32767"],
    "int4": ["0", "-2147483648", "2147483647"],
    "int8": ["-9223372036854775808", "9223372036854775807"],
    "text": ["", "größer als 𝄞", 'a"b\\c'],
    "varchar": ["x"],
    "bpchar": ["x  "],
    "name": ["somebody"],
    "json": ['{"a": [1, null]}'],
    "jsonb": ['{"a": [1, null]}', "null"],
    "jsonpath": ["$.a[*]"],
    "xml": ["<a/>"],
    "oid": ["4294967295"],
    "xid": ["7"],
    "xid8": ["18446744073709551615"],
    "tid": ["(7,3)"],
    "pg_lsn": ["16/B374D848"],
    "regtype": ["999999"],
    "float4": ["0", "-0", "1", "1.1", "1e6", "123456", "1234567", "1e-4", "1e-5", "3.4028235e38", "1e-45", "NaN",
               "Infinity", "-Infinity", "100000", "0.00012"],
    "float8": ["0", "-0", "1", "0.1", "1e14", "1e15", "123456789012345678", "1e-4", "1e-5", "1e300", "5e-324",
               "NaN", "Infinity", "-Infinity", "-1234.5678", "100", "2.5e-7"],
    "numeric": ["0", "0.00", "1", "-1", "10000", "12345678.9012", "0.00001234", "1e30", "-0.5", "NaN", "Infinity",
                "-Infinity", "100000000.000000001", "0.10", "99999999999999999999.99999999999999999999"],
    "date": ["2000-01-01", "1999-12-31", "2024-02-29", "1900-03-01", "0001-01-01", "4713-01-01 BC", "0044-03-15 BC",
             "5874897-12-31", "infinity", "-infinity", "2100-02-28"],
    "time": ["00:00", "23:59:59.999999", "24:00", "12:30:00.5"],
    "timetz": ["12:00+00", "12:00:00.25-03:30", "23:59+14", "01:02+01:02:03"],
    "timestamp": ["2000-01-01", "1999-12-31 23:59:59.999999", "0044-03-15 12:00 BC", "294276-12-31 23:59:59",
                  "infinity", "-infinity"],
    "timestamptz": ["2024-06-01 12:00:00.125+02", "0044-03-15 12:00+00 BC", "infinity"],
    "interval": ["0", "1 day", "-1 day", "1 year 2 mons -3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06",
                 "-00:00:01", "14 mons", "100:00:00", "-13 mons", "1 mon -1 day +00:00:01"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "inet": ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:1.2.3.4", "fe80::1/128"],
    "cidr": ["10.0.0.0/8", "10.0.0.1/32", "2001:db8::/32"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "bit(5)": ["10110"],
    "varbit": ["", "1", "101101011"],
    "point": ["(1.5,-2)"],
    "int2vector": ["", "1 2 3"],
    "oidvector": ["7 8"],
    "int4range": ["empty", "[1,5)", "(,3)", "[4,)", "(,)"],
    "numrange": ["[1.5,2.5]", "(1,2)"],
    "tsrange": ["[2024-01-01 10:00,2024-01-02 10:00)"],
    "daterange": ["[2024-01-01,2024-01-05)"],
    "int4[]": ["{}", "{1,2,NULL}", "{{1,2},{3,4}}", "[0:1]={5,6}", "[2:3][-1:0]={{1,2},{3,4}}"],
    "text[]": ['{a,"b c","","NULL",NULL,"x\\"y","back\\\\slash","{}"}'],
    "numeric[]": ["{1.50,NULL}"],
    "timestamp[]": ['{"2024-01-01 10:00"}'],
    "jsonb[]": ['{"{\\"a\\": 1}"}'],
    "bytea[]": [r'{"\\x00ff"}'],
    "uuid[]": ["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
    "daterange[]": ['{"[2024-01-01,2024-01-05)",empty}'],
}  # fmt: skip
#: And expressions whose type has no literals.
EXPRESSIONS = [
    "ROW(1, NULL::text, 'a b', '', 'x\"y', ARRAY[1,2], ROW(2, 'in (side)'))",
    "ARRAY[ROW(1, 'a')]",
    "'{[1,3),[5,9)}'::int4multirange",
    "'{}'::datemultirange",
    "pg_catalog.pg_sleep(0)",
]


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _both(connection: psycopg.Connection, sql: str) -> tuple[str, str, int]:
    """What a result says as text, what we make of it in binary, and its type."""
    found = []
    for binary in (False, True):
        result = connection.execute(sql, binary=binary).pgresult
        assert result is not None
        raw = result.get_value(0, 0)
        assert raw is not None
        found.append((result.ftype(0), raw))
    (_, as_text), (type_oid, as_binary) = found
    return as_text.decode(), shown(type_oid, as_binary), type_oid


@pytest.mark.parametrize("name", VALUES)
def test_a_binary_value_reads_as_postgresql_shows_it(connection: psycopg.Connection, name: str) -> None:
    for literal in VALUES[name]:
        quoted = literal.replace("'", "''")
        text, ours, type_oid = _both(connection, f"SELECT '{quoted}'::{name}")
        assert ours == text, literal
        assert type_oid in READERS


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_rows_and_ranges_of_ranges_too(connection: psycopg.Connection, postgres: Postgres, expression: str) -> None:
    if postgres.version < 14:
        pytest.skip("multiranges came with PostgreSQL 14")
    text, ours, _ = _both(connection, f"SELECT {expression}")
    assert ours == text


def test_every_built_in_type_in_the_table_is_what_it_says(connection: psycopg.Connection) -> None:
    """Arrays end in "[]" or are vectors; and the names that are numbers are registered as such."""
    known = {oid: (name, element) for oid, name, element in connection.execute(
        "SELECT oid, typname, CASE WHEN typcategory = 'A' THEN typelem ELSE 0 END FROM pg_type WHERE oid < 10000"
    ).fetchall()}  # fmt: skip
    for type_oid in READERS:
        name, element = known[type_oid]
        assert element == 0 or element in READERS or name in ("_record", "_refcursor"), name


def test_money_is_shown_without_a_currency() -> None:
    assert shown(790, (-123456).to_bytes(8, "big", signed=True)) == "-1234.56"


def test_what_is_of_no_known_type_is_shown_as_hex() -> None:
    assert shown(99999, b"\x01\xff") == "\\x01ff"
    assert shown(0, b"abc") == "\\x616263"


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=80))
def test_nothing_that_a_client_sends_breaks_it(type_oid: int, data: bytes) -> None:
    text = text_of(type_oid, data)
    assert text is None or isinstance(text, str)
