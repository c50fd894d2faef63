"""search_path: what a session may wish for, and what it gets."""

from __future__ import annotations

import pytest

from masking.search_path import honoured, listed, schemas

PINNED = ("public", "sales")

WISHES = [
    ("", "pg_catalog, pg_temp"),
    ('""', "pg_catalog, pg_temp"),
    ("pg_catalog", "pg_catalog, pg_temp"),
    ("pg_temp", "pg_catalog, pg_temp"),
    ("public, sales", "public, sales, pg_temp"),
    ('"public",sales , pg_temp', "public, sales, pg_temp"),
    ("pg_temp, public, sales", "public, sales, pg_temp"),
    ("public", None),
    ("sales, public", None),
    ("public, sales, vault", None),
    ('"$user", public', None),
    ("vault", None),
    ("Public, sales", None),
    ('"public, sales"', None),
    ("'public', sales", None),
    ("public, pg_catalog, sales", None),
    ("pg_toast", None),
]


@pytest.mark.parametrize(("wished", "got"), WISHES)
def test_a_session_gets_the_pinned_path_or_less_and_pg_temp_last(wished: str, got: str | None) -> None:
    path = honoured(schemas(wished), PINNED)
    assert path == (None if got is None else tuple(got.split(", ")))


def test_a_value_that_is_no_literal_is_no_path() -> None:
    assert honoured([None], PINNED) is None


def test_a_listed_path_is_quoted() -> None:
    assert listed(("public", 'a"b', "pg_temp")) == '"public", "a""b", "pg_temp"'
    assert schemas(listed(PINNED)) == PINNED
