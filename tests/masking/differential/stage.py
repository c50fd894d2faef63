"""The market: a database with every kind of relation and type, its twin, and a gateway in front of it.

The twin holds what an analyst may see: each relation's rows as the gateway shows them. A statement through the
gateway must answer as the same statement does on the twin, sent directly; one that looks at clear columns only
must answer as it does on the market itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from gateway.demo.shop import GATEWAY_LOGIN
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import Postgres, SampleDatabase

FOLDER = Path(__file__).parent
MARKET, TWIN = "market", "market_seen"
SEARCH_PATH = ("market", "tpch", "public")
TARGET = """
[targets.market]
host = "localhost"
port = {port}
database = "market"
user = "pgcurfew_gateway"
password = "file:keys/shop.password"
sslrootcert = "tls/database-ca.pem"
search_path = ["market", "tpch", "public"]
catalog_refresh_seconds = 60
"""
POLICY = (FOLDER / "policy.toml").read_text()
CLASSIFICATION: dict[str, dict[str, Any]] = tomllib.loads(POLICY)["classification"]

#: A session as any client would like it, the same on both sides.
SESSION = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1"


def masked_columns(relation: str) -> frozenset[str]:
    """Columns of a relation ("schema.name") that the policy masks."""
    return frozenset(name for name, mask in CLASSIFICATION[relation].items() if mask != "clear")


@dataclass(frozen=True, slots=True)
class Market:
    """Both databases and the gateway; each connection is one more session."""

    sample: SampleDatabase
    gateway: RunningGateway
    given: dict[str, Given]

    def through(self, role: str, **options: Any) -> psycopg.Connection:
        """A session of a role through the gateway."""
        return _ready(
            self.gateway.conninfo(self.given[role], database=MARKET), password=self.given[role].token, **options
        )

    def direct(self, database: str = MARKET) -> psycopg.Connection:
        """A session past the gateway, as the gateway's own login and on its path."""
        return _ready(
            self.sample.postgres.dsn(database, self.sample.gateway),
            options=f"-c search_path={','.join(SEARCH_PATH)},pg_temp",
        )


def _ready(conninfo: str, **options: Any) -> psycopg.Connection:
    connection = psycopg.connect(conninfo, autocommit=True, **options)
    connection.execute(SESSION)
    return connection


def make_market(postgres: Postgres) -> None:
    """Both databases, with the same DDL; only the market has rows."""
    postgres.run(f"CREATE DATABASE {MARKET} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    postgres.run((FOLDER / "schema.sql").read_text() + (FOLDER / "tpch.sql").read_text(), MARKET)
    postgres.run(f"CREATE DATABASE {TWIN} TEMPLATE {MARKET}")
    postgres.run((FOLDER / "data.sql").read_text(), MARKET)
    for database in (MARKET, TWIN):
        postgres.run(
            "".join(
                f"GRANT USAGE ON SCHEMA {schema} TO {GATEWAY_LOGIN};"
                f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {GATEWAY_LOGIN};"
                f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {GATEWAY_LOGIN};"
                for schema in ("market", "tpch")
            ),
            database,
        )
    postgres.run("VACUUM (ANALYZE)", MARKET)


#: A masked value need not satisfy what its raw one did.
LOOSEN = """
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT conrelid::regclass AS r, conname FROM pg_constraint
             WHERE contype IN ('f', 'c', 'u') AND conrelid <> 0 AND conparentid = 0 AND coninhcount = 0
             AND connamespace IN ('market'::regnamespace, 'tpch'::regnamespace)
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.r, c.conname); END LOOP;
    FOR c IN SELECT attrelid::regclass AS r, attname FROM pg_attribute a JOIN pg_class ON pg_class.oid = attrelid
             WHERE attnum > 0 AND attnotnull AND relkind IN ('r', 'p')
             AND relnamespace IN ('market'::regnamespace, 'tpch'::regnamespace) AND attidentity = '' AND NOT EXISTS
                 (SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'p' AND attnum = ANY (conkey))
             AND NOT relispartition
    LOOP EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', c.r, c.attname); END LOOP;
END $$;
ALTER TABLE market.people ALTER shouted DROP EXPRESSION;
DROP VIEW market.active_people, market.totals;
ALTER TABLE market.people ALTER contact TYPE varchar(60);
CREATE TABLE market.active_people (id int, name text, email varchar(80), city text, joined date);
CREATE TABLE market.totals (city text, sold bigint, revenue numeric);
DROP MATERIALIZED VIEW market.by_month;
CREATE TABLE market.by_month (month date PRIMARY KEY, sold bigint, revenue numeric);
"""


def fill_twin(market: Market) -> None:
    """Copy each relation through the gateway into the twin."""
    postgres = market.sample.postgres
    tables = [name for name in CLASSIFICATION if not name.startswith(("market.sales_", "market.ticket_"))]
    postgres.run("".join(f"TRUNCATE {name} CASCADE;" for name in tables if name.startswith("tpch.")), TWIN)
    postgres.run(LOOSEN, TWIN)
    postgres.run(f"GRANT ALL ON ALL TABLES IN SCHEMA market TO {GATEWAY_LOGIN}", TWIN)
    with market.through("analyst") as source, psycopg.connect(postgres.dsn(TWIN), autocommit=True) as target:
        for name in tables:
            only = (
                "" if name in ("market.sales", "market.active_people", "market.totals", "market.by_month") else "ONLY"
            )
            query = f"COPY (SELECT * FROM {only} {name}) TO STDOUT"
            with source.cursor().copy(query) as out, target.cursor().copy(f"COPY {name} FROM STDIN") as into:
                for chunk in out:
                    into.write(chunk)
        target.execute("VACUUM (ANALYZE)")


@contextmanager
def open_market(sample: SampleDatabase, folder: Path) -> Iterator[Market]:
    """A whole market beside the shop: databases, gateway and a grant of each role; all gone afterwards."""
    postgres = sample.postgres
    make_market(postgres)
    with ExitStack() as stack:
        stack.callback(_drop, postgres)
        target = TARGET.format(port=postgres.port)
        gateway = stack.enter_context(running_gateway(sample, folder, policy=POLICY, targets=target))
        given = {role: gateway.give(role, target=MARKET, seconds=3600) for role in ("analyst", "writer", "steward")}
        market = Market(sample, gateway, given)
        fill_twin(market)
        yield market


def _drop(postgres: Postgres) -> None:
    for database in (MARKET, TWIN):
        postgres.run(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
