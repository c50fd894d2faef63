"""node-postgres through the gateway. It is installed into .pg/, where there are node and npm, and not committed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.process import clean_environment
from tests.support.gateway import RunningGateway

PACKAGES = ("pg@8.23.1", "pg-cursor@2.22.0", "pg-query-stream@4.17.0", "pg-copy-streams@7.0.0")
FOLDER = Path(__file__).parents[2] / ".pg" / "node"
STORY = Path(__file__).parent / "story_of_node.cjs"


@pytest.fixture(scope="module")
def node() -> str:
    """The node program, with the packages installed."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        pytest.skip("node and npm are not installed")
    stamp = FOLDER / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text()) != list(PACKAGES):
        FOLDER.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--prefix", FOLDER, "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES],
            cwd=FOLDER, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.skip(f"npm could not install node-postgres: {done.stderr.strip()[-300:]}")
        stamp.write_text(json.dumps(PACKAGES))
    return found


def test_node_postgres(gateway: RunningGateway, node: str) -> None:
    """One process plays the whole story and says what it saw, step by step."""
    reading, writing = gateway.give(), gateway.give("bench", target="bench")
    wanted = {
        "port": gateway.port,
        "ca": gateway.ca_file.read_text(),
        "user": reading.person,
        "reading": {"database": reading.target, "password": reading.token},
        "writing": {"database": writing.target, "password": writing.token},
    }
    environment = clean_environment({"NODE_PATH": str(FOLDER / "node_modules"), "PATH": os.environ["PATH"]})
    done = subprocess.run(
        [node, STORY],
        input=json.dumps(wanted),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    saw: dict[str, Any] = json.loads(done.stdout)
    assert saw["simple"] == 1
    assert saw["parameters"] == [42, "text", [1, 2]]
    assert "***@" in saw["masked"]
    assert saw["named"] == [3, 3, 3]
    assert saw["binary"] == 7
    assert saw["several"] == [1, 2]
    assert saw["arrays"] == [["a"], None, {"k": 1}]
    assert saw["cursor"] == [2, 2, 1, 0]
    assert saw["stream"] == 100
    assert saw["pool"] == list(range(20))
    assert saw["refused"]["code"] == "42501"
    assert saw["refused"]["hint"]
    assert saw["syntax"] == {"code": "42601", "position": "1"}
    assert saw["after"] == 2
    assert saw["timeout"] == "57014"
    assert saw["copied out"] == 3
    assert saw["copied in"] == 500
    assert saw["rolled back"] == 0
    assert saw["integrity"] == "23505"
