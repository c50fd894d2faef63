"""What one client can make the gateway hold is bounded, and SIGTERM leaves nothing behind."""

from __future__ import annotations

import re
import time
from pathlib import Path

from protocol.backend import DataRow, ErrorResponse
from protocol.frontend import Query, Sync
from tests.e2e.test_curfew import backends, sleepers, wait_until
from tests.support.gateway import Given, RunningGateway
from tests.support.wire import RawClient, encrypted

#: What a session whose client does not read may cost, in megabytes: the buffers of two sockets.
BOUND = 40


def megabytes(gateway: RunningGateway) -> float:
    status = Path(f"/proc/{gateway.stage.gateway.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def logged_in(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": given.person, "database": given.target})
    assert not client.refusal
    return client


def test_a_gigabyte_for_a_reader_that_sleeps(own_gateway: RunningGateway) -> None:
    with logged_in(own_gateway, own_gateway.give()) as client:
        client.send(Query("SELECT 1"))
        client.until_ready()
        before = megabytes(own_gateway)
        client.send(Query("SELECT repeat('x', 1000000) FROM generate_series(1, 1000)"))
        time.sleep(1.5)
        assert megabytes(own_gateway) - before < BOUND
        client.receive()
        assert isinstance(client.receive(), DataRow)
        assert megabytes(own_gateway) - before < BOUND


def test_questions_without_end_from_a_client_that_reads_no_answer(own_gateway: RunningGateway) -> None:
    with logged_in(own_gateway, own_gateway.give()) as client:
        before = megabytes(own_gateway)
        client.sock.settimeout(1)
        try:
            for _ in range(500):
                client.send(Sync().encode() * 20_000)
        except TimeoutError:
            pass
        else:
            raise AssertionError("nothing held the client back")
        assert megabytes(own_gateway) - before < BOUND


def test_sigterm_ends_sessions_and_leaves_no_backend(own_gateway: RunningGateway) -> None:
    with logged_in(own_gateway, own_gateway.give()) as client:
        client.send(Query("SELECT pg_sleep(600)"))
        wait_until("the query runs", lambda: sleepers(own_gateway) == 1)
        assert own_gateway.stop() == 0
        [*_, error] = client.until_closed()
        assert isinstance(error, ErrorResponse)
        assert error.fields["C"] == "57P01"
    wait_until("no backend is left", lambda: backends(own_gateway) == 0)
    assert "Traceback" not in own_gateway.log
