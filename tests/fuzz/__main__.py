"""python -m tests.fuzz [TARGET …] --seconds N: fuzz each in turn, and keep the inputs worth keeping.

Each target runs in a process of its own, for libFuzzer never returns. An input that breaks a promise
stays beside the corpus as crash-…; `python -m tests.fuzz.run TARGET FILE` plays it again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

#: An input that takes longer than this many seconds is a finding too, as is one that needs more memory (MB).
SLOW = 5
MEMORY = 1024


def main() -> None:
    options = _options()
    broken = [name for name in options.targets or TARGETS if not fuzz(name, options.corpus, limits(options))]
    sys.exit(f"broken: {', '.join(broken)}" if broken else 0)


def fuzz(name: str, corpus: Path, limits: list[str]) -> bool:
    """Run one target; says how it went, and what libFuzzer had to say if it broke."""
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (folder / f"seed-{number:03}").write_bytes(seed)
    options = [*limits, f"-artifact_prefix={folder}/", "-max_len=2048", f"-timeout={SLOW}", f"-rss_limit_mb={MEMORY}"]
    command = [sys.executable, "-m", "tests.fuzz.run", name, *options, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    print("ok" if done.returncode == 0 else "BROKEN", name, flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def limits(options: argparse.Namespace) -> list[str]:
    """So many inputs, the same ones each time, or so many seconds."""
    return [f"-runs={options.inputs}", "-seed=1"] if options.inputs else [f"-max_total_time={options.seconds}"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"left out: all of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--inputs", type=int, default=0, help="so many inputs for each target instead of a time")
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="where inputs worth keeping are kept")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
