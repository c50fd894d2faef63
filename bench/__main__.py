"""python -m bench: run every case in turn, several rounds, and say what it came to."""

from __future__ import annotations

import argparse
import fnmatch
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench import report
from bench.cases import Case, Plan, cases
from bench.figures import FIGURES, measure
from bench.machine import describe
from bench.place import ROWS_PER_SCALE, raised
from gateway.demo.binaries import find_postgres

HERE = Path(__file__).parent
LATEST = HERE / "latest.json"
PAGE = HERE.parent / "docs" / "performance.md"


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    # Asked to end, it takes everything down that it has put up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = describe(find_postgres())
    if machine.load_before > 0.5:
        _say(f"The load average is {machine.load_before} before anything was started: expect noise.")
    samples: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as name,
        raised(Path(name), scale=options.scale, upstream_tls=options.upstream_tls, progress=_say) as place,
    ):
        rows = min(100_000, options.scale * ROWS_PER_SCALE)
        chosen = [case for case in cases(place, Plan(options.seconds, rows)) if _wanted(case.name, options.only)]
        if not chosen:
            sys.exit("no case has such a name")
        for number in range(options.rounds):
            # Every other round goes backwards: nobody always comes after the same neighbour.
            for case in chosen if number % 2 == 0 else reversed(chosen):
                _run(case, f"{number + 1}/{options.rounds}", samples)
    measured = measure(samples, FIGURES)
    told = {name: getattr(options, name) for name in ("rounds", "seconds", "scale", "upstream_tls", "only", "quick")}
    _say(f"\n{report.table(measured)}\n\n{machine.sentence()}")
    whole = not options.only
    if whole or options.json != LATEST:
        options.json.write_text(report.as_json(measured, samples, machine, told) + "\n")
    if options.docs and whole and not options.quick:
        report.write_page(PAGE, report.page(measured, samples, machine, told))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often every case is run (5)")
    parser.add_argument("--seconds", type=float, default=5, help="how long each run with a duration takes (5)")
    parser.add_argument("--scale", type=int, default=10, help="pgbench's scale; bulk reads have 100,000 rows each (10)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME",
        help='only cases whose name begins so, or fits such a pattern ("*c8.gateway*"); repeatable',
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="one round of one second at scale 1: does it work?")
    parser.add_argument("--upstream-tls", action="store_true", help="the gateway (and PgBouncer) speak TLS upstream")
    parser.add_argument("--json", type=Path, default=LATEST, help="where the figures go (bench/latest.json)")
    parser.add_argument("--docs", action="store_true", help="write the tables of docs/performance.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.scale = 1, 1.0, 1
    return options


def _wanted(name: str, only: list[str]) -> bool:
    return not only or any(name.startswith(part) or fnmatch.fnmatch(name, part) for part in only)


def _run(case: Case, where: str, samples: dict[str, list[float]]) -> None:
    started = time.monotonic()
    found = case.run()
    for key, sample in found.items():
        samples.setdefault(key, []).append(sample)
    said = "  ".join(f"{key.rsplit('.', 1)[1]} {report.shown(sample)}" for key, sample in found.items())
    _say(f"{where}  {case.name:<24}{said}  ({time.monotonic() - started:.0f} s)")


def _say(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    main()
