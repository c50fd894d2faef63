"""What each process of the gateway does for itself."""

from __future__ import annotations

import contextlib
import gc
import resource


def raise_file_limit() -> None:
    """As many connections as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle_memory() -> None:
    """What is alive now stays: the collector need not look at it again, nor so often. Statements make
    no cycles, so what it would find is little (5 to 10 µs a transaction, bench/)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
