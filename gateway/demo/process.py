"""A gateway as a process of its own, started and ended the way an operator would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.guard import Guard

#: The commands, run with the same Python that runs us.
COMMAND = (sys.executable, "-m", "gateway")
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class GatewayFailedError(Exception):
    """The gateway did not get ready or did not stop; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the gateway listens; metrics may be off."""

    postgres: int
    api: int
    metrics: int


class GatewayProcess:
    """`pgcurfew serve`, from its start to its end. It can be killed and started again over the same files."""

    def __init__(self, settings: Path, log: Path, *, environment: dict[str, str] | None = None) -> None:
        self.settings = settings
        self.log = log
        self._environment = environment or {}
        self._ready = log.with_suffix(".ready.json")
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        self.ports = Ports(0, 0, 0)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the gateway is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Ports:
        """Start it and wait until it says that it listens."""
        self._ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "serve", "--config", str(self.settings), "--ready-file", str(self._ready)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment(self._environment),
                # Ctrl-C in the terminal is for whoever started us; the gateway is stopped in its turn.
                start_new_session=True,
            )  # fmt: skip
        self._guard = Guard(self._process.pid)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            if self._process.poll() is not None:
                self.kill()
                raise GatewayFailedError(f"the gateway did not start:\n{self.last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise GatewayFailedError(f"the gateway was not ready in {START_SECONDS:.0f} s:\n{self.last_words()}")
            time.sleep(0.02)
        said = json.loads(self._ready.read_text())
        self.ports = Ports(said["port"], said["api_port"], said.get("metrics_port") or 0)
        return self.ports

    def stop(self) -> int:
        """SIGTERM and wait; gives back the exit code, 0 if it was not running."""
        process = self._process
        if process is None:
            return 0
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise GatewayFailedError(
                f"the gateway did not stop within {STOP_SECONDS:.0f} s of SIGTERM:\n{self.last_words()}"
            ) from None
        finally:
            self.kill()

    def send(self, number: signal.Signals) -> None:
        """A signal, without waiting for what comes of it."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Until it has ended by itself; gives back the exit code. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, "the gateway is not running"
        code = self._process.wait(seconds)
        self.kill()
        return code

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it without asking, as a crash would."""
        process, self._process = self._process, None
        guard, self._guard = self._guard, None
        if process is not None:
            process.send_signal(number)
            process.wait()
        if guard is not None:
            guard.release()

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return "(it wrote no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def clean_environment(more: dict[str, str]) -> dict[str, str]:
    """Our environment without anything that would steer a client, a gateway or a command from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PSQL", "PYTHON"))}
    return {**kept, **more}
