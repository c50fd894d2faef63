"""A store on either database: an SQLite file, or a database on the tests' PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path

from config.secrets import SecretReference
from config.store import Store
from tests.support.postgres import Postgres

KEEPER = "store_keeper"
DATABASE = "pgcurfew_store"
PASSWORD = "only the gateways know this"
_NAMES = ("path", "url", "password", "sslrootcert")


def sqlite_store(folder: Path) -> Store:
    """A file, which is made when it is opened."""
    return Store(path=folder / "store.db")


def postgres_store(postgres: Postgres, folder: Path) -> Store:
    """An empty database of its own login; what an earlier test left there is gone."""
    exists = f"SELECT 1 FROM pg_roles WHERE rolname = '{KEEPER}'"
    if postgres.run(exists) != "1":
        postgres.cluster.create_login(KEEPER, PASSWORD)
        postgres.run(f"CREATE DATABASE {DATABASE} OWNER {KEEPER}")
    postgres.run(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public AUTHORIZATION {KEEPER}", DATABASE)
    password = folder / "store.password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    return Store(
        url=f"postgresql://{KEEPER}@{postgres.host}:{postgres.port}/{DATABASE}",
        password=SecretReference("file", str(password)),
        sslrootcert=postgres.ca_file,
    )


def as_section(store: Store) -> str:
    """`[store]` as a settings file has it."""
    given = {name: value for name in _NAMES if (value := getattr(store, name)) is not None}
    return "\n".join(["[store]", *(f"{name} = {json.dumps(str(value))}" for name, value in given.items())]) + "\n"


def as_json(store: Store) -> str:
    """For another process, which reads it with `from_json`."""
    return json.dumps({name: str(value) for name in _NAMES if (value := getattr(store, name)) is not None})


def from_json(text: str) -> Store:
    return Store.model_validate(json.loads(text), strict=False)
