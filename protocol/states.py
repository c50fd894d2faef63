"""Which message of a client is legal in which phase, as a table (manual, 55.2).

What is not in the table is a violation.
"""

from __future__ import annotations

from enum import Enum

from protocol.authentication import RESPONSE
from protocol.backend import CommandComplete, CopyInResponse, CopyOutResponse, ErrorResponse, ReadyForQuery
from protocol.copying import CopyData, CopyDone
from protocol.frontend import (
    Bind,
    Close,
    CopyFail,
    Describe,
    Execute,
    Flush,
    FunctionCall,
    Parse,
    Query,
    Sync,
    Terminate,
)


class Phase(Enum):
    #: Only untyped packets.
    STARTUP = "startup"
    #: Until AuthenticationOk was sent.
    AUTHENTICATING = "authenticating"
    #: Commands of the simple and the extended protocol, in any order and number: clients may pipeline.
    READY = "ready"
    #: The server waits for the client's data.
    COPY_IN = "copy-in"
    #: The server sends data; what the client says is read afterwards.
    COPY_OUT = "copy-out"
    #: After Terminate.
    CLOSING = "closing"


class Treatment(Enum):
    """What the server will do with a message that is legal."""

    #: It acts on it, and answers where the protocol says so.
    HEARD = "heard"
    #: It drops it without an answer: Flush and Sync during copy-in (55.2.6), and copy messages when
    #: no copy-in is going on (55.2.2: the rest of a copy that failed).
    IGNORED = "ignored"


_HEARD = Treatment.HEARD
_IGNORED = Treatment.IGNORED

_COMMANDS = {
    message.kind: _HEARD
    for message in (Query, Parse, Bind, Describe, Execute, Close, Flush, Sync, FunctionCall, Terminate)
} | {message.kind: _IGNORED for message in (CopyData, CopyDone, CopyFail)}

#: Phase → kind → treatment. In copy-in any other message makes the server close the connection
#: (it has lost step with the stream), so it is a violation here too.
LEGAL: dict[Phase, dict[int, Treatment]] = {
    Phase.STARTUP: {},
    Phase.AUTHENTICATING: {RESPONSE: _HEARD, Terminate.kind: _HEARD},
    Phase.READY: _COMMANDS,
    Phase.COPY_IN: {
        CopyData.kind: _HEARD,
        CopyDone.kind: _HEARD,
        CopyFail.kind: _HEARD,
        Flush.kind: _IGNORED,
        Sync.kind: _IGNORED,
        Terminate.kind: _HEARD,
    },
    Phase.COPY_OUT: _COMMANDS,
    Phase.CLOSING: {},
}

#: Where a client's message leads; every other one stays in its phase.
AFTER_FRONTEND: dict[tuple[Phase, int], Phase] = {
    (Phase.COPY_IN, CopyDone.kind): Phase.READY,
    (Phase.COPY_IN, CopyFail.kind): Phase.READY,
    (Phase.AUTHENTICATING, Terminate.kind): Phase.CLOSING,
    (Phase.READY, Terminate.kind): Phase.CLOSING,
    (Phase.COPY_IN, Terminate.kind): Phase.CLOSING,
    (Phase.COPY_OUT, Terminate.kind): Phase.CLOSING,
}

#: Where a server's message leads; every other one stays in its phase.
AFTER_BACKEND: dict[tuple[Phase, int], Phase] = {
    (Phase.READY, CopyInResponse.kind): Phase.COPY_IN,
    (Phase.READY, CopyOutResponse.kind): Phase.COPY_OUT,
    (Phase.COPY_IN, ErrorResponse.kind): Phase.READY,
    (Phase.COPY_IN, CommandComplete.kind): Phase.READY,
    (Phase.COPY_IN, ReadyForQuery.kind): Phase.READY,
    (Phase.COPY_OUT, CopyDone.kind): Phase.READY,
    (Phase.COPY_OUT, ErrorResponse.kind): Phase.READY,
    (Phase.COPY_OUT, ReadyForQuery.kind): Phase.READY,
}
