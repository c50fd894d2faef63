"""How the gateway logs in at a target: with every method that was agreed to and none that was not, over TLS
that means what libpq's sslmode means. Each against a real PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from gateway.demo.certificates import Authority
from gateway.demo.postgres import Cluster
from gateway.session.reading import ask
from gateway.session.route import Route
from gateway.session.upstream import UpstreamUnavailable, dial
from tests.support.targets import (
    CLIENTS,
    PASSWORD,
    Kept,
    client_certificate,
    self_signed,
    server,
    wearing,
    without_tls,
)

STRANGER = Authority.create("nobody that anybody trusts")


@pytest.fixture(scope="module")
def target() -> Iterator[Cluster]:
    with server() as cluster:
        yield cluster


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def user_of(route: Route) -> str:
    """Who the gateway is at the target, in the target's words."""
    upstream = await dial(route, {"application_name": "a test"})
    try:
        [(user,)] = await ask(upstream.channel, "SELECT current_user", 1000)
        return (user or b"").decode()
    finally:
        upstream.close()
        await upstream.channel.wait_closed()


async def refusal(route: Route) -> tuple[str, str]:
    """What the engineer is told, and what the operator's log says."""
    with capture_logs() as logs, pytest.raises(UpstreamUnavailable) as refused:
        await user_of(route)
    for told in (refused.value.message, str(logs)):
        assert PASSWORD not in told
    for name in ("localhost", "127.0.0.1", route.user, str(route.hosts[0].port)):
        assert name not in refused.value.message
    return refused.value.message, str(logs)


# What is allowed, what the target's pg_hba.conf asks for.
ALLOWED = [
    (["scram-sha-256"], "by_scram"),
    (["scram-sha-256", "md5"], "by_scram"),
    (["md5"], "by_md5"),
    (["scram-sha-256", "md5"], "by_md5"),
    (["password"], "by_password"),
]
REFUSED = [
    (["scram-sha-256"], "by_md5", 'asks for "md5"'),
    (["scram-sha-256"], "by_password", 'asks for "password"'),
    (["scram-sha-256", "md5"], "by_password", 'asks for "password"'),
    (["md5", "password"], "by_scram", 'asks for "scram-sha-256"'),
    (["scram-sha-256", "md5", "password"], "by_trust", "if it says trust, everybody may come in"),
]


@pytest.mark.parametrize(
    ("methods", "login", "tls"),
    [(*each, tls) for each in ALLOWED for tls in (True, False) if tls or "password" not in each[0]],
)
async def test_the_login_proves_itself_as_the_settings_allow(
    target: Cluster, kept: Kept, methods: list[str], login: str, tls: bool
) -> None:
    off = {} if tls else {"sslmode": "disable", "sslrootcert": None}
    route = kept.route(target, login, authentication=methods, **off)
    assert await user_of(route) == login
    assert await user_of(route) == login  # with remembered keys, where there are any


@pytest.mark.parametrize(("methods", "login", "said"), REFUSED)
async def test_nothing_is_said_in_a_way_that_was_not_agreed_to(
    target: Cluster, kept: Kept, methods: list[str], login: str, said: str
) -> None:
    told, logged = await refusal(kept.route(target, login, authentication=methods))
    assert told == 'target "shop" asks for a log-in that the gateway\'s settings for it do not allow'
    assert said in logged
    assert "authentication of [targets.shop]" in logged


async def test_a_password_that_is_not_taken_is_tried_once(target: Cluster, kept: Kept) -> None:
    route = kept.route(target, host=("localhost", "127.0.0.1"))
    kept.password("wrong")
    told, logged = await refusal(route)
    assert "refused the gateway's own login" in told
    assert logged.count("28P01") == 1  # the other host is not asked: it would say the same


async def test_a_changed_password_needs_no_restart(target: Cluster, kept: Kept) -> None:
    route = kept.route(target)
    assert await user_of(route) == "by_scram"
    target.run("ALTER ROLE by_scram PASSWORD 'another'")
    try:
        await refusal(route)
        kept.password("another")
        assert await user_of(route) == "by_scram"
    finally:
        target.run(f"ALTER ROLE by_scram PASSWORD '{PASSWORD}'")
    kept.password()
    assert await user_of(route) == "by_scram"


async def test_a_client_certificate_opens_the_door(target: Cluster, kept: Kept, tmp_path: Path) -> None:
    certificate, key = client_certificate("by_certificate", tmp_path)
    words = {"sslcert": certificate, "sslkey": key}
    alone = kept.route(target, "by_certificate", authentication=["certificate"], password=None, **words)
    assert await user_of(alone) == "by_certificate"
    _, logged = await refusal(kept.route(target, "by_certificate", **words))
    assert 'add "certificate" to the setting' in logged
    certificate, key = client_certificate("by_both", tmp_path)
    assert await user_of(kept.route(target, "by_both", sslcert=certificate, sslkey=key)) == "by_both"
    told, _ = await refusal(kept.route(target, "by_both"))
    assert "refused the gateway's own login" in told
    strange, strange_key = client_certificate("by_scram", tmp_path, STRANGER)
    told, _ = await refusal(kept.route(target, "by_scram", sslcert=strange, sslkey=strange_key))
    assert told.startswith('target "shop"')
    assert CLIENTS is not STRANGER


async def test_a_unix_socket_is_a_host(target: Cluster, kept: Kept) -> None:
    over = {"host": (str(target.folder),), "sslrootcert": None}
    for login, methods in (("by_scram", ["scram-sha-256"]), ("by_md5", ["md5"]), ("by_password", ["password"])):
        assert await user_of(kept.route(target, login, authentication=methods, **over)) == login
    peer = kept.route(target, "by_peer", authentication=["peer"], password=None, **over)
    assert await user_of(peer) == "by_peer"
    _, logged = await refusal(kept.route(target, "by_peer", **over))
    assert 'add "peer" to the setting' in logged
    told, _ = await refusal(kept.route(target, host=("/nowhere",), sslrootcert=None))
    assert told == 'target "shop" cannot be reached: No such file or directory'


@pytest.mark.parametrize(
    ("kind", "digest"),
    [
        ("rsa", "SHA224"),
        ("rsa", "SHA256"),
        ("rsa", "SHA384"),
        ("rsa", "SHA512"),
        ("ec", "SHA256"),
        ("ec", "SHA384"),
        ("ec", "SHA512"),
        ("rsa-pss", "SHA256"),
        ("rsa-pss", "SHA384"),
    ],
)
async def test_the_proof_is_bound_to_the_certificate_whatever_its_hash(
    target: Cluster, kept: Kept, kind: str, digest: str
) -> None:
    words = {"sslmode": "require", "sslrootcert": None, "channel_binding": "require"}
    with wearing(target, self_signed(kind, digest)):
        assert await user_of(kept.route(target, **words)) == "by_scram"


async def test_a_certificate_without_a_hash_cannot_be_bound_to(target: Cluster, kept: Kept) -> None:
    words = {"sslmode": "require", "sslrootcert": None}
    with wearing(target, self_signed("ed25519", None)):
        assert await user_of(kept.route(target, **words)) == "by_scram"
        _, logged = await refusal(kept.route(target, channel_binding="require", **words))
        assert "channel binding is required" in logged
    assert await user_of(kept.route(target, channel_binding="disable")) == "by_scram"


# sslmode as libpq has it

MODES = ("disable", "require", "verify-ca", "verify-full")


@pytest.mark.parametrize("worn", ["its own", "another name", "no TLS"])
async def test_sslmode_means_what_it_means_in_libpq(target: Cluster, kept: Kept, tmp_path: Path, worn: str) -> None:
    """Every mode with the right authority, a wrong one and none, beside libpq itself."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(STRANGER.pem)
    misnamed = target.authority.issue("db", names=("db.internal",))
    scene = {"its own": wearing(target, target.authority.issue_for_localhost("db")), "no TLS": without_tls(target)}
    with scene.get(worn) or wearing(target, misnamed):
        for mode, authority in itertools.product(MODES, (target.ca_file, wrong, None)):
            if (mode == "disable") is not (authority is None) and mode != "require":
                continue  # refused by the settings
            route = kept.route(target, sslmode=mode, sslrootcert=authority)
            try:
                ours = await user_of(route)
            except UpstreamUnavailable as error:
                ours = error.message
                assert "certificate was not accepted" in ours or "does not speak TLS" in ours, ours
            theirs = libpq(target, mode, authority)
            assert (ours == "by_scram") is theirs, f"{worn}, {mode}, {authority}: {ours}"


def libpq(target: Cluster, mode: str, authority: Path | None) -> bool:
    """Does libpq come in?"""
    words = {"sslmode": mode, "sslrootcert": str(authority or "/nowhere"), "host": "localhost", "port": target.port}
    try:
        psycopg.connect(user="by_scram", password=PASSWORD, dbname="postgres", connect_timeout=10, **words).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_an_address_must_be_in_the_certificate_too(target: Cluster, kept: Kept) -> None:
    assert await user_of(kept.route(target, host=("127.0.0.1",))) == "by_scram"
    with wearing(target, target.authority.issue("db", names=("localhost",))):
        told, logged = await refusal(kept.route(target, host=("127.0.0.1",)))
        assert told == 'target "shop" did not prove itself: its certificate was not accepted'
        assert "127.0.0.1" in logged
        assert await user_of(kept.route(target, host=("127.0.0.1",), sslmode="verify-ca")) == "by_scram"
