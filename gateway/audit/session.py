"""The record of one session: what is not in it when `append` returns must not happen, and where the disk is
to have it first, not before `on_disk` is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from gateway.audit.chain import json_of
from gateway.audit.facts import Fact, Sealed, SessionClosed
from gateway.audit.group import GroupCommit
from gateway.audit.journal import Journal, RecordUnavailable
from gateway.audit.seal import Sealer


class SessionRecord:
    """The record of one session."""

    __slots__ = ("_aside", "_ended", "_facts", "_group", "_sealer", "_waits", "journal")

    def __init__(
        self,
        journal: Journal,
        sealer: Sealer | None,
        group: GroupCommit | None,
        ended: Callable[[SessionRecord], None],
        waits: Callable[[SessionRecord], None],
    ) -> None:
        self.journal = journal
        self._sealer = sealer
        self._group = group
        #: Told once that the session is over; something may still wait to be written.
        self._ended = ended
        #: Told that something waits to be written: `flush` is to be called in a moment.
        self._waits = waits
        #: What waits.
        self._facts: list[Fact] = []
        #: A thread is writing.
        self._aside = False

    def append(self, facts: Sequence[Fact]) -> None:
        """Record these facts, in this order, all or none, before any of them happens.

        Raises RecordUnavailable: then none of them is recorded, and none may happen. Each
        further call tries anew; the first that succeeds is preceded by a RecordResumed. With
        durability "disk" the data is on disk when this returns.
        """
        waiting, self._facts = self._facts, []
        batch = [*waiting, *facts]
        try:
            self.journal.append(len(batch), lambda seq: self._bodies(batch, seq))
        except RecordUnavailable:
            self._facts[:0] = waiting
            raise

    @property
    def durable(self) -> bool:
        """Must what was appended be on the disk before it may happen?"""
        return self._group is not None

    def on_disk(self) -> asyncio.Future[None]:
        """With durability "disk": done when all that was appended is on the disk, raises RecordUnavailable when
        it cannot be brought there."""
        assert self._group is not None
        return self._group.join(self.journal)

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

    def _bodies(self, facts: Sequence[Fact], seq: int) -> list[bytes]:
        """The bodies of the lines after number `seq`."""
        sealer = self._sealer
        if sealer is None:
            return [b'"event":' + json_of(fact) for fact in facts]
        bodies = []
        for fact in facts:
            seq += 1
            content: Sealed | None = getattr(fact, "sealed", None)
            if content is None:
                bodies.append(b'"event":' + json_of(fact))
            else:
                readable = json_of(replace(fact, sealed=None))
                box = sealer.close(content, seq, getattr(fact, "normalized", ""))
                bodies.append(b'"event":%b,"sealed":%b' % (readable, box))
        return bodies
