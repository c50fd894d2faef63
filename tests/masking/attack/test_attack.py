"""Every case is judged, and what passes runs on both twins: no canary, and nothing to tell them apart by."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from masking.policy import RolePolicy
from masking.review import review
from tests.masking.attack.run import cases, leaks
from tests.masking.attack.stage import FOLDER, READER, WRITER, Stage, read_catalog, staged
from tests.support.postgres import Postgres

ATTACKS = [
    pytest.param(sql, id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*.sql"))
    if path.stem not in ("schema", "honest", "refused")
    for number, sql in enumerate(cases(path), 1)
]
MUST_BE_REFUSED = [
    pytest.param(sql, id=f"refused-{number}") for number, sql in enumerate(cases(FOLDER / "refused.sql"), 1)
]


@pytest.fixture(scope="module")
async def stage(postgres: Postgres) -> Iterator[Stage]:
    with staged(postgres) as dsn:
        yield Stage(await read_catalog(postgres), dsn)


@pytest.fixture(scope="module")
def connections(stage: Stage) -> Iterator[dict[str, psycopg.Connection]]:
    with stage.connect("a") as a, stage.connect("b") as b:
        yield {"a": a, "b": b}


@pytest.mark.parametrize("policy", [READER, WRITER], ids=lambda policy: policy.role)
@pytest.mark.parametrize("sql", ATTACKS)
def test_nothing_raw_comes_out(
    stage: Stage, connections: dict[str, psycopg.Connection], policy: RolePolicy, sql: str
) -> None:
    assert not leaks(stage, connections, policy, sql)


@pytest.mark.parametrize("policy", [READER, WRITER], ids=lambda policy: policy.role)
@pytest.mark.parametrize("sql", MUST_BE_REFUSED)
def test_what_can_do_harm_is_refused(stage: Stage, policy: RolePolicy, sql: str) -> None:
    assert review(sql, policy, stage.catalog).refusal is not None
