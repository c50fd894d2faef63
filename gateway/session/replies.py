"""Whose answer is whose: what was sent and is not answered yet, in order.

PostgreSQL answers in the order of asking; after an error in a batch it skips to the Sync. This
queue follows it. An answer that nobody waits for ends the session (fail closed).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.session.judge import Judged
from gateway.session.kept import Columns, Kept
from gateway.session.statements import Looked, Portal, Prepared, Taken, Undo
from masking.verdict import Refusal

#: Kinds of client messages.
QUERY, PARSE, BIND, DESCRIBE, EXECUTE, CLOSE, FLUSH, SYNC = (ord(c) for c in "QPBDECHS")
ENDS_OF_BATCH = (SYNC, QUERY)
COPY_DONE = ord("c")
COPY_FAIL = ord("f")
#: Never answered: in the queue only for their place in it.
COPY_ENDS = (COPY_DONE, COPY_FAIL)


Pieces = list[bytes]


class Running(msgspec.Struct):
    """A statement whose event is written and whose end is not. `started` in seconds (monotonic)."""

    number: int
    started: float
    rows: int = 0
    bytes: int = 0
    undo: Sequence[Undo] = ()
    #: The transaction status that its success leaves behind, where it opens or ends a block.
    leaves: str = ""
    #: Of a page of a portal or a cursor, where results are limited: what the pages before it gave.
    taken: Taken | None = None
    #: Of an EXPLAIN whose sizes are not shown (gateway.session.plans): the rows so far.
    plan: Pieces | None = None
    #: What of its result is kept for the record.
    kept: Kept | None = None


class Expected(msgspec.Struct):
    """One message that PostgreSQL will answer (or skip). `kind` is the message's type byte."""

    kind: int
    batch: int
    refusal: Refusal | None = None
    #: For positions in errors: the text this message was about.
    judged: Judged | None = None
    #: The statement that is described; the portal that is bound or executed.
    about: Prepared | Portal | None = None
    #: The statements it runs, those still to end; the first is the one running.
    running: list[Running] | tuple[()] = ()
    undo: Sequence[Undo] = ()
    #: Of the end of a COPY: how many bytes came before it.
    copied: int = 0
    #: A message of the gateway's own, whose answer is not the client's: the "begin" of a guard, what is
    #: to "finish" it, or what is to "fail" a transaction (gateway.session.guard); a "look" at what a portal
    #: returns (gateway.session.looking).
    ours: str = ""
    #: Of a Describe: what it tells of. Of an Execute: what tells whether rows may come.
    looked: Looked | None = None
    #: May rows pass: was it said, and checked, what they are?
    described: bool = False
    #: Why the client gets no more of this answer: a limit.
    overrun: Refusal | None = None
    #: Where results are recorded: its columns, and whether it copies in binary.
    columns: Columns | None = None
    copies_binary: bool = False

    @property
    def own_events(self) -> list[Running]:
        """Events that end with this message."""
        return list(self.running)

    def ended(self) -> Running:
        """The one running has ended."""
        assert self.running
        return self.running.pop(0)

    def take_back(self) -> None:
        """PostgreSQL did not do this: names stand for what they stood for before."""
        for running in reversed(self.running):
            for undo in reversed(running.undo):
                undo()
        for undo in reversed(self.undo):
            undo()


class Replies:
    """The queue of Expected, oldest first."""

    __slots__ = ("_queue", "_unended", "skipping")

    def __init__(self) -> None:
        # A list: an empty deque takes 0.7 kB in every idle session, and what waits here is short.
        self._queue: list[Expected] = []
        #: PostgreSQL skips what the client sends, up to a Sync that has not been sent yet.
        self.skipping = False
        #: Something was answered that no Sync has ended yet: an implicit transaction may be open.
        self._unended = False

    @property
    def settled(self) -> bool:
        """Everything is answered, up to the Sync or the Query that ended it."""
        return not (self._queue or self.skipping or self._unended)

    def __len__(self) -> int:
        return len(self._queue)

    def expect(self, expected: Expected) -> None:
        self._queue.append(expected)
        if expected.kind == SYNC:
            self.skipping = False

    @property
    def head(self) -> Expected | None:
        """What is answered next."""
        queue = self._queue
        while queue and queue[0].kind in COPY_ENDS:
            queue.pop(0)  # it ended no COPY, so PostgreSQL ignored it
        return queue[0] if queue else None

    @property
    def first_batch(self) -> int:
        """The batch of what is answered next; 0 when all is."""
        return self._queue[0].batch if self._queue else 0

    @property
    def last_batch(self) -> int:
        """The batch of what was sent last and is not answered yet; 0 when all is."""
        return self._queue[-1].batch if self._queue else 0

    def answered(self) -> Expected:
        expected = self._queue.pop(0)
        self._unended = expected.kind not in ENDS_OF_BATCH
        return expected

    @property
    def only_an_end_left(self) -> bool:
        """Is all that is awaited the ReadyForQuery of what was answered last?"""
        return len(self._queue) == 1 and self._queue[0].kind in ENDS_OF_BATCH and not self._queue[0].running

    def unanswered(self, batch: int, kind: int) -> bool:
        """Is something of this kind still to be answered, or anything of a batch before this one?"""
        return self.head is not None and any(
            one.kind == kind or (one.batch < batch and one.kind not in COPY_ENDS) for one in self._queue
        )

    def skip_batch(self) -> list[Expected]:
        """After an error in the extended protocol: everything before the next Sync is skipped, also
        what is sent only later. Returns what is skipped, oldest first, the failed message included."""
        skipped: list[Expected] = []
        while self._queue and self._queue[0].kind != SYNC:
            skipped.append(self._queue.pop(0))
        for expected in reversed(skipped):
            expected.take_back()
        self.skipping = not self._queue
        return skipped

    def syncs_ignored(self) -> list[int]:
        """COPY FROM STDIN has begun: PostgreSQL ignores the Syncs sent before the end of its data
        (PG manual, 55.2.6), so nobody waits for them. Returns their batches, which go on."""
        queue = self._queue
        ignored: list[int] = []
        while len(queue) > 1 and queue[1].kind == SYNC:
            ignored.append(queue[1].batch)
            del queue[1]
        return ignored

    def copy_end_sent(self) -> Expected | None:
        """The end of the data of the COPY that has begun, if it was sent already; it is taken out."""
        queue = self._queue
        if len(queue) < 2 or queue[1].kind not in COPY_ENDS:
            return None
        end = queue[1]
        del queue[1]
        return end

    @property
    def running_now(self) -> Expected | None:
        """The message whose statement runs now, or does next."""
        return next((expected for expected in self._queue if expected.running), None)

    def still_running(self) -> list[Running]:
        return [running for expected in self._queue for running in expected.own_events]
