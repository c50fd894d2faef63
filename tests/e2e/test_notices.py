"""People are told: a real gateway, a request and what becomes of it, and real servers that hear of it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.support.gateway import running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.receivers import http_receiver, mail_receiver, syslog_over_tcp, until


async def test_from_asked_to_revoked_everybody_hears_what_concerns_them(
    sample_database: SampleDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", "k" * 32)
    async with http_receiver() as hook, http_receiver() as chat, syslog_over_tcp() as syslog:
        monkeypatch.setenv("CHAT_URL", chat.url)
        with mail_receiver() as mail:
            sinks = f"""
[notices]
ending_seconds = "1h"
[notices.webhook.ops]
url = "{hook.url}"
secret = "env:HOOK_KEY"
[notices.slack.team]
url = "env:CHAT_URL"
events = ["asked"]
[notices.mail.people]
host = "127.0.0.1"
port = {mail.port}
security = "none"
sender = "gate@example.org"
people = "{{user}}@example.org"
[notices.syslog.siem]
host = "127.0.0.1"
port = {syslog.port}
transport = "tcp"
events = ["revoked"]
"""
            with contextlib.ExitStack() as stack:
                gateway = stack.enter_context(running_gateway(sample_database, tmp_path, targets=sinks))
                hook.statuses = [503]
                given = await asyncio.to_thread(gateway.give)
                await until(lambda: "ending" in hook.events(), 40)
                await asyncio.to_thread(gateway.revoke, given)
                await until(lambda: "revoked" in hook.events(), 40)
                await syslog.received(1)
                await until(lambda: len(mail.mails) >= 5)
                gateway.stop()
                log = gateway.log
    events = hook.events()
    assert events[0] == "asked"
    assert events.count("asked") == 2, "the one that was answered 503 came again"
    assert {"asked", "approved", "ending", "revoked"} <= set(events)
    assert events.count("ending") == 1
    [asked] = chat.said
    assert "alice asks for support on shop for 10m" in asked["text"]
    assert f"pgcurfew approve {given.request}" in asked["text"]
    assert b'event="revoked"' in syslog.lines[0]
    assert b'reason="a test says so"' in syslog.lines[0]
    told = {(mail["Subject"], recipients) for recipients, mail in mail.mails}
    assert ("[pgcurfew] alice asks for support on shop for 10m", ("rita@example.org",)) in told
    assert ("[pgcurfew] rita revoked the grant of alice for support on shop", ("alice@example.org",)) in told
    for secret in ("k" * 32, chat.url):
        assert secret not in log


async def test_a_change_that_did_not_happen_is_told_to_nobody(
    sample_database: SampleDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", "k" * 32)
    async with http_receiver() as hook:
        sink = f'[notices.webhook.ops]\nurl = "{hook.url}"\nsecret = "env:HOOK_KEY"\n'
        with running_gateway(sample_database, tmp_path, targets=sink) as gateway:
            refused = await asyncio.to_thread(
                gateway.pgcurfew,
                "alice",
                "request",
                "--target",
                "shop",
                "--role",
                "support",
                "--for",
                "9h",
                "-m",
                "OPS-1: why",
            )
            assert refused.code != 0
            given = await asyncio.to_thread(gateway.give)
            again = await asyncio.to_thread(gateway.pgcurfew, "rita", "approve", given.request)
            assert again.code != 0
            await until(lambda: "approved" in hook.events())
            await asyncio.sleep(0.5)
    assert hook.events().count("asked") == 1
    assert hook.events().count("approved") == 1
