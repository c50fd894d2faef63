"""A program that listens on a port of this machine, from its start to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.guard import Guard
from gateway.demo.postgres import server_owner

START_SECONDS = 15.0
STOP_SECONDS = 5.0


class ServiceFailedError(Exception):
    """It did not start to listen; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running program."""

    pid: int
    port: int


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], port: int, log: Path, *, unprivileged: bool = True, cwd: Path | None = None
) -> Iterator[Service]:
    """Run until the block ends. Started as root it becomes the user who runs PostgreSQL, if `unprivileged`."""
    owner = server_owner() if unprivileged else None
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=cwd,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            user=owner.uid if owner else None, group=owner.gid if owner else None, extra_groups=[] if owner else None,
        )  # fmt: skip
    guard = Guard(process.pid)
    try:
        _wait_until_it_listens(process, port, log)
        yield Service(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        guard.release()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    words = " ".join(log.read_text(errors="replace").split()[-60:])
    raise ServiceFailedError(f"{log.stem} did not start to listen: {words or 'it said nothing'}")
