"""The index's tables, and how its file is opened.

An event's id is its time in microseconds, times 1024, plus a number that tells events of the same microsecond
apart: the table is in order of time, and so is each index on it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

#: The index's file, in the gateway's record directory.
FILE: Final = "index.sqlite"
#: Of these tables. An index of another version is made anew.
VERSION: Final = 1
#: "pgci": tells our files from other SQLite files.
APPLICATION_ID: Final = 0x70676369

MICROSECONDS_A_DAY: Final = 86_400_000_000
#: Events of one microsecond.
SAME_MOMENT: Final = 1024
IDS_A_DAY: Final = MICROSECONDS_A_DAY * SAME_MOMENT

OUTCOMES: Final = ("", "done", "failed", "suspended", "skipped", "cut", "refused")

_TABLES: Final = """
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    place TEXT NOT NULL UNIQUE,       -- below the gateway's own directory: '', 'worker-1', …
    name TEXT NOT NULL,               -- the record's id
    ledger INTEGER NOT NULL DEFAULT 0 -- so many bytes of its ledger are read
);
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0, -- so many are read, of the log as it was written
    state INTEGER NOT NULL DEFAULT 0, -- 0 open, 1 closed, 2 read to its end
    UNIQUE (record, name)
);
CREATE INDEX log_to_read ON log (state) WHERE state < 2;
CREATE TABLE holder (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    target TEXT NOT NULL,
    role TEXT NOT NULL,
    UNIQUE (person, target, role)
);
CREATE TABLE session (
    id INTEGER PRIMARY KEY,           -- its log's
    name TEXT NOT NULL,
    holder INTEGER NOT NULL,
    under TEXT NOT NULL,              -- the grant
    reason TEXT NOT NULL,
    client TEXT NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL DEFAULT ''
);
CREATE INDEX session_of_grant ON session (under);
CREATE INDEX session_by_name ON session (name);
CREATE INDEX session_of_holder ON session (holder);
CREATE TABLE shape (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    normalized TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    verdict TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    touched TEXT NOT NULL             -- JSON: read, written, masks, lookups
);
CREATE INDEX shape_by_fingerprint ON shape (fingerprint);
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    is_column INTEGER NOT NULL,
    UNIQUE (text, is_column)
);
CREATE TABLE touched (
    name INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (name, shape, written)
) WITHOUT ROWID;
CREATE INDEX touched_by_shape ON touched (shape);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    number INTEGER NOT NULL,
    line INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    microseconds INTEGER NOT NULL,
    sqlstate TEXT                     -- null: none
);
CREATE TABLE tally (
    shape INTEGER NOT NULL,
    day INTEGER NOT NULL,
    holder INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (shape, day, holder)
) WITHOUT ROWID;
CREATE TABLE tally_shape (
    shape INTEGER NOT NULL,
    day INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (shape, day)
) WITHOUT ROWID;
CREATE TABLE tally_holder (
    holder INTEGER NOT NULL,
    day INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (holder, day)
) WITHOUT ROWID;
CREATE TABLE affair (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    line INTEGER NOT NULL,
    what TEXT NOT NULL,
    by TEXT NOT NULL,
    person TEXT NOT NULL,
    request TEXT NOT NULL,
    under TEXT NOT NULL,
    target TEXT NOT NULL,
    role TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX affair_of_grant ON affair (under) WHERE under <> '';
CREATE INDEX affair_of_request ON affair (request) WHERE request <> '';
CREATE TABLE pass (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL               -- when the index last held all that the record did (microseconds)
);
"""

#: Made when the index is filled for the first time: what is sorted at once is sorted faster.
_INDEXES: Final = """
CREATE INDEX IF NOT EXISTS event_of_session ON event (session, number);
CREATE INDEX IF NOT EXISTS event_of_shape ON event (shape);
CREATE INDEX IF NOT EXISTS event_with_error ON event (sqlstate) WHERE sqlstate IS NOT NULL;
CREATE INDEX IF NOT EXISTS tally_of_holder ON tally (holder, day, shape, events);
"""

#: Words of the normalised texts; where SQLite has no FTS5, texts are looked through one by one.
_WORDS: Final = "CREATE VIRTUAL TABLE words USING fts5(normalized, content='', tokenize=\"unicode61 tokenchars '_$'\")"


class NoIndex(Exception):
    """There is no index that this version could read."""


def writable(path: Path) -> sqlite3.Connection:
    """The index for whoever fills it: made when it is missing or of another version. Mode 0600, as the record.
    Raises sqlite3.Error, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # What a power cut takes away is read again from the record.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA temp_store = MEMORY")
        if _version(connection) != (APPLICATION_ID, VERSION):
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) != (APPLICATION_ID, VERSION):  # still, now that nobody else writes
                _make(connection)
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def readable(path: Path) -> sqlite3.Connection:
    """The index for who asks. Raises NoIndex."""
    if not path.is_file():
        raise NoIndex("there is no index yet")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None)
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        if _version(connection) != (APPLICATION_ID, VERSION):
            connection.close()
            raise NoIndex("the index is of another version")
    except sqlite3.Error as error:
        raise NoIndex(f"the index cannot be read: {error}") from error
    return connection


def has_words(connection: sqlite3.Connection) -> bool:
    """Whether the index was made with full text search."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'words'").fetchone() is not None


def add_indexes(connection: sqlite3.Connection) -> None:
    """Make what speeds up asking, unless it is there."""
    for statement in _INDEXES.split(";"):
        if statement.strip():
            connection.execute(statement)


def clear(connection: sqlite3.Connection) -> None:
    """Forget everything; the next pass reads the record from its beginning."""
    connection.execute("BEGIN IMMEDIATE")
    _make(connection)
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> tuple[int, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _make(connection: sqlite3.Connection) -> None:
    """Within a transaction: empty tables, whatever there was."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL").fetchall()
    names = [name for (name,) in found if not name.startswith(("sqlite_", "words_"))]
    for name in names:
        connection.execute(f'DROP TABLE "{name}"')
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    with contextlib.suppress(sqlite3.OperationalError):  # this SQLite was built without FTS5
        connection.execute(_WORDS)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
