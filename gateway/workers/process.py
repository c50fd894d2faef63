"""A worker: `python -m gateway.workers.process LINK DOORS`, both inherited sockets. The supervisor starts it.

It holds no key that signs tokens, knows no store, and ends when the supervisor does: there is never a
data plane that nobody could revoke.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import signal
import socket
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import assert_never

import structlog

from gateway.audit.facts import GatewayStarted, GatewayStopped
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder, RecordLocked, RecordUnavailable
from gateway.audit.recover import RecordBroken
from gateway.credentials import Misconfigured
from gateway.data_plane import DataPlane, Renewal, running
from gateway.logs import configure_logs
from gateway.process import settle_memory
from gateway.recording import open_record
from gateway.rules import Rules
from gateway.workers.link import Link
from gateway.workers.messages import (
    Admitted,
    AskLive,
    Cancel,
    CancelDone,
    Cancelled,
    Count,
    Counted,
    Down,
    Drain,
    Ended,
    Gone,
    Guessed,
    Kill,
    Killed,
    LiveNow,
    Ready,
    Refused,
    Renew,
    Saw,
    Start,
    Stop,
    Valid,
)
from gateway.workers.remote import RemoteGate
from protocol.startup import CancelRequest

log = structlog.get_logger()

#: A worker whose supervisor was killed needs this long at most to end; the next one waits for its record.
LOCKED_SECONDS = 15.0
#: EX_CONFIG of sysexits.h.
EXIT_CONFIG = 78


class Worker:
    """What hears the supervisor. `run` returns when the worker is over."""

    def __init__(self, doors: socket.socket) -> None:
        self._doors = doors
        self.link: Link[Down] = Link(Down, self._heard, self._lost)
        self._gate = RemoteGate(self.link.say)
        self._metrics = Metrics()
        self._data: DataPlane | None = None
        self._recorder: Recorder | None = None
        self._newer: Rules | None = None
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[Start] = loop.create_future()
        self._drain: asyncio.Future[float] = loop.create_future()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until told to end, or until there is nobody to tell. Raises what cannot be started."""
        start = await self._started
        rules: Rules = pickle.loads(start.rules)  # noqa: S301 -- from the supervisor, which made it
        renewal = Renewal.of(rules)
        async with contextlib.AsyncExitStack() as stack:
            recorder = self._recorder = await _taken_over(rules, Path(start.record), self._metrics)
            stack.callback(recorder.close)
            recorder.note(GatewayStarted(version("pgcurfew"), rules.policies.version, rules.settings.record.sealing))
            stack.callback(recorder.note, GatewayStopped("shutdown"))
            await stack.enter_async_context(running(recorder.run()))
            data = self._data = DataPlane(
                renewal,
                self._gate,
                recorder,
                self._metrics,
                worker=start.index,
                elsewhere=self._gate,
                see=lambda sight: self.link.say(Saw(sight)),
            )
            stack.push_async_callback(data.close)
            await data.start()
            if self._newer is not None:
                self._renew(self._newer)
            loop = asyncio.get_running_loop()
            loop.add_reader(self._doors, self._take)
            stack.callback(loop.remove_reader, self._doors)
            settle_memory()
            self.link.say(Ready(recorder.record))
            await self._until_told(data)
        self.link.say(Counted(self._metrics.state()))
        self.link.close()

    async def _until_told(self, data: DataPlane) -> None:
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((stopping, self._drain), return_when=asyncio.FIRST_COMPLETED)
            if self._drain.done() and not stopping.done():
                draining = asyncio.ensure_future(data.drain(self._drain.result()))
                await asyncio.wait((stopping, draining), return_when=asyncio.FIRST_COMPLETED)
                draining.cancel()
        finally:
            stopping.cancel()

    def _heard(self, message: Down) -> None:
        match message:
            case Start():
                self._started.set_result(message)
            case Admitted() | Refused() | Valid() | CancelDone():
                self._gate.answered(message)
            case Ended():
                self._gate.grant_ended(message)
            case Renew(rules):
                self._renew(pickle.loads(rules))  # noqa: S301 -- from the supervisor, which made it
            case Cancel():
                self._spawn(self._cancel(message))
            case Kill():
                self._spawn(self._kill(message))
            case Guessed(address):
                if self._data is not None:
                    self._data.guessed(address)
            case Count():
                self._metrics.record_available(self._recorder is not None and self._recorder.trouble is None)
                if self._recorder is not None:
                    self._metrics.record_copied(*self._recorder.copying)
                self.link.say(Counted(self._metrics.state()))
            case AskLive(number):
                self._spawn(self._tell_of_sessions(number))
            case Drain(seconds):
                if not self._drain.done():
                    self._drain.set_result(seconds)
            case Stop():
                self._stop.set()
            case _:
                assert_never(message)

    def _lost(self) -> None:
        if not self._stop.is_set():
            log.error("the supervisor is gone, all sessions end")
        self._stop.set()
        self._gate.close()
        if not self._started.done():
            self._started.cancel()

    def _take(self) -> None:
        """Connections that the supervisor accepted."""
        while True:
            try:
                _, files, _, _ = socket.recv_fds(self._doors, 1, 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                asyncio.get_running_loop().remove_reader(self._doors)
                return
            if not files:
                asyncio.get_running_loop().remove_reader(self._doors)
                return
            client = socket.socket(fileno=files[0])
            client.setblocking(False)
            assert self._data is not None
            task = asyncio.get_running_loop().create_task(self._data.take(client, lambda: self.link.say(Gone())))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _renew(self, rules: Rules) -> None:
        if self._data is None:
            self._newer = rules  # taken when there is something to take them
            return
        try:
            self._data.renew(Renewal.of(rules))
        except Exception:
            # The supervisor has just read the same: a file went away. Nobody is served by older rules.
            log.exception("the new rules cannot be taken, so this worker ends")
            self._stop.set()

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _cancel(self, asked: Cancel) -> None:
        found = self._data is not None and await self._data.cancel(CancelRequest(asked.pid, asked.key), asked.by)
        self.link.say(Cancelled(asked.number, found))

    async def _kill(self, asked: Kill) -> None:
        found = self._data is not None and await self._data.end_session(asked.session, asked.by, asked.reason)
        self.link.say(Killed(asked.number, found))

    async def _tell_of_sessions(self, number: int) -> None:
        self.link.say(LiveNow(number, () if self._data is None else await self._data.live()))


async def _taken_over(rules: Rules, directory: Path, metrics: Metrics) -> Recorder:
    """The record of this worker. One that was left by a killed supervisor's is awaited."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LOCKED_SECONDS
    while True:
        try:
            return open_record(rules.settings, directory, metrics)
        except RecordLocked:
            if loop.time() > deadline:
                raise
            await asyncio.sleep(0.1)


async def work(link: socket.socket, doors: socket.socket) -> None:
    worker = Worker(doors)
    await asyncio.get_running_loop().connect_accepted_socket(lambda: worker.link, link)
    await worker.run()


def main() -> None:
    # The supervisor has its reasons and its order; a signal to the whole group is for it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    configure_logs(as_json="--log-json" in sys.argv)
    link, doors = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    for inherited in (link, doors):
        inherited.setblocking(False)
        inherited.set_inheritable(False)
    import uvloop

    try:
        uvloop.run(work(link, doors))
    except (Misconfigured, RecordLocked, RecordUnavailable, RecordBroken) as error:
        log.error("worker cannot work", reason=str(error))
        sys.exit(EXIT_CONFIG)
    except asyncio.CancelledError:
        sys.exit(0)


if __name__ == "__main__":
    main()
