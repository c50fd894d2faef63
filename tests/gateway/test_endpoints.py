"""Every endpoint by everybody: one row an endpoint, one column a kind of caller. An endpoint that is not
in the table fails the build, so nobody adds one without having said who may use it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.access import people
from gateway.access.keys import private_key
from gateway.access.sign_in import From
from gateway.access.sign_in_models import Identity, Kind
from gateway.access.terms import BreakGlass, Circle
from gateway.admin.endpoints import Endpoint
from gateway.audit.facts import SessionClosed, SessionOpened
from gateway.audit.index.indexing import bring_up_to_date
from gateway.audit.record import Recorder
from gateway.demo.certificates import signing_key
from gateway.session.view import LiveView
from tests.support.access import REASON, House, Served, serving
from tests.support.gateway import RunningGateway

#: The columns: anonymous; alice, who owns the thing; another engineer; a reviewer; an auditor; an administrator;
#: a service account in the engineers' group; a reviewer whose account is locked.
CALLERS = (None, "alice", "erin", "bob", "audrey", "adam", "robot", "carol")
LOCKED = "carol"

ASK = {"target": "shop", "role": "support", "reason": REASON, "seconds": 600}
DEVICE = ("/v1/sign-in/device", "/v1/sign-in/device/wait")
SAID = {"reason": "as the table says"}
EMERGENCY = {"target": "shop", "role": "support", "reason": "the shop is down"}
REVIEW = {"text": "looked at the orders table, rightly so"}
SECRETS = {"password": "correct horse battery", "code": "000000"}
GUESS = {"name": "alice", **SECRETS}


def new_credential() -> str:
    return people.credential_of(os.urandom(people.CREDENTIAL_BYTES))


async def nothing(served: Served) -> str:
    return ""


async def request_of_alice(served: Served) -> str:
    access = served.house.access
    return (await access.ask(await served.house.person("alice"), **ASK)).id  # type: ignore[arg-type]


async def grant_of_alice(served: Served) -> str:
    return await served.house.granted()


async def token_of_alice(served: Served) -> str:
    access, alice = served.house.access, await served.house.person("alice")
    return (await access.mint(alice, await served.house.granted())).token.id


async def a_key(served: Served) -> str:
    key_id = f"key-{secrets.token_hex(4)}"
    await served.house.add_key({}, key_id, signs_in=0)
    return key_id


async def emergency_of_alice(served: Served) -> str:
    """Taken while the policy let her."""
    house = served.house
    kept = house.roles["support"]
    house.roles["support"] = replace(kept, break_glass=BreakGlass(Circle(people=frozenset({"alice"})), 600))
    async with house.store.change() as change:
        for former in await change.open_emergencies():
            await change.review_emergency(former.grant, at=house.clock(), by="audrey", text="between two callers")
    request = await house.access.break_glass(await house.person("alice"), **EMERGENCY)
    house.roles["support"] = kept
    assert request.grant is not None
    return request.grant


async def session_of_alice(served: Served) -> str:
    if served.record.exists():
        return "s-alice"
    recorder = Recorder.open(served.record, signer=private_key(signing_key()), sealing="off", clock=served.house.clock)
    opened = SessionOpened(
        session="s-alice",
        person="alice",
        grant="grant_1",
        reason=REASON,
        approvers=("bob",),
        role="support",
        target="shop",
        database="shop",
        client="127.0.0.1:1",
        ends_at="",
        token="tok_1",
        policy_version="1",
        catalog_version="1",
    )
    recorder.open_session(opened).close(SessionClosed("client"))
    recorder.close()
    return "s-alice"


async def somebody(served: Served) -> str:
    """A person whom only the administrator has to do with; each time another one."""
    name = f"new{len(await served.house.store.people())}"
    async with served.house.store.change() as change:
        await people.add(change, by="test", name=name, groups=["engineers"], credential=new_credential())
    return name


async def locked_one(served: Served) -> str:
    name = await somebody(served)
    await served.house.lock(name)
    return name


async def linked_one(served: Served) -> str:
    name = await somebody(served)
    async with served.house.front.sign_ins.store.change() as change:
        await change.bind(Identity("https://idp.test", name), name, served.house.clock())
    return name


async def the_service(served: Served) -> str:
    return "robot"


async def sign_in_of_alice(served: Served) -> str:
    sign_ins = served.house.front.sign_ins
    alice = await served.house.person("alice")
    async with sign_ins.store.change() as change:
        signed_in = await sign_ins.open(change, alice, Kind.CLI, how="password", came=From("127.0.0.1", "127.0.0.1"))
    return signed_in.sign_in.id


async def open_session_of_alice(served: Served) -> str:
    session = await session_of_alice(served)
    served.open.views = [
        LiveView(
            session=session,
            person="alice",
            target="shop",
            role="support",
            grant="grant_1",
            client="127.0.0.1:1",
            since="2026-11-23T12:00:00.250000Z",
            ends_at="2026-11-23T13:00:00.000000Z",
            statements=3,
            refused=1,
            rows=42,
            running="select",
            running_seconds=1.5,
        )
    ]
    return session


async def index_of_the_record(served: Served) -> str:
    await session_of_alice(served)
    bring_up_to_date(served.record)
    return ""


async def a_dead_notice(served: Served) -> str:
    now = served.house.clock()
    await served.house.notices.test("webhook.ops", "ada")
    delivery = await served.house.outbox.claim("webhook.ops", now=now, until=now + timedelta(minutes=1))
    assert delivery is not None
    await served.house.outbox.gave_up(delivery.id, at=now, error="answered 500")
    return delivery.id


@dataclass(frozen=True)
class Row:
    """The statuses in the order of CALLERS; `subject` makes the thing that stands in the address."""

    statuses: str
    subject: Callable[[Served], Awaitable[str]] = nothing
    body: dict[str, Any] = field(default_factory=dict)
    query: str = ""

    def expected(self) -> dict[str | None, int]:
        statuses = [int(status) for status in self.statuses.split()]
        assert len(statuses) == len(CALLERS), "one status for each caller"
        return dict(zip(CALLERS, statuses, strict=True))


#                                             anonymous owner engineer reviewer auditor admin service locked
TABLE: dict[str, Row] = {
    "GET /healthz": Row("200 200 200 200 200 200 200 200"),
    "POST /v1/requests": Row("401 201 201 201 403 403 201 403", body=ASK),
    "GET /v1/requests": Row("401 200 200 200 200 200 200 403"),
    "GET /v1/requests/{id}": Row("401 200 404 200 200 200 404 403", request_of_alice),
    "POST /v1/requests/{id}/approve": Row("401 403 404 200 403 403 403 403", request_of_alice, SAID),
    "POST /v1/requests/{id}/deny": Row("401 403 404 200 403 403 403 403", request_of_alice, SAID),
    "POST /v1/requests/{id}/cancel": Row("401 200 404 403 403 403 404 403", request_of_alice),
    "POST /v1/requests/{id}/edit": Row("401 200 404 403 403 403 404 403", request_of_alice, {"seconds": 300}),
    "POST /v1/preview": Row("401 200 200 200 403 403 200 403", body={"target": "shop", "role": "support"}),
    "POST /v1/break-glass": Row("401 403 403 201 403 403 403 403", body=EMERGENCY),
    "GET /v1/emergencies": Row("401 200 200 200 200 200 200 403"),
    "GET /v1/grants": Row("401 200 200 200 200 200 200 403"),
    "GET /v1/grants/{id}": Row("401 200 404 200 200 200 404 403", grant_of_alice),
    "POST /v1/grants/{id}/extend": Row("401 201 404 403 403 403 404 403", grant_of_alice, {"seconds": 60, **SAID}),
    "POST /v1/grants/{id}/done": Row("401 200 404 403 403 403 404 403", grant_of_alice),
    "POST /v1/grants/{id}/review": Row("401 403 404 200 200 200 403 403", emergency_of_alice, REVIEW),
    "POST /v1/access-review/sign-off": Row(
        "401 403 403 200 403 200 403 403", body={"role": "support", "days": 90, "note": "as it should be"}
    ),
    "POST /v1/grants/{id}/revoke": Row("401 200 404 200 403 200 404 403", grant_of_alice, SAID),
    "POST /v1/grants/{id}/token": Row("401 201 404 403 403 403 404 403", grant_of_alice),
    "GET /v1/grants/{id}/tokens": Row("401 200 404 200 200 200 404 403", grant_of_alice),
    "GET /v1/tokens/{id}": Row("401 200 404 200 200 200 404 403", token_of_alice),
    "POST /v1/tokens/{id}/revoke": Row("401 200 404 200 403 200 404 403", token_of_alice, SAID),
    "POST /v1/keys/{id}/strike": Row("401 403 403 403 403 200 403 403", a_key, SAID),
    "GET /.well-known/jwks.json": Row("200 200 200 200 200 200 200 200"),
    "GET /v1/whoami": Row("401 200 200 200 200 200 200 403"),
    "GET /v1/targets": Row("401 200 200 200 200 200 200 403"),
    "GET /v1/sessions": Row("401 200 200 200 200 200 200 403"),
    "GET /v1/sign-in": Row("200 200 200 200 200 200 200 200"),
    "POST /v1/sign-in": Row("401 401 401 401 401 401 401 401", body=GUESS),
    "POST /v1/enrol/begin": Row("401 401 401 401 401 401 401 401", body={"invitation": "x"}),
    "POST /v1/enrol": Row("401 401 401 401 401 401 401 401", body={"invitation": "x", **SECRETS}),
    # No identity provider is set up in this table's gateway.
    "POST /v1/sign-in/device": Row("409 409 409 409 409 409 409 409"),
    "POST /v1/sign-in/device/wait": Row("409 409 409 409 409 409 409 409", body={"device": "x"}),
    # A long-lived credential is not signed out of.
    "POST /v1/sign-out": Row("401 409 409 409 409 409 409 403"),
    "GET /v1/sign-ins": Row("401 200 403 403 403 200 403 403", query="?person=alice"),
    "POST /v1/sign-ins/{id}/end": Row("401 200 403 403 403 200 403 403", sign_in_of_alice, query="?person=alice"),
    "GET /v1/people": Row("401 403 403 403 403 200 403 403"),
    "POST /v1/people": Row("401 403 403 403 403 201 403 403", body={"name": "zoe", "groups": ["engineers"]}),
    "GET /v1/people/{id}": Row("401 403 403 403 403 200 403 403", somebody),
    "POST /v1/people/{id}/groups": Row("401 403 403 403 403 200 403 403", somebody, {"groups": ["leads"]}),
    "POST /v1/people/{id}/lock": Row("401 403 403 403 403 200 403 403", somebody, SAID),
    "POST /v1/people/{id}/unlock": Row("401 403 403 403 403 200 403 403", locked_one, SAID),
    "POST /v1/people/{id}/invite": Row("401 403 403 403 403 201 403 403", somebody),
    "POST /v1/people/{id}/reset": Row("401 403 403 403 403 201 403 403", somebody),
    # No identity provider is set up in this table's gateway.
    "POST /v1/people/{id}/link": Row("401 403 403 403 403 409 403 403", somebody, {"subject": "a subject"}),
    "POST /v1/people/{id}/unlink": Row("401 403 403 403 403 200 403 403", linked_one),
    # The service account itself, by its long-lived credential, too.
    "POST /v1/people/{id}/token": Row(
        "401 403 403 403 403 201 201 403", the_service, {"seconds": 60, "scopes": ["see"]}
    ),
    "POST /v1/people/{id}/sign-out": Row("401 403 403 403 403 200 403 403", somebody),
    "GET /v1/sessions/live": Row("401 200 200 200 200 200 200 403", open_session_of_alice),
    "GET /v1/sessions/live/events": Row("401 200 200 200 200 200 200 403", open_session_of_alice),
    "GET /v1/sessions/live/{id}/events": Row("401 200 404 404 200 404 404 403", open_session_of_alice),
    "POST /v1/sessions/live/{id}/kill": Row("401 200 404 200 403 200 404 403", open_session_of_alice, SAID),
    "GET /v1/audit/search": Row("401 200 200 200 200 200 200 403", index_of_the_record),
    "GET /v1/notices": Row("401 403 403 403 403 200 403 403"),
    "POST /v1/notices/{id}/retry": Row("401 403 403 403 403 200 403 403", a_dead_notice),
    "POST /v1/notices/test": Row("401 403 403 403 403 202 403 403", body={"sink": "webhook.ops"}),
    "GET /v1/sessions/{id}": Row("401 200 404 404 200 404 404 403", session_of_alice),
}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with House.open(tmp_path / "store.db") as house:
        await house.populate()
        await house.add_service("robot")
        async with serving(house, tmp_path) as api:
            await house.lock(LOCKED)
            yield api


async def test_every_endpoint_stands_in_the_table(served: Served, gateway: RunningGateway) -> None:
    assert {f"{one.describes.method} {one.describes.path}" for one in served.endpoints} == set(TABLE)
    async with httpx.AsyncClient(verify=gateway.tls, trust_env=False) as client:
        described = (await client.get(f"https://localhost:{gateway.stage.ports.api}/v1/openapi.json")).json()
    running = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    assert running == set(TABLE)


@pytest.mark.parametrize("endpoint", TABLE)
async def test_each_endpoint_by_each_caller(served: Served, endpoint: str) -> None:
    method, path = endpoint.split()
    row = TABLE[endpoint]
    got = {}
    for caller in CALLERS:
        served.house.clock.move(hours=25)
        subject = await row.subject(served)
        async with served.client(caller) as client:
            response = await client.request(
                method, path.replace("{id}", subject) + row.query, json=row.body if method == "POST" else None
            )
        got[caller] = response.status_code
        if response.status_code >= 400:
            assert set(response.json()) == {"error", "hint", "cause"}, response.text
    assert got == row.expected()


async def test_only_the_listed_few_answer_without_a_sign_in(served: Served) -> None:
    """By kind, not by trying: what is no open endpoint asks who calls before it looks at anything."""
    open_ = {one.describes.path for one in served.endpoints if not isinstance(one, Endpoint)}
    assert open_ == {"/healthz", "/.well-known/jwks.json", "/v1/sign-in", "/v1/enrol/begin", "/v1/enrol", *DEVICE}
