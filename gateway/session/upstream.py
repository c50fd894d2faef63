"""The target's own login: TLS, SCRAM, and a startup packet that pins what judgements rest on.

PG manual 55.2.1 (start-up), 55.3 (SASL), 34.19 (sslmode). Anything the upstream asks for that is
not SCRAM-SHA-256 is refused: a cleartext or md5 password would be a gift to whoever answers.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from config.secrets import SecretReference
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

#: No message of a log-in is longer.
LONGEST_MESSAGE = 1 << 20


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
    except UpstreamUnavailable:
        channel.abort()
        raise
    except TimeoutError:
        channel.abort()
        raise UpstreamUnavailable(f'target "{route.name}" did not answer in {route.timeout:g} s') from None
    except ssl.SSLCertVerificationError as error:
        channel.abort()
        raise UpstreamUnavailable(
            f'the certificate of target "{route.name}" was not accepted: {error.verify_message}'
        ) from None
    except (OSError, ChannelClosed) as error:
        channel.abort()
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UpstreamUnavailable(f'target "{route.name}" cannot be reached: {reason}') from None
    return channel


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
        raise UpstreamUnavailable(f'target "{route.name}" broke off the log-in: {error}') from None
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
        code = message.fields.get("C", "08006")
        said = message.fields.get("M", "no reason given")
        sqlstate = code if code.startswith(("53", "57")) else "08006"
        raise UpstreamUnavailable(f'target "{route.name}" refused the gateway: {said}', sqlstate)
    if kind == REQUEST or isinstance(message, ParameterStatus | BackendKeyData | ReadyForQuery):
        return message
    return None


def _channel_binding(channel: Channel) -> bytes | None:
    """What binds the password proof to this TLS channel, or None without one."""
    if channel.tls is None:
        return None
    certificate = channel.tls.getpeercert(binary_form=True)
    return tls_server_end_point(certificate) if certificate else None
