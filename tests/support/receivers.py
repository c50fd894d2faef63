"""Real servers that notices are sent to: HTTP, SMTP and syslog, each on a port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import email
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.web import WebServer


async def until(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Until it has happened."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 -- it happens in another process, or in the code under test
            await asyncio.sleep(0.02)


@dataclass
class HttpReceiver:
    """What was posted, and what is to be answered."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    #: Answered first, one a request; 204 after that.
    statuses: list[int] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    #: Requests wait while this is cleared.
    open: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def said(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def events(self) -> list[str]:
        return [one["data"]["event"] for one in self.said]

    async def received(self, count: int, *, seconds: float = 20) -> None:
        """Until so many requests came."""
        await until(lambda: len(self.bodies) >= count, seconds)


@contextlib.asynccontextmanager
async def http_receiver() -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver()
    receiver.open.set()

    async def take(request: Request) -> Response:
        receiver.bodies.append(await request.body())
        receiver.headers.append(dict(request.headers))
        status = receiver.statuses.pop(0) if receiver.statuses else 204
        await receiver.open.wait()
        return Response(status_code=status, headers=receiver.answer_headers)

    web = WebServer(Starlette(routes=[Route("/hook", take, methods=["POST"])]), "127.0.0.1", 0)
    await web.start()
    receiver.url = f"http://127.0.0.1:{web.port}/hook"
    try:
        yield receiver
    finally:
        receiver.open.set()
        await web.close()


@dataclass
class MailReceiver:
    """A mail server's box."""

    port: int = 0
    mails: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    #: Recipients that are not taken.
    unknown: set[str] = field(default_factory=set)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.unknown:
            return "550 no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((tuple(envelope.rcpt_tos), mail))
        return "250 OK"


@contextlib.contextmanager
def mail_receiver() -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    with socket.create_server(("127.0.0.1", 0)) as free:
        receiver.port = free.getsockname()[1]
    controller = Controller(receiver, hostname="127.0.0.1", port=receiver.port)
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()


@dataclass
class SyslogReceiver:
    """Lines as they came."""

    port: int
    lines: list[bytes] = field(default_factory=list)

    async def received(self, count: int, *, seconds: float = 20) -> None:
        await until(lambda: len(self.lines) >= count, seconds)


@contextlib.asynccontextmanager
async def syslog_over_tcp(tls: Any = None) -> AsyncIterator[SyslogReceiver]:
    """Octet counting, as RFC 6587 (3.4.1) and RFC 5425 have it."""
    receiver = SyslogReceiver(0)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                length = await reader.readuntil(b" ")
                receiver.lines.append(await reader.readexactly(int(length)))
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver


@contextlib.asynccontextmanager
async def syslog_over_udp() -> AsyncIterator[SyslogReceiver]:
    receiver = SyslogReceiver(0)

    class Taking(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            receiver.lines.append(data)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Taking, local_addr=("127.0.0.1", 0))
    receiver.port = transport.get_extra_info("sockname")[1]
    try:
        yield receiver
    finally:
        transport.close()
