"""Each kind of sink, to a real server of its kind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import ssl
from datetime import UTC, datetime

import httpx
import pytest

from config.notices import Mail
from gateway.demo.certificates import Authority
from gateway.notices.mail import MailSink
from gateway.notices.notice import Notice
from gateway.notices.sink import Refused, Unsure
from gateway.notices.slack import SlackSink, message
from gateway.notices.syslog import SyslogSink
from gateway.notices.syslog import message as syslog_message
from gateway.notices.webhook import WebhookSink
from tests.support.receivers import http_receiver, mail_receiver, syslog_over_tcp, syslog_over_udp

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = b"k" * 32
ASKED = Notice(
    id="ntc_1",
    event="asked",
    at="2026-11-23T12:00:00.000000Z",
    title="alice asks for support on shop for 30m",
    people=("rita",),
    by="alice",
    person="alice",
    role="support",
    target="shop",
    reason="OPS-7: order 42 is stuck",
    request="req_1",
    next="pgcurfew approve req_1",
    link="https://gate.example.org/v1/requests/req_1",
)
#: What a reason can try: control characters, markup, mentions, headers, structured data.
NASTY = 'x\r\nBcc: all@example.org\x1b[2J <!channel> *bold* & "]\\ \u202e\n<13>1 forged'


async def test_a_webhook_is_signed_and_its_receiver_can_tell() -> None:
    async with http_receiver() as receiver, httpx.AsyncClient() as client:
        await WebhookSink(receiver.url, KEY, client).send(ASKED, delivery="dlv_1", now=NOW)
    [body], [headers] = receiver.bodies, receiver.headers
    assert receiver.said == [
        {
            "type": "pgcurfew.asked",
            "timestamp": ASKED.at,
            "data": {
                "id": "ntc_1",
                "event": "asked",
                "at": ASKED.at,
                "title": ASKED.title,
                "people": ["rita"],
                "by": "alice",
                "person": "alice",
                "role": "support",
                "target": "shop",
                "reason": ASKED.reason,
                "request": "req_1",
                "next": ASKED.next,
                "link": ASKED.link,
            },
        }
    ]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == "dlv_1"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
async def test_what_is_not_taken_is_said_so_and_no_redirect_is_followed(status: int) -> None:
    async with http_receiver() as receiver, httpx.AsyncClient() as client:
        receiver.statuses = [status]
        receiver.answer_headers = {"Retry-After": "17", "Location": receiver.url}
        with pytest.raises(Refused, match=f"answered {status}") as refused:
            await WebhookSink(receiver.url, KEY, client).send(ASKED, delivery="dlv_1", now=NOW)
    assert refused.value.wait == 17
    assert len(receiver.bodies) == 1


async def test_nobody_there_is_not_the_same_as_no_answer() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(Refused, match="not reached") as refused:
            await WebhookSink("http://127.0.0.1:9/hook", KEY, client).send(ASKED, delivery="dlv_1", now=NOW)
        assert not isinstance(refused.value, Unsure)
        closing = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        port = closing.sockets[0].getsockname()[1]
        async with closing:
            with pytest.raises(Unsure, match="no answer"):
                await WebhookSink(f"http://127.0.0.1:{port}/", KEY, client).send(ASKED, delivery="dlv_1", now=NOW)


async def test_a_slack_message_has_the_details_and_no_markup_of_the_askers() -> None:
    nasty = Notice(**{**{name: getattr(ASKED, name) for name in ASKED.__struct_fields__}, "reason": NASTY})
    async with http_receiver() as receiver, httpx.AsyncClient() as client:
        await SlackSink(receiver.url, client).send(nasty, delivery="dlv_1", now=NOW)
    [said] = receiver.said
    assert said == message(nasty)
    title, listed, link = said["blocks"]
    assert title["text"] == {"type": "plain_text", "text": f":key: {ASKED.title}", "emoji": True}
    assert {field["type"] for field in listed["fields"]} == {"plain_text"}, "what they wrote is no markup"
    texts = [field["text"] for field in listed["fields"]]
    assert "request: req_1" in texts
    assert "next: pgcurfew approve req_1" in texts
    assert link["text"]["text"] == "<https://gate.example.org/v1/requests/req_1>"
    assert "&lt;!channel&gt;" in said["text"]
    assert "<!channel>" not in said["text"]
    assert len(said["text"].splitlines()) == 8, "the reason stays on its line"
    assert "\x1b" not in receiver.bodies[0].decode()
    assert "\\u001b" not in receiver.bodies[0].decode()


async def test_a_mail_goes_to_whom_it_concerns_and_forges_no_header() -> None:
    nasty = Notice(
        **{**{name: getattr(ASKED, name) for name in ASKED.__struct_fields__}, "title": NASTY, "reason": NASTY}
    )
    with mail_receiver() as receiver:
        settings = Mail.model_validate(
            {
                "host": "127.0.0.1",
                "port": receiver.port,
                "security": "none",
                "sender": "gate@example.org",
                "people": "{user}@example.org",
                "always": ["oncall@example.org"],
            }
        )
        await MailSink(settings, None, ssl.create_default_context()).send(nasty, delivery="dlv_1", now=NOW)
        nobody = settings.model_copy(update={"people": None, "always": ()})
        await MailSink(nobody, None, ssl.create_default_context()).send(ASKED, delivery="dlv_2", now=NOW)
        receiver.unknown = {"rita@example.org", "oncall@example.org"}
        with pytest.raises(Refused, match="no recipient"):
            await MailSink(settings, None, ssl.create_default_context()).send(ASKED, delivery="dlv_3", now=NOW)
    [(recipients, mail)] = receiver.mails
    assert recipients == ("rita@example.org", "oncall@example.org")
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == "<dlv_1@example.org>"
    assert mail["Subject"].startswith("[pgcurfew] x\\r\\nBcc: all@example.org\\x1b[2J")
    text = mail.get_content().replace("\r\n", "\n")
    assert "\x1b" not in text
    assert re.search(r"^next: +pgcurfew approve req_1$", text, re.M)


async def test_a_mail_server_that_is_not_there() -> None:
    settings = Mail.model_validate({"host": "127.0.0.1", "port": 9, "security": "none", "sender": "g@example.org"})
    settings = settings.model_copy(update={"always": ("a@example.org",)})
    with pytest.raises(Refused, match="not reached"):
        await MailSink(settings, None, ssl.create_default_context()).send(ASKED, delivery="dlv_1", now=NOW)


LINE = re.compile(
    rb"<109>1 2026-11-23T12:00:00\.000000Z \S+ pgcurfew \d+ asked "
    rb'\[pgcurfew@32473 delivery="dlv_1" event="asked" person="alice" by="alice" target="shop" role="support" '
    rb'request="req_1" reason="OPS-7: order 42 is stuck"\] alice asks for support on shop for 30m'
)


async def test_syslog_over_tcp_tls_and_udp() -> None:
    authority = Authority.create("test authority")
    issued = authority.issue_for_localhost("localhost")
    async with syslog_over_tcp() as tcp, syslog_over_udp() as udp:
        anything = ssl.create_default_context()
        await SyslogSink("127.0.0.1", tcp.port, "tcp", 13, anything).send(ASKED, delivery="dlv_1", now=NOW)
        await SyslogSink("127.0.0.1", udp.port, "udp", 13, anything).send(ASKED, delivery="dlv_1", now=NOW)
        await tcp.received(1)
        await udp.received(1)
    assert LINE.fullmatch(tcp.lines[0])
    assert LINE.fullmatch(udp.lines[0])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(server, issued.certificate, issued.private_key)
    trusting = ssl.create_default_context(cadata=authority.pem.decode())
    async with syslog_over_tcp(server) as tls:
        await SyslogSink("localhost", tls.port, "tls", 13, trusting).send(ASKED, delivery="dlv_1", now=NOW)
        await tls.received(1)
        with pytest.raises(Refused, match="not reached: SSLCertVerificationError"):
            await SyslogSink("localhost", tls.port, "tls", 13, ssl.create_default_context()).send(
                ASKED, delivery="dlv_1", now=NOW
            )
    assert LINE.fullmatch(tls.lines[0])


def test_nothing_in_a_notice_forges_a_syslog_line_or_element() -> None:
    nasty = Notice(**{**{name: getattr(ASKED, name) for name in ASKED.__struct_fields__}, "reason": NASTY})
    nasty = Notice(
        **{
            **{name: getattr(nasty, name) for name in nasty.__struct_fields__},
            "details": {'a b="': NASTY},
            "title": NASTY,
        }
    )
    line = syslog_message(nasty, "dlv_1", 13)
    assert b"\n" not in line
    assert b"\x1b" not in line
    elements = line[: line.index(b"] x\\r")]
    assert rb'"\]\\' not in elements.replace(rb"\"\]\\", b"")
    assert b'a_b__="' in elements


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "c").write_bytes(certificate)
        (Path(folder) / "k").write_bytes(key)
        context.load_cert_chain(Path(folder) / "c", Path(folder) / "k")
