"""docs/masks.md is right: which mask fits which type, and each of its examples, executed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from config.load import parse_policy
from config.policy_file import MASKS
from gateway.policies import compile_policies
from gateway.session.catalog import load_catalog
from masking.catalog import Column
from masking.masks import mask_expression, problem
from masking.policy import CLEAR, Mask, MaskKind
from tests.support.postgres import Postgres

TEXT = (Path(__file__).parents[2] / "docs/masks.md").read_text()
KEY = "pgcurfew.mask_key"

#: One of each mask for each family of types: a type has a mask if one of these fits.
KINDS: dict[str, tuple[Mask, ...]] = {
    "null": (Mask(MaskKind.NULL),),
    "fixed": (Mask(MaskKind.FIXED),),
    "partial": (Mask(MaskKind.PARTIAL, (("keep_last", 1),)),),
    "pseudonym": (Mask(MaskKind.PSEUDONYM),),
    "generalize": (
        Mask(MaskKind.GENERALIZE),
        Mask(MaskKind.GENERALIZE, (("unit", "year"),)),
        Mask(MaskKind.GENERALIZE, (("bucket", 10),)),
        Mask(MaskKind.GENERALIZE, (("keep", 1),)),
    ),
    "truncate": (Mask(MaskKind.TRUNCATE, (("length", 1),)),),
    "detect": (Mask(MaskKind.DETECT),),
    "jsonpath": (Mask(MaskKind.JSONPATH, paths=(("$.a", CLEAR),)),),
}
POLICY = """
[roles.x]
targets = ["x"]
requesters = ["*"]
approvers = ["y"]
max_duration = "1h"
statements = ["read"]
relations = {{ "public.x" = "read" }}
[classification."public.x"]
v = {0}
"""


def rows(header: str) -> list[list[str]]:
    """The cells of the table with that first line."""
    lines = TEXT[TEXT.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.removeprefix(" ").removesuffix(" ") for cell in line.split("|")[1:-1]] for line in lines]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


MATRIX = rows("| type | `null`")
EXAMPLES = [[codes(cell)[0] if codes(cell) else "" for cell in row] for row in rows("| type | mask | value")]
TYPES = sorted({name for row in MATRIX for name in codes(row[0])} | {row[0] for row in EXAMPLES})


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[psycopg.Connection]:
    postgres.run("CREATE DATABASE docs TEMPLATE template0 ENCODING 'UTF8'")
    options = f"-c {KEY}=example -c TimeZone=UTC"
    with psycopg.connect(postgres.dsn("docs"), autocommit=True, options=options) as connection:
        connection.execute(
            "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'happy')"
        )
        named = {"varchar(n)": "varchar(20)", "char(n)": "char(20)"}
        columns = ", ".join(f'"{name}" {named.get(name, name)}' for name in TYPES)
        connection.execute(f"CREATE TABLE all_types ({columns})")
        yield connection
    postgres.run("DROP DATABASE docs WITH (FORCE)")


@pytest.fixture(scope="module")
async def columns(connection: psycopg.Connection, postgres: Postgres) -> dict[str, Column]:
    direct = await asyncpg.connect(postgres.dsn("docs"))
    try:
        catalog = await load_catalog(direct, ("public",))
    finally:
        await direct.close()
    return {column.name: column for column in catalog.relations["public", "all_types"].columns}


def test_every_mask_has_its_place() -> None:
    listed = [codes(row[0])[0] for row in rows("| mask | shows")]
    assert listed == list(MASKS)
    assert set(KINDS) == set(MASKS) - {"clear"}
    written = [tomllib.loads(f"v = {row[1]}")["v"] for row in EXAMPLES]
    shown = {mask if isinstance(mask, str) else mask["mask"] for mask in written}
    assert shown == set(MASKS) - {"clear", "null"}


def test_the_table_says_which_mask_fits_which_type(columns: dict[str, Column]) -> None:
    for row in MATRIX:
        for name in codes(row[0]):
            column = columns[name]
            fits = ["●" if any(problem(mask, column) is None for mask in masks) else "" for masks in KINDS.values()]
            assert [cell.strip() for cell in row[1:]] == fits, name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]} {example[1]}")
def test_an_example_comes_out_as_written(
    connection: psycopg.Connection, columns: dict[str, Column], example: list[str]
) -> None:
    name, written, value, shown = example
    policies = compile_policies(parse_policy(POLICY.format(written).encode()))
    role = policies.role("x")
    assert role is not None
    mask = role.mask_of("public.x", "v")
    assert problem(mask, columns[name]) is None
    expression = mask_expression(mask, columns[name], "v", KEY)
    query = (
        f"SELECT format('%s', s) FROM (SELECT {expression} AS s FROM (SELECT $1::{columns[name].type_name} AS v) x) y"
    )
    result = connection.pgconn.exec_params(query.encode(), [value.encode()])
    assert not result.error_message, result.error_message
    assert (result.get_value(0, 0) or b"").decode() == shown
