"""A client that logs in and then only discards, so that what is measured is not the client.

It knows no rows: whatever comes is read into one buffer until a ReadyForQuery stands at the end
(PG manual, 55.2.2). That is sound here because the tables are ours and hold no such bytes.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bench.endpoint import Endpoint
from protocol.authentication import (
    AuthenticationCleartextPassword,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
)
from protocol.backend import ErrorResponse, ReadyForQuery, decode_backend
from protocol.frontend import PasswordMessage, Query, SASLInitialResponse, SASLResponse, Terminate
from protocol.scram import ScramClient
from protocol.startup import SSLRequest, StartupMessage

READY = b"Z\0\0\0\x05I"
BUFFER = 256 * 1024
#: Enough for the last CommandComplete, or for the beginning of an error.
TAIL = 128
TIMEOUT_SECONDS = 120.0


class ClientFailedError(Exception):
    """The server refused; the message holds its words."""


@dataclass(frozen=True, slots=True)
class Drained:
    """A result that was read to its end and thrown away."""

    tag: str
    size: int
    seconds: float


class Connection:
    """One session. Blocking; a context manager."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", endpoint.port), TIMEOUT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain if endpoint.ca_file is None else _secured(plain, endpoint, context)
        self._buffer = bytearray(BUFFER)
        try:
            self._log_in(endpoint)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say good-bye and hang up."""
        with contextlib.suppress(OSError):  # it may have hung up first
            self._socket.sendall(Terminate().encode())
        self._socket.close()

    def drain(self, sql: str) -> Drained:
        """Run one statement by the simple protocol and throw its result away."""
        started = time.perf_counter()
        self._socket.sendall(Query(sql).encode())
        size, tail = self._until_ready()
        return Drained(_tag(tail), size, time.perf_counter() - started)

    def _until_ready(self) -> tuple[int, bytes]:
        """How many bytes came, and the last of them."""
        view = memoryview(self._buffer)
        receive = self._socket.recv_into
        size, tail = 0, b""
        while not tail.endswith(READY):
            count = receive(view)
            if not count:
                raise ClientFailedError(_complaint(tail) or "the server hung up")
            size += count
            tail = bytes(view[count - TAIL : count]) if count >= TAIL else (tail + view[:count])[-TAIL:]
        return size, tail

    def _log_in(self, endpoint: Endpoint) -> None:
        self._socket.sendall(StartupMessage({"user": endpoint.user, "database": endpoint.database}).encode())
        scram: ScramClient | None = None
        while True:
            match self._next():
                case AuthenticationCleartextPassword():
                    self._socket.sendall(PasswordMessage(endpoint.password).encode())
                case AuthenticationSASL(mechanisms):
                    # No channel binding: what stands in between is the thing to be measured.
                    offered = [name for name in mechanisms if not name.endswith("-PLUS")]
                    scram = ScramClient(endpoint.password, secrets.token_urlsafe(18), None, offered)
                    self._socket.sendall(SASLInitialResponse(scram.mechanism, scram.first()).encode())
                case AuthenticationSASLContinue(data) if scram is not None:
                    self._socket.sendall(SASLResponse(scram.final(data)).encode())
                case AuthenticationSASLFinal(data) if scram is not None:
                    scram.verify(data)
                case ErrorResponse(fields=fields):
                    raise ClientFailedError(fields.get("M", "no reason given"))
                case ReadyForQuery():
                    return
                case _:
                    continue

    def _next(self) -> object:
        head = self._exactly(5)
        return decode_backend(head[0], self._exactly(int.from_bytes(head[1:], "big") - 4))

    def _exactly(self, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            part = self._socket.recv(size - len(parts))
            if not part:
                raise ClientFailedError("the server hung up while logging in")
            parts += part
        return parts


def tls_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    """What a client trusts; made once for many connections."""
    return None if endpoint.ca_file is None else ssl.create_default_context(cafile=str(endpoint.ca_file))


def _secured(plain: socket.socket, endpoint: Endpoint, context: ssl.SSLContext | None) -> ssl.SSLSocket:
    plain.sendall(SSLRequest().encode())
    if plain.recv(1) != b"S":
        raise ClientFailedError(f"{endpoint.name} does not speak TLS")
    context = context or tls_context(endpoint)
    assert context is not None
    return context.wrap_socket(plain, server_hostname=endpoint.host)


def _tag(tail: bytes) -> str:
    """The tag of the last CommandComplete; an error's words raise."""
    complete = tail[: -len(READY)]
    start = complete.rfind(b"C\0\0\0")
    if start < 0 or not complete.endswith(b"\0"):
        raise ClientFailedError(_complaint(tail) or "the result did not end with CommandComplete")
    return complete[start + 5 : -1].decode()


def _complaint(tail: bytes) -> str:
    start = tail.find(b"\0M")
    return tail[start + 2 :].split(b"\0")[0].decode("utf-8", "replace") if start >= 0 else ""
