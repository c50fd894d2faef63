"""What opens the door, and everything that does not: each attack with its cause, SQLSTATE and words."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from config.store import Store
from gateway.access import people
from gateway.access.errors import AdmissionRefused
from gateway.access.tokens import TYPE
from tests.support.access import START, House


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    async with House.open(store) as opened:
        await opened.populate()
        yield opened


async def refusal(house: House, token: str, *, user: str = "alice", database: str = "shop") -> AdmissionRefused:
    with pytest.raises(AdmissionRefused) as caught:
        await house.access.admit(token, user=user, database=database, client="127.0.0.1:1")
    error = caught.value
    for secret in (token.strip(), *house.credentials.values()):
        assert len(secret) < 10 or (secret not in error.message and secret not in error.hint)
    assert error.hint
    return error


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def resigned(
    house: House, token: str, change: dict[str, object], *, drop: str = "", header: dict[str, Any] | None = None
) -> str:
    """The token with changed claims or header, signed with the gateway's own key."""
    claims = {**claims_of(token), **change}
    claims.pop(drop, None)
    headers = {"typ": TYPE, "kid": "k1", **(header or {})}
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, house.signer.keys.signing, "EdDSA", {k: v for k, v in headers.items() if v})


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_good_token_opens_the_door_until_token_or_grant_ends(house: House) -> None:
    grant = await house.granted(seconds=600)
    minted = await house.access.mint(await house.person("alice"), grant, seconds=60)
    admission = await house.access.admit(minted.text, user="alice", database="shop", client="x")
    assert (admission.grant.id, admission.person.name, admission.token_id) == (grant, "alice", minted.token.id)
    assert START < admission.ends_at <= START + timedelta(seconds=60)
    longer = await house.access.mint(await house.person("alice"), grant, seconds=86400)
    admission = await house.access.admit(longer.text, user="alice", database="shop", client="x")
    assert admission.ends_at == admission.grant.ends_at
    assert claims_of(longer.text)["exp"] <= (START + timedelta(seconds=600)).timestamp()


NOT_TOKENS: dict[str, tuple[str, str]] = {
    "nothing": ("", "token-missing"),
    "blanks": ("   ", "token-missing"),
    "a password": ("hunter2", "token-malformed"),
    "two segments": ("aaa.bbb", "token-malformed"),
    "four segments": ("a.b.c.d", "token-malformed"),
    "dots": ("..", "token-malformed"),
    "not ASCII": ("é.é.é", "token-malformed"),
    "SQL": ("' OR 1=1 --", "token-malformed"),
    "NUL": ("\x00.\x00.\x00", "token-malformed"),
    "header is a list": (f"{segment([])}.{segment({})}.AAAA", "token-malformed"),
    "deep JSON": ("W1tb" * 500 + ".e30.AAAA", "token-malformed"),
    "too large": ("a" * 5000, "token-too-large"),
    "too large with dots": ("a." * 4000, "token-too-large"),
}


@pytest.mark.parametrize("case", NOT_TOKENS)
async def test_what_is_no_token(house: House, case: str) -> None:
    text, cause = NOT_TOKENS[case]
    error = await refusal(house, text)
    assert (error.cause, error.sqlstate) == (cause, "28P01")
    assert (error.token_id, error.person) == ("", "")


def _none(house: House, token: str) -> str:
    return f"{segment({'alg': 'none', 'typ': TYPE, 'kid': 'k1'})}.{token.split('.')[1]}."


def _none_in_capitals(house: House, token: str) -> str:
    return f"{segment({'alg': 'nOnE', 'typ': TYPE, 'kid': 'k1'})}.{token.split('.')[1]}."


def _hmac_with_the_public_key(house: House, token: str) -> str:
    import hashlib
    import hmac

    public = house.signer.keys.signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{segment({'alg': 'HS256', 'typ': TYPE, 'kid': 'k1'})}.{token.split('.')[1]}"
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _other_key(house: House, token: str) -> str:
    return jwt.encode(claims_of(token), Ed25519PrivateKey.generate(), "EdDSA", {"typ": TYPE, "kid": "k1"})


def _own_key_in_header(house: House, token: str) -> str:
    key = Ed25519PrivateKey.generate()
    raw = base64.urlsafe_b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode().rstrip("=")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": raw}
    return jwt.encode(claims_of(token), key, "EdDSA", {"typ": TYPE, "kid": "k1", "jwk": jwk})


def _cut(house: House, token: str) -> str:
    return token[:-2]


def _tampered(house: House, token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{segment({**claims_of(token), 'exp': 4_000_000_000})}.{signature}"


def _foreign_signature(house: House, token: str) -> str:
    header, payload, _ = token.split(".")
    return f"{header}.{payload}.{resigned(house, token, {'jti': 'x'}).split('.')[2]}"


def _header(**header: object) -> Callable[[House, str], str]:
    return lambda house, token: resigned(house, token, {}, header=header)


def _claims(**change: object) -> Callable[[House, str], str]:
    return lambda house, token: resigned(house, token, change)


def _without(claim: str) -> Callable[[House, str], str]:
    return lambda house, token: resigned(house, token, {}, drop=claim)


NOW = int(START.timestamp())
#: What is made of a good token, and the cause of its refusal.
ATTACKS: dict[str, tuple[Callable[[House, str], str], str]] = {
    "alg none": (_none, "token-algorithm"),
    "alg nOnE": (_none_in_capitals, "token-algorithm"),
    "HMAC with the public key": (_hmac_with_the_public_key, "token-algorithm"),
    "signed by another key": (_other_key, "token-signature"),
    "brings its own key": (_own_key_in_header, "token-malformed"),
    "cut short": (_cut, "token-signature"),
    "claims changed": (_tampered, "token-signature"),
    "signature of another token": (_foreign_signature, "token-signature"),
    "typ JWT": (_header(typ="JWT"), "token-type"),
    "typ missing": (_header(typ=None), "token-type"),
    "typ of an access token": (_header(typ="at+jwt"), "token-type"),
    "kid unknown": (_header(kid="k2"), "token-key"),
    "kid missing": (_header(kid=None), "token-key"),
    "kid is a path": (_header(kid="../../etc/passwd"), "token-key"),
    "crit": (_header(crit=["exp"]), "token-malformed"),
    "jku": (_header(jku="https://evil.test/keys"), "token-malformed"),
    "foreign audience": (_claims(aud="other"), "token-audience"),
    "audience among others": (_claims(aud=["gate", "other"]), "token-malformed"),
    "foreign issuer": (_claims(iss="https://evil.test"), "token-issuer"),
    "expired": (_claims(exp=NOW), "token-expired"),
    "expired long ago": (_claims(exp=1), "token-expired"),
    "nbf in the future": (_claims(nbf=NOW + 2), "token-not-yet-valid"),
    "iat in the future": (_claims(iat=NOW + 2), "token-not-yet-valid"),
    "exp is a text": (_claims(exp="4000000000"), "token-malformed"),
    "exp is a float": (_claims(exp=4e9), "token-malformed"),
    "exp is infinite": (_claims(exp=float("inf")), "token-malformed"),
    "exp is true": (_claims(exp=True), "token-malformed"),
    "exp is huge": (_claims(exp=10**30), "token-malformed"),
    "exp is negative": (_claims(exp=-1), "token-malformed"),
    "sub is a list": (_claims(sub=["alice"]), "token-malformed"),
    "sub is empty": (_claims(sub=""), "token-malformed"),
    "unknown jti": (_claims(jti="tok_unknown"), "token-unknown"),
    "another grant": (_claims(grant="grant_other"), "token-unknown"),
    **{
        f"without {claim}": (_without(claim), "token-malformed")
        for claim in ("iss", "aud", "sub", "jti", "grant", "iat", "nbf", "exp")
    },
}


@pytest.mark.parametrize("case", ATTACKS)
async def test_an_attack_is_refused(house: House, case: str) -> None:
    attack, cause = ATTACKS[case]
    good = await house.token()
    error = await refusal(house, attack(house, good))
    assert (error.cause, error.sqlstate) == (cause, "28P01")
    if cause in ("token-signature", "token-algorithm", "token-key", "token-type"):
        assert (error.token_id, error.person) == ("", "")
        assert "alice" not in error.message + error.hint
    await house.access.admit(good, user="alice", database="shop", client="x")


async def test_no_single_changed_character_opens_the_door(house: House) -> None:
    good = await house.token()
    for place in range(0, len(good), 3):
        changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        # The last character of a segment carries bits that base64 ignores; PyJWT's own decoder takes them as equal.
        if (
            base64.urlsafe_b64decode(changed.split(".")[-1] + "==")
            == base64.urlsafe_b64decode(good.split(".")[-1] + "==")
            and changed.rsplit(".", 1)[0] == good.rsplit(".", 1)[0]
        ):
            continue
        assert (await refusal(house, changed)).sqlstate == "28P01"


async def test_a_token_expires_to_the_second_and_says_when(house: House) -> None:
    grant = await house.granted()
    text = (await house.access.mint(await house.person("alice"), grant, seconds=60)).text
    house.clock.move(seconds=59.7)
    await house.access.admit(text, user="alice", database="shop", client="x")
    house.clock.move(seconds=0.3)
    error = await refusal(house, text)
    assert error.cause == "token-expired"
    assert "2026-11-23 12:01:00 UTC" in error.message
    assert "pgcurfew token" in error.hint


async def test_the_user_is_the_tokens(house: House) -> None:
    error = await refusal(house, await house.token(), user="bob")
    assert (error.cause, error.sqlstate, error.person) == ("user-mismatch", "28P01", "alice")
    error = await refusal(house, await house.token(), user="x\x1b[2J" * 30)
    assert "\x1b" not in error.message


async def test_the_database_is_the_grants(house: House) -> None:
    error = await refusal(house, await house.token(), database="archive")
    assert (error.cause, error.sqlstate) == ("database-mismatch", "28000")
    assert "dbname=shop" in error.hint


async def test_a_stolen_token_of_another_person_is_bound_to_them(house: House) -> None:
    alices = await house.token("alice")
    error = await refusal(house, resigned(house, alices, {"sub": "erin"}), user="erin")
    assert error.cause == "token-unknown"


async def test_a_revoked_grant_says_by_whom_and_why(house: House) -> None:
    grant = await house.granted()
    text = (await house.access.mint(await house.person("alice"), grant)).text
    await house.access.revoke(await house.person("bob"), grant, reason="wrong customer")
    error = await refusal(house, text)
    assert (error.cause, error.sqlstate) == ("grant-revoked", "28000")
    assert "bob" in error.message
    assert "wrong customer" in error.message


async def test_an_ended_grant_stays_ended_when_the_clock_is_set_back(house: House) -> None:
    text = await house.token(seconds=60)
    house.clock.move(seconds=120)
    await house.access.tidy()
    house.clock.move(seconds=-110)
    assert (await refusal(house, text)).cause == "grant-ended"


async def test_a_locked_person_is_kept_out(house: House) -> None:
    text = await house.token()
    await house.access.set_locked(await house.person("adam"), "alice", locked=True, reason="left")
    error = await refusal(house, text)
    assert (error.cause, error.sqlstate) == ("person-locked", "28000")
    await house.access.set_locked(await house.person("adam"), "alice", locked=False, reason="back")
    await house.access.admit(text, user="alice", database="shop", client="x")


async def test_a_role_that_left_the_policy_opens_nothing(house: House) -> None:
    text = await house.token()
    del house.roles["support"]
    error = await refusal(house, text)
    assert (error.cause, error.sqlstate) == ("role-gone", "28000")


async def test_a_grant_has_so_many_sessions_and_no_more(house: House) -> None:
    text = await house.token()
    first = await house.access.admit(text, user="alice", database="shop", client="x")
    await house.access.admit(text, user="alice", database="shop", client="x")
    error = await refusal(house, text)
    assert (error.cause, error.sqlstate) == ("too-many-sessions", "53300")
    house.access.leave(first)
    await house.access.admit(text, user="alice", database="shop", client="x")


async def test_nothing_of_a_token_or_credential_is_kept_or_recorded(house: House) -> None:
    text = await house.token()
    await house.access.admit(text, user="alice", database="shop", client="x")
    kept = repr(await house.everything()) + repr(house.facts)
    assert "alice" in kept
    assert text.split(".")[2] not in kept
    assert all(credential not in kept for credential in house.credentials.values())
    assert repr(people.digest_of(house.credentials["alice"])) in kept
