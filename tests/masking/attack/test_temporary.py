"""What is kept in a temporary table is what the query would have shown: no canary, and the twins are alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import psycopg
import pytest

from masking.policy import StatementKind, strictest
from masking.review import review
from tests.masking.attack.run import RESTLESS, ask, canaries_in, cases
from tests.masking.attack.stage import FOLDER, READER, Stage, read_catalog, staged
from tests.support.postgres import Postgres

POLICY = replace(READER, statements=READER.statements | {StatementKind.TEMP_TABLES})
QUERIES = [
    pytest.param(sql, id=f"{stem}-{number}")
    for stem in ("expressions", "whole_rows", "structure", "third_look")
    for number, sql in enumerate(cases(FOLDER / f"{stem}.sql"), 1)
    if sql.upper().lstrip("(").startswith(("SELECT", "WITH", "TABLE", "VALUES"))
]


@pytest.fixture(scope="module")
async def stage(postgres: Postgres) -> AsyncIterator[Stage]:
    with staged(postgres) as dsn:
        yield Stage(await read_catalog(postgres), dsn)


@pytest.fixture(scope="module")
def connections(stage: Stage) -> Iterator[dict[str, psycopg.Connection]]:
    with stage.connect("a") as a, stage.connect("b") as b:
        yield {"a": a, "b": b}


@pytest.mark.parametrize("sql", QUERIES)
def test_nothing_raw_is_kept(stage: Stage, connections: dict[str, psycopg.Connection], sql: str) -> None:
    judged = review(f"CREATE TEMP TABLE kept AS {sql}", POLICY, stage.catalog)
    if judged.refusal is not None:
        return
    told = strictest(verdict.statement.messages for verdict in judged.verdicts if verdict.statement is not None)
    text = f"{judged.text}; SELECT * FROM pg_temp.kept"
    answers = {twin: ask(opened, text, binary=False, messages=told) for twin, opened in connections.items()}
    for twin, answer in answers.items():
        assert not canaries_in(answer.octets, twin)
    # Numbers of objects, and pictures of when, are of the cluster and not of what is in the twins.
    if not any(word in sql for word in (*RESTLESS, "pg_", "information_schema", "xmin", "generate_series")):
        assert answers["a"].octets == answers["b"].octets
