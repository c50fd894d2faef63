"""Columns that may be looked up: the row is found by its raw value, and by nothing else than equality with a constant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import psycopg
import pytest

from masking.policy import Mask, MaskKind, RolePolicy
from masking.review import review
from masking.templates import shape_of, template_of
from masking.verdict import Rewritten
from tests.masking.attack.run import ask, cases, leaks
from tests.masking.attack.stage import CUSTOMER_MASKS, FOLDER, READER, WRITER, Stage, read_catalog, staged
from tests.support.postgres import Postgres

LOOKED_UP = ("email", "card", "dob", "salary", "level", "ip", "mood", "contact", "nick", "token", "tags", "settings")
MASKS = {
    **CUSTOMER_MASKS,
    **{column: replace(CUSTOMER_MASKS[column], lookup=True) for column in LOOKED_UP},
    "upper_email": Mask(MaskKind.NULL, lookup=True),
}
VIPS = {name: mask for name, mask in MASKS.items() if name != "upper_email"}


def looking(policy: RolePolicy, vips: Mapping[str, Mask]) -> RolePolicy:
    """The role with lookups on customers, and on vip_customers, which inherits from it, with these masks."""
    columns = {**policy.classification, "crm.customers": MASKS, "crm.vip_customers": vips}
    return replace(policy, classification=columns)


#: Nothing of vip_customers may be looked up: then nothing of customers can be, for a query on it reads both.
BY_PARENT_ONLY = looking(READER, CUSTOMER_MASKS)
LOOKER = looking(READER, VIPS)
LOOKING_WRITER = looking(WRITER, VIPS)

#: Columns whose values are looked up, and rows of twin a.
HONEST = [
    ("SELECT id, email FROM customers WHERE email = 'czqxalpha01@mail1.example'", ["email"], [1]),
    ("SELECT id FROM customers WHERE 'czqxalpha01@mail1.example' = email", ["email"], [1]),
    ("SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'::varchar", ["email"], [1]),
    ("SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example' AND city = 'Bonn'", ["email"], [1]),
    ("SELECT id FROM customers WHERE id > 0 AND (city = 'Bonn' AND email = 'czqxalpha01@mail1.example')", ["email"], [1]),
    ("SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example' AND city = 'Ulm'", ["email"], []),
    ("SELECT c.id FROM customers c WHERE c.email = 'czqxalpha02@mail2.example'", ["email"], [2]),
    ("SELECT id FROM customers WHERE crm.customers.email = 'czqxalpha02@mail2.example'", ["email"], [2]),
    ("SELECT id FROM customers WHERE customers.email OPERATOR(pg_catalog.=) 'czqxalpha02@mail2.example'", ["email"], [2]),
    ("SELECT a FROM customers c(a, b, e) WHERE e = 'czqxalpha02@mail2.example'", ["email"], [2]),
    ("SELECT id FROM customers WHERE email = 'czqxalpha11@mail2.example'", ["email"], [11]),
    ("SELECT id FROM ONLY customers WHERE email = 'czqxalpha11@mail2.example'", ["email"], []),
    ("SELECT id, lounge FROM vip_customers WHERE email = 'czqxalpha11@mail2.example'", ["email"], [11]),
    ("SELECT id FROM customers TABLESAMPLE system (100) WHERE email = 'czqxalpha02@mail2.example'", ["email"], [2]),
    ("SELECT o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.email = 'czqxalpha03@mail0.example'", ["email"], [3]),
    ("SELECT o.id FROM orders o, customers c WHERE o.customer_id = c.id AND c.email = 'czqxalpha03@mail0.example'", ["email"], [3]),
    ("SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.email = 'czqxalpha11@mail2.example'", ["email"], [11]),
    ("SELECT c.id FROM orders o RIGHT JOIN customers c ON o.customer_id = c.id WHERE c.email = 'czqxalpha11@mail2.example'", ["email"], [11]),
    ("SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email = 'czqxalpha03@mail0.example')", ["email"], [3]),
    ("SELECT id FROM orders o WHERE EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id AND email = 'czqxalpha03@mail0.example')", ["email"], [3]),
    ("WITH c AS (SELECT id FROM customers WHERE email = 'czqxalpha03@mail0.example') SELECT id FROM c", ["email"], [3]),
    ("SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example' UNION ALL SELECT id FROM customers WHERE email = 'czqxalpha02@mail2.example'", ["email", "email"], [1, 2]),
    ("SELECT c.id, c.email, city, count(*) FROM customers c WHERE email = 'czqxalpha01@mail1.example' GROUP BY c.id", ["email"], [1]),
    ("SELECT id, ctid IS NULL, c.* FROM customers c WHERE email = 'czqxalpha01@mail1.example'", ["email"], [1]),
    ("SELECT id FROM customers WHERE card = '4929551010001234'", ["card"], [1]),
    ("SELECT id FROM customers WHERE dob = DATE '1957-03-04'", ["dob"], [4]),
    ("SELECT id FROM customers WHERE salary = 918273.01", ["salary"], [1]),
    ("SELECT id FROM customers WHERE salary = 918273.011", ["salary"], []),
    ("SELECT id FROM customers WHERE level = 42 AND id < 5", ["level"], [1, 4]),
    ("SELECT id FROM customers WHERE ip = '10.7.74.3'", ["ip"], [3]),
    ("SELECT id FROM customers WHERE mood = 'cross' AND id = 5", ["mood"], [5]),
    ("SELECT id FROM customers WHERE contact = 'xylophone06@contact.example'", ["contact"], [6]),
    ("SELECT id FROM customers WHERE nick = 'nzqxalpha07'", ["nick"], [7]),
    ("SELECT id FROM customers WHERE token = '00000800-1111-2222-3333-444455556666'::uuid", ["token"], [8]),
    ("SELECT id FROM customers WHERE tags = '{zqxalpha,zqxalpha09}'", ["tags"], [9]),
    ("SELECT id FROM customers WHERE upper_email = 'CZQXALPHA09@MAIL0.EXAMPLE'", ["upper_email"], [9]),
]  # fmt: skip


@pytest.fixture(scope="module")
async def stage(postgres: Postgres) -> Iterator[Stage]:
    with staged(postgres) as dsn:
        yield Stage(await read_catalog(postgres), dsn)


@pytest.fixture(scope="module")
def connections(stage: Stage) -> Iterator[dict[str, psycopg.Connection]]:
    with stage.connect("a") as a, stage.connect("b") as b:
        yield {"a": a, "b": b}


def looked_up(sql: str, policy: RolePolicy, stage: Stage) -> list[str]:
    judged = review(sql, policy, stage.catalog)
    assert judged.refusal is None, judged.refusal
    found = []
    for verdict in judged.verdicts:
        assert verdict.statement is not None
        found += [column for touched in verdict.statement.touched for column in touched.lookups]
    return found


@pytest.mark.parametrize("policy", [BY_PARENT_ONLY, LOOKER, LOOKING_WRITER], ids=["parent", "looker", "writer"])
@pytest.mark.parametrize("sql", cases(FOLDER / "lookups.sql"))
def test_what_is_no_lookup_finds_nothing_raw(
    stage: Stage, connections: dict[str, psycopg.Connection], policy: RolePolicy, sql: str
) -> None:
    if "vip_customers" in sql and policy is not BY_PARENT_ONLY:
        pytest.skip("that is a lookup for this role")
    assert not leaks(stage, connections, policy, sql)


@pytest.mark.parametrize(("sql", "columns", "ids"), HONEST)
def test_a_row_is_found_by_its_raw_value(
    stage: Stage, connections: dict[str, psycopg.Connection], sql: str, columns: list[str], ids: list[int]
) -> None:
    assert looked_up(sql, LOOKER, stage) == columns
    judged = review(sql, LOOKER, stage.catalog)
    answer = ask(connections["a"], judged.text, binary=False)
    assert not answer.failures
    assert sorted(int(row.split(b"\t")[0]) for row in answer.rows) == ids
    assert not any(b"zqxalpha" in row for row in answer.rows)
    assert answer.shape[0][1:] == ask(connections["a"], sql, binary=False).shape[0][1:]


@pytest.mark.parametrize("sql", [sql for sql, _, _ in HONEST if "vip" not in sql and "upper" not in sql])
def test_a_column_of_a_child_that_may_not_be_looked_up_closes_that_of_its_parent(stage: Stage, sql: str) -> None:
    assert looked_up(sql, BY_PARENT_ONLY, stage) == []


def test_a_role_that_may_not_look_up_compares_with_the_mask(stage: Stage) -> None:
    assert [looked_up(sql, READER, stage) for sql, _, _ in HONEST] == [[]] * len(HONEST)


def test_a_parameter_has_the_type_that_it_has_directly(
    stage: Stage, connections: dict[str, psycopg.Connection]
) -> None:
    for column in LOOKED_UP:
        sql = f"SELECT id FROM customers WHERE {column} = $1"
        told = []
        for text in (sql, review(sql, LOOKER, stage.catalog).text):
            connections["a"].pgconn.prepare(b"typed", text.encode())
            described = connections["a"].pgconn.describe_prepared(b"typed")
            told.append(described.param_type(0))
            connections["a"].execute("DEALLOCATE typed")
        assert told[0] == told[1], column


def test_a_lookup_uses_the_index(stage: Stage, connections: dict[str, psycopg.Connection]) -> None:
    judged = review("SELECT id FROM ONLY customers WHERE email = 'czqxalpha01@mail1.example'", LOOKER, stage.catalog)
    connections["a"].execute("SET enable_seqscan = off")
    plan = connections["a"].execute(f"EXPLAIN {judged.text}").fetchall()
    connections["a"].execute("RESET enable_seqscan")
    assert any("Index" in line for [line] in plan)


def test_statements_that_differ_in_their_constants_share_a_template(
    stage: Stage, connections: dict[str, psycopg.Connection]
) -> None:
    sql = "SELECT id, email FROM customers WHERE email = '{}' AND id < {}"
    first = sql.format("nobody@x.example", 5)
    shape = shape_of(first)
    assert shape is not None
    template = template_of(shape, first, LOOKER, stage.catalog)
    assert template is not None
    second = sql.format("czqxalpha04@mail1.example", 7)
    again = shape_of(second)
    assert again is not None
    assert again.key == shape.key
    text = template.fill(again.constants)
    assert [row[0] for row in connections["a"].execute(text).fetchall()] == [4]
    assert isinstance(template.verdict, Rewritten)
    assert [touched.lookups for touched in template.verdict.statement.touched] == [("email",)]


def test_a_plan_of_a_lookup_has_no_estimates(stage: Stage, connections: dict[str, psycopg.Connection]) -> None:
    sql = "EXPLAIN (ANALYZE, VERBOSE, BUFFERS) SELECT id FROM customers WHERE email = 'czqxalpha01@mail1.example'"
    judged = review(sql, LOOKER, stage.catalog)
    plan = "\n".join(line for [line] in connections["a"].execute(judged.text).fetchall())
    assert "cost=" not in plan
    assert "Buffers" not in plan
    assert looked_up(sql, LOOKER, stage) == ["email"]


@pytest.mark.parametrize(
    "sql", ["SELECT id FROM customers WHERE email = $1", "SELECT 1 FROM customers WHERE ip = '::1'"]
)
def test_a_lookup_cannot_be_prepared_by_sql(stage: Stage, sql: str) -> None:
    """Its runs by EXECUTE and EXPLAIN EXECUTE would not be counted."""
    refusal = review(f"PREPARE p AS {sql}", LOOKER, stage.catalog).refusal
    assert refusal is not None
    assert refusal.rule == "lookup-prepared"
    assert review(f"PREPARE p AS {sql}", READER, stage.catalog).refusal is None


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("COPY (SELECT id FROM customers WHERE email = 'a@b') TO STDOUT", ["email"]),
        ("DECLARE c CURSOR FOR SELECT id FROM customers WHERE email = 'a@b'", ["email"]),
        ("SELECT 1 FROM customers WHERE email = $1 AND token = $2 AND token = $2", ["email", "token", "token"]),
    ],
)
def test_each_value_counts_wherever_it_stands(stage: Stage, sql: str, columns: list[str]) -> None:
    assert looked_up(sql, LOOKER, stage) == columns
