"""How much a role may still read and write: rows and bytes, by statement and by session.

A result is cut after the last row that may pass, and the client is told by an ERROR. A write is
counted before it is committed: see gateway.session.guard.
"""

from __future__ import annotations

from gateway.session.judge import Judge, JudgedStatement
from gateway.session.replies import Running
from gateway.session.statements import Taken
from masking.policy import Limits, StatementKind
from masking.rules import WRITE_KINDS
from masking.verdict import Refusal
from protocol.frames import Rows

#: Command tags whose number counts rows that were written (PG manual, 55.7, CommandComplete).
_WRITING_TAGS = ("INSERT", "UPDATE", "DELETE", "MERGE")


class Allowance:
    """What one session has used of its role's limits."""

    __slots__ = ("bytes", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0

    def passing(self, limits: Limits, running: Running, rows: Rows) -> tuple[int, Refusal | None]:
        """How many bytes of this run of rows may pass, and why no more; None when all may."""
        started = rows.count + (1 if rows.left else 0)
        size = len(rows.data) + rows.left
        before = running.taken or _NOTHING
        too_many: Refusal | None = None
        too_large: Refusal | None = None
        rows_left, bytes_left = started, size
        for limit, used, words in (
            (limits.rows, before.rows + running.rows, _rows_of_a_statement),
            (limits.session_rows, self.rows + running.rows, _rows_of_a_session),
        ):
            if limit is not None and limit - used < rows_left:
                rows_left, too_many = max(limit - used, 0), words(limit)
        for limit, used, words in (
            (limits.bytes, before.bytes + running.bytes, _bytes_of_a_statement),
            (limits.session_bytes, self.bytes + running.bytes, _bytes_of_a_session),
        ):
            if limit is not None and limit - used < bytes_left:
                bytes_left, too_large = max(limit - used, 0), words(limit)
        if too_many is None and too_large is None:
            return len(rows.data), None
        passes = rows.until(rows_left, bytes_left)
        refusal = too_many if too_many is not None and passes == rows.until(rows_left, size) else too_large
        # The row that was begun when it still could be is finished: nobody is told within a row.
        return (passes, refusal) if passes < len(rows.data) or not rows.left else (passes, None)

    def fits(self, limits: Limits, rows: int, size: int, tag: str) -> bool:
        """Is a whole answer of so many rows and bytes within every limit?"""
        return (
            _within(limits.rows, rows)
            and _within(limits.bytes, size)
            and _within(limits.session_rows, self.rows + rows)
            and _within(limits.session_bytes, self.bytes + size)
            and too_many_written(limits, tag) is None
        )

    def spend(self, running: Running) -> None:
        """This statement, or this page of it, has ended."""
        self.rows += running.rows
        self.bytes += running.bytes
        if running.taken is not None:
            running.taken.rows += running.rows
            running.taken.bytes += running.bytes


_NOTHING = Taken()


def too_many_written(limits: Limits, tag: str, *, copied_in: bool = False) -> Refusal | None:
    """Why a statement with this command tag may not be committed."""
    words = tag.split()
    if limits.written_rows is None or not words or not words[-1].isdigit():
        return None
    if words[0] not in _WRITING_TAGS and not (copied_in and words[0] == "COPY"):
        return None
    if int(words[-1]) <= limits.written_rows:
        return None
    return Refusal(
        "54000",
        "written-rows",
        f"the statement would have written {words[-1]} rows; this role may write {limits.written_rows:,} at a time",
        detail="Nothing of it was kept.",
        hint="Say more exactly which rows are meant, or write them in smaller parts.",
    )


def counted(judge: Judge) -> Limits | None:
    """The limits of this judge's role; None when there is nothing to count."""
    limits = judge.policy.limits
    return limits if limits.counts else None


def may_write(judge: Judge, statement: JudgedStatement) -> bool:
    """Could this statement write? What SQL's EXECUTE runs is not looked up."""
    if statement.kind is StatementKind.EXECUTE:
        return bool(WRITE_KINDS & judge.policy.statements)
    return statement.kind in WRITE_KINDS


def _within(limit: int | None, used: int) -> bool:
    return limit is None or used <= limit


def _rows_of_a_statement(limit: int) -> Refusal:
    return _over("rows", f"the result has more than {limit:,} rows, the most that this role may read at a time")


def _bytes_of_a_statement(limit: int) -> Refusal:
    return _over("bytes", f"the result has more than {limit:,} bytes, the most that this role may read at a time")


def _rows_of_a_session(limit: int) -> Refusal:
    return _over("session-rows", f"this session has read {limit:,} rows, the most that this role may in one session")


def _bytes_of_a_session(limit: int) -> Refusal:
    return _over("session-bytes", f"this session has read {limit:,} bytes, the most that this role may in one session")


def _over(rule: str, message: str) -> Refusal:
    hint = (
        "The grant goes on; say in a new request if the task needs more."
        if rule.startswith("session")
        else "Ask for less: a narrower WHERE, fewer columns, an aggregate, or a LIMIT."
    )
    return Refusal("54000", rule, message, detail="The rows before this error are all that passed.", hint=hint)
