"""Each target over some thousand inputs. `make fuzz` looks for longer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

INPUTS = 2_000


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_keep_the_promises(name: str) -> None:
    found = list(seeds(name))
    assert found, "a target needs somewhere to start"
    for seed in found:
        TARGETS[name](seed)
        for cut in range(0, len(seed), 1 + len(seed) // 50):
            TARGETS[name](seed[:cut])


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not made for this machine")
@pytest.mark.parametrize("name", TARGETS)
def test_no_promise_is_broken(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", name, "--inputs", str(INPUTS), "--corpus", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
