"""python -m bench.day: what a day of statements takes on the disk, and how fast it is proved whole.

A mix of prepared, simple and unnamed extended statements, judged as the gateway judges them and written by its
recorder: sealed, chained, in segments, compressed. Sizes are of the files, the ledger included.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.path import CATALOG, OPENED, POLICY
from gateway.audit.facts import Fact, SessionClosed, StatementEnded
from gateway.audit.keeping import Keeping
from gateway.audit.record import Recorder, utc_now
from gateway.audit.verify import verify
from gateway.session.judge import Judge

A_DAY = 10_000_000
SESSIONS, EACH = 100, 500
ACCOUNT = "SELECT abalance FROM pgbench_accounts WHERE aid = "
#: Templates of people and of programs that do not prepare; {n} and {m} are numbers, {t} a word.
VARIED = (
    "SELECT aid, bid, abalance FROM pgbench_accounts WHERE aid BETWEEN {n} AND {m} ORDER BY abalance DESC LIMIT 20",
    "SELECT bid, count(*), sum(abalance) FROM pgbench_accounts WHERE abalance > {n} GROUP BY bid ORDER BY 2 DESC",
    "select a.aid, a.filler from pgbench_accounts a where a.filler like '%{t}%' and a.bid = {m} limit 100",
    "SELECT * FROM pgbench_accounts WHERE aid IN ({n}, {m}, 4711, 815) /* support desk, ticket {n} */",
    "UPDATE pgbench_accounts SET abalance = abalance + {n} WHERE aid = {m}",
    "WITH rich AS (SELECT aid, bid FROM pgbench_accounts WHERE abalance > {n})\n"
    "SELECT bid, count(*) FROM rich WHERE aid <> {m} GROUP BY bid HAVING count(*) > 10",
)


@dataclass(frozen=True, slots=True)
class Day:
    """Bytes a statement on disk, what a day comes to in GB, and megabytes (as written) verified a second."""

    bytes_a_statement: float
    plain_bytes_a_statement: float
    day_gb: float
    verified_mb_per_second: float
    verified_plain_mb_per_second: float


def measure(sessions: int = SESSIONS, each: int = EACH) -> Day:
    """Write it, compress it, prove it."""
    with tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as folder:
        directory = Path(folder) / "record"
        signer = Ed25519PrivateKey.generate()
        recorder = Recorder.open(
            directory,
            signer=signer,
            recipients=[X25519PrivateKey.generate().public_key()],
            keeping=Keeping(settle_seconds=0),
            clock=utc_now,
        )
        chance = random.Random(4711)
        judge = Judge(POLICY, CATALOG)
        for number in range(sessions):
            session = recorder.open_session(msgspec.structs.replace(OPENED, session=f"ses_{number:016x}"))
            for judged, ended in _statements(judge, chance, each):
                session.append(judged)
                session.append_soon(ended)
            session.close(SessionClosed(cause="client", statements=each))
            if number % 10 == 0:
                recorder.checkpoint()
        recorder.checkpoint()
        plain = verify(directory, signer.public_key())
        plain_size = _size(directory)
        recorder.keep_files()
        recorder.close()
        packed = verify(directory, signer.public_key())
        assert plain.whole, plain.findings
        assert packed.whole, packed.findings
        statements = sessions * each
        return Day(
            _size(directory) / statements,
            plain_size / statements,
            _size(directory) / statements * A_DAY / 1e9,
            packed.bytes / 1e6 / packed.seconds,
            plain.bytes / 1e6 / plain.seconds,
        )


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*.jsonl*"))


def _statements(judge: Judge, chance: random.Random, count: int) -> Iterator[tuple[list[Fact], list[Fact]]]:
    """Half of them prepared; of the rest one in three is parsed each time, the others come as texts."""
    [point] = judge.judge((ACCOUNT + "$1").encode()).statements
    number = 1
    for at in range(count):
        n, m, word = chance.randrange(1_000_000), chance.randrange(1_000_000), f"{chance.randrange(10**9):x}"
        judged: list[Fact]
        if at % 2:
            judged = [point.fact(number, "execute", "I", of=1, parameters=(str(n),))]
        else:
            text = chance.choice(VARIED)
            if at % 6 == 0:
                [statement] = judge.judge(text.format(n="$1", m="$2", t="x").encode()).statements
                judged = [statement.fact(number, "parse", "I")]
                number += 1
                judged.append(statement.fact(number, "execute", "I", of=number - 1, parameters=(str(n), str(m))))
            else:
                [statement] = judge.judge(text.format(n=n, m=m, t=word).encode()).statements
                judged = [statement.fact(number, "simple", "I")]
        rows = chance.randrange(30)
        ended: list[Fact] = [
            StatementEnded(number, "done", rows, rows * 37, chance.randrange(200, 9000), f"SELECT {rows}")
        ]
        yield judged, ended
        number += 1


def main() -> None:
    """Say what it came to."""
    found = measure(400, 500)
    print(f"{found.bytes_a_statement:.0f} bytes a statement ({found.plain_bytes_a_statement:.0f} as written): "
          f"{found.day_gb:.2f} GB for {A_DAY:,}")  # fmt: skip
    print(
        f"verified at {found.verified_mb_per_second:.0f} MB/s ({found.verified_plain_mb_per_second:.0f} not compressed)"
    )


if __name__ == "__main__":
    main()
