"""What is hidden answers as what is not there: the same SQLSTATE, the same words, the same rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from masking.review import review
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
]
HIDDEN = {
    "relation": ("crm.qwhidden_here", "qwhidden_here", "vault.qwhidden", "crm.qwhidden_view", "crm.qwhidden_here_pkey"),
    "function": ("qwhidden_function",),
    "schema": ("qwhidden_schema",),
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
