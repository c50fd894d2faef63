"""The supervisor's side of several workers: it accepts, says who may come in, and restarts who ended.

One process accepts and passes each connection to the worker that has the fewest. So a few long sessions
are spread evenly (a kernel that spreads by addresses would not), a connection is never given to a process
that has just died, and when the supervisor is gone nobody gets in.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, assert_never

import structlog

from gateway.access.errors import AdmissionRefused
from gateway.access.gate import Gate
from gateway.access.models import Admission, GrantEnded
from gateway.alerts.sights import AnySight
from gateway.audit.facts import Fact, WorkerEnded, WorkerStarted
from gateway.audit.metrics import Metrics
from gateway.audit.record import RecordUnavailable
from gateway.credentials import Misconfigured
from gateway.data_plane import Renewal, running
from gateway.rules import Rules
from gateway.session.cancel import worker_of
from gateway.session.view import LiveView
from gateway.workers.messages import (
    AskLive,
    Cancel,
    CancelDone,
    Cancelled,
    Count,
    Drain,
    Ended,
    Guessed,
    Kill,
    Killed,
    LiveNow,
    Message,
    PassCancel,
    Ready,
    Renew,
    Saw,
    Start,
    Stop,
)
from gateway.workers.watched import Watched

log = structlog.get_logger()

#: How long a worker may take to get ready, and to end when it is told to.
START_SECONDS = 60.0
STOP_SECONDS = 10.0
#: From one start of a worker to the next, doubled each time that it does not live for STEADY_SECONDS.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
#: How often workers say what they have counted, and how long one may be silent before it is ended by force.
COUNT_SECONDS = 2.0
SILENT_SECONDS = 30.0
#: How long /metrics waits for the newest counts.
GATHER_SECONDS = 1.0
#: Accepted at once, before anything else has its turn; and the pause when no more files can be opened.
MOST_ACCEPTED = 64
NO_FILES_SECONDS = 0.5


class Workers:
    """Several data planes behind one port. Used as a DataPlane is."""

    def __init__(
        self,
        rules: Rules,
        gate: Gate,
        metrics: Metrics,
        note: Callable[[Fact], None],
        directory: Callable[[int], Path],
        *,
        see: Callable[[AnySight], None],
        log_json: bool = False,
    ) -> None:
        """`note` writes to the control log; `directory` says where a worker's record is; `see` is told
        what alert rules look at."""
        self._rules = rules
        self._gate = gate
        self._metrics = metrics
        self._note = note
        self._directory = directory
        self._see = see
        self._log_json = log_json
        self._workers: dict[int, Watched] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._first_ready: dict[int, asyncio.Future[None]] = {}
        self._listening: list[socket.socket] = []
        self._admitted = 0
        #: Passed-on cancels: our number -> who asked, his number, and who is to answer.
        self._cancels: dict[int, tuple[Watched, int, Watched]] = {}
        self._cancel_number = 0
        #: Kills that workers have not answered: our number -> who has still to, and whether one had it.
        self._kills: dict[int, tuple[set[int], asyncio.Future[bool]]] = {}
        self._kill_number = 0
        #: Which sessions are open: what a worker was asked, by our number.
        self._asked: dict[tuple[Watched, int], asyncio.Future[tuple[LiveView, ...]]] = {}
        self._ask_number = 0
        #: The counts of workers that have ended.
        self._departed: list[Mapping[str, Any]] = []
        self._stack = contextlib.AsyncExitStack()
        self.draining = False
        self._ending = asyncio.Event()
        gate.subscribe(self._grant_ended)

    @property
    def open_sessions(self) -> int:
        return self._admitted

    def trouble(self) -> str | None:
        """Why no statement could run now, or None."""
        ready = [worker for worker in self._workers.values() if worker.ready]
        if not ready:
            return "no worker is ready"
        if all(worker.counts.get("_record") == 0 for worker in ready):
            return "no worker can write its record"
        return None

    async def start(self) -> None:
        """Until every worker is ready. Raises Misconfigured when one ended before it was."""
        loop = asyncio.get_running_loop()
        for index in range(1, self._rules.settings.gateway.workers + 1):
            self._first_ready[index] = loop.create_future()
            self._tasks.append(loop.create_task(self._keep(index)))
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*self._first_ready.values())
        except TimeoutError:
            raise Misconfigured("the workers did not get ready in time; the log says why") from None
        finally:
            await self._stack.enter_async_context(running(self._pulse()))

    async def listen(self, host: str, port: int) -> int:
        """Begin to accept; the port in use (for port 0). Raises OSError."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            place = (address[0], port, *address[2:])
            listening = socket.create_server(place, family=family, backlog=1024)
            listening.setblocking(False)
            self._listening.append(listening)
            port = listening.getsockname()[1]
        self._accept_again()
        return port

    def renew(self, renewal: Renewal) -> None:
        """Go on by these rules, in every worker."""
        self._rules = renewal.rules
        self._say_to_all(Renew(_pickled(self._rules)))

    async def drain(self, seconds: float) -> None:
        """Have every worker drain and end. Whoever comes meanwhile is told so by those that are left."""
        self.draining = True
        self._ending.set()
        self._say_to_all(Drain(seconds))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds + STOP_SECONDS)

    async def close(self) -> None:
        """Stop accepting, and end every worker in order; by force what does not."""
        self.draining = True
        self._ending.set()
        for listening in self._listening:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._listening.clear()
        self._say_to_all(Stop())
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for worker in self._workers.values():
                log.error("worker did not end, ended by force", worker=worker.name, pid=worker.pid)
                worker.kill()
            await asyncio.gather(*self._tasks)
        await self._stack.aclose()

    async def end_session(self, session: str, by: str, reason: str) -> bool:
        """End it now, whichever worker has it; False when none of them says so within a moment."""
        asked = {worker.index for worker in self._workers.values() if worker.ready}
        if not asked:
            return False
        self._kill_number += 1
        number = self._kill_number
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._kills[number] = (asked, answer)
        self._say_to_all(Kill(number, session, by, reason))
        try:
            async with asyncio.timeout(GATHER_SECONDS):
                return await answer
        except TimeoutError:
            return False
        finally:
            del self._kills[number]

    async def gather(self) -> None:
        """Bring the metrics up to date, as far as the workers answer soon."""
        asked = [worker for worker in self._workers.values() if worker.ready]
        for worker in asked:
            worker.counted.clear()
        self._say_to_all(Count())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                await asyncio.gather(*(worker.counted.wait() for worker in asked))
        self._take_counts()

    async def live(self) -> tuple[LiveView, ...]:
        """The open sessions of all workers that answer soon."""
        loop = asyncio.get_running_loop()
        waiting: dict[tuple[Watched, int], asyncio.Future[tuple[LiveView, ...]]] = {}
        for worker in [worker for worker in self._workers.values() if worker.ready]:
            self._ask_number += 1
            waiting[worker, self._ask_number] = loop.create_future()
            self._asked.update(waiting)
            worker.say(AskLive(self._ask_number))
        if waiting:
            await asyncio.wait(waiting.values(), timeout=GATHER_SECONDS)
        for key in waiting:
            self._asked.pop(key, None)
        return tuple(view for answer in waiting.values() if answer.done() for view in answer.result())

    # House: what workers ask

    async def admit(self, token: str, *, user: str, database: str, client: str, certificate: str) -> Admission:
        """As the gate says; and all workers together have room for so many sessions. Raises AdmissionRefused."""
        admission = await self._gate.admit(token, user=user, database=database, client=client, certificate=certificate)
        if self._admitted >= self._rules.settings.limits.sessions:
            self._gate.leave(admission)
            raise AdmissionRefused(
                "too-many-sessions",
                "53300",
                "the gateway has no room for another session",
                "try again soon",
                token_id=admission.token_id,
                person=admission.person.name,
            )
        self._admitted += 1
        return admission

    def leave(self, admission: Admission) -> None:
        self._admitted -= 1
        self._gate.leave(admission)

    async def still_valid(
        self, grant_ids: Collection[str], token_ids: Collection[str]
    ) -> Mapping[str, datetime | None]:
        return await self._gate.still_valid(grant_ids, token_ids)

    def told(self, worker: Watched, message: Ready | PassCancel | Cancelled | Guessed | LiveNow | Killed | Saw) -> None:
        match message:
            case Ready(record):
                self._is_ready(worker, record)
            case PassCancel(number, pid, key, by):
                self._pass_cancel(worker, number, pid, key, by)
            case Cancelled(number, found):
                if number in self._cancels:
                    asker, theirs, _ = self._cancels.pop(number)
                    asker.say(CancelDone(theirs, found))
            case LiveNow(number, sessions):
                waiting = self._asked.pop((worker, number), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(sessions)
            case Killed(number, found):
                self._killed(worker, number, found)
            case Saw(sight):
                self._see(sight)
            case Guessed():
                for other in self._workers.values():
                    if other is not worker:
                        other.say(message)
            case _:
                assert_never(message)

    def _killed(self, worker: Watched, number: int, found: bool) -> None:
        asked, answer = self._kills.get(number, (set(), None))
        asked.discard(worker.index)
        if answer is not None and not answer.done() and (found or not asked):
            answer.set_result(found)

    # workers

    async def _keep(self, index: int) -> None:
        """One worker after the other, until the gateway ends."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self.draining:
            began = loop.time()
            worker = Watched(index, self)
            rules = self._rules
            start = Start(index, str(self._directory(index)), _pickled(rules))
            try:
                await worker.start(start, log_json=self._log_json)
            except OSError as error:
                log.error("worker not started", worker=worker.name, reason=str(error))
            else:
                self._workers[index] = worker
                if self._rules is not rules:  # changed in the meantime
                    worker.say(Renew(_pickled(self._rules)))
                self._has_ended(worker, await worker.wait())
            if loop.time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ending.wait()
            pause = min(2 * pause, LONGEST_PAUSE)

    def _is_ready(self, worker: Watched, record: str) -> None:
        try:
            self._note(WorkerStarted(worker.name, record, worker.pid))
        except RecordUnavailable as error:
            log.error("worker not recorded, so it may not serve", worker=worker.name, reason=str(error))
            worker.kill()
            return
        log.info("worker ready", worker=worker.name, pid=worker.pid)
        worker.ready = True
        first = self._first_ready[worker.index]
        if not first.done():
            first.set_result(None)
        self._accept_again()

    def _has_ended(self, worker: Watched, status: int) -> None:
        for number, (asker, theirs, owner) in list(self._cancels.items()):
            if worker in (asker, owner):
                del self._cancels[number]
                asker.say(CancelDone(theirs, found=False))
        if worker.counts:
            self._departed.append({**worker.counts, "_open": 0, "_record": 1})
            worker.counts = {}
        if self._workers.get(worker.index) is worker:
            del self._workers[worker.index]
        self._take_counts()
        if self.draining:
            return
        log.error("worker ended", worker=worker.name, pid=worker.pid, status=status)
        self._metrics.worker_ended()
        first = self._first_ready[worker.index]
        if not first.done():
            first.set_exception(Misconfigured(f"{worker.name} ended before it was ready; the log says why"))
        try:
            self._note(WorkerEnded(worker.name, worker.pid, status))
        except RecordUnavailable as error:
            log.error("the end of a worker was not recorded", worker=worker.name, reason=str(error))

    async def _pulse(self) -> None:
        """Until cancelled: hear from every worker; end by force the one that does not answer."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            self._say_to_all(Count())
            for worker in list(self._workers.values()):
                if worker.ready and loop.time() - worker.heard_at > SILENT_SECONDS:
                    log.error("worker does not answer, ended by force", worker=worker.name, pid=worker.pid)
                    worker.kill()

    def _take_counts(self) -> None:
        if len(self._departed) > 1:
            self._departed = [Metrics.summed(self._departed).state()]
        self._metrics.elsewhere([*self._departed, *(w.counts for w in self._workers.values() if w.counts)])

    def _say_to_all(self, message: Message) -> None:
        for worker in self._workers.values():
            worker.say(message)

    def _grant_ended(self, ended: GrantEnded) -> None:
        self._say_to_all(Ended(ended))

    def _pass_cancel(self, worker: Watched, number: int, pid: int, key: bytes, by: str) -> None:
        owner = self._workers.get(worker_of(pid))
        if owner is None or owner is worker:
            worker.say(CancelDone(number, found=False))
            return
        self._cancel_number += 1
        self._cancels[self._cancel_number] = (worker, number, owner)
        owner.say(Cancel(self._cancel_number, pid, key, by))

    # connections

    def _accept_again(self) -> None:
        if any(worker.ready for worker in self._workers.values()):
            for listening in self._listening:
                asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(MOST_ACCEPTED):
            if not any(worker.ready for worker in self._workers.values()):
                loop.remove_reader(listening)  # they wait in the kernel's queue until one is ready
                return
            try:
                client, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("no connection can be accepted", reason=str(error))
                loop.remove_reader(listening)
                loop.call_later(NO_FILES_SECONDS, self._accept_again)
                return
            with client:
                self._pass_on(client)

    def _pass_on(self, client: socket.socket) -> None:
        ready = [worker for worker in self._workers.values() if worker.ready]
        for worker in sorted(ready, key=lambda worker: worker.connections):
            if worker.give(client):
                return


def _pickled(rules: Rules) -> bytes:
    return pickle.dumps(rules, pickle.HIGHEST_PROTOCOL)
