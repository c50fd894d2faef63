"""An upstream that costs nothing: it lets the gateway's login in at once, and then has no answers.

The gateway logs in by SCRAM, as it would anywhere; this side keeps what PostgreSQL keeps (RFC 5803),
so that its share is two HMACs. The gateway's own connection, by which it reads the catalog, is
passed on to the real database, whose identity this one tells as its own. Run as a process of its own:
`python -m bench.free PORT UPSTREAM SYSTEM DATABASE`, with the login's password on its standard input.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway.demo.guard import Guard
from gateway.demo.postgres import free_port
from gateway.demo.process import clean_environment
from protocol.authentication import (
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
)
from protocol.backend import BackendKeyData, CommandComplete, DataRow, ParameterStatus, ReadyForQuery

CATALOG = b"pgcurfew/catalog"
ITERATIONS = 4096
GREETING = (
    AuthenticationOk().encode()
    + b"".join(
        ParameterStatus(name, value).encode()
        for name, value in {
            "server_version": "17.0",
            "server_encoding": "UTF8",
            "client_encoding": "UTF8",
            "DateStyle": "ISO, MDY",
            "integer_datetimes": "on",
            "standard_conforming_strings": "on",
            "TimeZone": "UTC",
        }.items()
    )
    + BackendKeyData(4711, b"free").encode()
    + ReadyForQuery("I").encode()
)


class Login:
    """What a server keeps of a password, and the two steps of an exchange."""

    def __init__(self, password: str) -> None:
        self.salt = secrets.token_bytes(16)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self.salt, ITERATIONS)
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")

    def challenge(self, client_first: bytes) -> tuple[bytes, bytes]:
        """client-first-message-bare and server-first-message."""
        bare = client_first.split(b",", 2)[2]
        nonce = bare.split(b"r=", 1)[1] + secrets.token_urlsafe(18).encode()
        return bare, b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(self.salt), ITERATIONS)

    def signature(self, bare: bytes, challenge: bytes, client_final: bytes) -> bytes:
        """server-final-message. The client's proof is believed: there is nothing here to steal."""
        without_proof = client_final[: client_final.rindex(b",p=")]
        signed = hmac.digest(self.server_key, b",".join((bare, challenge, without_proof)), "sha256")
        return b"v=" + base64.b64encode(signed)


async def _serve(port: int, upstream: int, identity: bytes, login: Login) -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readexactly(4)
            startup = head + await reader.readexactly(int.from_bytes(head, "big") - 4)
            if CATALOG in startup:
                await _pass_on(startup, reader, writer, upstream)
            else:
                await _let_in(reader, writer, login, identity)
        writer.close()

    server = await asyncio.start_server(session, "127.0.0.1", port, backlog=512)
    await server.serve_forever()


async def _let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, login: Login, identity: bytes) -> None:
    writer.write(AuthenticationSASL(("SCRAM-SHA-256",)).encode())
    first = await _message(reader)
    # SASLInitialResponse: the mechanism's name, the length of the data, the data (PG manual, 55.7).
    bare, challenge = login.challenge(first[first.index(b"\0") + 5 :])
    writer.write(AuthenticationSASLContinue(challenge).encode())
    signature = login.signature(bare, challenge, await _message(reader))
    writer.write(AuthenticationSASLFinal(signature).encode() + GREETING)
    await _message(reader)  # the one question of a log-in: which cluster is this?
    writer.write(identity)
    await reader.read(1)


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return await reader.readexactly(int.from_bytes(head[1:], "big") - 4)


async def _pass_on(startup: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int) -> None:
    answers, questions = await asyncio.open_connection("127.0.0.1", upstream)
    questions.write(startup)
    async with asyncio.TaskGroup() as both:
        both.create_task(_copy(reader, questions))
        both.create_task(_copy(answers, writer))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()
    sink.close()


@contextlib.contextmanager
def free_upstream(folder: Path, password: str, upstream: int, identity: tuple[str, str]) -> Iterator[int]:
    """Its port, while it runs. `identity` is the system identifier and the database's OID of the real one."""
    port = free_port()
    with (folder / "free.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.free", str(port), str(upstream), *identity],
            stdin=subprocess.PIPE, stdout=log, stderr=log, env=clean_environment({}), start_new_session=True,
        )  # fmt: skip
    guard = Guard(process.pid)
    try:
        assert process.stdin is not None
        process.stdin.write(password.encode() + b"\n")
        process.stdin.close()
        yield port
    finally:
        process.kill()
        process.wait()
        guard.release()


def main() -> None:
    """Serve until killed."""
    import uvloop

    port, upstream = (int(argument) for argument in sys.argv[1:3])
    row = DataRow((sys.argv[3].encode(), sys.argv[4].encode(), b"f", b"off"))
    identity = row.encode() + CommandComplete("SELECT 1").encode() + ReadyForQuery("I").encode()
    uvloop.run(_serve(port, upstream, identity, Login(sys.stdin.readline().rstrip("\n"))))


if __name__ == "__main__":
    main()
