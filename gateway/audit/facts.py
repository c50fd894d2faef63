"""What can be recorded. Facts are frozen, past tense, and hold no constants of a statement
outside `Sealed`: the readable record is no second copy of the data.

Times are UTC, RFC 3339 with microseconds, set by the recorder when it writes the line.
"""

from __future__ import annotations

import msgspec


class Sealed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the recorder encrypts to the auditors' keys before it is written (or writes as it
    is when the settings say `sealing = "off"`): the client's own text and parameters."""

    text: str | None = None
    #: One entry a parameter: None is NULL; the value's text, of binary ones of a type that is not known "\\x…" hex.
    parameters: tuple[str | None, ...] = ()
    #: Server's error message, which can quote a value.
    message: str | None = None
    #: Of a result: its columns' names, and the values of its rows, read as parameters are. A row of a COPY is one text.
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


class Fact(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Base of all facts; the tag (class name) is the event's type in the record."""


class SessionOpened(Fact, frozen=True, tag=True, omit_defaults=True):
    session: str
    person: str
    grant: str
    reason: str
    #: "policy:…" where the policy's own conditions gave it.
    approvers: tuple[str, ...]
    role: str
    target: str
    database: str
    client: str
    ends_at: str
    token: str
    policy_version: str
    catalog_version: str
    server_version: str = ""
    tls: str | None = None
    #: The subject of the client's certificate, and the certificate's SHA-256 as in a token's cnf.x5t#S256.
    certificate: str = ""
    thumbprint: str = ""
    startup: dict[str, str] = {}
    upstream_pid: int = 0
    #: Which part of the role, as JSON; empty for all of it.
    extent: str = ""


class StatementJudged(Fact, frozen=True, tag=True, omit_defaults=True):
    """Written before the statement goes upstream (or instead, when it is refused).

    `number` counts the session's statement events from 1; `how` is "simple", "parse" (judged
    and prepared, not yet run), "bind" (parameters were given and PostgreSQL plans with them, while
    the run is not asked for yet), "execute" (a run of a prepared statement; `of` is the number
    of its "parse" event), or "function-call". Of SQL's EXECUTE and FETCH, `of` is the event that
    made the name, and relations, columns and masks are those of what runs.
    """

    number: int
    how: str
    kind: str
    verdict: str
    normalized: str = ""
    fingerprint: str = ""
    of: int = 0
    rule: str = ""
    reason: str = ""
    #: All that it names, also those of which it reads no column (count(*)); read and written are columns of them.
    relations: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    #: "public.customers.email:pseudonym"
    masks: tuple[str, ...] = ()
    #: Masked columns by whose raw values rows were looked up, each as often as the statement says a value.
    lookups: tuple[str, ...] = ()
    #: Transaction status as PostgreSQL last told it before: I idle, T in transaction, E failed.
    transaction: str = "I"
    sealed: Sealed | None = None


class StatementEnded(Fact, frozen=True, tag=True, omit_defaults=True):
    """How the statement of that number came out: "done", "failed", "suspended" (portal limit),
    "skipped" (PostgreSQL never ran it: an earlier one of its batch failed), "cut" (session ended)."""

    number: int
    outcome: str
    rows: int = 0
    bytes: int = 0
    microseconds: int = 0
    tag: str = ""
    sqlstate: str = ""
    #: Transaction status after it.
    transaction: str = "I"
    #: The limit that cut it off: rows, bytes, session-rows, session-bytes, written-rows.
    rule: str = ""
    sealed: Sealed | None = None


class ResultRecorded(Fact, frozen=True, tag=True, omit_defaults=True):
    """The first `rows` rows of that statement's result as the client saw them, that is, masked: for roles
    whose policy says record_results. How many there were in all says StatementEnded, which comes after."""

    number: int
    rows: int = 0
    sealed: Sealed | None = None


class CopyEnded(Fact, frozen=True, tag=True, omit_defaults=True):
    """The client's side of a COPY FROM STDIN, before its last message goes upstream."""

    number: int
    bytes: int
    failed: bool = False


class Guarded(Fact, frozen=True, tag=True, omit_defaults=True):
    """The gateway has put a write of a limited role between a BEGIN and a COMMIT (or ROLLBACK) of its own."""

    number: int


class CancelAsked(Fact, frozen=True, tag=True, omit_defaults=True):
    number: int
    by: str


class ExpiryNoticed(Fact, frozen=True, tag=True, omit_defaults=True):
    seconds_left: int


class EndMoved(Fact, frozen=True, tag=True, omit_defaults=True):
    """The session's grant was extended: it ends then."""

    ends_at: str


class SecondLockTripped(Fact, frozen=True, tag=True, omit_defaults=True):
    number: int
    table_oid: int
    attribute: int


class SessionClosed(Fact, frozen=True, tag=True, omit_defaults=True):
    """`cause`: client, grant-ended, grant-revoked, person-locked, killed, upstream, idle, protocol,
    second-lock, record, limit, policy, shutdown; cut when the gateway died and the next one found it."""

    cause: str
    detail: str = ""
    statements: int = 0
    refused: int = 0


class WorkerStarted(Fact, frozen=True, tag=True, omit_defaults=True):
    """A worker began to serve clients. `worker` names the directory of its record, `record` the id in there."""

    worker: str
    record: str
    pid: int


class WorkerEnded(Fact, frozen=True, tag=True, omit_defaults=True):
    """A worker ended by itself, by this exit status (negative: by this signal); its sessions ended with it."""

    worker: str
    pid: int
    status: int


class DoorRefused(Fact, frozen=True, tag=True, omit_defaults=True):
    """A connection that never became a session. Goes to the control log."""

    client: str
    cause: str
    sqlstate: str
    message: str
    user: str = ""
    database: str = ""
    token: str = ""
    tls: str | None = None
    #: The subject of the client's certificate.
    certificate: str = ""
    #: Whose token it was that came this far.
    grant: str = ""
    #: What it asked for in its startup packet; where that was not understood, the names alone.
    startup: dict[str, str] = {}
    #: So many refusals of strangers before this one were counted (metrics) and not recorded.
    left_out: int = 0


class GatewayStarted(Fact, frozen=True, tag=True, omit_defaults=True):
    version: str
    policy_version: str
    sealing: str


class GatewayStopped(Fact, frozen=True, tag=True, omit_defaults=True):
    cause: str


class PolicyLoaded(Fact, frozen=True, tag=True, omit_defaults=True):
    """Another policy is in force from here on, instead of that of version `before`. In the control
    log, and in the log of each session that it found open."""

    policy_version: str
    before: str = ""


class SettingsReloaded(Fact, frozen=True, tag=True, omit_defaults=True):
    """The gateway was told to read its settings again. `outcome`: "done", or "refused" because of
    `problems`, and then nothing has changed. The others are names of settings."""

    outcome: str
    changed: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class RecordResumed(Fact, frozen=True, tag=True, omit_defaults=True):
    """The recorder could not write from `since` on and can again now. `facts` were offered
    meanwhile and are not in this log (unless they were offered again after this line)."""

    since: str
    cause: str
    facts: int = 0


class AccessChanged(Fact, frozen=True, tag=True, omit_defaults=True):
    """A request, approval, grant, revocation, token or person changed. `what` is e.g.
    "requested", "edited", "approved", "auto-approved", "denied", "cancelled", "expired", "granted",
    "extension-requested", "extended", "done", "lapsed", "ended", "revoked", "break-glass", "reviewed", "token-minted",
    "token-used", "token-revoked", "key-added", "key-struck", "person-added", "person-locked", "signed-in",
    "sign-in-refused", "access-reviewed"."""

    what: str
    by: str
    request: str = ""
    grant: str = ""
    person: str = ""
    role: str = ""
    target: str = ""
    reason: str = ""
    ends_at: str = ""
    token: str = ""
    #: Of a request that was edited: which version this is about.
    version: int = 1
    #: The id of a key that signs tokens.
    key: str = ""
    #: By which door somebody came: "password", "oidc", "device", "credential", "invitation".
    how: str = ""


class AlertFired(Fact, frozen=True, tag=True, omit_defaults=True):
    """A rule of the policy fired. `action` is what was done at once: "session ended", "person locked", "failed"."""

    rule: str
    when: str
    severity: str
    text: str
    person: str = ""
    role: str = ""
    target: str = ""
    grant: str = ""
    session: str = ""
    action: str = ""
    details: dict[str, str] = {}


AnyFact = (
    SessionOpened
    | StatementJudged
    | StatementEnded
    | ResultRecorded
    | Guarded
    | CopyEnded
    | CancelAsked
    | ExpiryNoticed
    | EndMoved
    | SecondLockTripped
    | SessionClosed
    | DoorRefused
    | GatewayStarted
    | GatewayStopped
    | WorkerStarted
    | WorkerEnded
    | PolicyLoaded
    | SettingsReloaded
    | RecordResumed
    | AccessChanged
    | AlertFired
)
