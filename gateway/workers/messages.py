"""What supervisor and workers say to each other. Frozen, typed, and read as nothing but data: a worker
has handled what strangers sent.

`rules` alone is a pickle: it goes from the supervisor, which made it, to a worker, and never back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from gateway.access.models import Admission, GrantEnded
from gateway.alerts.sights import AnySight
from gateway.session.view import LiveView


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of all messages; the tag is the class's name."""


# From the supervisor.


class Start(Message, frozen=True, tag=True):
    """The first message: who this worker is, and by what it works."""

    index: int
    record: str
    rules: bytes


class Admitted(Message, frozen=True, tag=True):
    number: int
    admission: Admission


class Refused(Message, frozen=True, tag=True):
    """The members are those of AdmissionRefused."""

    number: int
    cause: str
    sqlstate: str
    message: str
    hint: str
    token: str
    person: str


class Valid(Message, frozen=True, tag=True):
    """Of the grants and tokens asked about: grants with their end."""

    number: int
    ids: dict[str, datetime | None]


class Ended(Message, frozen=True, tag=True):
    """A grant, a token or a key ended before its time."""

    ended: GrantEnded


class Renew(Message, frozen=True, tag=True):
    """Go on by these rules."""

    rules: bytes


class Cancel(Message, frozen=True, tag=True):
    """Another worker was shown this key, which by its number is yours."""

    number: int
    pid: int
    key: bytes
    by: str


class CancelDone(Message, frozen=True, tag=True):
    """Whether the key that you passed on was a right one; the upstream has taken the request then."""

    number: int
    found: bool


class Guessed(Message, frozen=True, tag=True):
    """Somebody at this address showed a wrong key (also said by a worker)."""

    address: str


class Count(Message, frozen=True, tag=True):
    """Say what you have counted."""


class AskLive(Message, frozen=True, tag=True):
    """Say which sessions are open."""

    number: int


class Kill(Message, frozen=True, tag=True):
    """End this session, if it is one of yours."""

    number: int
    session: str
    by: str
    reason: str


class Drain(Message, frozen=True, tag=True):
    """Let transactions end for so long, then end."""

    seconds: float


class Stop(Message, frozen=True, tag=True):
    """End now, in order."""


# From a worker.


class Ready(Message, frozen=True, tag=True):
    """Connections may come. `record` is the id of this worker's record."""

    record: str


class Admit(Message, frozen=True, tag=True):
    number: int
    token: str
    user: str
    database: str
    client: str
    certificate: str = ""


class Left(Message, frozen=True, tag=True):
    """A session under this grant is over, which this token had opened."""

    grant: str
    token: str


class StillValid(Message, frozen=True, tag=True):
    number: int
    grants: tuple[str, ...]
    tokens: tuple[str, ...] = ()


class PassCancel(Message, frozen=True, tag=True):
    number: int
    pid: int
    key: bytes
    by: str


class Cancelled(Message, frozen=True, tag=True):
    """What became of Cancel."""

    number: int
    found: bool


class LiveNow(Message, frozen=True, tag=True):
    number: int
    sessions: tuple[LiveView, ...]


class Killed(Message, frozen=True, tag=True):
    """What became of Kill."""

    number: int
    found: bool


class Saw(Message, frozen=True, tag=True):
    """Something that alert rules look at."""

    sight: AnySight


class Gone(Message, frozen=True, tag=True):
    """A connection that was passed on is over, whatever became of it."""


class Counted(Message, frozen=True, tag=True):
    #: As in Metrics.state.
    metrics: dict[str, Any]


Down = (
    Start
    | Admitted
    | Refused
    | Valid
    | Ended
    | Renew
    | Cancel
    | CancelDone
    | Guessed
    | Count
    | AskLive
    | Kill
    | Drain
    | Stop
)
Up = Ready | Admit | Left | StillValid | PassCancel | Cancelled | Guessed | LiveNow | Killed | Saw | Gone | Counted
