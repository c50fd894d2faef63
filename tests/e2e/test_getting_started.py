"""docs/getting-started.md, literally: its commands, in a new folder, against a database that it has never seen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.binaries import find_psql
from gateway.demo.postgres import free_port
from gateway.demo.process import clean_environment
from tests.support.postgres import Postgres

DOCUMENT = Path(__file__).parents[2] / "docs" / "getting-started.md"
SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, full_name text, email text, city text);
    INSERT INTO customers SELECT i, 'Anna Example', 'anna' || i || '@example.org', 'Bern' FROM generate_series(1, 50) i;
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, amount numeric(10, 2), status text);
    INSERT INTO orders SELECT i, i, i * 10, 'paid' FROM generate_series(1, 50) i;
"""
TYPED = """SELECT count(*) AS all_of_them FROM orders;
SELECT id, email FROM customers ORDER BY id LIMIT 1;
DELETE FROM customers;
"""


@pytest.fixture
def fresh(postgres: Postgres) -> str:
    """A database that nobody has told pgcurfew about."""
    postgres.run("CREATE DATABASE fresh")
    postgres.run(SHOP, "fresh")
    return "fresh"


def test_the_document_leads_to_a_prompt(postgres: Postgres, fresh: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 7
    ports = {"6432": str(free_port()), "6480": str(free_port()), "6490": str(free_port())}
    script = "\n".join(blocks).replace("6480", ports["6480"])
    script = script.replace(
        "pgcurfew init ",
        f"pgcurfew init --listen-port {ports['6432']} --api-port {ports['6480']} --metrics-port {ports['6490']} ",
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pgcurfew").write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    (programs / "pgcurfew").chmod(0o755)
    psql = find_psql()
    environment = clean_environment(
        {
            "PATH": f"{programs}:{psql.parent}:{os.environ['PATH']}",
            "DB_HOST": "localhost",
            "DB_PORT": str(postgres.port),
            "DB_NAME": fresh,
            "DB_ADMIN": postgres.superuser.user,
            "GATEWAY_PASSWORD": "of-the-gateway-alone",
            "PGPASSWORD": postgres.superuser.password,
            "HOME": str(tmp_path),
            "PYTHONPATH": str(DOCUMENT.parents[1]),
        }
    )
    done = subprocess.run(
        ["bash", "-c", f"set -eu; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{script}"],
        input=TYPED,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "nothing is wrong" in done.stdout, said
    assert "50" in done.stdout, said
    assert "DELETE is not permitted for role reader" in said, said
    assert re.search(r"\ba\*\*\*@example\.org", done.stdout), said
    assert "anna1@example.org" not in said
    assert "of-the-gateway-alone" not in said
    assert done.stdout.rstrip().splitlines()[-1].find("alice") >= 0, said
    policy = (tmp_path / "gate" / "policy.toml").read_text()
    assert '"public.customers" = "read"' in policy
    for file in ("tokens.pem", "target.password", "auditor.pem"):
        assert (tmp_path / "gate" / "keys" / file).stat().st_mode & 0o777 == 0o600
