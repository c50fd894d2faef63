"""Migrations apply once, in order, whole, and say the same on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.access.store import StoreNotUsable
from gateway.storage.migrate import Migration, migrate, migrations, statements, written_for


def test_a_script_falls_into_its_statements() -> None:
    script = "-- one; two\nCREATE TABLE t (a TEXT DEFAULT ';');\n"
    script += "CREATE TRIGGER x BEFORE INSERT ON t\nBEGIN\nSELECT 1;\nEND;\n"
    assert len(list(statements(script))) == 2
    with pytest.raises(StoreNotUsable):
        list(statements("CREATE TABLE t (a"))


def test_migrations_apply_in_order_once_and_whole(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    one = Migration(1, "0001_a.sql", "CREATE TABLE a (x);\nINSERT INTO a VALUES (1);")
    two = Migration(2, "0002_b.sql", "ALTER TABLE a ADD COLUMN y;")
    bad = Migration(2, "0002_b.sql", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);")
    assert migrate(connection, (one,)) == 1
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (one, bad))
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'b'").fetchone() == (0,)
    assert migrate(connection, (one, two)) == 2
    assert migrate(connection, (one, two)) == 2
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, None)]
    with pytest.raises(StoreNotUsable, match="newer"):
        migrate(connection, (one,))
    connection.close()


def test_the_migrations_of_this_version_are_numbered_without_a_gap() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_what_is_written_once_is_read_by_both() -> None:
    script = """-- an INTEGER
CREATE TABLE t (
    a INTEGER PRIMARY KEY AUTOINCREMENT, b INTEGER, c BLOB
) STRICT, WITHOUT ROWID;
-- [sqlite]
only here;
-- [postgresql]
only there;
-- [both]
CREATE INDEX i ON t (b);
"""
    assert written_for("sqlite", script) == script.replace("-- [sqlite]\n", "").replace(
        "-- [postgresql]\nonly there;\n-- [both]\n", ""
    )
    assert (
        written_for("postgresql", script)
        == """-- an INTEGER
CREATE TABLE t (
    a BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b BIGINT, c BYTEA
);
only there;
CREATE INDEX i ON t (b);
"""
    )
