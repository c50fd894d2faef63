"""What is hidden answers as what is not there: the same SQLSTATE, the same words, the same rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from masking.review import review, review_parameters
from tests.masking.attack.run import ask
from tests.masking.attack.stage import READER, Stage, read_catalog, staged
from tests.support.postgres import Postgres

#: Asked with the name of a relation (function, type, schema) that is hidden, and with one that is nowhere.
QUESTIONS = [
    ("SELECT * FROM {}", "relation"),
    ("SELECT {}.x FROM customers", "relation"),
    ("TABLE {}", "relation"),
    ("COPY {} TO STDOUT", "relation"),
    ("LOCK {}", "relation"),
    ("EXPLAIN SELECT * FROM {}", "relation"),
    ("SELECT NULL::{}", "relation"),
    ("SELECT '{}'::regclass", "relation"),
    ("SELECT CAST('{}' AS regclass)", "relation"),
    ("SELECT regclass '{}'", "relation"),
    ("SELECT to_regclass('{}')", "relation"),
    ("SELECT to_regclass('{}' || '')", "relation"),
    ("SELECT ('{}' || '')::regclass", "relation"),
    ("SELECT '{}'::text::regclass", "relation"),
    ("SELECT to_regtype('{}')", "relation"),
    ("SELECT '{}'::regtype", "relation"),
    ("SELECT '{}[]'::regtype", "relation"),
    ("SELECT pg_table_size('{}')", "relation"),
    ("SELECT pg_total_relation_size('{}'::regclass)", "relation"),
    ("SELECT has_table_privilege('{}', 'select')", "relation"),
    ("SELECT has_table_privilege('postgres', '{}', 'select')", "relation"),
    ("SELECT has_column_privilege('{}', 'id', 'select')", "relation"),
    ("SELECT has_any_column_privilege('{}', 'select')", "relation"),
    ("SELECT pg_get_serial_sequence('{}', 'id')", "relation"),
    ("SELECT pg_get_viewdef('{}')", "relation"),
    ("SELECT pg_get_viewdef('{}'::regclass)", "relation"),
    ("SELECT pg_input_is_valid('{}', 'regclass')", "relation"),
    ("SELECT message FROM pg_input_error_info('{}', 'regclass')", "relation"),
    ("SELECT pg_input_is_valid('vault.{}', 'regproc')", "function"),
    ("SELECT row_security_active('{}')", "relation"),
    ("SELECT nextval('{}')", "relation"),
    ("SELECT tableoid::regclass = '{}' FROM orders", "relation"),
    ("SELECT COALESCE(tableoid::regclass, '{}') FROM orders", "relation"),
    ("SELECT CASE WHEN id = 1 THEN tableoid::regclass ELSE '{}' END FROM orders", "relation"),
    ("SELECT ARRAY[tableoid::regclass, '{}'] FROM orders", "relation"),
    ("SELECT GREATEST('{}', tableoid::regclass) FROM orders", "relation"),
    ("SELECT tableoid::regclass IN ('{}') FROM orders", "relation"),
    ("SELECT count(*) FROM pg_class WHERE oid = to_regclass('{}')", "relation"),
    ("SELECT 'vault.{}'::regproc", "function"),
    ("SELECT 'vault.{}(int)'::regprocedure", "function"),
    ("SELECT to_regproc('vault.{}')", "function"),
    ("SELECT to_regprocedure('vault.{}(int)')", "function"),
    ("SELECT has_function_privilege('vault.{}(int)', 'execute')", "function"),
    ("SELECT '{}'::regnamespace", "schema"),
    ("SELECT to_regnamespace('{}')", "schema"),
    ("SELECT has_schema_privilege('{}', 'usage')", "schema"),
    ("SELECT * FROM {}.x", "schema"),
    # A condition must not be tried on rows that are hidden: its error would quote them.
    *(
        (f"SELECT 1 FROM {catalog} WHERE {column}::text = '{{}}' AND {column}::text::int > 0", "relation")
        for catalog, column in (
            ("pg_class", "relname"),
            ("pg_tables", "tablename"),
            ("pg_views", "viewname"),
            ("pg_indexes", "tablename"),
            ("pg_stat_user_tables", "relname"),
            ("information_schema.tables", "table_name"),
            ("information_schema.columns", "table_name"),
            ("information_schema.views", "table_name"),
        )
    ),
    ("SELECT 1 FROM pg_proc WHERE proname = '{}' AND proname::text::int > 0", "function"),
    ("SELECT 1 FROM pg_namespace WHERE nspname = '{}' AND nspname::text::int > 0", "schema"),
    # Casts in the guise of functions and of arrays.
    ("SELECT regtype('{}')", "relation"),
    ("SELECT regprocedure('vault.{}(int)')", "function"),
    ("SELECT regnamespace('{}')", "schema"),
    ("SELECT {}(1)", "relation"),
    ("SELECT {}('(1)'::text)", "relation"),
    ("SELECT {}(ROW(1))", "relation"),
    ("SELECT {}(c) FROM customers c", "relation"),
    ("SELECT _{}('{{}}')", "relation"),
    ("SELECT _{}('{{}}'::text)", "relation"),
    ("SELECT * FROM {}(1)", "relation"),
    ("SELECT (x.x).regtype FROM (SELECT '{}'::text AS x) x", "relation"),
    ("SELECT '{{{}}}'::_regclass", "relation"),
    ("SELECT '{{{}}}'::pg_catalog._regclass", "relation"),
    ("SELECT _regclass('{{{}}}')", "relation"),
    # Types by other spellings, and as parts of other names.
    ("SELECT ' {} '::regtype", "relation"),
    ("SELECT '/**/{}'::regtype", "relation"),
    ("SELECT '{} -- x'::regtype", "relation"),
    ("SELECT '{}[3]'::regtype", "relation"),
    ("SELECT '{} array'::regtype", "relation"),
    ("SELECT '{}%TYPE'::regtype", "relation"),
    ("SELECT 'attack_a.{}'::regtype", "relation"),
    ("SELECT 'abs({})'::regprocedure", "relation"),
    ("SELECT to_regprocedure('abs({})')", "relation"),
    ("SELECT has_function_privilege('abs({})', 'execute')", "relation"),
    ("SELECT NULL::vault._{}", "type"),
    ("SELECT 'vault._{}'::regtype", "type"),
    ("SELECT pg_typeof(NULL::vault._{})", "type"),
    ("PREPARE p(vault._{}) AS SELECT 1", "type"),
    ("SELECT * FROM json_to_record('{{}}') AS x(a vault._{})", "type"),
    ("SELECT * FROM xmltable('/a' PASSING '<a/>' COLUMNS b vault._{})", "type"),
    # Literals that become names because of what stands beside them.
    ("SELECT array_position(ARRAY[tableoid::regclass], '{}') FROM orders", "relation"),
    ("SELECT array_append(ARRAY[tableoid::regclass], '{}') FROM orders", "relation"),
    ("SELECT ARRAY[tableoid::regclass] || '{{{}}}' FROM orders", "relation"),
    ("SELECT lag(tableoid::regclass, 1, '{}') OVER () FROM orders", "relation"),
    ("SELECT COALESCE((SELECT tableoid::regclass FROM orders LIMIT 1), '{}')", "relation"),
    ("SELECT * FROM (VALUES (NULL::regclass), ('{}')) v(x)", "relation"),
    ("SELECT NULL::regclass UNION SELECT '{}'", "relation"),
    ("SELECT 1, NULL::regclass UNION (SELECT 2, NULL UNION SELECT 3, '{}')", "relation"),
    ("SELECT COALESCE(typinput, 'vault.{}') FROM pg_type", "function"),
    ("PREPARE p AS SELECT COALESCE(tableoid::regclass, $1) FROM orders; EXECUTE p('{}')", "relation"),
]
HIDDEN = {
    "relation": ("crm.qwhidden_here", "qwhidden_here", "vault.qwhidden", "crm.qwhidden_view", "crm.qwhidden_here_pkey"),
    "function": ("qwhidden_function",),
    "schema": ("qwhidden_schema",),
    "type": ("qwhidden",),
}


@pytest.fixture(scope="module")
async def stage(postgres: Postgres) -> AsyncIterator[Stage]:
    with staged(postgres) as dsn:
        yield Stage(await read_catalog(postgres), dsn)


@pytest.fixture(scope="module")
def connection(stage: Stage) -> Iterator[psycopg.Connection]:
    with stage.connect("a") as opened:
        yield opened


def told(stage: Stage, connection: psycopg.Connection, sql: str) -> tuple[list[bytes], list[bytes]]:
    judged = review(sql, READER, stage.catalog)
    if judged.refusal is not None:
        refusal = judged.refusal
        return [], [f"{refusal.sqlstate} {refusal.message} {refusal.hint or ''}".encode()]
    answer = ask(connection, judged.text, binary=False)
    return answer.rows, answer.failures


@pytest.mark.parametrize(("question", "kind"), QUESTIONS)
def test_hidden_and_absent_are_the_same(stage: Stage, connection: psycopg.Connection, question: str, kind: str) -> None:
    for hidden in HIDDEN[kind]:
        absent = hidden.replace("qwhidden", "qxhidden")
        of_hidden = str(told(stage, connection, question.format(hidden)))
        of_absent = str(told(stage, connection, question.format(absent)))
        assert of_hidden.replace("qwhidden", "qxhidden") == of_absent


def test_the_type_of_a_parameter_is_named_by_nobody(stage: Stage) -> None:
    """A Parse message names types by OID; what is hidden answers as what is not there, without its name."""
    hidden = [oid for oid, (_, name) in stage.catalog.type_oids.items() if "qwhidden_here" in name]
    assert len(hidden) >= 2  # the row and its array
    absent = max(stage.catalog.type_oids) + 1000
    for oid in hidden:
        told = review_parameters((oid,), READER, stage.catalog)
        unknown = review_parameters((absent,), READER, stage.catalog)
        assert told is not None
        assert unknown is not None
        assert told.message.replace(str(oid), str(absent)) == unknown.message
        assert told.sqlstate == unknown.sqlstate
