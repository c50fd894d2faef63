"""The record of one session: what is not in it when `append` returns must not happen."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from gateway.audit.chain import json_of
from gateway.audit.facts import Fact, Sealed, SessionClosed
from gateway.audit.journal import Journal, RecordUnavailable
from gateway.audit.seal import Sealer


class SessionRecord:
    """The record of one session."""

    __slots__ = ("_aside", "_durable", "_ended", "_facts", "_journal", "_sealer", "_waits")

    def __init__(
        self,
        journal: Journal,
        sealer: Sealer | None,
        durable: bool,
        ended: Callable[[SessionRecord], None],
        waits: Callable[[SessionRecord], None],
    ) -> None:
        self._journal = journal
        self._sealer = sealer
        self._durable = durable
        #: Told once that the session is over; something may still wait to be written.
        self._ended = ended
        #: Told that something waits to be written: `flush` is to be called in a moment.
        self._waits = waits
        #: What waits, and during a write what is being written after it.
        self._facts: list[Fact] = []
        #: A thread is writing.
        self._aside = False

    def append(self, facts: Sequence[Fact]) -> None:
        """Record these facts, in this order, all or none, before any of them happens.

        Raises RecordUnavailable: then none of them is recorded, and none may happen. Each
        further call tries anew; the first that succeeds is preceded by a RecordResumed. With
        durability "disk" the data is on disk when this returns.
        """
        waiting = self._facts
        before = len(waiting)
        waiting += facts
        try:
            self._journal.append(len(waiting), self._bodies)
        except RecordUnavailable:
            del waiting[before:]
            raise
        waiting.clear()
        if self._durable:
            self._journal.sync()

    async def append_aside(self, facts: Sequence[Fact]) -> None:
        """As `append`, in a thread: megabytes take a quarter of a second to seal, hash and write. Until it
        returns nothing else may be recorded here but what `flush` would write. Raises RecordUnavailable."""
        self._aside = True
        try:
            await asyncio.to_thread(self.append, facts)
        finally:
            self._aside = False

    def append_soon(self, facts: Sequence[Fact]) -> None:
        """Record what has happened already, how statements came out: with the next facts that are
        recorded, and before them, or when `flush` is called. Never raises."""
        if not self._facts:
            self._waits(self)
        self._facts += facts

    def flush(self) -> None:
        """Write what waits. Raises RecordUnavailable; then it goes on waiting."""
        if self._facts and not self._aside:
            self.append(())

    def close(self, fact: SessionClosed) -> None:
        """The last event. Never raises: what the disk does not take now is written when it does."""
        self._facts.append(fact)
        # What fails is stated in the log itself as RecordResumed; Recorder.sync goes on trying.
        with contextlib.suppress(RecordUnavailable):
            self.append(())
        self._ended(self)

    def _bodies(self, seq: int) -> list[bytes]:
        """The bodies of the lines after number `seq`."""
        sealer = self._sealer
        if sealer is None:
            return [b'"event":' + json_of(fact) for fact in self._facts]
        bodies = []
        for fact in self._facts:
            seq += 1
            content: Sealed | None = getattr(fact, "sealed", None)
            if content is None:
                bodies.append(b'"event":' + json_of(fact))
            else:
                readable = json_of(replace(fact, sealed=None))
                bodies.append(b'"event":%b,"sealed":%b' % (readable, sealer.close(content, seq)))
        return bodies
