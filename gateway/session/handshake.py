"""The door: from the first byte to a session, or to a FATAL that says why not and what to do.

PG manual 55.2.1 (start-up), 55.2.10 (TLS). A sequence, so a coroutine; its deadline is the caller's.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from config.settings import Settings
from gateway.access.errors import AdmissionRefused
from gateway.access.gate import Gate
from gateway.access.models import Admission, GrantEnded
from gateway.alerts.watch import Eyes
from gateway.audit.facts import DoorRefused, SessionOpened
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder, RecordUnavailable
from gateway.channel import Channel, ChannelClosed, OversizedPacket
from gateway.policies import Policies
from gateway.session.cancel import LONG_KEY, SHORT_KEY, CancelKeys, Elsewhere, Nowhere
from gateway.session.certificates import ClientCertificate, doubt
from gateway.session.chamber import Chamber
from gateway.session.live import Curfew, LiveSession
from gateway.session.lookups import LookupsOfGrants
from gateway.session.refusals import fatal
from gateway.session.relay import Relay
from gateway.session.snapshots import Snapshots
from gateway.session.startup import LONGEST_NAME, Arrival, arrival, asked_for, mask_key, pins
from gateway.session.strangers import Guesses, Strangers, neighbourhood
from gateway.session.upstream import Upstream, UpstreamUnavailable
from masking.policy import StatementKind
from masking.review import review_search_path
from masking.verdict import Refusal
from protocol.authentication import RESPONSE, AuthenticationCleartextPassword, AuthenticationOk
from protocol.backend import BackendKeyData, NegotiateProtocolVersion, ParameterStatus, ReadyForQuery
from protocol.errors import ProtocolViolation
from protocol.startup import (
    PROTOCOL_3_2,
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
    decode_startup,
)

log = structlog.get_logger()

#: A connection asks at most for GSSAPI and for TLS before it says who it is.
QUESTIONS = 2
#: The first byte of a TLS record that begins a handshake (RFC 8446, 5.1). No startup packet begins with it.
TLS_HANDSHAKE = 0x16
#: What strangers say of themselves is recorded up to here.
LONGEST_TOLD = 500
HOW_TO_TLS = 'Connect with sslmode=verify-full and the sslrootcert that "pgcurfew connect" uses.'
HOW_TO_GET_IN = 'Use a token from "pgcurfew token" as the password.'


class Turned(Exception):
    """The connection is turned away: what the client is told and what the record says."""

    def __init__(self, cause: str, sqlstate: str, message: str, hint: str | None = None, *, token: str = "") -> None:
        super().__init__(message)
        self.cause = cause
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        self.token = token


class Left(Exception):
    """The client is gone, or wanted only to cancel: nothing is left to say."""


@dataclass(slots=True, eq=False)
class Visitor:
    """Who is at the door, as far as is known: for the record of a refusal."""

    peer: str
    #: The address or network that the limits on strangers count.
    place: str = ""
    user: str = ""
    database: str = ""
    tls: str | None = None
    certificate: ClientCertificate | None = None
    startup: dict[str, str] = field(default_factory=dict)
    #: Of whoever was admitted and has no session yet.
    admission: Admission | None = None
    #: That grant ended meanwhile, or the token.
    ended: GrantEnded | None = None


@dataclass
class Door:
    """What a handshake needs of the house."""

    settings: Settings
    tls: ssl.SSLContext
    policies: Callable[[], Policies]
    access: Gate
    recorder: Recorder
    metrics: Metrics
    snapshots: Mapping[str, Snapshots]
    chamber: Chamber
    cancel_keys: CancelKeys
    clock: Callable[[], datetime]
    #: How many sessions are open now.
    open_sessions: Callable[[], int]
    master_mask_key: bytes = field(repr=False)
    strangers: Strangers = field(default_factory=Strangers)
    guesses: Guesses = field(default_factory=Guesses)
    lookups: LookupsOfGrants = field(init=False)
    elsewhere: Elsewhere = field(default_factory=Nowhere)
    #: What looks at each fact of a session that begins so; as it is, the metrics.
    eyes: Callable[[SessionOpened], Eyes] | None = None
    #: Told of each refusal.
    turned_away: Callable[[DoorRefused], None] = lambda fact: None
    #: The gateway is about to end: nobody comes in any more.
    closing: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.lookups = LookupsOfGrants(self.clock)

    async def welcome(self, client: Channel, visitor: Visitor) -> LiveSession:
        """A session that is ready to `run`. Raises Turned, Left, ProtocolViolation."""
        startup = await self._hear(client, visitor)
        if startup.spoken != startup.version or startup.options:
            client.write(NegotiateProtocolVersion(startup.spoken, startup.options).encode())
        self._is_open()
        arrived = arrival(startup.parameters)
        visitor.startup = asked_for(startup.parameters, arrived)
        visitor.user = startup.parameters.get("user", "")
        visitor.database = startup.parameters.get("database", "")
        if client.tls is None and not self._may_be_plain(client):
            raise Turned("no-tls", "28000", "pgcurfew accepts only connections through TLS", HOW_TO_TLS)
        if not isinstance(arrived, Arrival):
            raise Turned(arrived.rule, arrived.sqlstate, arrived.message, arrived.hint)
        visitor.database = arrived.database
        self._check_certificate(client, visitor, arrived.user)
        token = await self._token(client)
        self._is_open()
        admission = visitor.admission = await self._admit(token, arrived, client, visitor)
        try:
            return await self._open(client, visitor, arrived, admission, startup.spoken)
        except BaseException:
            self.access.leave(admission)
            raise

    def renew(self, settings: Settings, tls: ssl.SSLContext, master_mask_key: bytes) -> None:
        """Whoever comes from now on meets these."""
        self.settings = settings
        self.tls = tls
        self.master_mask_key = master_mask_key

    def _is_open(self) -> None:
        if self.closing():
            raise Turned("shutting-down", "57P03", "the gateway is shutting down", "Connect again in a moment.")

    async def _hear(self, client: Channel, visitor: Visitor) -> StartupMessage:
        """The startup packet, after any questions about encryption."""
        direct = await client.peek() == TLS_HANDSHAKE
        if direct:
            await self._start_tls(client, visitor)
            if client.tls is None or client.tls.selected_alpn_protocol() is None:
                # As PostgreSQL does: nothing is said to whoever did not ask for PostgreSQL.
                turned = Turned("tls", "08P01", 'direct TLS without the ALPN protocol name "postgresql"')
                self.note_refusal(visitor, turned)
                raise Left
        for _ in range(QUESTIONS + 1):
            packet = decode_startup(await client.read_startup(self.settings.limits.max_startup_bytes))
            match packet:
                case StartupMessage():
                    return packet
                case SSLRequest():
                    if direct:
                        client.write(b"N")
                        continue
                    if client.tls is not None:
                        raise ProtocolViolation("TLS was asked for twice")
                    if client.has_unread:
                        raise ProtocolViolation("received unencrypted data after SSL request")
                    await self._start_tls(client, visitor, first=b"S")
                case GSSENCRequest():
                    if client.has_unread:
                        raise ProtocolViolation("received unencrypted data after GSSAPI encryption request")
                    client.write(b"N")
                case CancelRequest():
                    await self._cancel(packet, client)
                    raise Left
        raise ProtocolViolation("too many requests before the startup packet")

    async def _cancel(self, request: CancelRequest, client: Channel) -> None:
        """Returns when the upstream has taken the request: only then the connection is closed, which is what
        clients wait for before they ask their next question."""
        address = neighbourhood(client.peer_host)
        now = asyncio.get_running_loop().time()
        if self.guesses.too_many(address, now):
            self.metrics.cancel_ignored()
            return
        cancel = self.cancel_keys.meant(request)
        if cancel is None:
            if await self.elsewhere.cancel(request, client.peer):
                return
            self.metrics.cancel_refused()
            self.guesses.wrong(address, now)
            self.elsewhere.guessed(address)
            if self.guesses.too_many(address, now):
                log.warning("too many wrong cancel keys: not looked at for a while", client=address)
            return
        under_way = cancel(client.peer)
        if under_way is not None:
            await asyncio.wait((under_way,))

    async def _start_tls(self, client: Channel, visitor: Visitor, first: bytes = b"") -> None:
        await client.start_tls(self.tls, server_side=True, timeout=self.settings.limits.handshake_seconds, first=first)
        visitor.tls = client.tls.version() if client.tls is not None else None

    def _check_certificate(self, client: Channel, visitor: Visitor, user: str) -> None:
        """Raises Turned when the client had to show a certificate of `user`'s and did not."""
        settings = self.settings.tls
        der = client.tls.getpeercert(binary_form=True) if client.tls is not None else None
        if der and settings.asked_for != "off":
            try:
                visitor.certificate = ClientCertificate.read(der)
            except ValueError:
                raise Turned(
                    "certificate-unreadable", "28000", "the client certificate cannot be read", "Have it issued anew."
                ) from None
        against = doubt(settings, visitor.certificate, user, self.clock())
        if against is not None:
            raise Turned(against.cause, "28000", against.message, against.hint)

    def _may_be_plain(self, client: Channel) -> bool:
        if not self.settings.tls.plaintext_on_loopback:
            return False
        try:
            return ipaddress.ip_address(client.peer_host).is_loopback
        except ValueError:
            return False

    async def _token(self, client: Channel) -> str:
        """What the client gives as password."""
        client.write(AuthenticationCleartextPassword().encode())
        longest = self.settings.tokens.max_bytes
        try:
            kind, body = await client.read_frame(longest + 1)
        except OversizedPacket:
            raise Turned(
                "oversized-token", "28P01", f"the password is longer than {longest} bytes", HOW_TO_GET_IN
            ) from None
        if kind != RESPONSE or body[-1:] != b"\0" or b"\0" in body[:-1]:
            raise ProtocolViolation("expected a password message")
        if body == b"\0":
            raise Turned("no-token", "28P01", "no token was given as password", HOW_TO_GET_IN)
        return body[:-1].decode("utf-8", "replace")

    async def _admit(self, token: str, arrived: Arrival, client: Channel, visitor: Visitor) -> Admission:
        shown = visitor.certificate.thumbprint if visitor.certificate is not None else ""
        try:
            admission = await self.access.admit(
                token, user=arrived.user, database=arrived.database, client=client.peer, certificate=shown
            )
        except AdmissionRefused as refused:
            raise Turned(
                refused.cause, refused.sqlstate, refused.message, refused.hint or None, token=refused.token_id
            ) from None
        if self.open_sessions() >= self.settings.limits.sessions:
            self.access.leave(admission)
            raise Turned("too-many-sessions", "53300", "the gateway has no room for another session", "Try again soon.")
        return admission

    async def _open(
        self, client: Channel, visitor: Visitor, arrived: Arrival, admission: Admission, version: int
    ) -> LiveSession:
        grant = admission.grant
        settings = self.settings
        target = settings.targets.get(grant.target)
        policies = self.policies()
        policy = policies.role(grant.role, grant.extent)
        snapshots = self.snapshots.get(grant.target)
        if target is None or snapshots is None or policy is None:
            raise Turned(
                "not-configured",
                "57P03",
                f'target "{grant.target}" or role "{grant.role}" is no longer configured',
                "Ask an admin; the settings or the policy have changed since the grant was approved.",
                token=admission.token_id,
            )
        session = f"ses_{secrets.token_hex(8)}"
        try:
            key = mask_key(self.master_mask_key, grant.id)
            path: tuple[str, ...] | Refusal | None = None
            wished = dict(arrived.settings).get("search_path")
            if wished is not None:
                path = review_search_path(wished, policy, (await snapshots.judge(policy)).catalog)
            if isinstance(path, Refusal):
                raise Turned("startup-parameter", path.sqlstate, path.message, path.hint, token=admission.token_id)
            pinned = pins(arrived, policy, target, settings.limits, session=session, key=key, path=path)
            judge, upstream = await snapshots.open(policy, pinned)
        except UpstreamUnavailable as error:
            raise Turned(
                "upstream",
                error.sqlstate,
                error.message,
                "Try again, or ask whoever runs the database.",
                token=admission.token_id,
            ) from None
        curfew = self._curfew(admission)
        if curfew.seconds_left <= 0:
            upstream.channel.abort()
            raise Turned(
                "expired",
                "28P01",
                "the token or its grant ended while the session was being opened",
                HOW_TO_GET_IN,
                token=admission.token_id,
            )
        opened = self._opened(session, client, visitor, arrived, admission, policies, upstream, judge.catalog.version)
        try:
            record = await self.recorder.begin_session(opened)
        except RecordUnavailable:
            upstream.channel.abort()
            raise Turned(
                "record",
                "58030",
                "the audit record cannot be written, so no session may open",
                "Tell whoever runs this gateway.",
                token=admission.token_id,
            ) from None
        except BaseException:
            upstream.channel.abort()
            raise
        self.metrics.saw(opened)
        curfew = self._curfew(admission)  # the disk may have taken its time
        relay = Relay(
            judge,
            max_message_bytes=settings.limits.max_message_bytes,
            may_listen=StatementKind.LISTEN in policy.statements,
            lookups=self.lookups.of(grant.id, grant.ends_at),
        )
        eyes = self.metrics if self.eyes is None else self.eyes(opened)
        live = LiveSession(session, admission, client, upstream, relay, record, snapshots, self.chamber, eyes, curfew)
        self._greet(client, arrived, upstream, live, version)
        return live

    def _opened(
        self,
        session: str,
        client: Channel,
        visitor: Visitor,
        arrived: Arrival,
        admission: Admission,
        policies: Policies,
        upstream: Upstream,
        catalog_version: str,
    ) -> SessionOpened:
        grant = admission.grant
        return SessionOpened(
            session=session,
            person=grant.person,
            grant=grant.id,
            reason=grant.reason,
            approvers=grant.approvers,
            role=grant.role,
            target=grant.target,
            database=self.settings.targets[grant.target].database,
            client=client.peer,
            ends_at=f"{admission.ends_at:%Y-%m-%dT%H:%M:%SZ}",
            token=admission.token_id,
            policy_version=policies.version,
            catalog_version=catalog_version,
            server_version=upstream.parameters.get("server_version", ""),
            tls=visitor.tls,
            certificate=visitor.certificate.subject if visitor.certificate is not None else "",
            thumbprint=visitor.certificate.thumbprint if visitor.certificate is not None else "",
            startup=visitor.startup,
            upstream_pid=upstream.pid,
            extent=grant.extent.text,
        )

    def _curfew(self, admission: Admission) -> Curfew:
        left = (admission.ends_at - self.clock()).total_seconds()
        return Curfew(admission.ends_at, max(left, 0.0), self.settings.limits.warn_before_seconds)

    def _greet(self, client: Channel, arrived: Arrival, upstream: Upstream, live: LiveSession, version: int) -> None:
        """What PostgreSQL says after a good password. The client sees itself, not the gateway's login."""
        shown = {
            **upstream.parameters,
            "session_authorization": arrived.user,
            "application_name": arrived.application_name,
            "is_superuser": "off",
        }
        pid, key = self.cancel_keys.issue(live.cancel, LONG_KEY if version >= PROTOCOL_3_2 else SHORT_KEY)
        live.cancel_pid = pid
        client.write(
            AuthenticationOk().encode()
            + b"".join(ParameterStatus(name, value).encode() for name, value in shown.items())
            + BackendKeyData(pid, key).encode()
            + ReadyForQuery("I").encode()
        )

    def note_refusal(self, visitor: Visitor, turned: Turned) -> None:
        """Into the control log, the metrics and the log."""
        left_out = 0 if turned.token else self.strangers.another(asyncio.get_running_loop().time())
        fact = DoorRefused(
            client=visitor.peer,
            cause=turned.cause,
            sqlstate=turned.sqlstate,
            message=turned.message[:LONGEST_TOLD],
            user=visitor.user[:LONGEST_NAME],
            database=visitor.database[:LONGEST_NAME],
            token=turned.token,
            tls=visitor.tls,
            certificate=visitor.certificate.subject if visitor.certificate is not None else "",
            grant=visitor.admission.grant.id if visitor.admission is not None else "",
            startup=visitor.startup,
            left_out=left_out or 0,
        )
        self.metrics.saw(fact)
        self.turned_away(fact)
        if left_out is None:
            return
        log.info("connection refused", cause=turned.cause, client=visitor.peer)
        try:
            self.recorder.note(fact)
        except RecordUnavailable as error:
            log.error("refusal not recorded", reason=str(error))


async def knock(door: Door, client: Channel, visitor: Visitor) -> LiveSession | None:
    """One connection at the door: a session, or None when it was turned away or left."""
    try:
        return await door.welcome(client, visitor)
    except Left:
        pass
    except ChannelClosed:
        pass
    except Turned as turned:
        door.note_refusal(visitor, turned)
        client.write(fatal(turned.sqlstate, turned.message, hint=turned.hint))
    except (ProtocolViolation, OversizedPacket) as violation:
        sqlstate = violation.sqlstate if isinstance(violation, ProtocolViolation) else "08P01"
        broken = Turned("protocol", sqlstate, f"protocol violation: {violation}")
        door.note_refusal(visitor, broken)
        client.write(fatal(sqlstate, broken.message))
    except OSError as error:  # ssl.SSLError is one
        door.note_refusal(visitor, Turned("tls", "08P01", f"the TLS handshake failed: {_why(error)}"))
    client.close()
    return None


def _why(error: OSError) -> str:
    """What went wrong with TLS, in words of the library's or the system's own and nobody else's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate was not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return os.strerror(error.errno) if error.errno else type(error).__name__
