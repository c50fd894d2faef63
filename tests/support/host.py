"""The gateway's host, with a person at its keyboard who types policy commands."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway.cli.main import app
from tests.support.postgres import SampleDatabase

ROOT = Path(__file__).parent.parent.parent
PEM = "-----BEGIN {0}-----\nbm90IGEgcmVhbCBvbmU=\n-----END {0}-----\n"

SETTINGS = """\
[tls]
certificate = "server.crt"
private_key = "file:key.pem"

[tokens]
issuer = "https://localhost"
audience = "pgcurfew"
signing_key = "file:key.pem"
key_id = "one"

[api]
public_url = "https://localhost:6480"

[store]
path = "state.sqlite"

[record]
directory = "record"
sealing = "off"
signing_key = "file:key.pem"

[masking]
key = "file:mask.key"

[policy]
file = "policy.toml"

[targets.shop]
host = "localhost"
port = {port}
database = "{database}"
user = "{user}"
password = "file:password"
sslrootcert = "{authority}"
search_path = ["public", "sales"]
"""

POLICY = """\
[roles.support]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read"]

[roles.support.relations]
"public.customers" = "read"
"public.staff" = { read = ["id", "full_name"] }

[classification."public.customers"]
id = "clear"
email = { mask = "partial", style = "email" }

[classification."public.staff"]
"*" = "clear"
"""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Host:
    """The gateway's host, with a person at its keyboard."""

    home: Path

    def write(self, name: str, text: str) -> None:
        (self.home / name).write_text(text)
        (self.home / name).chmod(0o600)

    def types(self, *words: str) -> tuple[int, str]:
        """Exit code and everything that was said."""
        result = CliRunner().invoke(app, ["policy", *words, "--config", str(self.home / "pgcurfew.toml")])
        return result.exit_code, result.output

    def asks(self, *words: str) -> tuple[int, Any]:
        """The same with --json."""
        result = CliRunner().invoke(app, ["policy", *words, "--json", "--config", str(self.home / "pgcurfew.toml")])
        return result.exit_code, json.loads(result.stdout)

    def runs(self, *words: str, said: str = "") -> Ran:
        """From the host's folder; what was said on stdout and stderr apart."""
        with contextlib.chdir(self.home):
            result = CliRunner().invoke(app, ["policy", *words], input=said)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def starts(self, *words: str, **environment: str) -> Ran:
        """The same as a process of its own, as a shell would start it."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "policy", *words], cwd=self.home, capture_output=True, text=True,
            timeout=60, check=False, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)


def make_host(home: Path, database: SampleDatabase, *, name: str | None = None, policy: str = POLICY) -> Host:
    """A host whose target "shop" is the sample database, or another database of its cluster."""
    host = Host(home)
    host.write("server.crt", PEM.format("CERTIFICATE"))
    host.write("key.pem", PEM.format("PRIVATE KEY"))
    host.write("mask.key", "k" * 32)
    host.write("password", database.gateway.password + "\n")
    host.write("policy.toml", policy)
    host.write(
        "pgcurfew.toml",
        SETTINGS.format(
            port=database.postgres.port,
            database=name or database.name,
            user=database.gateway.user,
            authority=database.postgres.ca_file,
        ),
    )
    return host
