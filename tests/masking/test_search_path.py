"""search_path: what a session may wish for, and what it gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from masking.catalog import Catalog, Function, Relation
from masking.refusal import Forbidden
from masking.search_path import EMPTY, honoured, listed, schemas
from tests.masking.village import CATALOG

PINNED = ("public", "sales", "tools")
KNOWN = frozenset({*PINNED, "archive"})


def relation(oid: int, schema: str, name: str) -> Relation:
    return replace(next(iter(CATALOG.relations.values())), oid=oid, schema=schema, name=name)


def catalog(*names: tuple[str, str], functions: tuple[Function, ...] = ()) -> Catalog:
    """A target whose path is PINNED, with these relations and functions."""
    relations = {key: relation(20000 + number, *key) for number, key in enumerate(names)}
    return replace(
        CATALOG, search_path=PINNED, relations=relations, functions=functions, types=frozenset(), operators=()
    )


DISTINCT = catalog(("public", "users"), ("sales", "orders"), ("archive", "users"))

WISHES = [
    ("", "pg_catalog, pg_temp"),
    ('""', "pg_catalog, pg_temp"),
    ("pg_catalog", "pg_catalog, pg_temp"),
    ("pg_temp", "pg_catalog, pg_temp"),
    ('"pg_catalog", "pg_temp"', "pg_catalog, pg_temp"),
    ("public, sales, tools", "public, sales, tools, pg_temp"),
    ('"public",sales , tools,pg_temp', "public, sales, tools, pg_temp"),
    ("pg_temp, public", "public, pg_temp"),
    ("public", "public, pg_temp"),
    ("sales, public", "sales, public, pg_temp"),
    ("sales, sales, public", "sales, public, pg_temp"),
    ('"$user", public', "public, pg_temp"),
    ("$user,PUBLIC", "public, pg_temp"),
    ("public, pg_catalog", "public, pg_temp"),
    ("pg_catalog, public", "public, pg_temp"),
    ("public, nosuch", "public, pg_temp"),
    ("tools", "tools, pg_temp"),
    # Not on the target's path.
    ("public, archive", None),
    ("archive", None),
    ("public, information_schema", None),
    ("nosuch", None),
    ('"$user"', None),
    ('"Public"', None),
    ('"public, sales"', None),
    ("'public'", None),
    ("pg_toast", None),
    # No list.
    ("public,", None),
    (",public", None),
    ('"public', None),
    ("public sales", None),
]


@pytest.mark.parametrize(("wished", "got"), WISHES)
def test_a_session_gets_schemas_of_the_pinned_path_and_pg_temp_last(wished: str, got: str | None) -> None:
    if got is not None:
        assert honoured(schemas(wished), DISTINCT, KNOWN) == tuple(got.split(", "))
        return
    with pytest.raises(Forbidden) as caught:
        honoured(schemas(wished), DISTINCT, KNOWN)
    assert caught.value.hint is not None
    assert '"public", "sales", "tools"' in caught.value.hint


def test_a_hidden_schema_is_like_one_that_is_not_there() -> None:
    told = []
    for schema in ("vault", "nosuch"):
        assert honoured(["public", schema], DISTINCT, KNOWN) == ("public", "pg_temp")
        with pytest.raises(Forbidden) as caught:
            honoured([schema], DISTINCT, KNOWN)
        told.append((caught.value.message, caught.value.hint))
    assert told[0] == told[1]


def test_a_value_that_is_no_literal_is_no_path() -> None:
    for wished in ([None], ["public", None]):
        with pytest.raises(Forbidden):
            honoured(wished, DISTINCT, KNOWN)


@pytest.mark.parametrize(
    "twice",
    [
        catalog(("public", "users"), ("sales", "users")),
        catalog(functions=(Function("public", "f", 0, 0), Function("sales", "f", 1, 1))),
        replace(catalog(), types=frozenset({("sales", "mood"), ("public", "mood")})),
        replace(catalog(), collations=frozenset({("sales", "german"), ("public", "german")})),
    ],
    ids=["relation", "function", "type", "collation"],
)
def test_a_path_that_would_give_a_name_another_meaning_is_refused(twice: Catalog) -> None:
    for wished in ("sales", "sales, public", "tools, sales"):
        with pytest.raises(Forbidden) as caught:
            honoured(schemas(wished), twice, KNOWN)
        assert "another object" in caught.value.message
    for wished in ("public", "public, sales", "public, tools, sales", "tools, public", "tools"):
        assert honoured(schemas(wished), twice, KNOWN) == (*wished.split(", "), "pg_temp")
    assert honoured(schemas(""), twice, KNOWN) == EMPTY


def test_a_listed_path_is_quoted_and_reads_back_as_itself() -> None:
    assert listed(("public", 'a"b', "pg_temp")) == '"public", "a""b", "pg_temp"'
    for path in (PINNED, ('a"b', "c,d", "E f", "pg_temp")):
        assert schemas(listed(path)) == path
