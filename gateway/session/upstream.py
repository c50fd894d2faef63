"""The target's own login: TLS, SCRAM, and a startup packet that pins what judgements rest on.

PG manual 55.2.1 (start-up), 55.3 (SASL), 34.19 (sslmode). Anything the upstream asks for that is
not SCRAM-SHA-256 is refused: a cleartext or md5 password would be a gift to whoever answers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

import structlog

from config.secrets import SecretReference, SecretUnavailable
from config.settings import Target
from gateway.channel import Channel, ChannelClosed, OversizedPacket
from protocol.authentication import (
    REQUEST,
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
)
from protocol.backend import BackendKeyData, ErrorResponse, ParameterStatus, ReadyForQuery, decode_backend
from protocol.errors import ProtocolViolation
from protocol.frontend import SASLInitialResponse, SASLResponse
from protocol.scram import ScramClient, tls_server_end_point
from protocol.startup import SSLRequest, StartupMessage

log = structlog.get_logger()

#: No message of a log-in is longer.
LONGEST_MESSAGE = 1 << 20
#: Insufficient resources, operator intervention (PG manual, appendix A).
TELLING_CLASSES = ("53", "57")


class UpstreamUnavailable(Exception):
    """The target cannot be reached or does not let the gateway in. `message` is fit for the client:
    it names the target and no secret; `sqlstate` is 08006, 57P03 or what the upstream said."""

    def __init__(self, message: str, sqlstate: str = "08006") -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


@dataclass(frozen=True, slots=True)
class Route:
    """Where a target is and how it must prove itself."""

    name: str
    host: str
    port: int
    database: str
    user: str
    password: SecretReference = field(repr=False)
    context: ssl.SSLContext | None = field(repr=False)
    timeout: float

    @classmethod
    def to(cls, name: str, target: Target) -> Route:
        """The route that the settings describe."""
        return cls(
            name,
            target.host,
            target.port,
            target.database,
            target.user,
            target.password,
            _context(target),
            target.connect_timeout_seconds,
        )


@dataclass(slots=True)
class Upstream:
    """A connection that is ready for queries."""

    channel: Channel
    route: Route
    parameters: dict[str, str]
    pid: int
    key: bytes = field(repr=False)


def _context(target: Target) -> ssl.SSLContext | None:
    if target.sslmode == "disable":
        return None
    context = ssl.create_default_context(cafile=target.sslrootcert)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    match target.sslmode:
        case "require":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        case "verify-ca":
            context.check_hostname = False
        case "verify-full":
            pass
        case _:
            assert_never(target.sslmode)
    return context


async def connect(route: Route) -> Channel:
    """A connection to the target, through TLS when the route says so. Raises UpstreamUnavailable."""
    loop = asyncio.get_running_loop()
    channel = Channel()
    try:
        async with asyncio.timeout(route.timeout):
            await loop.create_connection(lambda: channel, route.host, route.port)
            if route.context is not None:
                channel.write(SSLRequest().encode())
                answer = await channel.read_exactly(1)
                if answer != b"S" or channel.has_unread:
                    raise UpstreamUnavailable(f'target "{route.name}" does not speak TLS, which its sslmode demands')
                await channel.start_tls(
                    route.context, server_side=False, server_hostname=route.host, timeout=route.timeout
                )
    except TimeoutError:
        channel.abort()
        raise UpstreamUnavailable(f'target "{route.name}" did not answer in {route.timeout:g} s') from None
    except ssl.SSLCertVerificationError as error:
        channel.abort()
        log.warning("certificate of the target not accepted", target=route.name, reason=error.verify_message)
        raise UpstreamUnavailable(f'the certificate of target "{route.name}" was not accepted') from None
    except (OSError, ChannelClosed) as error:
        channel.abort()
        raise unreachable(route, error) from None
    except BaseException:
        channel.abort()
        raise
    return channel


def unreachable(route: Route, error: Exception) -> UpstreamUnavailable:
    """What to tell a client of this failure. Addresses and logins are for the log."""
    log.warning("target cannot be reached", target=route.name, reason=str(error) or type(error).__name__)
    if isinstance(error, socket.gaierror):
        reason = "its name cannot be resolved"
    elif isinstance(error, ssl.SSLError):
        reason = "TLS failed"
    elif isinstance(error, OSError) and error.errno:
        reason = os.strerror(error.errno)
    else:
        reason = "it does not answer as expected"
    return UpstreamUnavailable(f'target "{route.name}" cannot be reached: {reason}')


async def dial(route: Route, pins: Mapping[str, str], nonce: str) -> Upstream:
    """Log in to the target. `pins` are settings for the startup packet: what comes there survives
    RESET ALL and DISCARD ALL. Raises UpstreamUnavailable."""
    channel = await connect(route)
    try:
        async with asyncio.timeout(route.timeout):
            channel.write(StartupMessage({"user": route.user, "database": route.database, **pins}).encode())
            await _authenticate(channel, route, nonce)
            return await _until_ready(channel, route)
    except TimeoutError:
        channel.abort()
        raise UpstreamUnavailable(f'target "{route.name}" did not answer in {route.timeout:g} s') from None
    except (ChannelClosed, OversizedPacket, ProtocolViolation) as error:
        channel.abort()
        log.warning("the target broke off the log-in", target=route.name, reason=str(error))
        raise UpstreamUnavailable(f'target "{route.name}" broke off the log-in') from None
    except SecretUnavailable as error:
        channel.abort()
        log.error("no password for the target", target=route.name, reason=str(error))
        raise UpstreamUnavailable(f'the gateway has no password for target "{route.name}"') from None
    except BaseException:
        channel.abort()
        raise


async def _authenticate(channel: Channel, route: Route, nonce: str) -> None:
    scram: ScramClient | None = None
    while True:
        message = await _next(channel, route)
        match message:
            case AuthenticationSASL(mechanisms) if scram is None:
                scram = ScramClient(route.password.read().decode("utf-8"), nonce, _channel_binding(channel), mechanisms)
                channel.write(SASLInitialResponse(scram.mechanism, scram.first()).encode())
            case AuthenticationSASLContinue(data) if scram is not None:
                channel.write(SASLResponse(scram.final(data)).encode())
            case AuthenticationSASLFinal(data) if scram is not None:
                scram.verify(data)
            case AuthenticationOk() if scram is not None and scram.verified:
                return
            case _:
                raise UpstreamUnavailable(
                    f'target "{route.name}" asks for another authentication than SCRAM-SHA-256; '
                    "give the gateway's login there a scram-sha-256 line in pg_hba.conf",
                    "28000",
                )


async def _until_ready(channel: Channel, route: Route) -> Upstream:
    parameters: dict[str, str] = {}
    key: BackendKeyData | None = None
    while True:
        message = await _next(channel, route)
        match message:
            case ParameterStatus(name, value):
                parameters[name] = value
            case BackendKeyData():
                key = message
            case ReadyForQuery():
                if key is None:
                    raise UpstreamUnavailable(f'target "{route.name}" gave no cancel key')
                return Upstream(channel, route, parameters, key.pid, key.key)
            case _:
                continue


async def _next(channel: Channel, route: Route) -> object:
    kind, body = await channel.read_frame(LONGEST_MESSAGE)
    message = decode_backend(kind, body)
    if isinstance(message, ErrorResponse):
        raise _refused(route, message)
    if kind == REQUEST or isinstance(message, ParameterStatus | BackendKeyData | ReadyForQuery):
        return message
    return None


def _refused(route: Route, error: ErrorResponse) -> UpstreamUnavailable:
    """PostgreSQL's words go to the client where they speak of its state ("starting up", "too many
    clients"); others name logins, hosts and databases, and go to the log."""
    log.warning("the target refused the gateway", target=route.name, sqlstate=error.sqlstate, reason=error.message)
    if error.sqlstate.startswith(TELLING_CLASSES):
        return UpstreamUnavailable(f'target "{route.name}" refused the gateway: {error.message}', error.sqlstate)
    return UpstreamUnavailable(f'target "{route.name}" refused the gateway\'s own login')


def _channel_binding(channel: Channel) -> bytes | None:
    """What binds the password proof to this TLS channel, or None without one."""
    if channel.tls is None:
        return None
    certificate = channel.tls.getpeercert(binary_form=True)
    return tls_server_end_point(certificate) if certificate else None
