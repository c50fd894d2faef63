"""A real gateway for end-to-end tests: `pgcurfew serve` as a process, in front of the sample database."""

from __future__ import annotations

import signal
import ssl
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg

from gateway.cli.client import Client
from gateway.cli.profile import Profile
from gateway.demo.stage import Outcome, Stage, running
from tests.support.postgres import SampleDatabase

#: Settings of the test gateway: a NOTICE so long before the end of a grant.
WARN_SECONDS = (2,)


@dataclass(frozen=True, slots=True)
class Given:
    """A grant that a person holds, and a token for it."""

    person: str
    target: str
    request: str
    grant: str
    token: str
    ends_at: str


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """What a test can do with a gateway. Alice (support), rita (leads) and otto (auditors) are signed in."""

    stage: Stage
    database: SampleDatabase

    @property
    def port(self) -> int:
        return self.stage.ports.postgres

    @property
    def ca_file(self) -> Path:
        return self.stage.ca_file

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's context that trusts this gateway's authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def api(self, person: str) -> Client:
        """The HTTPS API as a person; close it, or use it with `with`."""
        signed_in = tomllib.loads((self.stage.home(person) / "login.toml").read_text())
        return Client(Profile(signed_in["api"], signed_in["name"], signed_in["credential"], signed_in.get("ca")))

    def give(
        self,
        role: str = "support",
        *,
        person: str = "alice",
        target: str = "shop",
        seconds: int = 600,
        reason: str = "OPS-1: a test needs it",
        reviewer: str = "rita",
    ) -> Given:
        """A request, its approval by the reviewer, and a token."""
        with self.api(person) as asking, self.api(reviewer) as deciding:
            body: dict[str, object] = {"target": target, "role": role, "reason": reason, "seconds": seconds}
            request = asking.post("requests", body=body)
            grant = deciding.post("requests", request["id"], "approve")["grant"]
            minted = asking.post("grants", grant, "token")
            ends_at = asking.get("grants", grant)["ends_at"]
        return Given(person, target, request["id"], grant, minted["token"], ends_at)

    def revoke(self, given: Given, *, by: str = "rita", reason: str = "a test says so") -> None:
        with self.api(by) as client:
            client.post("grants", given.grant, "revoke", body={"reason": reason})

    async def connect(self, given: Given, *, user: str | None = None, **options: Any) -> Any:
        """An asyncpg connection through the gateway, over verified TLS."""
        settings = {"password": given.token, "database": given.target, "ssl": self.tls, "timeout": 20, **options}
        return await asyncpg.connect(host="localhost", port=self.port, user=user or given.person, **settings)

    def conninfo(self, given: Given, *, user: str | None = None, database: str | None = None) -> str:
        """For libpq and psycopg; the token is not in it (PGPASSWORD, or password=)."""
        return self.stage.conninfo(user or given.person, database or given.target)

    def psql(self, given: Given, sql: str, *arguments: str) -> Outcome:
        """psql, with `sql` on its standard input."""
        return self.stage.psql(given.person, given.token, sql, database=given.target, arguments=arguments)

    def pgcurfew(self, person: str | None, *arguments: str) -> Outcome:
        """A pgcurfew command as a person; None is the operator of the machine."""
        return self.stage.pgcurfew(person, *arguments)

    def directly(self, sql: str) -> str:
        """SQL as the superuser, past the gateway."""
        return self.database.run(sql)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.stage.gateway.kill(number)

    def start(self) -> None:
        """Start again over the same files, after `kill` or `stop`."""
        self.stage.gateway.start()

    def stop(self) -> int:
        return self.stage.gateway.stop()

    @property
    def log(self) -> str:
        """Everything that it has logged."""
        return self.stage.gateway.log.read_text(errors="replace")


@contextmanager
def running_gateway(
    database: SampleDatabase,
    folder: Path,
    *,
    warnings: Sequence[int] = WARN_SECONDS,
    policy: str = "",
    settings: Mapping[str, str] = MappingProxyType({}),
    targets: str = "",
) -> Iterator[RunningGateway]:
    """A gateway of its own in front of the sample database, with its people; stopped afterwards.
    `policy` is added to the demo's; `settings` are lines to add to sections: {"limits": "sessions = 5"};
    `targets` are sections of their own."""
    stage = Stage(folder, database.postgres.cluster, warnings=warnings)
    stage.prepare(database.gateway.password)
    with stage.policy.open("a") as file:
        file.write(policy)
    text = stage.settings.read_text()
    for section, lines in settings.items():
        head, found, tail = text.partition(f"[{section}]")
        assert found, f"there is no section {section}"
        own, more, others = tail.partition("\n")[2].partition("\n[")
        said = {line.partition("=")[0].strip() for line in lines.splitlines()}
        kept = [line for line in own.splitlines() if line.partition("=")[0].strip() not in said]
        text = "\n".join([head + found, lines, *kept]) + "\n" + more.removeprefix("\n") + others
    stage.settings.write_text(text + targets)
    with running(stage):
        yield RunningGateway(stage, database)
