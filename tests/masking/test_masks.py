"""Every mask on every type, executed: the wire type stays, nothing raises, nothing raw comes out."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import psycopg
import pytest

from gateway.session.catalog import load_catalog
from masking.catalog import Catalog, Column
from masking.masks import mask_expression, problem
from masking.policy import CLEAR, Mask, MaskKind
from tests.support.postgres import Postgres

KEY = "pgcurfew.mask_key"
DATABASE = "masks"

#: Column -> (type, values that have hurt somebody before).
COLUMNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "c_text": ("text", ("", "x", "mary@example.org", "a@b", "@", "é@ü.de", "line\nbreak@example.org", "z" * 3000)),
    "c_varchar": ("varchar(7)", ("", "abcdefg", "a@b.de")),
    "c_varchar_open": ("varchar", ("4111 1111 1111 1234",)),
    "c_bpchar": ("char(5)", ("ab", "abcde")),
    "c_bpchar_one": ("char(1)", ("x",)),
    "c_name": ("name", ("somebody",)),
    "c_char": ('"char"', ("q",)),
    "c_nocase": ("text COLLATE public.nocase", ("Mary@Example.org", "")),
    "c_posix": ('text COLLATE "C"', ("mary@example.org",)),
    "c_citext": ("people.citext", ("Mary@example.org", "4111 1111 1111 1234")),
    "c_hstore": ("people.hstore", ("raw=>values",)),
    "c_int2": ("int2", ("0", "-32768", "32767")),
    "c_int4": ("int4", ("7", "-2147483648", "2147483647")),
    "c_int8": ("int8", ("7", "-9223372036854775808", "9223372036854775807")),
    "c_numeric": ("numeric", ("NaN", "Infinity", "-Infinity", "1e200", "-1e-200", "4711.5")),
    "c_money_like": ("numeric(12,2)", ("NaN", "9999999999.99", "-9999999999.99", "0.01")),
    "c_fraction": ("numeric(3,3)", ("0.999", "-0.001")),
    "c_float4": ("float4", ("NaN", "Infinity", "-Infinity", "3.4e38", "-3.4e38", "1e-45")),
    "c_float8": ("float8", ("NaN", "Infinity", "1.7e308", "-1.7e308", "5e-324", "4711.5")),
    "c_money": ("money", ("12.34",)),
    "c_bool": ("bool", ("t", "f")),
    "c_date": ("date", ("infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "1984-05-17")),
    "c_timestamp": ("timestamp", ("infinity", "4713-01-01 BC", "294276-12-31 23:59:59", "1984-05-17 12:00:00")),
    "c_timestamptz": (
        "timestamptz(3)",
        ("-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59+00", "1984-05-31 23:30:00-02"),
    ),
    "c_time": ("time(0)", ("24:00:00",)),
    "c_timetz": ("timetz", ("12:00:00+02",)),
    "c_interval": ("interval day to second(2)", ("-178000000 years", "3 days")),
    "c_json": (
        "json",
        ("{}", '{"a": "raw"}', '{"a": 1, "a": "\\u0000"}', '{"a": "\\ud83d"}', '{"b": [{"c": 1e999999}]}'),
    ),
    "c_jsonb": ("jsonb", ('{"a": "raw"}', '{"b": [{"c": 4711}, 1]}', "[]", "null", "1")),
    "c_jsons": ("jsonb[]", ('{"{\\"a\\": 1}",NULL}', "{}")),
    "c_jsonpath": ("jsonpath", ("$.a",)),
    "c_xml": ("xml", ("<raw/>",)),
    "c_uuid": ("uuid", ("0123abcd-0123-0123-0123-0123456789ab",)),
    "c_bytea": ("bytea", ("", "\\xff00")),
    "c_inet": ("inet", ("10.11.12.13", "10.0.0.0/8", "2001:db8::1", "0.0.0.0/0")),
    "c_cidr": ("cidr", ("10.0.0.0/8", "2001:db8::/32")),
    "c_macaddr": ("macaddr", ("08:00:2b:01:02:03",)),
    "c_macaddr8": ("macaddr8", ("08:00:2b:01:02:03:04:05",)),
    "c_bit": ("bit(9)", ("101010101",)),
    "c_varbit": ("varbit(9)", ("1",)),
    "c_enum": ("people.mood", ("happy",)),
    "c_domain": ("people.email", ("mary@example.org",)),
    "c_domain_of_domain": ("people.work_email", ("mary@example.org",)),
    "c_domain_sum": ("people.amount", ("5.55",)),
    "c_texts": ("text[]", ("{}", "{raw,values}")),
    "c_short_texts": ("varchar(3)[]", ("{}", "{abc,NULL,d}", "[2:3]={x,y}", "{{a,b},{c,d}}")),
    "c_numerics": ("numeric(9,2)[]", ("{1.50,-7.25,NaN}",)),
    "c_int2s": ("int2[]", ("{-32768,NULL}",)),
    "c_floats": ("float8[]", ("{NaN,1.5}",)),
    "c_dates": ("date[]", ("{infinity,1984-05-17}",)),
    "c_stamps": ("timestamptz(0)[]", ("{infinity,1984-05-17 00:00:00+00}",)),
    "c_uuids": ("uuid[]", ("{0123abcd-0123-0123-0123-0123456789ab}",)),
    "c_inets": ("inet[]", ("{10.1.2.3,::1}",)),
    "c_blobs": ("bytea[]", ('{"\\\\xff00",""}',)),
    "c_emails": ("people.email[]", ("{mary@example.org}",)),
    "c_moods": ("people.mood[]", ("{sad}",)),
    "c_range": ("int4range", ("empty", "[1,5)")),
    "c_multirange": ("datemultirange", ("{[2020-01-01,2020-02-01)}",)),
    "c_composite": ("people.address", ("(street,12)",)),
    "c_point": ("point", ("(1,2)",)),
    "c_line": ("line", ("{1,2,3}",)),
    "c_lseg": ("lseg", ("[(1,2),(3,4)]",)),
    "c_path": ("path", ("[(1,2),(3,4)]",)),
    "c_box": ("box", ("(1,2),(3,4)",)),
    "c_polygon": ("polygon", ("((1,2),(3,4))",)),
    "c_circle": ("circle", ("<(1,2),3>",)),
    "c_tsvector": ("tsvector", ("raw values",)),
    "c_tsquery": ("tsquery", ("raw",)),
    "c_oid": ("oid", ("4294967295",)),
    "c_lsn": ("pg_lsn", ("1/2",)),
}

MASKS = (
    Mask(MaskKind.NULL),
    Mask(MaskKind.FIXED),
    Mask(MaskKind.FIXED, (("value", "7"),)),
    Mask(MaskKind.FIXED, (("value", "it's \\ hidden"),)),
    Mask(MaskKind.FIXED, (("value", "2001-02-03"),)),
    Mask(MaskKind.PARTIAL, (("keep_first", 2), ("keep_last", 1))),
    Mask(MaskKind.PARTIAL, (("keep_last", 4),)),
    Mask(MaskKind.PARTIAL, (("style", "email"),)),
    Mask(MaskKind.PARTIAL, (("style", "card"),)),
    Mask(MaskKind.PSEUDONYM),
    Mask(MaskKind.PSEUDONYM, (("domain", "people's"),)),
    Mask(MaskKind.PSEUDONYM, (("style", "email"),)),
    Mask(MaskKind.GENERALIZE, (("unit", "week"),)),
    Mask(MaskKind.GENERALIZE, (("unit", "month"),)),
    Mask(MaskKind.GENERALIZE, (("unit", "century"),)),
    Mask(MaskKind.GENERALIZE, (("bucket", 10),)),
    Mask(MaskKind.GENERALIZE, (("bucket", 30000),)),
    Mask(MaskKind.GENERALIZE, (("prefix", 16), ("prefix6", 32))),
    Mask(MaskKind.GENERALIZE, (("keep", 2),)),
    Mask(MaskKind.TRUNCATE, (("length", 3),)),
    Mask(MaskKind.GENERALIZE),
    Mask(MaskKind.GENERALIZE, (("unit", "hour"),)),
    Mask(MaskKind.PSEUDONYM, (("length", 12),)),
    Mask(MaskKind.PSEUDONYM, (("below", 1000),)),
    Mask(MaskKind.FIXED, (("value", '{"a": [1]}'),)),
    Mask(MaskKind.DETECT),
    Mask(MaskKind.JSONPATH, paths=(("$.a", CLEAR), ("$.b[*].*", Mask(MaskKind.PSEUDONYM)))),
    Mask(MaskKind.JSONPATH, (("rest", "***"),), paths=(("$.x.**", CLEAR), ("$.a", Mask(MaskKind.DETECT)))),
)

NONDETERMINISTIC = "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
SETUP = """
CREATE SCHEMA people;
CREATE EXTENSION citext SCHEMA people;
CREATE EXTENSION hstore SCHEMA people;
CREATE TYPE people.mood AS ENUM ('sad', 'happy');
CREATE DOMAIN people.email AS varchar(40) CHECK (VALUE ~ '@');
CREATE DOMAIN people.work_email AS people.email CHECK (VALUE ~ 'example');
CREATE DOMAIN people.amount AS numeric(8,2) CHECK (VALUE > 1);
CREATE TYPE people.address AS (street text, number int);
"""


@pytest.fixture(scope="module", params=["postgres", "postgres_of_the_distribution"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    postgres: Postgres = request.getfixturevalue(request.param)
    postgres.run(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    dsn = postgres.dsn(DATABASE)
    with psycopg.connect(dsn, autocommit=True) as connection:
        try:
            connection.execute(NONDETERMINISTIC)
        except psycopg.errors.FeatureNotSupported:  # a build without ICU
            connection.execute('CREATE COLLATION nocase FROM "POSIX"')
        connection.execute(SETUP)
        columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
        connection.execute(f"CREATE TABLE people.types (id int, {columns})")
        connection.execute("INSERT INTO people.types (id) VALUES (0)")
        for name, (_, values) in COLUMNS.items():
            for value in values:
                connection.execute(f"INSERT INTO people.types (id, {name}) VALUES (1, %s)", (value,))
    yield dsn
    postgres.run(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture(scope="module")
async def catalog(database: str) -> Catalog:
    connection = await asyncpg.connect(database)
    try:
        return await load_catalog(connection, ("public",))
    finally:
        await connection.close()


def columns_of(catalog: Catalog) -> dict[str, Column]:
    return {column.name: column for column in catalog.relations["people", "types"].columns if column.name != "id"}


def connect(database: str) -> psycopg.Connection:
    return psycopg.connect(database, autocommit=True, options=f"-c {KEY}=a-key-of-the-session-32-bytes-long")


@pytest.mark.parametrize("mask", MASKS, ids=lambda mask: f"{mask.kind}-{'-'.join(str(v) for _, v in mask.options)}")
@pytest.mark.parametrize("hide_null", [False, True])
def test_a_mask_keeps_the_wire_type_and_never_raises(
    database: str, catalog: Catalog, mask: Mask, hide_null: bool
) -> None:
    mask = Mask(mask.kind, mask.options, hide_null)
    with connect(database) as connection:
        for name, column in columns_of(catalog).items():
            if problem(mask, column) is not None:
                continue
            expression = mask_expression(mask, column, name, KEY)
            for binary in (False, True):
                cursor = connection.cursor(binary=binary)
                raw = cursor.execute(f"SELECT {name} FROM people.types LIMIT 0").pgresult
                shown = connection.execute(f"SELECT {expression} FROM people.types", binary=binary).pgresult
                assert raw is not None
                assert shown is not None
                assert (shown.ftype(0), shown.fmod(0)) == (raw.ftype(0), raw.fmod(0)), (name, expression)
            rows = connection.execute(
                f"SELECT {name} IS NULL, ({expression}) IS NULL FROM people.types WHERE id = 0"
            ).fetchall()
            nullable = mask.kind is MaskKind.NULL or not hide_null
            assert rows == [(True, nullable)], name


@pytest.mark.parametrize("mask", MASKS[:5], ids=str)
def test_a_constant_shows_nothing(database: str, catalog: Catalog, mask: Mask) -> None:
    with connect(database) as connection:
        for name, column in columns_of(catalog).items():
            if problem(mask, column) is None:
                expression = mask_expression(mask, column, name, KEY)
                query = f"SELECT count(DISTINCT ({expression})::text) FROM people.types WHERE id = 1"
                assert connection.execute(query).fetchone()[0] <= 1, name


EXAMPLES = (
    ("c_text", MASKS[7], "mary@example.org", "m***@example.org"),
    ("c_text", MASKS[7], "a@b.de", "***@b.de"),
    ("c_text", MASKS[7], "no address, but @ a secret", "***"),
    ("c_text", MASKS[7], "a@b@c.de", "***"),
    ("c_text", MASKS[5], "0151234567", "01***7"),
    ("c_text", MASKS[5], "short", "***"),
    ("c_varchar_open", MASKS[8], "4111-1111-1111-1234", "************1234"),
    ("c_varchar_open", MASKS[8], "1234", "***"),
    ("c_text", MASKS[18], "10115", "10"),
    ("c_text", MASKS[19], "abcdef", "abc"),
    ("c_date", MASKS[13], "1984-05-17", "1984-05-01"),
    ("c_timestamp", MASKS[13], "1984-05-17 10:00", "1984-05-01 00:00:00"),
    ("c_int4", MASKS[15], "-27", "-20"),
    ("c_money_like", MASKS[15], "4711.50", "4710.00"),
    ("c_inet", MASKS[17], "10.11.12.13", "10.11.0.0/16"),
    ("c_inet", MASKS[17], "2001:db8:1::1", "2001:db8::/32"),
    ("c_inet", MASKS[17], "10.0.0.0/8", "10.0.0.0/8"),
    ("c_macaddr", MASKS[20], "08:00:2b:01:02:03", "08:00:2b:00:00:00"),
    ("c_timestamp", MASKS[21], "1984-05-17 10:59:59", "1984-05-17 10:00:00"),
    ("c_texts", MASKS[7], "{mary@example.org,NULL,hidden}", "{m***@example.org,NULL,***}"),
    ("c_texts", MASKS[19], "{}", "{}"),
    ("c_short_texts", MASKS[19], "{{abc,d},{e,f}}", "{abc,d,e,f}"),
    ("c_numerics", MASKS[15], "{4711.50,7}", "{4710.00,0.00}"),
    ("c_dates", MASKS[13], "{1984-05-17}", "{1984-05-01}"),
    ("c_bytea", MASKS[19], "\\x0102030405", "\\x010203"),
    ("c_jsonb", MASKS[24], '{"a": "raw"}', '{"a": [1]}'),
)


@pytest.mark.parametrize(("name", "mask", "raw", "shown"), EXAMPLES)
def test_an_example_comes_out_as_documented(
    database: str, catalog: Catalog, name: str, mask: Mask, raw: str, shown: str
) -> None:
    column = columns_of(catalog)[name]
    assert problem(mask, column) is None
    expression = mask_expression(mask, column, "v", KEY)
    with connect(database) as connection:
        query = f"SELECT ({expression})::text FROM (SELECT %s::{column.type_name} AS v) AS x"
        assert connection.execute(query, (raw,)).fetchone() == (shown,)


def test_equal_values_have_equal_pseudonyms_in_one_domain_only(database: str, catalog: Catalog) -> None:
    columns = columns_of(catalog)
    first = mask_expression(Mask(MaskKind.PSEUDONYM), columns["c_text"], "a", KEY)
    second = mask_expression(Mask(MaskKind.PSEUDONYM), columns["c_varchar_open"], "b", KEY)
    other = mask_expression(Mask(MaskKind.PSEUDONYM, (("domain", "other"),)), columns["c_text"], "a", KEY)
    query = f"SELECT {first}, {second}, {other} FROM (SELECT 'mary'::text AS a, 'mary'::varchar AS b) x"
    with connect(database) as connection:
        a, b, c = connection.execute(query).fetchone()
        assert a == b != c
        connection.execute(f"SET {KEY} = 'another'")
        assert connection.execute(query).fetchone()[0] != a


#: Column, two spellings, and whether they are one value to the type.
SPELLINGS = (
    ("c_numeric", "1.0", "1.00", True),
    ("c_numeric", "1.0", "1.01", False),
    ("c_float8", "0", "-0", True),
    ("c_float4", "0.1", "0.10000001", False),
    ("c_citext", "Mary", "mARY", True),
    ("c_text", "Mary", "mary", False),
    ("c_bpchar", "ab", "ab   ", True),
)


@pytest.mark.parametrize(("name", "one", "other", "equal"), SPELLINGS)
def test_what_a_type_calls_equal_has_one_pseudonym(
    database: str, catalog: Catalog, name: str, one: str, other: str, equal: bool
) -> None:
    column = columns_of(catalog)[name]
    first, second = (mask_expression(Mask(MaskKind.PSEUDONYM), column, value, KEY) for value in "ab")
    query = (
        f"SELECT ({first})::text = ({second})::text FROM (SELECT %s::{column.type_name} a, %s::{column.type_name} b) x"
    )
    with connect(database) as connection:
        assert connection.execute(query, (one, other)).fetchone() == (equal,)


def test_a_short_column_spends_all_its_room_on_telling_values_apart(database: str, catalog: Catalog) -> None:
    column = columns_of(catalog)["c_varchar"]
    for options in ((), (("style", "email"),)):
        expression = mask_expression(Mask(MaskKind.PSEUDONYM, options), column, "v", KEY)
        query = f"SELECT count(DISTINCT {expression}) FROM (SELECT n::text AS v FROM generate_series(1, 1000) n) x"
        with connect(database) as connection:
            assert connection.execute(query).fetchone()[0] > 990


def test_a_length_of_ones_own_joins_columns_of_different_room(database: str, catalog: Catalog) -> None:
    columns = columns_of(catalog)
    mask = Mask(MaskKind.PSEUDONYM, (("length", 7),))
    one, other = (mask_expression(mask, columns[name], "v", KEY) for name in ("c_varchar", "c_text"))
    with connect(database) as connection:
        assert connection.execute(f"SELECT {one} = {other} FROM (SELECT 'mary' AS v) x").fetchone() == (True,)


def test_without_its_key_a_pseudonym_is_an_error_and_not_a_weak_one(database: str, catalog: Catalog) -> None:
    expression = mask_expression(Mask(MaskKind.PSEUDONYM), columns_of(catalog)["c_text"], "c_text", KEY)
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.UndefinedObject):
        connection.execute(f"SELECT {expression} FROM people.types")


def test_explain_does_not_show_the_key(database: str, catalog: Catalog) -> None:
    with connect(database) as connection:
        for name, column in columns_of(catalog).items():
            if problem(Mask(MaskKind.PSEUDONYM), column) is None:
                expression = mask_expression(Mask(MaskKind.PSEUDONYM), column, name, KEY)
                query = f"EXPLAIN (VERBOSE, ANALYZE) SELECT {expression} FROM people.types WHERE {expression} IS NULL"
                assert "a-key-of" not in str(connection.execute(query).fetchall())


def test_the_time_zone_of_the_session_moves_no_edge(database: str, catalog: Catalog) -> None:
    """Otherwise SET TimeZone, minute by minute, would find the time between the edges."""
    expression = mask_expression(MASKS[13], columns_of(catalog)["c_timestamptz"], "c_timestamptz", KEY)
    query = f"SELECT extract(epoch FROM {expression}) FROM people.types"
    with connect(database) as connection:
        answers = []
        for zone in ("UTC", "Asia/Tokyo", "<x>+11:59", "America/New_York"):
            connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
            answers.append(connection.execute(query).fetchall())
        assert all(answer == answers[0] for answer in answers)


def test_names_of_a_hostile_schema_are_not_taken(database: str, catalog: Catalog) -> None:
    """Neither a temporary table called like a type, nor look-alikes that come first on the path."""
    with connect(database) as connection:
        connection.execute("CREATE SCHEMA hostile")
        connection.execute("CREATE FUNCTION hostile.left(text, int) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$")
        connection.execute("CREATE FUNCTION hostile.more(text, text) RETURNS bool LANGUAGE sql AS $$ SELECT true $$")
        connection.execute("CREATE OPERATOR hostile.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.more)")
        connection.execute("CREATE TEMP TABLE uuid (a int)")
        connection.execute("CREATE TEMP TABLE text (a int)")
        plain = {}
        for path in ("public", "hostile, pg_catalog, public"):
            connection.execute(f"SET search_path = {path}")
            for name, column in columns_of(catalog).items():
                for mask in MASKS:
                    if problem(mask, column) is None and column.type_kind == "b" and name != "c_nocase":
                        expression = mask_expression(mask, column, name, KEY)
                        rows = connection.execute(f"SELECT {expression} FROM people.types ORDER BY ctid").fetchall()
                        assert repr(plain.setdefault((name, mask), rows)) == repr(rows), (name, mask)
        connection.execute("DROP SCHEMA hostile CASCADE")


PROBLEMS = (
    ("c_int4", Mask(MaskKind.FIXED, (("value", "many"),))),
    ("c_int2", Mask(MaskKind.FIXED, (("value", 40000),))),
    ("c_money_like", Mask(MaskKind.FIXED, (("value", "99999999999"),))),
    ("c_enum", Mask(MaskKind.FIXED, (("value", "furious"),))),
    ("c_date", Mask(MaskKind.FIXED, (("value", "2001-13-01"),))),
    ("c_composite", Mask(MaskKind.FIXED)),
    ("c_int4", Mask(MaskKind.PARTIAL, (("keep_first", 1),))),
    ("c_text", Mask(MaskKind.PARTIAL)),
    ("c_text", Mask(MaskKind.PARTIAL, (("keep_first", -1),))),
    ("c_text", Mask(MaskKind.PARTIAL, (("keep_first", "2"),))),
    ("c_text", Mask(MaskKind.PARTIAL, (("style", "phone"),))),
    ("c_date", Mask(MaskKind.PSEUDONYM)),
    ("c_fraction", Mask(MaskKind.PSEUDONYM)),
    ("c_int4", Mask(MaskKind.PSEUDONYM, (("style", "email"),))),
    ("c_date", Mask(MaskKind.GENERALIZE)),
    ("c_date", Mask(MaskKind.GENERALIZE, (("unit", "day"),))),
    ("c_int4", Mask(MaskKind.GENERALIZE, (("unit", "month"),))),
    ("c_int2", Mask(MaskKind.GENERALIZE, (("bucket", 40000),))),
    ("c_int4", Mask(MaskKind.GENERALIZE, (("bucket", 0),))),
    ("c_inet", Mask(MaskKind.GENERALIZE, (("prefix", 33),))),
    ("c_bool", Mask(MaskKind.GENERALIZE)),
    ("c_text", Mask(MaskKind.TRUNCATE)),
    ("c_emails", Mask(MaskKind.TRUNCATE, (("length", 2),))),
    ("c_moods", Mask(MaskKind.PARTIAL, (("keep_last", 2),))),
    ("c_dates", Mask(MaskKind.GENERALIZE, (("unit", "hour"),))),
    ("c_text", Mask(MaskKind.PSEUDONYM, (("length", 2),))),
    ("c_text", Mask(MaskKind.PSEUDONYM, (("style", "email"), ("length", 8)))),
    ("c_uuid", Mask(MaskKind.PSEUDONYM, (("below", 8),))),
    ("c_jsonb", Mask(MaskKind.FIXED, (("value", "{"),))),
    ("c_json", Mask(MaskKind.FIXED, (("value", "NaN"),))),
    ("c_jsonb", Mask(MaskKind.FIXED, (("value", '"\\u0000"'),))),
    ("c_macaddr", Mask(MaskKind.GENERALIZE, (("keep", 3),))),
    ("c_int4", Mask(MaskKind.DETECT)),
    ("c_jsonb", Mask(MaskKind.DETECT)),
    ("c_text", Mask(MaskKind.DETECT, (("keep", 3),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH)),
    ("c_text", Mask(MaskKind.JSONPATH, paths=(("$.a", CLEAR),))),
    ("c_text", Mask(MaskKind.PARTIAL, (("keep_last", 2),), paths=(("$.a", CLEAR),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, (("rest", '"'),), paths=(("$.a", CLEAR),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("a", CLEAR),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a[0]", CLEAR),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a ? (@ > 1)", CLEAR),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a", CLEAR), ('$."a"', CLEAR)))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a.**", Mask(MaskKind.DETECT)),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.**.a", CLEAR),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a", Mask(MaskKind.PARTIAL)),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a", Mask(MaskKind.FIXED, (("value", 'x"'),))),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a", Mask(MaskKind.GENERALIZE, (("unit", "year"),))),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a", Mask(MaskKind.NULL, hide_null=True)),))),
    ("c_jsonb", Mask(MaskKind.JSONPATH, paths=(("$.a", Mask(MaskKind.JSONPATH, paths=(("$.b", CLEAR),))),))),
    ("c_text", Mask(MaskKind.NULL, (("colour", "red"),))),
)


@pytest.mark.parametrize(("name", "mask"), PROBLEMS)
def test_a_mask_that_does_not_fit_is_a_problem_and_shows_nothing(catalog: Catalog, name: str, mask: Mask) -> None:
    column = columns_of(catalog)[name]
    assert problem(mask, column)
    assert mask_expression(mask, column, name, KEY).startswith("NULL::")


def test_every_column_type_can_be_hidden_by_null_or_a_constant(catalog: Catalog) -> None:
    without_constant = {n for n, c in columns_of(catalog).items() if problem(Mask(MaskKind.FIXED), c)}
    assert without_constant == {"c_composite"}
    assert all(mask_expression(CLEAR, c, n, KEY) == n for n, c in columns_of(catalog).items())
