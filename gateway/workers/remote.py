"""What a worker asks the supervisor: who may come in, who may stay, whose cancel key this is.

Nothing here decides. Where no answer comes in time, the answer is no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TypeVar

from gateway.access.errors import AdmissionRefused
from gateway.access.gate import Listener
from gateway.access.models import Admission
from gateway.workers.messages import (
    Admit,
    Admitted,
    CancelDone,
    Ended,
    Guessed,
    Left,
    Message,
    PassCancel,
    Refused,
    StillValid,
    Stop,
    Valid,
)
from protocol.startup import CancelRequest

#: How long the supervisor may take to say whether a cancel key was right.
CANCEL_SECONDS = 10.0

Answer = TypeVar("Answer", bound=Message)


class RemoteGate:
    """Implements `gateway.access.gate.Gate` and `gateway.session.cancel.Elsewhere` by asking."""

    def __init__(self, say: Callable[[Message], None]) -> None:
        self._say = say
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._listeners: list[Listener] = []
        self._closed = False

    # Gate

    async def admit(self, token: str, *, user: str, database: str, client: str, certificate: str = "") -> Admission:
        match await self._ask(lambda number: Admit(number, token, user, database, client, certificate), self._let_go):
            case Admitted(_, admission):
                return admission
            case Refused() as no:
                raise AdmissionRefused(no.cause, no.sqlstate, no.message, no.hint, token_id=no.token, person=no.person)
            case _:
                raise AdmissionRefused("unavailable", "57P03", "the gateway is restarting", "try again soon")

    def leave(self, admission: Admission) -> None:
        self._say(Left(admission.grant.id, admission.token_id))

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def still_valid(
        self, grant_ids: Collection[str], token_ids: Collection[str] = ()
    ) -> Mapping[str, datetime | None]:
        answer = await self._ask(lambda number: StillValid(number, tuple(grant_ids), tuple(token_ids)))
        return answer.ids if isinstance(answer, Valid) else {}

    # Elsewhere

    async def cancel(self, request: CancelRequest, by: str) -> bool:
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                answer = await self._ask(lambda number: PassCancel(number, request.pid, request.key, by))
        except TimeoutError:
            return False
        return isinstance(answer, CancelDone) and answer.found

    def guessed(self, address: str) -> None:
        self._say(Guessed(address))

    # what the supervisor says

    def answered(self, answer: Admitted | Refused | Valid | CancelDone) -> None:
        waiting = self._waiting.pop(answer.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        elif isinstance(answer, Admitted):
            self.leave(answer.admission)  # whoever asked is gone

    def grant_ended(self, message: Ended) -> None:
        """Not before whoever was admitted by an earlier message has taken it: his coroutine was woken by
        `call_soon` too, and notes the grant before it waits for anything else."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.call_soon(listener, message.ended)

    def close(self) -> None:
        """Nobody will answer any more."""
        self._closed = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(Stop())

    async def _ask(
        self, question: Callable[[int], Message], unwanted: Callable[[Message], None] = lambda _: None
    ) -> Message:
        if self._closed:
            return Stop()
        self._number += 1
        number = self._number
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._say(question(number))
        try:
            return await waiting
        except asyncio.CancelledError:
            # Answered in the very moment in which whoever asked gave up.
            if waiting.done() and not waiting.cancelled():
                unwanted(waiting.result())
            raise
        finally:
            self._waiting.pop(number, None)

    def _let_go(self, answer: Message) -> None:
        if isinstance(answer, Admitted):
            self.leave(answer.admission)
