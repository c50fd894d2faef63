"""Statements that differ only in constants share a judgement, and get the text their own judgement would print."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking.parse import parse, same
from masking.review import review
from masking.templates import normal_form, numbered, shape_of, template_of
from masking.verdict import Refused
from tests.masking.test_review_cases import CASES
from tests.masking.village import CATALOG, READER, WRITER

ROLES = {"reader": READER, "writer": WRITER}

OTHERS = {
    "ICONST": ("0", "7", "2147483647", "007"),
    "FCONST": ("0.5", "1e10", "99999999999999999999", "3."),
    "SCONST": ("''", "'x'", "'it''s'", "'$1'", "'-- no comment'", "'; DROP TABLE users'", "'a\\'", "'ä'"),
}


def with_other_constants(sql: str, chance: random.Random) -> str | None:
    """The same statement with other constants of the same kinds."""
    shape = shape_of(sql)
    if shape is None:
        return None
    parts = [piece if index % 2 == 0 else chance.choice(OTHERS[piece]) for index, piece in enumerate(shape.key)]
    return "".join(parts)


def test_strings_that_differ_in_constants_have_one_shape() -> None:
    one, other = shape_of("SELECT a FROM t WHERE b = 1 AND c = 'x'"), shape_of("SELECT a FROM t WHERE b = 2 AND c = ''")
    assert one is not None
    assert other is not None
    assert one.key == other.key
    assert one.constants == ("1", "'x'")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT 1", "SELECT '1'"),
        ("SELECT 1", "SELECT 1.0"),
        ("SELECT 1", "SELECT  1"),
        ("SELECT 1 AS a", "SELECT 1 AS b"),
        ("SELECT 1 /* 2 */", "SELECT 1 /* 3 */"),
        ("SELECT 1, 2", "SELECT 1"),
        ('SELECT 1 AS "2"', 'SELECT 1 AS "3"'),
    ],
)
def test_what_differs_in_more_has_another_shape(one: str, other: str) -> None:
    a, b = shape_of(one), shape_of(other)
    assert a is not None
    assert b is not None
    assert a.key != b.key


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t",
        "SELECT $1, 2",
        "SELECT E'x'",
        "SELECT U&'x'",
        "SELECT B'1'",
        "SELECT X'ff'",
        "SELECT 0x1F",
        "SELECT 1_000",
        "SELECT 0b1",
        "SELECT 1_0.5",
        "SELECT 'a'\n'b'",
        "SELECT $$x$$",
        "SELECT 'x",
    ],
)
def test_constants_that_versions_could_read_differently_have_no_shape(sql: str) -> None:
    assert shape_of(sql) is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM users ORDER BY 1",
        "SELECT name, count(*) FROM users GROUP BY 1",
        "SELECT DISTINCT ON (1) name FROM users",
        "SELECT * FROM (SELECT name FROM users ORDER BY 1) x",
        "SELECT name::varchar(3) FROM users",
        "SET statement_timeout = 5",
        "SELECT set_config('application_name', 'x', false)",
        "SELECT current_setting('server_version')",
        "SELECT 1; SELECT 2",
        "SELECT pg_read_file('x')",
        "DELETE FROM users WHERE id = 1",
    ],
)
def test_where_a_constant_matters_there_is_no_template(sql: str) -> None:
    shape = shape_of(sql)
    assert shape is None or template_of(shape, sql, READER, CATALOG) is None


def check(sql: str, role: str, chance: random.Random) -> bool:
    """Fill the template of `sql` with other constants; it must say what a judgement of its own says."""
    policy = ROLES[role]
    shape = shape_of(sql)
    template = None if shape is None else template_of(shape, sql, policy, CATALOG)
    if template is None:
        return False
    for _ in range(3):
        other = with_other_constants(sql, chance)
        assert other is not None
        [verdict] = review(other, policy, CATALOG).verdicts
        assert not isinstance(verdict, Refused), other
        constants = shape_of(other)
        assert constants is not None
        filled = template.fill(constants.constants)
        assert same(parse(filled).SerializeToString(), parse(verdict.text).SerializeToString()), other
        assert type(verdict) is type(template.verdict)
        assert verdict.statement.touched == template.verdict.statement.touched
    return True


def test_a_filled_template_is_what_the_judge_would_print() -> None:
    chance = random.Random(1)
    shared = sum(check(case.sql, case.role, chance) for case in CASES)
    assert shared >= 40


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["id = {i}", "name = {s}", "id - {i} > -{i}", "id = ANY('{{{i}}}')", "name LIKE {s}"])),
    st.integers(0, 10**6),
)
def test_any_condition_shares_its_judgement(conditions: list[str], seed: int) -> None:
    where = " AND ".join(["id > 0", *conditions]).replace("{i}", "5").replace("{s}", "'q'").replace("{{", "{")
    check(f"SELECT id, name FROM users u WHERE {where} LIMIT 10", "reader", random.Random(seed))


def test_minus_before_a_negative_place_is_no_comment() -> None:
    sql = "SELECT id - -5 FROM users"
    shape = shape_of(sql)
    assert shape is not None
    template = template_of(shape, sql, READER, CATALOG)
    assert template is not None
    assert "--" not in template.fill(("7",))


#: What can stand where a number stands, and around it.
NUMBERS = st.sampled_from(
    ["0", "7", "42", "007", "123456789", "1234567890", "1_0", "0x1F", "0o7", "1.5", "1e3", "5.", "x1"]
)
SIGNED = st.one_of(NUMBERS, NUMBERS.map("-{}".format), NUMBERS.map("'{}'".format), NUMBERS.map("{} /* 3 */".format))
PATTERNS = [
    "SELECT id FROM users WHERE id = {}",
    "SELECT id FROM users WHERE id ={}AND id<{};",
    "SELECT id, {} FROM users ORDER BY {}",
    "SELECT id FROM users WHERE id IN ({},{}, {}) LIMIT {}",
    "SELECT '{}', {} -- {}",
    'SELECT {} AS "{}"',
    "SELECT {}::numeric({}, 2)",
]


@given(st.sampled_from(PATTERNS), st.lists(SIGNED, min_size=8, max_size=8))
def test_the_quick_way_finds_the_shape_that_the_scanner_finds(pattern: str, values: list[str]) -> None:
    """A text whose normal form is that of a shape of whole numbers is of that shape, or is left to the scanner."""
    places = pattern.count("{}")
    first = pattern.format(*["5"] * places)
    shape, normal = shape_of(first), normal_form(first)
    quick = numbered(shape, normal) if shape is not None and normal is not None else None
    other = pattern.format(*values[:places])
    if quick is None or normal_form(other) != normal:
        return
    constants, found = quick.constants(other), shape_of(other)
    if constants is not None:
        assert shape is not None
        assert found is not None
        assert (found.key, found.constants) == (shape.key, constants)


def test_the_quick_way_is_taken_for_whole_numbers_only() -> None:
    sql = "SELECT id FROM users WHERE id = 5 AND age < 7"
    shape, normal = shape_of(sql), normal_form(sql)
    assert shape is not None
    assert normal is not None
    quick = numbered(shape, normal)
    assert quick is not None
    assert quick.constants("SELECT id FROM users WHERE id = 12 AND age < 0") == ("12", "0")
    for other in ("'x'", "1.5", "1_000", "0x1F", "-3", "12345678901", "$1", ""):
        assert quick.constants(f"SELECT id FROM users WHERE id = {other} AND age < 0") is None
    for text in ("SELECT 'a' FROM users WHERE id = 5", "SELECT 1.5"):
        shape, normal = shape_of(text), normal_form(text)
        assert shape is not None
        assert normal is not None
        assert numbered(shape, normal) is None
    assert normal_form("SELECT $1, 5") is None
    assert normal_form("SELECT '$1', 5") is None
