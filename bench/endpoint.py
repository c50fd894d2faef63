"""Where a client goes, and as whom."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way into the database; `ca_file` says that it is taken over verified TLS."""

    name: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    #: Whose CPU time is counted while clients come this way: None for PostgreSQL itself.
    pid: int | None = None
    ca_file: Path | None = None
    host: str = "localhost"

    def over_tls(self, ca_file: Path) -> Endpoint:
        """The same, by TLS."""
        return replace(self, name=f"{self.name}_tls", ca_file=ca_file)

    def environment(self) -> dict[str, str]:
        """libpq's variables (PG manual, 32.15), and nothing else of ours that would steer a client."""
        tls = {"PGSSLMODE": "disable"}
        if self.ca_file is not None:
            tls = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.ca_file)}
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
            "PGPASSFILE": os.devnull,
            "PGCONNECT_TIMEOUT": "20",
            **tls,
        }
