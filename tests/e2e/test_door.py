"""Who does not get in: told why in one FATAL line, and recorded."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import jwt
import pytest

from tests.support.gateway import Given, RunningGateway
from tests.support.refusals import door_events
from tests.support.wire import RawClient, dial, encrypted

#: Same claims, another thing wrong each time.
Forge = Callable[[dict[str, Any], bytes], str]


def _signed(claims: dict[str, Any], key: bytes, **headers: Any) -> str:
    return jwt.encode(
        claims, key, algorithm="EdDSA", headers={"kid": "demo-1", "typ": "pgcurfew-session+jwt", **headers}
    )


def _unsigned(claims: dict[str, Any], key: bytes) -> str:
    def part(content: dict[str, Any]) -> str:
        return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'pgcurfew-session+jwt', 'kid': 'demo-1'})}.{part(claims)}."


def _tampered(claims: dict[str, Any], key: bytes) -> str:
    head, _, tail = _signed(claims, key).split(".")
    later = {**claims, "exp": claims["exp"] + 10_000}
    return f"{head}.{urlsafe_b64encode(json.dumps(later).encode()).rstrip(b'=').decode()}.{tail}"


def _another_key(claims: dict[str, Any], key: bytes) -> str:
    from gateway.demo.certificates import signing_key

    return _signed(claims, signing_key())


def _changed(**changes: Any) -> Forge:
    return lambda claims, key: _signed({**claims, **changes}, key)


NOW = int(time.time())

FORGERIES: dict[str, tuple[Forge, str, str]] = {
    "not a token": (lambda claims, key: "hunter2", "28P01", "token"),
    "expired": (_changed(iat=NOW - 900, nbf=NOW - 900, exp=NOW - 1), "28P01", "expired"),
    "not yet valid": (_changed(nbf=NOW + 3600, exp=NOW + 7200), "28P01", "valid"),
    "tampered": (_tampered, "28P01", "sign"),
    "alg none": (_unsigned, "28P01", "algorithm"),
    "another key": (_another_key, "28P01", "sign"),
    "foreign audience": (_changed(aud="somebody-else"), "28P01", "another gateway"),
    "foreign issuer": (_changed(iss="https://elsewhere.example"), "28P01", "issue"),
    "never minted": (_changed(jti="tok_000000000000000000000000"), "28P01", "token"),
    "oversized": (_changed(padding="x" * 5000), "28P01", "longer"),
}


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def refused(
    gateway: RunningGateway,
    given: Given,
    *,
    token: str | None = None,
    user: str | None = None,
    database: str | None = None,
    tls: bool = True,
    **parameters: str,
) -> Mapping[str, str]:
    """The fields of the FATAL that such a connection gets."""
    before = len(door_events(gateway))
    sock = encrypted(gateway.port, gateway.tls) if tls else dial(gateway.port)
    startup = {"user": user or given.person, "database": database or given.target, **parameters}
    with RawClient(sock) as client:
        client.log_in(given.token if token is None else token, startup)
    assert client.refusal, "it was let in"
    assert client.refusal["S"] == "FATAL"
    assert len(door_events(gateway)) == before + 1, "each refusal is recorded, once"
    assert given.token not in gateway.log
    return client.refusal


@pytest.mark.parametrize("name", FORGERIES)
def test_a_bad_token_is_refused_with_its_reason(gateway: RunningGateway, given: Given, name: str) -> None:
    forge, sqlstate, word = FORGERIES[name]
    key = (gateway.stage.folder / "keys" / "tokens.pem").read_bytes()
    claims = jwt.decode(given.token, options={"verify_signature": False})
    error = refused(gateway, given, token=forge(claims, key))
    assert error["C"] == sqlstate
    assert word in error["M"].lower()


async def test_the_same_claims_well_signed_do_get_in(gateway: RunningGateway, given: Given) -> None:
    """Else the table above would prove nothing."""
    key = (gateway.stage.folder / "keys" / "tokens.pem").read_bytes()
    claims = jwt.decode(given.token, options={"verify_signature": False})
    connection = await gateway.connect(given, password=_signed(claims, key))
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


def test_another_user_name_is_refused(gateway: RunningGateway, given: Given) -> None:
    error = refused(gateway, given, user="rita")
    assert error["C"] == "28P01"
    assert door_events(gateway)[-1]["user"] == "rita"


def test_another_database_is_refused(gateway: RunningGateway, given: Given) -> None:
    error = refused(gateway, given, database="bench")
    assert error["C"] == "28000"


def test_no_password_is_refused(gateway: RunningGateway, given: Given) -> None:
    error = refused(gateway, given, token="")
    assert error["C"] == "28P01"


def test_a_revoked_grant_is_refused(gateway: RunningGateway) -> None:
    given = gateway.give()
    gateway.revoke(given, reason="no longer needed")
    error = refused(gateway, given)
    assert error["C"] == "28000"
    assert "revoked" in error["M"]


def test_an_ended_grant_is_refused(gateway: RunningGateway) -> None:
    given = gateway.give(seconds=1)
    wait = datetime.fromisoformat(given.ends_at) - datetime.now(UTC) + timedelta(seconds=0.1)
    time.sleep(max(wait.total_seconds(), 0))
    error = refused(gateway, given)
    assert error["C"] in ("28000", "28P01")


def test_without_tls_no_password_is_asked_for(gateway: RunningGateway, given: Given) -> None:
    error = refused(gateway, given, tls=False)
    assert error["C"] == "28000"
    assert "TLS" in error["M"]


def test_psql_shows_the_reason_and_what_to_do(gateway: RunningGateway, given: Given) -> None:
    done = gateway.stage.psql("alice", "hunter2", "SELECT 1")
    assert done.code == 2
    assert "FATAL" in done.err
    assert "pgcurfew token" in done.err


def test_replication_is_refused(gateway: RunningGateway, given: Given) -> None:
    error = refused(gateway, given, replication="database")
    assert error["C"] == "0A000"


@pytest.mark.parametrize(
    "setting",
    [
        {"options": "-c search_path=evil"},
        {"options": "-c session_preload_libraries=x"},
        {"search_path": "evil"},
        {"pgcurfew.mask_key": "known"},
        {"standard_conforming_strings": "off"},
        {"role": "postgres"},
    ],
)
def test_startup_parameters_are_an_allow_list(gateway: RunningGateway, given: Given, setting: dict[str, str]) -> None:
    error = refused(gateway, given, **setting)
    assert error["C"] == "42501"


async def test_a_store_changed_behind_its_back_is_believed(gateway: RunningGateway) -> None:
    """Sessions of a grant end when the store says so, whoever wrote it."""
    given = gateway.give()
    connection = await gateway.connect(given)
    gateway.pgcurfew(None, "user", "lock", "alice", "--config", str(gateway.stage.settings), "--reason", "lost laptop")
    try:
        with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT pg_sleep(5)")
    finally:
        gateway.pgcurfew(None, "user", "unlock", "alice", "--config", str(gateway.stage.settings))
