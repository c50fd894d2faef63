"""System relations: what is listed can be read on real servers, and no literal of a definition comes out."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from masking.strip import strip_function, strip_literals, strip_source
from masking.system import SYSTEM_RELATIONS
from tests.support.postgres import Postgres

DATABASE = "definitions"
#: Canaries: no answer about definitions may contain one of these.
SECRET_WORD, SECRET_NUMBER = "xyzzy", "4815162342"

SETUP = f"""
CREATE SEQUENCE "Odd 7 name's";
CREATE TABLE t (
    id serial PRIMARY KEY,
    odd bigint DEFAULT nextval('"Odd 7 name''s"'),
    "it's 5 #cols#" text DEFAULT '{SECRET_WORD}',
    escaped text DEFAULT E'a\\\\{SECRET_WORD}''b',
    number bigint DEFAULT {SECRET_NUMBER},
    tricky text DEFAULT 'nextval(' || {SECRET_NUMBER} || '::regclass)',
    lower_word text GENERATED ALWAYS AS (escaped || '{SECRET_WORD}') STORED,
    CHECK (escaped <> '{SECRET_WORD}' AND "it's 5 #cols#" <> 'it''s {SECRET_WORD}' AND number > -{SECRET_NUMBER})
);
CREATE INDEX ON t ((escaped || '{SECRET_WORD}')) WHERE number = {SECRET_NUMBER};
CREATE VIEW v AS SELECT *, '{SECRET_WORD}' AS w FROM t WHERE number <> {SECRET_NUMBER};
CREATE MATERIALIZED VIEW mv AS SELECT '{SECRET_WORD}'::text AS w;
CREATE DOMAIN d AS text DEFAULT '{SECRET_WORD}' CHECK (VALUE <> '{SECRET_WORD}');
CREATE TABLE parted (region text, n bigint) PARTITION BY LIST (region);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN ('{SECRET_WORD}');
CREATE FUNCTION f_sql(a text DEFAULT '{SECRET_WORD}') RETURNS text LANGUAGE sql
    AS $$ SELECT 'a' || $q${SECRET_WORD}$q$ || a -- don't tell {SECRET_WORD}
    $$;
CREATE FUNCTION f_body(a text DEFAULT '{SECRET_WORD}') RETURNS text LANGUAGE sql
    BEGIN ATOMIC SELECT '{SECRET_WORD}' || a; END;
CREATE FUNCTION f_plpgsql() RETURNS trigger LANGUAGE plpgsql SET application_name = '{SECRET_WORD}'
    AS $$ BEGIN /* don't {SECRET_WORD} */ NEW.escaped := E'\\'{SECRET_WORD}'; RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.escaped = '{SECRET_WORD}')
    EXECUTE FUNCTION f_plpgsql('{SECRET_WORD}');
CREATE POLICY p ON t USING (escaped = '{SECRET_WORD}') WITH CHECK (number = {SECRET_NUMBER});
CREATE RULE r AS ON DELETE TO v DO INSTEAD UPDATE t SET escaped = '{SECRET_WORD}' WHERE OLD.number = {SECRET_NUMBER};
CREATE STATISTICS s ON (escaped || '{SECRET_WORD}'), number FROM t;
CREATE EXTENSION postgres_fdw;
CREATE FOREIGN DATA WRAPPER w HANDLER postgres_fdw_handler OPTIONS (secret '{SECRET_WORD}');
CREATE SERVER srv FOREIGN DATA WRAPPER w OPTIONS (password '{SECRET_WORD}');
CREATE FOREIGN TABLE ft (a int) SERVER srv OPTIONS (password '{SECRET_WORD}');
CREATE USER MAPPING FOR public SERVER srv OPTIONS (password '{SECRET_WORD}');
ALTER TABLE t ADD COLUMN later text DEFAULT '{SECRET_WORD}';
INSERT INTO t (number) VALUES (1);
""".replace("#", '""')


@pytest.fixture(scope="module", params=["postgres", "postgres_of_the_distribution"])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    postgres: Postgres = request.getfixturevalue(request.param)
    postgres.run(f"CREATE DATABASE {DATABASE}")
    with psycopg.connect(postgres.dsn(DATABASE), autocommit=True) as opened:
        opened.execute(SETUP)
        yield opened
    postgres.run(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def system_columns(connection: psycopg.Connection) -> dict[str, list[str]]:
    rows = connection.execute(
        "SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('pg_catalog', 'information_schema') AND a.attnum > 0 AND c.relkind IN ('r', 'v') "
        "GROUP BY 1"
    ).fetchall()
    return dict(rows)


def masked(name: str, columns: list[str], definitions: str) -> str:
    relation = SYSTEM_RELATIONS[name]
    expressions = relation.expressions(definitions)
    listed = ", ".join(f"{expressions[c]} AS {c}" if c in expressions else f'"{c}"' for c in columns)
    condition = f" WHERE {relation.condition}" if relation.condition else ""
    return f"SELECT {listed} FROM {name}{condition}"


def test_no_literal_of_a_definition_comes_out_of_a_system_relation(connection: psycopg.Connection) -> None:
    known = system_columns(connection)
    for name in SYSTEM_RELATIONS:
        if name not in known:
            continue
        # The statistics of values, in whole, are on no list; pg_settings cannot hold a canary.
        rows = str(connection.execute(masked(name, known[name], "no-literals")).fetchall())
        assert SECRET_WORD not in rows, name
        assert SECRET_NUMBER not in rows, name


def test_secrets_stay_struck_where_definitions_are_shown_in_full(connection: psycopg.Connection) -> None:
    known = system_columns(connection)
    for name in ("pg_foreign_server", "pg_foreign_table", "pg_foreign_data_wrapper", "pg_attribute", "pg_trigger"):
        rows = connection.execute(masked(f"pg_catalog.{name}", known[f"pg_catalog.{name}"], "full")).fetchall()
        if name != "pg_trigger":  # tgqual is a definition
            assert SECRET_WORD not in str(rows), name


def test_every_struck_column_exists_somewhere(connection: psycopg.Connection) -> None:
    known = system_columns(connection)
    newer = {"pg_publication_namespace", "pg_parameter_acl"}
    for name, relation in SYSTEM_RELATIONS.items():
        if name.split(".")[1] in newer and name not in known:
            continue
        assert set(relation.expressions("no-literals")) <= set(known[name]), name


def test_nextval_and_names_stay(connection: psycopg.Connection) -> None:
    query = masked("pg_catalog.pg_attrdef", ["adrelid", "adnum", "adbin"], "no-literals")
    shown = [row[2] for row in connection.execute(query + " WHERE adrelid = 't'::regclass ORDER BY adnum").fetchall()]
    assert shown[0] == "nextval('t_id_seq'::regclass)"
    assert shown[2] == "'***'::text"
    check = strip_literals("pg_get_constraintdef(oid)")
    condition = "conrelid = 't'::regclass AND contype = 'c'"
    (text,) = connection.execute(f"SELECT {check} FROM pg_constraint WHERE {condition}").fetchone()
    assert '("it\'s 5 ""cols""" <> \'***\'::text)' in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("status = 'gold'::text AND total > 100.5", "status = '***'::text AND total > ***"),
        ('"o\'1 b" > 12', '"o\'1 b" > ***'),
        (r"x = E'a\\b''c' OR y = 'it''s'", "x = '***' OR y = '***'"),
        ("nextval('s1.x_2'::regclass)", "nextval('s1.x_2'::regclass)"),
        ("'nextval(' || 5 || '::regclass)'", "'***'"),
        ("'nextval(''secret''::regclass)'", "'***'"),
        ("col1 + 2e10 - 1.5e-7", "col1 + *** - ***-***"),
        ("B'101' || X'1f'", "B'***' || X'***'"),
        ("""'"' || '5 "'""", "'***' || '***'"),
        ("", ""),
    ],
)
def test_literals_are_struck_from_deparsed_text(connection: psycopg.Connection, text: str, shown: str) -> None:
    (answer,) = connection.execute(f"SELECT {strip_literals('$1::text').replace('$1', '%s')}", (text,)).fetchone()
    assert answer == shown


@pytest.mark.parametrize(
    "text",
    [
        f"-- it's\nSELECT '{SECRET_WORD}'",
        f"/* it's */ SELECT '{SECRET_WORD}'",
        f"-- don't tell {SECRET_WORD}",
        f"/* {SECRET_WORD}",
        f"SELECT $a$ ' {SECRET_WORD} $a$",
        f"SELECT $$ {SECRET_WORD} $$",
        f"SELECT '{SECRET_WORD}",
        f"SELECT E'\\'{SECRET_WORD}'",
        f"SELECT \"a'b\", '{SECRET_WORD}', \"c'd\"",
        f"x := {SECRET_NUMBER};",
    ],
)
def test_literals_are_struck_from_source_text(connection: psycopg.Connection, text: str) -> None:
    (answer,) = connection.execute(f"SELECT {strip_source('$1::text').replace('$1', '%s')}", (text,)).fetchone()
    assert SECRET_WORD not in answer
    assert SECRET_NUMBER not in answer


def test_definition_functions_come_out_without_literals(connection: psycopg.Connection) -> None:
    calls = (
        ("pg_get_viewdef(oid)", "pg_class", "relname = 'v'", strip_literals),
        ("pg_get_indexdef(indexrelid)", "pg_index", "indrelid = 't'::regclass", strip_literals),
        ("pg_get_triggerdef(oid)", "pg_trigger", "tgrelid = 't'::regclass", strip_literals),
        ("pg_get_ruledef(oid)", "pg_rewrite", "ev_class = 'v'::regclass", strip_literals),
        ("pg_get_statisticsobjdef(oid)", "pg_statistic_ext", "true", strip_literals),
        ("pg_get_partition_constraintdef('parted_1'::regclass)", "pg_class", "relname = 'v'", strip_literals),
        ("pg_get_function_arguments(oid)", "pg_proc", "proname LIKE 'f\\_%'", strip_literals),
        ("pg_get_function_sqlbody(oid)", "pg_proc", "proname = 'f_body'", strip_literals),
        ("pg_get_functiondef(oid)", "pg_proc", "proname LIKE 'f\\_%'", strip_function),
    )
    for call, relation, condition, strip in calls:
        rows = connection.execute(f"SELECT {strip(call)} FROM {relation} WHERE {condition}").fetchall()
        assert rows, call
        assert any(row[0] for row in rows), call
        assert SECRET_WORD not in str(rows), call
        assert SECRET_NUMBER not in str(rows), call
