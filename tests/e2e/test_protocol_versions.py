"""Which version of the protocol a client gets, and the keys that go with it (PG manual, 55.2.1 and 55.7)."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from gateway.demo.stage import client_environment, run
from protocol.backend import NegotiateProtocolVersion, ReadyForQuery
from protocol.frontend import Query
from protocol.startup import CancelRequest
from tests.e2e.test_curfew import sleepers, wait_until
from tests.support.gateway import Given, RunningGateway
from tests.support.postgres import Postgres
from tests.support.wire import RawClient, dial, encrypted, everything

#: What PostgreSQL 18 answers, asked over a socket: minor version and options of the client, then the
#: version and the options of NegotiateProtocolVersion (None: there is none), and how long the key is.
#: There is no 3.1 in anybody's manual; PostgreSQL takes it as it takes 3.0.
ANSWERS = [
    (0, (), None, 4),
    (1, (), None, 4),
    (2, (), None, 32),
    (3, (), (2, ()), 32),
    (9999, (), (2, ()), 32),
    (65535, (), (2, ()), 32),
    (0, ("_pq_.a", "_pq_.b"), (0, ("_pq_.a", "_pq_.b")), 4),
    (0, ("_pq_.",), (0, ("_pq_.",)), 4),
    (1, ("_pq_.a",), (1, ("_pq_.a",)), 4),
    (2, ("_pq_.a",), (2, ("_pq_.a",)), 32),
    (3, ("_pq_.b", "_pq_.a"), (2, ("_pq_.b", "_pq_.a")), 32),
]


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


def logged_in(gateway: RunningGateway, given: Given, minor: int, options: tuple[str, ...] = ()) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    startup = {"user": given.person, "database": given.target, **dict.fromkeys(options, "1")}
    client.log_in(given.token, startup, 3 << 16 | minor)
    assert not client.refusal
    return client


@pytest.mark.parametrize(("minor", "options", "answer", "key"), ANSWERS)
def test_versions_and_options_are_answered_as_postgresql_18_does(
    gateway: RunningGateway,
    given: Given,
    minor: int,
    options: tuple[str, ...],
    answer: tuple[int, tuple[str, ...]] | None,
    key: int,
) -> None:
    with logged_in(gateway, given, minor, options) as client:
        expected = None if answer is None else NegotiateProtocolVersion(3 << 16 | answer[0], answer[1])
        assert client.negotiated == expected
        assert client.key is not None
        assert len(client.key.key) == key
        client.send(Query("SELECT 1"))
        assert isinstance(client.until_ready()[-1], ReadyForQuery)


@pytest.mark.parametrize("version", [2 << 16, 1 << 16, 0, 4 << 16, 0x7FFF << 16, -1])
def test_other_versions_are_refused(gateway: RunningGateway, given: Given, version: int) -> None:
    with RawClient(encrypted(gateway.port, gateway.tls)) as client:
        client.log_in(given.token, {"user": given.person, "database": given.target}, version)
        assert client.refusal["C"] == "0A000"
        assert "3.0 to 3.2" in client.refusal["M"]


@pytest.mark.parametrize("minor", [0, 2])
def test_a_key_of_either_length_cancels_its_session(gateway: RunningGateway, given: Given, minor: int) -> None:
    with logged_in(gateway, given, minor) as client:
        assert client.key is not None
        client.send(Query("SELECT pg_sleep(60)"))
        wait_until("the query runs", lambda: sleepers(gateway) == 1)
        for wrong in (client.key.key[:-1] + bytes([client.key.key[-1] ^ 1]), client.key.key + b"\0"):
            with closing(dial(gateway.port)) as sock:
                sock.sendall(CancelRequest(client.key.pid, wrong).encode())
                assert everything(sock) == b""
        time.sleep(0.2)
        assert sleepers(gateway) == 1
        with closing(dial(gateway.port)) as sock:
            sock.sendall(CancelRequest(client.key.pid, client.key.key).encode())
            assert everything(sock) == b""
        assert client.until_ready()[-2].fields["C"] == "57014"


@pytest.mark.parametrize(
    "words", ["", "max_protocol_version=3.0", "max_protocol_version=latest", "min_protocol_version=3.2"]
)
def test_libpq_18_in_each_version(gateway: RunningGateway, given: Given, postgres: Postgres, words: str) -> None:
    if postgres.version < 18:
        pytest.skip("libpq has min_protocol_version and max_protocol_version from 18 on")
    psql = str(postgres.cluster.binaries.program("psql"))
    newest = "max_protocol_version=latest " if words.startswith("min") else ""
    done = run(
        [psql, "-XAtc", "SELECT 'in'", f"{gateway.conninfo(given)} {newest}{words}"], client_environment(given.token)
    )
    assert (done.out.strip(), done.err) == ("in", "")
