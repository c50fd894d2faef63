"""`make demo`: raises a stage, begins the story, and keeps it running; or has the tour played on it."""

from __future__ import annotations

import fcntl
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from gateway.demo.binaries import PostgresMissingError, find_psql
from gateway.demo.narrator import Narrator, screen
from gateway.demo.postgres import ClusterFailedError
from gateway.demo.process import COMMAND, GatewayFailedError
from gateway.demo.stage import PEOPLE, Stage, StageError, raised
from gateway.demo.tour.cast import Cast
from gateway.demo.tour.ending import WARN_SECONDS
from gateway.demo.tour.play import play

GRANT_SECONDS = 30 * 60
#: What goes wrong on a machine rather than in our code: told as a sentence, without a traceback.
_TROUBLE = (PostgresMissingError, ClusterFailedError, GatewayFailedError, StageError, OSError)


def tour(*, scale: float = 1.0, console: Console | None = None) -> int:
    """Play the whole story in a temporary folder; gives back the exit code."""
    narrator = Narrator(console or screen())
    with _interruptible(), tempfile.TemporaryDirectory(prefix="pgcurfew-tour-") as folder:
        try:
            with (
                _progress(narrator.console) as progress,
                raised(Path(folder), scale=scale, warnings=(WARN_SECONDS,), progress=progress.__call__) as stage,
            ):
                progress.done()
                return play(stage, narrator)
        except KeyboardInterrupt:
            narrator.say("Interrupted; everything is put away.")
            return 130
        except _TROUBLE as trouble:
            narrator.console.print(f"[bold red]{escape(str(trouble))}")
            return 1


def demo(folder: Path | None = None, *, scale: float = 1.0, console: Console | None = None) -> int:
    """Raise a stage, give alice a grant, say how to try it, and wait for Ctrl-C. The folder is gone afterwards."""
    console = console or screen()
    with _interruptible():
        try:
            with (
                _folder(folder) as place,
                _progress(console) as progress,
                raised(place, scale=scale, progress=progress.__call__) as stage,
            ):
                progress("alice asks for access, rita approves")
                Cast(stage, Narrator(console)).give(
                    "support", target="shop", seconds=GRANT_SECONDS, reason="ticket 4711: a look at the demo"
                )
                _write_commands(stage)
                progress.done()
                _tell(stage, console)
                while stage.gateway.running:
                    time.sleep(0.5)
                console.print(f"[bold red]the gateway has ended:[/]\n{escape(stage.gateway.last_words())}")
                return 1
        except KeyboardInterrupt:
            console.print("\nEverything is stopped and put away.")
            return 0
        except _TROUBLE as trouble:
            console.print(f"[bold red]{escape(str(trouble))}")
            return 1


class _Progress:
    """One line that says what is going on, on a terminal; a line a step elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = Status("", console=console) if console.is_terminal else None
        self._began = time.monotonic()

    def __call__(self, words: str) -> None:
        if self._status is None:
            self._console.print(f"{time.monotonic() - self._began:5.1f} s  {escape(words)} …")
            return
        self._status.update(f"{escape(words)} …")
        self._status.start()

    def done(self) -> None:
        if self._status is not None:
            self._status.stop()


@contextmanager
def _progress(console: Console) -> Iterator[_Progress]:
    progress = _Progress(console)
    try:
        yield progress
    finally:
        progress.done()


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """A private folder that is gone afterwards; of a demo that was killed, the remains are cleared away first."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="pgcurfew-demo-") as made:
            yield Path(made)
        return
    lock = wanted.with_name(wanted.name + ".lock")
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageError(f"another demo is running in {wanted}; end it with Ctrl-C first") from None
        if wanted.exists() and any(wanted.iterdir()) and not (wanted / "pgcurfew.toml").exists():
            raise StageError(f"{wanted} is not empty and not a demo's; name another folder")
        shutil.rmtree(wanted, ignore_errors=True)
        wanted.mkdir(mode=0o700, parents=True)
        try:
            yield wanted.absolute()
        finally:
            shutil.rmtree(wanted, ignore_errors=True)
            lock.unlink(missing_ok=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP put everything away as Ctrl-C does; once is enough, so later ones do not disturb that."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for later in numbers:
            signal.signal(later, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_commands(stage: Stage) -> None:
    """A small script for each person, so that `.demo/alice token` is all there is to type."""
    for person in PEOPLE:
        script = stage.folder / person
        command = " ".join(f"'{word}'" for word in COMMAND)
        script.write_text(f"#!/bin/sh\nPGCURFEW_HOME='{stage.home(person)}' exec {command} \"$@\"\n")
        script.chmod(stat.S_IRWXU)


def _tell(stage: Stage, console: Console) -> None:
    here = _short(stage.folder)
    psql = "psql" if find_psql().parent in _on_path() else str(find_psql())
    conninfo = stage.conninfo("alice").replace(str(stage.folder), here)
    console.print("\n[bold]The gateway is open.[/] Alice has 30 minutes of support access. In another terminal:\n")
    _command(console, f'PGPASSWORD=$({here}/alice token) {psql} "{conninfo}"')
    console.print(
        "\nTry [bold]SELECT * FROM customers LIMIT 5;[/] or [bold]DELETE FROM customers;[/]. And as the others:\n"
    )
    for line in (
        f"{here}/alice request --target shop --role operations --for 10m --reason 'OPS-7: order is stuck'",
        f"{here}/rita requests",
        f"{here}/rita approve REQUEST",
        f"{here}/rita revoke GRANT --reason 'that will do'",
        f"{here}/otto sessions",
        f"{here}/otto replay SESSION",
        f"{here}/otto audit verify --config {here}/pgcurfew.toml",
    ):
        _command(console, line)
    console.print(f"\nAPI      https://localhost:{stage.ports.api}   (authority: {here}/tls/ca.pem)")
    if stage.gateway.ports.metrics:
        console.print(f"Metrics  http://localhost:{stage.gateway.ports.metrics}/metrics")
    console.print(f"Settings {here}/pgcurfew.toml, policy {here}/policy.toml, log {here}/gateway.log")
    console.print("\nIt runs until Ctrl-C, which leaves nothing behind.")


def _command(console: Console, line: str) -> None:
    # One line each, however long: it is there to be pasted.
    console.print(Text(f"  {line}", "bold green"), soft_wrap=True)


def _short(folder: Path) -> str:
    try:
        return str(folder.relative_to(Path.cwd()))
    except ValueError:
        return str(folder)


def _on_path() -> list[Path]:
    found = shutil.which("psql")
    return [Path(found).parent] if found else []
