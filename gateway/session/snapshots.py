"""The newest snapshot of one target's catalog, and the judges that use it.

Refreshed on an interval, and at once when a session met a name that is not known. A snapshot that
could not be refreshed for longer than the stated bound judges nothing any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from config.secrets import SecretUnavailable
from config.settings import Target
from gateway.session.catalog import load_catalog
from gateway.session.judge import Judge
from gateway.session.upstream import Route, UpstreamUnavailable, unreachable
from masking.catalog import Catalog
from masking.policy import RolePolicy

log = structlog.get_logger()

#: A snapshot is too old after this many missed refreshes.
MISSED_REFRESHES = 3
#: What asyncpg raises when a connection fails, in whichever way.
CONNECTION_TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class Snapshots:
    """Keeps one target's snapshot fresh."""

    def __init__(
        self,
        name: str,
        target: Target,
        clock: Callable[[], float],
        judging_took: Callable[[float], None] | None = None,
    ) -> None:
        self.route = Route.to(name, target)
        self._search_path = target.search_path
        self._interval = target.catalog_refresh_seconds
        self._clock = clock
        self._judging_took = judging_took
        self._connection: asyncpg.Connection | None = None
        self._catalog: Catalog | None = None
        self._taken_at = 0.0
        self._judges: dict[str, Judge] = {}
        self._refreshing: asyncio.Task[None] | None = None
        self._too_old: asyncio.TimerHandle | None = None

    @property
    def catalog(self) -> Catalog | None:
        """The newest snapshot, or None when there is none young enough to judge by."""
        if self._catalog is None or self._clock() - self._taken_at > self.bound:
            return None
        return self._catalog

    @property
    def bound(self) -> float:
        """How old a snapshot may be, in seconds."""
        return self._interval * (MISSED_REFRESHES + 1)

    async def judge(self, policy: RolePolicy) -> Judge:
        """The judge for a role. Raises UpstreamUnavailable when the catalog cannot be read."""
        if self.catalog is None:
            await self.refresh()
        assert self._catalog is not None
        judge = self._judges.get(policy.role)
        if judge is None or judge.policy.version != policy.version:
            judge = self._judges[policy.role] = Judge(policy, self._catalog, took=self._judging_took)
        return judge

    async def refresh(self) -> None:
        """Take a new snapshot now; callers at the same time share one. Raises UpstreamUnavailable."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._take())
        await asyncio.shield(self._refreshing)

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            if not self._judges:
                continue  # nobody has come yet; the first session takes its own snapshot
            try:
                await self.refresh()
            except UpstreamUnavailable as error:
                log.warning("catalog not refreshed", target=self.route.name, reason=error.message)

    async def end_backend(self, pid: int) -> None:
        """End a backend of the gateway's own login that did not leave when it was told to. On a
        connection of its own: the other may be busy with a refresh. Never raises."""
        try:
            async with asyncio.timeout(self.route.timeout):
                connection = await self._connect("pgcurfew/cleaner")
                try:
                    await connection.execute("SELECT pg_catalog.pg_terminate_backend($1)", pid)
                finally:
                    connection.terminate()
        except (UpstreamUnavailable, *CONNECTION_TROUBLE) as error:
            log.warning("backend not ended", target=self.route.name, pid=pid, reason=type(error).__name__)

    async def close(self) -> None:
        if self._too_old is not None:
            self._too_old.cancel()
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        self._drop_connection()

    async def _take(self) -> None:
        started = self._clock()
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect("pgcurfew/catalog")
            async with asyncio.timeout(self.route.timeout + self._interval):
                catalog = await load_catalog(self._connection, self._search_path)
        except CONNECTION_TROUBLE as error:
            self._drop_connection()
            log.warning("catalog cannot be read", target=self.route.name, reason=str(error) or type(error).__name__)
            raise UpstreamUnavailable(f'the catalog of target "{self.route.name}" cannot be read', "57P03") from None
        except BaseException:
            self._drop_connection()  # in the middle of an answer, perhaps
            raise
        self._catalog = catalog
        self._taken_at = started
        if self._too_old is not None:
            self._too_old.cancel()
        left = max(0.0, started + self.bound - self._clock())
        self._too_old = asyncio.get_running_loop().call_later(left, self._outdated)
        for judge in self._judges.values():
            judge.adopt(catalog)

    def _outdated(self) -> None:
        """Open sessions may not be judged by what the database looked like long ago, either."""
        log.error("the snapshot of the catalog is too old, statements are refused", target=self.route.name)
        for judge in self._judges.values():
            judge.suspended = True

    async def _connect(self, application: str) -> asyncpg.Connection:
        route = self.route
        try:
            return await asyncpg.connect(
                host=route.host,
                port=route.port,
                user=route.user,
                password=route.password.read().decode("utf-8"),
                database=route.database,
                ssl=route.context or False,
                timeout=route.timeout,
                server_settings={"application_name": application, "default_transaction_read_only": "on"},
            )
        except SecretUnavailable as error:
            log.error("no password for the target", target=route.name, reason=str(error))
            raise UpstreamUnavailable(f'the gateway has no password for target "{route.name}"') from None
        except CONNECTION_TROUBLE as error:
            raise unreachable(route, error) from None

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
