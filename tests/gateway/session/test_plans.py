"""Sizes in plans: two databases whose values differ in length only give the same plan."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import psycopg
import pytest

from gateway.session.plans import without_sizes
from protocol.backend import DataRow
from tests.support.postgres import Postgres

FORMATS = ("text", "json", "xml", "yaml")
QUERIES = [
    "SELECT * FROM words ORDER BY id DESC",
    "SELECT w.word, e.id FROM words e JOIN words w ON w.id = e.id",
    "SELECT w.word, g FROM words w JOIN generate_series(1, 9000) g ON g % 7 = w.id",
    "SELECT word, count(*) FROM words GROUP BY word",
    "WITH x AS MATERIALIZED (SELECT word FROM words) SELECT count(*) FROM x a, x b",
    "SELECT id, array_agg(word ORDER BY word) FROM words GROUP BY id",
    "SELECT * FROM words UNION SELECT * FROM words ORDER BY 1 LIMIT 3",
    "SELECT id, row_number() OVER (ORDER BY word) FROM words",
]


@pytest.fixture(scope="module")
def lengths(postgres: Postgres) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    postgres.run("CREATE SCHEMA plans_1; CREATE SCHEMA plans_2")
    for number, length in ((1, 3), (2, 9000)):
        postgres.run(
            f"CREATE TABLE plans_{number}.words AS SELECT g AS id, 'w' || repeat('x', {length}) || g AS word "
            "FROM generate_series(1, 50) g"
        )
    options = "-c enable_nestloop=off -c enable_mergejoin=off -c search_path=plans_"
    with (
        psycopg.connect(postgres.dsn(), options=f"{options}1") as one,
        psycopg.connect(postgres.dsn(), options=f"{options}2") as two,
    ):
        yield one, two
    postgres.run("DROP SCHEMA plans_1 CASCADE; DROP SCHEMA plans_2 CASCADE")


def plan(connection: psycopg.Connection, sql: str, form: str) -> bytes:
    """The rows of an EXPLAIN as the gateway shows them."""
    options = f"ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off, FORMAT {form}"
    cursor = connection.execute(f"EXPLAIN ({options}) {sql}".encode())
    assert cursor.pgresult is not None
    rows = [DataRow((cursor.pgresult.get_value(row, 0),)).encode() for row in range(cursor.pgresult.ntuples)]
    return without_sizes(b"".join(rows))


def texts(shown: bytes) -> str:
    lines = []
    while shown:
        length = int.from_bytes(shown[1:5], "big") + 1
        lines.append(shown[11:length].decode())
        shown = shown[length:]
    return "\n".join(lines)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("sql", QUERIES)
def test_lengths_are_not_told(lengths: tuple[psycopg.Connection, psycopg.Connection], sql: str, form: str) -> None:
    short, long = (texts(plan(connection, sql, form)) for connection in lengths)
    assert short == long
    assert "kB" not in short
    if form == "json":
        assert json.loads(short)[0]["Plan"]["Node Type"]
    if form == "xml":
        assert ElementTree.fromstring(short).tag.endswith("explain")


def test_the_rest_of_a_plan_stays(lengths: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    shown = texts(plan(lengths[0], "SELECT * FROM words WHERE id > 3 ORDER BY id", "text"))
    assert "Sort (actual rows=47" in shown.replace(".00", "")
    assert "Sort Key: id" in shown
    assert "Rows Removed by Filter: 3" in shown
    assert "Sort Method: hidden" in shown
