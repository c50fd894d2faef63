"""A store for a test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from config.store import Store
from gateway.storage.database import Database
from gateway.storage.opening import open_database


@contextlib.asynccontextmanager
async def opened(where: Path | Store) -> AsyncIterator[Database]:
    """Closed in any case: a thread that is left would keep the tests from ending."""
    database = await open_database(where)
    try:
        yield database
    finally:
        await database.close()
