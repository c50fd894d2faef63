"""Where it is measured: a PostgreSQL with pgbench's tables, a gateway with a masked policy, grants and tokens."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from bench.endpoint import Endpoint
from bench.free import free_upstream
from bench.peers import haproxy, pgbouncer
from bench.wire import Connection
from gateway.demo.postgres import Cluster
from gateway.demo.shop import BENCH_DATABASE, GATEWAY_LOGIN, load_bench
from gateway.demo.stage import Stage, running

TEMPLATES = Path(__file__).parent / "templates"
WHO = "alice"
GRANT_SECONDS = 6 * 3600
ROWS_PER_SCALE = 100_000

#: A rule of every kind that a busy session is looked at by.
RULES = "".join(
    f"\n[alerts.{name}]\n{rule}\n"
    for name, rule in {
        "refused": 'when = "refused"\ncount = 1000000\nwithin = "1h"',
        "rows": 'when = "rows"\ncount = 1000000000\nwithin = "1h"',
        "bytes": 'when = "bytes"\ncount = 1000000000000\nwithin = "1h"',
        "usual": 'when = "rows"\ntimes_usual = 1000.0',
        "lookups": 'when = "lookups"\ncount = 1000000\nwithin = "1h"',
        "relation": 'when = "new-relation"\nquiet = "7d"',
        "hours": 'when = "outside-hours"\nhours = ["mon-sun 00:00-24:00"]',
        "network": 'when = "new-network"\nquiet = "7d"',
        "lock": 'when = "second-lock"',
        "record": 'when = "record"',
        "reuse": 'when = "token-reuse"\ncount = 1000\nwithin = "1h"',
        "sign-ins": 'when = "failed-sign-ins"\ncount = 1000\nwithin = "1h"',
        "glass": 'when = "break-glass"',
        "ending": 'when = "ending-in-transaction"',
        "unusual": 'when = "unusual"\nscore = 100',
    }.items()
)
#: The settings of a target's TLS: none, as PgBouncer gets it, or as a gateway ships.
WITHOUT_TLS = 'sslmode = "disable"'
WITH_TLS = 'sslrootcert = "tls/database-ca.pem"'

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that runs while it is measured."""

    stage: Stage
    cluster: Cluster
    rows: int
    direct: Endpoint
    peers: tuple[Endpoint, ...]
    #: By role and target: what alice gives as her password.
    tokens: dict[tuple[str, str], str] = field(repr=False)

    def gateway(self, role: str = "masked", target: str = "bench", *, running: bool = True) -> Endpoint:
        """The way through the gateway, in cleartext; the one that is `running` is accounted for."""
        pid = self.stage.gateway.pid if running else None
        return Endpoint("gateway", self.stage.ports.postgres, WHO, self.tokens[role, target], target, pid)

    def over_tls(self, endpoint: Endpoint) -> Endpoint:
        """The same by TLS; PostgreSQL and what stands before it have authorities of their own."""
        return endpoint.over_tls(self.cluster.ca_file if endpoint.name == "direct" else self.stage.ca_file)

    def restart(self) -> None:
        """A fresh gateway process over the same files."""
        self.stage.gateway.stop()
        self.stage.gateway.start()
        self.warm()

    def warm(self) -> None:
        """The first session of a target takes the snapshot of its catalog; that is nobody's cost here."""
        for role, target in self.tokens:
            Connection(self.gateway(role, target)).close()

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """So many processes serve clients, each of them warm; one again afterwards."""
        with self._with("gateway", f"workers = {count}"):
            at_once = [Connection(self.gateway()) for _ in range(2 * count)]
            for connection in at_once:
                connection.close()
            yield

    @contextmanager
    def durability(self, which: str) -> Iterator[None]:
        """The record as durable as that ("process", "disk"); "process" again afterwards."""
        with self._with("record", f'durability = "{which}"'):
            yield

    @contextmanager
    def alert_rules(self, which: str) -> Iterator[None]:
        """A policy with a rule of every kind ("on"), none of which fires, or with none ("off")."""
        policy = self.stage.policy
        text = policy.read_text()
        policy.write_text(text + (RULES if which == "on" else ""))
        try:
            self.restart()
            yield
        finally:
            policy.write_text(text)
            self.restart()

    @contextmanager
    def _with(self, section: str, line: str) -> Iterator[None]:
        """A fresh gateway with this line in its settings; one without it afterwards."""
        settings = self.stage.settings
        text = settings.read_text()
        head, found, tail = text.partition(f"[{section}]")
        settings.write_text(f"{head}{found}\n{line}{tail[tail.index(chr(10)) :]}")
        try:
            self.restart()
            yield
        finally:
            settings.write_text(text)
            self.restart()

    def rewritten(self, sql: str) -> str:
        """What the gateway sends upstream for this statement, in the policy's own words (policy explain)."""
        said = self.stage.answer(None, "policy", "explain", "masked", sql, "--target", "bench", "--config",
                                 str(self.stage.settings))  # fmt: skip
        (statement,) = said["statements"]
        text: str = statement["runs"]
        return text


@contextmanager
def raised(
    folder: Path, *, scale: int = 10, upstream_tls: bool = False, progress: Progress = lambda _: None
) -> Iterator[Place]:
    """The place, in an empty folder; nothing is left of it afterwards but the folder."""
    progress("starting PostgreSQL")
    with Cluster(settings={"max_connections": "600"}) as cluster:
        password = secrets.token_urlsafe(24)
        cluster.create_login(GATEWAY_LOGIN, password)
        rows = scale * ROWS_PER_SCALE
        progress(f"filling pgbench's tables at scale {scale}, and {rows:,} rows for bulk reads")
        load_bench(cluster, scale=scale)
        _load_bulk(cluster, rows)
        stage = Stage(folder, cluster)
        stage.prepare(password)
        direct = Endpoint("direct", cluster.port, GATEWAY_LOGIN, password, BENCH_DATABASE)
        with (
            free_upstream(folder, password, cluster.port, _identity(cluster)) as free,
            pgbouncer(cluster.folder / "pgbouncer", direct, tls=folder / "tls", upstream_tls=upstream_tls) as bouncer,
            haproxy(cluster.folder / "haproxy", direct) as proxy,
        ):
            _write_settings(stage, free, WITH_TLS if upstream_tls else WITHOUT_TLS)
            with running(stage, progress):
                progress("asking for access, approving it, making tokens")
                tokens = {pair: _token(stage, *pair) for pair in (
                    ("masked", "bench"), ("masked", "free"), ("unmasked", "bench"),
                )}  # fmt: skip
                peers = tuple(peer for peer in (proxy, bouncer) if peer is not None)
                place = Place(stage, cluster, rows, direct, peers, tokens)
                place.warm()
                yield place


def _identity(cluster: Cluster) -> tuple[str, str]:
    sql = """SELECT c.system_identifier || ' ' || d.oid FROM pg_control_system() c, pg_database d
             WHERE d.datname = current_database()"""
    system, database = cluster.run(sql, database=BENCH_DATABASE).split()
    return system, database


def _load_bulk(cluster: Cluster, rows: int) -> None:
    loaded = subprocess.run(
        [cluster.binaries.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"rows={rows}",
         "-f", TEMPLATES / "schema.sql"],
        check=False, capture_output=True, text=True, env=cluster.environment(database=BENCH_DATABASE),
    )  # fmt: skip
    if loaded.returncode != 0:
        raise RuntimeError(f"the tables could not be made: {loaded.stderr.strip()}")


def _write_settings(stage: Stage, free: int, upstream_tls: str) -> None:
    ports = stage.ports
    settings = Template((TEMPLATES / "pgcurfew.toml").read_text()).substitute(
        port=ports.postgres,
        api_port=ports.api,
        metrics_port=ports.metrics,
        database_port=stage.cluster.port,
        free_port=free,
        upstream_tls=upstream_tls,
    )
    stage.settings.write_text(settings)
    stage.policy.write_text((TEMPLATES / "policy.toml").read_text())


def _token(stage: Stage, role: str, target: str) -> str:
    asked = stage.answer(
        WHO, "request", "--target", target, "--role", role, "--for", f"{GRANT_SECONDS}s",
        "--reason", "measuring what the gateway costs",
    )  # fmt: skip
    grant = stage.answer("rita", "approve", asked["id"])["grant"]
    token: str = stage.answer(WHO, "token", grant)["token"]
    return token
