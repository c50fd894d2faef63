"""Numbered .sql files bring a store to this version's schema, in order, each once.

All that is missing is applied in one transaction; a store that a newer version wrote is refused.

A file is written once, for SQLite, and read for PostgreSQL with a few words replaced (`WORDS`). What the two say
differently, such as a trigger, stands under a line `-- [sqlite]` and again under `-- [postgresql]`; a line `-- [both]`
ends that.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

from gateway.access.store import StoreNotUsable

__all__ = [
    "WRITER_LOCK",
    "Engine",
    "Migration",
    "StoreNotUsable",
    "migrate",
    "migrate_postgres",
    "migrations",
    "statements",
    "written_for",
]

Engine = Literal["sqlite", "postgresql"]

#: "pgcf": tells our files from other SQLite files, and our advisory locks from those of others.
APPLICATION_ID: Final = 0x70676366
#: The advisory lock (PG manual, 13.3.5) of whoever writes to a store on PostgreSQL.
WRITER_LOCK: Final = APPLICATION_ID << 8 | 1
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_SECTION: Final = re.compile(r"--\s*\[(sqlite|postgresql|both)\]\s*")
#: What our files write, and what PostgreSQL calls it.
WORDS: Final = (
    (re.compile(r"\bINTEGER PRIMARY KEY AUTOINCREMENT\b"), "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    (re.compile(r"\bINTEGER\b"), "BIGINT"),
    (re.compile(r"\bBLOB\b"), "BYTEA"),
    (re.compile(r"\)\s*(?:STRICT|WITHOUT ROWID)(?:,\s*(?:STRICT|WITHOUT ROWID))?;"), ");"),
)


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    script: str


def migrations() -> tuple[Migration, ...]:
    """The migrations that come with this version, numbered 1, 2, 3, …"""
    files = resources.files("gateway.storage").joinpath("migrations").iterdir()
    found = [
        Migration(int(match[1]), file.name, file.read_text("utf-8"))
        for file in sorted(files, key=lambda file: file.name)
        if (match := _NAME.fullmatch(file.name))
    ]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise StoreNotUsable("the migrations of this installation are incomplete; install pgcurfew again")
    return tuple(found)


def written_for(engine: Engine, script: str) -> str:
    """The script as one of the two understands it."""
    lines: list[str] = []
    meant = "both"
    for line in script.splitlines(keepends=True):
        if section := _SECTION.fullmatch(line.strip()):
            meant = section[1]
        elif meant == engine or (meant == "both" and engine == "sqlite"):
            lines.append(line)
        elif meant == "both":
            lines.append(line if line.lstrip().startswith("--") else _in_other_words(line))
    return "".join(lines)


def migrate(connection: sqlite3.Connection, steps: tuple[Migration, ...]) -> int:
    """Apply what is missing and return the schema's number. `connection` is in autocommit mode.
    Raises StoreNotUsable."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        present = _present(connection, len(steps))
        for step in steps[present:]:
            for statement in statements(written_for("sqlite", step.script)):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return len(steps)


async def migrate_postgres(connection: Any, steps: tuple[Migration, ...]) -> int:
    """The same through an asyncpg connection, into its current schema. Several gateways that start at once wait
    for each other. Raises StoreNotUsable, and what asyncpg raises."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", WRITER_LOCK)
        present = await _present_on_postgres(connection, len(steps))
        for step in steps[present:]:
            await connection.execute(written_for("postgresql", step.script))
        if present < len(steps):
            await connection.execute("UPDATE pgcurfew_schema SET version = $1", len(steps))
    return len(steps)


def statements(script: str) -> Iterator[str]:
    """The script's statements one by one: `executescript` would commit before it begins."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in pending.splitlines()):
        raise StoreNotUsable("a migration of this installation ends in the middle of a statement")


def _in_other_words(line: str) -> str:
    for pattern, word in WORDS:
        line = pattern.sub(word, line)
    return line


def _present(connection: sqlite3.Connection, newest: int) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application not in (0, APPLICATION_ID) or (application == 0 and tables):
        raise StoreNotUsable("the file is an SQLite database of another program")
    return _not_newer(version, newest)


async def _present_on_postgres(connection: Any, newest: int) -> int:
    schema = await connection.fetchval("SELECT current_schema()")
    if schema is None:
        raise StoreNotUsable("the store's login finds no schema on its search_path; create one for it")
    if await connection.fetchval("SELECT to_regclass(quote_ident(current_schema()) || '.pgcurfew_schema') IS NOT NULL"):
        return _not_newer(await connection.fetchval("SELECT version FROM pgcurfew_schema"), newest)
    others = await connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace"
        " AND relkind IN ('r', 'p', 'v', 'm', 'f')"
    )
    if others:
        raise StoreNotUsable(
            f'the schema "{schema}" of the store holds tables of another program; give pgcurfew a database of its own'
        )
    await connection.execute("CREATE TABLE pgcurfew_schema (version BIGINT NOT NULL)")
    await connection.execute("INSERT INTO pgcurfew_schema VALUES (0)")
    return 0


def _not_newer(version: int, newest: int) -> int:
    if version > newest:
        raise StoreNotUsable(
            f"the store has schema {version}, this version of pgcurfew knows up to {newest}; install the newer version"
        )
    return version
