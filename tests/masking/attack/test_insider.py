"""Ways that were found by looking at the engine's code: writes whose outcome answers a question, names that another
server version reads differently, masks that a setting could refine. Judged, and run where they pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import asyncpg
import psycopg
import pytest

from gateway.session.catalog import load_catalog
from masking.catalog import Catalog
from masking.policy import CLEAR, Mask, MaskKind, RelationRule, RolePolicy, StatementKind
from masking.review import review
from masking.templates import shape_of, template_of
from tests.support.postgres import Login, Postgres

SCHEMA = """
CREATE SCHEMA desk;
CREATE TABLE desk.hidden (word text PRIMARY KEY, code text UNIQUE, number int UNIQUE);
CREATE TABLE desk.people (
    id int PRIMARY KEY,
    email text UNIQUE,
    credit int DEFAULT 0,
    rate float8,
    city text,
    segment text,
    note text,
    UNIQUE (city, email),
    CHECK (credit = 0 OR segment <> 'private')
);
CREATE TABLE desk.accounts (id int PRIMARY KEY, email text REFERENCES desk.people (email), note text,
    person int REFERENCES desk.people (id), word text REFERENCES desk.hidden (word));
CREATE TABLE desk.visits (id int PRIMARY KEY, person int REFERENCES desk.people (id));
CREATE TABLE desk.bills (id int, day date, iban text) PARTITION BY RANGE (day);
CREATE TABLE desk.bills_2024 PARTITION OF desk.bills FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE UNIQUE INDEX ON desk.bills_2024 (iban);
CREATE VIEW desk.mail AS SELECT id, email, city FROM desk.people;
CREATE TYPE desk.tone AS ENUM ('low', 'high');
CREATE FUNCTION desk.tone_email(desk.tone) RETURNS text LANGUAGE sql AS 'SELECT min(email) FROM desk.people';
CREATE CAST (desk.tone AS text) WITH FUNCTION desk.tone_email;
CREATE FUNCTION desk.json_scalar(text) RETURNS text LANGUAGE sql AS 'SELECT min(email) FROM desk.people';
CREATE FUNCTION desk.json_array(int) RETURNS text LANGUAGE sql AS 'SELECT min(email) FROM desk.people';
CREATE SEQUENCE desk."NÄCHSTE";
CREATE SEQUENCE desk."nächste";
CREATE SCHEMA "desk.visits";
CREATE TABLE "desk.visits".x (id int);
CREATE TABLE desk."visits.x" (id int);
GRANT USAGE ON SCHEMA "desk.visits" TO PUBLIC;
INSERT INTO desk.people VALUES (1, 'anna@x.example', 0, 1.0000001, 'Kiel', 'vip', 'n'),
    (2, 'bert@x.example', 5, 1.0000002, 'Bonn', 'vip', 'n');
GRANT USAGE ON SCHEMA desk TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA desk TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA desk TO PUBLIC;
"""
NULL = Mask(MaskKind.NULL)
CLASSIFICATION = {
    "desk.people": {
        **dict.fromkeys(("id", "city", "segment", "note"), CLEAR),
        "rate": Mask(MaskKind.PSEUDONYM),
    },
    "desk.accounts": {"*": CLEAR},
    "desk.visits": {"id": CLEAR},
    "desk.bills": {"id": CLEAR, "day": CLEAR},
    "desk.mail": {"id": CLEAR, "city": CLEAR},
    "desk.visits.x": {"id": CLEAR},
}
BOTH = RelationRule(read=frozenset({"*"}), write=frozenset({"*"}))
WRITER = RolePolicy(
    role="desk",
    version="insider",
    statements=frozenset(StatementKind) - {StatementKind.OTHER},
    relations={**dict.fromkeys(CLASSIFICATION, BOTH), "desk.nächste": BOTH},
    classification=CLASSIFICATION,
)
READER = replace(WRITER, role="look", statements=frozenset({StatementKind.SELECT}))

READER_WITH_EXPLAIN = replace(READER, statements=READER.statements | {StatementKind.EXPLAIN})

#: Each would answer whether a value exists that a mask hides.
ORACLES = [
    "INSERT INTO mail (id, email) VALUES (9, 'anna@x.example')",
    "UPDATE mail SET email = 'anna@x.example' WHERE id = 2",
    "INSERT INTO bills VALUES (9, '2024-05-05', 'DE01')",
    "INSERT INTO bills (id, day, iban) SELECT 9, '2024-05-05', 'DE01'",
    "INSERT INTO accounts (id, email) VALUES (9, 'anna@x.example')",
    "UPDATE accounts SET email = 'anna@x.example' WHERE id = 9",
    "INSERT INTO accounts (id, word) VALUES (9, 'secret')",
    "COPY accounts (id, email) FROM STDIN",
    "COPY accounts FROM STDIN",
    "UPDATE people SET segment = 'private' WHERE id = 2",
    "UPDATE people SET segment = DEFAULT WHERE id = 2",
    "UPDATE people SET city = 'Kiel' WHERE id = 2",
    "INSERT INTO people (id, city) VALUES (2, 'x') ON CONFLICT (id) DO UPDATE SET segment = 'private'",
    "MERGE INTO people p USING accounts a ON p.id = a.person WHEN MATCHED THEN UPDATE SET segment = 'private'",
    "DELETE FROM people WHERE id = 1",
    "UPDATE people SET id = 3 WHERE id = 1",
]
HONEST_WRITES = [
    "INSERT INTO people (id, city, segment, note) VALUES (9, 'Ulm', 'private', 'x')",
    "INSERT INTO accounts (id, person, note) VALUES (9, 1, 'x')",
    "UPDATE people SET note = 'x' WHERE id = 1",
    "UPDATE accounts SET note = 'x', person = 2 WHERE id = 9",
    "DELETE FROM accounts WHERE id = 9",
    "INSERT INTO bills (id, day) VALUES (9, '2024-05-05')",
    "UPDATE mail SET city = 'Ulm' WHERE id = 1",
    "INSERT INTO people (id, credit) VALUES (1, 7) ON CONFLICT (id) DO UPDATE SET credit = excluded.credit",
    "INSERT INTO people (id, note) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET note = excluded.note",
]


@dataclass(frozen=True, slots=True)
class Desk:
    catalog: Catalog
    dsn: str


@pytest.fixture(scope="module")
async def desk(postgres: Postgres) -> AsyncIterator[Desk]:
    login = Login("desk_upstream", "known-to-nobody")
    postgres.run(f"CREATE ROLE {login.user} LOGIN PASSWORD '{login.password}'")
    postgres.run("CREATE DATABASE desk")
    postgres.run(SCHEMA, "desk")
    connection = await asyncpg.connect(postgres.dsn("desk"))
    catalog = await load_catalog(connection, ("desk",))
    await connection.close()
    yield Desk(catalog, postgres.dsn("desk", login))
    postgres.run("DROP DATABASE desk WITH (FORCE)")
    postgres.run(f"DROP ROLE {login.user}")


def connect(desk: Desk) -> psycopg.Connection:
    return psycopg.connect(desk.dsn, options="-c search_path=desk -c pgcurfew.mask_key=a-key-for-a-test")


@pytest.mark.parametrize("sql", ORACLES)
def test_a_write_is_no_oracle(desk: Desk, sql: str) -> None:
    refusal = review(sql, WRITER, desk.catalog).refusal
    assert refusal is not None
    assert refusal.rule == "masked-constraint"
    assert review(sql, replace(WRITER, may_probe_constraints=True), desk.catalog).refusal is None


@pytest.mark.parametrize("sql", HONEST_WRITES)
def test_honest_writes_pass(desk: Desk, sql: str) -> None:
    judged = review(sql, WRITER, desk.catalog)
    assert judged.refusal is None
    with connect(desk) as connection:
        connection.execute(judged.text)
        connection.rollback()


def test_a_merge_needs_the_kinds_of_its_actions(desk: Desk) -> None:
    merge = "MERGE INTO accounts a USING visits v ON a.id = v.id WHEN "
    actions = {
        StatementKind.DELETE: "MATCHED THEN DELETE",
        StatementKind.UPDATE: "MATCHED THEN UPDATE SET note = 'x'",
        StatementKind.INSERT: "NOT MATCHED THEN INSERT (id) VALUES (v.id)",
    }
    for kind, action in actions.items():
        assert review(merge + action, WRITER, desk.catalog).refusal is None
        without = replace(WRITER, statements=WRITER.statements - {kind})
        refusal = review(merge + action, without, desk.catalog).refusal
        assert refusal is not None
        assert refusal.rule == "statement-kind"


def test_extra_float_digits_do_not_blur_a_pseudonym(desk: Desk) -> None:
    judged = review("SELECT rate FROM people ORDER BY id", READER, desk.catalog)
    seen = set()
    with connect(desk) as connection:
        for digits in (-15, -8, 0, 3):
            connection.execute(f"SET extra_float_digits = {digits}")
            seen.add(tuple(repr(row[0]) for row in connection.cursor(binary=True).execute(judged.text.encode())))
    assert len(seen) == 1
    assert len(set(seen.pop())) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT JSON_SCALAR('x')",
        "SELECT JSON_ARRAY(1)",
        "SELECT JSON_VALUE('{}', '$.a')",
        "SELECT JSON_QUERY('{}', '$.a')",
        "SELECT JSON_EXISTS('{}', '$.a')",
        "SELECT JSON('{}')",
        "SELECT JSON_SERIALIZE('{}')",
        "SELECT JSON_ARRAYAGG(id) FROM people",
        "SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a int)) t",
        "MERGE INTO people p USING accounts a ON p.id = a.id WHEN MATCHED THEN UPDATE SET note = MERGE_ACTION()",
    ],
)
def test_syntax_that_an_old_server_takes_for_a_function_of_users(desk: Desk, sql: str) -> None:
    old = replace(desk.catalog, server_version=150018)
    refusal = review(sql, WRITER, old).refusal
    assert refusal is not None
    assert refusal.rule == "newer-syntax"


def test_names_of_sequences_fold_as_in_postgresql(desk: Desk) -> None:
    assert review("SELECT nextval('desk.nächste')", WRITER, desk.catalog).refusal is None
    # Only ASCII letters fold (PG manual 4.1.1): this one is "nÄchste".
    assert review("SELECT nextval('desk.NÄCHSTE')", WRITER, desk.catalog).refusal is not None


@pytest.mark.parametrize(
    "sql",
    [
        "RESET transaction_read_only",
        "SET transaction_read_only TO DEFAULT",
        "SET LOCAL transaction_read_only TO DEFAULT",
    ],
)
def test_a_read_only_transaction_stays_one(desk: Desk, sql: str) -> None:
    assert review(sql, READER, desk.catalog).refusal is not None


@pytest.mark.parametrize(
    "explained",
    [
        "INSERT INTO people (id) VALUES (9)",
        "WITH x AS (INSERT INTO people (id) VALUES (9) RETURNING id) SELECT * FROM x",
        "UPDATE people SET note = DEFAULT WHERE id = 1",
        "EXECUTE p",
    ],
)
def test_explain_shows_no_defaults(desk: Desk, explained: str) -> None:
    assert review(f"EXPLAIN {explained}", WRITER, desk.catalog).refusal is None
    refusal = review(f"EXPLAIN (COSTS OFF, VERBOSE) {explained}", WRITER, desk.catalog).refusal
    assert refusal is not None
    assert refusal.rule == "definitions-hidden"
    full = replace(WRITER, definitions="full")
    assert review(f"EXPLAIN VERBOSE {explained}", full, desk.catalog).refusal is None


def test_explain_verbose_of_a_read_is_honest(desk: Desk) -> None:
    assert review("EXPLAIN VERBOSE SELECT * FROM people", WRITER, desk.catalog).refusal is None
    assert review("EXPLAIN VERBOSE EXECUTE p", READER_WITH_EXPLAIN, desk.catalog).refusal is None


def test_a_name_in_the_policy_means_one_relation(desk: Desk) -> None:
    assert 'FROM desk."visits.x"' in review('SELECT * FROM "visits.x"', READER, desk.catalog).text
    refusal = review('SELECT * FROM "desk.visits".x', READER, desk.catalog).refusal
    assert refusal is not None
    assert refusal.sqlstate == "42P01"


@pytest.mark.parametrize(
    "grouped", ["GROUPING SETS ((1), ())", "ROLLUP (1)", "CUBE (1, 2)", "(1, 2)", "ROLLUP ((1, 2))"]
)
def test_a_number_that_names_a_column_is_no_constant_to_share(desk: Desk, grouped: str) -> None:
    sql = f"SELECT id, city, count(*) FROM people GROUP BY {grouped}, id, city"
    shape = shape_of(sql)
    assert shape is not None
    assert template_of(shape, sql, READER, desk.catalog) is None
