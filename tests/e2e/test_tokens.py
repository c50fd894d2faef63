"""`pgcurfew keys` and `pgcurfew token`, as operators and people use them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import jwt
import psycopg
import pytest

from gateway.demo.certificates import Authority
from tests.e2e.test_curfew import wait_until
from tests.support.certificates import issue
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.refusals import door_events
from tests.support.wire import RawClient, encrypted

AUTHORITY = Authority.create("the clients' authority")


@pytest.fixture(scope="module")
def rotating(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway with a directory for keys, which asks clients for certificates and does not insist."""
    folder = tmp_path_factory.mktemp("rotating")
    (folder / "clients.pem").write_bytes(AUTHORITY.pem)
    settings = {
        "tokens": 'key_directory = "keys/tokens"',
        "tls": 'client_ca = "clients.pem"\nclient_certificates = "optional"',
    }
    with running_gateway(sample_database, folder, settings=settings) as found:
        yield found


def keys(gateway: RunningGateway, *arguments: str) -> Any:
    done = gateway.pgcurfew(None, "keys", *arguments, "--config", str(gateway.stage.settings), "--json")
    assert done.code == 0, done.text
    return json.loads(done.out)


def published(gateway: RunningGateway) -> dict[str, dict[str, str]]:
    address = f"https://localhost:{gateway.stage.ports.api}/.well-known/jwks.json"
    with urlopen(address, context=gateway.tls, timeout=10) as response:
        assert response.headers["Cache-Control"] == "public, max-age=60"
        return {key["kid"]: key for key in json.loads(response.read())["keys"]}


def fresh(gateway: RunningGateway, given: Given, *options: str) -> str:
    done = gateway.pgcurfew("alice", "token", given.grant, *options)
    assert done.code == 0, done.text
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.out)
    return done.out.strip()


def comes_in(gateway: RunningGateway, given: Given, token: str, tls: ssl.SSLContext | None = None) -> RawClient:
    client = RawClient(encrypted(gateway.port, tls or gateway.tls))
    client.log_in(token, {"user": given.person, "database": given.target})
    return client


def refused(gateway: RunningGateway, given: Given, token: str, tls: ssl.SSLContext | None = None) -> str:
    """The cause that is recorded. A client's port is in the event, so each is another one."""
    before = door_events(gateway)
    with comes_in(gateway, given, token, tls) as client:
        assert client.refusal, "it was let in"
    (event,) = [event for event in door_events(gateway) if event not in before]
    return str(event["cause"])


def minted(gateway: RunningGateway, given: Given, **wish: Any) -> str:
    """The same by the API, which is quicker."""
    with gateway.api("alice") as api:
        return str(api.post("grants", given.grant, "token", body=wish)["token"])


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def control_log(gateway: RunningGateway) -> str:
    return "".join(path.read_text() for path in sorted(gateway.stage.record.glob("control/*/*/*/*.jsonl")))


def test_a_key_is_rotated_without_a_gap_and_struck_out_at_once(rotating: RunningGateway) -> None:
    gateway, given = rotating, rotating.give()
    assert set(published(gateway)) == {"demo-1"}
    made = keys(gateway, "rotate", "--after", "5s", "--id", "second")
    assert made["state"] == "next"
    file = gateway.stage.folder / "keys" / "tokens" / "second.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # It is published before it signs, and what is published is what verifies.
    assert set(published(gateway)) == {"demo-1", "second"}
    assert kid(minted(gateway, given)) == "demo-1"
    wait_until("it signs", lambda: kid(minted(gateway, given)) == "second", 10)
    token = minted(gateway, given)
    public = jwt.PyJWK(published(gateway)["second"])
    assert jwt.decode(token, public, algorithms=["EdDSA"], audience="pgcurfew-demo")["sub"] == "alice"
    with comes_in(gateway, given, given.token) as before, comes_in(gateway, given, token) as after:
        assert not before.refusal
        assert not after.refusal
        struck = time.monotonic()
        keys(gateway, "strike", "demo-1", "--reason", "a laptop was lost")
        done = time.monotonic()
        fatal = before.until_closed()[-1]
        assert time.monotonic() - done < 1.0, f"struck {done - struck:.1f} s before"
        assert (fatal.fields["C"], "struck out" in fatal.fields["M"]) == ("57P01", True)
        assert "pgcurfew token" in fatal.fields["H"]
        # The other one goes on.
        with psycopg.connect(gateway.conninfo(given), password=token) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert refused(gateway, given, given.token) == "token-key"
    assert set(published(gateway)) == {"second"}
    listed = {key["id"]: key["state"] for key in keys(gateway, "list")}
    assert listed == {"demo-1": "struck", "second": "signing"}
    shown = gateway.pgcurfew(None, "keys", "list", "--config", str(gateway.stage.settings)).text
    assert "a laptop was lost" in shown
    assert '"what":"key-struck"' in control_log(gateway)
    assert "a laptop was lost" in control_log(gateway)
    # Struck out is struck out, whatever the settings say and however often the gateway starts.
    gateway.stop()
    gateway.start()
    assert refused(gateway, given, given.token) == "token-key"
    with comes_in(gateway, given, minted(gateway, given)) as client:
        assert not client.refusal
    # The key that signs, when it leaks, is replaced in the same breath.
    successor = keys(gateway, "strike", "second", "--reason", "that one too")["successor"]
    assert refused(gateway, given, token) == "token-key"
    assert kid(minted(gateway, given)) == successor
    assert not file.exists()
    private = file.with_name(f"{successor}.pem").read_text().split("\n")[1]
    assert private not in gateway.log
    assert private not in control_log(gateway)


def test_the_api_lets_administrators_strike_and_nobody_else(rotating: RunningGateway) -> None:
    done = rotating.pgcurfew(None, "keys", "strike", "nothing", "--config", str(rotating.stage.settings), "-m", "why")
    assert (done.code, "no such key" in done.text) == (1, True)
    silent = rotating.pgcurfew(None, "keys", "strike", "nothing", "--config", str(rotating.stage.settings))
    assert (silent.code, "a reason is mandatory" in silent.text) == (2, True)


def test_without_a_directory_the_command_says_what_to_set(gateway: RunningGateway) -> None:
    done = gateway.pgcurfew(None, "keys", "rotate", "--config", str(gateway.stage.settings))
    assert (done.code, "tokens.key_directory" in done.text) == (2, True)
    shown = gateway.pgcurfew(None, "keys", "public", "--config", str(gateway.stage.settings))
    assert json.loads(shown.out)["keys"][0]["kid"] == "demo-1"


def test_a_single_use_token_is_good_once(rotating: RunningGateway) -> None:
    given = rotating.give()
    token = fresh(rotating, given, "--once")
    with comes_in(rotating, given, token) as client:
        assert not client.refusal
    assert refused(rotating, given, token) == "token-used"
    listed = rotating.pgcurfew("alice", "token", "list", given.grant).text
    assert "used 20" in listed


def test_a_token_stays_in_its_network(rotating: RunningGateway) -> None:
    given = rotating.give()
    assert refused(rotating, given, fresh(rotating, given, "--network", "10.0.0.0/8")) == "token-network"
    with comes_in(rotating, given, fresh(rotating, given, "--network", "127.0.0.0/8", "--network", "::1")) as client:
        assert not client.refusal
    wrong = rotating.pgcurfew("alice", "token", given.grant, "--network", "10.0.0.1/8")
    assert (wrong.code, '"10.0.0.0/8"' in wrong.text) == (1, True)


def test_a_token_is_worth_nothing_without_its_certificate(rotating: RunningGateway, tmp_path: Path) -> None:
    given = rotating.give()
    hers, another = issue(AUTHORITY, tmp_path, "alice"), issue(AUTHORITY, tmp_path, "alice")
    token = fresh(rotating, given, "--certificate", str(hers.certificate))
    claims = jwt.decode(token, options={"verify_signature": False})
    digest = base64.urlsafe_b64encode(hashlib.sha256(hers.der).digest()).rstrip(b"=").decode()
    assert claims["cnf"] == {"x5t#S256": digest}
    assert refused(rotating, given, token) == "token-certificate"
    for shown, causes in ((another, "token-certificate"), (hers, "")):
        tls = rotating.tls
        tls.load_cert_chain(shown.certificate, shown.key)
        with comes_in(rotating, given, token, tls) as client:
            assert bool(client.refusal) == bool(causes)
    wrong = rotating.pgcurfew("alice", "token", given.grant, "--certificate", str(rotating.stage.settings))
    assert (wrong.code, "holds no certificate" in wrong.text) == (2, True)


def test_a_revoked_token_ends_its_sessions_and_no_others(rotating: RunningGateway) -> None:
    given = rotating.give()
    token = minted(rotating, given)
    token_id = jwt.decode(token, options={"verify_signature": False})["jti"]
    with comes_in(rotating, given, token) as one, comes_in(rotating, given, given.token) as other:
        done = rotating.pgcurfew("alice", "token", "revoke", token_id, "--reason", "pasted into a chat")
        assert done.code == 0, done.text
        fatal = one.until_closed()[-1]
        assert (fatal.fields["C"], "pasted into a chat" in fatal.fields["M"]) == ("57P01", True)
        with psycopg.connect(rotating.conninfo(given), password=given.token) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert not other.refusal
    assert refused(rotating, given, token) == "token-revoked"
    assert "pasted into a chat" in rotating.pgcurfew("alice", "token", "list").text
    foreign = rotating.pgcurfew("otto", "token", "revoke", token_id, "--reason", "I only look")
    assert foreign.code == 1


def test_a_token_has_its_own_limit_of_sessions_and_its_own_door(rotating: RunningGateway) -> None:
    given = rotating.give()
    token = fresh(rotating, given, "--sessions", "1", "--enter-within", "10m")
    with comes_in(rotating, given, token) as client:
        assert not client.refusal
        assert refused(rotating, given, token) == "too-many-sessions"
    with urlopen(f"http://127.0.0.1:{rotating.stage.ports.metrics}/metrics", timeout=10) as response:
        metrics = response.read().decode()
    assert 'pgcurfew_tokens_total{event="token-minted"}' in metrics
    assert re.search(r"^pgcurfew_keys_believed [1-9]", metrics, re.MULTILINE)
    assert 'pgcurfew_door_refusals_total{cause="token-used"} 1.0' in metrics
