"""From the upstream to the client: rows pass untouched, everything else is looked at.

Errors lose what could quote a row, refused statements get our words, and a column that comes back
from where it must not ends the session (the second lock).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from gateway.session import looking, results
from gateway.session.allowance import too_many_written
from gateway.session.conversation import Conversation, LimitReached, SecondLock, UpstreamViolation
from gateway.session.guard import COMMIT, FAIL, ROLLBACK, after_batch
from gateway.session.plans import LONGEST_PLAN, without_sizes
from gateway.session.refusals import as_asked, error, quotes_nothing, withheld, without_values
from gateway.session.replies import BIND, CLOSE, COPY_FAIL, DESCRIBE, EXECUTE, PARSE, QUERY, SYNC, Expected, Running
from gateway.session.statements import Prepared
from gateway.session.temps import QUESTION, Temps
from masking.policy import Messages
from masking.review import position_in_original
from masking.verdict import Refusal
from protocol.backend import (
    CommandComplete,
    ErrorResponse,
    NoticeResponse,
    ParameterDescription,
    ParameterStatus,
    ReadyForQuery,
    RowDescription,
    decode_backend,
)
from protocol.errors import ProtocolViolation
from protocol.frames import Frame, Rows

#: Settings that the judgement rests on, with the only value they may report.
PINNED_REPORTS = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}
#: How PostgreSQL ends a session that does nothing for too long: at all, and inside a transaction.
IDLE = frozenset({"57P05", "25P03"})
#: RowDescription messages that one judge remembers to have checked, at most, and how long they may be.
REMEMBERED_ROWS = 1024
LONGEST_REMEMBERED = 2048


class UpstreamEnds(Exception):
    """The upstream said FATAL: its connection ends with this message. `cause` as in facts.SessionClosed."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("M", ""))
        self.cause = "idle" if fields.get("C") in IDLE else "upstream"


class Answering:
    """Looks at the upstream's messages one after the other."""

    __slots__ = ("_parts", "_talk")

    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._parts: list[bytes] = []

    def take_parts(self) -> bytes:
        """What goes to the client now, in order."""
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        return data

    def rows(self, rows: Rows) -> None:
        """A run of DataRow or CopyData, passed on as it is."""
        head = self._talk.replies.head
        if head is not None and head.ours == "temps" and self._talk.temps is not None:
            self._talk.temps.told(rows.data)
            return
        if head is None or not head.running:
            raise UpstreamViolation("rows that nobody asked for")
        if head.overrun is not None:
            return
        if not head.described and (head.looked is None or not head.looked.rows):
            raise UpstreamViolation("rows that were not described")
        running, limits = head.running[0], self._talk.limits
        if limits is None:
            running.rows += rows.count
            running.bytes += len(rows.data)
            self._pass(head, running, rows.data)
            return
        passes, head.overrun = self._talk.allowance.passing(limits, running, rows)
        running.rows += rows.count if passes == len(rows.data) else rows.counted(passes)
        running.bytes += passes
        self._pass(head, running, rows.data[:passes])
        self._talk.wants_cancel = head.overrun is not None

    def _pass(self, head: Expected, running: Running, data: bytes) -> None:
        if running.plan is None:
            self._show(head, running, data)
            return
        running.plan.append(data)
        if running.bytes > LONGEST_PLAN:
            raise UpstreamViolation("a plan that is too long to be looked at")

    def _release(self, head: Expected | None) -> None:
        """The rows of a plan are all here."""
        if head is not None and head.running and head.running[0].plan:
            running = head.running[0]
            self._show(head, running, without_sizes(b"".join(running.plan or ())))
            running.plan = []

    def _show(self, head: Expected, running: Running, data: bytes) -> None:
        """Rows go to the client."""
        self._parts.append(data)
        talk = self._talk
        if talk.results is not None:
            seen = results.keep(talk.results, head, running, data)
            if seen is not None:
                talk.facts.append(seen)

    def message(self, frame: Frame, now: float) -> None:
        """Take one whole message. Raises UpstreamViolation, SecondLock, UpstreamEnds."""
        handler = HANDLERS.get(frame.kind)
        if handler is None:
            raise UpstreamViolation(f"message {chr(frame.kind)!r} in the middle of a session")
        handler(self, frame.raw, now)

    # one method a message

    def _parse_complete(self, raw: bytes, now: float) -> None:
        self._pass_on(self._pop(PARSE), raw)

    def _bind_complete(self, raw: bytes, now: float) -> None:
        self._pass_on(self._pop(BIND), raw)

    def _close_complete(self, raw: bytes, now: float) -> None:
        self._pass_on(self._pop(CLOSE), raw)

    def _parameter_description(self, raw: bytes, now: float) -> None:
        described = self._head(DESCRIBE).about
        if isinstance(described, Prepared):
            description = decode_backend(raw[0], raw[5:])
            assert isinstance(description, ParameterDescription)
            described.types[:] = description.types
        self._parts.append(raw)

    def _no_data(self, raw: bytes, now: float) -> None:
        head = self._pop(DESCRIBE)
        looking.answered(self._talk.judge_of(head.batch), head, rows=False)
        self._pass_on(head, raw)

    def _row_description(self, raw: bytes, now: float) -> None:
        head = self._head(DESCRIBE, QUERY)
        if head.ours == "temps":
            return
        self._check_origins(raw, head)
        head.described = True
        if self._talk.results is not None:
            self._note_columns(raw, head)
        if head.kind == DESCRIBE:
            looking.answered(self._talk.judge_of(head.batch), head, rows=True)
            self._talk.replies.answered()
        self._pass_on(head, raw)

    def _note_columns(self, raw: bytes, head: Expected) -> None:
        description = decode_backend(raw[0], raw[5:])
        assert isinstance(description, RowDescription)
        head.columns = results.described(description)
        if head.looked is not None:
            head.looked.columns = head.columns

    def _command_complete(self, raw: bytes, now: float) -> None:
        head = self._head(QUERY, EXECUTE)
        if head.ours:
            self._finish_execute(head)
            return
        if not head.running:
            raise UpstreamViolation("an answer to a statement that was not sent")
        self._release(head)
        head.described = False
        command = decode_backend(raw[0], raw[5:])
        assert isinstance(command, CommandComplete)
        running = head.ended()
        copied_in, self._talk.copying_in = self._talk.copied_in, False
        self._talk.copied_in = False
        if self._talk.limits is not None and head.overrun is None:
            head.overrun = too_many_written(self._talk.limits, command.tag, copied_in=copied_in)
        if head.overrun is not None:
            self._overran(head, running, head.overrun, now)
            return
        self._talk.statement_ended(running, "done", now, tag=command.tag, rows=rows_of(command.tag, running.rows))
        self._finish_execute(head)
        guard = self._talk.guard
        if guard is not None and head.kind == QUERY and not head.running:
            guard.withheld = raw  # true only when it is committed
            return
        self._parts.append(raw)

    def _empty_query(self, raw: bytes, now: float) -> None:
        head = self._head(QUERY, EXECUTE)
        while head.running:
            self._talk.statement_ended(head.ended(), "done", now)
        self._finish_execute(head)
        self._parts.append(raw)

    def _portal_suspended(self, raw: bytes, now: float) -> None:
        head = self._head(EXECUTE)
        self._release(head)
        if head.overrun is not None:
            self._overran(head, head.ended(), head.overrun, now)
            return
        self._talk.replies.answered()
        while head.running:
            self._talk.statement_ended(head.ended(), "suspended", now)
        self._parts.append(raw)

    def _copy_in(self, raw: bytes, now: float) -> None:
        head = self._head(QUERY, EXECUTE)
        if not head.running:
            raise UpstreamViolation("a COPY that was not sent")
        talk = self._talk
        talk.copied_in = True
        for batch in talk.replies.syncs_ignored():
            talk.goes_on()  # after the copy
            talk.statements.join(batch)
            talk.portals.join(batch)
        sent_already = talk.replies.copy_end_sent()
        if sent_already is None:
            talk.copying_in = True
        else:
            failed = sent_already.kind == COPY_FAIL
            talk.copy_ended(head.running[0], sent_already.copied, failed=failed)
        self._parts.append(raw)

    def _copy_out(self, raw: bytes, now: float) -> None:
        # A COPY of the client's own words is made of what was judged; nothing tells where its columns come from.
        head = self._head(QUERY, EXECUTE)
        head.described = True
        if self._talk.results is not None:
            head.columns, head.copies_binary = None, results.copies_binary(raw)
        self._parts.append(raw)

    def _copy_done(self, raw: bytes, now: float) -> None:
        if self._head(QUERY, EXECUTE).overrun is None:
            self._parts.append(raw)

    def _error(self, raw: bytes, now: float) -> None:
        talk = self._talk
        response = decode_backend(raw[0], raw[5:])
        assert isinstance(response, ErrorResponse)
        fields = response.fields
        talk.copying_in = talk.copied_in = False
        talk.copied_bytes = 0
        head = talk.replies.head
        self._release(head)
        if fields.get("V", fields.get("S")) in ("FATAL", "PANIC"):
            self._fail(talk.replies.still_running(), fields, "cut", now)
            self._parts.append(_shown(response, None, self._messages(None)))
            raise UpstreamEnds(fields)
        if head is None:
            self._parts.append(_shown(response, None, self._messages(None)))
            return
        if head.ours == "fail":
            if head.kind != QUERY:
                talk.replies.skip_batch()
            return
        if head.ours == "temps" and talk.temps is not None:
            # Perhaps a cancel came too late for the statement before it: as if it had hit that.
            talk.temps.forget()
            self._parts.append(_shown(response, None, self._messages(head)))
            if head.kind != QUERY:
                talk.replies.skip_batch()
            return
        if head.ours and head.kind == QUERY:
            if head.ours == "begin" or talk.guard is None:
                raise UpstreamViolation("no transaction could be begun for a write")
            talk.guard.withheld = b""
        rule = ""
        if head.overrun is not None:
            rule = head.overrun.rule
            self._parts.append(error(head.overrun))
            fields = {**fields, "C": head.overrun.sqlstate, "M": head.overrun.message}
        elif head.refusal is not None and fields.get("C") == "42601":
            self._parts.append(error(head.refusal))
        else:
            self._parts.append(_shown(response, head, self._messages(head)))
        if head.kind == QUERY:
            self._fail(list(head.running), fields, "failed", now, rule)
            if head.running:
                head.take_back()
                head.running = ()
        elif head.kind != SYNC:
            skipped = talk.replies.skip_batch()
            if talk.replies.skipping:
                talk.goes_on()  # its end is skipped, too, up to a Sync
            # Of a refused one the event says all; what follows it was skipped.
            failed = skipped.pop(_failed_with(skipped))
            self._fail(list(failed.running), fields, "failed", now, rule)
            self._skip([running for expected in skipped for running in expected.own_events], now)

    def _notice(self, raw: bytes, now: float) -> None:
        response = decode_backend(raw[0], raw[5:])
        assert isinstance(response, NoticeResponse)
        if not quotes_nothing(response.fields, self._messages(self._talk.replies.head)):
            # Not even that there was one: whether a notice comes can depend on a value.
            return
        self._parts.append(NoticeResponse(without_values(response.fields, _nowhere)).encode())

    def _notification(self, raw: bytes, now: float) -> None:
        if self._talk.may_listen:
            self._parts.append(raw)

    def _parameter_status(self, raw: bytes, now: float) -> None:
        status = decode_backend(raw[0], raw[5:])
        assert isinstance(status, ParameterStatus)
        if PINNED_REPORTS.get(status.name, status.value) != status.value:
            raise UpstreamViolation(f"{status.name} is no longer {PINNED_REPORTS[status.name]}")
        self._parts.append(raw)

    def _ready(self, raw: bytes, now: float) -> None:
        talk = self._talk
        ready = decode_backend(raw[0], raw[5:])
        assert isinstance(ready, ReadyForQuery)
        head = self._pop(QUERY, SYNC)
        if head.running:
            raise UpstreamViolation("ready before every statement was answered")
        talk.copying_in = talk.copied_in = False
        if self._goes_on(head, ready.status) or self._asks_for_temps(head, ready.status):
            return
        talk.now_in(ready.status, now)
        talk.statements.settle(head.batch)
        talk.portals.settle(head.batch)
        if ready.status == "I":
            talk.portals.end_transaction(head.batch)
        talk.quiet = not talk.replies
        self._parts.append(raw)

    def _goes_on(self, head: Expected, status: str) -> bool:
        """Is there something to do for us before the client hears that this batch is over?"""
        talk = self._talk
        guard = talk.guard
        if head.ours == "begin":
            if status != "T":
                raise UpstreamViolation("no transaction was begun for a write")
            return True
        if head.ours:
            if guard is not None:
                self._parts.append(guard.withheld)
            talk.guard, talk.to_fail = None, False
            return False
        if guard is not None and status != "I":
            keep = status == "T" and not talk.to_fail
            after_batch(talk, head, COMMIT if keep else ROLLBACK, "finish")
            return True
        if talk.to_fail and status == "T":
            after_batch(talk, head, FAIL, "fail")
            return True
        talk.guard, talk.to_fail = None, False
        return False

    def _asks_for_temps(self, head: Expected, status: str) -> bool:
        """Is it to be asked which temporary tables there are now? And what the answer was."""
        talk = self._talk
        temps = talk.temps
        if temps is None or not temps.batch:
            return False
        if head.ours == "temps":
            if not temps.lost or temps.answer:
                self._read_temps(temps)
            talk.look_at_temps()
        elif head.batch < temps.batch:
            return False
        elif status != "E":
            after_batch(talk, head, QUESTION, "temps")
            return True
        # A failed transaction answers nothing; its end will tell.
        temps.batch, temps.closed = 0, False
        temps.moved = temps.moved and status != "I"
        return False

    def _read_temps(self, temps: Temps) -> None:
        try:
            temps.read(self._talk.judge.catalog)
        except (ProtocolViolation, msgspec.MsgspecError):
            raise UpstreamViolation("an answer about temporary tables that is none") from None

    def _overran(self, head: Expected, running: Running, refusal: Refusal, now: float) -> None:
        """The statement is through, and was over a limit. The client hears that it failed, and PostgreSQL is
        made to see it so before anything else happens. What is under way already cannot be called back."""
        talk = self._talk
        talk.statement_ended(
            running, "failed", now, sqlstate=refusal.sqlstate, message=refusal.message, rule=refusal.rule
        )
        self._finish_execute(head)
        if head.running or not talk.replies.only_an_end_left:
            raise LimitReached(refusal)
        talk.to_fail = True
        self._parts.append(error(refusal))

    # what they share

    def _pass_on(self, head: Expected, raw: bytes) -> None:
        if not head.ours:
            self._parts.append(raw)

    def _head(self, *kinds: int) -> Expected:
        head = self._talk.replies.head
        if head is None or head.kind not in kinds:
            raise UpstreamViolation("an answer that nobody waits for")
        return head

    def _pop(self, *kinds: int) -> Expected:
        self._head(*kinds)
        return self._talk.replies.answered()

    def _finish_execute(self, head: Expected) -> None:
        if head.kind == EXECUTE:
            self._talk.replies.answered()

    def _fail(self, events: list[Running], fields: Mapping[str, str], outcome: str, now: float, rule: str = "") -> None:
        """The first of these failed, or was cut off; PostgreSQL skipped the rest."""
        if not events:
            return
        self._talk.statement_ended(
            events[0], outcome, now, sqlstate=fields.get("C", ""), message=fields.get("M"), rule=rule
        )
        self._skip(events[1:], now)

    def _skip(self, events: list[Running], now: float) -> None:
        for running in events:
            self._talk.statement_ended(running, "skipped", now)

    def _messages(self, head: Expected | None) -> Messages:
        """Which words may pass of an error or a notice that comes now."""
        if head is not None and head.kind == PARSE:
            return Messages.SHOWN  # nothing runs yet
        if head is not None and head.judged is not None:
            return head.judged.messages
        return self._talk.judge_of(self._talk.batch if head is None else head.batch).messages

    def _check_origins(self, raw: bytes, head: Expected) -> None:
        """The second lock (docs/architecture.md, law 4). Raises SecondLock."""
        judge = self._talk.judge_of(head.batch)
        if raw in judge.checked:
            return
        origins = judge.origins
        description = decode_backend(raw[0], raw[5:])
        assert isinstance(description, RowDescription)
        for column in description.fields:
            if column.table_oid == 0:
                continue
            clear = origins.get(column.table_oid)
            if clear is None or column.attribute not in clear:
                raise SecondLock(column.table_oid, column.attribute)
        if len(judge.checked) < REMEMBERED_ROWS and len(raw) <= LONGEST_REMEMBERED:
            judge.checked.add(raw)


#: What is done about each message.
HANDLERS: dict[int, Callable[[Answering, bytes, float], None]] = {
    ord("1"): Answering._parse_complete,
    ord("2"): Answering._bind_complete,
    ord("3"): Answering._close_complete,
    ord("t"): Answering._parameter_description,
    ord("n"): Answering._no_data,
    ord("T"): Answering._row_description,
    ord("C"): Answering._command_complete,
    ord("I"): Answering._empty_query,
    ord("s"): Answering._portal_suspended,
    ord("G"): Answering._copy_in,
    ord("H"): Answering._copy_out,
    ord("c"): Answering._copy_done,
    ord("E"): Answering._error,
    ord("N"): Answering._notice,
    ord("A"): Answering._notification,
    ord("S"): Answering._parameter_status,
    ord("Z"): Answering._ready,
}


def rows_of(tag: str, counted: int) -> int:
    """The row count in a command tag ("SELECT 5", "INSERT 0 3"), or what was counted."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else counted


def _failed_with(skipped: Sequence[Expected]) -> int:
    """Whose failure it is when the first of these fails. What fails when it is looked at is what was to run.
    Binding plans, and planning can run functions: its failure is that of the run for which it was bound, if it
    has no event of its own."""
    bind = skipped[0]
    if bind.ours == "look":
        return 1
    if bind.kind == BIND and bind.about is not None and not bind.running:
        for index, expected in enumerate(skipped):
            if expected.kind == EXECUTE and expected.about is bind.about:
                return index
    return 0


def _nowhere(_: int) -> None:
    return None


def _shown(response: ErrorResponse, head: Expected | None, messages: Messages) -> bytes:
    if not quotes_nothing(response.fields, messages):
        return ErrorResponse(withheld(response.fields)).encode()
    judged = head.judged if head is not None else None

    def position(at: int) -> int | None:
        if judged is None:
            return None
        return position_in_original(judged.original, judged.sent.decode("utf-8"), at)

    fields = without_values(response.fields, position)
    if judged is not None:
        fields = as_asked(fields, judged.original)
    return ErrorResponse(fields).encode()
