"""Shapes: what all statements have in common that differ in their constants only. There are some thousands
of them where there are millions of statements, so what is asked of texts and names is asked of these."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

#: So many are remembered; the others are looked up.
_REMEMBERED = 50_000

_encode = msgspec.json.Encoder().encode


class Touched(msgspec.Struct, frozen=True, omit_defaults=True):
    """Names that a statement touches, as in StatementJudged."""

    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    #: Relations of which no column may have been touched, such as in count(*).
    relations: tuple[str, ...] = ()


class Shape(msgspec.Struct, frozen=True):
    """What a statement's shape is made of."""

    normalized: str
    fingerprint: str
    kind: str
    verdict: str
    rule: str
    reason: str
    touched: Touched


class Shapes:
    """Their numbers in the index; made when they are first seen."""

    def __init__(self, connection: sqlite3.Connection, *, words: bool) -> None:
        self._connection = connection
        self._words = words
        self._numbers: OrderedDict[Shape, int] = OrderedDict()
        self._names: dict[tuple[str, bool], int] = {}

    def number(self, shape: Shape) -> int:
        """The shape's number. Within a transaction of whoever fills the index."""
        known = self._numbers.get(shape)
        if known is not None:
            self._numbers.move_to_end(shape)
            return known
        number = self._found(shape)
        self._numbers[shape] = number
        if len(self._numbers) > _REMEMBERED:
            self._numbers.popitem(last=False)
        return number

    def forget(self) -> None:
        """A transaction was taken back."""
        self._numbers.clear()
        self._names.clear()

    def drop(self, number: int) -> None:
        """Forget a shape of which no statement is left."""
        execute = self._connection.execute
        if execute("SELECT 1 FROM tally_shape WHERE shape = ?", (number,)).fetchone() is not None:
            return
        row = execute("SELECT normalized FROM shape WHERE id = ?", (number,)).fetchone()
        if row is None:
            return
        if self._words and row[0]:
            execute("INSERT INTO words (words, rowid, normalized) VALUES ('delete', ?, ?)", (number, row[0]))
        execute("DELETE FROM touched WHERE shape = ?", (number,))
        execute("DELETE FROM shape WHERE id = ?", (number,))
        self._numbers.clear()

    def _found(self, shape: Shape) -> int:
        touched = _encode(shape.touched)
        parts = (shape.normalized, shape.fingerprint, shape.kind, shape.verdict, shape.rule, shape.reason)
        digest = blake2b(_encode(parts) + touched, digest_size=16).digest()
        row = self._connection.execute("SELECT id FROM shape WHERE digest = ?", (digest,)).fetchone()
        if row is not None:
            return int(row[0])
        number = self._connection.execute(
            "INSERT INTO shape (digest, normalized, fingerprint, kind, verdict, rule, reason, touched)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (digest, *parts, touched.decode()),
        ).lastrowid
        assert number is not None
        self._touch(number, shape.touched)
        if self._words and shape.normalized:
            self._connection.execute("INSERT INTO words (rowid, normalized) VALUES (?, ?)", (number, shape.normalized))
        return number

    def _touch(self, number: int, touched: Touched) -> None:
        rows = {(self._name(relation, False), number, False) for relation in touched.relations}
        for columns, written in ((touched.read, False), (touched.written, True)):
            rows |= {(self._name(column, True), number, written) for column in columns}
            rows |= {(self._name(relation, False), number, written) for relation in relations_of(columns)}
        rows |= {(self._name(column, True), number, False) for column in touched.lookups}
        self._connection.executemany("INSERT OR IGNORE INTO touched (name, shape, written) VALUES (?, ?, ?)", rows)

    def _name(self, text: str, is_column: bool) -> int:
        known = self._names.get((text, is_column))
        if known is None:
            self._connection.execute("INSERT OR IGNORE INTO name (text, is_column) VALUES (?, ?)", (text, is_column))
            (known,) = self._connection.execute(
                "SELECT id FROM name WHERE text = ? AND is_column = ?", (text, is_column)
            ).fetchone()
            self._names[text, is_column] = int(known)
        return int(known)


def relations_of(columns: Sequence[str]) -> set[str]:
    """ "public.customers.email" is a column of "public.customers"."""
    return {column.rpartition(".")[0] for column in columns}
