"""What honest people and their tools send is not refused, and answers as PostgreSQL itself does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.masking.differential.compare import Answer, ask, cases, differences, put_back
from tests.masking.differential.stage import CLASSIFICATION, TWIN, Market, masked_columns


class Pair:
    """A session through the gateway beside one past it."""

    def __init__(self, through: psycopg.Connection, direct: psycopg.Connection) -> None:
        self.through = through
        self.direct = direct

    def ask(self, sql: str, *, binary: bool = False, inside: bool = False) -> list[Answer]:
        """Both answers, one after the other, so that no lock of one stops the other. `inside` a transaction."""
        answers = []
        for connection in (self.through, self.direct):
            if inside:
                ask(connection, "BEGIN")
            answers.append(ask(connection, sql, binary=binary))
            put_back(connection)
        return answers


def pair(market: Market, role: str, database: str) -> Iterator[Pair]:
    with market.through(role) as through, market.direct(database) as direct:
        yield Pair(through, direct)


@pytest.fixture(scope="module")
def reading(market: Market) -> Iterator[Pair]:
    yield from pair(market, "analyst", TWIN)


@pytest.fixture(scope="module")
def writing(market: Market) -> Iterator[Pair]:
    yield from pair(market, "writer", "market")


@pytest.fixture(scope="module")
def overseeing(market: Market) -> Iterator[Pair]:
    yield from pair(market, "steward", "market")


@pytest.fixture(scope="module")
def looking(market: Market) -> Iterator[Pair]:
    yield from pair(market, "analyst", "market")


def numbered(name: str) -> list[Any]:
    return [pytest.param(sql, id=f"{name}-{number}") for number, sql in enumerate(cases(f"{name}.sql"), 1)]


def is_single(sql: str) -> bool:
    return ";" not in sql and not sql.startswith("COPY")


@pytest.mark.parametrize("sql", [*numbered("analysts"), *numbered("tpch")])
def test_a_report_reads_as_if_the_database_held_what_may_be_seen(reading: Pair, sql: str) -> None:
    for binary in (False, True) if is_single(sql) else (False,):
        through, direct = reading.ask(sql, binary=binary)
        if sql.startswith("EXPLAIN"):
            assert (through.errors, through.shape and through.shape[0][1:]) == ([], direct.shape[0][1:])
            continue
        assert not list(differences(through, direct))


@pytest.mark.parametrize("sql", numbered("writes"))
def test_a_write_does_what_it_does_directly(writing: Pair, sql: str) -> None:
    through, direct = writing.ask(sql, inside=not sql.startswith("VACUUM"))
    if sql.startswith("EXPLAIN"):
        assert not through.errors
        return
    assert not list(differences(through, direct))


@pytest.mark.parametrize("sql", numbered("pools"))
def test_a_pool_gets_its_answer(writing: Pair, sql: str) -> None:
    assert not list(differences(*writing.ask(sql)))


#: What a role that only reads is not given.
FOR_WRITERS = ("LISTEN channel",)


@pytest.mark.parametrize("sql", numbered("pools"))
def test_a_pool_of_somebody_who_only_reads_does_not_stumble(looking: Pair, sql: str) -> None:
    if any(words in sql for words in FOR_WRITERS):
        return
    through, direct = looking.ask(sql)
    assert through.refused is None
    assert through.errors == direct.errors


@pytest.mark.parametrize("sql", numbered("tools"))
def test_who_sees_everything_sees_the_catalog_as_it_is(overseeing: Pair, sql: str) -> None:
    assert not list(differences(*overseeing.ask(sql)))


#: A definition whose literals are struck is text and no node tree any more.
NODE_TREE, TEXT = 194, 25


def columns(shape: tuple[Any, ...]) -> list[tuple[bytes, int, int]]:
    return [(name, TEXT if kind == NODE_TREE else kind, modifier) for name, kind, modifier in shape[1:]]


@pytest.mark.parametrize("sql", numbered("tools"))
def test_a_tool_works_behind_masks(looking: Pair, sql: str) -> None:
    """Some cells are struck (literals of definitions), and rows of what is out of sight may be missing."""
    through, direct = looking.ask(sql)
    assert through.errors == direct.errors
    assert [columns(shape) for shape in through.shape] == [columns(shape) for shape in direct.shape]
    assert len(through.rows) <= len(direct.rows)
    assert bool(through.rows) == bool(direct.rows)


@pytest.mark.parametrize("relation", [name for name in CLASSIFICATION if name.startswith(("market.", "tpch."))])
def test_columns_that_nobody_masks_come_as_they_are(looking: Pair, relation: str) -> None:
    if relation == "market.ticket_numbers":
        return
    names = [row[0] for row in looking.direct.execute(f"SELECT * FROM {relation} LIMIT 0").description or ()]
    clear = ", ".join(f'"{name}"' for name in names if name not in masked_columns(relation))
    for binary in (False, True):
        through, direct = looking.ask(f"SELECT {clear} FROM {relation}", binary=binary)
        assert not list(differences(through, direct))
        assert through.rows
