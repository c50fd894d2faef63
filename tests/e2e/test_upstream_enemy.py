"""A target that lies, floods, hangs or asks for less: no session opens, no secret leaves, nothing grows or waits.

The target here is a program of a few lines that says what no PostgreSQL would; what PostgreSQL says is tested
against PostgreSQL.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.target import Target
from gateway.session.route import Route
from gateway.session.upstream import MOST_PARAMETERS, UpstreamUnavailable, dial
from protocol.authentication import (
    AuthenticationCleartextPassword,
    AuthenticationGSS,
    AuthenticationMD5Password,
    AuthenticationOk,
    AuthenticationSASL,
    AuthenticationSASLContinue,
    AuthenticationSASLFinal,
)
from protocol.backend import BackendKeyData, CommandComplete, DataRow, ParameterStatus, ReadyForQuery
from protocol.reports import NoticeResponse
from protocol.scram import md5_password
from tests.support.targets import PASSWORD, Kept

SASL = AuthenticationSASL(("SCRAM-SHA-256",)).encode()
OK = AuthenticationOk().encode()
READY = ReadyForQuery("I").encode()
KEY = BackendKeyData(4711, b"key!").encode()
IDENTITY = DataRow((b"1", b"2", b"f", b"off")).encode() + CommandComplete("SELECT 1").encode() + READY


class Conversation:
    """The target's side of one connection, and everything that the gateway has said in it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.heard = b""

    async def startup(self) -> None:
        length = await self._reader.readexactly(4)
        self.heard += await self._reader.readexactly(int.from_bytes(length, "big") - 4)

    async def message(self) -> bytes:
        """The body of the next message of the gateway's."""
        head = await self._reader.readexactly(5)
        body = await self._reader.readexactly(int.from_bytes(head[1:], "big") - 4)
        self.heard += head + body
        return body

    async def say(self, *messages: bytes) -> None:
        self._writer.write(b"".join(messages))
        await self._writer.drain()

    async def challenge(self, *, nonce: bytes | None = None, rounds: bytes = b"4096") -> tuple[bytes, bytes]:
        """Ask for SCRAM; what was asked, and what was answered."""
        await self.say(SASL)
        bare = (await self.message()).split(b",,", 1)[1]
        first = b"r=" + (nonce or bare.split(b"r=", 1)[1] + b"more") + b",s=c2FsdA==,i=" + rounds
        await self.say(AuthenticationSASLContinue(first).encode())
        return bare + b"," + first, await self.message()

    async def prove(self, *, password: str = PASSWORD) -> None:
        """SCRAM to its end, as a server does that knows this password."""
        asked, answered = await self.challenge()
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 4096)
        signed = asked + b"," + answered[: answered.rindex(b",p=")]
        signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        await self.say(AuthenticationSASLFinal(b"v=" + base64.b64encode(signature)).encode())

    async def hang(self) -> None:
        """Say nothing until the gateway leaves."""
        while data := await self._reader.read(65_536):
            self.heard += data


Script = Callable[[Conversation], Awaitable[None]]


@asynccontextmanager
async def lying(script: Script) -> AsyncIterator[tuple[int, list[Conversation]]]:
    """A target that follows this script; its port, and what was said in each connection."""
    heard: list[Conversation] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(Conversation(reader, writer))
        try:
            await heard[-1].startup()
            await script(heard[-1])
            await heard[-1].hang()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], heard


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def to(kept: Kept, port: int, **changes: object) -> Route:
    values: dict[str, object] = {
        "host": ("127.0.0.1",),
        "port": (port,),
        "database": "postgres",
        "user": "login",
        "password": kept.password(),
        "sslmode": "disable",
        "connect_timeout_seconds": 3.0,
        **changes,
    }
    return Route.to("shop", Target.model_validate(values))


async def test_an_honest_script_opens_a_session(kept: Kept) -> None:
    """The lies below are refused for what they are, and not because the scripts do not work."""

    async def honest(target: Conversation) -> None:
        await target.prove()
        await target.say(OK, KEY, READY)
        await target.message()
        await target.say(IDENTITY)

    async with lying(honest) as (port, _):
        upstream = await dial(to(kept, port), {})
        assert (upstream.pid, upstream.identity.system) == (4711, 1)
        upstream.channel.abort()


# lies


async def another_nonce(target: Conversation) -> None:
    await target.challenge(nonce=b"a-nonce-of-somebody-elses")


async def the_same_nonce(target: Conversation) -> None:
    await target.say(SASL)
    own = (await target.message()).split(b"r=", 1)[1]
    await target.say(AuthenticationSASLContinue(b"r=" + own + b",s=c2FsdA==,i=4096").encode())


async def a_billion_rounds(target: Conversation) -> None:
    await target.challenge(rounds=b"1000000000")


async def another_password(target: Conversation) -> None:
    await target.prove(password="not what the gateway has")
    await target.say(OK, KEY, READY, IDENTITY)


async def no_signature(target: Conversation) -> None:
    await target.challenge()
    await target.say(OK, KEY, READY, IDENTITY)


async def no_proof_at_all(target: Conversation) -> None:
    await target.say(OK, KEY, READY, IDENTITY)


async def ok_after_the_first_word(target: Conversation) -> None:
    await target.say(SASL)
    await target.message()
    await target.say(OK, KEY, READY, IDENTITY)


async def a_signature_without_a_challenge(target: Conversation) -> None:
    await target.say(SASL)
    await target.message()
    await target.say(AuthenticationSASLFinal(b"v=").encode(), OK, KEY, READY, IDENTITY)


async def cleartext(target: Conversation) -> None:
    await target.say(AuthenticationCleartextPassword().encode())


async def md5(target: Conversation) -> None:
    await target.say(AuthenticationMD5Password(b"salt").encode())


async def gss(target: Conversation) -> None:
    await target.say(AuthenticationGSS().encode())


async def cleartext_in_the_middle(target: Conversation) -> None:
    await target.challenge()
    await target.say(AuthenticationCleartextPassword().encode())


async def cleartext_after_the_proof(target: Conversation) -> None:
    await target.prove()
    await target.say(AuthenticationCleartextPassword().encode())


async def a_second_challenge(target: Conversation) -> None:
    await target.challenge()
    await target.say(AuthenticationSASLContinue(b"r=again,s=c2FsdA==,i=1").encode())


async def an_unknown_mechanism(target: Conversation) -> None:
    await target.say(AuthenticationSASL(("OAUTHBEARER", "PLAIN")).encode())


async def an_unknown_request(target: Conversation) -> None:
    await target.say(b"R" + struct.pack("!ii", 8, 99))


async def rows_before_the_log_in(target: Conversation) -> None:
    await target.say(DataRow((b"1",)).encode())


async def ready_before_the_log_in(target: Conversation) -> None:
    await target.say(KEY, READY, IDENTITY)


async def no_cancel_key(target: Conversation) -> None:
    await target.prove()
    await target.say(OK, READY, IDENTITY)


async def a_message_of_two_gigabytes(target: Conversation) -> None:
    await target.say(b"R" + struct.pack("!i", 0x7FFFFFFF) + b"x" * 100_000)


async def a_negative_length(target: Conversation) -> None:
    await target.say(b"R" + struct.pack("!i", -5))


async def another_protocol(target: Conversation) -> None:
    await target.say(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


async def notices_without_end(target: Conversation) -> None:
    notice = NoticeResponse.of("NOTICE", "00000", "x" * 1000).encode() * 50
    while True:
        await target.say(notice)


async def notices_after_the_proof(target: Conversation) -> None:
    await target.prove()
    await target.say(OK)
    await notices_without_end(target)


async def many_parameters(target: Conversation) -> None:
    await target.prove()
    said = b"".join(ParameterStatus(f"p{number}", "x").encode() for number in range(MOST_PARAMETERS + 1))
    await target.say(OK, said, KEY, READY, IDENTITY)


async def one_parameter_without_end(target: Conversation) -> None:
    await target.prove()
    await target.say(OK)
    said = ParameterStatus("p", "x" * 1000).encode() * 50
    while True:
        await target.say(said)


async def rows_without_end_for_who_it_is(target: Conversation) -> None:
    await target.prove()
    await target.say(OK, KEY, READY)
    while True:
        await target.say(DataRow((b"1", b"2", b"f", b"off")).encode() * 1000)


async def two_clusters_at_once(target: Conversation) -> None:
    await target.prove()
    await target.say(OK, KEY, READY, DataRow((b"1", b"2", b"f", b"off")).encode(), IDENTITY)


async def no_number_for_who_it_is(target: Conversation) -> None:
    await target.prove()
    row = DataRow((b"one", None, b"f", b"off")).encode()
    await target.say(OK, KEY, READY, row, CommandComplete("SELECT 1").encode(), READY)


LIES: list[Script] = [
    another_nonce,
    the_same_nonce,
    a_billion_rounds,
    another_password,
    no_signature,
    no_proof_at_all,
    ok_after_the_first_word,
    a_signature_without_a_challenge,
    cleartext,
    md5,
    gss,
    cleartext_in_the_middle,
    cleartext_after_the_proof,
    a_second_challenge,
    an_unknown_mechanism,
    an_unknown_request,
    rows_before_the_log_in,
    ready_before_the_log_in,
    no_cancel_key,
    a_message_of_two_gigabytes,
    a_negative_length,
    another_protocol,
    notices_without_end,
    notices_after_the_proof,
    many_parameters,
    one_parameter_without_end,
    rows_without_end_for_who_it_is,
    two_clusters_at_once,
    no_number_for_who_it_is,
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_a_lie_opens_no_session_and_learns_nothing(kept: Kept, lie: Script) -> None:
    async with lying(lie) as (port, heard):
        with capture_logs() as logs, pytest.raises(UpstreamUnavailable) as refused:
            await dial(to(kept, port), {})
        assert refused.value.message.startswith('target "shop" ')
        # Not by waiting for its time to end: the lie itself was seen.
        assert "did not answer" not in refused.value.message
        assert logs
        [conversation] = heard
        for secret in (PASSWORD, md5_password("login", PASSWORD, b"salt")):
            assert secret.encode() not in conversation.heard
            assert secret not in str(logs) + refused.value.message


async def test_a_lie_about_the_signature_fills_no_memory(kept: Kept) -> None:
    async with lying(another_password) as (port, _):
        route = to(kept, port)
        for _ in range(3):
            with pytest.raises(UpstreamUnavailable):
                await dial(route, {})
        assert len(route.salted) == 0


async def silence(target: Conversation) -> None:
    await target.hang()


async def silence_after_the_proof(target: Conversation) -> None:
    await target.prove()
    await target.hang()


async def silence_about_who_it_is(target: Conversation) -> None:
    await target.prove()
    await target.say(OK, KEY, READY)
    await target.hang()


async def a_byte_now_and_then(target: Conversation) -> None:
    for byte in SASL * 100:
        await target.say(bytes([byte]))
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("script", [silence, silence_after_the_proof, silence_about_who_it_is, a_byte_now_and_then])
async def test_who_hangs_is_left_when_the_time_is_over(kept: Kept, script: Script) -> None:
    async with lying(script) as (port, heard):
        with pytest.raises(UpstreamUnavailable, match=r"did not answer in 0\.5 s"):
            await dial(to(kept, port, connect_timeout_seconds=0.5), {})
        assert len(heard) == 1


async def test_a_target_that_asks_for_less_gets_what_was_agreed_to_and_once(kept: Kept) -> None:
    """md5 where the settings allow it is answered once; the next question, for the password as it is, is not."""

    async def greedy(target: Conversation) -> None:
        await target.say(AuthenticationMD5Password(b"salt").encode())
        await target.message()
        await target.say(AuthenticationCleartextPassword().encode())

    async with lying(greedy) as (port, heard):
        with pytest.raises(UpstreamUnavailable, match="broke off the log-in"):
            await dial(to(kept, port, authentication=["scram-sha-256", "md5"]), {})
        assert md5_password("login", PASSWORD, b"salt").encode() in heard[0].heard
        assert PASSWORD.encode() not in heard[0].heard


async def test_tls_that_was_demanded_is_not_done_without(kept: Kept) -> None:
    """Whatever follows the answer to SSLRequest in the clear was put there by somebody else."""
    for answer in (b"N", b"G", b"E", b"S" + SASL, SASL):

        async def downgrade(target: Conversation, answer: bytes = answer) -> None:
            await target.say(answer)

        async with lying(downgrade) as (port, heard):
            with pytest.raises(UpstreamUnavailable, match=r"does not speak TLS|TLS failed|broke off"):
                await dial(to(kept, port, sslmode="require"), {})
            assert len(heard[0].heard) in (4, 0) or b"login" not in heard[0].heard
