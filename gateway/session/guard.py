"""A write of a limited role runs in a transaction of the gateway's own, so that it is counted before it counts.

PostgreSQL says how many rows were written when it has written them; outside of a transaction block
they are committed then. So BEGIN goes before such a write, and COMMIT or ROLLBACK after its count.
In a block of the client's, its COMMIT waits until every write before it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.session.allowance import may_write
from gateway.session.conversation import Conversation, Guard
from gateway.session.judge import OPENING, JudgedStatement
from gateway.session.replies import EXECUTE, QUERY, SYNC, Expected
from masking.verdict import Refusal
from protocol.frontend import Bind, Close, Execute, Flush, Parse, Query, Sync

#: No client's name: its words would have to hold the secret of nobody, and a clash only fails.
_NAME = "pgcurfew guard"
FLUSH = Flush().encode()
#: What keeps a guarded write, what takes it back, and what no transaction outlives.
COMMIT, ROLLBACK, FAIL = "COMMIT", "ROLLBACK", "pgcurfew refused this statement"


def _in_a_batch(text: str) -> list[tuple[int, bytes]]:
    """A statement by names of its own: a Query would take the unnamed statement and portal away."""
    messages = (Parse(_NAME, text), Bind(_NAME, _NAME), Execute(_NAME), Close("S", _NAME), Close("P", _NAME))
    return [(message.kind, message.encode()) for message in messages]


APART = Refusal(
    "0A000",
    "write-limit",
    "a write cannot share a query string or a batch with the end of a transaction",
    detail="The number of rows that this role may write is limited, so each write is counted before it is committed.",
    hint="Send BEGIN, the statements and COMMIT one after the other.",
)


IN_PAGES = Refusal(
    "0A000",
    "write-limit",
    "a write cannot be run in pages where the number of written rows is limited",
    detail="PostgreSQL tells how many rows it wrote only when all that it returns were fetched.",
    hint="Fetch all rows that the statement returns at once, or leave RETURNING out.",
)


def _moves(statement: JudgedStatement) -> bool:
    """Does this statement open or end a transaction block?"""
    return statement.leaves != ""


def _opens(statement: JudgedStatement) -> bool:
    return statement.normalized.upper().lstrip().startswith(OPENING)


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


def before_execute(talk: Conversation, statement: JudgedStatement, most_rows: int) -> bool | Refusal | None:
    """The same of an Execute, for so many rows (0: all)."""
    if talk.limits is None:
        return False
    writes, moves = may_write(talk.judge, statement), _moves(statement)
    if not (writes or moves):
        return False
    if writes and most_rows > 0 and talk.limits.written_rows is not None:
        return IN_PAGES
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
    return Query("BEGIN").encode()


def begin_in_batch(talk: Conversation) -> bytes:
    """What goes before an Execute, and what is awaited for it."""
    talk.guard = Guard(talk.batch)
    return _expected(talk, _in_a_batch("BEGIN"), talk.batch, "begin")


def after_batch(talk: Conversation, head: Expected, text: str, why: str) -> None:
    """Have PostgreSQL run `text` after the batch that `head` ended, in the protocol that the batch was in."""
    alone, in_a_batch = [(QUERY, Query(text).encode())], [*_in_a_batch(text), (SYNC, Sync().encode())]
    messages = alone if head.kind == QUERY else in_a_batch
    talk.ours.append(_expected(talk, messages, head.batch, why))


def _expected(talk: Conversation, messages: Sequence[tuple[int, bytes]], batch: int, why: str) -> bytes:
    for kind, _ in messages:
        talk.replies.expect(Expected(kind, batch, ours=why))
    return b"".join(raw for _, raw in messages)
