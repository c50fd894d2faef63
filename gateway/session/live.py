"""A relay on two channels: performs its commands in order, keeps its time, and ends it whole.

No session outlives its grant: the end is a timer on a monotonic clock set once, and the periodic
re-check of the store (server) is a second one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import assert_never

import structlog

from gateway.access.models import Admission
from gateway.alerts.watch import Eyes
from gateway.audit.chain import rfc3339
from gateway.audit.facts import Fact, PolicyLoaded, SessionClosed, StatementEnded, StatementJudged
from gateway.audit.record import RecordUnavailable, SessionRecord
from gateway.channel import Channel
from gateway.session.cancel import cancel_upstream
from gateway.session.chamber import Chamber
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
from gateway.session.judge import Judge
from gateway.session.refusals import fatal
from gateway.session.relay import TERMINATE, Relay
from gateway.session.snapshots import Snapshots
from gateway.session.upstream import Upstream, UpstreamUnavailable
from gateway.session.view import LiveView

log = structlog.get_logger()

#: From the end of a session until its client's connection is cut, whatever it has not read yet.
LAST_WORDS_SECONDS = 0.5
#: Longer texts (in characters) are written down in a thread: 1 MB takes about 20 ms.
LONG_TEXT = 256 * 1024
#: How long the upstream may take to leave after its query was cancelled, before its backend is ended.
LEAVE_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Curfew:
    """When a session ends, and when it is told: seconds before the end, descending."""

    ends_at: datetime
    seconds_left: float
    warnings: tuple[int, ...]


class LiveSession:
    """One open session. Made by the handshake; `run` returns when it is over."""

    __slots__ = (
        "_asides",
        "_backlog",
        "_began",
        "_cancelling",
        "_chamber",
        "_client",
        "_curfew",
        "_curfew_timers",
        "_draining",
        "_eyes",
        "_loop",
        "_over",
        "_record",
        "_relay",
        "_rows",
        "_snapshots",
        "_tasks",
        "_timers",
        "_upstream",
        "_upstream_congested",
        "_writing",
        "admission",
        "cancel_pid",
        "id",
    )

    def __init__(
        self,
        session_id: str,
        admission: Admission,
        client: Channel,
        upstream: Upstream,
        relay: Relay,
        record: SessionRecord,
        snapshots: Snapshots,
        chamber: Chamber,
        eyes: Eyes,
        curfew: Curfew,
    ) -> None:
        self.id = session_id
        self.admission = admission
        self._client = client
        self._upstream = upstream
        self._relay = relay
        self._record = record
        self._snapshots = snapshots
        self._chamber = chamber
        self._eyes = eyes
        self._curfew = curfew
        #: The number that the client's CancelRequest will quote.
        self.cancel_pid = 0
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[EndSession] = self._loop.create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._asides: list[asyncio.Task[None]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._curfew_timers: list[asyncio.TimerHandle] = []
        self._upstream_congested = False
        self._cancelling: asyncio.Task[None] | None = None
        self._draining = False
        self._began = monotonic()
        self._rows = 0
        #: Something is being written down by a thread or brought to disk; what is to be done after that.
        self._writing: asyncio.Future[None] | None = None
        self._backlog: list[Command] | None = None

    async def run(self) -> None:
        """Relay until the session is over, then leave nothing behind."""
        self._set_timers()
        self._upstream.parameters.clear()  # the client has been told
        # The client's side last: everything is in place when its first byte is looked at.
        self._upstream.channel.relay_to(_UpstreamSide(self))
        self._client.relay_to(_ClientSide(self))
        try:
            ended = await self._over
        except asyncio.CancelledError:
            if self._over.cancelled():
                self._over = self._loop.create_future()
            self.shut_down()
            ended = await self._over
        await self._leave(ended)

    def shut_down(self) -> None:
        """End the session because the gateway ends."""
        self.end(
            "shutdown",
            "57P01",
            "terminating connection: the gateway is shutting down",
            hint="Connect again: your grant goes on, and another gateway or the next start takes it.",
        )

    def end(self, cause: str, sqlstate: str, message: str, *, hint: str | None = None, detail: str = "") -> None:
        """End the session now, for a reason of the gateway's."""
        self._happened(lambda now: self._relay.end(cause, sqlstate, message, now, hint=hint, detail=detail))
        if not self._over.done():
            self._timers.append(self._loop.call_later(LAST_WORDS_SECONDS, self._end_at_once, cause, detail or message))

    def view(self) -> LiveView:
        """What it is, and what it does now."""
        now = monotonic()
        grant, ends_at = self.admission.grant, self._curfew.ends_at
        running = self._relay.running
        return LiveView(
            session=self.id,
            person=self.admission.person.name,
            target=grant.target,
            role=grant.role,
            grant=grant.id,
            client=self._client.peer,
            since=rfc3339(datetime.now(UTC) - timedelta(seconds=now - self._began)),
            ends_at=rfc3339(ends_at),
            statements=self._relay.statements,
            refused=self._relay.refused,
            rows=self._rows,
            running="" if running is None else running[1],
            running_seconds=0.0 if running is None else max(0.0, now - running[0]),
            transaction=self._relay.transaction,
        )

    def drain(self) -> None:
        """End as soon as nothing is under way: now, or when the open transaction has ended."""
        self._draining = True
        self._leave_if_at_rest()

    @property
    def judge(self) -> Judge:
        """Who judges this session."""
        return self._relay.judge

    def judge_anew(self, judge: Judge) -> None:
        """Another policy is in force: from the next statement on this judge judges."""
        told = PolicyLoaded(judge.policy.version, before=self.judge.policy.version)
        self._happened(lambda _: self._relay.judge_anew(judge, told))

    def mind_time(self, now: float) -> None:
        """End the session if its transaction takes longer than its role's may (25P04, as PostgreSQL 17 does)."""
        limit = self.judge.policy.limits.transaction_seconds
        if limit is not None and self._relay.transaction_age(now) > limit:
            self.end(
                "limit",
                "25P04",
                "terminating connection due to transaction timeout",
                detail=f"a transaction was open for more than {limit} seconds",
                hint=f"Transactions of this role may take {_in_words(limit)}; connect again and make smaller ones.",
            )

    def goes_on_until(self, ends_at: datetime, seconds_left: float) -> None:
        """The grant was extended: the session ends with it, so many seconds from now. An end does not come nearer
        this way."""
        if ends_at <= self._curfew.ends_at or self._over.done():
            return
        self._curfew = Curfew(ends_at, max(seconds_left, 0.0), self._curfew.warnings)
        for timer in self._curfew_timers:
            timer.cancel()
        self._curfew_timers.clear()
        self._set_timers()
        words = f"the grant was extended: this session ends at {ends_at:%Y-%m-%d %H:%M:%S} UTC"
        self._happened(lambda now: self._relay.goes_on(words, f"{ends_at:%Y-%m-%dT%H:%M:%SZ}", now))

    def cancel(self, by: str) -> asyncio.Task[None] | None:
        """A CancelRequest with this session's key came. Gives back the upstream's cancel, if one is under way."""
        self._happened(lambda now: self._relay.cancel_asked(by, now))
        return self._cancelling

    def perform(self, commands: list[Command]) -> None:
        """Do what the relay asks, in order; what cannot be recorded does not happen, nor what follows."""
        if self._backlog is not None:
            self._backlog += commands
            if any(isinstance(command, EndSession) for command in commands):
                self._end_while_writing()
            self._steer()
            return
        for index, command in enumerate(commands):
            match command:
                case Record(facts) if any(map(_is_long, facts)):
                    self._backlog = commands[index + 1 :]
                    self._writing = self._spawn(self._write_aside(facts))
                    break
                case Record(facts):
                    if not self._write_down(facts, commands[index + 1 :]):
                        return
                    if self._record.durable:
                        self._hold(commands[index + 1 :])
                        break
                case SendToUpstream(data):
                    self._upstream.channel.write(data)
                case SendToClient(data):
                    self._client.write(data)
                case RecordSoon(facts):
                    self._note(facts)
                case CancelUpstream():
                    self._cancelling = self._spawn(self._cancel())
                case RefreshCatalog():
                    self._spawn(self._refresh_catalog())
                case JudgeAside(judge, sql):
                    self._spawn(self._judge_aside(judge, sql), to_wait_for=False)
                case EndSession():
                    self._finish(command)
                case _:
                    assert_never(command)
        self._steer()

    # time

    def _set_timers(self) -> None:
        left = self._curfew.seconds_left
        self._curfew_timers.append(self._loop.call_later(left, self._curfew_falls))
        self._warn_next(self._loop.time() + left, left)

    def _warn_next(self, ends: float, before: float) -> None:
        """Set the timer of the first warning less than `before` seconds from the end: one at a time, each
        takes memory for as long as it is set."""
        seconds = max((warning for warning in self._curfew.warnings if warning < before), default=0)
        if seconds:
            self._curfew_timers.append(self._loop.call_at(ends - seconds, self._warn, ends, seconds))

    def _warn(self, ends: float, seconds: int) -> None:
        self._warn_next(ends, seconds)
        words = f"this session ends in {_in_words(seconds)}, at {self._curfew.ends_at:%H:%M:%S} UTC, with its grant"
        self._happened(lambda now: self._relay.warn(words, seconds, now))

    def _curfew_falls(self) -> None:
        grant = self.admission.grant
        self.end(
            "grant-ended",
            "57P01",
            f"terminating connection: grant {grant.id} ended at {self._curfew.ends_at:%Y-%m-%d %H:%M:%S} UTC",
            hint='Ask for access again with "pgcurfew request", or have the grant extended before it ends.',
        )

    def _leave_if_at_rest(self) -> None:
        if self._relay.at_rest:
            self.shut_down()

    def _end_at_once(self, cause: str, detail: str) -> None:
        self._happened(lambda now: self._relay.end_at_once(cause, detail, now))

    # the two sides

    def client_sent(self, data: bytes) -> None:
        try:
            now = monotonic()
            asked = self._relay.asked_alone(data, now) if self._backlog is None else None
            if asked is None:
                self.perform(self._relay.client_sent(data, now))
            elif self._write_down(asked[:1]):
                if self._record.durable:
                    self._hold([SendToUpstream(asked[1])])
                else:
                    self._upstream.channel.write(asked[1])
        except Exception:
            self.failed()

    def upstream_sent(self, data: bytes) -> None:
        try:
            now = monotonic()
            ended = self._relay.answered_alone(data, now) if self._backlog is None else None
            if ended is None:
                self.perform(self._relay.upstream_sent(data, now))
            else:
                self._note((ended,))
                self._client.write(data)
        except Exception:
            self.failed()
        if self._draining:
            self._leave_if_at_rest()

    def _happened(self, event: Callable[[float], list[Command]]) -> None:
        """Tell the relay of an event and do what it asks; a fault of our own ends the session."""
        try:
            self.perform(event(monotonic()))
        except Exception:
            self.failed()

    def failed(self) -> None:
        """A fault of our own: nothing more passes in either direction (fail closed)."""
        log.exception("session failed", session=self.id)
        self._client.write(fatal("XX000", "internal error in the gateway", hint="Tell whoever runs it; see its log."))
        try:
            self._note_ends(self._relay.end_at_once("fault", "internal error", monotonic()))
        finally:
            self._finish(EndSession("fault", "internal error"))

    def client_left(self) -> None:
        self._happened(self._relay.client_left)
        # It may have been held back for a client that did not read, which nobody will lift any more.
        self._upstream.channel.resume_reading()

    def upstream_left(self) -> None:
        self._happened(self._relay.upstream_left)

    def client_congested(self, congested: bool) -> None:
        """The client does not read: neither do we read the upstream."""
        if congested:
            self._upstream.channel.pause_reading()
        else:
            self._upstream.channel.resume_reading()

    def upstream_congested(self, congested: bool) -> None:
        self._upstream_congested = congested
        self._steer()

    def _steer(self) -> None:
        """Read the client only while its messages can be taken."""
        if self._upstream_congested or self._relay.holding or self._backlog is not None:
            self._client.pause_reading()
        else:
            self._client.resume_reading()

    # what commands need

    def _write_down(self, facts: tuple[Fact, ...], after: Sequence[Command] = ()) -> bool:
        """`after` is what comes after them; nothing of it happens when they cannot be written down."""
        try:
            self._record.append(facts)
        except RecordUnavailable as error:
            self._not_written_down(error, (Record(facts), *after))
            return False
        for fact in facts:
            self._eyes.saw(fact)
        return True

    async def _write_aside(self, facts: tuple[Fact, ...]) -> None:
        """Write long ones down while other sessions go on, then do what waits for it."""
        try:
            await self._record.append_aside(facts)
        except RecordUnavailable as error:
            after, self._backlog = self._backlog or [], None
            self._not_written_down(error, (Record(facts), *after))
            return
        except Exception:
            self._backlog = None
            self.failed()
            return
        for fact in facts:
            self._eyes.saw(fact)
        if self._record.durable and self._backlog is not None:
            self._hold(self._backlog)
        else:
            self._go_on()

    def _hold(self, commands: list[Command]) -> None:
        """What was written down goes to disk first, then do these; other sessions go on."""
        self._backlog = commands
        self._writing = self._record.on_disk()
        self._writing.add_done_callback(self._is_on_disk)

    def _is_on_disk(self, done: asyncio.Future[None]) -> None:
        error = done.exception()
        if isinstance(error, RecordUnavailable) and self._backlog is not None:
            after, self._backlog = self._backlog, None
            self._not_written_down(error, after)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Do what has waited for the record, unless the session has ended meanwhile."""
        if self._backlog is None:
            return
        commands, self._backlog = self._backlog, None
        if self._relay.over:  # meanwhile: what was recorded does not run any more
            commands = [command for command in commands if not isinstance(command, SendToUpstream)]
        self._happened(lambda _: commands)

    def _end_while_writing(self) -> None:
        """The end does not wait for the disk. What was to be recorded and to run does not; what the client is
        told is told."""
        commands, self._backlog = self._backlog or [], None
        recorded = [fact for command in commands if isinstance(command, Record) for fact in command.facts]
        runs = {fact.number for fact in recorded if isinstance(fact, StatementJudged) and fact.verdict != "refused"}
        happened = [fact for fact in recorded if not (isinstance(fact, StatementJudged) and fact.number in runs)]
        self._note_ends((RecordSoon(tuple(happened)), *commands), runs)
        told = (SendToClient, CancelUpstream, EndSession)
        self.perform([command for command in commands if isinstance(command, told)])

    def _not_written_down(self, error: RecordUnavailable, undone: Sequence[Command]) -> None:
        """End; `undone` is not done. How statements came out that were on record before goes on waiting for the
        disk."""
        log.error("record unavailable, session ended", session=self.id, reason=str(error))
        self._client.write(
            fatal(
                "58030",
                "the audit record cannot be written, so no statement may run",
                hint="Tell whoever runs this gateway; connect again when the record's disk is in order.",
            )
        )
        ends = self._relay.end_at_once("record", str(error), monotonic())
        recorded = [fact for command in undone if isinstance(command, Record) for fact in command.facts]
        unwritten = {fact.number for fact in recorded if isinstance(fact, StatementJudged)}
        self._note_ends((*undone, *ends), unwritten)
        self._finish(EndSession("record", str(error)))

    def _note_ends(self, commands: Sequence[Command], unwritten: Set[int] = frozenset()) -> None:
        """What these commands tell of statements that ran, but for `unwritten` ones."""
        told = [fact for command in commands if isinstance(command, RecordSoon) for fact in command.facts]
        facts = tuple(fact for fact in told if not (isinstance(fact, StatementEnded) and fact.number in unwritten))
        if facts:
            self._note(facts)

    def _note(self, facts: tuple[Fact, ...]) -> None:
        self._record.append_soon(facts)
        for fact in facts:
            self._eyes.saw(fact)
            if type(fact) is StatementEnded:
                self._rows += fact.rows

    def _finish(self, ended: EndSession) -> None:
        if not self._over.done():
            self._over.set_result(ended)

    async def _refresh_catalog(self) -> None:
        try:
            await self._snapshots.refresh()
        except UpstreamUnavailable as error:
            log.warning("catalog not refreshed", session=self.id, reason=error.message)
        except Exception:
            log.exception("catalog not refreshed", session=self.id)
        self._happened(self._relay.catalog_refreshed)

    async def _cancel(self) -> None:
        try:
            await cancel_upstream(self._upstream)
        finally:
            self._cancelling = None
        self._happened(self._relay.cancel_done)

    async def _judge_aside(self, judge: Judge, sql: bytes) -> None:
        judged = await self._chamber.judge(judge.policy, judge.catalog, sql)
        judge.remember(sql, judged)
        self._happened(lambda now: self._relay.judged(sql, judged, now))

    def _spawn(self, coroutine: Coroutine[None, None, None], *, to_wait_for: bool = True) -> asyncio.Task[None]:
        """A task of this session; `to_wait_for` before the session is over."""
        task = self._loop.create_task(coroutine)
        tasks = self._tasks if to_wait_for else self._asides
        tasks.append(task)
        task.add_done_callback(tasks.remove)
        return task

    async def _leave(self, ended: EndSession) -> None:
        """Close both sides so that neither a backend nor a client stays."""
        for timer in (*self._timers, *self._curfew_timers):
            timer.cancel()
        while self._writing is not None and not self._writing.done():
            done, _ = await asyncio.wait((self._writing,), timeout=LAST_WORDS_SECONDS)
            if not done:  # neither side waits for a disk that hangs
                self._client.close()
                self._upstream.channel.abort()
                await asyncio.wait((self._writing,))
        closed = SessionClosed(
            cause=ended.cause,
            detail=ended.detail,
            statements=self._relay.statements,
            refused=self._relay.refused,
        )
        self._record.close(closed)
        self._eyes.saw(closed)
        self._client.resume_reading()
        self._client.close()
        if self._client.closed:
            await self._leave_upstream()
        else:
            # At the same time: a target that hangs must not keep the client's connection open.
            await asyncio.gather(self._leave_upstream(), self._leave_client())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._upstream.route.timeout)

    async def _leave_upstream(self) -> None:
        """Say goodbye to the upstream, and make sure that what it runs for us ends."""
        upstream = self._upstream
        busy = self._relay.busy
        upstream.channel.resume_reading()
        upstream.channel.write(TERMINATE)
        if busy and self._cancelling is None and not upstream.channel.closed:
            self._cancelling = self._spawn(cancel_upstream(upstream))
        if not busy and self._cancelling is None:
            # It waits for a message, and this is its last: nothing is to be seen to.
            upstream.channel.close()
            self._loop.call_later(LEAVE_SECONDS, upstream.channel.abort)
            return
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await upstream.channel.wait_closed()
        except TimeoutError:
            upstream.channel.abort()
            if busy:
                await self._snapshots.end_backend(upstream)
        finally:
            upstream.channel.abort()

    async def _leave_client(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._client.wait_closed()
        except TimeoutError:
            self._client.abort()


class _ClientSide:
    """What the client's channel calls."""

    __slots__ = ("_session", "received")

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self.received = session.client_sent

    def left(self, error: Exception | None) -> None:
        self._session.client_left()

    def congested(self) -> None:
        self._session.client_congested(True)

    def relieved(self) -> None:
        self._session.client_congested(False)


class _UpstreamSide:
    """What the upstream's channel calls."""

    __slots__ = ("_session", "received")

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self.received = session.upstream_sent

    def left(self, error: Exception | None) -> None:
        self._session.upstream_left()

    def congested(self) -> None:
        self._session.upstream_congested(True)

    def relieved(self) -> None:
        self._session.upstream_congested(False)


def _is_long(fact: Fact) -> bool:
    """Does writing it down take long enough for other sessions to notice?"""
    if not isinstance(fact, StatementJudged):
        return False
    sealed = fact.sealed
    if sealed is None:
        return len(fact.normalized) > LONG_TEXT
    given = sum(len(value) for value in sealed.parameters if value is not None)
    return len(fact.normalized) + len(sealed.text or "") + given > LONG_TEXT


def _in_words(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if minutes and not rest:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
