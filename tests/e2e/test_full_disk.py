"""A real disk that is full: statements stop with words, sessions end in order, nothing is lost, and when there is room
again the gateway goes on by itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from gateway.audit.visible import visible
from tests.e2e.test_curfew import wait_until
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase


@pytest.fixture(params=["process", "disk"])
def small(request: pytest.FixtureRequest, sample_database: SampleDatabase, tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway whose record lies on a disk of 24 MB."""
    with running_gateway(sample_database, tmp_path) as gateway:
        gateway.stop()
        stage = gateway.stage
        text = stage.settings.read_text()
        stage.settings.write_text(text.replace('durability = "process"', f'durability = "{request.param}"'))
        command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs", str(stage.record)]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("mounting a disk of its own is not permitted here")
        try:
            gateway.start()
            yield gateway
            gateway.stop()
        finally:
            subprocess.run(["umount", "-l", str(stage.record)], check=True)


def fill(record: Path) -> Path:
    """Take what room there is."""
    ballast = record / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast


def runs(connection: psycopg.Connection[tuple[object, ...]], times: int) -> int:
    """How many statements went through before one did not."""
    for number in range(times):
        try:
            connection.execute("SELECT %s::int", (number,))
        except psycopg.OperationalError as error:
            assert "audit record cannot be written" in str(error) or connection.closed  # noqa: PT017
            return number
    return times


def available(gateway: RunningGateway) -> float:
    with urlopen(f"http://127.0.0.1:{gateway.stage.ports.metrics}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("pgcurfew_record_available"))


def connected(gateway: RunningGateway, given: Given) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True)


def served(gateway: RunningGateway, given: Given) -> bool:
    try:
        connected(gateway, given).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_full_disk_stops_statements_and_nothing_is_lost(small: RunningGateway) -> None:
    gateway, given = small, small.give()
    busy, other = connected(gateway, given), connected(gateway, given)
    ran = runs(busy, 20) + runs(other, 1)
    ballast = fill(gateway.stage.record)
    for connection in (busy, other):
        ran += runs(connection, 10_000)  # what was left of a block
        assert connection.closed
    wait_until("the metric tells of it", lambda: available(gateway) == 0, 30)
    wait_until("the log tells of it", lambda: "record-unavailable" in gateway.log, 30)
    with pytest.raises(psycopg.OperationalError, match="audit record cannot be written"):
        connected(gateway, given)
    ballast.unlink()
    wait_until("the gateway goes on", lambda: served(gateway, given), 30)
    wait_until("the metric tells of it", lambda: available(gateway) == 1, 30)
    with connected(gateway, given) as again:
        again.execute("SELECT 4711")
        ran += 2
    wait_until("the log tells of it", lambda: "record-available-again" in visible(gateway.log, lines=True), 30)
    gateway.stop()
    done = gateway.pgcurfew(None, "audit", "verify", "--config", str(gateway.stage.settings))
    assert done.code == 0, done.text
    listed = json.loads(
        gateway.pgcurfew(None, "sessions", "--json", "--config", str(gateway.stage.settings), "-n", "500").out
    )
    ours = [one for one in listed if one["grant"] == given.grant]
    assert sum(one["statements"] for one in ours) >= ran
    assert sorted(one["cause"] for one in ours).count("record") == 2, [one["cause"] for one in ours]
    resumed = any(b'"RecordResumed"' in path.read_bytes() for path in gateway.stage.record.rglob("*.jsonl"))
    assert resumed, "the record itself says that it was interrupted"
