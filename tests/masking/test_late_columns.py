"""A column that is younger than the snapshot: never shown, unless the policy says that every column is clear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from masking.origins import clear_origins
from masking.policy import CLEAR, RelationRule
from masking.review import review
from masking.verdict import Passed
from tests.masking.village import CATALOG, CLASSIFICATION, WRITER

#: All that is known of vals is clear, but nobody said so of what is not known.
ONE_BY_ONE = replace(
    WRITER,
    classification=CLASSIFICATION | {"public.vals": {"id": CLEAR, "v": CLEAR}},
    relations={**WRITER.relations, "public.vals": RelationRule(frozenset({"*"}), frozenset({"*"}))},
)


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT * FROM vals", "SELECT * FROM (SELECT id, v FROM public.vals) vals"),
        (
            # Until the snapshot knows of a late column, the cast has a column too few and fails.
            "SELECT to_json(x) FROM vals x",
            "SELECT pg_catalog.to_json(CASE WHEN true THEN x::public.vals END) AS to_json "
            "FROM (SELECT id, v FROM public.vals) x",
        ),
        ("SELECT x.late FROM vals x", "SELECT x.late FROM (SELECT id, v FROM public.vals) x"),
        ("COPY vals TO STDOUT", "COPY (SELECT id, v FROM (SELECT id, v FROM ONLY public.vals) vals) TO STDOUT"),
        (
            "DELETE FROM vals WHERE id = 1 RETURNING *",
            "DELETE FROM public.vals WHERE id = 1 RETURNING vals.id, vals.v",
        ),
        (
            "UPDATE vals SET v = (SELECT v AS k FROM orders GROUP BY k ORDER BY k) WHERE id = 1",
            "UPDATE public.vals SET v = (SELECT v AS k FROM public.orders GROUP BY k ORDER BY k) WHERE id = 1",
        ),
    ],
)
def test_known_columns_are_listed(sql: str, sent: str) -> None:
    (verdict,) = review(sql, ONE_BY_ONE, CATALOG).verdicts
    assert isinstance(verdict, Passed), verdict
    assert verdict.text == sent


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("DELETE FROM vals WHERE late = 'x'", "42703"),
        ("DELETE FROM vals WHERE vals.late = 'x'", "42501"),
        ("DELETE FROM vals WHERE id = 1 RETURNING late", "42703"),
        ("DELETE FROM vals WHERE id = 1 RETURNING id AS late, late", "42703"),
        ("DELETE FROM vals WHERE id = 1 RETURNING vals", "42501"),
        ("DELETE FROM vals WHERE id = 1 RETURNING to_json(vals.*)", "42501"),
        ("UPDATE vals SET v = late WHERE id = 1", "42703"),
    ],
)
def test_a_write_cannot_reach_a_column_nobody_knows(sql: str, sqlstate: str) -> None:
    refusal = review(sql, ONE_BY_ONE, CATALOG).refusal
    assert refusal is not None
    assert refusal.sqlstate == sqlstate


def test_the_second_lock_lets_no_late_column_and_no_whole_row_pass() -> None:
    assert not clear_origins(ONE_BY_ONE, CATALOG)[5] & {0, 3}


def test_a_relation_whose_every_column_is_clear_stays_as_it_is() -> None:
    assert review("SELECT * FROM orders", WRITER, CATALOG).text == "SELECT * FROM public.orders"
