"""What both directions of a session share: names, answers awaited, transaction status, counts."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from gateway.audit.facts import CopyEnded, Fact, Sealed, StatementEnded
from gateway.session.allowance import Allowance, counted
from gateway.session.judge import Judge, Judged, JudgedStatement
from gateway.session.lookups import Lookups
from gateway.session.replies import BIND, DESCRIBE, EXECUTE, QUERY, SYNC, Expected, Replies, Running
from gateway.session.results import told
from gateway.session.statements import Names, Portal, Prepared
from gateway.session.temps import SessionJudge, Temps, base_of
from masking.policy import Limits, Results, StatementKind
from masking.verdict import Refusal


class UpstreamViolation(Exception):
    """The upstream said what nobody asked for. The session ends: its answers can no longer be
    told apart."""


class SecondLock(Exception):
    """A protected or unknown column came back under its own name: the second lock."""

    def __init__(self, table_oid: int, attribute: int) -> None:
        super().__init__(f"column {attribute} of relation {table_oid}")
        self.table_oid = table_oid
        self.attribute = attribute


class LimitReached(Exception):
    """A limit was reached where the client could not be told by an ERROR and left in a state that
    PostgreSQL is in too. The session ends."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Guard(msgspec.Struct):
    """A transaction of the gateway's own around one batch (gateway.session.guard). `closed`: the end of
    the batch is sent, so what comes next waits; `withheld`: the answer that only a COMMIT makes true."""

    batch: int
    closed: bool = False
    withheld: bytes = b""


class Alone(msgspec.Struct):
    """A statement that was sent by itself, everything before it being answered (gateway.session.lane):
    a Query, or Bind, perhaps Describe, Execute, Sync of the unnamed portal when there is a `portal`."""

    running: Running
    judged: Judged
    portal: Portal | None
    described: bool


@dataclass(slots=True)
class Conversation:
    judge: Judge
    #: Who judged before the policy changed, each with the last batch that may hold what was judged so;
    #: oldest first. Not empty once it has changed.
    former: tuple[tuple[int, Judge], ...] = ()
    #: May notifications of other sessions reach the client?
    may_listen: bool = False
    #: Number of the batch being sent; a Sync or a Query ends one.
    batch: int = 1
    #: As in ReadyForQuery: I idle, T in a transaction, E in a failed one.
    transaction: str = "I"
    #: The same, as it must be after all that was answered since that ReadyForQuery.
    within: str = "I"
    #: Everything that was sent is answered, up to a ReadyForQuery.
    quiet: bool = True
    #: The upstream has said CopyInResponse and the client's data is awaited.
    copying_in: bool = False
    copied_bytes: int = 0
    #: What is answered now is a COPY FROM STDIN.
    copied_in: bool = False
    #: How much of each result is recorded.
    results: Results | None = None
    #: Events so far, and refused ones among them.
    numbered: int = 0
    refused: int = 0
    #: Events that only prepared a statement: it ran, if at all, under a number of its own.
    prepared: int = 0
    #: Facts to write before anything of this chunk goes on.
    facts: list[Fact] = field(default_factory=list)
    #: What the role may read and write, where that is counted, and what of it is used.
    limits: Limits | None = None
    allowance: Allowance = field(default_factory=Allowance)
    guard: Guard | None = None
    #: The session's own temporary tables, once it made one.
    temps: Temps | None = None
    #: What the grant has looked up so far, in all of its sessions.
    lookups: Lookups = field(default_factory=Lookups)
    #: The batch that opened (or ended) a transaction block, and which of the two; where writes are limited.
    moved: tuple[int, bool] = (0, False)
    #: The client was told of a failure that PostgreSQL does not know of yet: what comes next waits.
    to_fail: bool = False
    #: A result is cut: have PostgreSQL stop.
    wants_cancel: bool = False
    #: Messages of the gateway's own, to go upstream.
    ours: list[bytes] = field(default_factory=list)
    #: When the open transaction was first reported, in seconds (monotonic).
    began: float = 0.0
    #: What is sent and unanswered, while nobody had to look into it: it costs 4 µs a transaction to keep
    #: the queue and the names for what is answered in one piece. Whoever looks finds them made up.
    alone: Alone | None = None
    _statements: Names[Prepared] = field(default_factory=Names)
    _portals: Names[Portal] = field(default_factory=Names)
    _replies: Replies = field(default_factory=Replies)

    def __post_init__(self) -> None:
        self.limits = counted(self.judge)
        self.results = self.judge.policy.results

    @property
    def waits(self) -> bool:
        """Does everything that the client sends now wait for what the gateway itself has to do first?"""
        if self.temps is not None and self.temps.closed:
            return True
        return self.to_fail or (self.guard is not None and self.guard.closed)

    @property
    def statements(self) -> Names[Prepared]:
        if self.alone is not None:
            self._join_in()
        return self._statements

    @property
    def portals(self) -> Names[Portal]:
        if self.alone is not None:
            self._join_in()
        return self._portals

    @property
    def replies(self) -> Replies:
        if self.alone is not None:
            self._join_in()
        return self._replies

    def _join_in(self) -> None:
        """The statement that was sent alone is one among others now: everything as if it had been
        sent message by message."""
        alone, self.alone = self.alone, None
        assert alone is not None
        batch = self.batch - 1
        running = alone.running
        if alone.portal is None:
            expected = self.expected_query(alone.judged, batch)
            expected.running = [running]
            self._replies.expect(expected)
            return
        self._replies.expect(self.expected_bind("", alone.portal, batch))
        looked = alone.portal.prepared.looked
        if alone.described:
            self._replies.expect(Expected(DESCRIBE, batch, looked=looked))
        executed = Expected(
            EXECUTE, batch, judged=alone.judged, about=alone.portal, running=[running], looked=looked
        )  # fmt: skip
        self._replies.expect(executed)
        self._replies.expect(Expected(SYNC, batch))

    def now_in(self, transaction: str, now: float) -> None:
        """The transaction's state, as a ReadyForQuery of `now` reports it."""
        if transaction != "I" and self.transaction == "I":
            self.began = now
        self.transaction = self.within = transaction

    def alone_done(self, transaction: str, now: float) -> None:
        """The statement that was sent alone is answered, and so is its ReadyForQuery."""
        alone, self.alone = self.alone, None
        assert alone is not None
        batch = self.batch - 1
        portals = self._portals
        if alone.portal is None:
            self._statements.forget(b"")
            portals.forget(b"")
        elif transaction == "I":
            portals.forget(b"")
        else:
            portals.set("", alone.portal, batch, passing=True)
            portals.settle(batch)
        self.now_in(transaction, now)
        if transaction == "I":
            portals.end_transaction(batch)
        self.quiet = True

    def expected_query(self, judged: Judged, batch: int) -> Expected:
        """A Query that is sent: it takes the place of the unnamed statement and portal."""
        undo = [self.statements.drop("", batch), self.portals.drop("", batch)]
        return Expected(QUERY, batch, judged=judged, undo=undo)

    def expected_bind(self, name: str, portal: Portal, batch: int) -> Expected:
        """A Bind that is sent."""
        undo = [self.portals.set(name, portal, batch, passing=True)]
        return Expected(BIND, batch, judged=portal.prepared.judged, about=portal, undo=undo)

    def judge_anew(self, judge: Judge) -> None:
        """From the next statement on another judge judges; what was sent before is answered as it was judged."""
        # A batch of which nothing is sent yet holds nothing that was judged before.
        until = self.batch if self.replies.last_batch == self.batch else self.batch - 1
        unanswered = self.replies.first_batch or self.batch
        self.former = (*(former for former in self.former if former[0] >= unanswered), (until, self.judge))
        self.judge = judge
        self.limits = counted(judge)
        self.results = judge.policy.results
        self.look_at_temps()
        self.may_listen = StatementKind.LISTEN in judge.policy.statements

    def sends(self, statement: JudgedStatement) -> None:
        """A statement goes upstream: does it change which temporary tables there are?"""
        if self.temps is None:
            if statement.kind is not StatementKind.TEMP_TABLES:
                return
            self.temps = Temps()
        self.temps.note(statement, self.batch)

    @property
    def changes_temps(self) -> bool:
        """Was a statement of this batch sent that makes or drops a temporary table?"""
        return self.temps is not None and self.temps.batch == self.batch

    def ends_batch(self) -> None:
        """The end of a batch is sent: what comes next waits for what the gateway does after it."""
        if self.guard is not None:
            self.guard.closed = True
        if self.temps is not None and self.temps.batch == self.batch:
            self.temps.closed = True

    def goes_on(self) -> None:
        """PostgreSQL ignored that end: the batch goes on."""
        if self.guard is not None:
            self.guard.closed = False
        if self.temps is not None:
            self.temps.closed = False

    def look_at_temps(self) -> None:
        """From now on judge by the temporary tables that there are."""
        base = base_of(self.judge)
        own = self.temps is not None and (self.temps.tables or self.temps.oids)
        self.judge = SessionJudge(base, self.temps) if own and self.temps is not None else base

    def judge_of(self, batch: int) -> Judge:
        """Who judged what this batch holds."""
        for until, judge in self.former:
            if batch <= until:
                return judge
        return self.judge

    def next_number(self) -> int:
        self.numbered += 1
        return self.numbered

    def take_facts(self) -> tuple[Fact, ...]:
        facts = tuple(self.facts)
        self.facts.clear()
        return facts

    def statement_ended(
        self,
        running: Running,
        outcome: str,
        now: float,
        *,
        tag: str = "",
        rows: int | None = None,
        sqlstate: str = "",
        message: str | None = None,
        rule: str = "",
    ) -> None:
        """Note how a statement ended (outcomes as in facts.StatementEnded)."""
        seen = told(running) if running.kept is not None else None
        if seen is not None:
            self.facts.append(seen)
        ended = self.end_of(running, outcome, now, tag=tag, rows=rows, sqlstate=sqlstate, message=message, rule=rule)
        self.facts.append(ended)

    def end_of(
        self,
        running: Running,
        outcome: str,
        now: float,
        *,
        tag: str = "",
        rows: int | None = None,
        sqlstate: str = "",
        message: str | None = None,
        rule: str = "",
    ) -> StatementEnded:
        """How a statement ended."""
        if self.limits is not None:
            self.allowance.spend(running)
        if outcome == "done":
            # In a failed transaction only ROLLBACK TO succeeds and leaves it open.
            self.within = running.leaves or ("T" if self.within == "E" else self.within)
        elif outcome == "failed" and self.within != "I":
            self.within = "E"
        return StatementEnded(
            number=running.number,
            outcome=outcome,
            rows=running.rows if rows is None else rows,
            bytes=running.bytes,
            microseconds=round((now - running.started) * 1e6),
            tag=tag,
            sqlstate=sqlstate,
            transaction=self.within,
            rule=rule,
            sealed=Sealed(message=message) if message else None,
        )

    def copy_ended(self, running: Running, copied: int, *, failed: bool) -> None:
        """Note that the client has sent all the data of a COPY, or has broken it off."""
        running.bytes = copied
        self.facts.append(CopyEnded(running.number, copied, failed=failed))
