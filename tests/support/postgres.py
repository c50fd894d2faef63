"""A real PostgreSQL for tests: one cluster a worker, with the demo's shop in it, small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from gateway.demo.binaries import PostgresBinaries
from gateway.demo.postgres import SUPERUSER, Cluster
from gateway.demo.shop import DATABASE, GATEWAY_LOGIN, load_bench, load_shop


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running cluster as tests see it. TLS with verify-full works, and so does cleartext."""

    cluster: Cluster

    @property
    def host(self) -> str:
        return self.cluster.host

    @property
    def port(self) -> int:
        return self.cluster.port

    @property
    def ca_file(self) -> Path:
        return self.cluster.ca_file

    @property
    def version(self) -> int:
        """The major version."""
        return self.cluster.binaries.major

    @property
    def superuser(self) -> Login:
        return Login(SUPERUSER, self.cluster.password)

    def dsn(self, database: str = "postgres", login: Login | None = None, *, tls: bool = True) -> str:
        """A URI that libpq, psycopg and asyncpg take (PG manual, 32.1.1.2)."""
        who = login or self.superuser
        options = f"?sslmode=verify-full&sslrootcert={self.ca_file}" if tls else "?sslmode=disable"
        return f"postgresql://{quote(who.user)}:{quote(who.password)}@{self.host}:{self.port}/{database}{options}"

    async def connect(self, database: str = "postgres", login: Login | None = None, **options: Any) -> Any:
        """An asyncpg connection, over TLS, as the superuser unless told otherwise."""
        return await asyncpg.connect(self.dsn(database, login), **options)

    def run(self, sql: str, database: str = "postgres") -> str:
        """SQL as the superuser, through psql; its unaligned output."""
        return self.cluster.run(sql, database=database)


@dataclass(frozen=True, slots=True)
class SampleDatabase:
    """The demo's database at a small scale, with the login that the gateway uses as its own."""

    postgres: Postgres
    name: str
    #: The target login: may read and write the shop's tables, and is no superuser.
    gateway: Login

    @property
    def superuser(self) -> Login:
        return self.postgres.superuser

    def dsn(self, login: Login | None = None, *, tls: bool = True) -> str:
        return self.postgres.dsn(self.name, login or self.gateway, tls=tls)

    async def connect(self, login: Login | None = None, **options: Any) -> Any:
        """An asyncpg connection as the gateway's login unless told otherwise."""
        return await self.postgres.connect(self.name, login or self.gateway, **options)

    def run(self, sql: str) -> str:
        return self.postgres.run(sql, self.name)


@contextmanager
def running_postgres(binaries: PostgresBinaries | None = None) -> Iterator[Postgres]:
    """A cluster that is gone afterwards, processes and files."""
    with Cluster(binaries) as cluster:
        yield Postgres(cluster)


def make_sample_database(postgres: Postgres, *, scale: float = 0.02) -> SampleDatabase:
    """Load the shop and pgbench's tables into a cluster, and create the gateway's login."""
    gateway = Login(GATEWAY_LOGIN, "only-the-gateway-knows")
    postgres.cluster.create_login(gateway.user, gateway.password)
    load_shop(postgres.cluster, scale=scale)
    load_bench(postgres.cluster)
    return SampleDatabase(postgres, DATABASE, gateway)
