"""`python -m gateway` is `pgcurfew`."""

from __future__ import annotations

from gateway.cli.main import app

app(prog_name="pgcurfew")
