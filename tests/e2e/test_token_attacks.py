"""Attacks on tokens at the real door, by somebody who holds more than he should: other tokens, the public keys, and
for some of them the private key itself. Each is refused with its cause, and recorded."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.support.gateway import RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.refusals import door_events
from tests.support.wire import RawClient, encrypted

TYPE = "pgcurfew-session+jwt"
HEADER = {"alg": "EdDSA", "typ": TYPE, "kid": "demo-1"}


class Thief:
    """What an attacker has: the claims of alice's token, tokens of others, and the gateway's own key."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.given = gateway.give()
        self.bench = gateway.give("bench", target="bench")
        self.claims: dict[str, Any] = dict(jwt.decode(self.given.token, options={"verify_signature": False}))
        self.others: dict[str, Any] = dict(jwt.decode(self.bench.token, options={"verify_signature": False}))
        pem = (gateway.stage.folder / "keys" / "tokens.pem").read_bytes()
        key = load_pem_private_key(pem, None)
        assert isinstance(key, Ed25519PrivateKey)
        self.key = key
        self.own = Ed25519PrivateKey.generate()

    def signed(self, key: Ed25519PrivateKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token with these changes; None takes a header away. Made by hand: libraries refuse to."""
        told = {name: value for name, value in {**HEADER, **(header or {})}.items() if value is not None}
        text = f"{part(told)}.{part({**self.claims, **claims})}"
        return f"{text}.{b64((key or self.key).sign(text.encode()))}"

    def with_mac(self, secret: bytes, algorithm: str = "HS256") -> str:
        text = f"{part({**HEADER, 'alg': algorithm})}.{part(self.claims)}"
        return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def unsigned(self, algorithm: str, signature: str = "") -> str:
        return f"{part({**HEADER, 'alg': algorithm})}.{part(self.claims)}.{signature}"

    def public(self, encoding: Encoding, form: PublicFormat) -> bytes:
        return self.key.public_key().public_bytes(encoding, form)

    def jwk(self, kid: str = "demo-1") -> dict[str, str]:
        raw = self.own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), "kid": kid, "alg": "EdDSA"}


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def part(value: dict[str, Any]) -> str:
    return b64(json.dumps(value).encode())


Attack = Callable[[Thief], str]
NOW = int(time.time())


def _mac_with_jwk(thief: Thief) -> str:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(thief.public(Encoding.Raw, PublicFormat.Raw))}
    return thief.with_mac(json.dumps(jwk).encode())


ATTACKS: dict[str, tuple[Attack, str]] = {
    # confusion about the algorithm
    "none": (lambda thief: thief.unsigned("none"), "token-algorithm"),
    "None, with a signature": (lambda thief: thief.unsigned("None", "AAAA"), "token-algorithm"),
    "empty algorithm": (lambda thief: thief.unsigned(""), "token-algorithm"),
    "HS256 with the public key in PEM": (
        lambda thief: thief.with_mac(thief.public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
        "token-algorithm",
    ),
    "HS256 with the raw public key": (
        lambda thief: thief.with_mac(thief.public(Encoding.Raw, PublicFormat.Raw)),
        "token-algorithm",
    ),
    "HS256 with the JWK": (_mac_with_jwk, "token-algorithm"),
    "a MAC that calls itself EdDSA": (lambda thief: thief.with_mac(b"", "EdDSA"), "token-signature"),
    # the key comes with the token
    "jwk": (lambda thief: thief.signed(thief.own, {"jwk": thief.jwk()}), "token-malformed"),
    "jku": (lambda thief: thief.signed(thief.own, {"jku": "https://evil.test/jwks.json"}), "token-malformed"),
    "x5u": (lambda thief: thief.signed(thief.own, {"x5u": "https://evil.test/cert.pem"}), "token-malformed"),
    "x5c": (lambda thief: thief.signed(thief.own, {"x5c": ["MIIB"]}), "token-malformed"),
    "crit": (lambda thief: thief.signed(header={"crit": ["exp"], "exp": NOW + 9}), "token-malformed"),
    "b64 false": (lambda thief: thief.signed(header={"b64": False, "crit": ["b64"]}), "token-malformed"),
    # the key is somewhere else
    "kid: a path": (lambda thief: thief.signed(thief.own, {"kid": "../../keys/tokens.pem"}), "token-key"),
    "kid: /dev/null": (lambda thief: thief.signed(thief.own, {"kid": "/dev/null"}), "token-key"),
    "kid: an address": (lambda thief: thief.signed(thief.own, {"kid": "https://evil.test/key"}), "token-key"),
    "kid: SQL": (lambda thief: thief.signed(thief.own, {"kid": "x' UNION SELECT 'demo-1' --"}), "token-key"),
    "kid: a shell's": (lambda thief: thief.signed(thief.own, {"kid": "|cat /etc/passwd"}), "token-key"),
    "kid: a NUL": (lambda thief: thief.signed(thief.own, {"kid": "demo-1\0"}), "token-key"),
    "kid: a list": (lambda thief: thief.signed(thief.own, {"kid": ["demo-1"]}), "token-malformed"),
    "kid: none": (lambda thief: thief.signed(header={"kid": None}), "token-key"),
    "kid: ours, another key": (lambda thief: thief.signed(thief.own), "token-signature"),
    # another kind of token
    "typ JWT": (lambda thief: thief.signed(header={"typ": "JWT"}), "token-type"),
    "an access token": (lambda thief: thief.signed(header={"typ": "at+jwt"}), "token-type"),
    "no typ": (lambda thief: thief.signed(header={"typ": None}), "token-type"),
    "encrypted (JWE)": (
        lambda thief: ".".join((part({"alg": "dir", "enc": "A256GCM"}), "", "a", "b", "c")),
        "token-malformed",
    ),
    "two signatures": (lambda thief: json.dumps({"payload": part(thief.claims), "signatures": []}), "token-malformed"),
    # signed with the key itself: what is in it has to be what the store knows
    "of another grant": (lambda thief: thief.signed(grant=thief.bench.grant), "token-unknown"),
    "its id, this grant": (lambda thief: thief.signed(jti=thief.others["jti"]), "token-unknown"),
    "of another person": (lambda thief: thief.signed(sub="rita"), "user-mismatch"),
    "of another audience": (lambda thief: thief.signed(aud="pgcurfew-other"), "token-audience"),
    "for several audiences": (lambda thief: thief.signed(aud=["pgcurfew-demo"]), "token-malformed"),
    "of another issuer": (lambda thief: thief.signed(iss="https://evil.test"), "token-issuer"),
    "never minted": (lambda thief: thief.signed(jti="tok_000000000000000000000000"), "token-unknown"),
    "an id that is SQL": (lambda thief: thief.signed(jti="x' OR 'a'='a"), "token-unknown"),
    "expired by one second": (lambda thief: thief.signed(exp=int(time.time()) - 1), "token-expired"),
    "issued in the future": (lambda thief: thief.signed(iat=int(time.time()) + 30), "token-not-yet-valid"),
    "good in the future": (lambda thief: thief.signed(nbf=int(time.time()) + 30), "token-not-yet-valid"),
    "bound to a certificate of his own": (lambda thief: thief.signed(cnf={"x5t#S256": "A" * 43}), "token-unknown"),
    "bound to a key of his own": (lambda thief: thief.signed(cnf={"jwk": thief.jwk()}), "token-malformed"),
    "claims more": (lambda thief: thief.signed(role="admin"), "token-malformed"),
    "claims more time": (lambda thief: thief.signed(exp=1e12), "token-malformed"),
    # not a token
    "oversized": (lambda thief: thief.signed(padding="x" * 5000), "oversized-token"),
    "a credential of the API": (lambda thief: "pgc_" + "A" * 43, "token-malformed"),
}


@pytest.fixture(scope="module")
def thief(gateway: RunningGateway) -> Thief:
    return Thief(gateway)


def came_in(gateway: RunningGateway, password: str, user: str = "alice", database: str = "shop") -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(password, {"user": user, "database": database})
    return client


def cause_of(gateway: RunningGateway, password: str, user: str = "alice", database: str = "shop") -> str:
    """The cause that is recorded; the refusal tells nothing of the token, and asks for a fresh one."""
    before = door_events(gateway)
    with came_in(gateway, password, user, database) as client:
        assert client.refusal, "it was let in"
        assert client.refusal["C"] in ("28P01", "28000")
        assert password not in json.dumps(dict(client.refusal))
    (event,) = [event for event in door_events(gateway) if event not in before]
    assert password not in json.dumps(event)
    return str(event["cause"])


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_its_own_reason(gateway: RunningGateway, thief: Thief, name: str) -> None:
    attack, cause = ATTACKS[name]
    assert cause_of(gateway, attack(thief)) == cause


def test_the_same_token_made_by_hand_does_get_in(gateway: RunningGateway, thief: Thief) -> None:
    """Else the table above would prove nothing."""
    with came_in(gateway, thief.signed()) as client:
        assert not client.refusal


def test_a_token_opens_the_database_and_the_person_of_its_grant_alone(gateway: RunningGateway, thief: Thief) -> None:
    assert cause_of(gateway, thief.bench.token) == "database-mismatch"
    assert cause_of(gateway, thief.given.token, database="bench") == "database-mismatch"
    assert cause_of(gateway, thief.given.token, user="rita") == "user-mismatch"
    assert cause_of(gateway, thief.given.token, user="Alice") == "user-mismatch"
    assert cause_of(gateway, thief.given.token, user="аlice") == "user-mismatch"


def test_a_session_token_is_no_credential_of_the_api(gateway: RunningGateway, thief: Thief) -> None:
    with httpx.Client(verify=gateway.tls, trust_env=False) as client:
        for bearer in (thief.given.token, thief.signed(header={"typ": "at+jwt"}), thief.unsigned("none")):
            answer = client.get(
                f"https://localhost:{gateway.stage.ports.api}/v1/whoami", headers={"Authorization": f"Bearer {bearer}"}
            )
            assert answer.status_code == 401
            assert bearer not in answer.text


def test_nobody_says_where_he_comes_from(gateway: RunningGateway, thief: Thief) -> None:
    """No header and no PROXY line changes the address that a token is bound by."""
    with gateway.api("alice") as api:
        token = api.post("grants", thief.given.grant, "token", body={"networks": ["10.0.0.0/8"]})["token"]
    assert cause_of(gateway, token) == "token-network"
    for opening in (
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\0\1\0\2",
    ):
        with encrypted(gateway.port, gateway.tls) as sock:
            sock.sendall(opening)
            assert b"protocol violation" in sock.recv(1000)
    signed_in = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Real-IP": "10.0.0.1"}
    with httpx.Client(verify=gateway.tls, trust_env=False, headers=signed_in) as client:
        client.get(
            f"https://localhost:{gateway.stage.ports.api}/v1/whoami", headers={"Authorization": "Bearer pgc_nobody"}
        )
    control = "".join(path.read_text() for path in sorted(gateway.stage.record.glob("control/*/*/*/*.jsonl")))
    assert '"what":"sign-in-refused"' in control
    assert "from 10.0.0.1" not in control


def test_a_token_ends_to_the_second(gateway: RunningGateway) -> None:
    given = gateway.give()
    with gateway.api("alice") as api:
        minted = api.post("grants", given.grant, "token", body={"enter_seconds": 3})
    with came_in(gateway, minted["token"]) as client:
        assert not client.refusal
        left = (datetime.fromisoformat(minted["ends_at"]) - datetime.now(UTC)).total_seconds()
        time.sleep(max(left, 0))
        assert cause_of(gateway, minted["token"]) == "token-expired"
        # Whoever is in stays in until the grant ends.
        client.sock.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            client.sock.recv(1)


@pytest.fixture(scope="module")
def two_workers(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("two")
    with running_gateway(sample_database, folder, settings={"gateway": "workers = 2"}) as found:
        yield found


async def test_of_twenty_who_race_through_two_workers_one_gets_in(two_workers: RunningGateway) -> None:
    gateway, given = two_workers, two_workers.give()
    with gateway.api("alice") as api:
        minted = api.post("grants", given.grant, "token", body={"once": True})
    came = await asyncio.gather(
        *(gateway.connect(given, password=minted["token"]) for _ in range(20)), return_exceptions=True
    )
    (let_in,) = [one for one in came if not isinstance(one, BaseException)]
    refused = [one for one in came if isinstance(one, asyncpg.InvalidPasswordError | asyncpg.TooManyConnectionsError)]
    assert len(refused) == 19
    assert await let_in.fetchval("SELECT 1") == 1
    await let_in.close()
    with pytest.raises(asyncpg.InvalidPasswordError, match="good for one session, and was used at"):
        await gateway.connect(given, password=minted["token"])


async def test_a_revoked_token_ends_in_every_worker(two_workers: RunningGateway) -> None:
    gateway, given = two_workers, two_workers.give()
    with gateway.api("alice") as api:
        minted = api.post("grants", given.grant, "token", body={})
        ending = [await gateway.connect(given, password=minted["token"]) for _ in range(2)]
        staying = [await gateway.connect(given) for _ in range(2)]
        api.post("tokens", minted["id"], "revoke", body={"reason": "pasted into a chat"})
    for connection in ending:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("SELECT pg_sleep(10)")
    for connection in staying:
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
