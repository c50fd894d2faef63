"""Client certificates: a second factor that must name the person of the token."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.demo.certificates import Authority
from gateway.demo.stage import Outcome, client_environment, run
from tests.e2e.test_curfew import wait_until
from tests.support.certificates import HOUR, Shown, issue
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import Postgres, SampleDatabase
from tests.support.refusals import door_events
from tests.support.wire import RawClient, directly_encrypted, encrypted

AUTHORITY = Authority.create("the clients' authority")
STRANGER = Authority.create("the clients' authority")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("clients")
    (found / "ca.pem").write_bytes(AUTHORITY.pem)
    return found


@pytest.fixture(scope="module")
def gateway(
    sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory, folder: Path
) -> Iterator[RunningGateway]:
    """One that asks everybody for a certificate."""
    tls = f'client_ca = "{folder / "ca.pem"}"\nplaintext_on_loopback = true'
    with running_gateway(sample_database, tmp_path_factory.mktemp("gateway"), settings={"tls": tls}) as found:
        yield found


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def psql(gateway: RunningGateway, given: Given, postgres: Postgres, words: str) -> Outcome:
    program = str(postgres.cluster.binaries.program("psql"))
    return run([program, "-XAtc", "SELECT 'in'", f"{gateway.conninfo(given)} {words}"], client_environment(given.token))


def newest_session(gateway: RunningGateway) -> dict[str, Any]:
    newest = max(gateway.stage.record.glob("sessions/*/*/*/*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    event: dict[str, Any] = json.loads(newest.read_text().splitlines()[0])["event"]
    return event


def test_a_certificate_that_names_the_person_lets_them_in(
    gateway: RunningGateway, given: Given, postgres: Postgres, folder: Path
) -> None:
    shown = issue(AUTHORITY, folder, "alice")
    done = psql(gateway, given, postgres, shown.words)
    assert (done.out.strip(), done.err) == ("in", "")
    opened = newest_session(gateway)
    assert opened["certificate"] == "O=Example,CN=alice"
    digest = hashlib.sha256(shown.der).digest()
    assert opened["thumbprint"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert "CN=alice" in gateway.pgcurfew("alice", "replay", opened["session"]).text


async def test_asyncpg_shows_one_too(gateway: RunningGateway, given: Given, folder: Path) -> None:
    shown = issue(AUTHORITY, folder, "alice")
    context = gateway.tls
    context.load_cert_chain(shown.certificate, shown.key)
    connection = await gateway.connect(given, ssl=context)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_in_every_kind_of_tls(
    gateway: RunningGateway, given: Given, folder: Path, version: ssl.TLSVersion, direct: bool
) -> None:
    shown = issue(AUTHORITY, folder, "alice")
    context = gateway.tls
    context.load_cert_chain(shown.certificate, shown.key)
    context.set_alpn_protocols(["postgresql"])
    context.minimum_version = context.maximum_version = version
    dial = directly_encrypted if direct else encrypted
    with RawClient(dial(gateway.port, context)) as client:
        assert not client.log_in(given.token, {"user": "alice", "database": "shop"}).refusal


def test_without_one_the_door_says_what_to_do(gateway: RunningGateway, given: Given, postgres: Postgres) -> None:
    for words in ("sslcert=none", "sslmode=disable"):
        done = psql(gateway, given, postgres, words)
        assert done.code == 2
        assert "client certificate" in done.err
        assert "cn:alice" in done.err
        assert "sslcert" in done.err
        assert door_events(gateway)[-1]["cause"] == "no-certificate"


@pytest.mark.parametrize("names", [("rita",), ("Alice",), ("alice ",), ("alice", "rita"), ()])
def test_somebody_elses_certificate_is_refused(
    gateway: RunningGateway, given: Given, postgres: Postgres, folder: Path, names: tuple[str, ...]
) -> None:
    shown = issue(AUTHORITY, folder, *names, email="alice@example.org", uri="https://example.org/alice")
    done = psql(gateway, given, postgres, shown.words)
    assert done.code == 2
    assert "does not name cn:alice" in done.err
    event = door_events(gateway)[-1]
    assert event["cause"] == "certificate-mismatch"
    assert "O=Example" in event["certificate"]


def test_a_token_of_another_person_is_no_way_round(gateway: RunningGateway, given: Given, folder: Path) -> None:
    """Rita's certificate opens the first lock for rita; alice's token does not open the second."""
    shown = issue(AUTHORITY, folder, "rita")
    context = gateway.tls
    context.load_cert_chain(shown.certificate, shown.key)
    with RawClient(encrypted(gateway.port, context)) as client:
        client.log_in(given.token, {"user": "rita", "database": "shop"})
        assert client.refusal["C"] == "28P01"


BAD = [
    ("expired", "certificate has expired", "expired"),
    ("not yet valid", "certificate is not yet valid", "bad certificate"),
    ("another authority's", "certificate signature failure|unable to get local issuer", "decrypt error|unknown ca"),
    ("a server's", "unsuitable certificate purpose", "unsupported certificate"),
]


@pytest.mark.parametrize(("what", "recorded", "told"), BAD)
def test_a_bad_certificate_is_refused_by_an_alert_and_recorded(
    gateway: RunningGateway, given: Given, postgres: Postgres, folder: Path, what: str, recorded: str, told: str
) -> None:
    shown = bad(what, folder)
    before = len(door_events(gateway))
    done = psql(gateway, given, postgres, shown.words)
    assert done.code == 2
    assert any(word in done.err for word in told.split("|")), done.err
    # The alert is sent at once, the line written a moment later.
    wait_until("it is recorded", lambda: len(door_events(gateway)) == before + 1)
    event = door_events(gateway)[-1]
    assert event["cause"] == "tls"
    assert any(word in event["message"] for word in recorded.split("|")), event["message"]


def bad(what: str, folder: Path) -> Shown:
    match what:
        case "expired":
            return issue(AUTHORITY, folder, "alice", begins=-2 * HOUR, ends=-HOUR)
        case "not yet valid":
            return issue(AUTHORITY, folder, "alice", begins=HOUR, ends=2 * HOUR)
        case "a server's":
            return issue(AUTHORITY, folder, "alice", purpose=ExtendedKeyUsageOID.SERVER_AUTH)
        case _:
            return issue(STRANGER, folder, "alice")


def test_optional_by_email(sample_database: SampleDatabase, postgres: Postgres, tmp_path: Path, folder: Path) -> None:
    tls = (
        f'client_ca = "{folder / "ca.pem"}"\nclient_certificates = "optional"\n'
        'client_name = "email:{user}@example.org"'
    )
    with running_gateway(sample_database, tmp_path, settings={"tls": tls}) as gateway:
        given = gateway.give()
        assert psql(gateway, given, postgres, "sslcert=none").out.strip() == "in"
        assert "certificate" not in newest_session(gateway)
        good = issue(AUTHORITY, folder, "Alice Liddell", email="alice@example.org")
        assert psql(gateway, given, postgres, good.words).out.strip() == "in"
        other = issue(AUTHORITY, folder, "alice", email="rita@example.org")
        assert "does not name email:alice@example.org" in psql(gateway, given, postgres, other.words).err
