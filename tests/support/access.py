"""A store, the access service over it, and a clock that tests turn."""

from __future__ import annotations

import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.notices import Notices
from config.oidc import Oidc
from config.store import Store
from gateway.access import people, rotation
from gateway.access.crowd import HouseLimits
from gateway.access.keys import KeyRing, private_key, public_text
from gateway.access.models import GrantEnded, Person, RoleTerms
from gateway.access.service import Access
from gateway.access.sign_in_models import SignInTerms
from gateway.access.terms import BreakGlass, Circle
from gateway.access.tokens import TokenSigner
from gateway.access.totp import SecretBox
from gateway.admin import notices_api, sign_off_api
from gateway.admin.api import GatewayAddress, create_api
from gateway.admin.endpoints import Endpoint, OpenEndpoint
from gateway.admin.front import Front
from gateway.admin.live import Live, live_endpoints
from gateway.admin.search import Search, search_endpoints
from gateway.admin.sessions import RecordReader
from gateway.audit.facts import AccessChanged
from gateway.audit.metrics import Metrics
from gateway.demo.certificates import Authority, signing_key, write_private
from gateway.notices.announce import Announcer
from gateway.notices.desk import NoticeDesk
from gateway.notices.postman import Postman
from gateway.session.view import LiveView
from gateway.storage.access_store import StoredAccess
from gateway.storage.database import Database
from gateway.storage.opening import open_database
from gateway.storage.outbox import StoredOutbox
from gateway.storage.sign_in_store import StoredSignIns
from gateway.storage.sqlite import SqliteDatabase
from gateway.web import WebServer

START = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
REASON = "ticket 4711: a customer cannot pay"

ROLES = {
    "support": RoleTerms(
        role="support",
        targets=frozenset({"shop", "archive"}),
        max_seconds=3600,
        approver_groups=frozenset({"leads"}),
        requester_groups=frozenset({"engineers", "leads"}),
        sessions=2,
        break_glass=BreakGlass(Circle(frozenset({"leads"}), frozenset()), 900),
    ),
    "operator": RoleTerms(
        role="operator",
        targets=frozenset({"shop"}),
        max_seconds=7200,
        approver_groups=frozenset({"leads", "dbas"}),
        requester_groups=frozenset(),
        approvals=2,
        reason_pattern=r"\bOPS-\d+\b",
    ),
    "orphan": RoleTerms(
        role="orphan",
        targets=frozenset({"shop"}),
        max_seconds=7200,
        approver_groups=frozenset(),
        requester_groups=frozenset(),
    ),
}

#: Who there is, with their groups.
PEOPLE = {
    "alice": {"engineers"},
    "erin": {"engineers"},
    "bob": {"leads"},
    "carol": {"leads", "dbas"},
    "dave": {"dbas"},
    "adam": {"admins"},
    "audrey": {"auditors"},
    "mallory": set(),
}


class Clock:
    """Time stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **amount: float) -> None:
        self.now += timedelta(**amount)


class RecordFull(Exception):
    """The record cannot be written."""


class House:
    """The access service with everything it needs, and what it said to whom."""

    def __init__(self, database: Database, roles: dict[str, RoleTerms], clock: Clock, oidc: Oidc | None = None) -> None:
        self.clock = clock
        self.roles = roles
        self.database = database
        self.store = StoredAccess(database)
        self.signer = TokenSigner("https://gate.test", "gate", KeyRing.from_pem(signing_key(), key_id="k1"))
        self.facts: list[AccessChanged] = []
        self.told: list[GrantEnded] = []
        self.record_full = False
        self.credentials: dict[str, str] = {}
        self.access = Access(
            self.store,
            self.signer,
            clock,
            self.roles.get,
            self.record,
            roles=lambda: tuple(self.roles),
            limits=HouseLimits(per_grant=5),
        )
        self.access.subscribe(self.told.append)
        self.box = SecretBox(b"k" * 32)
        self.front = Front(
            self.access,
            StoredSignIns(database),
            clock,
            self.record,
            terms=SignInTerms(),
            box=self.box,
            oidc=oidc,
            public_url="https://gate.test",
        )
        self.outbox = StoredOutbox(database)
        sinks = {"webhook": {"ops": {"url": "http://127.0.0.1:9/hook", "secret": "env:HOOK_KEY"}}}
        settings = Notices.model_validate(sinks)
        announcer = Announcer(lambda: settings, self.roles.get, lambda: "https://gate.test", clock)
        postman = Postman(self.outbox, settings, clock, Metrics())
        self.notices = NoticeDesk(self.outbox, announcer, postman, clock)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, where: Path | Store, *, roles: dict[str, RoleTerms] | None = None, oidc: Oidc | None = None
    ) -> AsyncIterator[House]:
        database = await open_database(where)
        try:
            yield cls(database, dict(ROLES if roles is None else roles), Clock(), oidc)
        finally:
            await database.close()

    async def add_service(self, name: str = "robot", groups: frozenset[str] = frozenset({"engineers"})) -> None:
        """A service account with a long-lived credential."""
        self.credentials[name] = people.credential_of(secrets.token_bytes(32))
        async with self.store.change() as change:
            await people.add(
                change, by="test", name=name, groups=groups, credential=self.credentials[name], service=True
            )

    async def lock(self, name: str) -> None:
        async with self.store.change() as change:
            await change.set_locked(name, True)

    async def populate(self, everybody: dict[str, set[str]] | None = None) -> None:
        async with self.store.change() as change:
            for name, groups in (PEOPLE if everybody is None else everybody).items():
                self.credentials[name] = people.credential_of(secrets.token_bytes(32))
                await people.add(change, by="test", name=name, groups=groups, credential=self.credentials[name])

    async def person(self, name: str) -> Person:
        found = await self.store.person(name)
        assert found is not None
        return found

    async def granted(self, who: str = "alice", *, by: str = "bob", target: str = "shop", seconds: int = 600) -> str:
        """The id of a new grant of the role "support"."""
        person = await self.person(who)
        request = await self.access.ask(person, target=target, role="support", reason=REASON, seconds=seconds)
        request = await self.access.approve(await self.person(by), request.id)
        assert request.grant is not None
        return request.grant

    async def token(self, who: str = "alice", **options: object) -> str:
        """A token for a new grant."""
        grant = await self.granted(who, **options)  # type: ignore[arg-type]
        return (await self.access.mint(await self.person(who), grant)).text

    def with_keys(self, *key_ids: str) -> dict[str, Ed25519PrivateKey]:
        """Have the service take its keys from the store and from what this gives, as the gateway does from files."""
        held = {key_id: private_key(signing_key()) for key_id in key_ids}
        self.access = Access(
            self.store,
            self.signer,
            self.clock,
            self.roles.get,
            self.record,
            roles=lambda: tuple(self.roles),
            limits=HouseLimits(per_grant=5),
            held_keys=lambda: held,
        )
        self.access.subscribe(self.told.append)
        return held

    async def add_key(
        self, held: dict[str, Ed25519PrivateKey], key_id: str, *, signs_in: float, hand_over: bool = True
    ) -> None:
        """As `pgcurfew keys rotate` does: a private key in a file, its public half in the store."""
        held[key_id] = private_key(signing_key())
        now = self.clock()
        async with self.store.change() as change:
            fact = await rotation.add(
                change,
                by="host:root",
                key_id=key_id,
                public=public_text(held[key_id].public_key()),
                now=now,
                signs_from=now + timedelta(seconds=signs_in),
            )
            if hand_over:
                await change.hand_over(fact)

    async def everything(self) -> list[tuple[object, ...]]:
        """Every row of every table that the store has."""
        on_file = isinstance(self.database, SqliteDatabase)
        names = await self.database.read(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            if on_file
            else "SELECT relname AS name FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        tables = [row["name"] for row in names]
        rows = [(name, row) for name in tables for row in await self.database.read(f'SELECT * FROM "{name}"')]
        return sorted(((name, *row) for name, row in rows), key=repr)

    def recorded(self) -> list[str]:
        return [fact.what for fact in self.facts]

    def record(self, fact: AccessChanged) -> None:
        if self.record_full:
            raise RecordFull
        self.facts.append(fact)


class OpenSessions:
    """Open sessions, as a data plane would tell of them."""

    def __init__(self) -> None:
        self.views: list[LiveView] = []
        self.killed: list[tuple[str, str, str]] = []

    async def live(self) -> list[LiveView]:
        return self.views

    async def end_session(self, session: str, by: str, reason: str) -> bool:
        self.killed.append((session, by, reason))
        return any(view.session == session for view in self.views)


class Served:
    """The API over a house, on a port of this machine with a certificate of its own."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.record = folder / "record"
        self.url = ""
        #: The clock of the limit on failed sign-ins.
        self.ticks = 0.0
        #: The sessions that are open, and what ended which of them.
        self.open = OpenSessions()
        #: Every endpoint that is served.
        self.endpoints: tuple[Endpoint | OpenEndpoint, ...] = ()

    def client(self, name: str | None = None, *, credential: str | None = None) -> httpx.AsyncClient:
        """A client signed in as `name`, with a credential of the test's own, or not at all."""
        held = self.house.credentials[name] if name is not None else credential
        headers = {} if held is None else {"Authorization": f"Bearer {held}"}
        context = ssl.create_default_context(cafile=str(self.ca))
        return httpx.AsyncClient(base_url=self.url, verify=context, headers=headers, trust_env=False)


@contextlib.asynccontextmanager
async def serving(house: House, folder: Path, *, address: GatewayAddress | None = None) -> AsyncIterator[Served]:
    """The API of `house` over HTTPS, as the gateway serves it."""
    served = Served(house, folder)
    authority = Authority.create("test authority")
    issued = authority.issue_for_localhost("localhost")
    served.ca.write_bytes(authority.pem)
    (folder / "server.pem").write_bytes(issued.certificate)
    write_private(folder / "server.key", issued.private_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    api = create_api(
        house.access,
        address=address or GatewayAddress("localhost", 6432),
        version="test",
        sessions=RecordReader(served.record),
        clock=house.clock,
        monotonic=lambda: served.ticks,
        sign_ins=house.front.sign_ins,
        more=(
            *house.front.endpoints,
            *live_endpoints(Live(served.open, served.record, house.roles.get, house.record, stream_seconds=0.1)),
            *search_endpoints(Search(served.record, house.clock)),
            *notices_api.endpoints(house.notices),
            *sign_off_api.endpoints(house.access, lambda: "one"),
        ),
        pages=house.front.pages,
    )
    served.endpoints = api.state.endpoints
    web = WebServer(api, "127.0.0.1", 0, context)
    await web.start()
    served.url = f"https://localhost:{web.port}"
    try:
        yield served
    finally:
        await web.close()
