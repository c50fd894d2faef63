"""One worker as the supervisor sees it: its process, what it asks, and who came in through it."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Collection, Coroutine, Mapping
from datetime import datetime
from typing import Any, Protocol, assert_never

import structlog

from gateway.access.errors import AdmissionRefused
from gateway.access.models import Admission
from gateway.workers.link import Link
from gateway.workers.messages import (
    Admit,
    Admitted,
    Cancelled,
    Counted,
    Gone,
    Guessed,
    Killed,
    Left,
    LiveNow,
    Message,
    PassCancel,
    Ready,
    Refused,
    Saw,
    Start,
    StillValid,
    Up,
    Valid,
)

log = structlog.get_logger()


#: What the house is told of.
Told = Ready | PassCancel | Cancelled | Guessed | LiveNow | Killed | Saw


class House(Protocol):
    """Whom a worker's questions go to."""

    async def admit(self, token: str, *, user: str, database: str, client: str, certificate: str) -> Admission: ...
    def leave(self, admission: Admission) -> None: ...
    async def still_valid(
        self, grant_ids: Collection[str], token_ids: Collection[str]
    ) -> Mapping[str, datetime | None]: ...
    def told(
        self, worker: Watched, message: Ready | PassCancel | Cancelled | Guessed | LiveNow | Killed | Saw
    ) -> None: ...


class Watched:
    """A worker's process, from its start to its end."""

    def __init__(self, index: int, house: House) -> None:
        self.index = index
        self.name = f"worker-{index}"
        self.ready = False
        #: How many connections it was given and has not reported as gone.
        self.connections = 0
        #: What it had counted when it last said so.
        self.counts: Mapping[str, Any] = {}
        #: It has said so since this was cleared, or is gone.
        self.counted = asyncio.Event()
        self.heard_at = asyncio.get_running_loop().time()
        self._house = house
        self._process: asyncio.subprocess.Process | None = None
        self._doors: socket.socket | None = None
        self._link: Link[Up] = Link(Up, self._heard, lambda: None)
        #: By grant and token.
        self._admissions: dict[tuple[str, str], list[Admission]] = {}
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    async def start(self, message: Start, *, log_json: bool) -> None:
        """Start the process and say who it is. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        doors, their_doors = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        doors.setblocking(False)
        self._doors = doors
        with theirs, their_doors:
            given = (theirs.fileno(), their_doors.fileno())
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.workers.process", *map(str, given), *("--log-json",) * log_json,
                stdin=asyncio.subprocess.DEVNULL, pass_fds=given, start_new_session=True,
            )  # fmt: skip
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._link, ours)
        self._link.say(message)

    async def wait(self) -> int:
        """Until the process has ended; its exit status. Whoever came in through it has left then."""
        assert self._process is not None
        status = await self._process.wait()
        self._over = True
        self.ready = False
        self.counted.set()
        self._link.close()
        if self._doors is not None:
            self._doors.close()
        for admissions in self._admissions.values():
            for admission in admissions:
                self._house.leave(admission)
        self._admissions.clear()
        return status

    def kill(self) -> None:
        """End it by force."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def say(self, message: Message) -> None:
        self._link.say(message)

    def give(self, client: socket.socket) -> bool:
        """Pass an accepted connection on. False when this worker takes none now."""
        if self._doors is None:
            return False
        try:
            socket.send_fds(self._doors, [b"c"], [client.fileno()])
        except OSError:  # its queue is full, or it is gone
            return False
        self.connections += 1
        return True

    # what it says

    def _heard(self, message: Up) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        match message:
            case Admit():
                self._answer(self._let_in(message))
            case Left(grant, token):
                self._leaves(grant, token)
            case StillValid():
                self._answer(self._confirm(message))
            case Gone():
                self.connections -= 1
            case Counted(metrics):
                self.counts = metrics
                self.counted.set()
            case Ready() | PassCancel() | Cancelled() | Guessed() | LiveNow() | Killed() | Saw():
                self._house.told(self, message)
            case _:
                assert_never(message)

    def _answer(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _let_in(self, asked: Admit) -> None:
        try:
            admission = await self._house.admit(
                asked.token,
                user=asked.user,
                database=asked.database,
                client=asked.client,
                certificate=asked.certificate,
            )
        except AdmissionRefused as no:
            self.say(Refused(asked.number, no.cause, no.sqlstate, no.message, no.hint, no.token_id, no.person))
            return
        except Exception:
            log.exception("nobody can be let in", worker=self.name)
            self.say(Refused(asked.number, "unavailable", "XX000", "internal error in the gateway", "", "", ""))
            return
        if self._over:
            self._house.leave(admission)
            return
        self._admissions.setdefault((admission.grant.id, admission.token_id), []).append(admission)
        self.say(Admitted(asked.number, admission))

    async def _confirm(self, asked: StillValid) -> None:
        valid: Mapping[str, datetime | None] = {}
        try:
            valid = await self._house.still_valid(asked.grants, asked.tokens)
        except Exception:
            # What cannot be confirmed must not go on (law 5).
            log.exception("grants cannot be confirmed", worker=self.name)
        self.say(Valid(asked.number, dict(valid)))

    def _leaves(self, grant: str, token: str) -> None:
        admissions = self._admissions.get((grant, token))
        if admissions:
            self._house.leave(admissions.pop())
            if not admissions:
                del self._admissions[grant, token]
