"""pgcurfew audit: the record proved, searched, handed on. What each does stands in a file of its own."""

from __future__ import annotations

from gateway.cli import evidence, expire, export, search
from gateway.cli.record import audit as app

app.command("search")(search.search)
app.command("index")(search.index)
app.command("export")(export.export)
app.command("evidence")(evidence.evidence)
app.command("expire")(expire.expire)

__all__ = ["app"]
