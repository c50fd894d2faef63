"""A notice as a line of RFC 5424, over TLS (RFC 5425), TCP (RFC 6587) or UDP (RFC 5426)."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from datetime import datetime
from typing import Literal

from gateway.audit.visible import visible
from gateway.notices.notice import SEVERITIES, Notice
from gateway.notices.sink import TRY_SECONDS, Refused

#: The enterprise number that RFC 5612 sets aside for documentation: structured data needs one.
STRUCTURED_ID = "pgcurfew@32473"
_NOT_IN_NAMES = re.compile(r'[^\x21-\x7e]|[=\]"]')
#: What every receiver has to take over UDP (RFC 5426, 3.2, by way of IPv4's least datagram) is 480; 2,048 it should.
_LONGEST = 2048


class SyslogSink:
    """One receiver. A connection is made for each notice: there are few."""

    def __init__(
        self, host: str, port: int, transport: Literal["tls", "tcp", "udp"], facility: int, tls: ssl.SSLContext
    ) -> None:
        self._host = host
        self._port = port
        self._transport = transport
        self._facility = facility
        self._tls = tls

    async def send(self, notice: Notice, *, delivery: str, now: datetime) -> None:
        """Send the line. Raises Refused."""
        line = message(notice, delivery, self._facility)
        try:
            async with asyncio.timeout(TRY_SECONDS):
                match self._transport:
                    case "udp":
                        await self._datagram(line[:_LONGEST])
                    case "tcp" | "tls":
                        await self._stream(b"%d %b" % (len(line), line))
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise Refused(f"not reached: {type(error).__name__}") from None

    async def _datagram(self, line: bytes) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(self._host, self._port)
        )
        transport.sendto(line)
        transport.close()

    async def _stream(self, framed: bytes) -> None:
        tls = self._tls if self._transport == "tls" else None
        _, writer = await asyncio.open_connection(
            self._host, self._port, ssl=tls, server_hostname=self._host if tls else None
        )
        try:
            writer.write(framed)
            await writer.drain()
        finally:
            writer.close()
            await writer.wait_closed()


def message(notice: Notice, delivery: str, facility: int) -> bytes:
    """The line, in UTF-8: header, one element of structured data, and the title."""
    priority = facility * 8 + SEVERITIES.get(notice.severity, 5)
    values = {
        "delivery": delivery,
        "event": notice.event,
        "person": notice.person,
        "by": notice.by,
        "target": notice.target,
        "role": notice.role,
        "request": notice.request,
        "grant": notice.grant,
        "reason": notice.reason,
        **notice.details,
    }
    data = "".join(f' {_name(name)}="{_quoted(value)}"' for name, value in values.items() if value)
    header = f"<{priority}>1 {notice.at} {_host()} pgcurfew {os.getpid()} {_name(notice.event)}"
    return f"{header} [{STRUCTURED_ID}{data}] {visible(notice.title)}".encode()


def _name(text: str) -> str:
    """SD-NAME and MSGID: printable ASCII, 32 at most (RFC 5424, section 6)."""
    return _NOT_IN_NAMES.sub("_", text)[:32] or "-"


def _quoted(text: str) -> str:
    """PARAM-VALUE: three signs are escaped (RFC 5424, 6.3.3), what does not show is shown."""
    shown = visible(text)
    for sign in ("\\", '"', "]"):
        shown = shown.replace(sign, f"\\{sign}")
    return shown


def _host() -> str:
    return _NOT_IN_NAMES.sub("_", socket.gethostname())[:255] or "-"
