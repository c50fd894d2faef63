"""What is run: every case once a round, in turn, so that what disturbs one disturbs its neighbours too."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench.accounting import Meter, resident_bytes
from bench.connects import connects
from bench.day import measure as measure_day
from bench.endpoint import Endpoint
from bench.judging import Bench
from bench.load import pgbench
from bench.place import Place
from bench.recording import measure as measure_recording
from bench.wire import Connection, tls_context

MODES = ("prepared", "simple", "extended")
BULK = {
    "select": "SELECT id, at, amount, note FROM bulk",
    "copy": "COPY (SELECT id, at, amount, note FROM bulk) TO STDOUT",
    "narrow": "SELECT aid, bid, abalance FROM pgbench_accounts",
}
MASKED_POINT = "SELECT aid, filler FROM pgbench_accounts WHERE aid = 4711"
READS = 3
WARM_SESSIONS, IDLE_SESSIONS = 20, 200
#: Until what a session does after its first prompt has been done.
SETTLE_SECONDS = 0.5

Samples = Mapping[str, float]
Way = Callable[[], Endpoint]


@dataclass(frozen=True, slots=True)
class Case:
    """`name` begins every key of what `run` gives back: "prepared_c8.gateway.tps"."""

    name: str
    run: Callable[[], Samples]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each case runs, and how many rows a masked scan has."""

    seconds: float
    scan_rows: int


def cases(place: Place, plan: Plan) -> Iterator[Case]:
    """Everything, in its order."""
    # Ways are asked for when a case runs: the gateway may have been started again since.
    direct: Way = lambda: place.direct  # noqa: E731
    # What is compared stands side by side.
    ways: dict[str, Way] = {
        "direct": direct,
        **{peer.name: functools.partial(_same, peer) for peer in place.peers},
        "gateway": place.gateway,
        "gateway_tls": lambda: place.over_tls(place.gateway()),
    }
    for mode in MODES:
        for name, way in ways.items():
            yield _rate(f"{mode}_c8.{name}", way, mode, plan)
            if (mode, name) == ("prepared", "gateway"):
                yield _rate("prepared_c8.unmasked", lambda: place.gateway("unmasked"), mode, plan)
    order = ("haproxy", "pgbouncer", "direct", "gateway", "gateway_tls")
    beside_direct: dict[str, Way] = {name: ways[name] for name in order if name in ways}
    for mode in ("prepared", "simple"):
        for name, way in beside_direct.items():
            yield _latency(f"{mode}_c1.{name}", way, mode, plan)
    beside_direct.pop("haproxy", None)
    readers: dict[str, Way] = {"direct_tls": lambda: place.over_tls(place.direct), **beside_direct}
    for what, sql in BULK.items():
        for name, way in readers.items():
            yield _read(f"{what}.{name}", way, functools.partial(str, sql), place.rows)
    yield from _masked(place, direct, plan)
    yield _connect("connect.free", lambda: place.gateway("masked", "free"), plan)
    yield _connect("connect.free_tls", lambda: place.over_tls(place.gateway("masked", "free")), plan)
    yield _connect("connect.postgres", place.gateway, plan)
    yield Case("idle.plain", lambda: {"idle.plain.kb": _idle(place, place.gateway)})
    yield Case("idle.tls", lambda: {"idle.tls.kb": _idle(place, lambda: place.over_tls(place.gateway()))})
    yield _judging(place)
    yield _recording()
    yield _workers(place, plan)
    yield _durability(place, plan)
    yield _alerts(place, plan)
    yield _day()


def _same(endpoint: Endpoint) -> Endpoint:
    return endpoint


def _rate(name: str, way: Way, mode: str, plan: Plan) -> Case:
    """Eight clients: how much goes through, and what it costs."""

    def run() -> Samples:
        load = pgbench(way(), mode=mode, clients=8, seconds=plan.seconds)
        return {f"{name}.tps": load.result.per_second, f"{name}.cpu_us": load.cpu_us}

    return Case(name, run)


def _latency(name: str, way: Way, mode: str, plan: Plan, script: Callable[[], str] | None = None) -> Case:
    """One client: how long a transaction takes."""

    def run() -> Samples:
        text = script() if script is not None else None
        load = pgbench(way(), mode=mode, clients=1, seconds=plan.seconds, script=text, log=True)
        assert load.latency is not None
        return {f"{name}.p50_us": load.latency.p50, f"{name}.p99_us": load.latency.p99}

    return Case(name, run)


def _read(name: str, way: Way, sql: Callable[[], str], rows: int) -> Case:
    """A long result, a few times over, read and thrown away by one client."""

    def run() -> Samples:
        endpoint, text = way(), sql()
        with Connection(endpoint, tls_context(endpoint)) as connection, Meter(endpoint.pid) as meter:
            drained = [connection.drain(text) for _ in range(READS)]
        assert all(one.tag.endswith(f" {rows}") for one in drained), drained
        return {
            f"{name}.seconds": statistics.median(one.seconds for one in drained),
            f"{name}.cpu_us_per_row": meter.spent.total * 1e6 / rows / READS,
        }

    return Case(name, run)


def _masked(place: Place, direct: Way, plan: Plan) -> Iterator[Case]:
    """The same work for PostgreSQL, with and without the gateway: what is left is the gateway."""
    rows = plan.scan_rows
    scan = f"SELECT aid, bid, abalance, filler FROM pgbench_accounts WHERE aid <= {rows}"

    @functools.cache
    def scan_as_sent() -> str:
        return place.rewritten(scan)

    @functools.cache
    def point_as_sent() -> str:
        return place.rewritten(MASKED_POINT)

    def script(text: str) -> str:
        return f"\\set aid random(1, {place.rows})\n{text.replace('4711', ':aid')};\n"

    yield _read("masked_scan.direct", direct, scan_as_sent, rows)
    yield _read("masked_scan.gateway", place.gateway, lambda: scan, rows)
    yield _latency("masked_point.direct", direct, "prepared", plan, lambda: script(point_as_sent()))
    yield _latency("masked_point.gateway", place.gateway, "prepared", plan, lambda: script(MASKED_POINT))


def _workers(place: Place, plan: Plan) -> Case:
    """The same load for each process, where there is one and where there are two: a worker that has fewer
    sessions is woken for fewer messages at a time, and pays more for each."""

    def run() -> Samples:
        found: dict[str, float] = {}
        for count in (1, 2):
            with place.workers(count):
                load = pgbench(place.gateway(), mode="prepared", clients=8 * count, seconds=plan.seconds)
            found[f"workers.{count}.tps"] = load.result.per_second
            found[f"workers.{count}.cpu_us"] = load.cpu_us
        return found

    return Case("workers", run)


def _alerts(place: Place, plan: Plan) -> Case:
    """The same load with a rule of every kind, and with none; twice in turns, for the machine moves."""

    def run() -> Samples:
        found: dict[str, list[tuple[float, float]]] = {"on": [], "off": []}
        for which in ("off", "on", "on", "off"):
            with place.alert_rules(which):
                load = pgbench(place.gateway(), mode="prepared", clients=32, seconds=plan.seconds)
            found[which].append((load.result.per_second, load.cpu_us))
        return {
            f"alerts.{which}.{name}": statistics.fmean(one[place_of] for one in loads)
            for which, loads in found.items()
            for place_of, name in enumerate(("tps", "cpu_us"))
        }

    return Case("alerts", run)


def _durability(place: Place, plan: Plan) -> Case:
    """The same load where a statement waits for the disk to have its event, and where it does not."""

    def run() -> Samples:
        found: dict[str, float] = {}
        for which in ("process", "disk"):
            with place.durability(which):
                load = pgbench(place.gateway(), mode="prepared", clients=32, seconds=plan.seconds)
            found[f"durability.{which}.tps"] = load.result.per_second
            found[f"durability.{which}.cpu_us"] = load.cpu_us
        return found

    return Case("durability", run)


def _connect(name: str, way: Way, plan: Plan) -> Case:
    def run() -> Samples:
        rate = connects(way(), plan.seconds)
        return {f"{name}.per_second": rate.per_second, f"{name}.cpu_us": rate.cpu_us}

    return Case(name, run)


def _idle(place: Place, way: Way) -> float:
    """What each of many idle sessions adds to a fresh gateway, in kB."""
    place.restart()
    endpoint = way()
    context = tls_context(endpoint)
    assert endpoint.pid is not None
    sessions = [Connection(endpoint, context) for _ in range(WARM_SESSIONS)]
    try:
        time.sleep(SETTLE_SECONDS)
        before = resident_bytes(endpoint.pid)
        sessions += [Connection(endpoint, context) for _ in range(IDLE_SESSIONS)]
        time.sleep(SETTLE_SECONDS)
        return (resident_bytes(endpoint.pid) - before) / IDLE_SESSIONS / 1000
    finally:
        for session in sessions:
            session.close()


def _judging(place: Place) -> Case:
    bench = functools.cache(lambda: Bench(place.stage.settings))

    def run() -> Samples:
        found = bench().measure()
        return {
            "judge.seen_us": found.seen_us,
            "judge.constants_us": found.constants_us,
            "judge.new_ms": found.new_ms,
            "judge.short_ms": found.short_ms,
            "judge.memory_share": found.memory_share,
        }

    return Case("judge", run)


def _day() -> Case:
    def run() -> Samples:
        found = measure_day()
        return {
            "day.gb": found.day_gb,
            "day.bytes": found.bytes_a_statement,
            "day.verified": found.verified_mb_per_second,
        }

    return Case("day", run)


def _recording() -> Case:
    def run() -> Samples:
        found = measure_recording()
        return {
            "recording.prepared_us": found.prepared_us,
            "recording.simple_us": found.simple_us,
            "recording.unsealed_us": found.unsealed_us,
        }

    return Case("recording", run)
