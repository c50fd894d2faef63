"""What a role sees: privacy by default, and masks that close over inheritance both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from masking.catalog import Relation
from masking.policy import CLEAR, UNCLASSIFIED, Mask, MaskKind, RelationRule, RolePolicy
from masking.sight import Seen, sight_of
from tests.masking.village import CATALOG, READER

ALL = RelationRule(read=frozenset({"*"}))


def _seen(relation: str, **changes: object) -> Seen | None:
    policy: RolePolicy = replace(READER, **changes)  # type: ignore[arg-type]
    schema, name = relation.split(".")
    return sight_of(policy, CATALOG).find(schema, name)


def _masked(relation: str, **changes: object) -> set[str]:
    seen = _seen(relation, **changes)
    assert seen is not None
    return set(seen.masks)


def _classified(entries: Mapping[str, Mapping[str, Mask]]) -> dict[str, object]:
    return {"classification": entries}


def test_a_relation_that_nobody_listed_is_out_of_sight() -> None:
    assert _seen("public.hidden") is None
    assert _seen("pg_catalog.pg_authid") is None
    assert _seen("public.absent") is None


def test_a_column_that_nobody_classified_is_masked() -> None:
    assert _masked("public.users", **_classified({})) == {"id", "name", "email", "salary", "doc"}


def test_a_column_that_the_role_may_not_read_is_masked() -> None:
    rules = dict(READER.relations) | {"public.orders": RelationRule(read=frozenset({"id", "note"}))}
    assert _masked("public.orders", relations=rules) == {"user_id", "total"}


def test_a_role_may_be_shown_a_column() -> None:
    assert "email" not in _masked("public.users", reveal=frozenset({"public.users.email"}))


@pytest.mark.parametrize(
    ("base", "child", "expected"),
    [
        ({"*": CLEAR}, {"*": CLEAR}, (set(), set())),
        ({"*": CLEAR}, {"*": CLEAR, "pin": UNCLASSIFIED}, ({"pin"}, {"pin"})),
        ({"*": CLEAR, "pin": UNCLASSIFIED}, {"*": CLEAR}, ({"pin"}, {"pin"})),
        # A child that nobody classified follows its parent, but for columns of its own.
        ({"*": CLEAR}, {}, (set(), {"extra"})),
        ({"id": CLEAR}, {}, ({"pin"}, {"pin", "extra"})),
    ],
)
def test_masks_close_over_inheritance_both_ways(
    base: dict[str, Mask], child: dict[str, Mask], expected: tuple[set[str], set[str]]
) -> None:
    changes = _classified({"public.base": base, "public.child": child})
    assert (_masked("public.base", **changes), _masked("public.child", **changes)) == expected


def test_a_child_out_of_sight_follows_its_parent_unless_it_is_classified() -> None:
    clear = {"public.pay": {"*": CLEAR}}
    assert _masked("public.pay", **_classified(clear)) == set()
    assert _masked("public.pay", **_classified(clear | {"public.pay_1": {"card": UNCLASSIFIED}})) == {"card"}
    assert _seen("public.pay_1") is None


def test_a_mask_that_cannot_apply_to_the_type_hides_all() -> None:
    card = Mask(MaskKind.PARTIAL, (("style", "card"),))
    seen = _seen("public.orders", **_classified({"public.orders": {"*": CLEAR, "total": card}}))
    assert seen is not None
    assert seen.masks == {"total": UNCLASSIFIED}


def test_a_subselect_lists_every_column_in_its_order() -> None:
    seen = _seen("public.users")
    assert seen is not None
    assert seen.subselect_text == (
        "(SELECT id, name, NULL::pg_catalog.text AS email, NULL::int AS salary, doc FROM public.users)"
    )


def test_odd_names_are_quoted() -> None:
    odd = Relation(
        77,
        "Odd",
        'a"b',
        "r",
        tuple(replace(c, name=f'{c.name} "x') for c in CATALOG.relations["public", "vals"].columns),
    )
    policy = replace(READER, relations={odd.qualified: ALL}, classification={})
    seen = sight_of(policy, replace(CATALOG, relations={("Odd", 'a"b'): odd})).find("Odd", 'a"b')
    assert seen is not None
    assert seen.subselect_text == ('(SELECT NULL::int AS "id ""x", NULL::pg_catalog.text AS "v ""x" FROM "Odd"."a""b")')
