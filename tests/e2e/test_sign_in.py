"""From the first administrator to everybody's password, by commands of the real gateway."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from gateway.access import totp
from gateway.cli.output import Exit
from gateway.demo.stage import Outcome
from tests.support.gateway import RunningGateway

PASSWORD = "correct horse battery staple"


def at(gateway: RunningGateway) -> tuple[str, ...]:
    return "--api", f"https://localhost:{gateway.stage.ports.api}", "--ca", str(gateway.ca_file)


def said(gateway: RunningGateway, person: str | None, *arguments: str, typed: str = "") -> Any:
    done = gateway.stage.pgcurfew(person, *arguments, "--json", input=typed)
    assert done.code == 0, done.text
    return json.loads(done.out)


def enrol(gateway: RunningGateway, name: str, invitation: str) -> tuple[bytes, list[str]]:
    """By its two calls, since the command shows the secret before it asks for the code."""
    with gateway.api("alice") as client:
        secret = client.post("enrol", "begin", body={"invitation": invitation})["secret"]
        factor = base64.b32decode(secret)
        code = totp.code_at(factor, time.time())
        body: dict[str, object] = {"invitation": invitation, "password": PASSWORD, "code": code}
        return factor, client.post("enrol", body=body)["recovery"]


@pytest.fixture(scope="module")
def ada(gateway: RunningGateway) -> str:
    """An administrator, whom the host's operator made and who signed in."""
    added = said(gateway, None, "user", "add", "ada", "-g", "admins", "-c", str(gateway.stage.settings))
    credential = added["credential"]
    said(gateway, "ada", "login", *at(gateway), "--name", "ada", typed=credential + "\n")
    return "ada"


def login(gateway: RunningGateway, name: str, password: str, code: str) -> Outcome:
    return gateway.stage.pgcurfew(name, "login", *at(gateway), "--name", name, "--json", input=f"{password}\n{code}\n")


def test_an_invitation_becomes_a_password_and_a_password_a_sign_in(gateway: RunningGateway, ada: str) -> None:
    invited = said(gateway, ada, "user", "add", "zoe", "--group", "support")
    factor, recovery = enrol(gateway, "zoe", invited["invitation"])
    code = totp.code_at(factor, time.time() + 30)
    wrong = login(gateway, "zoe", "not " + PASSWORD, code)
    assert (wrong.code, PASSWORD in wrong.text) == (Exit.NOT_SIGNED_IN, False)
    assert "is wrong" in wrong.text
    assert login(gateway, "zoe", PASSWORD, code).code == 0
    assert login(gateway, "zoe", PASSWORD, code).code == Exit.NOT_SIGNED_IN
    assert said(gateway, "zoe", "whoami")["groups"] == ["support"]
    assert {one["how"] for one in said(gateway, "zoe", "user", "sign-ins")} == {"invitation", "password"}
    assert gateway.stage.pgcurfew("zoe", "logout").code == 0
    out = gateway.stage.pgcurfew("zoe", "whoami")
    assert (out.code, "pgcurfew login" in out.text) == (Exit.NOT_SIGNED_IN, True)
    # The same place and name as last time.
    again = gateway.stage.pgcurfew("zoe", "login", input=f"{PASSWORD}\n{recovery[0]}\n")
    assert (again.code, "signed in" in again.text) == (0, True)
    said(gateway, ada, "user", "lock", "zoe", "--reason", "a test")
    assert gateway.stage.pgcurfew("zoe", "grants").code == Exit.NOT_SIGNED_IN
    said(gateway, ada, "user", "unlock", "zoe")
    newer = said(gateway, ada, "user", "reset", "zoe")["invitation"]
    assert login(gateway, "zoe", PASSWORD, recovery[1]).code == Exit.NOT_SIGNED_IN
    command = gateway.stage.pgcurfew("zoe", "enrol", *at(gateway), input=f"{newer}\nshort\n000000\n")
    assert (command.code, "otpauth://" in command.err, "12 to 256" in command.err) == (Exit.REFUSED, True, True)


def test_an_operator_invites_on_the_host(gateway: RunningGateway) -> None:
    settings = ("-c", str(gateway.stage.settings))
    said(gateway, None, "user", "add", "yann", *settings)
    invited = said(gateway, None, "user", "invite", "yann", *settings)
    factor, _ = enrol(gateway, "yann", invited["invitation"])
    assert login(gateway, "yann", PASSWORD, totp.code_at(factor, time.time() + 30)).code == 0
    said(gateway, None, "user", "lock", "yann", *settings)
    said(gateway, None, "user", "unlock", "yann", *settings)
    assert gateway.stage.pgcurfew("yann", "whoami").code == Exit.NOT_SIGNED_IN


def test_a_program_works_with_a_short_token(gateway: RunningGateway, ada: str) -> None:
    said(gateway, ada, "user", "add", "robot", "--service", "--group", "support")
    token = said(gateway, ada, "user", "token", "robot", "--for", "10m", "--scope", "see")["secret"]
    said(gateway, "robot", "login", *at(gateway), typed=token + "\n")
    assert gateway.stage.pgcurfew("robot", "grants").code == 0
    asked = gateway.stage.pgcurfew(
        "robot", "request", "--target", "shop", "--role", "support", "--for", "5m", "--reason", "ticket 4711: nightly"
    )
    assert (asked.code, "not good for" in asked.err) == (Exit.REFUSED, True)
    people = {one["name"]: one for one in said(gateway, ada, "user", "list")}
    assert people["robot"]["service"]


def test_people_are_not_managed_by_just_anybody(gateway: RunningGateway) -> None:
    refused = gateway.stage.pgcurfew("alice", "user", "add", "mallory", "--group", "admins")
    assert (refused.code, "only administrators" in refused.err) == (Exit.REFUSED, True)


def test_sign_ins_are_counted(gateway: RunningGateway) -> None:
    import httpx

    text = httpx.get(f"http://localhost:{gateway.stage.ports.metrics}/metrics", trust_env=False).text
    assert 'pgcurfew_sign_ins_total{how="credential",outcome="done"}' in text
