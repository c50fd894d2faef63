"""The store that the settings name, opened."""

from __future__ import annotations

from pathlib import Path

from config.certificates import CertificateUnusable
from config.store import Store
from gateway.access.store import StoreNotUsable
from gateway.storage.database import Database
from gateway.storage.postgres import PostgresDatabase, Server
from gateway.storage.sqlite import SqliteDatabase


async def open_database(store: Store | Path) -> Database:
    """The store's database, with its schema up to date; a path is that of an SQLite file. Raises StoreNotUsable."""
    if isinstance(store, Path):
        return await SqliteDatabase.open(store)
    if store.path is not None:
        return await SqliteDatabase.open(store.path)
    return await PostgresDatabase.open(server_of(store))


def server_of(store: Store) -> Server:
    """Where a store on PostgreSQL is. Raises StoreNotUsable."""
    address = store.address
    if address is None:
        raise StoreNotUsable("the store is a file, and no server")
    try:
        tls = store.tls
    except CertificateUnusable as error:
        raise StoreNotUsable(f"the store's TLS: {error}") from None
    return Server(address.hosts, address.ports, address.database, address.user, store.password, tls)
