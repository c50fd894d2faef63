"""`jsonpath`: only what the policy lists comes out of a document, whatever stands in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from masking.catalog import Column
from masking.masks import mask_expression, problem
from masking.policy import CLEAR, Mask, MaskKind
from tests.support.postgres import Postgres

KEY = "pgcurfew.mask_key"
COLUMNS = {kind: Column("doc", 1, oid, kind) for kind, oid in (("json", 114), ("jsonb", 3802))}
EMAIL = Mask(MaskKind.PARTIAL, (("style", "email"),))


def paths(rest: str | None = None, hide_null: bool = False, **listed: Mask) -> Mask:
    options = () if rest is None else (("rest", rest),)
    return Mask(MaskKind.JSONPATH, options, hide_null, tuple(listed.items()))


def of(path: str, mask: Mask = CLEAR, rest: str | None = None) -> Mask:
    return paths(rest, **{path: mask})


CONTACTS = paths(**{"$.name": CLEAR, "$.contacts[*].email": EMAIL})

#: The mask, a document, what is shown of it.
EXAMPLES: tuple[tuple[Mask, str, Any], ...] = (
    (
        CONTACTS,
        '{"name": "Mary", "ssn": "1", "contacts": [{"email": "mary@example.org", "kind": "home"}], "x": {"name": "y"}}',
        {"name": "Mary", "contacts": [{"email": "m***@example.org"}]},
    ),
    (CONTACTS, "{}", {}),
    (CONTACTS, '{"contacts": []}', {"contacts": []}),
    (CONTACTS, '{"contacts": [7, "x", null, [], {}]}', {"contacts": [None, None, None, None, {}]}),
    (CONTACTS, '{"contacts": {"email": "a@b.example"}}', {"contacts": None}),
    (CONTACTS, '{"name": {"first": "Mary"}}', {"name": None}),
    (CONTACTS, '{"name": ["Mary"]}', {"name": None}),
    (CONTACTS, '{"name": null}', {"name": None}),
    (CONTACTS, '{"NAME": "Mary", "name ": "Mary"}', {}),
    (CONTACTS, '[{"name": "Mary"}]', None),
    (CONTACTS, '"Mary"', None),
    (CONTACTS, "42", None),
    (of("$", CLEAR), '"Mary"', "Mary"),
    (of("$", CLEAR), '{"name": "Mary"}', None),
    (of("$[*]", CLEAR), '["Mary", {"x": 1}]', ["Mary", None]),
    (of("$[*]", CLEAR, rest="hidden"), '["Mary", {"x": 1}]', ["Mary", "hidden"]),
    (of("$.**", CLEAR), '{"a": [1, {"b": 2}]}', {"a": [1, {"b": 2}]}),
    (of("$.a.**", CLEAR), '{"a": [1, {"b": 2}], "c": 1}', {"a": [1, {"b": 2}]}),
    (of("$.*", CLEAR), '{"a": 1, "b": "x", "c": {"d": 1}}', {"a": 1, "b": "x", "c": None}),
    (paths(**{"$.*": CLEAR, "$.a": Mask(MaskKind.NULL)}), '{"a": 1, "b": 2}', {"a": None, "b": 2}),
    (of("$.a.b.c"), '{"a": {"b": {"c": 1, "d": 2}, "c": 3}}', {"a": {"b": {"c": 1}}}),
    (paths(**{"$.a": CLEAR, "$.a.b": EMAIL}), '{"a": {"b": "m@x.example"}}', {"a": {"b": "***@x.example"}}),
    (paths(**{"$.a": CLEAR, "$.a.b": EMAIL}), '{"a": "clear"}', {"a": "clear"}),
    (of('$."it\'s odd"'), '{"it\'s odd": true}', {"it's odd": True}),
    (of("$.größe"), '{"größe": 1.50}', {"größe": 1.5}),
    (of("$.a", Mask(MaskKind.GENERALIZE, (("bucket", 100),))), '{"a": 1234.5}', {"a": 1200}),
    (of("$.a", Mask(MaskKind.GENERALIZE, (("bucket", 100),))), '{"a": "1234"}', {"a": None}),
    (of("$.a", Mask(MaskKind.GENERALIZE, (("keep", 2),))), '{"a": "10115"}', {"a": "10"}),
    (of("$.a", Mask(MaskKind.TRUNCATE, (("length", 2),))), '{"a": 10115}', {"a": None}),
    (of("$.a", Mask(MaskKind.FIXED, (("value", "x"),))), '{"a": 10115}', {"a": "x"}),
    (of("$.a", Mask(MaskKind.FIXED, (("value", 7),))), '{"a": "z"}', {"a": 7}),
    (of("$.a", Mask(MaskKind.FIXED)), '{"a": {"b": 1}}', {"a": None}),
    (of("$.a", Mask(MaskKind.DETECT)), '{"a": "call +49 151 2345678"}', {"a": "call [phone]"}),
)
#: Only json holds these: the cast to jsonb would be an error, or would have to choose.
ONLY_JSON = (
    (CONTACTS, '{"name": "first", "name": "second"}', {"name": "second"}),
    (CONTACTS, '{"contacts": "secret", "contacts": []}', {"contacts": []}),
    (CONTACTS, r'{"name": "\u0000"}', None),
    (CONTACTS, r'{"name": "\ud83d"}', None),
    (CONTACTS, r'{"name": "\ude00\ud83d"}', None),
    (CONTACTS, r'{"name": "\ud83d\ud83d\ude00"}', None),
    (CONTACTS, r'{"name": "\\ud83d\ude00"}', None),
    (CONTACTS, r'{"name": "\\\ud83d\ude00"}', {"name": "\\😀"}),
    (CONTACTS, r'{"name": "\\u0000"}', {"name": r"\u0000"}),
    (CONTACTS, r'{"name": "\uD83D\uDE00 \u00e9"}', {"name": "😀 é"}),
    (CONTACTS, '{"x": 1e999999}', None),
    (CONTACTS, '{"x":\n-1.5E+0999999}', None),
    (CONTACTS, "[1e-999999]", None),
    (CONTACTS, '{"x": ' + "1" * 140_000 + "}", None),
    (CONTACTS, '{"x": 0.' + "1" * 20_000 + "}", None),
    (CONTACTS, '{"name": "3e12345678"}', {"name": "3e12345678"}),
    (CONTACTS, "[" * 9_000 + "]" * 9_000, None),
)


@pytest.fixture(scope="module", params=["postgres", "postgres_of_the_distribution"])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    postgres: Postgres = request.getfixturevalue(request.param)
    with psycopg.connect(postgres.dsn(), autocommit=True, options=f"-c {KEY}=a-key") as connection:
        yield connection


def shown(connection: psycopg.Connection, mask: Mask, kind: str, document: str | None) -> str | None:
    column = COLUMNS[kind]
    assert problem(mask, column) is None
    expression = mask_expression(mask, column, "doc", KEY)
    # As from a table: what is no constant is not worked out by the planner.
    query = f"SELECT {expression} FROM (SELECT $1::{kind} AS doc OFFSET 0) x"
    result = connection.pgconn.exec_params(query.encode(), [None if document is None else document.encode()])
    assert not result.error_message, result.error_message
    value = result.get_value(0, 0)
    return None if value is None else value.decode()


@pytest.mark.parametrize("kind", COLUMNS)
def test_each_document_comes_out_as_written(connection: psycopg.Connection, kind: str) -> None:
    for mask, document, expected in (*EXAMPLES, *(ONLY_JSON if kind == "json" else ())):
        found = shown(connection, mask, kind, document)
        assert found is not None
        assert json.loads(found) == expected, (mask, document[:200])


@pytest.mark.parametrize("kind", COLUMNS)
def test_no_document_is_no_document_unless_that_is_hidden(connection: psycopg.Connection, kind: str) -> None:
    assert shown(connection, CONTACTS, kind, None) is None
    hidden = Mask(MaskKind.JSONPATH, (), True, CONTACTS.paths)
    assert shown(connection, hidden, kind, None) == shown(connection, hidden, kind, "{}") == "{}"


def test_a_pseudonym_is_that_of_the_same_value_in_a_column(connection: psycopg.Connection) -> None:
    pseudonym = Mask(MaskKind.PSEUDONYM)
    text = mask_expression(pseudonym, Column("v", 1, 25, "text", type_category="S"), "v", KEY)
    number = mask_expression(pseudonym, Column("v", 1, 1700, "numeric", type_category="N"), "v", KEY)
    in_text = connection.execute(f"SELECT {text} FROM (SELECT 'mary'::text AS v) x").fetchone()[0]
    in_number = connection.execute(f"SELECT {number} FROM (SELECT 4711.0::numeric AS v) x").fetchone()[0]
    found = shown(connection, of("$.*", pseudonym), "jsonb", '{"a": "mary", "b": 4711, "c": true}')
    assert json.loads(found or "") == {"a": in_text, "b": in_number, "c": None}


def test_a_column_called_like_a_name_inside_the_mask_is_the_column(connection: psycopg.Connection) -> None:
    mask = paths(**{"$.a[*].b": Mask(MaskKind.DETECT)})
    for name in ("v", "k", "n", "start", "pgcurfew_json", "pgcurfew_text", "pgcurfew_item_1", "pgcurfew_key_1"):
        expression = mask_expression(mask, Column(name, 1, 3802, "jsonb"), f'"{name}"', KEY)
        query = (
            f"""SELECT {expression.replace("%", "%%")} FROM (SELECT '{{"a": [{{"b": "x"}}]}}'::jsonb AS "{name}") x"""
        )
        assert connection.execute(query).fetchone() == ({"a": [{"b": "x"}]},), name


KEYS = st.sampled_from(["name", "contacts", "email", "ssn", "a", "b", ""])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
#: Texts of json with what json.dumps would not write.
PIECES = st.lists(
    st.sampled_from(
        [
            '{"name":',
            '"',
            "\\",
            "\\u0000",
            "\\ud83d",
            "\\ude00",
            "u0041",
            "[",
            "]",
            "}",
            ",",
            ":",
            "1e9999",
            "-0.0",
            " ",
        ]
    ),
    max_size=14,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(document=DOCUMENTS)
def test_what_is_not_listed_never_comes_out(connection: psycopg.Connection, document: Any) -> None:
    """The same is worked out in Python, by the sentence in the docs."""

    def keep(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        kept: dict[str, Any] = {}
        if "name" in value:
            kept["name"] = None if isinstance(value["name"], dict | list) else value["name"]
        if "contacts" in value:
            inside = value["contacts"]
            kept["contacts"] = [one(item) for item in inside] if isinstance(inside, list) else None
        return kept

    def one(item: Any) -> Any:
        if not isinstance(item, dict):
            return None
        return (
            {"email": "x" if isinstance(item["email"], str | int | float | bool) else None} if "email" in item else {}
        )

    mask = paths(**{"$.name": CLEAR, "$.contacts[*].email": Mask(MaskKind.FIXED, (("value", "x"),))})
    text = json.dumps(document)
    if "\\u0000" in text or "\\ud" in text:
        return
    for kind in COLUMNS:
        found = shown(connection, mask, kind, text)
        assert found is not None
        # jsonb writes 1e16 as digits.
        assert json.loads(found, parse_int=float) == keep(json.loads(text, parse_int=float))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(pieces=PIECES)
@example(pieces=['{"name":', '"', "\\", "\\", "\\ud83d", "\\ude00", '"', "}"])
def test_no_json_is_an_error(connection: psycopg.Connection, pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        connection.execute("SELECT %s::json", (text,))
    except psycopg.Error:
        return
    shown(connection, CONTACTS, "json", text)


def test_where_the_database_has_not_all_characters_a_document_with_others_is_hidden(postgres: Postgres) -> None:
    locale = "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    postgres.run(f"CREATE DATABASE json_latin TEMPLATE template0 ENCODING 'LATIN1' {locale}")
    try:
        options = f"-c {KEY}=a-key -c client_encoding=UTF8"
        with psycopg.connect(postgres.dsn("json_latin"), autocommit=True, options=options) as connection:
            for document in (r'{"name": "\u20ac"}', r'{"name": "\ud83d\ude00"}', r'{"name": "\u0000"}'):
                assert shown(connection, CONTACTS, "json", document) == "null"
            for document in (r'{"name": "\u0041"}', r'{"name": "A"}'):
                assert shown(connection, CONTACTS, "json", document) == '{"name": "A"}'
    finally:
        postgres.run("DROP DATABASE json_latin WITH (FORCE)")
