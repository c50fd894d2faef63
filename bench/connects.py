"""Log-ins: connect, have the token checked, get the first prompt, leave."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

from bench.accounting import Meter
from bench.endpoint import Endpoint
from bench.wire import READY, ClientFailedError, Connection, tls_context
from protocol.frontend import PasswordMessage, Terminate
from protocol.startup import StartupMessage

CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Rate:
    """How many log-ins a second, and what each cost the process at the endpoint."""

    per_second: float
    cpu_us: float


def connects(endpoint: Endpoint, seconds: float) -> Rate:
    """Log in and leave, again and again, by several clients at a time."""
    counts = [0] * CLIENTS
    failures: list[Exception] = []
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        visitor = Visitor(endpoint)
        try:
            while time.monotonic() < end and not failures:
                visitor.visit()
                counts[number] += 1
        except (OSError, ClientFailedError) as error:
            failures.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    started = time.perf_counter()
    with Meter(endpoint.pid) as meter:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    taken = time.perf_counter() - started
    if failures:
        raise ClientFailedError(f"a log-in through {endpoint.name} failed: {failures[0]}")
    return Rate(sum(counts) / taken, meter.spent.total * 1e6 / max(1, sum(counts)))


class Visitor:
    """Comes and goes; what every visit needs is made once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._context = tls_context(endpoint)
        self._startup = StartupMessage({"user": endpoint.user, "database": endpoint.database}).encode()
        self._password = PasswordMessage(endpoint.password).encode()
        self._leave = Terminate().encode()

    def visit(self) -> None:
        """In, and out again. Raises ClientFailedError when turned away."""
        if self._context is not None:
            Connection(self._endpoint, self._context).close()
            return
        with socket.create_connection(("127.0.0.1", self._endpoint.port), 20) as connection:
            connection.sendall(self._startup)
            if connection.recv(64)[:1] != b"R":
                raise ClientFailedError("the gateway did not ask for a password")
            connection.sendall(self._password)
            answer = b""
            while not answer.endswith(READY):
                part = connection.recv(4096)
                if not part:
                    raise ClientFailedError(f"turned away: {answer[:200]!r}")
                answer += part
            connection.sendall(self._leave)
