"""The policy compiled, and checked beside a real database: every mistake with the line of the file it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import ConfigError, load_policy, parse_policy
from gateway.access.extent import ColumnShown, Extent, RelationShown
from gateway.access.models import RoleTerms
from gateway.policies import Policies, check_against, check_targets, compile_policies, coverage
from gateway.session.catalog import load_catalog
from masking.catalog import Catalog
from masking.policy import CLEAR, UNCLASSIFIED, Mask, MaskKind, RelationRule, StatementKind
from tests.support.postgres import SampleDatabase

ROOT = Path(__file__).parents[2]

GOOD = """\
[roles.support]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
approvals = 2
max_duration = "2h"
sessions = 3
reason = { min_length = 12, pattern = "OPS-[0-9]+" }
statements = ["read", "update"]
reveal = ["public.customers.phone"]
functions = []

[roles.support.relations]
"public.customers" = "read"
"sales.orders" = { read = "*", write = ["status"] }
"public.staff" = { read = ["id", "full_name"] }

[classification."public.customers"]
id = "clear"
email = { mask = "partial", style = "email" }
phone = { mask = "fixed", hide_null = true }

[classification."sales.orders"]
"*" = "clear"
ship_to = "null"
"""


def compiled(text: str) -> Policies:
    return compile_policies(parse_policy(text.encode(), "policy.toml"))


@pytest.fixture(scope="module")
async def catalog(sample_database: SampleDatabase) -> Catalog:
    connection = await sample_database.connect()
    try:
        return await load_catalog(connection, ("public", "sales"))
    finally:
        await connection.close()


def test_a_role_is_compiled_for_the_judge() -> None:
    policies = compiled(GOOD)
    role = policies.role("support")
    assert role is not None
    assert role.version == policies.version == policies.file.version
    assert role.statements == {
        StatementKind.SELECT,
        StatementKind.COPY_TO,
        StatementKind.EXPLAIN,
        StatementKind.UPDATE,
    }
    assert role.relations["sales.orders"] == RelationRule(frozenset({"*"}), frozenset({"status"}))
    assert role.mask_of("public.customers", "id") == CLEAR
    assert role.mask_of("public.customers", "email") == Mask(MaskKind.PARTIAL, (("style", "email"),))
    assert role.mask_of("public.customers", "phone") == CLEAR  # revealed
    assert role.mask_of("public.customers", "street") == UNCLASSIFIED
    assert role.mask_of("public.staff", "salary") == UNCLASSIFIED
    assert role.mask_of("sales.orders", "total") == CLEAR
    assert role.mask_of("sales.orders", "ship_to") == Mask(MaskKind.NULL)
    assert role.mask_of("sales.payments", "amount") == UNCLASSIFIED
    assert role.require_where
    assert not role.may_probe_constraints
    assert role.definitions == "no-literals"


def test_a_role_is_compiled_for_those_who_ask_and_approve() -> None:
    assert compiled(GOOD).terms("support") == RoleTerms(
        role="support",
        targets=frozenset({"shop"}),
        max_seconds=7200,
        approver_groups=frozenset({"leads"}),
        requester_groups=frozenset({"support"}),
        approvals=2,
        sessions=3,
        reason_min_length=12,
        reason_pattern="OPS-[0-9]+",
        statements=("read", "update"),
        shown=(
            RelationShown(
                "public.customers",
                (
                    ColumnShown("id", "clear"),
                    ColumnShown("email", "partial"),
                    ColumnShown("phone", "clear"),
                    ColumnShown("*", "unclassified"),
                ),
            ),
            RelationShown(
                "public.staff", (ColumnShown("id", "unclassified"), ColumnShown("full_name", "unclassified"))
            ),
            RelationShown("sales.orders", (ColumnShown("ship_to", "null"), ColumnShown("*", "clear")), ("status",)),
        ),
    )


def test_a_part_of_a_role_reads_and_writes_nothing_else() -> None:
    policies = compiled(GOOD)
    part = Extent.of({"public.customers": ["email"], "sales.orders": ["id", "status"]})
    role = policies.role("support", part)
    assert role is not None
    assert set(role.relations) == {"public.customers", "sales.orders"}
    assert role.mask_of("public.customers", "email").kind is MaskKind.PARTIAL
    assert role.mask_of("public.customers", "phone") == UNCLASSIFIED
    assert role.relations["sales.orders"].may_write("status")
    assert not role.relations["sales.orders"].may_read("ship_to")
    assert role != policies.role("support")
    assert policies.role("support", Extent.of({"public.staff": []})) != role


def test_everybody_is_no_group() -> None:
    terms = compiled(GOOD.replace('requesters = ["support"]', 'requesters = ["*"]')).terms("support")
    assert terms is not None
    assert terms.requester_groups == frozenset()


def test_an_unknown_role_is_none() -> None:
    policies = compiled(GOOD)
    assert policies.roles == ("support",)
    assert policies.role("Support") is None
    assert policies.terms("root") is None


#: A replacement in GOOD, a part of the line it is reported on, its path, a part of what is said.
CONTRADICTIONS = [
    (
        '["read", "update"]',
        '["read"]',
        "sales.orders",
        'roles.support.relations."sales.orders"',
        "no kind of statement",
    ),
    ('write = ["status"]', "write = []", "statements", "roles.support.statements", "allows update, but no relation"),
    ('["leads"]', '["leads", "*"]', "approvers", "roles.support.approvers[1]", "name the approvers"),
    ('targets = ["shop"]', 'targets = ["*"]', "targets", "roles.support.targets[0]", "name the targets"),
    ('["support"]', '["support", "*"]', "requesters", "roles.support.requesters", "is everybody"),
    ('"public.staff"', '"pg_catalog.pg_authid"', "pg_authid", "roles.support.relations.", "the same for every role"),
    ('style = "email"', 'style = "mail"', "email", 'classification."public.customers".email', "style must be"),
    ('style = "email"', "keep_frist = 1", "email", 'classification."public.customers".email', "no option keep_frist"),
    (
        'email = { mask = "partial", style = "email" }',
        'x = "truncate"',
        "x =",
        "classification.",
        "needs option length",
    ),
    (
        'email = { mask = "partial", style = "email" }',
        'x = { mask = "jsonpath" }',
        "x =",
        "class",
        "needs paths",
    ),
    (
        'email = { mask = "partial", style = "email" }',
        'x = { mask = "jsonpath", paths = { "a.b" = "clear" } }',
        "x =",
        "class",
        "'a.b' is no path",
    ),
    (
        'email = { mask = "partial", style = "email" }',
        'x = { mask = "generalize", unit = "fortnight" }',
        "x =",
        "class",
        "option unit must",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "said"), CONTRADICTIONS)
def test_a_policy_that_contradicts_itself_is_not_compiled(old: str, new: str, line: str, path: str, said: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    with pytest.raises(ConfigError) as caught:
        compiled(text)
    (found,) = caught.value.problems
    assert found.path.startswith(path)
    assert said in found.message
    assert line in text.splitlines()[found.line - 1]


def test_targets_must_be_in_the_settings() -> None:
    assert check_targets(compiled(GOOD), {"shop"}) == ()
    (found,) = check_targets(compiled(GOOD), {"shopp", "bench"})
    assert (
        str(found) == 'policy.toml:2: roles.support.targets[0]: no target "shop" in the settings; did you mean "shopp"?'
    )


def test_a_good_policy_is_right_beside_its_database(catalog: Catalog) -> None:
    assert check_against(compiled(GOOD), catalog, "shop") == ()


#: A replacement in GOOD, a part of the line it is reported on, its path, a part of what is said.
MISTAKES = [
    (
        '"public.staff" =',
        '"public.stafff" =',
        "stafff",
        'roles.support.relations."public.stafff"',
        'no relation "public.stafff"; did you mean "public.staff"?',
    ),
    (
        '"public.staff" =',
        '"sales.staff" =',
        "sales.staff",
        'roles.support.relations."sales.staff"',
        'no relation "sales.staff"; did you mean "public.staff"?',
    ),
    (
        '"full_name"]',
        '"fullname"]',
        "staff",
        'roles.support.relations."public.staff".read[1]',
        'public.staff has no column "fullname"; did you mean "full_name"?',
    ),
    (
        'write = ["status"]',
        'write = ["state"]',
        "orders",
        'roles.support.relations."sales.orders".write[0]',
        'sales.orders has no column "state"; did you mean "status"?',
    ),
    (
        "customers.phone",
        "customers.fone",
        "reveal",
        "roles.support.reveal[0]",
        'public.customers has no column "fone"; did you mean "phone"?',
    ),
    (
        "public.customers.phone",
        "public.staff.salary",
        "reveal",
        "roles.support.reveal[0]",
        "public.staff does not let this role read salary at all",
    ),
    (
        "functions = []",
        'functions = ["public.nothing_like_it"]',
        "functions",
        "roles.support.functions[0]",
        'no function "public.nothing_like_it"',
    ),
    (
        'id = "clear"',
        'idd = "clear"',
        "idd",
        'classification."public.customers".idd',
        'public.customers has no column "idd"; did you mean "id"?',
    ),
    (
        'id = "clear"',
        'id = { mask = "partial", keep_first = 1 }',
        "id =",
        'classification."public.customers".id',
        "needs a text type, not bigint",
    ),
    (
        'id = "clear"',
        'segment = { mask = "fixed", value = "nobody" }',
        "segment",
        'classification."public.customers".segment',
        "'nobody' is no label of public.customer_segment",
    ),
    (
        '"*" = "clear"',
        '"*" = { mask = "truncate", length = 1 }',
        '"*" =',
        'classification."sales.orders"."*"',
        "mask truncate does not fit id, customer_id, status, total, items, placed_at; name what is to be shown there",
    ),
    (
        '[classification."sales.orders"]',
        '[classification."sales.nothing"]\nid = "clear"\n[classification."sales.orders"]',
        "sales.nothing",
        'classification."sales.nothing"',
        'no relation "sales.nothing"',
    ),
    (
        'id = "clear"',
        'id = "detect"',
        "id =",
        'classification."public.customers".id',
        "needs a text type, not bigint",
    ),
    (
        'id = "clear"',
        'full_name = { mask = "jsonpath", paths = { "$.a" = "clear" } }',
        "full_name =",
        'classification."public.customers".full_name',
        "needs json or jsonb, not text",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "said"), MISTAKES)
def test_a_mistake_is_reported_with_its_line(
    catalog: Catalog, old: str, new: str, line: str, path: str, said: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    (found,) = check_against(compiled(text), catalog, "shop")
    assert (found.path, found.message) == (path, said)
    assert line in text.splitlines()[found.line - 1]


def test_a_column_that_cannot_be_looked_up_is_a_mistake(catalog: Catalog) -> None:
    lookup = '[classification."public.support_tickets"]\ntags = { mask = "null", lookup = true }\n'
    (found,) = check_against(compiled(GOOD + lookup), catalog, "shop")
    assert found.path == 'classification."public.support_tickets".tags'
    assert "lookup needs a type of single values" in found.message
    fine = GOOD.replace('style = "email" }', 'style = "email", lookup = true }')
    assert check_against(compiled(fine), catalog, "shop") == ()
    policy = compiled(fine).role("support")
    assert policy is not None
    assert policy.mask_of("public.customers", "email").lookup
    assert policy.limits.lookups == 100


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(catalog: Catalog) -> None:
    text = GOOD
    for old, new, *_ in (MISTAKES[0], MISTAKES[3], MISTAKES[4], MISTAKES[7], MISTAKES[10]):
        text = text.replace(old, new, 1)
    found = check_against(compiled(text), catalog, "shop")
    assert len(found) == 5
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_another_targets_roles_are_not_held_against_this_database(catalog: Catalog) -> None:
    other = """
[roles.other]
targets = ["crm"]
requesters = ["*"]
approvers = ["leads"]
max_duration = "1h"
statements = ["select"]
relations = { "public.leads" = "read" }

[classification."public.leads"]
id = "clear"
"""
    policies = compiled(GOOD + other)
    assert check_against(policies, catalog, "shop") == ()
    (found,) = check_against(policies, catalog, "crm")
    assert found.path == 'roles.other.relations."public.leads"'


def test_a_name_with_a_dot_in_it_is_found() -> None:
    from masking.catalog import Column, Relation

    odd = Relation(1, "a.b", "c.d", "r", (Column("x.y", 1, 25, "text", type_category="S"),))
    catalog = Catalog("v", 170000, ("public",), {("a.b", "c.d"): odd}, (), ())
    text = (
        GOOD[: GOOD.index("[roles.support.rel")]
        .replace('"public.customers.phone"', "'\"a.b\".c.d.x.y'")
        .replace('["read", "update"]', '["read"]')
    )
    policies = compiled(f'{text}[roles.support.relations]\n\'"a.b".c.d\' = "read"\n')
    assert check_against(policies, catalog, "shop") == ()
    # As the judge reads it, this is relation "b.c.d" of schema a, which is not there.
    other = compiled(
        f'{text}[roles.support.relations]\n"a.b.c.d" = "read"\n'.replace("'\"a.b\".c.d.x.y'", '"a.b.c.d.x.y"')
    )
    (problem,) = check_against(other, catalog, "shop")
    assert 'no relation "a.b.c.d"' in problem.message


def test_columns_are_counted_by_how_they_are_classified(catalog: Catalog) -> None:
    found = {relation.relation: relation for relation in coverage(compiled(GOOD), catalog, "shop")}
    assert set(found) == {"public.customers", "sales.orders", "public.staff"}
    assert found["public.customers"].clear == ("id",)
    assert found["public.customers"].masked == ("email", "phone")
    assert "card_number" in found["public.customers"].unclassified
    assert found["sales.orders"].unclassified == ()
    assert found["public.staff"].unclassified == ("id", "full_name")  # the others nobody reads
    assert found["public.staff"].clear == found["public.staff"].masked == ()
    assert coverage(compiled(GOOD), catalog, "bench") == ()


def test_the_demos_policy_and_the_examples_are_right(catalog: Catalog) -> None:
    demo = compile_policies(load_policy(ROOT / "gateway/demo/templates/policy.toml"))
    assert check_against(demo, catalog, "shop") == ()
    assert compile_policies(load_policy(ROOT / "docs/examples/policy.toml")).roles == ("support", "repair")
