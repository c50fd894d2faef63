"""Runs psql, or another program, with a token that is kept fresh while the program runs.

The token is in a password file of a private directory (PostgreSQL manual 34.16), never in an argument and not in the
environment either: libpq reads the file at every connect, so psql's \\c finds the newest token. When the program has
ended, the file is removed and the token revoked. Ctrl-C belongs to the program.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from gateway.cli.client import Client
from gateway.cli.output import Exit, Stopped, moment
from gateway.cli.ways import pgpass_line, variables

#: What would lead the program elsewhere, or change what its session starts with.
FOREIGN: Final = (
    "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS",
    "PGPASSFILE", "PGREQUIREAUTH", "PGSSLCERTMODE", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL", "PGSSLCRLDIR",
    "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS",
)  # fmt: skip
#: How often it is looked whether the token is to be renewed.
TICK_SECONDS: Final = 1.0
#: A token that lasts as long as its grant is compared with the grant so often: that may have been extended.
LOOK_SECONDS: Final = 30.0
#: A token is renewed so long before its end, or at half its life.
SOON_SECONDS: Final = 120.0
#: After a call that failed, the next one.
RETRY_SECONDS: Final = 10.0
#: A shell's exit code for a program that a signal ended.
SIGNALLED: Final = 128


class Passage:
    """One grant, one program. `wish` is the body with which tokens are asked for."""

    def __init__(
        self, client: Client, grant: str, settings: Mapping[str, str], wish: Mapping[str, object], first: dict[str, Any]
    ) -> None:
        self._client = client
        self._grant = grant
        self._settings = dict(settings)
        self._wish = dict(wish)
        self._token = first
        self._minted: list[str] = []
        self._life = 0.0
        self._next_look = 0.0

    def run(self, command: Sequence[str]) -> int:
        """Run the program to its end, and give back its exit code. Raises Stopped when it cannot be started."""
        folder = _private_folder()
        try:
            file = folder / "pgpass"
            self._put(file, self._token)
            environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
            environment |= variables(self._settings) | {"PGPASSFILE": str(file)}
            return self._attend(command, environment, file)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._revoke()

    def _attend(self, command: Sequence[str], environment: dict[str, str], file: Path) -> int:
        running: list[subprocess.Popen[bytes]] = []
        with _signals_for(running):
            try:
                program = subprocess.Popen(command, env=environment)  # noqa: S603 -- what the user asked for, no shell
            except OSError as error:
                message = f"{command[0]} cannot be started: {error.strerror}"
                raise Stopped(Exit.USAGE, message, "is it installed, and on your PATH?") from None
            running.append(program)
            while True:
                try:
                    status = program.wait(TICK_SECONDS)
                except subprocess.TimeoutExpired:
                    self._keep_fresh(file)
                else:
                    return status if status >= 0 else SIGNALLED - status

    def _keep_fresh(self, file: Path) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        try:
            if self._is_due():
                self._put(file, self._client.post("grants", self._grant, "token", body=self._wish))
        except Stopped as stopped:
            # The session says itself that the grant is over; the gateway may be back in a moment.
            self._next_look = now + (RETRY_SECONDS if stopped.code is Exit.UNREACHABLE else LOOK_SECONDS)

    def _is_due(self) -> bool:
        """A token is used up, was revoked, or ends soon and before its grant."""
        token = self._token
        if token["once"]:
            seen = self._client.get("tokens", token["id"])
            return bool(seen["used_at"] or seen["revoked_at"]) or self._ends_soon()
        return self._ends_soon()

    def _ends_soon(self) -> bool:
        ends_at = moment(self._token["ends_at"])
        left = (ends_at - datetime.now(UTC)).total_seconds()
        if left > min(SOON_SECONDS, self._life / 2):
            return False
        self._next_look = time.monotonic() + min(LOOK_SECONDS, max(TICK_SECONDS, self._life / 8))
        return moment(self._client.get("grants", self._grant)["ends_at"]) > ends_at

    def _put(self, file: Path, minted: dict[str, Any]) -> None:
        """The file holds the new token or the old one, and never a part of one."""
        self._token = minted
        self._minted.append(minted["id"])
        self._life = max(1.0, (moment(minted["ends_at"]) - datetime.now(UTC)).total_seconds())
        beside = file.with_name("pgpass.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(pgpass_line(self._settings, minted["token"]) + "\n")
        beside.replace(file)

    def _revoke(self) -> None:
        """Whatever is left of the tokens is worth nothing. Where it does not work, they end with their grant."""
        for token in self._minted[-2:]:
            with contextlib.suppress(Stopped):
                reason = "the program that it was for has ended"
                self._client.post("tokens", token, "revoke", body={"reason": reason})


def _private_folder() -> Path:
    """A new directory of mode 0700, in memory where the system has one for its user."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    place = runtime if runtime and os.access(runtime, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="pgcurfew-", dir=place))


@contextlib.contextmanager
def _signals_for(running: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ reach the program from the terminal; we stay to clean up. What is sent to us alone is
    passed on."""

    def stay(number: int, frame: FrameType | None) -> None:
        pass

    def pass_on(number: int, frame: FrameType | None) -> None:
        for program in running:
            program.send_signal(number)

    # Functions, not SIG_IGN: that one the program would inherit (signal(7), execve).
    handlers = {
        signal.SIGINT: stay,
        signal.SIGQUIT: stay,
        signal.SIGTERM: pass_on,
        signal.SIGHUP: pass_on,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
