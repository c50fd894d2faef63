"""What the gateway logs when it fails holds no secret that the failing code had in its hands."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAILS = """
import structlog
from gateway.logs import configure_logs

configure_logs(as_json={as_json})

def knock(token):
    password = "".join(["hunt", "er2"])
    raise RuntimeError("what went wrong")

try:
    knock("".join(["ey", "Jhbg"]))
except RuntimeError:
    structlog.get_logger().exception("handshake failed")
"""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_shows_no_local_variables(as_json: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS.format(as_json=as_json)], capture_output=True, text=True, check=True
    )
    assert "what went wrong" in done.stderr
    assert "knock" in done.stderr
    assert "eyJhbg" not in done.stderr
    assert "hunter2" not in done.stderr
