"""What a store needs of a database. `sqlite` and `postgres` are the two that there are.

One SQL text serves both: `?` for parameters, BIGINT microseconds for times, 0 and 1 for truth, and nothing that only
one of them knows. Where they differ in kind, the difference is here: how one writes alone, and how one hears of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

#: How many values one `IN (…)` takes; a longer list is asked in parts.
MOST_AT_ONCE = 500
_SIZES = (1, 8, 64, MOST_AT_ONCE)
_T = TypeVar("_T")


class Row(Protocol):
    """A row: by the name or the number of a column."""

    def __getitem__(self, key: Any, /) -> Any: ...


class Source(Protocol):
    """Answers queries: of what is committed, or of an open transaction."""

    async def read(self, sql: str, values: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query. Raises StoreUnavailable."""
        ...


class Transaction(Source, Protocol):
    """What may be done within `Database.transaction`. Its reads see its writes."""

    async def write(self, sql: str, values: Iterable[object] = ()) -> int:
        """How many rows the statement changed. Raises StoreUnavailable, StoreViolated."""
        ...


class Database(Source, Protocol):
    """An open store. `read` sees what is committed; `transaction` is the one way to write."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A write transaction: committed, and on disk, when the block ends well; otherwise as if never begun.
        One at a time writes, in this process and in all others. Raises StoreUnavailable."""
        ...

    async def watch(self, changed: Callable[[], None]) -> None:
        """Until cancelled: call `changed` whenever another gateway has written something, and when that could have
        been missed. Where there is no other gateway, never."""
        ...

    async def close(self) -> None:
        """Whoever is in a transaction is waited for."""
        ...


def in_parts(values: Sequence[_T]) -> Iterator[tuple[str, list[_T]]]:
    """The values in parts, each with its `(?, ?, …)`: a part is filled up with its last value to one of few lengths,
    so that there are few statements to prepare."""
    for start in range(0, len(values), MOST_AT_ONCE):
        part = list(values[start : start + MOST_AT_ONCE])
        size = next(size for size in _SIZES if size >= len(part))
        part += part[-1:] * (size - len(part))
        yield f"({', '.join('?' * size)})", part
