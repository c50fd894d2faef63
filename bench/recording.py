"""python -m bench.recording: what the record costs a statement, of the gateway's CPU.

The events of pgbench's statement go into a real record on a real disk, with nothing else around it: made, sealed,
chained and written, and the disk told to keep them (durability "process": every so many, as by its timer).
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.path import CATALOG, OPENED, POLICY, SQL
from gateway.audit.facts import StatementEnded, StatementJudged
from gateway.audit.record import Recorder, Sealing, utc_now
from gateway.session.judge import Judge
from gateway.session.parameters import shown_parameters

PARTS = 60
STATEMENTS = 500
#: Of a twentieth of a second at 10,000 statements a second; the recorder syncs every tenth.
BETWEEN_SYNCS = 500


@dataclass(frozen=True, slots=True)
class Recording:
    """Microseconds a statement: a run of a prepared one with its parameter, one with its text, and the first of
    them where nothing is sealed."""

    prepared_us: float
    simple_us: float
    unsealed_us: float


def measure() -> Recording:
    """The best part of each: everything that disturbs makes it slower."""
    return Recording(_of(_prepared()), _of(_simple()), _of(_prepared(), "off"))


def main() -> None:
    """Say what they came to."""
    found = measure()
    print(f"prepared  {found.prepared_us:>6.1f} µs ({found.unsealed_us:.1f} not sealed)")
    print(f"simple    {found.simple_us:>6.1f} µs")


def _prepared() -> Callable[[int], StatementJudged]:
    [statement] = Judge(POLICY, CATALOG).judge((SQL + "$1;").encode()).statements

    def judged(number: int) -> StatementJudged:
        parameters = shown_parameters((), (b"%d" % (number * 7919 % 1_000_000),), (23,))
        return statement.fact(number, "execute", "I", of=1, parameters=parameters)

    return judged


def _simple() -> Callable[[int], StatementJudged]:
    [statement] = Judge(POLICY, CATALOG).judge((SQL + "4711;").encode()).statements
    return lambda number: statement.fact(number, "simple", "I")


def _of(judged: Callable[[int], StatementJudged], sealing: Sealing = "auditors") -> float:
    with tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as folder:
        recorder = Recorder.open(
            Path(folder) / "record",
            signer=Ed25519PrivateKey.generate(),
            recipients=[X25519PrivateKey.generate().public_key()],
            sealing=sealing,
            clock=utc_now,
        )
        session = recorder.open_session(OPENED)
        gc.collect()
        parts = []
        for _ in range(PARTS):
            before = time.process_time()
            for number in range(1, STATEMENTS + 1):
                session.append((judged(number),))
                session.append_soon((_ended(number),))
                if number % BETWEEN_SYNCS == 0:
                    recorder.sync()
            parts.append((time.process_time() - before) / STATEMENTS * 1e6)
        recorder.close()
    return min(parts)


def _ended(number: int) -> StatementEnded:
    return StatementEnded(
        number=number, outcome="done", rows=1, bytes=12, microseconds=number, tag="SELECT 1", sqlstate=""
    )  # fmt: skip


if __name__ == "__main__":
    main()
