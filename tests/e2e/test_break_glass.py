"""An emergency from end to end: access at once, heard of by everybody who is to know, and counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path

import httpx
import pytest

from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.receivers import http_receiver, mail_receiver, until
from tests.support.record import control_told

POLICY = """
[roles.support.break_glass]
people = ["oncall", "person:alice"]
max_duration = "30m"
[alerts.glass]
when = "break-glass"
severity = "critical"
"""
#: Beside alice, rita (who reviews the role) and otto (an auditor).
OTHERS = {"olga": ["oncall"], "ada": ["admins"], "sam": ["support"]}
REASON = "the shop is down, and nobody answers"


def counted(gateway: RunningGateway) -> dict[str, float]:
    """The steps of requests and grants that the gateway has counted."""
    text = httpx.get(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", trust_env=False).text
    found = re.findall(r'^pgcurfew_access_changes_total\{event="([^"]+)"\} (\S+)$', text, re.M)
    return {event: float(value) for event, value in found}


async def test_who_is_to_know_hears_of_an_emergency(
    sample_database: SampleDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", "k" * 32)
    async with http_receiver() as hook:
        with mail_receiver() as mail, contextlib.ExitStack() as stack:
            sinks = f"""
[notices.webhook.ops]
url = "{hook.url}"
secret = "env:HOOK_KEY"
events = ["break-glass", "alert"]
[notices.mail.people]
host = "127.0.0.1"
port = {mail.port}
security = "none"
sender = "gate@example.org"
people = "{{user}}@example.org"
events = ["break-glass"]
"""
            gateway = stack.enter_context(running_gateway(sample_database, tmp_path, policy=POLICY, targets=sinks))
            for name, groups in OTHERS.items():
                await asyncio.to_thread(gateway.stage.add_person, name, groups)
            before = counted(gateway)
            wish = ("break-glass", "--target", "shop", "--role", "support", "--reason", REASON, "--json")
            refused = await asyncio.to_thread(gateway.pgcurfew, "sam", *wish)
            assert refused.code == 1, refused.shown
            broken = await asyncio.to_thread(gateway.pgcurfew, "alice", *wish)
            assert broken.code == 0, broken.shown
            grant = json.loads(broken.out)
            await until(lambda: len(hook.said) >= 2 and len(mail.mails) >= 1)

            with gateway.api("alice") as client:
                token = client.post("grants", grant["id"], "token")["token"]
            given = Given("alice", "shop", "", grant["id"], token, grant["ends_at"])
            session = await gateway.connect(given)
            try:
                assert await session.fetchval("SELECT count(*) FROM customers WHERE id < 3") == 2
            finally:
                await session.close()
            own = await asyncio.to_thread(gateway.pgcurfew, "alice", "review", grant["id"], "--text", REASON)
            assert own.code == 1, "nobody reviews their own emergency"
            reviewed = await asyncio.to_thread(gateway.pgcurfew, "ada", "review", grant["id"], "--text", REASON)
            assert reviewed.code == 0, reviewed.shown
            after = counted(gateway)
            told = [event for event in control_told(gateway) if event.get("what") in ("break-glass", "reviewed")]
    notices = {one["type"]: one["data"] for one in hook.said}
    assert set(notices) == {"pgcurfew.break-glass", "pgcurfew.alert"}
    glass, alert = notices["pgcurfew.break-glass"], notices["pgcurfew.alert"]
    assert glass["title"] == "alice broke the glass: support on shop, without an approval"
    assert (glass["severity"], glass["reason"], glass["grant"]) == ("critical", REASON, grant["id"])
    assert glass["next"] == f"pgcurfew review {grant['id']}"
    assert (alert["details"]["rule"], alert["severity"], alert["person"]) == ("glass", "critical", "alice")
    everybody = {address for recipients, _ in mail.mails for address in recipients}
    assert everybody == {f"{name}@example.org" for name in ("olga", "ada", "rita")}, "and not alice, sam or otto"
    moved = {event: after[event] - before.get(event, 0) for event in after if after[event] != before.get(event, 0)}
    assert moved == {"requested": 1, "granted": 1, "break-glass": 1, "reviewed": 1}
    assert [(event["what"], event["by"]) for event in told if event["grant"] == grant["id"]] == [
        ("break-glass", "alice"),
        ("reviewed", "ada"),
    ]
