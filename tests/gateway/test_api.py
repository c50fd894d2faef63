"""The HTTPS API over a real socket: who gets in, who may do what, and what it makes of bad input."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.store import Store
from gateway.access import people
from gateway.access.keys import private_key
from gateway.admin.endpoints import BODY_LIMIT, Endpoint
from gateway.audit.facts import SessionClosed, SessionOpened
from gateway.audit.record import Recorder
from gateway.demo.certificates import signing_key
from tests.support.access import REASON, House, Served, serving

ASK = {"target": "shop", "role": "support", "reason": REASON, "seconds": 600}


@pytest.fixture
async def served(store: Store, tmp_path: Path) -> AsyncIterator[Served]:
    async with House.open(store) as house:
        await house.populate()
        async with serving(house, tmp_path) as api:
            yield api


@pytest.fixture(scope="module")
async def unchanged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One for all tests of what changes nothing."""
    folder = tmp_path_factory.mktemp("api")
    async with House.open(folder / "store.db") as house:
        await house.populate()
        async with serving(house, folder) as api:
            yield api


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error", "hint", "cause"}
    assert body["error"]
    assert response.headers["cache-control"] == "no-store"
    return dict(body)


async def test_from_request_to_revocation(served: Served) -> None:
    async with served.client("alice") as alice, served.client("bob") as bob:
        response = await alice.post("/v1/requests", json=ASK)
        assert response.status_code == 201
        request = response.json()
        assert (request["state"], request["person"], request["reason"]) == ("pending", "alice", REASON)
        assert [one["id"] for one in (await bob.get("/v1/requests")).json()["requests"]] == [request["id"]]
        own = await alice.post(f"/v1/requests/{request['id']}/approve")
        assert "own request" in refused(own, 403)["error"]
        approved = (await bob.post(f"/v1/requests/{request['id']}/approve", json={"reason": "fine"})).json()
        assert approved["decisions"][0]["by"] == "bob"
        grant = (await alice.get(f"/v1/grants/{approved['grant']}")).json()
        assert (grant["state"], grant["approvers"]) == ("active", ["bob"])
        minted = (await alice.post(f"/v1/grants/{grant['id']}/token", json={"seconds": 60})).json()
        admission = await served.house.access.admit(minted["token"], user="alice", database="shop", client="x")
        assert admission.token_id == minted["id"]
        assert datetime.fromisoformat(minted["ends_at"]) <= datetime.fromisoformat(grant["ends_at"])
        revoked = await bob.post(f"/v1/grants/{grant['id']}/revoke", json={"reason": "that will do"})
        assert (revoked.json()["state"], revoked.json()["revoked_by"]) == ("revoked", "bob")
        assert refused(await alice.post(f"/v1/grants/{grant['id']}/token"), 409)["cause"] == "grant-revoked"
        assert (await alice.get("/v1/grants")).json() == {"grants": []}
        assert len((await alice.get("/v1/grants?all=true")).json()["grants"]) == 1


async def test_without_a_credential_only_health_and_the_description_are_served(unchanged: Served) -> None:
    unchanged.ticks += 61
    async with unchanged.client() as nobody, unchanged.client(credential=people.credential_of(b"x" * 32)) as stranger:
        assert (await nobody.get("/healthz")).json() == {"status": "ok", "version": "test"}
        assert (await nobody.get("/v1/openapi.json")).status_code == 200
        for endpoint in unchanged.endpoints:
            if not isinstance(endpoint, Endpoint):
                continue
            path = endpoint.describes.path.replace("{id}", "x")
            response = await nobody.request(endpoint.describes.method, path)
            assert refused(response, 401)["cause"] == "not-signed-in"
            assert "Bearer" in response.headers["www-authenticate"]
        assert refused(await nobody.get("/v1/no-such-thing"), 401)
        assert refused(await stranger.get("/v1/whoami"), 401)["cause"] == "credential"


BAD_CREDENTIALS = {
    "another scheme": "Basic YWxpY2U6eA==",
    "empty": "Bearer",
    "SQL": "Bearer ' OR '1'='1",
    "only the prefix": "Bearer pgc_",
    "the digest": "digest",
    "too long": "Bearer pgc_" + "a" * 5000,
}


@pytest.mark.parametrize("case", BAD_CREDENTIALS)
async def test_a_bad_credential_opens_nothing(unchanged: Served, case: str) -> None:
    unchanged.ticks += 61
    value = BAD_CREDENTIALS[case]
    if value == "digest":
        digest = people.digest_of(unchanged.house.credentials["alice"])
        assert digest is not None
        value = f"Bearer {digest.hex()}"
    async with unchanged.client() as client:
        refused(await client.get("/v1/whoami", headers={"Authorization": value}), 401)
        good = f"Bearer {unchanged.house.credentials['alice']}"
        twice = [("Authorization", value), ("Authorization", good)]
        refused(await client.get("/v1/whoami", headers=twice), 401)
        refused(await client.get("/v1/whoami", headers=list(reversed(twice))), 401)


async def test_sign_ins_and_refusals_are_recorded_and_limited(served: Served) -> None:
    async with served.client("alice") as alice, served.client(credential="guess") as guesser:
        for _ in range(3):
            assert (await alice.get("/v1/whoami")).json() == {"name": "alice", "groups": ["engineers"]}
        assert served.house.recorded().count("signed-in") == 1
        for _ in range(20):
            refused(await guesser.get("/v1/whoami"), 401)
        assert refused(await guesser.get("/v1/whoami"), 429)["hint"] == "wait 61 seconds"
        assert served.house.recorded().count("sign-in-refused") == 20
        assert (await alice.get("/v1/whoami")).status_code == 200
        served.ticks += 61
        refused(await guesser.get("/v1/whoami"), 401)
        assert "guess" not in repr(served.house.facts)


async def test_a_locked_person_is_refused_at_once(served: Served) -> None:
    async with served.client("alice") as alice:
        assert (await alice.get("/v1/whoami")).status_code == 200
        adam = await served.house.person("adam")
        await served.house.access.set_locked(adam, "alice", locked=True, reason="left")
        assert refused(await alice.get("/v1/whoami"), 403)["cause"] == "person-locked"


def _session(served: Served, session: str, person: str) -> None:
    recorder = Recorder.open(served.record, signer=private_key(signing_key()), sealing="off", clock=served.house.clock)
    fact = SessionOpened(
        session=session,
        person=person,
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
    recorder.open_session(fact).close(SessionClosed("client"))
    recorder.close()


async def test_sessions_are_ones_own_or_an_auditors(served: Served) -> None:
    _session(served, "s-alice", "alice")
    async with served.client("alice") as alice, served.client("bob") as bob, served.client("audrey") as audrey:
        listed = (await alice.get("/v1/sessions")).json()["sessions"]
        assert [(one["session"], one["cause"]) for one in listed] == [("s-alice", "client")]
        assert (await bob.get("/v1/sessions?person=alice")).json() == {"sessions": []}
        assert len((await audrey.get("/v1/sessions?person=alice")).json()["sessions"]) == 1
        events = (await alice.get("/v1/sessions/s-alice")).json()["events"]
        assert [event["type"] for event in events] == ["SessionOpened", "SessionClosed"]
        refused(await alice.get("/v1/sessions/s-"), 404)
        refused(await audrey.get("/v1/sessions/..%2F..%2Fledger"), 404)


BAD_BODIES: dict[str, tuple[dict[str, Any], int]] = {
    "not JSON": ({"content": "{", "headers": {"Content-Type": "application/json"}}, 422),
    "a form": ({"data": {"target": "shop"}}, 415),
    "no type": ({"content": json.dumps(ASK)}, 415),
    "a list": ({"json": [ASK]}, 422),
    "nothing": ({}, 422),
    "too large": ({"json": {**ASK, "reason": "x" * BODY_LIMIT}}, 413),
    "deep": ({"content": "[" * 20_000, "headers": {"Content-Type": "application/json"}}, 422),
    "an unknown field": ({"json": {**ASK, "approvers": ["alice"]}}, 422),
    "seconds as text": ({"json": {**ASK, "seconds": "600"}}, 422),
    "seconds as float": ({"json": {**ASK, "seconds": 600.5}}, 422),
    "seconds without end": ({"json": {**ASK, "seconds": 10**30}}, 422),
    "not a number": (
        {"content": json.dumps(ASK | {"seconds": float("nan")}), "headers": {"Content-Type": "application/json"}},
        422,
    ),
    "no seconds": ({"json": {**ASK, "seconds": 0}}, 422),
    "no reason": ({"json": {**ASK, "reason": ""}}, 422),
    "a blank reason": ({"json": {**ASK, "reason": "   "}}, 422),
    "an escape in the reason": ({"json": {**ASK, "reason": "a good reason \x1b]0;owned\x07"}}, 422),
    "half a character": (
        {"content": json.dumps(ASK).replace("4711", "\\ud800"), "headers": {"Content-Type": "application/json"}},
        422,
    ),
    "NUL": ({"json": {**ASK, "reason": "a good reason\x00"}}, 422),
    "an unknown role": ({"json": {**ASK, "role": "'; DROP TABLE grants; --"}}, 404),
    "an unknown target": ({"json": {**ASK, "target": "payroll"}}, 422),
}


@pytest.mark.parametrize("case", BAD_BODIES)
async def test_a_bad_body_is_refused_and_changes_nothing(unchanged: Served, case: str) -> None:
    options, status = BAD_BODIES[case]
    async with unchanged.client("alice") as alice:
        error = refused(await alice.post("/v1/requests", **options), status)
        assert "x" * 100 not in error["error"]
        assert (await alice.get("/v1/requests?all=true")).json() == {"requests": []}


async def test_bad_addresses_are_answered_in_json(unchanged: Served) -> None:
    async with unchanged.client("audrey") as audrey:
        refused(await audrey.get("/v1/nothing"), 404)
        not_allowed = await audrey.put("/v1/requests")
        refused(not_allowed, 405)
        assert set(not_allowed.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
        refused(await audrey.get("/v1/requests/' OR 1=1"), 404)
        for query in ("limit=0", "limit=-1", "limit=1001", "limit=x", "limit=１", "all=1"):
            refused(await audrey.get(f"/v1/requests?{query}"), 422)


async def test_what_cannot_be_recorded_is_refused(served: Served) -> None:
    from gateway.audit.journal import RecordUnavailable

    async with served.client("alice") as alice:
        assert (await alice.get("/v1/whoami")).status_code == 200

        def full(fact: object) -> None:
            raise RecordUnavailable("no space left")

        served.house.access._office.record = full
        assert refused(await alice.post("/v1/requests", json=ASK), 503)["cause"] == "record"
        assert (await alice.get("/v1/requests")).json() == {"requests": []}


async def test_targets_are_what_one_may_ask_for(unchanged: Served) -> None:
    async with unchanged.client("alice") as alice, unchanged.client("mallory") as mallory:
        found = (await alice.get("/v1/targets")).json()
        assert (found["host"], found["port"]) == ("localhost", 6432)
        offered = {one["name"]: [role["role"] for role in one["roles"]] for one in found["targets"]}
        assert offered == {"archive": ["support"], "shop": ["operator", "support"]}
        offered = {
            one["name"]: [role["role"] for role in one["roles"]]
            for one in (await mallory.get("/v1/targets")).json()["targets"]
        }
        assert offered == {"shop": ["operator"]}


async def test_the_description_is_whole(unchanged: Served) -> None:
    async with unchanged.client() as nobody:
        described = (await nobody.get("/v1/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    operations = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert operations == {(one.describes.method, one.describes.path) for one in unchanged.endpoints}
    for methods in described["paths"].values():
        for operation in methods.values():
            assert all(
                {"application/json", "text/event-stream"} & set(one["content"])
                for one in operation["responses"].values()
            )
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert named <= set(described["components"]["schemas"])
    assert described["components"]["schemas"]["AskBody"]["additionalProperties"] is False


async def test_plain_http_is_no_way_in(unchanged: Served) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.HTTPError):
            await client.get(unchanged.url.replace("https", "http") + "/healthz")
