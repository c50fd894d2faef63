"""A client that says what no driver would: frames over a socket, one by one."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from protocol.backend import (
    AuthenticationCleartextPassword,
    BackendKeyData,
    ErrorResponse,
    NegotiateProtocolVersion,
    ReadyForQuery,
    decode_backend,
)
from protocol.startup import PROTOCOL_3_0, SSLRequest, StartupMessage


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def everything(sock: socket.socket) -> bytes:
    """Until the other side closes."""
    data = b""
    try:
        while chunk := sock.recv(65536):
            data += chunk
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return data


def encrypted(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    sock = dial(port)
    try:
        sock.sendall(SSLRequest().encode())
        assert sock.recv(1) == b"S"
        return context.wrap_socket(sock, server_hostname="localhost")
    except BaseException:
        sock.close()
        raise


def directly_encrypted(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """TLS from the first byte on (PG manual, 55.2.11); give the context its ALPN name."""
    sock = dial(port)
    try:
        return context.wrap_socket(sock, server_hostname="localhost")
    except BaseException:
        sock.close()
        raise


def frame(kind: str, body: bytes) -> bytes:
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


@dataclass
class RawClient:
    """Speaks the protocol message by message. `refusal` is the FATAL that ended the log-in."""

    sock: socket.socket
    _buffer: bytes = b""
    refusal: Mapping[str, str] = field(default_factory=dict)
    #: What a CancelRequest for this session has to quote.
    key: BackendKeyData | None = None
    negotiated: NegotiateProtocolVersion | None = None

    def send(self, *messages: Any) -> None:
        self.sock.sendall(b"".join(m if isinstance(m, bytes) else m.encode() for m in messages))

    def receive(self) -> Any:
        """The next message, decoded. EOFError when there is none."""
        header = self._take(5)
        return decode_backend(header[0], self._take(struct.unpack("!i", header[1:])[0] - 4))

    def until_ready(self) -> list[Any]:
        """All messages up to and with ReadyForQuery."""
        heard = [self.receive()]
        while not isinstance(heard[-1], ReadyForQuery):
            heard.append(self.receive())
        return heard

    def until_closed(self) -> list[Any]:
        heard = []
        try:
            while True:
                heard.append(self.receive())
        except EOFError:
            return heard

    def log_in(self, token: str, parameters: Mapping[str, str], version: int = PROTOCOL_3_0) -> Self:
        """Give the token when asked for a password; leaves `refusal` empty when it opens the door."""
        self.send(StartupMessage(parameters, version))
        while True:
            message = self.receive()
            if isinstance(message, AuthenticationCleartextPassword):
                self.send(frame("p", token.encode() + b"\0"))
            elif isinstance(message, NegotiateProtocolVersion):
                self.negotiated = message
            elif isinstance(message, BackendKeyData):
                self.key = message
            elif isinstance(message, ErrorResponse):
                self.refusal = message.fields
                return self
            elif isinstance(message, ReadyForQuery):
                return self

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            try:
                chunk = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError):
                chunk = b""
            if not chunk:
                raise EOFError
            self._buffer += chunk
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()
