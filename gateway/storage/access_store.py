"""The access store over a database: implements `gateway.access.store`, one module a concern.

Every value goes in as a parameter; the SQL texts are constants.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from gateway.access.store import Change
from gateway.notices.outbox import Outgoing
from gateway.storage.clock import ClockChange, ClockRead
from gateway.storage.database import Database, Transaction
from gateway.storage.door import DoorRead
from gateway.storage.emergencies import EmergenciesChange, EmergenciesRead
from gateway.storage.grants import GrantsChange, GrantsRead
from gateway.storage.handed_over import HandedOverChange, HandedOverRead
from gateway.storage.issued import IssuedChange, IssuedRead
from gateway.storage.outbox import put_out
from gateway.storage.people import PeopleChange, PeopleRead
from gateway.storage.requests import RequestsChange, RequestsRead


class Reading(PeopleRead, RequestsRead, GrantsRead, EmergenciesRead, IssuedRead, DoorRead, HandedOverRead, ClockRead):
    """The questions, asked of what is committed or of an open transaction."""


class StoredChange(
    PeopleChange,
    RequestsChange,
    GrantsChange,
    EmergenciesChange,
    IssuedChange,
    HandedOverChange,
    ClockChange,
    Reading,
):
    """One transaction."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self._transaction = transaction
        self._write = transaction.write

    async def put_out(self, outgoing: Iterable[Outgoing], at: datetime) -> None:
        """Keep notices that are sent once this change is committed."""
        await put_out(self._transaction, outgoing, at)


Around = Callable[[StoredChange], AbstractAsyncContextManager[None]]


def alone(change: StoredChange) -> AbstractAsyncContextManager[None]:
    """Nothing goes along."""
    return contextlib.nullcontext()


class StoredAccess(Reading):
    """The access store over an open database, which stays its owner's to close."""

    def __init__(self, database: Database, around: Around = alone) -> None:
        """`around` is entered within each change, and may add to it what goes along."""
        super().__init__(database)
        self.database = database
        self._around = around

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """One transaction; see `gateway.access.store`."""
        async with self.database.transaction() as transaction:
            change = StoredChange(transaction)
            async with self._around(change):
                yield change
