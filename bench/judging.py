"""What a judgement costs by itself, without a wire: a statement seen before, and a new one."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from config.load import load_policy, load_settings
from gateway.policies import compile_policies
from gateway.session.judge import Judge
from gateway.session.snapshots import Snapshots
from masking.catalog import Catalog
from masking.policy import RolePolicy
from masking.review import review
from masking.verdict import Rewritten

SEEN = b"SELECT abalance FROM pgbench_accounts WHERE aid = 4711;"
SEEN_TIMES = 20_000
ALIKE_TIMES = 3_000
NEW_TIMES = 150

#: A judge that may remember this much is shown texts without end, none like another, many times as many as fit.
SMALL_MEMORY = 1024 * 1024
DISTINCT = 1_000

#: TPC-H's third query, with the customer's name beside the key; each run has another date and limit.
Q3 = """\
SELECT l_orderkey, c_name, c_phone, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM customer, orders, lineitem
WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
  AND o_orderdate < date '1995-03-15' AND l_shipdate > date '1995-03-15'
GROUP BY l_orderkey, c_name, c_phone, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate
LIMIT {limit}"""


@dataclass(frozen=True, slots=True)
class Judging:
    """Microseconds for a text seen before, and for one that differs from those in its constant alone;
    milliseconds for a new one, and for one like pgbench's. Bytes that a judge holds after many times more texts
    than it may remember, as a share of what it may."""

    seen_us: float
    constants_us: float
    new_ms: float
    short_ms: float
    memory_share: float


class Bench:
    """A judge over the benchmark's own database and policy."""

    def __init__(self, settings: Path) -> None:
        self._policy, self._catalog = asyncio.run(_policy_and_catalog(settings))

    def measure(self) -> Judging:
        """Medians of many judgements; what is found must be a rewrite, or the figures mean nothing."""
        judge = Judge(self._policy, self._catalog)
        judge.judge(SEEN)
        started = time.perf_counter()
        for _ in range(SEEN_TIMES):
            judge.judge(SEEN)
        seen = (time.perf_counter() - started) / SEEN_TIMES
        alike = [SEEN.replace(b"4711", str(number).encode()) for number in range(10_000, 10_000 + ALIKE_TIMES)]
        started = time.perf_counter()
        for text in alike:
            judge.judge(text)
        constants = (time.perf_counter() - started) / ALIKE_TIMES
        short = self._new(SEEN.decode().replace("4711", "{limit}"))
        return Judging(seen * 1e6, constants * 1e6, self._new(Q3) * 1e3, short * 1e3, self._memory_share())

    def _memory_share(self) -> float:
        judge = Judge(self._policy, self._catalog, memory=SMALL_MEMORY)
        judge.judge(SEEN)
        # What is made once for a role and a snapshot is no memory of statements.
        review(Q3.format(limit=1), self._policy, self._catalog)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(DISTINCT):
                judge.judge(SEEN.replace(b"SELECT abalance", b"SELECT abalance AS a%d" % number))
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return (after - before) / SMALL_MEMORY

    def _new(self, text: str) -> float:
        (verdict,) = review(text.format(limit=1), self._policy, self._catalog).verdicts
        assert isinstance(verdict, Rewritten), verdict
        times = []
        for number in range(NEW_TIMES):
            sql = text.format(limit=number + 2)
            started = time.perf_counter()
            review(sql, self._policy, self._catalog)
            times.append(time.perf_counter() - started)
        return statistics.median(times)


async def _policy_and_catalog(path: Path) -> tuple[RolePolicy, Catalog]:
    settings = load_settings(path)
    policy = compile_policies(load_policy(settings.policy.file)).role("masked")
    snapshots = Snapshots("bench", settings.targets["bench"], time.monotonic)
    try:
        await snapshots.refresh()
        catalog = snapshots.catalog
    finally:
        await snapshots.close()
    assert policy is not None
    assert catalog is not None
    return policy, catalog
