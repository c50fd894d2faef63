"""A store on PostgreSQL through asyncpg: for more than one gateway, or where a database server is better kept than a
file.

Its one rule is SQLite's too: one transaction writes at a time, whichever gateway it is of. An advisory lock (PG manual,
13.3.5) sees to that, so a transaction never fails because of another one, and reads in it are of what is true then.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Self

import asyncpg
import structlog

from config.secrets import SecretReference, SecretUnavailable
from gateway.access.store import OutcomeUnknown, StoreNotUsable, StoreUnavailable, StoreViolated
from gateway.storage.database import Row
from gateway.storage.migrate import WRITER_LOCK, migrate_postgres, migrations

log = structlog.get_logger()

#: How long a change waits for those of others, as with SQLite's busy_timeout; and the longest single statement.
LOCK_SECONDS: Final = 10
STATEMENT_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
#: How long a read tries again after its connection broke: long enough for a server that restarts its processes,
#: short enough that a session which cannot be confirmed ends within its second.
PATIENCE_SECONDS: Final = 0.6
#: How long a commit is asked after whose connection broke.
OUTCOME_SECONDS: Final = 10.0
#: Where gateways tell each other that they wrote something.
CHANNEL: Final = "pgcurfew_changes"
#: From one look to the next when nothing is heard: a NOTIFY can be lost.
REREAD_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 0.5
_READERS: Final = 4
_SETTINGS: Final = {
    "application_name": "pgcurfew",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "client_min_messages": "warning",
    "lock_timeout": f"{LOCK_SECONDS}s",
    # Whoever is cut off from the server while it holds the lock must not keep the others waiting for long.
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
#: Weaker than a commit that is on disk here, and on the standbys that the server waits for (PG manual, 20.5.1).
_NOT_DURABLE: Final = ("off", "local", "remote_write")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the store is and how to log in there."""

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    database: str
    user: str
    password: SecretReference | None = field(repr=False)
    #: None: without TLS.
    tls: ssl.SSLContext | None = field(repr=False)

    def __str__(self) -> str:
        where = ", ".join(f"{host}:{port}" for host, port in zip(self.hosts, self.ports, strict=True))
        return f'the database "{self.database}" at {where}'

    async def connect(self, **options: Any) -> Any:
        """A new connection, which commits durably. Raises what asyncpg raises, OSError, SecretUnavailable."""
        connection = await asyncpg.connect(**self.arguments(), **options)
        try:
            await _commit_durably(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def arguments(self) -> dict[str, Any]:
        """For asyncpg, everything said: nothing is left to PGPASSWORD, PGSSLMODE or ~/.pgpass."""
        return {
            "host": list(self.hosts),
            "port": list(self.ports),
            "database": self.database,
            "user": self.user,
            "password": self._secret,
            "ssl": self.tls if self.tls is not None else False,
            "target_session_attrs": "read-write",
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": _SETTINGS,
        }

    def _secret(self) -> str:
        """Read at each log-in, so that a password can be replaced under a running gateway."""
        return "" if self.password is None else self.password.read().decode()


class PostgresDatabase:
    """An open store on a server: implements `gateway.storage.database.Database`."""

    def __init__(self, server: Server, pool: Any) -> None:
        self._server = server
        self._pool = pool
        self._writing = asyncio.Lock()
        #: Tells what we said ourselves from what others did.
        self._name = secrets.token_hex(8)

    @classmethod
    async def open(cls, server: Server) -> Self:
        """Connect, and bring the schema up to date. Raises StoreNotUsable."""
        try:
            connection = await server.connect()
            try:
                await migrate_postgres(connection, migrations())
            finally:
                await connection.close(timeout=CONNECT_SECONDS)
            pool = await asyncpg.create_pool(
                **server.arguments(), min_size=1, max_size=_READERS, init=_commit_durably, reset=_as_it_was
            )
        except StoreNotUsable as error:
            raise StoreNotUsable(f"the store, {server}: {error}") from error
        except SecretUnavailable as error:
            raise StoreNotUsable(f"the password of the store: {error}") from None
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreNotUsable(f"the store, {server}, cannot be used: {_words(error)}") from error
        return cls(server, pool)

    async def close(self) -> None:
        """Close all connections; whoever is in a transaction is waited for."""
        async with self._writing:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    async def read(self, sql: str, values: Iterable[object] = ()) -> Sequence[Row]:
        """Rows of a query over what is committed; asked again when only its connection was lost."""
        given = _given(values)
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                with _in_our_words():
                    rows: Sequence[Row] = await self._pool.fetch(numbered(sql), *given)
                    return rows
            except StoreUnavailable as error:
                left = until - asyncio.get_running_loop().time()
                if left <= 0 or not _is_about_the_connection(error.__cause__):
                    raise
                await asyncio.sleep(min(0.05, left))

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """A write transaction; see `gateway.storage.database`."""
        async with self._writing:
            with _in_our_words():
                connection = await self._pool.acquire(timeout=STATEMENT_SECONDS)
            try:
                with _in_our_words():
                    await connection.execute("BEGIN")
                    number: str = await connection.fetchval(
                        "SELECT pg_current_xact_id()::text FROM pg_advisory_xact_lock($1)", WRITER_LOCK
                    )
                yield PostgresTransaction(connection)
                await _to_its_end(self._commit(connection, number))
            except BaseException:
                await _to_its_end(_roll_back(connection))
                raise
            finally:
                await _to_its_end(self._pool.release(connection))

    async def watch(self, changed: Callable[[], None]) -> None:
        """Listens on a connection of its own (PG manual, LISTEN). What was said while there was none is lost, so
        `changed` is called after each connect, and now and then in any case."""
        while True:
            try:
                connection = await self._server.connect()
            except (OSError, TimeoutError, SecretUnavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("store.not-heard", reason=_words(error))
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            try:
                await self._listen(connection, changed)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("store.not-heard", reason=_words(error))
            finally:
                connection.terminate()

    async def _listen(self, connection: Any, changed: Callable[[], None]) -> None:
        """Until the connection is gone."""
        heard = asyncio.Event()

        def hear(_connection: Any, _process: int, _channel: str, said_by: str) -> None:
            if said_by != self._name:
                heard.set()

        connection.add_termination_listener(lambda _connection: heard.set())
        await connection.add_listener(CHANNEL, hear)
        while not connection.is_closed():
            changed()
            heard.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REREAD_SECONDS):
                    await heard.wait()
            if not heard.is_set():
                await connection.fetchval("SELECT 1")  # is it still there?

    async def _commit(self, connection: Any, number: str) -> None:
        try:
            with _in_our_words():
                # The others hear of it when, and only when, it is committed.
                await connection.execute(f"NOTIFY {CHANNEL}, '{self._name}'; COMMIT")
        except StoreUnavailable as error:
            if not _is_about_the_connection(error.__cause__) or not await self._was_committed(number, error):
                raise

    async def _was_committed(self, number: str, error: StoreUnavailable) -> bool:
        """What became of a transaction whose COMMIT was not answered (PG manual, 9.27.9)."""
        until = asyncio.get_running_loop().time() + OUTCOME_SECONDS
        while asyncio.get_running_loop().time() < until:
            with contextlib.suppress(StoreUnavailable):
                [row] = await self.read("SELECT pg_xact_status(CAST(CAST(? AS text) AS xid8)) AS status", [number])
                if row["status"] != "in progress":
                    return bool(row["status"] == "committed")
            await asyncio.sleep(0.1)
        raise OutcomeUnknown(f"{error}; whether the change took place is not known: look before trying again")


class PostgresTransaction:
    """What may be done within a transaction on the server."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def read(self, sql: str, values: Iterable[object] = ()) -> Sequence[Row]:
        """Rows of a query that sees this transaction's own writes."""
        with _in_our_words():
            rows: Sequence[Row] = await self._connection.fetch(numbered(sql), *_given(values))
            return rows

    async def write(self, sql: str, values: Iterable[object] = ()) -> int:
        """How many rows the statement changed."""
        with _in_our_words():
            tag: str = await self._connection.execute(numbered(sql), *_given(values))
        # The command tag ends in the number of rows (PG manual, 54.7, CommandComplete).
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


@lru_cache(maxsize=512)
def numbered(sql: str) -> str:
    """`?` as `$1`, `$2`, …: our texts hold no `?` elsewhere."""
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))


def _given(values: Iterable[object]) -> list[object]:
    """Truth is 0 or 1 in our tables, on both databases."""
    return [int(value) if isinstance(value, bool) else value for value in values]


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    """What the server or the network did to us, and what the schema refuses."""
    try:
        yield
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.RaiseError) as error:
        raise StoreViolated(f"the store refuses the change: {_words(error)}") from error
    except (OSError, TimeoutError, SecretUnavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StoreUnavailable(f"the store cannot be used now: {_words(error)}") from error


def _words(error: BaseException) -> str:
    """The error in one line, without the DETAIL that may show rows."""
    if isinstance(error, asyncpg.PostgresError):
        return f"{error.args[0] if error.args else error} ({error.sqlstate})"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


def _is_about_the_connection(error: BaseException | None) -> bool:
    """Another connection may do better: class 08, an administrator's command or a server that starts (57P01 to 57P03),
    or a socket that is gone."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(("08", "57P0"))
    return isinstance(error, OSError | asyncpg.InterfaceError) and not isinstance(error, TimeoutError)


async def _commit_durably(connection: Any) -> None:
    """A commit that returned is on disk, whatever the server's default is."""
    if await connection.fetchval("SHOW synchronous_commit") in _NOT_DURABLE:
        await connection.execute("SET synchronous_commit = on")


async def _as_it_was(connection: Any) -> None:
    """Our connections set nothing, so there is nothing to reset: that saves a round trip a query."""


async def _roll_back(connection: Any) -> None:
    """Where that is not possible the connection goes, and the server rolls back."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connection.execute("ROLLBACK")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        # The pool has taken it back already when the server closed it.
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()


async def _to_its_end(work: Any) -> None:
    """Finished also when we are cancelled meanwhile; the cancellation follows."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise
