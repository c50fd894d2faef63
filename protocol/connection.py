"""The machine over the table of states: is this message of the client legal now?"""

from __future__ import annotations

from protocol.backend import CopyInResponse, ReadyForQuery
from protocol.copying import CopyDone
from protocol.errors import LocalProtocolError, ProtocolViolation
from protocol.frontend import FRONTEND_NAMES, CopyFail, FunctionCall, Query, Sync
from protocol.states import AFTER_BACKEND, AFTER_FRONTEND, LEGAL, Phase, Treatment

_COPY_IN_RESPONSE = CopyInResponse.kind
_READY_FOR_QUERY = ReadyForQuery.kind
_COPY_ENDS = frozenset((CopyDone.kind, CopyFail.kind))
_READY_OWED = frozenset((Query.kind, Sync.kind, FunctionCall.kind))
#: The few messages of a server that can change the phase.
_MOVING = frozenset(kind for _, kind in AFTER_BACKEND)


class FrontendPhase:
    """Follows one connection, told what the client says (`accept`) and what the server says (`heard`).

    A client may send a COPY with all its data before it has seen CopyInResponse. The end of such a
    copy is remembered, so that a CopyInResponse that comes after it does not wait for another.
    """

    __slots__ = ("_early_ends", "_owed", "phase")

    def __init__(self) -> None:
        self.phase = Phase.STARTUP
        #: Copies that the client ended before their CopyInResponse was seen here.
        self._early_ends = 0
        #: ReadyForQuery messages still to come.
        self._owed = 0

    def started(self) -> None:
        """The startup packet was taken: authentication begins."""
        self._step(Phase.STARTUP, Phase.AUTHENTICATING)

    def authenticated(self) -> None:
        """AuthenticationOk was sent."""
        self._step(Phase.AUTHENTICATING, Phase.READY)

    def _step(self, before: Phase, after: Phase) -> None:
        if self.phase is not before:
            raise LocalProtocolError(f"no way from {self.phase.value} to {after.value}")
        self.phase = after

    def accept(self, kind: int) -> Treatment:
        """What the server will do with this message of the client; ProtocolViolation if it is out of phase."""
        phase = self.phase
        treatment = LEGAL[phase].get(kind)
        if treatment is None:
            name = FRONTEND_NAMES.get(kind, f"type {kind}")
            raise ProtocolViolation(f"{name} message is not allowed in phase {phase.value}")
        if kind in _READY_OWED:
            self._owed += treatment is Treatment.HEARD
        elif kind in _COPY_ENDS and phase is Phase.READY and self._owed:
            self._early_ends += 1
        self.phase = AFTER_FRONTEND.get((phase, kind), phase)
        return treatment

    def heard(self, kind: int) -> None:
        """The server sent a message of this kind."""
        if kind not in _MOVING:
            return
        if kind == _COPY_IN_RESPONSE and self._early_ends:
            self._early_ends -= 1
            return
        if kind == _READY_FOR_QUERY and self._owed:
            self._owed -= 1
            if not self._owed:
                self._early_ends = 0
        self.phase = AFTER_BACKEND.get((self.phase, kind), self.phase)
