"""python -m tests.fuzz.run TARGET [libFuzzer's options] [corpus]: one target, until libFuzzer ends the process.

Nothing of ours may be imported before it is instrumented, so this is a program of its own.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["protocol", "tests.fuzz.targets"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
