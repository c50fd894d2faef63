"""Which statement a name stands for, also while answers are still on their way.

Parse, Bind, Close and SQL's PREPARE, DEALLOCATE, DECLARE, CLOSE share these names, as they do in
PostgreSQL. A change is noted when it is sent and taken back when it fails. Within one batch (up to
a Sync) that is exact: after a failure PostgreSQL skips the rest. Across batches it is not, so
whoever needs a name that an unanswered earlier batch changes must wait (`unsettled`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.session.judge import Judged, JudgedStatement


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that was judged, and the number of the event that says so."""

    number: int
    judged: Judged
    statement: JudgedStatement | None


@dataclass(frozen=True, slots=True)
class Portal:
    """A prepared statement bound to parameters, or a cursor."""

    prepared: Prepared
    parameters: tuple[str | None, ...] = ()


Value = TypeVar("Value")
Undo = Callable[[], None]


class Names(Generic[Value]):
    """One name space: what each name stands for once all that was sent has succeeded."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._unsettled: dict[str, int] = {}
        self._all_unsettled = 0

    def get(self, name: str) -> Value | None:
        return self._values.get(name)

    def set(self, name: str, value: Value, batch: int) -> Undo:
        """Note a change sent in `batch`. Returns what takes it back."""
        before = self._values.get(name)
        self._values[name] = value
        self._unsettled[name] = batch

        def undo() -> None:
            if self._values.get(name) is value:
                self._put_back(name, before)

        return undo

    def drop(self, name: str, batch: int) -> Undo:
        before = self._values.pop(name, None)
        if before is None:
            return _nothing
        self._unsettled[name] = batch

        def undo() -> None:
            if name not in self._values:
                self._put_back(name, before)

        return undo

    def drop_all(self, batch: int) -> Undo:
        before = self._values
        self._values = {}
        self._all_unsettled = batch

        def undo() -> None:
            self._values = {**before, **self._values}

        return undo

    def unsettled(self, name: str, batch: int) -> bool:
        """Does what this name stands for depend on a batch before `batch` that is not answered yet?"""
        changed = self._unsettled.get(name, 0)
        if changed == batch:
            return False
        return changed != 0 or 0 < self._all_unsettled < batch

    def settle(self, batch: int) -> None:
        """All batches up to this one are answered."""
        if self._unsettled:
            self._unsettled = {name: at for name, at in self._unsettled.items() if at > batch}
        if self._all_unsettled <= batch:
            self._all_unsettled = 0

    def _put_back(self, name: str, before: Value | None) -> None:
        if before is None:
            self._values.pop(name, None)
        else:
            self._values[name] = before


def _nothing() -> None:
    return None
