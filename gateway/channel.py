"""Bytes in and out of one connection.

A handshake awaits its bytes (`read_startup`, `read_frame`); a relay is called with them
(`relay_to`). The channel changes from the first way to the second once, and never back.
Limits are checked before anything is buffered (law: limits before allocation).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

#: Above this many unsent bytes the peer of a relay is no longer read. TLS buffers once more below.
HIGH_WATER = 64 * 1024
HIGH_WATER_TLS = 32 * 1024
#: A handshake never needs more than this many bytes at once; more stays in the kernel.
HANDSHAKE_BUFFER = 64 * 1024


#: From a TLS alert until the connection is cut, if the peer does not close it.
ALERT_SECONDS = 2.0


class ChannelClosed(Exception):
    """The peer left (or the connection broke) while bytes were awaited."""


class OversizedPacket(Exception):
    """The peer announced a packet longer than the handshake takes."""

    def __init__(self, length: int) -> None:
        super().__init__(f"packet of {length} bytes")
        self.length = length


@dataclass(frozen=True, slots=True)
class Keepalive:
    """Seconds and numbers for TCP, 0 for what the system does anyway (tcp(7))."""

    idle: int
    interval: int
    count: int
    user_timeout: int

    def apply(self, sock: socket.socket) -> None:
        """Have the kernel notice a peer that is gone."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None)), self.idle),
            (getattr(socket, "TCP_KEEPINTVL", None), self.interval),
            (getattr(socket, "TCP_KEEPCNT", None), self.count),
            (getattr(socket, "TCP_USER_TIMEOUT", None), self.user_timeout * 1000),
        ):
            if option is not None and value:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


class _TellingTls(ssl.SSLObject):
    """TLS whose handshake, when it fails, lets the alert that says why reach the peer."""

    _failed: Callable[[ssl.SSLError], None] | None = None
    _failure: ssl.SSLError | None = None

    def succeeded(self) -> None:
        """There is nothing left to tell; what was to be told is let go of."""
        self._failed = None

    def do_handshake(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._failed is None:
            self._failed = cast(TellingContext, self.context).beginning
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._failure = error
            if self._failed is not None:
                self._failed(error)
            # To the event loop this means: send what is there, and wait for the peer.
            raise ssl.SSLWantReadError from error


class TellingContext(ssl.SSLContext):
    """A server's side of TLS. When a handshake fails, the peer gets TLS's alert and `Channel.start_tls`
    the reason; left to itself the event loop drops the connection with the alert unsent."""

    sslobject_class = _TellingTls
    #: Whom to tell of the handshake that begins next.
    beginning: Callable[[ssl.SSLError], None] | None = None


class Receiver(Protocol):
    """What a relay's side of a channel must answer to."""

    @property
    def received(self) -> Callable[[bytes], None]: ...
    def left(self, error: Exception | None) -> None: ...
    def congested(self) -> None: ...
    def relieved(self) -> None: ...


class Channel(asyncio.Protocol):
    """One TCP connection, of a client or to an upstream."""

    __slots__ = (
        "_buffer",
        "_closed",
        "_error",
        "_failed",
        "_paused",
        "_received",
        "_receiver",
        "_transport",
        "_waiter",
        "tls",
    )

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._receiver: Receiver | None = None
        self._received: Callable[[bytes], None] | None = None
        self._closed = False
        self._error: Exception | None = None
        self._paused = False
        #: TLS has said its last word, an alert; nothing may be sent after it.
        self._failed = False
        self.tls: ssl.SSLObject | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        if self._received is not None:
            self._received(data)
            return
        self._buffer += data
        if len(self._buffer) >= HANDSHAKE_BUFFER:
            self.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._error = exc
        if self._receiver is not None:
            self._receiver.left(exc)
            self._let_go()
        self._wake()

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.congested()

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.relieved()

    # for a handshake

    async def read_exactly(self, count: int) -> bytes:
        """The next `count` bytes. Raises ChannelClosed when the peer leaves before."""
        while len(self._buffer) < count:
            if self._closed:
                raise ChannelClosed("the peer closed the connection")
            if self._paused:
                self.resume_reading()
            await self._data()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def peek(self) -> int:
        """The next byte, which stays to be read. Raises ChannelClosed when the peer leaves before."""
        while not self._buffer:
            if self._closed:
                raise ChannelClosed("the peer closed the connection")
            await self._data()
        return self._buffer[0]

    async def read_startup(self, longest: int) -> bytes:
        """The body of an untyped first packet (PG manual, 55.7 StartupMessage), without its length.

        Raises OversizedPacket before buffering, ChannelClosed.
        """
        length = int.from_bytes(await self.read_exactly(4), "big", signed=True) - 4
        if not 4 <= length <= longest:
            raise OversizedPacket(length)
        return await self.read_exactly(length)

    async def read_frame(self, longest: int) -> tuple[int, bytes]:
        """The next typed message: its kind and its body. Raises OversizedPacket, ChannelClosed."""
        found = self._whole_frame(longest)
        if found is not None:
            return found
        header = await self.read_exactly(5)
        length = int.from_bytes(header[1:], "big", signed=True) - 4
        if not 0 <= length <= longest:
            raise OversizedPacket(length)
        return header[0], await self.read_exactly(length)

    def _whole_frame(self, longest: int) -> tuple[int, bytes] | None:
        """The next message when all of it is here: a server's greeting is twenty in one chunk."""
        buffer = self._buffer
        if len(buffer) < 5:
            return None
        length = int.from_bytes(buffer[1:5], "big", signed=True) - 4
        if not 0 <= length <= longest:
            raise OversizedPacket(length)
        if len(buffer) < 5 + length:
            return None
        kind, body = buffer[0], bytes(buffer[5 : 5 + length])
        del buffer[: 5 + length]
        return kind, body

    @property
    def has_unread(self) -> bool:
        """Are there bytes that nobody asked for yet? Before TLS starts, that is an attack."""
        return bool(self._buffer)

    async def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        timeout: float,  # noqa: ASYNC109 -- the TLS library's own, for the handshake alone
        server_hostname: str | None = None,
        first: bytes = b"",
    ) -> None:
        """Upgrade to TLS; `first` is sent in the clear just before (the 'S' answer). What was received
        and not read yet is the beginning of the peer's handshake (direct TLS).

        Reading is paused in between, so no plain byte is ever taken for one that came through
        TLS. Raises OSError or ssl.SSLError.
        """
        transport = self._open_transport()
        transport.pause_reading()
        if first:
            transport.write(first)
        loop = asyncio.get_running_loop()
        failing: asyncio.Future[ssl.SSLError] = loop.create_future()

        def failed(error: ssl.SSLError) -> None:
            # The alert is on its way; the peer may read it before the connection goes.
            loop.call_later(ALERT_SECONDS, transport.abort)
            failing.set_result(error)

        def begins() -> None:
            if isinstance(context, TellingContext):
                context.beginning = failed

        async def upgraded_by_loop() -> asyncio.Transport | None:
            # The loop calls what it was asked for in the order of asking: this, then the beginning of TLS
            # and reading on, which start_tls asks for before it waits.
            loop.call_soon(begins)
            return await loop.start_tls(
                transport,
                self,
                context,
                server_side=server_side,
                server_hostname=server_hostname,
                ssl_handshake_timeout=timeout,
            )

        upgrade = loop.create_task(upgraded_by_loop())
        if self._buffer:
            # And so this comes behind the beginning and before anything that is read.
            early = bytes(self._buffer)
            self._buffer.clear()
            loop.call_soon(lambda: loop.call_soon(_receive, transport, early))
        try:
            await asyncio.wait((upgrade, failing), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            upgrade.cancel()
            raise
        if failing.done():
            self._failed = True
            upgrade.add_done_callback(self._alert_taken)
            raise failing.result()
        try:
            upgraded = upgrade.result()
        except OSError:
            self._closed = True
            raise
        if upgraded is None:
            self._closed = True
            raise ConnectionResetError("the peer closed the connection during the TLS handshake")
        self._transport = upgraded
        self._paused = False
        upgraded.set_write_buffer_limits(high=HIGH_WATER_TLS)
        self.tls = upgraded.get_extra_info("ssl_object")
        if isinstance(self.tls, _TellingTls):
            self.tls.succeeded()

    def _alert_taken(self, upgrade: asyncio.Task[asyncio.Transport | None]) -> None:
        """The connection has ended after an alert; the loop tells of it by the end of the upgrade alone."""
        if not upgrade.cancelled():
            upgrade.exception()
        self._closed = True
        self._wake()

    async def wait_closed(self) -> None:
        """Until the connection is gone."""
        while not self._closed:
            await self._data()

    # for both

    @property
    def peer(self) -> str:
        """Address and port of the other side, for people."""
        if self._transport is None:
            return "unknown"
        name = self._transport.get_extra_info("peername")
        if isinstance(name, tuple):
            return f"[{name[0]}]:{name[1]}" if ":" in str(name[0]) else f"{name[0]}:{name[1]}"
        return str(name) if name else "local"

    @property
    def peer_host(self) -> str:
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(name[0]) if isinstance(name, tuple) else "local"

    @property
    def closed(self) -> bool:
        return self._closed

    def relay_to(self, receiver: Receiver) -> None:
        """From now on bytes go to `receiver`, those already here first."""
        self._receiver = receiver
        self._received = receiver.received
        waiting = bytes(self._buffer)
        self._buffer.clear()
        if waiting:
            receiver.received(waiting)
        if self._paused:
            self.resume_reading()
        if self._closed:
            receiver.left(self._error)
            self._let_go()

    def keep_alive(self, keepalive: Keepalive) -> None:
        """Have the kernel notice when the peer is gone without a word."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # it is gone already, which the transport will notice
                keepalive.apply(sock)

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._closed and not self._failed:
            self._transport.write(data)

    def pause_reading(self) -> None:
        if self._transport is not None and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and self._paused and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Send what is still to be sent, then close."""
        if self._transport is not None and not self._failed:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def _let_go(self) -> None:
        """A relay's connection is gone: whatever refers in circles, with buffers full of what was not sent
        or not read, goes with it, and not when the collector comes by."""
        self._receiver = self._received = None
        self._transport = self.tls = None

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None or self._closed:
            raise ChannelClosed("the connection is closed")
        return self._transport

    async def _data(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _receive(transport: asyncio.Transport, data: bytes) -> None:
    """Give the TLS layer bytes as if they came from its transport."""
    layer = cast(asyncio.BufferedProtocol, transport.get_protocol())
    rest = memoryview(data)
    while rest:
        space = memoryview(layer.get_buffer(len(rest)))
        taken = min(len(space), len(rest))
        space[:taken] = rest[:taken]
        layer.buffer_updated(taken)
        rest = rest[taken:]
