"""The API keeps the promises of its own OpenAPI document: schemathesis asks the running gateway, over TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.gateway import RunningGateway

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
#: What is asked of every answer. Left out: checks that pair a deletion with a creation (nothing is deleted here).
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,positive_data_acceptance,unsupported_method,ignored_auth"
)
#: Statuses that a body may get although it fits its schema: the thing is not there, or not in that state; a reason
#: is too short for the role, an identifier is no name; the door is shut after guesses.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429", "503"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "429"]
"""


@pytest.fixture
def administrator(own_gateway: RunningGateway) -> str:
    """The credential of somebody who may ask everything, of a gateway whose doors may be shut by wrong guesses."""
    groups = ("-g", "admins", "-g", "auditors", "-g", "support", "-g", "leads")
    settings = ("-c", str(own_gateway.stage.settings))
    done = own_gateway.stage.pgcurfew(None, "user", "add", "schemathesis", *groups, *settings, "--json")
    assert done.code == 0, done.text
    return str(json.loads(done.out)["credential"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_answer_is_as_the_document_says(own_gateway: RunningGateway, administrator: str, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    done = subprocess.run(
        [
            SCHEMATHESIS,
            "--config-file",
            configuration,
            "run",
            f"https://localhost:{own_gateway.stage.ports.api}/v1/openapi.json",
            "--tls-verify",
            own_gateway.ca_file,
            "--header",
            f"Authorization: Bearer {administrator}",
            "--checks",
            CHECKS,
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "3",
            "--workers",
            "2",
            "--seed",
            "1",
            "--generation-deterministic",
            "--continue-on-failure",
            "--no-color",
        ],
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "localhost", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Traceback" not in own_gateway.log
