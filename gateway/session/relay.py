"""Between client and upstream: every statement is judged before it passes.

Event in, commands out; no await, no clock, no randomness. `now` is in seconds of a monotonic clock.
"""

from __future__ import annotations

from collections import deque

from gateway.audit.facts import (
    CancelAsked,
    EndMoved,
    ExpiryNoticed,
    Fact,
    SecondLockTripped,
    StatementEnded,
    StatementJudged,
)
from gateway.session.answering import Answering, UpstreamEnds
from gateway.session.asking import Asking, Terminated
from gateway.session.commands import (
    CancelUpstream,
    Command,
    EndSession,
    JudgeAside,
    Record,
    RecordSoon,
    RefreshCatalog,
    SendToClient,
    SendToUpstream,
)
from gateway.session.conversation import Conversation, LimitReached, SecondLock, UpstreamViolation
from gateway.session.judge import Judge, Judged
from gateway.session.lane import Lane
from gateway.session.lookups import Lookups
from gateway.session.refusals import fatal, notice
from gateway.session.results import told
from gateway.session.temps import base_of
from protocol.errors import ProtocolViolation
from protocol.frames import BackendFrames, Frame, FrontendFrames
from protocol.frontend import Terminate

TERMINATE = Terminate().encode()

#: An unknown name makes us look at the catalog again, but not more often than this (seconds).
LOOK_AGAIN_AFTER = 2.0
#: So many messages may wait for their answers before the next one waits with us. Far more than
#: fit unsent into PostgreSQL's own buffer (8 kB), so an answer is always on its way to us.
MOST_UNANSWERED = 10_000
#: An answer to nobody may be this long, as much as PostgreSQL keeps before it finds that its client is gone.
MOST_UNHEARD = 8 * 1024
#: Messages that have no answer, so there is nothing to wait for.
WITHOUT_ANSWER = frozenset(b"dcfHX")


class Relay:
    """One session's conversation. Each method is an event; it returns what is to be done, in order."""

    __slots__ = (
        "_answering",
        "_asking",
        "_cancelling",
        "_ended",
        "_ending",
        "_from_client",
        "_from_upstream",
        "_goodbye",
        "_held",
        "_lane",
        "_looked_at",
        "_talk",
        "_to_say",
        "_unheard",
        "_waits_for_catalog",
        "_waits_for_verdict",
    )

    def __init__(
        self, judge: Judge, *, max_message_bytes: int, may_listen: bool = False, lookups: Lookups | None = None
    ) -> None:
        """`lookups` counts for all sessions of a grant."""
        self._talk = Conversation(judge, may_listen=may_listen, lookups=lookups or Lookups())
        self._asking = Asking(self._talk)
        self._answering = Answering(self._talk)
        self._from_client = FrontendFrames(max_message_bytes)
        self._from_upstream = BackendFrames()
        self._lane = Lane(self._talk, max_message_bytes)
        #: Messages of the client that are not taken yet; no deque while there are none (0.7 kB).
        self._held: deque[tuple[int, bytes]] | tuple[()] = ()
        self._waits_for_catalog = False
        #: The text whose verdict is awaited.
        self._waits_for_verdict: bytes | None = None
        #: A CancelRequest is under way. What comes now waits, or it could be hit by it.
        self._cancelling = False
        self._looked_at: float = -LOOK_AGAIN_AFTER
        self._to_say: list[bytes] = []
        self._ending: tuple[Command, ...] | None = None
        self._ended = False
        #: The client said goodbye while the upstream still owes it answers.
        self._goodbye = False
        #: How many bytes nobody heard, since the client is gone; None while it is there.
        self._unheard: int | None = None

    @property
    def holding(self) -> bool:
        """Messages of the client wait; it should not be read further."""
        return bool(self._held)

    @property
    def busy(self) -> bool:
        """Does the upstream owe an answer?"""
        return len(self._talk.replies) > 0

    @property
    def transaction(self) -> str:
        return self._talk.transaction

    @property
    def judge(self) -> Judge:
        """The one that serves all sessions of the role."""
        return base_of(self._talk.judge)

    def transaction_age(self, now: float) -> float:
        """For how many seconds a transaction has been open: a block, or a statement by itself."""
        if self._talk.transaction != "I":
            return now - self._talk.began
        alone = self._talk.alone
        if alone is not None:
            return now - alone.running.started
        running = self._talk.replies.still_running()
        return now - running[0].started if running else 0.0

    @property
    def _running_now(self) -> int:
        """The event of what the upstream does now, or does next; 0 when it owes nothing but answers to messages."""
        running = self._talk.replies.still_running()
        return running[0].number if running else 0

    @property
    def running(self) -> tuple[float, str] | None:
        """Since when (monotonic) something runs, and the kind of statement; None: nothing does."""
        alone = self._talk.alone
        if alone is not None:
            return alone.running.started, _kind(alone.judged, 1)
        head = self._talk.replies.running_now
        if head is None:
            return None
        return next(iter(head.running)).started, _kind(head.judged, len(head.running))

    @property
    def over(self) -> bool:
        """The session has ended, or will with the row that is passing."""
        return self._ended or self._ending is not None

    @property
    def at_rest(self) -> bool:
        """Nothing is under way: no statement, no transaction, not even an implicit one."""
        return self._talk.transaction == "I" and self._talk.replies.settled and not self._held

    @property
    def statements(self) -> int:
        """How many were asked to run, the refused ones included."""
        return self._talk.numbered - self._talk.prepared

    @property
    def refused(self) -> int:
        return self._talk.refused

    # the short way, for who has nothing else to do (gateway.session.lane)

    def asked_alone(self, data: bytes, now: float) -> tuple[StatementJudged, bytes] | None:
        """What the client sent, if it is one statement and nothing else is under way: the event to record,
        and then what to send upstream. None: nothing has happened, `client_sent` takes it."""
        if (
            not self._talk.quiet
            or self._held
            or self._cancelling
            or self._ended
            or self._ending is not None
            or self._goodbye
            or not self._from_client.idle
        ):
            return None
        return self._lane.asked(data, now)

    def answered_alone(self, data: bytes, now: float) -> StatementEnded | None:
        """What the upstream sent, if it is the whole answer to that: its outcome, to be recorded soon; the
        client gets the answer as it is. None: nothing has happened, `upstream_sent` takes it."""
        if self._talk.alone is None or self._held or self._ended or not self._from_upstream.idle:
            return None
        return self._lane.answered(data, now)

    # events

    def client_sent(self, data: bytes, now: float) -> list[Command]:
        if self._ended or self._ending is not None or self._goodbye:
            return []
        try:
            frames = self._from_client.feed(data)
        except ProtocolViolation as violation:
            return [*self._asked(now), *self._violated(violation, now)]
        self._held = deque(frames) if not self._held else self._held + deque(frames)
        return self._take_held(now)

    def catalog_refreshed(self, now: float) -> list[Command]:
        """What RefreshCatalog asked for is done, or could not be done."""
        self._waits_for_catalog = False
        self._asking.verdict = None  # of the older snapshot
        self._asking.catalog_is_fresh = True
        return self._take_held(now)

    def judged(self, sql: bytes, judged: Judged, now: float) -> list[Command]:
        """The verdict that JudgeAside asked for. It is nobody's when the text was cancelled meanwhile."""
        if sql != self._waits_for_verdict:
            return []
        self._waits_for_verdict = None
        if judged.policy in ("", self._talk.judge.policy.version):
            self._asking.verdict = (sql, judged)
        return self._take_held(now)

    def judge_anew(self, judge: Judge, told: Fact) -> list[Command]:
        """Another policy is in force: `judge` judges from the next statement on. `told` says so in the record."""
        if self._ended:
            return []
        self._talk.judge_anew(judge)
        self._asking.verdict = None
        return [Record((told,))]

    def cancel_done(self, now: float) -> list[Command]:
        """What CancelUpstream asked for is done, or could not be done."""
        self._cancelling = False
        return [*self._ours(), *self._take_held(now)]

    def client_left(self, now: float) -> list[Command]:
        """The client's connection is gone. After a goodbye PostgreSQL finishes what it was asked to do
        (PG manual, 55.2.8); a client that vanishes has its query cancelled."""
        if self._goodbye or any(kind == Terminate.kind for kind, _ in self._held):
            self._unheard = 0
            return []  # also when it waits, with what came before it
        return self.end_at_once("client", "the client closed the connection", now)

    def upstream_left(self, now: float) -> list[Command]:
        """The upstream's connection is gone."""
        if self._goodbye and not self._ended:
            self._ended = True
            return [*self._cut(now), EndSession("client")]
        return self.end(
            "upstream",
            "08006",
            "the connection to the database was lost",
            now,
            hint="Connect again; if that fails, the database is down or restarting.",
        )

    def upstream_sent(self, data: bytes, now: float) -> list[Command]:
        if self._ended:
            return []
        end: list[Command] = []
        try:
            for piece in self._from_upstream.feed(data):
                if isinstance(piece, Frame):
                    self._answering.message(piece, now)
                else:
                    self._answering.rows(piece)
        except SecondLock as lock:
            end = self._second_lock(lock, now)
        except LimitReached as limit:
            refusal = limit.refusal
            detail = "The statement was one of several, so its failure could not be told by itself."
            words = fatal(refusal.sqlstate, refusal.message, detail=detail, hint=refusal.hint)
            end = self._stop("limit", words, refusal.message, now)
        except UpstreamEnds as fate:
            end = [self._ending[-1] if self._ending is not None else EndSession(fate.cause, str(fate))]
            self._ended = True
            self._held = ()
        except (UpstreamViolation, ProtocolViolation) as violation:
            end = self._stop(
                "upstream",
                fatal("08P01", f"the database's answer was not understood: {violation}"),
                str(violation),
                now,
            )
        commands = self._answered()
        if end:
            return commands + end
        if self._unheard is not None:
            self._unheard += sum(len(command.data) for command in commands if isinstance(command, SendToClient))
            if self._unheard > MOST_UNHEARD:
                return commands + self.end_at_once("client", "the client left without its answer", now)
        commands += self._say(now)
        if self._talk.wants_cancel:
            self._talk.wants_cancel = False
            if not self._cancelling and not self._ended:
                self._cancelling = True
                commands.append(CancelUpstream())
        commands += self._ours()
        if self._held:
            commands += self._take_held(now)
        return commands

    def warn(self, message: str, seconds_left: int, now: float) -> list[Command]:
        """The grant will end soon."""
        if self._ended:
            return []
        self._to_say.append(notice(message))
        return [Record((ExpiryNoticed(seconds_left),)), *self._say(now)]

    def goes_on(self, message: str, ends_at: str, now: float) -> list[Command]:
        """The grant was extended."""
        if self._ended:
            return []
        self._to_say.append(notice(message))
        return [Record((EndMoved(ends_at),)), *self._say(now)]

    def cancel_asked(self, by: str, now: float) -> list[Command]:
        """A CancelRequest with this session's key came."""
        if self._ended or self._cancelling:
            return []
        if self._talk.replies.head is None:
            return self._cancel_held(by, now)
        self._cancelling = True
        number = self._running_now
        return [Record((CancelAsked(number, by),)), CancelUpstream()]

    def end(
        self, cause: str, sqlstate: str, message: str, now: float, *, detail: str = "", hint: str | None = None
    ) -> list[Command]:
        """End the session for a reason of the gateway's: tell the client, cancel what runs.

        In the middle of a row the client is told when the row is complete; whoever performs the
        commands closes the connection in any case shortly after."""
        if self._ended or self._ending is not None:
            return []
        words = fatal(sqlstate, message, hint=hint)
        self._held = ()
        if self._from_upstream.between_messages:
            return self._stop(cause, words, detail or message, now)
        # What has ended when the row is complete was not cut.
        self._ending = (SendToClient(words), EndSession(cause, detail or message))
        return self._cancel_if_busy()

    def end_at_once(self, cause: str, detail: str, now: float) -> list[Command]:
        """End without another word: the client is gone, or did not take the last row in time."""
        if self._ended:
            return []
        self._ended = True
        self._held = ()
        return [*self._cut(now), *self._cancel_if_busy(), EndSession(cause, detail)]

    # the client's side

    def _cancel_held(self, by: str, now: float) -> list[Command]:
        """The statement that a CancelRequest means is still here, waiting for its verdict or for the
        catalog: PostgreSQL would be running it. It is refused, and what waits behind it goes on."""
        if not (self._waits_for_catalog or self._waits_for_verdict):
            return []
        self._waits_for_catalog, self._waits_for_verdict = False, None
        self._asking.cancelled_by = by
        return self._take_held(now)

    def _take_held(self, now: float) -> list[Command]:
        """Take waiting messages in order, until one has to wait again."""
        held = self._held or deque()
        commands: list[Command] = []
        try:
            while held and not (self._waits_for_catalog or self._waits_for_verdict or self._cancelling):
                kind, raw = held[0]
                if len(self._talk.replies) >= MOST_UNANSWERED and kind not in WITHOUT_ANSWER:
                    break
                if self._asking.message(kind, raw, now):
                    held.popleft()
                    self._asking.verdict = None
                    continue
                wanted = self._asking.wants_verdict
                if wanted is not None:
                    self._asking.wants_verdict = None
                    self._waits_for_verdict = wanted
                    commands.append(JudgeAside(self._talk.judge, wanted))
                    break
                if not self._asking.wants_catalog:
                    break
                self._asking.wants_catalog = False
                if now - self._looked_at < LOOK_AGAIN_AFTER:
                    self._asking.catalog_is_fresh = True
                    continue
                self._looked_at = now
                self._waits_for_catalog = True
                commands.append(RefreshCatalog())
        except Terminated:
            self._held = ()
            asked = self._asked(now)
            if self.busy:
                self._goodbye = True
                return [*asked, SendToUpstream(TERMINATE)]
            self._ended = True
            return [*asked, EndSession("client")]
        except ProtocolViolation as violation:
            return [*self._asked(now), *self._violated(violation, now)]
        if not held:
            self._held = ()
        return self._asked(now) + commands

    def _asked(self, now: float) -> list[Command]:
        commands: list[Command] = []
        self._asking.note_binds(now)
        facts = self._talk.take_facts()
        if facts:
            commands.append(Record(facts))
        data = self._asking.take_parts()
        if data:
            commands.append(SendToUpstream(data))
        return commands

    def _violated(self, violation: ProtocolViolation, now: float) -> list[Command]:
        return self._stop("protocol", fatal(violation.sqlstate, str(violation)), str(violation), now)

    # the upstream's side

    def _answered(self) -> list[Command]:
        commands: list[Command] = []
        facts = self._talk.take_facts()
        if facts:
            commands.append(RecordSoon(facts))
        data = self._answering.take_parts()
        if data:
            commands.append(SendToClient(data))
        return commands

    def _ours(self) -> list[Command]:
        """What the gateway itself has to ask of the upstream; not while a cancel could hit it."""
        if not self._talk.ours or self._cancelling or self._ended:
            return []
        data = b"".join(self._talk.ours)
        self._talk.ours.clear()
        return [SendToUpstream(data)]

    def _say(self, now: float) -> list[Command]:
        """Words of our own, between two messages of the upstream and never inside one."""
        if not self._from_upstream.between_messages:
            return []
        if self._ending is not None:
            self._ended = True
            return [*self._cut(now), *self._ending]
        if not self._to_say:
            return []
        said = b"".join(self._to_say)
        self._to_say.clear()
        return [SendToClient(said)]

    def _second_lock(self, lock: SecondLock, now: float) -> list[Command]:
        tripped: Fact = SecondLockTripped(self._running_now, lock.table_oid, lock.attribute)
        words = fatal(
            "42501",
            "the session was ended: a protected column came back unmasked",
            detail="This should not happen. The result was withheld and the event recorded.",
        )
        return [Record((tripped,)), *self._stop("second-lock", words, str(lock), now)]

    # ending

    def _stop(self, cause: str, words: bytes, detail: str, now: float) -> list[Command]:
        self._ended = True
        self._held = ()
        return [*self._cut(now), SendToClient(words), *self._cancel_if_busy(), EndSession(cause, detail)]

    def _cancel_if_busy(self) -> list[Command]:
        return [CancelUpstream()] if self.busy else []

    def _cut(self, now: float) -> list[Command]:
        """Every statement whose end will not be seen any more, of those that were handed over to be recorded."""
        unwritten = {fact.number for fact in self._talk.facts if isinstance(fact, StatementJudged)}
        cut: list[Fact] = []
        for running in self._talk.replies.still_running():
            if running.number in unwritten:
                continue
            seen = told(running)
            if seen is not None:
                cut.append(seen)
            cut.append(
                StatementEnded(
                    number=running.number,
                    outcome="cut",
                    rows=running.rows,
                    bytes=running.bytes,
                    microseconds=round((now - running.started) * 1e6),
                    transaction=self._talk.within,
                )
            )
        return [RecordSoon(tuple(cut))] if cut else []


def _kind(judged: Judged | None, left: int) -> str:
    """Of the first of the `left` last statements of a query string."""
    statements = () if judged is None else judged.statements
    return statements[-left].kind.value if 0 < left <= len(statements) else "other"
