"""ID tokens that are almost right: each is refused, with its reason, and nothing of it is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.admin.id_token import IdTokenRefused, KeyUnknown, arrival_of, keys_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
ISSUER = "https://idp.test"

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
STRANGER = rsa.generate_private_key(65537, 2048)
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(public: dict[str, Any], kid: str, **more: str) -> dict[str, Any]:
    return {**public, "kid": kid, **more}


JWKS = {
    "keys": [
        jwk(RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "r", use="sig"),
        jwk(ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "e"),
        jwk(OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True), "o"),
        jwk(RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True), "for-encryption", use="enc"),
        # A symmetric key that a careless provider published.
        {"kty": "oct", "kid": "h", "k": base64.urlsafe_b64encode(b"k" * 32).decode()},
    ]
}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "gate",
    "sub": "s-1",
    "iat": AT,
    "exp": AT + 300,
    "nonce": "n-1",
    "preferred_username": "nina",
    "groups": ["a", 1, "b"],
    "email": "nina@example.org",
    "email_verified": True,
}


def signed(algorithm: str = "RS256", key: Any = RSA, kid: str | None = "r", header: Any = None, **changed: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={**({"kid": kid} if kid else {}), **(header or {})})


def by_hand(header: dict[str, Any], secret: bytes | None = None, **changed: Any) -> str:
    """A token that no library would make."""
    parts = [json.dumps(part).encode() for part in (header, CLAIMS | changed)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = b"" if secret is None else hmac.digest(secret, text, hashlib.sha256)
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def arrive(token: object, nonce: str | None = "n-1") -> Any:
    return arrival_of(
        token,
        keys_of(JWKS),
        issuer=ISSUER,
        client_id="gate",
        nonce=nonce,
        now=NOW,
        name_claim="preferred_username",
        groups_claim="groups",
    )


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"), [("RS256", RSA, "r"), ("PS256", RSA, "r"), ("ES256", EC, "e"), ("EdDSA", ED, "o")]
)
def test_what_the_provider_signed_is_believed(algorithm: str, key: Any, kid: str) -> None:
    arrival = arrive(signed(algorithm, key, kid))
    assert (arrival.identity.issuer, arrival.identity.subject, arrival.name) == (ISSUER, "s-1", "nina")
    assert arrival.groups == {"a", "b"}
    assert arrival.email_verified


BAD: dict[str, Any] = {
    "alg none": by_hand({"alg": "none", "kid": "r"}),
    "alg None": by_hand({"alg": "None", "kid": "r"}),
    "alg none with no kid": by_hand({"alg": "none"}),
    "HMAC with the public key": by_hand({"alg": "HS256", "kid": "r"}, PEM),
    "HMAC with the published symmetric key": by_hand({"alg": "HS256", "kid": "h"}, b"k" * 32),
    "no algorithm": by_hand({"kid": "r"}),
    "an algorithm of another kind of key": signed("ES256", EC, "r"),
    "a stranger's key": signed(key=STRANGER),
    "a stranger's key in the header": signed(
        key=STRANGER, kid="x", header={"jwk": jwk(RSAAlgorithm.to_jwk(STRANGER.public_key(), as_dict=True), "x")}
    ),
    "a stranger's key by address": signed(key=STRANGER, kid="x", header={"jku": "https://evil.test/jwks"}),
    "a key for encryption": signed(key=STRANGER, kid="for-encryption"),
    "a kid that is a path": signed(kid="../../../dev/null"),
    "no kid, where there are several keys": signed(kid=None),
    "an extension that is critical": signed(header={"crit": ["exp"]}),
    "another audience": signed(aud="another"),
    "no audience": signed(aud=None),
    "several audiences, none of them named the party": signed(aud=["gate", "another"]),
    "several audiences, the other one is the party": signed(aud=["gate", "another"], azp="another"),
    "another party": signed(azp="another"),
    "another issuer": signed(iss="https://evil.test"),
    "the issuer with a slash": signed(iss=ISSUER + "/"),
    "no issuer": signed(iss=None),
    "another nonce": signed(nonce="n-2"),
    "no nonce": signed(nonce=None),
    "a nonce that is a list": signed(nonce=["n-1"]),
    "over by a second": signed(exp=AT - 30),
    "issued too long ago": signed(iat=AT - 601),
    "issued in the future": signed(iat=AT + 31),
    "not good yet": signed(nbf=AT + 31),
    "no end": signed(exp=None),
    "an end in words": by_hand({"alg": "RS256", "kid": "r"}, exp="tomorrow"),
    "no subject": signed(sub=None),
    "an empty subject": signed(sub=""),
    "a subject without end": signed(sub="s" * 256),
    "a subject that is a terminal's": signed(sub="s\x1b[2J"),
    "an access token's text": "opaque",
    "nothing": None,
    "a number": 7,
    "too long": "a" * 40_000,
    "dots": "..",
    "cut": signed()[:-4],
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_almost_right_is_refused(case: str) -> None:
    with pytest.raises(IdTokenRefused) as refused:
        arrive(BAD[case])
    assert "nina" not in str(refused.value)


def test_within_the_leeway_clocks_may_differ() -> None:
    assert arrive(signed(exp=AT - 29))
    assert arrive(signed(iat=AT + 30))


def test_a_key_that_is_not_known_asks_for_new_ones() -> None:
    with pytest.raises(KeyUnknown):
        arrive(signed(kid="rotated"))


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]}])
def test_keys_that_cannot_be_read_are_none(document: Any) -> None:
    with pytest.raises(IdTokenRefused):
        arrive(signed()) if keys_of(document) else arrival_of(
            signed(),
            (),
            issuer=ISSUER,
            client_id="gate",
            nonce=None,
            now=NOW,
            name_claim="n",
            groups_claim="g",
        )


def test_a_private_key_that_was_published_is_not_believed() -> None:
    leaked = RSAAlgorithm.to_jwk(RSA, as_dict=True) | {"kid": "leaked"}
    assert keys_of({"keys": [leaked]}) == ()
