"""python -m bench.profile: where the gateway's CPU goes in a prepared and a simple run.

Three views of the same load: user and kernel time a transaction (the kernel's own accounting);
samples by library and symbol (perf, where it is installed and permitted); time by Python function
(cProfile, which slows calls down, so that its shares are to be trusted and its sums are not).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pstats
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

from bench.endpoint import Endpoint
from bench.load import Load, pgbench
from bench.place import Place, raised
from bench.service import running

LINES = 40
#: pgbench logs in before it begins; what that costs is not looked at here.
LOG_IN_SECONDS = 0.7
HERE = Path(__file__).parent.parent


def main() -> None:
    """Profile what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--mode", choices=("prepared", "simple", "extended", "both"), default="both")
    parser.add_argument("--clients", type=int, default=8, help="clients of pgbench (8)")
    parser.add_argument("--seconds", type=float, default=5, help="how long each view is looked at (5)")
    parser.add_argument("--tls", action="store_true", help="TLS to the client")
    parser.add_argument("--upstream-tls", action="store_true", help="TLS to PostgreSQL")
    parser.add_argument("--scale", type=int, default=1, help="pgbench's scale (1)")
    parser.add_argument("--lines", type=int, default=LINES, help="lines of each list (40)")
    parser.add_argument("--keep", type=Path, help="keep the cProfile files in this folder (for snakeviz and others)")
    options = parser.parse_args()
    # Asked to end, it takes everything down that it has put up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    modes = ("prepared", "simple") if options.mode == "both" else (options.mode,)
    with (
        tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as name,
        raised(Path(name), scale=options.scale, upstream_tls=options.upstream_tls, progress=_say) as place,
    ):
        for mode in modes:
            _accounted(place, mode, options)
            _sampled(place, mode, options)
        place.stage.gateway.stop()
        for mode in modes:
            _counted(place, mode, options)


def _accounted(place: Place, mode: str, options: argparse.Namespace) -> None:
    load = _load(_way(place, options), mode, options.seconds, options)
    each = 1e6 / load.result.transactions
    _title(f"{mode}: {load.result.per_second:,.0f} transactions a second")
    _say(f"CPU per transaction: {load.cpu_us:.1f} µs: {load.cpu.user * each:.1f} in the program, "
         f"{load.cpu.system * each:.1f} in the kernel")  # fmt: skip


def _sampled(place: Place, mode: str, options: argparse.Namespace) -> None:
    """perf's samples by library, then by symbol."""
    perf = shutil.which("perf")
    if perf is None:
        _say("(perf is not installed: no view by library)")
        return
    endpoint = _way(place, options)
    with tempfile.TemporaryDirectory(prefix="pgcurfew-perf-") as folder:
        data = Path(folder) / "perf.data"
        with _loaded(endpoint, mode, options):
            done = subprocess.run(
                [perf, "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", data, "-p", str(endpoint.pid),
                 "--", "sleep", str(options.seconds)],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
        if done.returncode != 0 or not data.exists():
            _say(f"(perf may not look here: {' '.join(done.stderr.split())[:200]})")
            return
        for heading, order in (("by library", "dso"), ("by symbol", "dso,symbol")):
            said = subprocess.run(
                [perf, "report", "-i", data, "--stdio", "-q", "--sort", order, "--percent-limit", "0.4"],
                check=False, capture_output=True, text=True,
            ).stdout  # fmt: skip
            _title(f"{mode}: perf, {heading}")
            for line in [line for line in said.splitlines() if line.strip()][: options.lines]:
                _say(line.rstrip(" -"))


def _counted(place: Place, mode: str, options: argparse.Namespace) -> None:
    """cProfile's list, in microseconds a transaction, log-ins included. The place's own gateway is stopped by now."""
    stage = place.stage
    ready, profile = stage.folder / "profiled.json", stage.folder / f"{mode}.prof"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "bench.profiled", str(stage.settings), str(ready), str(profile)]
    with running(command, stage.ports.postgres, stage.folder / "profiled.log", unprivileged=False, cwd=HERE) as service:
        _wait_for(ready)
        endpoint = replace(_way(place, options, running=False), pid=service.pid)
        os.kill(service.pid, signal.SIGUSR1)
        load = _load(endpoint, mode, options.seconds, options)
        os.kill(service.pid, signal.SIGUSR2)
        _wait_for(profile)
    _list(profile, mode, load.result.transactions, options.lines)
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(profile, options.keep / profile.name)


def _list(profile: Path, mode: str, transactions: int, lines: int) -> None:
    stats = pstats.Stats(str(profile))
    rows = [
        (own, cumulative, calls, function)
        for function, (_, calls, own, cumulative, _) in stats.stats.items()  # type: ignore[attr-defined]
    ]
    total = sum(own for own, *_ in rows)
    _title(f"{mode}: cProfile, by Python function (its own cost included)")
    _say(f"{'own':>6}{'share':>8}{'with callees':>14}{'calls':>8}   per transaction, µs")
    for own, cumulative, calls, (file, line, name) in sorted(rows, reverse=True)[:lines]:
        each = 1e6 / transactions
        where = name if file == "~" else f"{_short(file)}:{line}({name})"
        _say(f"{own * each:>6.1f}{own / total:>8.1%}{cumulative * each:>14.1f}{calls / transactions:>8.2f}   {where}")


@contextlib.contextmanager
def _loaded(endpoint: Endpoint, mode: str, options: argparse.Namespace) -> Iterator[None]:
    """pgbench runs beside the block, from after its log-ins on and a little longer."""
    seconds = options.seconds + 3 * LOG_IN_SECONDS
    thread = Thread(target=_load, args=(endpoint, mode, seconds, options))
    thread.start()
    time.sleep(LOG_IN_SECONDS)
    try:
        yield
    finally:
        thread.join()


def _load(endpoint: Endpoint, mode: str, seconds: float, options: argparse.Namespace) -> Load:
    return pgbench(endpoint, mode=mode, clients=options.clients, seconds=max(1.0, seconds))


def _way(place: Place, options: argparse.Namespace, *, running: bool = True) -> Endpoint:
    endpoint = place.gateway(running=running)
    return place.over_tls(endpoint) if options.tls else endpoint


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.name} was not written")
        time.sleep(0.02)


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(HERE)) if path.is_relative_to(HERE) and ".venv" not in path.parts else path.name


def _title(words: str) -> None:
    _say(f"\n== {words}")


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    main()
