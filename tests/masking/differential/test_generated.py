"""Made-up statements answer through the gateway as they do directly. PGCURFEW_EXAMPLES says how many."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.masking.differential.generated import Examination
from tests.masking.differential.queries import Made, statements
from tests.masking.differential.stage import Market

EXAMPLES = int(os.environ.get("PGCURFEW_EXAMPLES", "300"))


@pytest.fixture(scope="module")
def examination(market: Market) -> Iterator[Examination]:
    with Examination(market) as found:
        yield found
    # What looks at clear columns only is never refused; of the rest, next to nothing is.
    assert "clear, refused" not in found.tally.ran, found.tally
    assert found.tally.ran["masked, refused"] * 100 <= sum(found.tally.ran.values()), found.tally


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(made=statements())
def test_a_made_up_statement_answers_as_it_does_directly(examination: Examination, made: Made) -> None:
    assert not examination.differences(made), (made.sql, made.parameters)
