"""The short way of a statement that comes alone: one chunk asks for it, one chunk answers it.

Most statements do, and taking them message by message costs three times as much. What is here decides
nothing of its own: a chunk that is not of exactly these shapes is left to `asking` and `answering`, and
so is the answer as soon as anybody has looked at what is awaited (Conversation.alone).

    Query                                    RowDescription DataRow* CommandComplete ReadyForQuery
    Bind [Describe portal] Execute Sync      BindComplete [RowDescription | NoData] DataRow* …
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from gateway.audit.facts import StatementEnded, StatementJudged
from gateway.session.allowance import may_write
from gateway.session.answering import rows_of
from gateway.session.asking import query_frame
from gateway.session.conversation import Alone, Conversation
from gateway.session.judge import LONG, WITH_ROWS
from gateway.session.parameters import shown_parameters
from gateway.session.replies import BIND, QUERY, Running
from gateway.session.statements import Portal
from protocol.backend import (
    BindComplete,
    CommandComplete,
    DataRow,
    NoData,
    ReadyForQuery,
    RowDescription,
    decode_backend,
)
from protocol.errors import ProtocolViolation
from protocol.frontend import Describe, Execute, Sync, bound_values

_HEADER = Struct(">BI").unpack_from
_LENGTH = Struct(">I").unpack_from

_EXECUTE_AND_SYNC = Execute("").encode() + Sync().encode()
#: What may come after a Bind of the unnamed portal, and whether the portal is described.
AFTER_BIND = {Describe("P", "").encode() + _EXECUTE_AND_SYNC: True, _EXECUTE_AND_SYNC: False}

_BOUND = BindComplete().encode()
_NO_DATA = NoData().encode()
_READY_BYTES = len(ReadyForQuery("I").encode())
_ROW, _DESCRIPTION = DataRow.kind, RowDescription.kind
#: No chunk is longer that a CommandComplete and a ReadyForQuery fill.
_LONGEST_ENDING = 200


class Lane:
    """Takes chunks whole. `asked` is for when nothing is awaited (Conversation.quiet), `answered` for when
    nothing else is (Conversation.alone)."""

    __slots__ = ("_longest", "_talk")

    def __init__(self, conversation: Conversation, longest: int) -> None:
        self._talk = conversation
        self._longest = min(longest, LONG)

    def asked(self, data: bytes, now: float) -> tuple[StatementJudged, bytes] | None:
        """The event to record for this chunk and what goes upstream for it, or None: it is not taken."""
        if not 5 < len(data) <= self._longest or self._talk.results is not None:
            return None
        if data[0] == BIND:
            return self._bind(data, now)
        if data[0] == QUERY:
            return self._query(data, now)
        return None

    def _bind(self, data: bytes, now: float) -> tuple[StatementJudged, bytes] | None:
        if data[5]:
            return None
        stop = _LENGTH(data, 1)[0] + 1
        described = AFTER_BIND.get(data[stop:])
        end = data.find(0, 6, stop)
        if described is None or end < 0:
            return None
        talk = self._talk
        prepared = talk.statements.by_bytes(data[6:end])
        if prepared is None or prepared.by_sql or prepared.statement is None:
            return None
        if talk.temps is not None and (talk.temps.moved or talk.temps.lost):
            return None
        if prepared.statement.about_names or prepared.statement.plan or prepared.statement.lookups:
            return None
        if talk.limits is not None and may_write(talk.judge, prepared.statement):
            return None
        judge, judged = talk.judge, prepared.judged
        if (
            not described
            and prepared.looked.by != (judge.catalog.version, judge.policy.version)
            and prepared.statement.kind in WITH_ROWS
        ):
            return None  # nobody has seen yet what it returns
        if judged.catalog != judge.catalog.version or judged.policy != judge.policy.version or judge.suspended:
            return None
        bound = bound_values(data, end + 1, stop)
        if bound is None:
            return None
        parameters = shown_parameters(*bound, prepared.types)
        number = talk.next_number()
        fact = prepared.statement.fact(number, "execute", talk.transaction, of=prepared.number, parameters=parameters)
        running = Running(number, now, leaves=prepared.statement.leaves)
        talk.alone = Alone(running, judged, Portal(prepared, parameters), described)
        talk.quiet = False
        talk.batch += 1
        return fact, data

    def _query(self, data: bytes, now: float) -> tuple[StatementJudged, bytes] | None:
        last = len(data) - 1
        if _LENGTH(data, 1)[0] != last or data.find(0, 5) != last:
            return None
        talk = self._talk
        judged = talk.judge.judge(data[5:last])
        if judged.refusal is not None or len(judged.statements) != 1:
            return None
        [statement] = judged.statements
        if talk.temps is not None and (talk.temps.moved or talk.temps.lost):
            return None
        if statement.about_names or statement.plan or statement.lookups:
            return None
        if talk.limits is not None and may_write(talk.judge, statement):
            return None
        number = talk.next_number()
        fact = statement.fact(number, "simple", talk.transaction)
        talk.alone = Alone(Running(number, now, leaves=statement.leaves), judged, None, described=False)
        talk.quiet = False
        talk.batch += 1
        return fact, query_frame(judged.sent)

    def answered(self, data: bytes, now: float) -> StatementEnded | None:
        """The outcome, when this chunk is the whole answer; it may then go to the client as it is."""
        talk = self._talk
        alone = talk.alone
        assert alone is not None
        start = 0
        described = alone.portal is None
        if not described:
            if not data.startswith(_BOUND):
                return None
            start = len(_BOUND)
            described = alone.described
        size = len(data)
        if size - start < 5:
            return None
        kind, length = _HEADER(data, start)
        rows_known = alone.portal is not None and not described and alone.portal.prepared.looked.rows
        if described:
            if kind == _DESCRIPTION:
                rows_known = True
                stop = start + length + 1
                if data[start:stop] not in talk.judge_of(talk.batch - 1).checked:
                    return None
                start = stop
            elif alone.portal is not None:
                if not data.startswith(_NO_DATA, start):
                    return None
                start += len(_NO_DATA)
        position, rows = start, 0
        while size - position >= 5:
            kind, length = _HEADER(data, position)
            if kind != _ROW:
                break
            if length < 4:
                return None
            position += length + 1
            rows += 1
        if rows and not rows_known:
            return None
        if not 5 < size - position < _LONGEST_ENDING:
            return None
        ending = _ending(data[position:])
        if ending is None:
            return None
        tag, transaction = ending
        if talk.limits is not None and not talk.allowance.fits(talk.limits, rows, position - start, tag):
            return None
        if alone.portal is not None and alone.described:
            judge, looked = talk.judge_of(talk.batch - 1), alone.portal.prepared.looked
            looked.by, looked.rows = (judge.catalog.version, judge.policy.version), rows_known
        running = alone.running
        running.rows, running.bytes = rows, position - start
        ended = talk.end_of(running, "done", now, tag=tag, rows=rows_of(tag, rows))
        talk.alone_done(transaction, now)
        return ended


@lru_cache(1024)
def _ending(data: bytes) -> tuple[str, str] | None:
    """Tag and transaction status, when `data` is a CommandComplete and a ReadyForQuery and nothing else."""
    stop = len(data) - _READY_BYTES
    if stop < 5 or _HEADER(data, 0) != (CommandComplete.kind, stop - 1) or data[stop] != ReadyForQuery.kind:
        return None
    try:
        if _LENGTH(data, stop + 1)[0] != _READY_BYTES - 1:
            return None
        command = decode_backend(CommandComplete.kind, data[5:stop])
        ready = decode_backend(ReadyForQuery.kind, data[stop + 5 :])
    except ProtocolViolation:
        return None
    assert isinstance(command, CommandComplete)
    assert isinstance(ready, ReadyForQuery)
    return command.tag, ready.status
