"""The market, once for each worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.masking.differential.stage import Market, open_market
from tests.support.postgres import SampleDatabase

#: The cases use what this version knows (JSON_TABLE, MERGE … RETURNING, \drg).
YOUNG_ENOUGH = 17


@pytest.fixture(scope="session")
def market(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    if sample_database.postgres.version < YOUNG_ENOUGH:
        pytest.skip("the cases are written for a younger PostgreSQL")
    with open_market(sample_database, tmp_path_factory.mktemp("market")) as found:
        yield found
