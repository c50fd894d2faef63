"""The control plane: who may have access, the API for people, and what an operator looks at. One in each gateway."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.secrets import SecretUnavailable
from config.settings import Settings
from gateway.access.clock import SteadyClock
from gateway.access.crowd import HouseLimits
from gateway.access.keys import KeyNotUsable
from gateway.access.service import Access
from gateway.access.tokens import TokenSigner
from gateway.admin import notices_api, sign_off_api
from gateway.admin.api import GatewayAddress, create_api
from gateway.admin.endpoints import Endpoint
from gateway.admin.front import Front, box_of, terms_of
from gateway.admin.health import create_metrics
from gateway.admin.live import Live, Open, live_endpoints
from gateway.admin.search import Search, search_endpoints
from gateway.admin.sessions import RecordReader
from gateway.alerts.desk import AlertDesk
from gateway.audit.facts import AccessChanged
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder
from gateway.credentials import Misconfigured, held_keys, take_certificate, web_context
from gateway.gauging import Gauging
from gateway.notices.announce import Announcer
from gateway.notices.desk import NoticeDesk
from gateway.notices.postman import Postman
from gateway.rules import Rules
from gateway.storage.access_store import StoredAccess
from gateway.storage.database import Database
from gateway.storage.outbox import StoredOutbox
from gateway.storage.sign_in_store import StoredSignIns
from gateway.storage.usage import StoredUsage
from gateway.web import WebServer

log = structlog.get_logger()

#: How often requests that expired and grants that ended are written down (seconds).
TIDY_SECONDS = 15
#: Whom the record names where a rule acted.
BY_RULE = "pgcurfew"

EndSession = Callable[[str, str, str], Awaitable[bool]]


class ControlPlane:
    """Access, its API, and the metrics. `serve` opens the ports."""

    def __init__(
        self,
        rules: Rules,
        signer: TokenSigner,
        database: Database,
        recorder: Recorder,
        metrics: Metrics,
        *,
        end_session: EndSession,
        trouble: Callable[[], str | None],
    ) -> None:
        """`end_session` ends one by its id, by whom and why; False when there is none. `trouble` says why
        nothing can be recorded."""
        self._rules = rules
        self._recorder = recorder
        self._metrics = metrics
        self._stack = contextlib.AsyncExitStack()
        self._web_tls: ssl.SSLContext | None = None
        self._clock = SteadyClock()
        self._announcer = Announcer(
            lambda: self._rules.settings.notices,
            lambda role: self._rules.policies.terms(role),
            lambda: self._rules.settings.api.public_url,
            self._clock,
        )
        self._database = database
        self._outbox = StoredOutbox(database)
        self._postman = Postman(self._outbox, rules.settings.notices, self._clock, metrics)
        self._gauging = Gauging(metrics.gauges, database, lambda: self._rules.settings, self._clock)
        self._notices = NoticeDesk(self._outbox, self._announcer, self._postman, self._clock)
        self._store = StoredAccess(database, self._announcer.around)
        self._held: Mapping[str, Ed25519PrivateKey] = {}
        self.access = Access(
            self._store,
            signer,
            self._clock,
            lambda role: self._rules.policies.terms(role),
            self._note,
            roles=lambda: self._rules.policies.roles,
            limits=_house_limits(rules.settings),
            held_keys=self._held_keys,
        )
        self.alerts = AlertDesk(
            rules.policies.file.alerts,
            StoredUsage(database),
            self._outbox,
            lambda: self._announcer.takers("alert"),
            _Powers(self.access, end_session),
            recorder.note,
            metrics,
            self._clock,
            trouble,
        )

        self._front = Front(
            self.access,
            StoredSignIns(database),
            self._clock,
            self._note,
            terms=terms_of(rules.settings),
            box=box_of(rules.settings),
            oidc=rules.settings.oidc,
            public_url=rules.settings.api.public_url,
        )

    async def serve(
        self,
        port: int,
        *,
        front: Open,
        trouble: Callable[[], str | None],
        gather: Callable[[], Awaitable[None]] | None = None,
    ) -> dict[str, int]:
        """Open the API and the metrics; the ports in use. `port` is where clients connect; `front` has the
        open sessions; `trouble` says why no statement could run now; `gather` brings the metrics up to date.
        Raises OSError."""
        settings = self._rules.settings
        api = create_api(
            self.access,
            address=GatewayAddress(_reached_at(settings), port),
            version=version("pgcurfew"),
            sessions=RecordReader(settings.record.directory),
            sign_ins=self._front.sign_ins,
            pages=self._front.pages,
            clock=self._clock,
            more=(
                *self._front.endpoints,
                *self._about_the_record(front),
                *notices_api.endpoints(self._notices),
                *sign_off_api.endpoints(self.access, lambda: self._rules.policies.version),
            ),
        )
        self._web_tls = web_context(settings)
        ports = {
            "api_port": await self._open(
                WebServer(api, settings.api.listen_host, settings.api.listen_port, self._web_tls)
            )
        }
        if settings.metrics.listen_port or settings.gateway.listen_port == 0:

            async def up_to_date() -> None:
                self._metrics.notices_waiting(await self._outbox.waiting())
                self._metrics.keys_believed(self.access.tokens.believed)
                await self._gauging.look(front)
                if gather is not None:
                    await gather()

            metrics = create_metrics(self._metrics, trouble, up_to_date)
            ports["metrics_port"] = await self._open(
                WebServer(metrics, settings.metrics.listen_host, settings.metrics.listen_port)
            )
        return ports

    async def catch_up(self) -> None:
        """Write down what ended while nothing ran, before anybody is let in."""
        await self.access.tidy()

    def _about_the_record(self, front: Open) -> tuple[Endpoint, ...]:
        directory = self._rules.settings.record.directory
        live = Live(front, directory, lambda role: self._rules.policies.terms(role), self._note)
        return (*live_endpoints(live), *search_endpoints(Search(directory, self._clock)))

    async def watch(self) -> None:
        """Until cancelled: what another gateway on the same store wrote reaches our sessions at once."""
        changed = asyncio.Event()

        async def look() -> None:
            while True:
                await changed.wait()
                changed.clear()
                try:
                    await self.access.look_again()
                except Exception:
                    # The periodic check of sessions ends those that cannot be confirmed.
                    log.exception("what another gateway wrote could not be read")

        async with asyncio.TaskGroup() as group:
            group.create_task(look())
            await self._database.watch(changed.set)

    async def tidy(self) -> None:
        """Until cancelled: write down what time has brought."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await self.access.tidy()
                await self._front.sign_ins.tidy()
                await self._tell_what_ends()
            except Exception:
                log.exception("what time has brought could not be written down; tried again soon")

    async def _tell_what_ends(self) -> None:
        seconds = self._rules.settings.notices.ending_seconds
        now = self._clock()
        ending = await self._store.ending_grants(now, now + timedelta(seconds=seconds))
        outgoing = self._announcer.ending(ending)
        if outgoing:
            await self._outbox.put(outgoing, now)

    async def mind_the_loop(self) -> None:
        """Until cancelled: measure how late the event loop is."""
        await self._gauging.mind_the_loop()

    async def send_notices(self) -> None:
        """Until cancelled: send what waits."""
        await self._postman.run()

    async def renew(self, rules: Rules, signer: TokenSigner) -> None:
        """Go on by these rules. Raises KeyNotUsable, StoreUnavailable, RecordUnavailable, and nothing has changed."""
        before, self._rules = self._rules, rules
        try:
            await self.access.tokens.take_keys()
        except BaseException:
            self._rules = before
            raise
        self.access.renew(signer, limits=_house_limits(rules.settings))
        self._postman.renew(rules.settings.notices)
        try:
            self._front.renew(rules.settings)
        except SecretUnavailable as error:  # it was there a moment ago
            log.error("people sign in as before", reason=str(error))
        self.alerts.renew(rules.policies.file.alerts)
        if self._web_tls is not None:
            try:
                take_certificate(self._web_tls, rules.settings)
            except (Misconfigured, OSError) as error:  # it was there a moment ago
                log.error("the API keeps its certificate", reason=str(error))

    async def close(self) -> None:
        await self._stack.aclose()

    def _held_keys(self) -> Mapping[str, Ed25519PrivateKey]:
        """Those of the last time, where a file has gone bad meanwhile: start and reload say so and refuse, and
        striking a key out must work whatever the files hold."""
        try:
            self._held = held_keys(self._rules.settings)
        except (KeyNotUsable, SecretUnavailable, OSError) as error:
            log.error("the keys that sign tokens cannot be read; those read before stay", reason=str(error))
        return self._held

    async def _open(self, web: WebServer) -> int:
        await web.start()
        self._stack.push_async_callback(web.close)
        return web.port

    def _note(self, fact: AccessChanged) -> None:
        self._recorder.note(fact)
        self._metrics.saw(fact)
        self._announcer.recorded(fact)
        self.alerts.changed(fact)


class _Powers:
    """What an alert rule may do, and to whom."""

    def __init__(self, access: Access, end_session: EndSession) -> None:
        self._access = access
        self._end_session = end_session

    async def end_session(self, session: str, reason: str) -> bool:
        return await self._end_session(session, BY_RULE, reason)

    async def lock_person(self, person: str, reason: str) -> bool:
        return await self._access.lock(person, by=BY_RULE, reason=reason)


def _house_limits(settings: Settings) -> HouseLimits:
    """The limits on sessions that hold whatever a role says; 0 in the settings is none."""
    limits = settings.limits
    return HouseLimits(
        per_grant=limits.sessions_per_grant,
        per_person=limits.sessions_per_person or None,
        per_minute=limits.connects_per_minute or None,
        per_target={name: target.sessions for name, target in settings.targets.items() if target.sessions},
    )


def _reached_at(settings: Settings) -> str:
    """The host name that people connect to. Certificates are issued to names, so where the gateway
    listens everywhere or on loopback only, it is the one of the API's own address."""
    host = settings.gateway.listen_host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not (address.is_unspecified or address.is_loopback):
        return host
    return urlsplit(settings.api.public_url).hostname or host
