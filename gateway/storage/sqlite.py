"""One SQLite file through aiosqlite: one connection writes, another reads.

Durable: write-ahead log with synchronous=FULL, so a commit that returned survives kill -9
and a power cut. Other processes on this host (`pgcurfew user …`) may write in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

import aiosqlite

from gateway.access.store import StoreNotUsable, StoreUnavailable, StoreViolated
from gateway.storage.migrate import migrate, migrations

_PRAGMAS = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)


class SqliteDatabase:
    """An open store in a file: implements `gateway.storage.database.Database`."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, making it (mode 0600) and its schema when they are missing. Raises
        StoreNotUsable."""
        _make(path)
        opened: list[aiosqlite.Connection] = []
        try:
            await asyncio.to_thread(_bring_up_to_date, path)
            writer = await _connect(path, opened)
            reader = await _connect(path, opened)
            await reader.execute("PRAGMA query_only = ON")
        except BaseException as error:
            for connection in opened:
                await connection.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise StoreNotUsable(f"the store {path} cannot be used: {error}") from error
            raise
        return cls(writer, reader)

    async def close(self) -> None:
        """Close the file; whoever is in a transaction is waited for."""
        async with self._writing:
            await self._reader.close()
            await self._writer.close()

    async def read(self, sql: str, values: Iterable[object] = ()) -> list[sqlite3.Row]:
        """Rows of a query over what is committed."""
        with _in_our_words():
            return list(await self._reader.execute_fetchall(sql, tuple(values)))

    async def watch(self, changed: Callable[[], None]) -> None:
        """One gateway has the file. What `pgcurfew user` and its like write is handed over, and found soon."""
        await asyncio.Event().wait()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        """A write transaction: committed when the block ends well, otherwise as if never begun."""
        async with self._writing:
            committed = False
            try:
                with _in_our_words():
                    await self._writer.execute("BEGIN IMMEDIATE")
                yield SqliteTransaction(self._writer)
                with _in_our_words():
                    await self._writer.execute("COMMIT")
                committed = True
            finally:
                if not committed:
                    await asyncio.shield(asyncio.ensure_future(_roll_back(self._writer)))


class SqliteTransaction:
    """What may be done within a transaction of the file."""

    def __init__(self, writer: aiosqlite.Connection) -> None:
        self._writer = writer

    async def read(self, sql: str, values: Iterable[object] = ()) -> list[sqlite3.Row]:
        """Rows of a query that sees this transaction's own writes."""
        with _in_our_words():
            return list(await self._writer.execute_fetchall(sql, tuple(values)))

    async def write(self, sql: str, values: Iterable[object] = ()) -> int:
        """How many rows the statement changed."""
        with _in_our_words():
            async with self._writer.execute(sql, tuple(values)) as cursor:
                return cursor.rowcount


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    """What the disk or another process did to us, and what the schema refuses."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StoreViolated(f"the store refuses the change: {error}") from error
    except (sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.InternalError, sqlite3.NotSupportedError):
        raise
    except sqlite3.DatabaseError as error:  # what the file is like, and what the disk says
        raise StoreUnavailable(f"the store cannot be used now: {error}") from error


async def _roll_back(writer: aiosqlite.Connection) -> None:
    """Queued behind whatever we were cancelled in, so it ends that too; where that was the
    COMMIT itself, there is nothing left to roll back."""
    with contextlib.suppress(sqlite3.OperationalError):
        await writer.execute("ROLLBACK")


def _bring_up_to_date(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        migrate(connection, migrations())


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreNotUsable(f"the store {path} cannot be opened: {error.strerror}") from error


async def _connect(path: Path, opened: list[aiosqlite.Connection]) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    opened.append(connection)
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        await connection.execute(pragma)
    return connection
