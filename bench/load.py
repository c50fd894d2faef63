"""pgbench: how many transactions a second, and how long each of them takes."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.accounting import CpuTime, Meter
from bench.endpoint import Endpoint
from gateway.demo.binaries import find_pgbench

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


class LoadFailedError(Exception):
    """pgbench did not do what it was asked; the message holds its words."""


@dataclass(frozen=True, slots=True)
class Result:
    """What pgbench says at its end."""

    transactions: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Of single transactions, in microseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Load:
    """One run against one endpoint."""

    result: Result
    #: What the process at the endpoint used for it, the log-ins of pgbench's clients included.
    cpu: CpuTime
    latency: Latency | None

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU for one transaction."""
        return self.cpu.total * 1e6 / self.result.transactions


def parse_result(said: str) -> Result:
    """The figures in pgbench's report (PG manual, pgbench). Raises LoadFailedError when a transaction failed."""
    rate, done, failed = _RATE.search(said), _DONE.search(said), _FAILED.search(said)
    if rate is None or done is None or int(done[1]) == 0 or (failed is not None and int(failed[1])):
        raise LoadFailedError(f"pgbench did not finish: {' '.join(said.split())[-300:]}")
    return Result(int(done[1]), float(rate[1]))


def parse_log(lines: Iterable[str]) -> Latency:
    """Percentiles of pgbench's per-transaction log: client, number, microseconds, script, …"""
    times = sorted(int(line.split(" ", 3)[2]) for line in lines)
    if not times:
        raise LoadFailedError("pgbench's log holds no transaction")
    return Latency(statistics.median(times), times[min(len(times) - 1, len(times) * 99 // 100)])


def pgbench(
    endpoint: Endpoint, *, mode: str, clients: int, seconds: float, script: str | None = None, log: bool = False
) -> Load:
    """Run `pgbench -S`, or a script of one's own, in one of its three modes."""
    with tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as name:
        folder = Path(name)
        work = ["-S"]
        if script is not None:
            (folder / "script.sql").write_text(script)
            work = ["-f", str(folder / "script.sql")]
        command = [
            str(find_pgbench()), "-n", *work, "-M", mode, "-c", str(clients), "-j", "1", "-T", f"{seconds:.0f}",
            *(["--log", f"--log-prefix={folder / 'log'}"] if log else []),
        ]  # fmt: skip
        with Meter(endpoint.pid) as meter:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, env=endpoint.environment(),
                timeout=seconds + 60, cwd=folder,
            )  # fmt: skip
        if done.returncode != 0:
            raise LoadFailedError(f"pgbench through {endpoint.name}: {done.stderr.strip()[-500:]}")
        latency = None
        if log:
            (written,) = folder.glob("log.*")
            with written.open() as lines:
                latency = parse_log(lines)
        return Load(parse_result(done.stdout), meter.spent, latency)
