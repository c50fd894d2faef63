"""The process that judges long statements: the same verdicts, within limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.session.chamber import Chamber
from gateway.session.judge import Judge
from tests.gateway.session.test_relay import CATALOG, POLICY

TEXTS = (
    b"SELECT email, id FROM customers",
    b"DROP TABLE customers",
    b"SELEC 1",
    "SELECT 'ä'; SELECT nosuch".encode(),
    b"SELECT '\xff'",
    b"",
)


@pytest.fixture
def chamber() -> Iterator[Chamber]:
    made = Chamber()
    yield made
    made.close()


async def test_the_same_verdicts_as_here(chamber: Chamber) -> None:
    judge = Judge(POLICY, CATALOG)
    for text in TEXTS:
        assert await chamber.judge(POLICY, CATALOG, text) == judge.judge(text)


async def test_what_takes_too_long_is_refused_and_the_next_is_judged(chamber: Chamber) -> None:
    await chamber.judge(POLICY, CATALOG, b"SELECT 1")
    impatient = Chamber(seconds=0.01)
    judged = await impatient.judge(POLICY, CATALOG, b"SELECT 1;" * 10_000)
    assert judged.refusal is not None
    assert judged.refusal.sqlstate == "54000"
    assert judged.sent == b""
    impatient.close()
    assert (await chamber.judge(POLICY, CATALOG, b"SELECT 1")).refusal is None


async def test_a_process_that_died_is_replaced(chamber: Chamber) -> None:
    await chamber.judge(POLICY, CATALOG, b"SELECT 1")
    assert chamber._process is not None
    chamber._process.kill()
    await chamber._process.wait()
    assert (await chamber.judge(POLICY, CATALOG, b"SELECT 1")).refusal is None
