"""SCRAM against the vector of RFC 7677, a server of our own arithmetic, and servers that lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, ProtocolViolation
from protocol.scram import (
    SCRAM_SHA_256,
    SCRAM_SHA_256_PLUS,
    ScramClient,
    md5_password,
    salted_keys,
    saslprep,
    tls_server_end_point,
)

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def pencil() -> ScramClient:
    client = ScramClient("pencil", NONCE, username="user")
    client.first()
    return client


def test_the_vector_of_rfc_7677() -> None:
    client = ScramClient("pencil", NONCE, username="user")
    assert client.mechanism == SCRAM_SHA_256
    assert client.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert client.final(FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert not client.verified
    client.verify(FINAL)
    assert client.verified


def test_keys_that_were_kept_serve_as_well_as_new_ones() -> None:
    client = pencil()
    salt, iterations = client.challenge(FIRST)
    assert (len(salt), iterations) == (16, 4096)
    assert client.final(FIRST, salted_keys("pencil", salt, iterations)) == pencil().final(FIRST)
    client.verify(FINAL)
    assert client.verified
    wrong = pencil()
    wrong.final(FIRST, salted_keys("pen", salt, iterations))
    with pytest.raises(ProtocolViolation):
        wrong.verify(FINAL)


@pytest.mark.parametrize(
    ("binding", "offered", "mechanism", "first"),
    [
        (None, (SCRAM_SHA_256,), SCRAM_SHA_256, b"n,,n=,r=abc"),
        (None, (SCRAM_SHA_256_PLUS, SCRAM_SHA_256), SCRAM_SHA_256, b"n,,n=,r=abc"),
        (b"hash", (SCRAM_SHA_256,), SCRAM_SHA_256, b"y,,n=,r=abc"),
        (b"hash", (SCRAM_SHA_256_PLUS, SCRAM_SHA_256), SCRAM_SHA_256_PLUS, b"p=tls-server-end-point,,n=,r=abc"),
        (b"hash", (SCRAM_SHA_256_PLUS,), SCRAM_SHA_256_PLUS, b"p=tls-server-end-point,,n=,r=abc"),
    ],
)
def test_the_strongest_mechanism_is_taken(
    binding: bytes | None, offered: tuple[str, ...], mechanism: str, first: bytes
) -> None:
    client = ScramClient("x", "abc", binding, offered)
    assert client.mechanism == mechanism
    assert client.first() == first


@pytest.mark.parametrize(
    ("binding", "offered", "required"),
    [
        (None, (SCRAM_SHA_256_PLUS,), False),
        (None, ("OAUTHBEARER",), False),
        (b"hash", (), False),
        (b"hash", (SCRAM_SHA_256,), True),
        (None, (SCRAM_SHA_256_PLUS, SCRAM_SHA_256), True),
    ],
)
def test_what_we_cannot_do_is_refused(binding: bytes | None, offered: tuple[str, ...], required: bool) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        ScramClient("x", "abc", binding, offered, require_binding=required)
    assert refused.value.sqlstate == "28000"


def serve(client: ScramClient, password: bytes, binding: bytes, *, iterations: int = 5) -> None:
    """A server's side by the arithmetic of RFC 5802, section 3."""
    gs2, _, bare = client.first().rpartition(b",,")
    nonce = bare.partition(b"r=")[2]
    first = b"r=" + nonce + b"SRV,s=" + base64.b64encode(b"salt") + b",i=%d" % iterations
    without_proof, _, proof = client.final(first).rpartition(b",p=")
    channel = base64.b64encode(gs2 + b",," + binding)
    assert without_proof == b"c=" + channel + b",r=" + nonce + b"SRV"

    salted = hashlib.pbkdf2_hmac("sha256", password, b"salt", iterations)
    message = bare + b"," + first + b"," + without_proof
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    signature = hmac.digest(stored, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored
    server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
    client.verify(b"v=" + base64.b64encode(server_signature))


def test_the_binding_is_part_of_the_proof_only_with_plus() -> None:
    serve(ScramClient("pw", "abc", b"hash of a certificate"), b"pw", b"hash of a certificate")
    serve(ScramClient("pw", "abc", b"hash of a certificate", (SCRAM_SHA_256,)), b"pw", b"")
    serve(ScramClient("pw", "abc"), b"pw", b"")
    serve(ScramClient("pw", "abc"), b"pw", b"", iterations=1)


def test_passwords_are_prepared() -> None:
    serve(ScramClient("I\u00adX \u2168\u00a0\u00e9", "abc"), "IX IX é".encode(), b"")


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"r",
        b"\xff",
        b"e=other-error",
        b"m=ext," + FIRST,
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=somethingelse,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=W22*,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=é,i=4096".encode(),
        b"r=rOprNGfwEbeRWgbNEkqOx,s=YQ==,i=0",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=YQ==,i=-1",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=YQ==,i=1000001",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=YQ==,i=" + b"9" * 5000,
        b"r=rOprNGfwEbeRWgbNEkqOx,s=YQ==,i=many",
        "r=rOprNGfwEbeRWgbNEkqOx,s=YQ==,i=٤".encode(),
        b"r=rOprNGfwEbeRWgbNEkqOx,s=" + base64.b64encode(b"s" * 5000) + b",i=1",
        b"r=rOprNGfwEbeRWgbNEkqOx," + b"x" * 10_000,
    ],
)
def test_a_lying_challenge_is_refused(challenge: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        pencil().final(challenge)


@pytest.mark.parametrize(
    ("final", "sqlstate"),
    [
        (b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "28000"),
        (b"v=", "28000"),
        (b"e=invalid-proof", "28000"),
        (b"v=***", "08P01"),
        (b"x=1", "08P01"),
        (b"", "08P01"),
    ],
)
def test_a_server_without_the_password_is_not_believed(final: bytes, sqlstate: str) -> None:
    client = pencil()
    client.final(FIRST)
    with pytest.raises(ProtocolViolation) as refused:
        client.verify(final)
    assert refused.value.sqlstate == sqlstate
    assert not client.verified


@settings(deadline=None)
@given(
    st.binary(max_size=80)
    | st.integers(0, len(FIRST) - 1).flatmap(
        lambda at: st.integers(0, 255).map(lambda byte: FIRST[:at] + bytes([byte]) + FIRST[at + 1 :])
    )
)
def test_any_challenge_is_answered_or_refused(challenge: bytes) -> None:
    try:
        pencil().final(challenge.replace(b"i=4", b"i=0"))
    except ProtocolViolation:
        return


def test_steps_come_once_and_in_order() -> None:
    client = ScramClient("x", "abc")
    with pytest.raises(LocalProtocolError):
        client.final(FIRST)
    with pytest.raises(LocalProtocolError):
        client.verify(FINAL)
    client = pencil()
    with pytest.raises(LocalProtocolError):
        client.first()


@pytest.mark.parametrize("nonce", ["", "a,b", "a b", "é"])
def test_a_nonce_is_printable(nonce: str) -> None:
    with pytest.raises(LocalProtocolError):
        ScramClient("x", nonce)


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0é", "a é"),
        ("\u0627\u0031", "\u0627\u0031"),  # breaks the rules of direction: as it is
        ("\u0627a\u0627", "\u0627a\u0627"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("\x07", "\x07"),
        ("é\x07", "é\x07"),
        ("\u00ad", "\u00ad"),
        ("\U000e0001é", "\U000e0001é"),
        ("\u0221", "\u0221"),
    ],
)
def test_saslprep_is_that_of_rfc_4013_and_of_postgresql(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


#: 1.2.840.113549.1.1.11; its neighbours 4 and 5 are those with MD5 and SHA-1 (RFC 8017, A.2.4).
SHA256_WITH_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"


def certificate(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
    algorithm: hashes.HashAlgorithm | None,
) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)  # type: ignore[arg-type]


def test_the_channel_is_bound_to_the_hash_of_the_certificate() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    for algorithm in (hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        der = certificate(key, algorithm)
        assert tls_server_end_point(der) == hashlib.new(algorithm.name, der).digest()
    # What nobody signs with any more is still to be met: the same certificate under the names of MD5 and SHA-1.
    signed = certificate(rsa.generate_private_key(65537, 2048), hashes.SHA256())
    for weak in (b"\x04", b"\x05"):
        der = signed.replace(SHA256_WITH_RSA, SHA256_WITH_RSA[:-1] + weak)
        assert der != signed
        assert tls_server_end_point(der) == hashlib.sha256(der).digest()
    assert tls_server_end_point(certificate(ed25519.Ed25519PrivateKey.generate(), None)) is None
    assert tls_server_end_point(b"no certificate") is None


def test_md5_is_what_the_manual_says() -> None:
    # concat('md5', md5(concat(md5(concat(password, username)), random-salt))), manual 55.2.3
    inner = hashlib.md5(b"secretalice").hexdigest()
    assert md5_password("alice", "secret", b"\x01\x02\x03\x04") == (
        "md5" + hashlib.md5(inner.encode() + b"\x01\x02\x03\x04").hexdigest()
    )
