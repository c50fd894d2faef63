"""What the chapters share: the stage, the narrator, and the grants that were given so far."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
import jwt

from gateway.demo.narrator import Narrator
from gateway.demo.process import clean_environment
from gateway.demo.stage import Outcome, Stage, client_environment

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Given:
    """A grant that somebody holds, and a token for it."""

    request: str
    grant: str
    token: str
    #: The token's `exp`: the last whole second inside the grant.
    ends_at: datetime


@dataclass
class Cast:
    """Hands each chapter what it needs."""

    stage: Stage
    narrator: Narrator
    given: dict[str, Given] = field(default_factory=dict)

    @property
    def seconds_to_curfew(self) -> float:
        """How long the grant "short" still lasts."""
        return (self.given["short"].ends_at - datetime.now(UTC)).total_seconds()

    @property
    def support(self) -> Given:
        """Alice's grant of the role "support"."""
        return self.given["support"]

    def give(self, role: str, *, target: str, seconds: int, reason: str, name: str | None = None) -> Given:
        """A request by alice, approved by rita, and a token; without telling about it. Kept under `name`."""
        stage = self.stage
        asked = stage.answer(
            "alice", "request", "--target", target, "--role", role, "--for", f"{seconds}s", "--reason", reason
        )
        grant = stage.answer("rita", "approve", asked["id"])["grant"]
        minted = stage.answer("alice", "token", grant)
        given = Given(asked["id"], grant, minted["token"], expiry(minted["token"]))
        self.given[name or role] = given
        return given

    def psql(self, sql: str, *arguments: str, who: str = "alice", given: Given | None = None) -> Outcome:
        """psql as somebody, with the token of a grant."""
        return self.stage.psql(who, (given or self.support).token, sql, arguments=arguments)

    def show(self, sql: str, *arguments: str) -> Outcome:
        """The same by alice, on a terminal, shown to whoever watches."""
        done = self.stage.psql_watched("alice", self.support.token, sql, arguments=arguments)
        self.narrator.scene("alice", sql, done.shown)
        return done

    def start_psql(self, given: Given, *arguments: str) -> subprocess.Popen[str]:
        """A psql that goes on running; its output and complaints come as one stream."""
        return subprocess.Popen(
            self.stage.psql_command("alice", *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env=clean_environment(client_environment(given.token)),
        )  # fmt: skip

    def asyncpg(self, work: Callable[[Any], Awaitable[_Result]], given: Given | None = None) -> _Result:
        """Do something with an asyncpg connection through the gateway."""

        async def connected() -> _Result:
            context = ssl.create_default_context(cafile=str(self.stage.ca_file))
            connection = await asyncpg.connect(
                host="localhost", port=self.stage.ports.postgres, user="alice", database="shop",
                password=(given or self.support).token, ssl=context, timeout=20,
            )  # fmt: skip
            try:
                return await work(connection)
            finally:
                await connection.close(timeout=10)

        return asyncio.run(connected())

    def directly(self, sql: str, *, database: str = "shop") -> str:
        """SQL past the gateway, as the database's administrator: for knowing the truth."""
        return self.stage.cluster.run(sql, database=database)

    def backends(self) -> int:
        """How many of the gateway's sessions the database sees at work, its own catalog readers aside."""
        return int(
            self.directly("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgcurfew/%/alice'")
        )


def expiry(token: str) -> datetime:
    """When a token ends, by its own claim."""
    return datetime.fromtimestamp(jwt.decode(token, options={"verify_signature": False})["exp"], UTC)
