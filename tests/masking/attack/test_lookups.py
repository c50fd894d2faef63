"""Columns that may be looked up: a row is found by its raw value, and by nothing else than `=` and a constant."""

from __future__ import annotations

import re
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

LOOKED_UP = ("email", "card", "dob", "salary", "level", "ip", "mood", "contact", "nick", "token", "settings")
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

#: The columns that are looked up; the rows of twin a; the statement, in which @07 is customer 7's address.
HONEST_TEXT = """
email | 1 | SELECT id, email FROM customers WHERE email = @01
email | 1 | SELECT id FROM customers WHERE @01 = email
email | 1 | SELECT id FROM customers WHERE email = @01::varchar
email | 1 | SELECT id FROM customers WHERE email = @01 AND city = 'Bonn'
email | 1 | SELECT id FROM customers WHERE id > 0 AND (city = 'Bonn' AND email = @01)
email |  | SELECT id FROM customers WHERE email = @01 AND city = 'Ulm'
email | 2 | SELECT c.id FROM customers c WHERE c.email = @02
email | 2 | SELECT id FROM customers WHERE crm.customers.email = @02
email | 2 | SELECT id FROM customers WHERE customers.email OPERATOR(pg_catalog.=) @02
email | 2 | SELECT a FROM customers c(a, b, e) WHERE e = @02
email | 11 | SELECT id FROM customers WHERE email = @11
email |  | SELECT id FROM ONLY customers WHERE email = @11
email | 11 | SELECT id, lounge FROM vip_customers WHERE email = @11
email | 2 | SELECT id FROM customers TABLESAMPLE system (100) WHERE email = @02
email | 3 | SELECT o.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.email = @03
email | 3 | SELECT o.id FROM orders o, customers c WHERE o.customer_id = c.id AND c.email = @03
email | 11 | SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.email = @11
email | 11 | SELECT c.id FROM orders o RIGHT JOIN customers c ON o.customer_id = c.id WHERE c.email = @11
email | 3 | SELECT id FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email = @03)
email | 3 | SELECT id FROM orders o WHERE EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id AND email = @03)
email | 3 | WITH c AS (SELECT id FROM customers WHERE email = @03) SELECT id FROM c
email email | 1 2 | SELECT id FROM customers WHERE email = @01 UNION ALL SELECT id FROM customers WHERE email = @02
email | 1 | SELECT c.id, c.email, city, count(*) FROM customers c WHERE email = @01 GROUP BY c.id
email | 1 | SELECT id, ctid IS NULL, c.* FROM customers c WHERE email = @01
card | 1 | SELECT id FROM customers WHERE card = '4929551010001234'
dob | 4 | SELECT id FROM customers WHERE dob = DATE '1957-03-04'
salary | 1 | SELECT id FROM customers WHERE salary = 918273.01
salary |  | SELECT id FROM customers WHERE salary = 918273.011
level | 1 4 | SELECT id FROM customers WHERE level = 42 AND id < 5
ip | 3 | SELECT id FROM customers WHERE ip = '10.7.74.3'
mood | 5 | SELECT id FROM customers WHERE mood = 'cross' AND id = 5
contact | 6 | SELECT id FROM customers WHERE contact = 'xylophone06@contact.example'
nick | 7 | SELECT id FROM customers WHERE nick = 'nzqxalpha07'
token | 8 | SELECT id FROM customers WHERE token = '00000800-1111-2222-3333-444455556666'::uuid
upper_email | 9 | SELECT id FROM customers WHERE upper_email = 'CZQXALPHA09@MAIL0.EXAMPLE'
"""


def _honest(line: str) -> tuple[str, list[str], list[int]]:
    columns, ids, sql = line.split(" | ")
    sql = re.sub(r"@(\d\d)", lambda at: f"'czqxalpha{at[1]}@mail{int(at[1]) % 3}.example'", sql)
    return sql, columns.split(), [int(number) for number in ids.split()]


HONEST = [_honest(line) for line in HONEST_TEXT.strip().splitlines()]


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


TEXT_AS_NUMBER = """
CREATE CAST (text AS integer) WITH INOUT AS IMPLICIT; CREATE CAST (varchar AS integer) WITH INOUT AS IMPLICIT;
CREATE CAST (character AS integer) WITH INOUT AS IMPLICIT
"""


@pytest.mark.parametrize("given", ["$1", "5", "$1::int", "-5", "true", "5::varchar::int", "B'1'", "'5'::int"])
@pytest.mark.parametrize("column", ["email", "card", "contact"])
def test_no_cast_that_needs_no_syntax_quotes_a_value_in_its_error(
    postgres: Postgres, stage: Stage, column: str, given: str
) -> None:
    judged = review(f"SELECT id FROM customers WHERE {column} = {given}", LOOKER, stage.catalog)
    assert judged.refusal is None
    with psycopg.connect(postgres.dsn("attack_a"), options="-c search_path=crm,public") as owner:
        owner.execute(TEXT_AS_NUMBER)
        owner.execute("SELECT set_config('pgcurfew.mask_key', 'a-key', true)")
        types, values = ([23], [b"5"]) if "$1" in given else (None, None)
        result = owner.pgconn.exec_params(judged.text.encode(), values, param_types=types)
        assert b"zqxalpha" not in result.error_message
        assert b"4929551" not in result.error_message
        assert b"xylophone" not in result.error_message
        owner.rollback()


@pytest.mark.parametrize("column", ["tags", "home", "profile"])
def test_a_type_that_cannot_be_looked_up_is_compared_by_its_mask(stage: Stage, column: str) -> None:
    masks = {**MASKS, column: Mask(MaskKind.NULL, lookup=True)}
    columns = {**LOOKER.classification, "crm.customers": masks, "crm.vip_customers": masks}
    policy = replace(LOOKER, classification=columns)
    assert looked_up(f"SELECT id FROM customers WHERE {column} = $1", policy, stage) == []


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
