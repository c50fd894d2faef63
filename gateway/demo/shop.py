"""The demo's sample database: a small trading company's production, invented from end to end.

The SQL lives beside this file in sql/; the same scale gives the same rows every time.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.postgres import Cluster, ClusterFailedError

SQL = Path(__file__).parent / "sql"
DATABASE = "shop"
BENCH_DATABASE = "bench"
#: The login that the gateway itself uses upstream: it reads and writes rows and is no superuser.
GATEWAY_LOGIN = "pgcurfew_gateway"
#: The first of the twelve months of orders and payments.
FIRST_MONTH = "2025-10-01 00:00:00+00"

#: The files in their order, and what a person reads while each of them runs.
STEPS = (
    ("schema", "schemas, tables, partitions and a view"),
    ("words", "names, streets and cities"),
    ("staff", "staff"),
    ("customers", "customers"),
    ("orders", "orders"),
    ("payments", "payments, by month"),
    ("tickets", "support tickets"),
    ("finish", "indexes, statistics and rights"),
)

#: Told each step's words as it begins.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows the generated tables get."""

    customers: int
    orders: int
    tickets: int
    staff: int

    @classmethod
    def at(cls, scale: float) -> Sizes:
        """Scale 1 is 275,200 rows in all; a test takes 0.02."""
        return cls(
            customers=max(100, round(20_000 * scale)),
            orders=max(600, round(120_000 * scale)),
            tickets=max(100, round(15_000 * scale)),
            staff=max(20, round(200 * scale)),
        )

    @property
    def rows(self) -> int:
        return self.customers + 2 * self.orders + self.tickets + self.staff


def load_shop(cluster: Cluster, *, scale: float = 1.0, progress: Progress = lambda _: None) -> Sizes:
    """Create the database "shop" and fill it; the gateway's login must exist already."""
    sizes = Sizes.at(scale)
    cluster.run("CREATE ROLE shop_owner NOLOGIN")
    cluster.run(f"CREATE DATABASE {DATABASE} OWNER shop_owner")
    variables = {
        "customers": sizes.customers,
        "orders": sizes.orders,
        "tickets": sizes.tickets,
        "staff": sizes.staff,
        "first_month": FIRST_MONTH,
    }
    command: list[str | Path] = [cluster.binaries.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    for name, value in variables.items():
        command += ["-v", f"{name}={value}"]
    for file, _ in STEPS:
        # One session for all files, for their temporary tables; \warn comes through unbuffered.
        command += ["-c", f"\\warn == {file}", "-f", SQL / f"{file}.sql"]
    environment = {**cluster.environment(database=DATABASE), "PGOPTIONS": "-c client_min_messages=warning"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as psql:
        assert psql.stderr is not None
        complaints = list(_told(psql.stderr, progress))
    if psql.returncode != 0:
        raise ClusterFailedError(f"loading the sample database failed: {' '.join(complaints)}")
    return sizes


def _told(lines: Iterator[str], progress: Progress) -> Iterator[str]:
    """Pass the steps' beginnings on; give back every other line, which is a complaint."""
    words = dict(STEPS)
    for line in lines:
        step = line.removeprefix("== ").strip()
        if line.startswith("== ") and step in words:
            progress(words[step])
        else:
            yield line.strip()


def load_bench(cluster: Cluster, *, scale: int = 1) -> None:
    """Create the database "bench" with pgbench's tables (PG manual, pgbench), writable by the gateway's login."""
    cluster.run(f"CREATE DATABASE {BENCH_DATABASE}")
    made = subprocess.run(
        [cluster.binaries.program("pgbench"), "-i", "-q", "-s", str(scale)],
        check=False,
        capture_output=True,
        text=True,
        env=cluster.environment(database=BENCH_DATABASE),
    )
    if made.returncode != 0:
        raise ClusterFailedError(f"pgbench -i failed: {made.stderr.strip()}")
    cluster.run(
        f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {GATEWAY_LOGIN}",
        database=BENCH_DATABASE,
    )
