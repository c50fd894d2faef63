"""The target's own login: TLS, a proof, and a startup packet that pins what judgements rest on.

PG manual, 55.2.1 (start-up), 55.2.9 (cancel), 34.1.1.3 (several hosts), 34.19 (TLS). Hosts are tried in
their order, each address with a time of its own, until one lets the gateway in and is what was asked for.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import assert_never

import structlog

from config.secrets import SecretUnavailable
from config.target import SessionAttrs
from gateway.channel import Channel, ChannelClosed, OversizedPacket
from gateway.session.login import Budget, MethodNotAllowed, TargetRefused, authenticate
from gateway.session.reading import QuestionRefused, ask
from gateway.session.route import Host, Place, Route
from protocol.backend import BackendKeyData, ErrorResponse, ParameterStatus, ReadyForQuery, decode_backend
from protocol.errors import ProtocolViolation
from protocol.frontend import Terminate
from protocol.startup import SSLRequest, StartupMessage

log = structlog.get_logger()

#: PostgreSQL reports fifteen.
MOST_PARAMETERS = 100
#: Insufficient resources, operator intervention (PG manual, appendix A).
TELLING_CLASSES = ("53", "57")
#: The server starts, stops or recovers: another one may do (libpq tries it, too).
CANNOT_CONNECT_NOW = "57P03"

#: Which cluster and database this is, and what may be done here. A name, an address or a socket says
#: neither: behind each there may be another server tomorrow.
WHO_ARE_YOU = """\
SELECT c.system_identifier, d.oid, pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_read_only')
FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d
WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"""
HOW_TO_ALLOW = "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO the gateway's login, in that database"


class UpstreamUnavailable(Exception):
    """The target cannot be reached or does not let the gateway in. `message` is fit for the client:
    it names the target and no secret; `sqlstate` is 08006, 57P03 or what the upstream said."""

    def __init__(self, message: str, sqlstate: str = "08006") -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


class _Failed(Exception):
    """One host did not do. `what` goes on after "target x" or "host 1 of 2"; `final` when another host is
    not to be tried, as after a password that was not taken."""

    def __init__(self, what: str, sqlstate: str = "08006", *, final: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.sqlstate = sqlstate
        self.final = final


@dataclass(frozen=True, slots=True)
class Identity:
    """A database of a cluster. Standbys share it with their primary; nothing else does."""

    system: int
    database: int


@dataclass(slots=True)
class Upstream:
    """A connection that is ready for queries."""

    channel: Channel
    route: Route
    place: Place
    parameters: dict[str, str]
    pid: int
    key: bytes = field(repr=False)
    identity: Identity
    standby: bool
    #: Transactions are read-only unless they say otherwise, and not because we asked for that.
    read_only: bool

    def close(self) -> None:
        """Say goodbye."""
        self.channel.write(Terminate().encode())
        self.channel.close()


async def dial(route: Route, pins: Mapping[str, str]) -> Upstream:
    """Log in to the target. `pins` are settings for the startup packet: what comes there survives
    RESET ALL and DISCARD ALL. Raises UpstreamUnavailable."""
    failures: dict[tuple[int, str], _Failed] = {}
    for wish in route.wishes:
        for host in route.in_order():
            try:
                for place in await _places(route, host):
                    try:
                        upstream = await _dial(route, place, pins)
                        _fits(upstream, wish)
                    except _Failed as failed:
                        if failed.final:
                            raise
                        failures[host.number, failed.what] = failed
                        continue
                    return upstream
            except _Failed as failed:
                failures[host.number, failed.what] = failed
                if failed.final:
                    raise _told(route, failures) from None
    raise _told(route, failures)


async def dial_again(upstream: Upstream, pins: Mapping[str, str]) -> Upstream:
    """Another log-in at the very place where this session is. Raises UpstreamUnavailable."""
    route, place = upstream.route, upstream.place
    try:
        another = await _dial(route, place, pins)
    except _Failed as failed:
        raise _told(route, {(place.host.number, failed.what): failed}) from None
    if another.identity != upstream.identity:
        another.close()
        raise UpstreamUnavailable(f'target "{route.name}" is another cluster now')
    return another


async def connect(route: Route, place: Place) -> Channel:
    """A connection to this place, through TLS when the route says so: for a CancelRequest to the very server
    that a session is at. Raises UpstreamUnavailable."""
    try:
        async with asyncio.timeout(route.timeout):
            return await _connect(route, place)
    except TimeoutError:
        raise UpstreamUnavailable(f'target "{route.name}" did not answer in {route.timeout:g} s') from None
    except (OSError, ChannelClosed, _Failed) as error:
        log.warning("target cannot be reached", target=route.name, place=str(place), reason=_reason(error))
        raise UpstreamUnavailable(f'target "{route.name}" cannot be reached') from None


async def _places(route: Route, host: Host) -> list[Place]:
    try:
        async with asyncio.timeout(route.timeout):
            return await route.places(host)
    except (OSError, TimeoutError, UnicodeError) as error:
        log.warning("name of the target cannot be resolved", target=route.name, host=host.name, reason=_reason(error))
        raise _Failed("cannot be reached: its name cannot be resolved") from None


async def _dial(route: Route, place: Place, pins: Mapping[str, str]) -> Upstream:
    """One address, in one time. Raises _Failed, when the operator's log knows why."""
    try:
        async with asyncio.timeout(route.timeout):
            channel = await _connect(route, place)
            try:
                return await _log_in(channel, route, place, pins)
            except BaseException:
                channel.abort()
                raise
    except TimeoutError as error:
        failed = _Failed(f"did not answer in {route.timeout:g} s")
        reason: object = _reason(error)
    except _Failed as error:
        failed, reason = error, error.what
    except ssl.SSLCertVerificationError as error:
        failed, reason = _Failed("did not prove itself: its certificate was not accepted"), error.verify_message
    except TargetRefused as error:
        failed, reason = _refused(error.error), f"{error.error.message} (SQLSTATE {error.error.sqlstate})"
    except MethodNotAllowed as error:
        what = "asks for a log-in that the gateway's settings for it do not allow"
        failed, reason = _Failed(what, "28000", final=True), str(error)
    except SecretUnavailable as error:
        failed, reason = _Failed("has a login whose password the gateway does not find", final=True), str(error)
    except (ChannelClosed, OversizedPacket, ProtocolViolation, QuestionRefused) as error:
        failed, reason = _Failed("broke off the log-in"), str(error)
    except OSError as error:
        failed, reason = _Failed(f"cannot be reached: {_in_public(error)}"), _reason(error)
    log.warning("no session at the target", target=route.name, place=str(place), host=place.host.name, reason=reason)
    raise failed from None


async def _connect(route: Route, place: Place) -> Channel:
    """Raises OSError (ssl.SSLError is one), ChannelClosed, _Failed."""
    loop = asyncio.get_running_loop()
    channel = Channel()
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if not place.host.is_socket:
            route.keepalive.apply(sock)
        await loop.sock_connect(sock, place.address)
        if place.host.is_socket:
            await loop.create_unix_connection(lambda: channel, sock=sock)
        else:
            await loop.create_connection(lambda: channel, sock=sock)
    except BaseException:
        sock.close()
        raise
    # libpq's rule: there is no TLS over a Unix socket, whatever sslmode says (PG manual, 34.1.2).
    if route.context is None or place.host.is_socket:
        return channel
    try:
        channel.write(SSLRequest().encode())
        answer = await channel.read_exactly(1)
        if answer != b"S" or channel.has_unread:
            raise _Failed("does not speak TLS, which its sslmode demands")
        await channel.start_tls(
            route.context, server_side=False, server_hostname=place.host.name, timeout=max(route.timeout, 1.0)
        )
    except BaseException:
        channel.abort()
        raise
    return channel


async def _log_in(channel: Channel, route: Route, place: Place, pins: Mapping[str, str]) -> Upstream:
    password = "" if route.password is None else route.password.read().decode("utf-8", "replace")
    channel.write(StartupMessage({"user": route.user, "database": route.database, **pins}).encode())
    frames = Budget(channel)
    await authenticate(frames, channel, route, place, password, secrets.token_urlsafe(18))
    parameters, key = await _until_ready(frames)
    identity, standby, read_only = await _identify(channel, route)
    return Upstream(
        channel,
        route,
        place,
        parameters,
        key.pid,
        key.key,
        identity,
        standby,
        read_only and "default_transaction_read_only" not in pins,
    )


async def _until_ready(frames: Budget) -> tuple[dict[str, str], BackendKeyData]:
    parameters: dict[str, str] = {}
    key: BackendKeyData | None = None
    while True:
        kind, body = await frames.frame()
        decode = _greeting if kind == ParameterStatus.kind and len(body) <= SHORT else decode_backend
        match decode(kind, body):
            case ParameterStatus(name, value):
                # All sessions hear the same: said once in memory (2 kB a session).
                parameters[sys.intern(name)] = sys.intern(value)
                if len(parameters) > MOST_PARAMETERS:
                    raise ProtocolViolation("the target reports more parameters than any server has")
            case BackendKeyData() as found:
                key = found
            case ReadyForQuery():
                if key is None:
                    raise ProtocolViolation("the target gave no cancel key")
                return parameters, key
            case ErrorResponse() as error:
                raise TargetRefused(error)
            case _:
                continue


#: A server greets each log-in with the same dozen, and none of them is long.
SHORT = 256
_greeting = lru_cache(128)(decode_backend)


async def _identify(channel: Channel, route: Route) -> tuple[Identity, bool, bool]:
    """Which database of which cluster, whether it is a standby, whether it is read-only by default."""
    try:
        [(system, database, standby, read_only)] = await ask(channel, WHO_ARE_YOU, 1 << 16)
        return Identity(int(system or b""), int(database or b"")), standby == b"t", read_only == b"on"
    except QuestionRefused as error:
        log.error("the target does not tell which cluster it is", target=route.name, reason=str(error), do=HOW_TO_ALLOW)
    except ValueError:
        log.error("the target does not tell which cluster it is", target=route.name)
    raise _Failed("does not tell the gateway which cluster it is")


async def still_fits(upstream: Upstream) -> bool:
    """Is the server that this idle connection leads to still what target_session_attrs asks for? Asked anew:
    a standby can be promoted, and a primary replaced. Raises as `ask`, and UpstreamUnavailable."""
    wish = upstream.route.attrs
    if wish in ("any", "prefer-standby"):
        return True
    try:
        _, upstream.standby, upstream.read_only = await _identify(upstream.channel, upstream.route)
    except _Failed as failed:
        raise UpstreamUnavailable(f'target "{upstream.route.name}" {failed.what}') from None
    return _obstacle(upstream, wish) is None


def _obstacle(upstream: Upstream, wish: SessionAttrs) -> str | None:
    """What keeps the server from being what target_session_attrs asks for; None if nothing does."""
    match wish:
        case "any" | "prefer-standby":
            return None
        case "primary":
            return "is a standby" if upstream.standby else None
        case "standby":
            return None if upstream.standby else "is no standby"
        case "read-write":
            return "is read-only" if upstream.standby or upstream.read_only else None
        case "read-only":
            return None if upstream.standby or upstream.read_only else "is not read-only"
        case _:
            assert_never(wish)


def _fits(upstream: Upstream, wish: SessionAttrs) -> None:
    obstacle = _obstacle(upstream, wish)
    if obstacle is not None:
        upstream.close()
        raise _Failed(f'{obstacle}, and target_session_attrs is "{upstream.route.attrs}"')


def _told(route: Route, failures: Mapping[tuple[int, str], _Failed]) -> UpstreamUnavailable:
    """What to tell the person. Names and addresses of hosts, logins and databases are for the log."""
    newest = list(failures.values())[-1]
    sqlstate = next((failed.sqlstate for failed in failures.values() if failed.sqlstate != "08006"), newest.sqlstate)
    if len(route.hosts) == 1:
        return UpstreamUnavailable(f'target "{route.name}" {newest.what}', sqlstate)
    each = "; ".join(f"host {number} of {len(route.hosts)} {failed.what}" for (number, _), failed in failures.items())
    return UpstreamUnavailable(f'target "{route.name}" cannot be reached: {each}', sqlstate)


def _refused(error: ErrorResponse) -> _Failed:
    """PostgreSQL's words go to the client where they speak of its state ("starting up", "too many
    clients"); others name logins, hosts and databases, and go to the log."""
    if error.sqlstate.startswith(TELLING_CLASSES):
        final = error.sqlstate != CANNOT_CONNECT_NOW
        return _Failed(f"refused the gateway: {error.message}", error.sqlstate, final=final)
    return _Failed("refused the gateway's own login", final=True)


def _in_public(error: OSError) -> str:
    """What went wrong, without where."""
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    return os.strerror(error.errno) if error.errno else "it does not answer as expected"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
