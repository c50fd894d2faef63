"""The record of one session: what is not in it when `append` returns must not happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from gateway.audit.chain import json_of
from gateway.audit.facts import Fact, Sealed, SessionClosed
from gateway.audit.journal import Journal, RecordUnavailable
from gateway.audit.seal import Sealer


class SessionRecord:
    """The record of one session."""

    __slots__ = ("_durable", "_ended", "_journal", "_sealer")

    def __init__(
        self, journal: Journal, sealer: Sealer | None, durable: bool, ended: Callable[[Fact | None], None]
    ) -> None:
        self._journal = journal
        self._sealer = sealer
        self._durable = durable
        #: Told once that the session is over, with the last fact if it could not be written yet.
        self._ended = ended

    def append(self, facts: Sequence[Fact]) -> None:
        """Record these facts, in this order, all or none, before any of them happens.

        Raises RecordUnavailable: then none of them is recorded, and none may happen. Each
        further call tries anew; the first that succeeds is preceded by a RecordResumed. With
        durability "disk" the data is on disk when this returns.
        """
        journal = self._journal
        sealer = self._sealer
        if sealer is None:
            journal.append(len(facts), lambda _: [b'"event":' + json_of(fact) for fact in facts])
        else:
            journal.append(len(facts), lambda seq: _sealed(facts, sealer, seq))
        if self._durable:
            journal.sync()

    def close(self, fact: SessionClosed) -> None:
        """The last event. Never raises: what the disk does not take now is written when it does."""
        last: Fact | None = fact
        try:
            self.append([fact])
            last = None
        except RecordUnavailable:
            pass  # stated in the log itself as RecordResumed; Recorder.sync goes on trying
        self._ended(last)


def _sealed(facts: Sequence[Fact], sealer: Sealer, seq: int) -> list[bytes]:
    """The bodies of the lines after number `seq`."""
    bodies = []
    for fact in facts:
        seq += 1
        content: Sealed | None = getattr(fact, "sealed", None)
        if content is None:
            bodies.append(b'"event":' + json_of(fact))
        else:
            readable = json_of(replace(fact, sealed=None))
            bodies.append(b'"event":%b,"sealed":%b' % (readable, sealer.close(content, seq)))
    return bodies
