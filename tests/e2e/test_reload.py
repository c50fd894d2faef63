"""SIGHUP: what is read again holds for everybody at once, and nobody is dropped who need not be."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
from collections.abc import Callable
from urllib.request import urlopen

import asyncpg
import jwt
import psycopg
import pytest

from gateway.audit.replay import list_sessions
from gateway.demo.certificates import Authority, signing_key
from gateway.demo.process import GatewayFailedError
from protocol.frontend import Query
from tests.e2e.test_curfew import wait_until
from tests.support.gateway import RunningGateway
from tests.support.wire import RawClient, encrypted

COUNTRY = "SELECT country FROM customers WHERE id = 1"
CITY = "SELECT city FROM customers WHERE id = 1"


def metrics(gateway: RunningGateway) -> str:
    with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", timeout=10) as response:
        return response.read().decode()


def counted(gateway: RunningGateway, outcome: str) -> float:
    found = re.search(rf'pgcurfew_reloads_total{{outcome="{outcome}"}} (\S+)', metrics(gateway))
    return float(found[1]) if found else 0.0


def reloads(gateway: RunningGateway, outcome: str = "done") -> None:
    """SIGHUP, and until it has come out so."""
    before = counted(gateway, outcome)
    gateway.stage.gateway.send(signal.SIGHUP)
    wait_until(f"the reload is {outcome}", lambda: counted(gateway, outcome) == before + 1)


def policy_says(gateway: RunningGateway, change: Callable[[str], str]) -> str:
    """Change the policy file; gives back what it was."""
    before = gateway.stage.policy.read_text()
    after = change(before)
    assert after != before
    gateway.stage.policy.write_text(after)
    return before


def hides_cities(policy: str) -> str:
    return policy.replace('city = "clear"', 'city = "null"', 1)


def api_answers(gateway: RunningGateway, trusting: ssl.SSLContext) -> bool:
    with urlopen(f"https://localhost:{gateway.stage.ports.api}/healthz", timeout=10, context=trusting) as answer:
        return answer.status == 200


def control_log(gateway: RunningGateway) -> str:
    return "".join(path.read_text() for path in sorted(gateway.stage.record.glob("control/*/*/*/*.jsonl")))


async def test_an_open_session_is_judged_by_the_new_policy_from_its_next_statement_on(
    own_gateway: RunningGateway,
) -> None:
    gateway = own_gateway
    connection = await gateway.connect(gateway.give())
    prepared = await connection.prepare(CITY)
    assert await prepared.fetchval() is not None
    policy_says(gateway, hides_cities)
    await asyncio.to_thread(reloads, gateway)
    # What was prepared before is not what would be prepared now; drivers know what to do about it.
    with pytest.raises(asyncpg.InvalidCachedStatementError):
        await prepared.fetchval()
    assert await connection.fetchval(CITY) is None
    assert await connection.fetchval(COUNTRY) is not None
    policy_says(gateway, lambda policy: policy.replace('country = "clear"', 'country = "null"', 1))
    await asyncio.to_thread(reloads, gateway)
    # asyncpg keeps what it prepared behind fetchval, and prepares it again when told so.
    assert await connection.fetchval(COUNTRY) is None
    assert await connection.fetchval("SELECT segment FROM customers WHERE id = 1") is not None
    await connection.close()

    (session,) = list_sessions(gateway.stage.record)
    shown = gateway.pgcurfew(None, "replay", session.session, "--config", str(gateway.stage.settings))
    assert "another policy is in force" in shown.text
    versions = re.findall(r'"type":"PolicyLoaded","policy_version":"(\w+)","before":"(\w+)"', control_log(gateway))
    assert len(versions) == 2
    assert versions[0][0] == versions[1][1] != versions[1][0]
    assert f'pgcurfew_policy_info{{version="{versions[1][0]}"}} 1.0' in metrics(gateway)


def test_a_cursor_of_the_policy_before_does_not_go_on(own_gateway: RunningGateway) -> None:
    gateway, given = own_gateway, own_gateway.give()
    with psycopg.connect(gateway.conninfo(given), password=given.token) as connection:
        connection.execute("DECLARE held CURSOR FOR SELECT city FROM customers ORDER BY id")
        assert connection.execute("FETCH held").fetchone() is not None
        policy_says(gateway, hides_cities)
        reloads(gateway)
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan"):
            connection.execute("FETCH held")
        connection.rollback()
        assert connection.execute(CITY).fetchone() == (None,)


async def test_a_session_whose_role_is_gone_ends_and_others_stay(own_gateway: RunningGateway) -> None:
    gateway = own_gateway
    bystander = await gateway.connect(gateway.give())
    given = gateway.give("bench", target="bench")
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "bench"})
        policy_says(gateway, lambda policy: policy.replace("roles.bench", "roles.other"))
        await asyncio.to_thread(reloads, gateway)
        *_, fatal = client.until_closed()
        assert fatal.fields["C"] == "57P01"
        assert "no longer gives the role" in fatal.fields["M"]
    assert await bystander.fetchval("SELECT 1") == 1
    await bystander.close()
    assert {one.role: one.cause for one in list_sessions(gateway.stage.record)}["bench"] == "policy"


@pytest.mark.parametrize("broken", ['targets = ["nowhere"]', 'targets = "shop'])
async def test_a_policy_with_a_mistake_leaves_the_old_one_in_force(own_gateway: RunningGateway, broken: str) -> None:
    gateway = own_gateway
    connection = await gateway.connect(gateway.give())
    policy_says(gateway, lambda policy: hides_cities(policy).replace('targets = ["shop"]', broken, 1))
    await asyncio.to_thread(reloads, gateway, "refused")
    assert await connection.fetchval(CITY) is not None
    await connection.close()
    assert "settings not reloaded" in gateway.log
    assert re.search(
        r'"type":"SettingsReloaded","outcome":"refused","problems":\["[^"]*policy\.toml:', control_log(gateway)
    )


async def test_a_new_certificate_is_for_whoever_comes_now(own_gateway: RunningGateway) -> None:
    gateway = own_gateway
    before = await gateway.connect(gateway.give())
    authority = Authority.create("another authority")
    issued = authority.issue_for_localhost("the gateway, renewed")
    tls = gateway.stage.folder / "tls"
    (tls / "server.crt").write_bytes(issued.certificate)
    (tls / "server.key").write_bytes(issued.private_key)
    given = gateway.give()
    await asyncio.to_thread(reloads, gateway)
    with pytest.raises(ssl.SSLCertVerificationError):
        encrypted(gateway.port, gateway.tls).close()
    trusting = ssl.create_default_context(cadata=authority.pem.decode())
    with RawClient(encrypted(gateway.port, trusting)) as client:
        client.log_in(given.token, {"user": "alice", "database": "shop"})
        assert not client.refusal
    assert await before.fetchval("SELECT 1") == 1
    await before.close()
    assert await asyncio.to_thread(api_answers, gateway, trusting)


async def test_a_certificate_that_is_not_its_keys_changes_nothing(own_gateway: RunningGateway) -> None:
    gateway = own_gateway
    other = Authority.create("another authority").issue_for_localhost("the gateway, renewed")
    (gateway.stage.folder / "tls" / "server.crt").write_bytes(other.certificate)
    policy_says(gateway, hides_cities)
    await asyncio.to_thread(reloads, gateway, "refused")
    connection = await gateway.connect(gateway.give())
    assert await connection.fetchval(CITY) is not None
    await connection.close()


async def test_another_key_signs_and_tokens_of_the_one_before_are_believed_until_they_end(
    own_gateway: RunningGateway,
) -> None:
    gateway, given = own_gateway, own_gateway.give()
    before = await gateway.connect(given)
    (gateway.stage.folder / "keys" / "tokens.pem").write_bytes(signing_key())
    settings = gateway.stage.settings
    settings.write_text(settings.read_text().replace('key_id = "demo-1"', 'key_id = "demo-2"'))
    await asyncio.to_thread(reloads, gateway)
    between = await gateway.connect(given)
    assert await between.fetchval("SELECT 1") == 1
    await between.close()
    with gateway.api("alice") as api:
        fresh = api.post("grants", given.grant, "token")["token"]
    assert [jwt.get_unverified_header(one)["kid"] for one in (given.token, fresh)] == ["demo-1", "demo-2"]
    after = await gateway.connect(given, password=fresh)
    assert await after.fetchval("SELECT 1") == await before.fetchval("SELECT 1") == 1
    await before.close()
    await after.close()
    assert '"changed":["tokens.key_id","tokens.signing_key"]' in control_log(gateway)


async def test_what_needs_a_restart_is_named_and_the_rest_holds(own_gateway: RunningGateway) -> None:
    gateway, given = own_gateway, own_gateway.give()
    settings = gateway.stage.settings
    text = settings.read_text().replace(f"listen_port = {gateway.port}", f"listen_port = {gateway.port + 1}", 1)
    settings.write_text(text.replace("[limits]", "[limits]\nsessions_per_grant = 1"))
    await asyncio.to_thread(reloads, gateway)
    assert '"needs_restart":["gateway.listen_port"]' in control_log(gateway)
    assert "need a restart" in gateway.log
    connection = await gateway.connect(given)
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await gateway.connect(given)
    await connection.close()


def test_a_statement_in_flight_is_answered_as_it_was_judged(own_gateway: RunningGateway) -> None:
    gateway, given = own_gateway, own_gateway.give()
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": "alice", "database": "shop"})
        client.send(Query("SELECT pg_sleep(2)"), Query(CITY))
        policy_says(gateway, hides_cities)
        reloads(gateway)
        first, second = client.until_ready(), client.until_ready()
        assert [type(one).__name__ for one in second] == [
            "RowDescription", "DataRow", "CommandComplete", "ReadyForQuery",
        ], (first, second)  # fmt: skip
        client.send(Query(CITY))
        assert [one.values for one in client.until_ready() if hasattr(one, "values")] == [(None,)]


def test_the_policy_of_the_last_reload_is_that_of_the_next_start(own_gateway: RunningGateway) -> None:
    gateway = own_gateway
    whole = policy_says(gateway, lambda policy: policy.replace('targets = ["shop"]', 'targets = ["nowhere"]', 1))
    reloads(gateway, "refused")
    gateway.stop()
    with pytest.raises(GatewayFailedError, match="nowhere"):
        gateway.start()
    gateway.stage.policy.write_text(whole)
    gateway.start()
