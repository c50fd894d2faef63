"""python -m bench.path: what one transaction costs in the gateway's own code, without sockets and kernel.

A session between two channels that lead nowhere: pgbench's bytes go in, PostgreSQL's answer comes back, and
everything between is what ships (judge, relay, a sealed record on a real disk, metrics). On a machine that is
never quiet this moves by a few per cent where `make bench` moves by a third.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from gateway.access.models import Admission
from gateway.audit.facts import SessionOpened
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder, utc_now
from gateway.channel import Channel
from gateway.session.chamber import Chamber
from gateway.session.judge import Judge
from gateway.session.live import Curfew, LiveSession
from gateway.session.relay import Relay
from gateway.session.snapshots import Snapshots
from gateway.session.upstream import Upstream
from masking.catalog import Catalog, Column, Operator, Relation
from masking.policy import CLEAR, Mask, MaskKind, RelationRule, RolePolicy, StatementKind
from protocol.backend import (
    BindComplete,
    CommandComplete,
    DataRow,
    Field,
    ParseComplete,
    ReadyForQuery,
    RowDescription,
)
from protocol.frontend import Bind, Describe, Execute, Parse, Query, Sync

PARTS = 5
TABLE = "public.pgbench_accounts"
SQL = "SELECT abalance FROM pgbench_accounts WHERE aid = "
COLUMNS = (
    Column("aid", 1, 23, "integer", type_category="N"),
    Column("bid", 2, 23, "integer", type_category="N"),
    Column("abalance", 3, 23, "integer", type_category="N"),
    Column("filler", 4, 1042, "character(84)", type_category="S"),
)
CATALOG = Catalog(
    version="bench",
    server_version=170000,
    search_path=("public",),
    relations={("public", "pgbench_accounts"): Relation(16384, "public", "pgbench_accounts", "r", COLUMNS, ("aid",))},
    functions=(),
    operators=(Operator("pg_catalog", "=", ("pg_catalog", "int4eq")),),
)
POLICY = RolePolicy(
    role="masked",
    version="bench",
    statements=frozenset({StatementKind.SELECT}),
    relations={TABLE: RelationRule(read=frozenset("*"), write=frozenset())},
    classification={TABLE: {"aid": CLEAR, "bid": CLEAR, "abalance": CLEAR, "filler": Mask(MaskKind.FIXED)}},
)
OPENED = SessionOpened("ses_bench", "alice", "g", "measuring", ("rita",), "masked", "bench", "bench",
                       "127.0.0.1:1", "", "", "", "")  # fmt: skip
READY = ReadyForQuery("I").encode()
ROWS = (
    RowDescription((Field("abalance", 16384, 3, 23, 4, -1, 0),)).encode()
    + DataRow((b"0",)).encode()
    + CommandComplete("SELECT 1").encode()
    + READY
)


class Nowhere(Channel):
    """A channel that forgets what is written to it."""

    def write(self, data: bytes) -> None:
        self.tls = None


def main() -> None:
    """Measure both modes."""
    parser = argparse.ArgumentParser(prog="python -m bench.path", description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000, help="of each mode (20,000)")
    options = parser.parse_args()
    for mode in ("prepared", "simple"):
        print(f"{mode:<10}{asyncio.run(_measure(mode, options.transactions)):>6.1f} µs", flush=True)


async def _measure(mode: str, transactions: int) -> float:
    """The best part's microseconds of CPU a transaction."""
    with tempfile.TemporaryDirectory(prefix="pgcurfew-bench-") as folder:
        recorder = Recorder.open(
            Path(folder) / "record",
            signer=Ed25519PrivateKey.generate(),
            recipients=[X25519PrivateKey.generate().public_key()],
            clock=utc_now,
        )
        live = _session(recorder)
        chunks = list(_asked(mode, transactions))
        answer = ROWS
        if mode == "prepared":
            live.client_sent((Parse("P_0", SQL + "$1;").encode()) + Sync().encode())
            live.upstream_sent(ParseComplete().encode() + READY)
            answer = BindComplete().encode() + ROWS
        each = max(1, transactions // (PARTS + 1))
        parts = [chunks[at : at + each] for at in range(0, each * (PARTS + 1), each)]
        gc.collect()
        gc.freeze()
        found = [_run(live, part, answer) for part in parts]
        recorder.close()
    return min(found[1:])


def _run(live: LiveSession, chunks: list[bytes], answer: bytes) -> float:
    before = time.process_time()
    for chunk in chunks:
        live.client_sent(chunk)
        live.upstream_sent(answer)
    return (time.process_time() - before) / len(chunks) * 1e6


def _asked(mode: str, transactions: int) -> Iterator[bytes]:
    rest = Describe("P", "").encode() + Execute("").encode() + Sync().encode()
    for number in range(transactions + PARTS):
        aid = str(number * 7919 % 1_000_000)
        if mode == "prepared":
            yield Bind("", "P_0", (), (aid.encode(),), (0,)).encode() + rest
        else:
            yield Query(f"{SQL}{aid};").encode()


def _session(recorder: Recorder) -> LiveSession:
    return LiveSession(
        "ses_bench",
        cast(Admission, None),
        Nowhere(),
        cast(Upstream, SimpleNamespace(channel=Nowhere())),
        Relay(Judge(POLICY, CATALOG), max_message_bytes=1 << 24),
        recorder.open_session(OPENED),
        cast(Snapshots, None),
        cast(Chamber, None),
        Metrics(),
        Curfew(datetime.now(UTC), 3600.0, ()),
    )


if __name__ == "__main__":
    main()
