"""What is made of the samples: medians over rounds of values, ratios and differences, beside their targets.

A ratio is taken within each round first, where both sides met the same disturbances; then comes the median.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

#: By key, one value a round.
Samples = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Formula:
    """One value, or two of the same round."""

    kind: Literal["value", "ratio", "difference"]
    left: str
    right: str = ""

    def rounds(self, samples: Samples) -> list[float]:
        """The result in each round; empty when a case was left out."""
        left = samples.get(self.left, ())
        right = samples.get(self.right, ())
        match self.kind:
            case "value":
                return list(left)
            case "ratio":
                return [above / below for above, below in zip(left, right, strict=False) if below]
            case "difference":
                return [minuend - subtrahend for minuend, subtrahend in zip(left, right, strict=False)]
            case _:
                assert_never(self.kind)


@dataclass(frozen=True, slots=True)
class Figure:
    """A key of latest.json, with what it has to reach and what it should."""

    key: str
    label: str
    formula: Formula
    unit: str = ""
    must: float | None = None
    aim: float | None = None
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure's median, and how far the rounds lay apart."""

    figure: Figure
    median: float
    lowest: float
    highest: float

    @property
    def verdict(self) -> Literal["aim", "must", "missed", ""]:
        """What was reached of the targets; nothing where there are none."""
        figure = self.figure
        if figure.must is None and figure.aim is None:
            return ""
        if figure.aim is not None and self._reaches(figure.aim):
            return "aim"
        return "must" if figure.must is not None and self._reaches(figure.must) else "missed"

    def _reaches(self, target: float) -> bool:
        return self.median >= target if self.figure.better == "higher" else self.median <= target


def value(key: str) -> Formula:
    return Formula("value", key)


def ratio(above: str, below: str) -> Formula:
    return Formula("ratio", above, below)


def difference(minuend: str, subtrahend: str) -> Formula:
    return Formula("difference", minuend, subtrahend)


def measure(samples: Samples, figures: Sequence[Figure]) -> list[Measured]:
    """The figures that the samples allow."""
    found = []
    for figure in figures:
        rounds = figure.formula.rounds(samples)
        if rounds:
            found.append(Measured(figure, statistics.median(rounds), min(rounds), max(rounds)))
    return found


def _through(mode: str, must: float | None = None, aim: float | None = None) -> Figure:
    return Figure(
        f"{mode}_c8_vs_pgbouncer", f"TPS ÷ PgBouncer, {mode}, 8 clients",
        ratio(f"{mode}_c8.gateway.tps", f"{mode}_c8.pgbouncer.tps"), "", must, aim,
    )  # fmt: skip


def _cpu(mode: str, must: float | None = None, aim: float | None = None, *, tls: bool = False) -> Figure:
    suffix, words = ("_tls", ", TLS to the client") if tls else ("", "")
    return Figure(
        f"cpu_us_{mode}{suffix}", f"CPU of the gateway per transaction, {mode}{words}",
        value(f"{mode}_c8.gateway{suffix}.cpu_us"), "µs", must, aim, "lower",
    )  # fmt: skip


def _added(mode: str, part: str, must: float | None = None, aim: float | None = None, tls: str = "") -> Figure:
    return Figure(
        f"added_{part}_us_{mode}{tls}", f"added {part}, one client, {mode}{', TLS to the client' if tls else ''}",
        difference(f"{mode}_c1.gateway{tls}.{part}_us", f"{mode}_c1.direct.{part}_us"), "µs", must, aim, "lower",
    )  # fmt: skip


def _bulk(what: str, words: str, must: float | None, aim: float | None, *, tls: str = "") -> Figure:
    return Figure(
        f"bulk_{what}_vs_direct{tls}", f"{words} ÷ direct{', TLS to the client' if tls else ''}",
        ratio(f"{what}.direct.seconds", f"{what}.gateway{tls}.seconds"), "", must, aim,
    )  # fmt: skip


#: The targets are those of the project's own plan: "must" is the least, "aim" what a proxy can reach.
TARGETED = (
    _through("prepared", 0.60, 0.90),
    _through("simple", 0.50, 0.75),
    _cpu("prepared", 65, 40),
    _cpu("simple", 85, 55),
    _cpu("prepared", 95, 60, tls=True),
    _cpu("simple", 120, 75, tls=True),
    _added("prepared", "p50", 120, 60),
    _added("simple", "p50", 150, 80),
    _bulk("select", "many rows by SELECT", 0.80, 0.95),
    _bulk("copy", "many rows by COPY", 0.80, 0.95),
    _bulk("select", "many rows by SELECT", 0.60, 0.75, tls="_tls"),
    _bulk("copy", "many rows by COPY", 0.60, 0.75, tls="_tls"),
    Figure(
        "masked_scan_vs_rewritten_direct", "time of a masked scan ÷ the same rewritten SQL sent direct",
        ratio("masked_scan.gateway.seconds", "masked_scan.direct.seconds"), "", 1.1, None, "lower",
    ),
    Figure(
        "masked_point_vs_rewritten_direct", "time of a masked point query (p50) ÷ the same rewritten SQL sent direct",
        ratio("masked_point.gateway.p50_us", "masked_point.direct.p50_us"), "", 1.1, None, "lower",
    ),
    Figure("connects_per_second", "connect, token check and close, to an upstream that costs nothing",
           value("connect.free.per_second"), "/s", 600, 1000),
    Figure("durability_disk_vs_process", 'TPS with durability = "disk" ÷ "process", prepared, 32 clients',
           ratio("durability.disk.tps", "durability.process.tps"), "", 0.5, None),
    Figure("alerts_on_vs_off", "TPS with alert rules of every kind ÷ none, prepared, 32 clients",
           ratio("alerts.on.tps", "alerts.off.tps"), "", 0.95, None),
    Figure("recording_us_prepared", "CPU of recording a statement: events made, sealed, chained, written; prepared",
           value("recording.prepared_us"), "µs", 15, None, "lower"),
    Figure("recording_us_simple", "the same of a simple statement, with its text",
           value("recording.simple_us"), "µs", 15, None, "lower"),
    Figure("record_day_gb", "a day of 10 million statements on the disk, compressed", value("day.gb"), "GB", 2.0, None,
           "lower"),
    Figure("verify_mb_per_second", "audit verify, of compressed logs (megabytes as written)", value("day.verified"),
           "MB/s", 100, None),
    Figure("idle_kb_plain", "memory of an idle session", value("idle.plain.kb"), "kB", 15, 8, "lower"),
    Figure("idle_kb_tls", "memory of an idle session, TLS to the client", value("idle.tls.kb"), "kB", 64, 50, "lower"),
    Figure("judge_seen_us", "judging a statement seen before", value("judge.seen_us"), "µs", 5, None, "lower"),
    Figure("judge_new_ms", "judging a new statement (TPC-H Q3 over masked customers)",
           value("judge.new_ms"), "ms", 1.5, 0.6, "lower"),
    Figure("judge_memory_share", "bytes held after many times the texts that fit into the verdict cache ÷ its bound",
           value("judge.memory_share"), "", 1.0, None, "lower"),
)  # fmt: skip

#: Beside them, without targets: what helps to understand those.
BESIDE = (
    _through("extended"),
    Figure("haproxy_prepared_c8_vs_pgbouncer", "HAProxy's TPS ÷ PgBouncer, prepared",
           ratio("prepared_c8.haproxy.tps", "prepared_c8.pgbouncer.tps")),
    Figure("masked_vs_unmasked_prepared_c8", "TPS under a masked role ÷ an unmasked one, prepared",
           ratio("prepared_c8.gateway.tps", "prepared_c8.unmasked.tps")),
    _cpu("extended"),
    *(Figure(f"cpu_us_{mode}_{peer}", f"CPU of {name} per transaction, {mode}", value(f"{mode}_c8.{peer}.cpu_us"),
             "µs", better="lower")
      for mode in ("prepared", "simple") for peer, name in (("pgbouncer", "PgBouncer"), ("haproxy", "HAProxy"))),
    _added("prepared", "p99"),
    _added("simple", "p99"),
    _added("prepared", "p50", tls="_tls"),
    _added("simple", "p50", tls="_tls"),
    Figure("added_p50_us_prepared_pgbouncer", "PgBouncer's added p50, one client, prepared",
           difference("prepared_c1.pgbouncer.p50_us", "prepared_c1.direct.p50_us"), "µs", better="lower"),
    _bulk("narrow", "many rows of three numbers", None, None),
    Figure("bulk_select_pgbouncer_vs_direct", "many rows by SELECT: PgBouncer ÷ direct",
           ratio("select.direct.seconds", "select.pgbouncer.seconds")),
    Figure("bulk_copy_pgbouncer_vs_direct", "many rows by COPY: PgBouncer ÷ direct",
           ratio("copy.direct.seconds", "copy.pgbouncer.seconds")),
    Figure("bulk_select_tls_vs_direct_tls", "many rows by SELECT, TLS ÷ direct with TLS",
           ratio("select.direct_tls.seconds", "select.gateway_tls.seconds")),
    Figure("two_workers_vs_one", "TPS of two workers ÷ one, prepared, 8 clients a worker",
           ratio("workers.2.tps", "workers.1.tps")),
    Figure("two_workers_cpu_vs_one", "CPU per transaction of two workers ÷ one, prepared",
           ratio("workers.2.cpu_us", "workers.1.cpu_us"), better="lower"),
    Figure("bulk_cpu_us_per_row", "CPU of the gateway per row of a SELECT", value("select.gateway.cpu_us_per_row"),
           "µs", better="lower"),
    Figure("connect_cpu_us", "CPU of the gateway per connect", value("connect.free.cpu_us"), "µs", better="lower"),
    Figure("connects_per_second_tls", "the same connects, TLS to the client", value("connect.free_tls.per_second"),
           "/s"),
    Figure("connects_per_second_postgres", "the same connects, to PostgreSQL", value("connect.postgres.per_second"),
           "/s"),
    Figure("recording_us_unsealed", "CPU of recording a prepared statement where nothing is sealed",
           value("recording.unsealed_us"), "µs", better="lower"),
    Figure("judge_constants_us", "judging a statement that differs in its constant from one seen before",
           value("judge.constants_us"), "µs", better="lower"),
    Figure("judge_short_ms", "judging a new statement (pgbench's SELECT)", value("judge.short_ms"), "ms",
           better="lower"),
)  # fmt: skip

FIGURES = TARGETED + BESIDE
