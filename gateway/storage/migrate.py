"""Numbered .sql files bring a store to this version's schema, in order, each once.

All that is missing is applied in one transaction; a store that a newer version wrote is refused.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Final

from gateway.access.store import StoreNotUsable

__all__ = ["Migration", "StoreNotUsable", "migrate", "migrations", "statements"]

#: "pgcf": tells our files from other SQLite files.
APPLICATION_ID: Final = 0x70676366
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


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


def migrate(connection: sqlite3.Connection, steps: tuple[Migration, ...]) -> int:
    """Apply what is missing and return the schema's number. `connection` is in autocommit mode.
    Raises StoreNotUsable."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        present = _present(connection, len(steps))
        for step in steps[present:]:
            for statement in statements(step.script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
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


def _present(connection: sqlite3.Connection, newest: int) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application not in (0, APPLICATION_ID) or (application == 0 and tables):
        raise StoreNotUsable("the file is an SQLite database of another program")
    if version > newest:
        raise StoreNotUsable(
            f"the store has schema {version}, this version of pgcurfew knows up to {newest}; install the newer version"
        )
    return int(version)
