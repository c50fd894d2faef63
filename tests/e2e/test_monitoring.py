"""The dashboard and Prometheus' rules: every metric that they name is there, and where Prometheus is installed
it evaluates all of them over a gateway at work."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.gateway import RunningGateway

MONITORING = Path(__file__).parents[2] / "docs" / "monitoring"
NAMES = re.compile(r"\bpgcurfew_[a-z_]+")


def expressions() -> list[tuple[str, str]]:
    """What every panel asks for, of all gateways."""
    board = json.loads((MONITORING / "grafana.json").read_text())
    return [
        (f"{panel['title']}: {target['legendFormat']}", target["expr"].replace("$instance", ".*"))
        for panel in board["panels"]
        for target in panel["targets"]
    ]


async def at_work(gateway: RunningGateway) -> None:
    given = await asyncio.to_thread(gateway.give)
    session = await gateway.connect(given)
    try:
        await session.fetch("SELECT * FROM customers LIMIT 5")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("DELETE FROM customers")
    finally:
        await session.close()


def exposed(gateway: RunningGateway) -> str:
    return httpx.get(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", trust_env=False).text


async def test_every_metric_that_is_asked_for_is_there(gateway: RunningGateway) -> None:
    await at_work(gateway)
    names = {name for line in exposed(gateway).splitlines() for name in NAMES.findall(line)}
    asked = {name for _, text in expressions() for name in NAMES.findall(text)}
    asked |= set(NAMES.findall((MONITORING / "rules.yml").read_text()))
    assert not asked - names


async def test_how_things_stand_is_told(gateway: RunningGateway) -> None:
    given = await asyncio.to_thread(gateway.give)
    session = await gateway.connect(given)
    try:
        text = exposed(gateway)
    finally:
        await session.close()
    assert 'pgcurfew_sessions_open_by{role="support",target="shop"}' in text
    assert float(re.findall(r"^pgcurfew_grants_active (\S+)", text, re.M)[0]) >= 1
    assert float(re.findall(r"^pgcurfew_upstream_connect_seconds_count (\S+)", text, re.M)[0]) >= 1
    assert float(re.findall(r"^pgcurfew_record_sync_seconds_count (\S+)", text, re.M)[0]) >= 1
    assert 'pgcurfew_handshakes_total{outcome="admitted"}' in text
    assert "alice" not in text, "no label is a person"


@pytest.fixture
def prometheus(gateway: RunningGateway, tmp_path: Path) -> Iterator[str]:
    """A Prometheus that looks at the gateway every second."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shutil.copy(MONITORING / "rules.yml", tmp_path)
    (tmp_path / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: pgcurfew
    static_configs: [{{targets: ["127.0.0.1:{gateway.stage.ports.metrics}"]}}]
"""
    )
    server = subprocess.Popen(
        [
            program,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def asked(prometheus: str, path: str, **query: str) -> Any:
    answer = httpx.get(f"{prometheus}/api/v1/{path}", params=query, trust_env=False, timeout=10)
    content = answer.json()
    assert content["status"] == "success", (query, content)
    return content["data"]


async def test_prometheus_evaluates_all_of_it(gateway: RunningGateway, prometheus: str) -> None:
    stays = await gateway.connect(await asyncio.to_thread(gateway.give))
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        try:
            await at_work(gateway)
            seen = asked(prometheus, "query", query="rate(pgcurfew_statements_total[1m])")["result"]
            if seen and asked(prometheus, "query", query="pgcurfew_sessions_open_by")["result"]:
                break
        except httpx.HTTPError:
            pass  # it is starting
        await asyncio.sleep(0.5)
    for what, expression in expressions():
        result = asked(prometheus, "query", query=expression)["result"]
        # Of what has not happened in this test there is nothing to show.
        if not any(word in what for word in ("sink", "alert", "cause")):
            assert result, f"{what} shows nothing: {expression}"
    await stays.close()
    groups = asked(prometheus, "rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == (MONITORING / "rules.yml").read_text().count("- alert:")
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    firing = {rule["name"] for rule in rules if rule["state"] == "firing"}
    assert not firing & {"PgcurfewDown", "PgcurfewRecordUnavailable"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_rules_pass_promtool() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(MONITORING / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
