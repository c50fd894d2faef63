"""What it ran on: enough to compare figures by, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.peers import find
from gateway.demo.binaries import PostgresBinaries


@dataclass(frozen=True, slots=True)
class Machine:
    """In the words of a table's caption."""

    cores: int
    cpu: str
    system: str
    python: str
    uvloop: str
    postgresql: str
    pgbouncer: str | None
    haproxy: str | None
    #: The load average before anything was started: above 0.5, the figures are noisy.
    load_before: float

    def sentence(self) -> str:
        peers = [f"{name} {number}" for name, number in (("PgBouncer", self.pgbouncer), ("HAProxy", self.haproxy)) if
                 number]  # fmt: skip
        return (
            f"{self.cores} cores ({self.cpu}), {self.system}, Python {self.python} with uvloop {self.uvloop}, "
            f"{', '.join([f'PostgreSQL {self.postgresql}', *peers])}; "
            "client, gateway and PostgreSQL share the cores."
        )


def describe(binaries: PostgresBinaries) -> Machine:
    """This machine, now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=_cpu(),
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        python=platform.python_version(),
        uvloop=version("uvloop"),
        postgresql=_number([str(binaries.program("postgres")), "--version"]) or "?",
        pgbouncer=_peer("pgbouncer", "--version"),
        haproxy=_peer("haproxy", "-v"),
        load_before=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _peer(name: str, option: str) -> str | None:
    program = find(name)
    return None if program is None else _number([program, option])


def _number(command: list[str]) -> str | None:
    said = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    return found[0] if found else None
