"""From the client to the upstream: every statement is judged and noted before it passes.

A refused statement is replaced by a constant that PostgreSQL cannot parse, so that the order of
answers, the skipping to Sync and the state of the transaction come from PostgreSQL itself; its
error is then put into our words (answering). No part of the refused text is ever sent.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from msgspec.structs import replace

from gateway.audit.facts import Guarded, Sealed
from gateway.session import guard, looking, names
from gateway.session.conversation import Conversation
from gateway.session.judge import LONG, Judged
from gateway.session.names import TOO_MANY_NAMES
from gateway.session.noting import (
    note_empty,
    note_not_now,
    note_refusal,
    note_refused,
    nothing_to_run,
    with_what_it_runs,
)
from gateway.session.parameters import shown_parameters
from gateway.session.replies import (
    BIND,
    CLOSE,
    COPY_ENDS,
    COPY_FAIL,
    DESCRIBE,
    EXECUTE,
    FLUSH,
    PARSE,
    QUERY,
    SYNC,
    Expected,
    Running,
)
from gateway.session.statements import Portal, Prepared, Taken, Undo
from gateway.session.temps import NOT_YET, uses_temps
from masking.policy import StatementKind
from masking.review import review_parameters
from masking.verdict import Refusal
from protocol.errors import ProtocolViolation
from protocol.frontend import Bind, Parse, decode_frontend

FUNCTION_CALL, COPY_DATA, TERMINATE = (ord(c) for c in "FdX")

#: What may come while data is copied in (PG manual, 55.2.6); PostgreSQL ends the session at any other.
DURING_COPY = frozenset(b"dcfHSX")

#: Sent in place of a refused statement: PostgreSQL answers it with a syntax error (42601).
REFUSED_TEXT = b"pgcurfew refused this statement"
#: Never comes into being, because the Parse that names it fails.
REFUSED_NAME = b"pgcurfew refused"

_length = struct.Struct("!I").pack

#: Running by protocol what SQL prepared or declared is as if SQL had said this.
RUNS_WHAT = {StatementKind.PREPARE: StatementKind.EXECUTE, StatementKind.DECLARE: StatementKind.FETCH}

FUNCTION_CALLS = Refusal(
    "0A000",
    "function-call",
    "the fast-path function call protocol is not supported",
    hint="Call the function with SELECT.",
)
CANCELLED = Refusal("57014", "cancelled", "canceling statement due to user request")


class Terminated(Exception):
    """The client said goodbye."""


def _frame(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + _length(len(body) + 4) + body


def query_frame(text: bytes) -> bytes:
    """A Query that asks for this text."""
    return b"Q%b%b\0" % (_length(len(text) + 5), text)


REFUSED_QUERY = query_frame(REFUSED_TEXT)


def _refused_parse(name: bytes) -> bytes:
    return _frame(PARSE, name + b"\0" + REFUSED_TEXT + b"\0\0\0")


class Asking:
    """Judges the client's messages one after the other."""

    __slots__ = (
        "_bound",
        "_parts",
        "_refused_in",
        "_talk",
        "_unflushed",
        "cancelled_by",
        "catalog_is_fresh",
        "verdict",
        "wants_catalog",
        "wants_verdict",
    )

    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._parts: list[bytes] = []
        #: Something was sent since PostgreSQL was asked to flush its answers.
        self._unflushed = False
        #: What was bound since the facts were last handed over, and is not executed.
        self._bound: list[Expected] = []
        #: The batch in which a message was refused last: PostgreSQL skips the rest of it.
        self._refused_in = 0
        #: The unknown name in the message that could not be taken; look at the catalog again.
        self.wants_catalog = False
        #: The text in the message that could not be taken: too long to be judged here.
        self.wants_verdict: bytes | None = None
        #: A long text and its verdict, for the message that is taken next.
        self.verdict: tuple[bytes, Judged] | None = None
        #: The next message is taken a second time: the catalog was just refreshed.
        self.catalog_is_fresh = False
        #: Who has cancelled the next text while it waited: it is refused, whatever it says.
        self.cancelled_by: str | None = None

    def take_parts(self) -> bytes:
        """What goes upstream now, in order."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data

    def message(self, kind: int, raw: bytes, now: float) -> bool:
        """Take one whole message. False: it has to wait (`wants_catalog`, or an earlier batch is
        unanswered) and must be offered again. Raises ProtocolViolation, Terminated."""
        talk = self._talk
        if talk.copying_in and kind not in DURING_COPY:
            raise ProtocolViolation(f"unexpected message type 0x{kind:02X} during COPY from stdin")
        if talk.waits and kind not in b"dcf" and not talk.copying_in:
            return False
        talk.quiet = False
        if not talk.replies.skipping or kind == SYNC:
            return self._take(kind, raw, now)
        taken = self._take(kind, raw, now)
        if taken:
            self._skipped(now)
            self._bound.clear()
        return taken

    def note_binds(self, now: float) -> None:
        """Parameters go upstream that nobody asks to run with, or not yet: an event of their own holds them."""
        talk = self._talk
        for expected in self._bound:
            portal = expected.about
            assert isinstance(portal, Portal)
            prepared = portal.prepared
            if prepared.statement is None:
                continue
            number = talk.next_number()
            talk.prepared += 1
            fact = prepared.statement.fact(
                number, "bind", talk.transaction, of=prepared.number, parameters=portal.parameters
            )
            talk.facts.append(fact)
            expected.running = [Running(number, now)]
        self._bound.clear()

    def _take(self, kind: int, raw: bytes, now: float) -> bool:
        if kind == QUERY:
            return self._query(raw, now)
        if kind == PARSE:
            return self._parse(raw, now)
        if kind == BIND:
            return self._bind(raw, now)
        if kind == EXECUTE:
            return self._execute(raw, now)
        if kind == CLOSE:
            return self._close(raw)
        if kind == DESCRIBE:
            self._describe(raw)
        elif kind == SYNC:
            self._sync(raw)
        elif kind == FLUSH:
            self._parts.append(raw)
        elif kind == COPY_DATA:
            self._talk.copied_bytes += len(raw) - 5
            self._parts.append(raw)
        elif kind in COPY_ENDS:
            self._copy_ends(kind, raw)
        elif kind == FUNCTION_CALL:
            self._function_call(raw)
        elif kind == TERMINATE:
            raise Terminated
        else:
            raise ProtocolViolation(f"message {chr(kind)!r} is not expected here")
        return True

    # one method a message

    def _query(self, raw: bytes, now: float) -> bool:
        talk = self._talk
        sql = raw[5:-1]
        if raw[-1:] != b"\0" or b"\0" in sql:
            raise ProtocolViolation("invalid message format")
        judged = self._judge(sql)
        if judged is None or names.must_wait(talk, judged):
            return False
        refusal = judged.refusal
        if refusal is not None:
            self._note_refused(judged, "simple")
        else:
            refusal = names.not_now(talk, judged) or talk.lookups.beyond(talk.judge.policy.limits.lookups, judged)
            if refusal is not None:
                note_not_now(talk, "simple", refusal, judged)
        if refusal is not None:
            self._send_query(REFUSED_QUERY, Expected(QUERY, talk.batch, refusal=refusal))
            return True
        guarded = guard.before_query(talk, judged.statements)
        if guarded is None:
            self._flush()
            return False
        if isinstance(guarded, Refusal):
            note_not_now(talk, "simple", guarded, judged)
            self._send_query(REFUSED_QUERY, Expected(QUERY, talk.batch, refusal=guarded))
            return True
        if guarded:
            self._parts.append(guard.begin_alone(talk))
            talk.facts.append(Guarded(talk.numbered + 1))
        talk.lookups.spend(judged)
        expected = self._talk.expected_query(judged, talk.batch)
        running = [] if judged.statements else [note_empty(talk, "simple", now)]
        for statement in judged.statements:
            number = talk.next_number()
            fact = statement.fact(number, "simple", talk.transaction)
            talk.facts.append(with_what_it_runs(talk, statement, fact) if statement.about_names else fact)
            talk.sends(statement)
            taken = names.taken(talk, statement)
            plan: list[bytes] | None = [] if statement.plan else None
            undo = names.effects(talk, statement, judged, number)
            running.append(Running(number, now, undo=undo, leaves=statement.leaves, taken=taken, plan=plan))
        expected.running = running
        self._send_query(query_frame(judged.sent), expected)
        return True

    def _parse(self, raw: bytes, now: float) -> bool:
        talk = self._talk
        end_of_name = raw.find(b"\0", 5)
        end_of_text = raw.find(b"\0", end_of_name + 1)
        if end_of_name < 0 or end_of_text < 0:
            raise ProtocolViolation("invalid message format")
        asked = decode_frontend(PARSE, raw[5:])
        assert isinstance(asked, Parse)
        name_bytes = raw[5:end_of_name]
        name = name_bytes.decode("utf-8")
        judged = self._judge(raw[end_of_name + 1 : end_of_text])
        if judged is None or (name and names.unsettled(talk, talk.statements, name)):
            return False
        if judged.refusal is not None:
            self._note_refused(judged, "parse")
            self._refused_in = talk.batch
            expected = Expected(PARSE, talk.batch, refusal=judged.refusal)
            if not name:
                expected.undo = [talk.statements.drop("", talk.batch)]
            self._send(_refused_parse(REFUSED_NAME if name else b""), expected)
            return True
        judge = talk.judge
        refusal = review_parameters(asked.types, judge.policy, judge.catalog)
        if talk.changes_temps and uses_temps(judged):
            refusal = NOT_YET
        if refusal is None and name and talk.statements.full:
            refusal = TOO_MANY_NAMES
        if refusal is not None:
            note_not_now(talk, "parse", refusal, judged)
            self._refuse_in_batch(PARSE, refusal, () if name else [talk.statements.drop("", talk.batch)])
            return True
        number = talk.next_number()
        talk.prepared += 1
        expected = Expected(PARSE, talk.batch, judged=judged, running=[Running(number, now)])
        statement = judged.statements[0] if judged.statements else None
        if statement is None:
            talk.facts.append(nothing_to_run(number, "parse", talk.transaction))
        for each in judged.statements:
            talk.facts.append(each.fact(number, "parse", talk.transaction))
        expected.undo = [
            talk.statements.set(name, Prepared(number, judged, statement, types=list(asked.types)), talk.batch)
        ]
        body = name_bytes + b"\0" + judged.sent + raw[end_of_text:]
        self._send(_frame(PARSE, body), expected)
        return True

    def _bind(self, raw: bytes, now: float) -> bool:
        talk = self._talk
        bind = decode_frontend(BIND, raw[5:])
        assert isinstance(bind, Bind)
        if names.unsettled(talk, talk.statements, bind.statement):
            return False
        if bind.portal and names.unsettled(talk, talk.portals, bind.portal):
            return False
        prepared = talk.statements.get(bind.statement)
        if prepared is None:
            self._refuse_by_name(BIND, _no_such_statement(bind.statement), [talk.portals.drop(bind.portal, talk.batch)])
            return True
        parameters = shown_parameters(bind.formats, bind.values, prepared.types)
        refusal = TOO_MANY_NAMES if bind.portal and talk.portals.full else names.outdated(talk, prepared)
        if refusal is None and talk.changes_temps and uses_temps(prepared.judged):
            refusal = NOT_YET
        if refusal is None:
            # Here, not at Execute: this is where the values come, and a portal has several pages.
            refusal = talk.lookups.beyond(talk.judge.policy.limits.lookups, prepared.judged)
        if refusal is not None:
            note_not_now(talk, "execute", refusal, prepared.judged, of=prepared.number, parameters=parameters)
            self._refuse_in_batch(BIND, refusal, [talk.portals.drop(bind.portal, talk.batch)])
            return True
        talk.lookups.spend(prepared.judged)
        taken = None if talk.limits is None else Taken()
        portal = Portal(prepared, parameters, taken, looking.looked_for(prepared), bind.result_formats)
        expected = talk.expected_bind(bind.portal, portal, talk.batch)
        self._bound.append(expected)
        self._send(raw, expected)
        return True

    def _execute(self, raw: bytes, now: float) -> bool:
        talk = self._talk
        end = raw.find(b"\0", 5)
        if end < 0 or len(raw) != end + 5:
            raise ProtocolViolation("invalid message format")
        try:
            name = raw[5:end].decode("utf-8")
        except UnicodeDecodeError:
            raise ProtocolViolation("invalid message format") from None
        if names.unsettled(talk, talk.portals, name):
            return False
        portal = talk.portals.get(name)
        if portal is None:
            self._refuse_by_name(EXECUTE, Refusal("34000", "unknown-portal", f'portal "{name}" does not exist'))
            return True
        prepared = portal.prepared
        if names.must_wait(talk, prepared.judged):
            return False
        refusal = names.of_former_policy(talk, portal)
        if refusal is None and not prepared.by_sql:
            refusal = names.not_now(talk, prepared.judged)
        if refusal is not None:
            self._refuse_run(portal, refusal)
            return True
        statement = prepared.statement
        if statement is not None:
            # What SQL prepared is run as by SQL's EXECUTE, and counted like that.
            runs = replace(statement, kind=RUNS_WHAT[statement.kind]) if prepared.by_sql else statement
            guarded = guard.before_execute(talk, runs, int.from_bytes(raw[-4:], "big", signed=True))
            if guarded is None:
                self._flush()
                return False
            if isinstance(guarded, Refusal):
                self._refuse_run(portal, guarded)
                return True
            if guarded:
                self._parts.append(guard.begin_in_batch(talk))
                talk.facts.append(Guarded(talk.numbered + 1))
        if not looking.is_known(talk, portal):
            self._parts.append(looking.ask(talk, name, portal))
        looked = looking.looked_of(portal)
        expected = Expected(EXECUTE, talk.batch, judged=prepared.judged, about=portal, looked=looked)
        if statement is None:
            expected.running = [note_empty(talk, "execute", now)]
        else:
            number = talk.next_number()
            fact = statement.fact(number, "execute", talk.transaction, of=prepared.number, parameters=portal.parameters)
            plan: list[bytes] | None = [] if statement.plan else None
            running = Running(number, now, leaves=statement.leaves, taken=portal.taken, plan=plan)
            if prepared.by_sql:
                # Its name was made when PREPARE or DECLARE ran; what runs now is what they hold.
                fact = replace(fact, kind=RUNS_WHAT[statement.kind].value, lookups=())
            else:
                if statement.about_names:
                    fact = with_what_it_runs(talk, statement, fact)
                talk.sends(statement)
                running.undo = names.effects(talk, statement, prepared.judged, number)
                if statement.about_names and talk.portals.get(name) is None:
                    # CLOSE ALL and DISCARD ALL leave the portal alone that runs them.
                    talk.portals.set(name, portal, talk.batch, passing=True)
            talk.facts.append(fact)
            expected.running = [running]
        self._runs(portal)
        self._send(raw, expected)
        return True

    def _describe(self, raw: bytes) -> None:
        talk = self._talk
        decode_frontend(DESCRIBE, raw[5:])
        name = raw[6:-1].decode("utf-8")
        held = talk.statements.get(name) if raw[5:6] == b"S" else talk.portals.get(name)
        refusal = names.of_former_policy(talk, held)
        if refusal is not None:
            note_refusal(talk, "execute", refusal, Sealed(text=refusal.message))
            self._refuse_in_batch(DESCRIBE, refusal)
            return
        expected = Expected(DESCRIBE, talk.batch, about=held)
        looking.asked(talk, raw[5:6], name, expected)
        self._send(raw, expected)

    def _close(self, raw: bytes) -> bool:
        talk = self._talk
        decode_frontend(CLOSE, raw[5:])
        name = raw[6:-1].decode("utf-8")
        expected = Expected(CLOSE, talk.batch)
        if raw[5:6] == b"S":
            if names.unsettled(talk, talk.statements, name):
                return False
            expected.undo = [talk.statements.drop(name, talk.batch)]
        else:
            if names.unsettled(talk, talk.portals, name):
                return False
            expected.undo = [talk.portals.drop(name, talk.batch)]
        self._send(raw, expected)
        return True

    def _sync(self, raw: bytes) -> None:
        if self._talk.copying_in:
            return  # PostgreSQL ignores it (PG manual, 55.2.6), so nobody will answer it
        self._send(raw, Expected(SYNC, self._talk.batch))
        self._talk.ends_batch()
        self._talk.batch += 1

    def _copy_ends(self, kind: int, raw: bytes) -> None:
        talk = self._talk
        head = talk.replies.head
        if talk.copying_in and head is not None and head.running:
            talk.copy_ended(head.running[0], talk.copied_bytes, failed=kind == COPY_FAIL)
        elif head is not None:
            # A COPY may be on its way; whether this ends one is known when it is answered.
            talk.replies.expect(Expected(kind, talk.batch, copied=talk.copied_bytes))
        talk.copied_bytes = 0
        talk.copying_in = False
        self._parts.append(raw)

    def _skipped(self, now: float) -> None:
        """What was just taken comes after an error of its batch: PostgreSQL skips it."""
        for expected in self._talk.replies.skip_batch():
            for running in expected.own_events:
                self._talk.statement_ended(running, "skipped", now)

    def _function_call(self, raw: bytes) -> None:
        content = Sealed(
            text=f"call of function {int.from_bytes(raw[5:9], 'big')} by the fast path: \\x{raw[9:].hex()}"
        )
        note_refusal(self._talk, "function-call", FUNCTION_CALLS, content)
        self._send_query(REFUSED_QUERY, Expected(QUERY, self._talk.batch, refusal=FUNCTION_CALLS))

    # what they share

    def _flush(self) -> None:
        """Have PostgreSQL say what it has not said yet of this batch: somebody waits for it."""
        if self._unflushed:
            self._unflushed = False
            self._parts.append(guard.FLUSH)

    def _send_query(self, raw: bytes, expected: Expected) -> None:
        """A message that ends its batch, unless PostgreSQL skips it."""
        talk = self._talk
        self._send(raw, expected)
        if not talk.replies.skipping:
            talk.ends_batch()
        talk.batch += 1

    def _send(self, raw: bytes, expected: Expected) -> None:
        self._talk.replies.expect(expected)
        self._parts.append(raw)
        self._unflushed = True

    def _judge(self, sql: bytes) -> Judged | None:
        """The verdict; None when the text has to be judged elsewhere, or when an unknown name is worth
        another look at the catalog."""
        if self.cancelled_by is not None:
            return Judged(sql.decode("utf-8", "replace"), b"", CANCELLED, ())
        judged = self._judged(sql)
        if judged is None:
            return None
        unknown = judged.refusal is not None and judged.refusal.sqlstate in ("42P01", "42883", "42704")
        if unknown and not self.catalog_is_fresh:
            self.wants_catalog = True
            return None
        self.catalog_is_fresh = False
        return judged

    def _judged(self, sql: bytes) -> Judged | None:
        judge = self._talk.judge
        if len(sql) <= LONG:
            return judge.judge(sql)
        judged = judge.remembered(sql)
        if judged is None and self.verdict is not None and self.verdict[0] == sql:
            judged = self.verdict[1]
        if judged is None:
            self.wants_verdict = sql
        return judged

    def _note_refused(self, judged: Judged, how: str) -> None:
        note_refused(self._talk, judged, how, self.cancelled_by)
        self.cancelled_by = None

    def _refuse_in_batch(self, kind: int, refusal: Refusal, undo: Sequence[Undo] = ()) -> None:
        self._refused_in = self._talk.batch
        self._send(_refused_parse(REFUSED_NAME), Expected(kind, self._talk.batch, refusal=refusal, undo=undo))

    def _refuse_by_name(self, kind: int, refusal: Refusal, undo: Sequence[Undo] = ()) -> None:
        """A name that nothing stands behind. Where that is because what should stand there was refused in this
        batch, its event says all: PostgreSQL will skip this message."""
        if self._refused_in != self._talk.batch:
            note_refusal(self._talk, "execute", refusal, Sealed(text=refusal.message))
        self._refuse_in_batch(kind, refusal, undo)

    def _refuse_run(self, portal: Portal, refusal: Refusal) -> None:
        prepared = portal.prepared
        note_not_now(
            self._talk, "execute", refusal, prepared.judged, of=prepared.number, parameters=portal.parameters
        )  # fmt: skip
        self._runs(portal)
        self._refuse_in_batch(EXECUTE, refusal)

    def _runs(self, portal: Portal) -> None:
        """An event of its own says what this portal is run with."""
        if self._bound:
            self._bound = [expected for expected in self._bound if expected.about is not portal]


def _no_such_statement(name: str) -> Refusal:
    words = f'prepared statement "{name}" does not exist' if name else "unnamed prepared statement does not exist"
    return Refusal("26000", "unknown-statement", words)
