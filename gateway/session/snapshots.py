"""The newest snapshot of one target's catalog, and the judges that use it.

Refreshed on an interval, and at once when a session met a name that is not known. A snapshot that
could not be refreshed for longer than the stated bound judges nothing any more. A snapshot is good
for the sessions of one database of one cluster, wherever their hosts are, and for no others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final
from weakref import WeakValueDictionary

import structlog

from config.settings import Target
from gateway.channel import ChannelClosed, OversizedPacket
from gateway.session.catalog import load_catalog
from gateway.session.judge import DEFAULT_MEMORY, Judge
from gateway.session.reading import QuestionRefused, Reading
from gateway.session.route import Route
from gateway.session.upstream import Identity, Upstream, UpstreamUnavailable, dial, dial_again, still_fits
from masking.catalog import Catalog
from masking.policy import RolePolicy
from protocol.errors import ProtocolViolation

log = structlog.get_logger()

#: A snapshot is too old after this many missed refreshes.
MISSED_REFRESHES = 3
#: What a question on an open connection may come to.
TROUBLE = (QuestionRefused, ChannelClosed, OversizedPacket, ProtocolViolation, OSError, TimeoutError)

#: Verdicts are kept for each part of a role as for each role, in less room: there are more of them.
MEMORY_OF_A_PART: Final = DEFAULT_MEMORY // 16
#: Role, which part of it, version of the policy and what the settings add to it.
_Key = tuple[str, str, str, tuple[tuple[str, int], ...]]


class Snapshots:
    """Keeps one target's snapshot fresh."""

    def __init__(
        self,
        name: str,
        target: Target,
        clock: Callable[[], float],
        judging_took: Callable[[float], None] | None = None,
        connecting_took: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.route = Route.to(name, target)
        self._search_path = target.search_path
        self._interval = target.catalog_refresh_seconds
        self._clock = clock
        self._judging_took = judging_took
        self._connecting_took = connecting_took
        self._connection: Upstream | None = None
        self._catalog: Catalog | None = None
        self._identity: Identity | None = None
        self._taken_at = 0.0
        #: While a policy changes, sessions of both versions need theirs kept up to date. The same policy
        #: read again is the same.
        self._judges: dict[_Key, Judge] = {}
        #: Those of parts of roles, each for as long as a session has it: there may be as many as grants.
        self._of_parts: WeakValueDictionary[_Key, Judge] = WeakValueDictionary()
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
        return self._judge(policy)

    def _judge(self, policy: RolePolicy) -> Judge:
        key = (policy.role, policy.extent, policy.version, tuple(sorted(policy.ceilings.items())))
        kept = self._of_parts if policy.extent else self._judges
        judge = kept.get(key)
        if judge is None:
            assert self._catalog is not None
            memory = MEMORY_OF_A_PART if policy.extent else DEFAULT_MEMORY
            judge = kept[key] = Judge(policy, self._catalog, memory=memory, took=self._judging_took)
            judge.suspended = self.catalog is None
        return judge

    def _every_judge(self) -> list[Judge]:
        return [*self._judges.values(), *self._of_parts.values()]

    async def open(self, policy: RolePolicy, pins: Mapping[str, str]) -> tuple[Judge, Upstream]:
        """A session at the target, and the judge whose snapshot is of the same database there.
        Raises UpstreamUnavailable."""
        await self.judge(policy)
        started = self._clock()
        upstream = await dial(self.route, pins)
        self._connecting_took(self._clock() - started)
        try:
            if upstream.identity != self._identity:
                # The hosts, or who answers there, have changed since the snapshot was taken.
                log.warning("the target is another cluster than before", target=self.route.name)
                await self._refresh_anew()
                if upstream.identity != self._identity:
                    log.error("the hosts of the target are not of one cluster", target=self.route.name)
                    raise UpstreamUnavailable(
                        f'the hosts of target "{self.route.name}" are not of one cluster, or it is being replaced',
                        "57P03",
                    )
        except BaseException:
            upstream.channel.abort()
            raise
        # The snapshot may have become another database's meanwhile, and then this one's, with judges of its own.
        return self._judge(policy), upstream

    def judge_anew(self, former: Judge, policy: RolePolicy) -> Judge:
        """The judge of an open session after another policy came into force. A session at a database
        that the target is no longer stays without one."""
        if any(judge is former for judge in self._every_judge()):
            return self._judge(policy)
        nobody = Judge(policy, former.catalog)
        nobody.suspended = True
        return nobody

    def renew(self, route: Route, policies: Collection[str]) -> None:
        """Reach the target by this route from now on; what is open stays open. Nobody is judged by
        policies of other versions than these any more."""
        self.route = route
        self._judges = {key: judge for key, judge in self._judges.items() if judge.policy.version in policies}
        for key in [key for key, judge in self._of_parts.items() if judge.policy.version not in policies]:
            del self._of_parts[key]

    async def refresh(self) -> None:
        """Take a new snapshot now; callers at the same time share one. Raises UpstreamUnavailable."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._take())
        await asyncio.shield(self._refreshing)

    async def _refresh_anew(self) -> None:
        """The same over a new connection, chosen among the hosts as a session's is."""
        if self._refreshing is None or self._refreshing.done():
            self._drop_connection()
        await self.refresh()

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            if not self._every_judge():
                continue  # nobody has come yet; the first session takes its own snapshot
            try:
                await self.refresh()
            except UpstreamUnavailable as error:
                log.warning("catalog not refreshed", target=self.route.name, reason=error.message)

    async def end_backend(self, upstream: Upstream) -> None:
        """End a backend of the gateway's own login that did not leave when it was told to. On a
        connection of its own, to the very server that it runs at: elsewhere its number is somebody
        else's. Never raises."""
        try:
            cleaner = await dial_again(upstream, {"application_name": "pgcurfew/cleaner"})
            try:
                async with asyncio.timeout(self.route.timeout):
                    await Reading(cleaner.channel).execute(f"SELECT pg_catalog.pg_terminate_backend({upstream.pid:d})")
            finally:
                cleaner.close()
        except (UpstreamUnavailable, *TROUBLE) as error:
            log.warning("backend not ended", target=self.route.name, pid=upstream.pid, reason=type(error).__name__)

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
            async with asyncio.timeout(self.route.timeout + self._interval):
                connection = await self._connected()
                catalog = await load_catalog(Reading(connection.channel), self._search_path)
        except TROUBLE as error:
            self._drop_connection()
            log.warning("catalog cannot be read", target=self.route.name, reason=str(error) or type(error).__name__)
            raise UpstreamUnavailable(f'the catalog of target "{self.route.name}" cannot be read', "57P03") from None
        except BaseException:
            self._drop_connection()  # in the middle of an answer, perhaps
            raise
        if connection.identity != self._identity:
            # Sessions that are open at the database before are not judged by this one's picture.
            for judge in self._every_judge():
                judge.suspend()
            self._judges.clear()
            self._of_parts.clear()
            self._identity = connection.identity
        self._catalog = catalog
        self._taken_at = started
        if self._too_old is not None:
            self._too_old.cancel()
        left = max(0.0, started + self.bound - self._clock())
        self._too_old = asyncio.get_running_loop().call_later(left, self._outdated)
        for judge in self._every_judge():
            judge.adopt(catalog)

    async def _connected(self) -> Upstream:
        """The connection of the last time, if it is of use still, or a new one."""
        found = self._connection
        if found is not None and not found.channel.closed and await still_fits(found):
            return found
        self._drop_connection()
        pins = {"application_name": "pgcurfew/catalog", "client_encoding": "UTF8"}
        self._connection = await dial(self.route, pins)
        return self._connection

    def _outdated(self) -> None:
        """Open sessions may not be judged by what the database looked like long ago, either."""
        log.error("the snapshot of the catalog is too old, statements are refused", target=self.route.name)
        for judge in self._every_judge():
            judge.suspend()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.channel.abort()
            self._connection = None
