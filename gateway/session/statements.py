"""Which statement a name stands for, also while answers are still on their way.

Parse, Bind, Close and SQL's PREPARE, DEALLOCATE, DECLARE, CLOSE share these names, as they do in
PostgreSQL. A change is noted when it is sent and taken back when it fails. Within one batch (up to
a Sync) that is exact: after a failure PostgreSQL skips the rest. Across batches it is not, so
whoever needs a name that an unanswered earlier batch changes must wait (`unsettled`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from gateway.session.judge import Judged, JudgedStatement
from gateway.session.kept import Columns

#: PostgreSQL looks at no more bytes of a name than this (NAMEDATALEN - 1, PG manual, 4.1.1).
NAME_BYTES = 63
#: What one session may keep by name, in number and in memory; its backend keeps as much again.
MOST_NAMES = 10_000
MOST_MEMORY = 64 * 1024 * 1024


class Looked(msgspec.Struct):
    """Whether the second lock has seen what a statement or a portal returns (gateway.session.looking)."""

    #: Versions of the catalog and the policy that its description was checked by.
    by: tuple[str, str] = ("", "")
    #: Does it return rows, as far as it was described?
    rows: bool = False
    #: The batch in which it was last asked for a description.
    batch: int = 0
    #: Where results are recorded: its columns.
    columns: Columns | None = None


class Prepared(msgspec.Struct, frozen=True):
    """A statement that was judged, and the number of the event that says so."""

    number: int
    judged: Judged
    statement: JudgedStatement | None
    #: Made by SQL (PREPARE, DECLARE): `statement` made the name, and what runs is inside it.
    by_sql: bool = False
    looked: Looked = msgspec.field(default_factory=Looked)
    #: The parameters' types (OIDs) as far as anybody has told them: the client's Parse, then PostgreSQL's description.
    types: list[int] = []

    @property
    def weight(self) -> int:
        return self.judged.weight


class Taken(msgspec.Struct):
    """What a portal or a cursor has given so far, over all its pages."""

    rows: int = 0
    bytes: int = 0


class Portal(msgspec.Struct, frozen=True):
    """A prepared statement bound to parameters, or a cursor."""

    prepared: Prepared
    parameters: tuple[str | None, ...] = ()
    #: Kept where results are limited.
    taken: Taken | None = None
    #: Of its own where it runs what a name stands for.
    looked: Looked | None = None
    #: Of its result's columns, as the Bind chose them: none (all text), one for all, or one each.
    formats: tuple[int, ...] = ()

    @property
    def weight(self) -> int:
        return sum(len(value) for value in self.parameters if value is not None)


class _Weighed(Protocol):
    @property
    def weight(self) -> int: ...


Value = TypeVar("Value", bound=_Weighed)
Undo = Callable[[], None]


class Names(Generic[Value]):
    """One name space: what each name stands for once all that was sent has succeeded."""

    __slots__ = ("_all_unsettled", "_changes", "_passing", "_unsettled", "_values", "_weight")

    def __init__(self) -> None:
        self._values: dict[bytes, Value] = {}
        self._weight = 0
        #: The last batch that changed a name, while it is unanswered; `_changes` in order of sending.
        self._unsettled: dict[bytes, int] = {}
        self._changes: list[tuple[int, bytes]] = []
        self._all_unsettled = 0
        #: Names that end with their transaction, and the batch that set them.
        self._passing: dict[bytes, int] = {}

    @property
    def full(self) -> bool:
        """Is there no room for another name?"""
        return len(self._values) >= MOST_NAMES or self._weight >= MOST_MEMORY

    def get(self, name: str) -> Value | None:
        return self._values.get(_key(name))

    def by_bytes(self, name: bytes) -> Value | None:
        """As `get`, of a name as it came, if PostgreSQL looks at all of it."""
        return self._values.get(name)

    def set(self, name: str, value: Value, batch: int, *, passing: bool = False) -> Undo:
        """Note a change sent in `batch`; a `passing` one ends with its transaction. Returns what
        takes it back."""
        key = _key(name)
        before = self._values.get(key)
        self._put(key, value)
        self._changed(key, batch)
        if passing:
            self._passing[key] = batch
        else:
            self._passing.pop(key, None)

        def undo() -> None:
            if self._values.get(key) is value:
                self._put(key, before)

        return undo

    def drop(self, name: str, batch: int) -> Undo:
        key = _key(name)
        before = self._values.get(key)
        if before is None:
            return _nothing
        self._put(key, None)
        self._changed(key, batch)

        def undo() -> None:
            if key not in self._values:
                self._put(key, before)

        return undo

    def drop_all(self, batch: int) -> Undo:
        before = self._values
        self._values = {}
        self._weight = 0
        self._all_unsettled = batch

        def undo() -> None:
            for key, value in before.items():
                if key not in self._values:
                    self._put(key, value)

        return undo

    def forget(self, key: bytes) -> None:
        """A name is dropped by what is answered already."""
        if key in self._values:
            self._put(key, None)
            self._passing.pop(key, None)

    def unsettled(self, name: str, batch: int) -> bool:
        """Does what this name stands for depend on a batch before `batch` that is not answered yet?"""
        changed = self._unsettled.get(_key(name), 0)
        if changed == batch:
            return False
        return changed != 0 or 0 < self._all_unsettled < batch

    def any_unsettled(self, batch: int) -> bool:
        """Does what any name stands for depend on a batch before `batch` that is not answered yet?"""
        return bool(self._changes and self._changes[0][0] < batch) or 0 < self._all_unsettled < batch

    def settle(self, batch: int) -> None:
        """All batches up to this one are answered."""
        changes = self._changes
        settled = 0
        for at, key in changes:
            if at > batch:
                break
            settled += 1
            if self._unsettled.get(key, batch + 1) <= batch:
                del self._unsettled[key]
        del changes[:settled]
        if self._all_unsettled <= batch:
            self._all_unsettled = 0

    def join(self, batch: int) -> None:
        """This batch goes on in the next: PostgreSQL ignored the Sync between them."""
        if self._all_unsettled == batch:
            self._all_unsettled = batch + 1
        self._changes = [(at + (at == batch), key) for at, key in self._changes]
        for key, at in self._unsettled.items():
            if at == batch:
                self._unsettled[key] = batch + 1

    def end_transaction(self, batch: int) -> None:
        """The transaction of this batch is over: what it set and does not outlive it is gone."""
        if not self._passing:
            return
        later: dict[bytes, int] = {}
        for key, at in self._passing.items():
            if at > batch:
                later[key] = at
            else:
                self._put(key, None)
        self._passing = later

    def _changed(self, key: bytes, batch: int) -> None:
        if self._unsettled.get(key) != batch:
            self._unsettled[key] = batch
            self._changes.append((batch, key))

    def _put(self, key: bytes, value: Value | None) -> None:
        before = self._values.pop(key, None)
        if before is not None:
            self._weight -= before.weight
        if value is not None:
            self._values[key] = value
            self._weight += value.weight


def _key(name: str) -> bytes:
    """Names that PostgreSQL takes for one are one."""
    return name.encode("utf-8")[:NAME_BYTES]


def _nothing() -> None:
    return None
