"""Chapter: whoever should not get in does not, and each attempt is recorded."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.demo.certificates import signing_key
from gateway.demo.stage import client_environment, run
from gateway.demo.tour.cast import Cast


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way of trying the door."""

    how: str
    token: str
    user: str = "alice"
    database: str = "shop"
    tls: bool = True


def play(cast: Cast) -> None:
    """Every attempt must meet a FATAL error that says why."""
    tell = cast.narrator
    tell.chapter(
        3, "The door", "Somebody tries tokens that are not quite right. Each gets a clear answer, and no session."
    )
    for attempt in (*_forged(cast), *_misused(cast)):
        conninfo = cast.stage.conninfo(attempt.user, attempt.database)
        if not attempt.tls:
            conninfo = conninfo.replace("sslmode=verify-full", "sslmode=disable")
        command = [*cast.stage.psql_command(attempt.user)[:-1], "-c", "SELECT 1", conninfo]
        done = run(command, client_environment(attempt.token))
        said = done.err.strip().rpartition("FATAL:")[2].strip()
        tell.check(
            done.code != 0 and "FATAL:" in done.err,
            f"{attempt.how}: {said.splitlines()[0] if said else '?'}",
            done.text,
        )
    tell.check(cast.psql("SELECT 1").code == 0, "and the right token still works")


def _forged(cast: Cast) -> Iterator[Attempt]:
    """Tokens made with the gateway's own key, each wrong in one claim, and some without it."""
    token = cast.support.token
    header = {"kid": jwt.get_unverified_header(token).get("kid"), "typ": jwt.get_unverified_header(token).get("typ")}
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    key = load_pem_private_key((cast.stage.folder / "keys" / "tokens.pem").read_bytes(), None)
    foreign = load_pem_private_key(signing_key(), None)
    now = int(time.time())

    def signed(by: Any = key, **changes: Any) -> str:
        return jwt.encode({**claims, **changes}, by, algorithm="EdDSA", headers=header)

    head, body, signature = token.split(".")
    altered = _encoded({**claims, "sub": "rita"})
    none_head = _encoded({"alg": "none", "typ": header["typ"], "kid": header["kid"]})
    yield Attempt("a password that is no token", "correct horse battery staple")
    yield Attempt("a token that has expired", signed(iat=now - 120, nbf=now - 120, exp=now - 1))
    yield Attempt("a token whose claims were changed", f"{head}.{altered}.{signature}")
    yield Attempt("a token with alg none", f"{none_head}.{body}.")
    yield Attempt("a token for another audience", signed(aud="somebody-else"))
    yield Attempt("a token that is not valid yet", signed(nbf=now + 600))
    yield Attempt("a token signed with another key", signed(by=foreign))


def _misused(cast: Cast) -> Iterator[Attempt]:
    """A good token in the wrong place."""
    token = cast.support.token
    yield Attempt("alice's token with rita's name", token, user="rita")
    yield Attempt("a database that the grant is not for", token, database="bench")
    yield Attempt("a connection without TLS", token, tls=False)
    revoked = cast.give("operations", target="shop", seconds=600, reason="OPS-12: order is stuck")
    done = cast.stage.pgcurfew("rita", "revoke", revoked.grant, "--reason", "not needed any more")
    cast.narrator.check(done.code == 0, "rita revokes a grant that nobody uses", done.text)
    yield Attempt("a token of a revoked grant", revoked.token)


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
