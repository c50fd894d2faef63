"""A write of a limited role runs in a transaction of the gateway's own, so that it is counted before it counts.

PostgreSQL says how many rows were written when it has written them; outside of a transaction block
they are committed then. So BEGIN goes before such a write, and COMMIT or ROLLBACK after its count.
In a block of the client's, its COMMIT waits until every write before it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.session.allowance import may_write
from gateway.session.conversation import Conversation, Guard
from gateway.session.judge import JudgedStatement
from gateway.session.replies import BIND, CLOSE, EXECUTE, PARSE, QUERY, Expected
from masking.policy import StatementKind
from masking.verdict import Refusal
from protocol.frontend import Bind, Close, Execute, Flush, Parse, Query

#: No client's name: its words would have to hold the secret of nobody, and a clash only fails.
_NAME = "pgcurfew guard"
BEGIN = Query("BEGIN").encode()
COMMIT = Query("COMMIT").encode()
ROLLBACK = Query("ROLLBACK").encode()
FLUSH = Flush().encode()
_IN_A_BATCH = (
    (PARSE, Parse(_NAME, "BEGIN")),
    (BIND, Bind(_NAME, _NAME)),
    (EXECUTE, Execute(_NAME)),
    (CLOSE, Close("S", _NAME)),
    (CLOSE, Close("P", _NAME)),
)
BEGIN_IN_A_BATCH = b"".join(message.encode() for _, message in _IN_A_BATCH)

#: Statements about transactions that neither open nor end a block (PG manual, part VI).
_WITHIN_A_BLOCK = ("SAVEPOINT", "RELEASE", "ROLLBACK TO", "ROLLBACK WORK TO", "ROLLBACK TRANSACTION TO", "SET")
_OPENING = ("BEGIN", "START")

APART = Refusal(
    "0A000",
    "write-limit",
    "a write cannot share a query string or a batch with the end of a transaction",
    detail="The number of rows that this role may write is limited, so each write is counted before it is committed.",
    hint="Send BEGIN, the statements and COMMIT one after the other.",
)


def _moves(statement: JudgedStatement) -> bool:
    """Does this statement open or end a transaction block?"""
    words = statement.normalized.upper().split()
    return statement.kind is StatementKind.TRANSACTION and not " ".join(words).startswith(_WITHIN_A_BLOCK)


def _opens(statement: JudgedStatement) -> bool:
    return statement.normalized.upper().lstrip().startswith(_OPENING)


def before_query(talk: Conversation, statements: Sequence[JudgedStatement]) -> bool | Refusal | None:
    """May this query string go now? None: not before what was asked earlier is answered. True: with BEGIN
    before it. A refusal: never in this form."""
    if talk.limits is None:
        return False
    writes = any(may_write(talk.judge, statement) for statement in statements)
    moves = any(_moves(statement) for statement in statements)
    if not (writes or moves):
        return False
    if talk.replies.head is not None:
        return None
    if (writes and (moves or not talk.replies.settled)) or talk.guard is not None:
        return APART
    return writes and talk.transaction == "I"


def before_execute(talk: Conversation, statement: JudgedStatement) -> bool | Refusal | None:
    """The same of an Execute."""
    if talk.limits is None:
        return False
    writes, moves = may_write(talk.judge, statement), _moves(statement)
    if not (writes or moves):
        return False
    if talk.replies.unanswered(talk.batch, EXECUTE):
        return None
    begun = talk.moved == (talk.batch, True)
    if moves:
        if talk.guard is not None:
            return APART
        talk.moved = (talk.batch, _opens(statement))
        return False
    if talk.moved == (talk.batch, False):
        return APART
    return talk.transaction == "I" and not begun and talk.guard is None


def begin_alone(talk: Conversation) -> bytes:
    """What goes before a query string, and what is awaited for it."""
    talk.guard = Guard(talk.batch, closed=True)
    talk.replies.expect(Expected(QUERY, talk.batch, ours="begin"))
    return BEGIN


def begin_in_batch(talk: Conversation) -> bytes:
    """What goes before an Execute, and what is awaited for it. By a name of its own, for a Query would
    take the unnamed statement and portal away."""
    talk.guard = Guard(talk.batch)
    for kind, _ in _IN_A_BATCH:
        talk.replies.expect(Expected(kind, talk.batch, ours="begin"))
    return BEGIN_IN_A_BATCH
