"""`pgcurfew doctor` over real things: each fault is named, with what to do; nothing wrong is said of what is right."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.load import load_policy, load_settings
from gateway.demo.certificates import Authority
from gateway.demo.stage import Stage
from gateway.desk import host_checks, target_checks
from gateway.policies import compile_policies
from tests.support.gateway import RunningGateway
from tests.support.postgres import SampleDatabase

Edit = Callable[[Stage], None]


@pytest.fixture
def stage(sample_database: SampleDatabase, tmp_path: Path) -> Stage:
    """Everything that a gateway needs, and none that runs."""
    stage = Stage(tmp_path, sample_database.postgres.cluster)
    stage.prepare(sample_database.gateway.password)
    return stage


def examined(stage: Stage, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    done = stage.pgcurfew(None, "doctor", "--config", str(stage.settings), "--json", *arguments)
    answer: dict[str, Any] = json.loads(done.out)
    assert answer["problems"] == sum(finding["level"] == "problem" for finding in answer["findings"])
    assert (done.code == 1) == (answer["problems"] > 0), done.text
    return done.code, answer["findings"]


def test_nothing_is_wrong_with_the_demo(stage: Stage) -> None:
    code, findings = examined(stage)
    assert code == 0, findings
    assert {finding["about"] for finding in findings if finding["level"] == "ok"} >= {
        "settings", "certificate", "keys", "ports", "store", "record", "policy", "target shop", "target bench",
    }  # fmt: skip
    assert not stage.folder.joinpath("store.sqlite").exists()
    told = stage.pgcurfew(None, "doctor", "--config", str(stage.settings))
    assert "nothing is wrong" in told.text


def test_a_gateway_that_runs_is_no_port_that_is_taken(gateway: RunningGateway) -> None:
    code, findings = examined(gateway.stage)
    assert code == 0, findings
    assert any("used by the gateway that runs here" in finding["message"] for finding in findings)


def settings(pattern: str, replacement: str) -> Edit:
    def edit(stage: Stage) -> None:
        text, count = re.subn(pattern, replacement, stage.settings.read_text(), flags=re.MULTILINE)
        assert count, pattern
        stage.settings.write_text(text)

    return edit


def policy_of_nothing(stage: Stage) -> None:
    stage.policy.write_text('[roles.none]\ntargets = ["shop"]\nrequesters = ["*"]\napprovers = ["leads"]\n')


def unknown_relation(stage: Stage) -> None:
    text = stage.policy.read_text()
    stage.policy.write_text(text.replace('"sales.orders" = "read"', '"sales.odrers" = "read"', 1))


def key_for_all(stage: Stage) -> None:
    (stage.folder / "keys" / "tokens.pem").chmod(0o644)


def another_key(stage: Stage) -> None:
    issued = Authority.create("another").issue_for_localhost("another")
    (stage.folder / "tls" / "server.crt").write_bytes(issued.certificate)


def record_is_a_file(stage: Stage) -> None:
    shutil.rmtree(stage.record)
    stage.record.write_text("")


def store_is_none(stage: Stage) -> None:
    (stage.folder / "store.sqlite").write_text("this is no database" * 100)


def another_authority(stage: Stage) -> None:
    (stage.folder / "tls" / "database-ca.pem").write_bytes(Authority.create("somebody else").pem)


def password(stage: Stage, text: bytes) -> None:
    (stage.folder / "keys" / "shop.password").write_bytes(text)


def wrong_password(stage: Stage) -> None:
    password(stage, b"not this one")


elsewhere = settings(r"^port = \d+\ndatabase = \"shop\"", 'port = 1\ndatabase = "shop"')
another_name = settings("https://localhost:", "https://gate.example.org:")

FAULTS: dict[str, tuple[Edit, str, str]] = {
    "unreachable target": (elsewhere, "target shop", "reach|refused"),
    "wrong password": (wrong_password, "target shop", "own login"),
    "certificate of another authority": (another_authority, "target shop", "certificate"),
    "name not in the certificate": (another_name, "certificate", "gate.example.org"),
    "key of another certificate": (another_key, "settings|certificate", "not that of the certificate"),
    "key that all can read": (key_for_all, "settings", "0600|others|chmod"),
    "policy of nothing": (policy_of_nothing, "policy", "relations"),
    "unknown relation": (unknown_relation, "target shop", "odrers"),
    "record that is no directory": (record_is_a_file, "record", "no directory"),
    "store that is none": (store_is_none, "store", "not a database"),
    "unknown setting": (settings(r"^\[limits\]", "[limits]\nsesions = 5"), "settings", "sesions"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_what_to_do(stage: Stage, fault: str) -> None:
    edit, about, message = FAULTS[fault]
    edit(stage)
    code, findings = examined(stage)
    assert code == 1
    said = [one for one in findings if one["level"] == "problem"]
    assert any(re.fullmatch(about, one["about"]) and re.search(message, one["message"]) for one in said), said
    assert all(one["hint"] for one in said)
    assert "not this one" not in json.dumps(findings)


def test_a_port_that_somebody_else_has(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", stage.ports.api)):
        code, findings = examined(stage)
    assert code == 1
    assert [one["about"] for one in findings if one["level"] == "problem"] == ["ports"]


def test_a_login_that_can_do_too_much(stage: Stage, sample_database: SampleDatabase) -> None:
    settings(r'^user = "pgcurfew_gateway"', 'user = "postgres"')(stage)
    password(stage, sample_database.superuser.password.encode())
    _, findings = examined(stage)
    assert any("a superuser" in one["message"] for one in findings if one["about"] == "target shop")
    sample_database.run("CREATE ROLE too_much LOGIN CREATEROLE PASSWORD 'x'; GRANT pg_read_server_files TO too_much")
    try:
        settings(r'^user = "postgres"', 'user = "too_much"')(stage)
        password(stage, b"x")
        _, findings = examined(stage)
        words = " ".join(one["message"] for one in findings if one["level"] == "problem")
        assert "createrole" in words
        assert "pg_read_server_files" in words
    finally:
        sample_database.run("DROP ROLE too_much")


async def test_a_clock_that_goes_wrong(stage: Stage) -> None:
    loaded = load_settings(stage.settings)
    policies = compile_policies(load_policy(stage.policy))
    for hours, words in ((1, "behind"), (-1, "ahead")):

        def wrong(hours: int = hours) -> datetime:
            return datetime.now(UTC) + timedelta(hours=hours)

        found = await target_checks.target("shop", loaded.targets["shop"], policies, wrong)
        assert [one.level for one in found if words in one.message] == ["problem"], found


def test_a_certificate_that_ends(stage: Stage) -> None:
    loaded = load_settings(stage.settings)
    now = datetime.now(UTC)
    levels = []
    for days in (0, 36_500, -36_500):
        found = list(host_checks.certificate(loaded, now + timedelta(days=days)))
        levels.append([one.level for one in found if "ended" in one.message or "good from" in one.message])
    assert levels == [[], ["problem"], ["problem"]]


def test_a_client_without_settings(gateway: RunningGateway, tmp_path: Path) -> None:
    api = f"https://localhost:{gateway.stage.ports.api}"
    good = gateway.stage.pgcurfew("alice", "doctor", "--api", api, "--ca", str(gateway.ca_file))
    assert good.code == 0, good.text
    unknown = gateway.stage.pgcurfew("alice", "doctor", "--api", api)
    assert unknown.code == 1
    assert "--ca" in unknown.text
    nobody = gateway.stage.pgcurfew("alice", "doctor", "--api", "https://localhost:1")
    assert nobody.code == 1
    assert "cannot be reached" in nobody.text
