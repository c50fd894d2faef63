"""Which names of a certificate count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.settings import Tls
from gateway.demo.certificates import Authority
from gateway.session.certificates import ClientCertificate, doubt
from tests.support.certificates import issue

NOW = datetime.now(UTC)


def settings(name: str = "cn:{user}", wanted: str = "required") -> Tls:
    return Tls.model_validate(
        {
            "certificate": "server.crt", "private_key": "file:server.key", "client_ca": "ca.pem",
            "client_certificates": wanted, "client_name": name,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> ClientCertificate:
    folder = tmp_path_factory.mktemp("certificates")
    uri = "spiffe://example.org/people/alice"
    found = issue(Authority.create("test"), folder, "alice", email="alice@example.org", uri=uri)
    return ClientCertificate.read(found.der)


@pytest.mark.parametrize("name", ["cn:{user}", "email:{user}@example.org", "uri:spiffe://example.org/people/{user}"])
def test_each_kind_of_name(shown: ClientCertificate, name: str) -> None:
    assert doubt(settings(name), shown, "alice", NOW) is None
    against = doubt(settings(name), shown, "rita", NOW)
    assert against is not None
    assert against.cause == "certificate-mismatch"


@pytest.mark.parametrize("user", ["", "alice@example.org", "ALICE", "{user}", "alice\0"])
def test_near_is_not_enough(shown: ClientCertificate, user: str) -> None:
    assert doubt(settings(), shown, user, NOW) is not None


def test_a_certificate_that_ended_meanwhile(shown: ClientCertificate) -> None:
    against = doubt(settings(), shown, "alice", NOW + timedelta(days=1))
    assert against is not None
    assert against.cause == "certificate-expired"


def test_none_at_all() -> None:
    assert doubt(settings(wanted="optional"), None, "alice", NOW) is None
    against = doubt(settings(), None, "alice", NOW)
    assert against is not None
    assert against.cause == "no-certificate"


def test_what_is_no_certificate_is_told_apart() -> None:
    with pytest.raises(ValueError):
        ClientCertificate.read(b"\x30\x03\x02\x01\x00")
