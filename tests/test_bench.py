"""The benchmark's arithmetic: what it reads out of pgbench and the kernel, and what it makes of it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from bench import report
from bench.accounting import TICKS_PER_SECOND, CpuTime, Meter, cpu_time, parse_stat, resident_bytes
from bench.figures import BESIDE, FIGURES, TARGETED, Figure, Measured, difference, measure, ratio, value
from bench.free import Login
from bench.load import Latency, LoadFailedError, Result, parse_log, parse_result
from bench.machine import Machine
from protocol.scram import ScramClient

ROOT = Path(__file__).parent.parent
MACHINE = Machine(2, "a processor", "Linux 6.1", "3.11.2", "0.22.1", "17.10", "1.18.0", None, 0.1)
OPTIONS = {"rounds": 2, "seconds": 5.0, "scale": 10}

PGBENCH = """\
pgbench (17.10)
transaction type: <builtin: select only>
scaling factor: 10
query mode: prepared
number of clients: 8
number of threads: 1
maximum number of tries: 1
duration: 5 s
number of transactions actually processed: 123456
number of failed transactions: 0 (0.000%)
latency average = 0.324 ms
initial connection time = 18.305 ms
tps = 24691.345678 (without initial connection time)
"""

#: The keys that the project's plan names.
PLANNED = [
    "prepared_c8_vs_pgbouncer",
    "simple_c8_vs_pgbouncer",
    "cpu_us_prepared",
    "cpu_us_simple",
    "cpu_us_prepared_tls",
    "cpu_us_simple_tls",
    "added_p50_us_prepared",
    "added_p50_us_simple",
    "bulk_select_vs_direct",
    "bulk_copy_vs_direct",
    "bulk_select_vs_direct_tls",
    "bulk_copy_vs_direct_tls",
    "masked_scan_vs_rewritten_direct",
    "masked_point_vs_rewritten_direct",
    "connects_per_second",
    "durability_disk_vs_process",
    "alerts_on_vs_off",
    "recording_us_prepared",
    "recording_us_simple",
    "record_day_gb",
    "verify_mb_per_second",
    "idle_kb_plain",
    "idle_kb_tls",
    "judge_seen_us",
    "judge_new_ms",
    "judge_memory_share",
]


def measured(figure: Figure, *rounds: float) -> Measured:
    (one,) = measure({figure.formula.left: rounds}, [figure])
    return one


def test_pgbench_says_how_much_it_did() -> None:
    assert parse_result(PGBENCH) == Result(123456, 24691.345678)


@pytest.mark.parametrize(
    "said",
    [
        "",
        PGBENCH.replace("transactions: 0", "transactions: 7"),
        PGBENCH.replace("processed: 123456", "processed: 0"),
        PGBENCH.replace("tps", "rate"),
    ],
)
def test_a_run_with_failures_gives_no_figures(said: str) -> None:
    with pytest.raises(LoadFailedError):
        parse_result(said)


def test_percentiles_come_from_single_transactions() -> None:
    lines = [f"0 {number} {number} 0 1764000000 123456" for number in range(1, 201)]
    assert parse_log(reversed(lines)) == Latency(100.5, 199)
    assert parse_log(["3 1 70 0 1764000000 5"]) == Latency(70, 70)
    with pytest.raises(LoadFailedError):
        parse_log([])


def test_a_process_name_may_hold_anything() -> None:
    fields = ["R", *["0"] * 10, str(3 * TICKS_PER_SECOND), str(TICKS_PER_SECOND), "9", "9"]
    assert parse_stat(f"17 (a) R (b 1 2) {' '.join(fields)}") == CpuTime(3.0, 1.0)
    assert CpuTime(3.0, 1.0) - CpuTime(1.0, 0.5) == CpuTime(2.0, 0.5)


def test_the_kernel_accounts_for_this_process() -> None:
    import os

    assert cpu_time(os.getpid()).total > 0
    assert resident_bytes(os.getpid()) > 1_000_000
    with Meter(None) as meter:
        pass
    assert meter.spent.total == 0


def test_a_ratio_is_taken_within_each_round() -> None:
    # One bad round hits both sides; the ratio of the medians would be 200/300.
    samples = {"a": [100.0, 20.0, 200.0], "b": [200.0, 40.0, 300.0]}
    assert ratio("a", "b").rounds(samples) == [0.5, 0.5, 200 / 300]
    assert difference("b", "a").rounds(samples) == [100.0, 20.0, 100.0]
    (one,) = measure(samples, [Figure("key", "label", ratio("a", "b"))])
    assert (one.median, one.lowest, one.highest) == (0.5, 0.5, 200 / 300)


def test_what_was_not_run_has_no_figure() -> None:
    assert measure({"a": [1.0]}, [Figure("key", "label", ratio("a", "b"))]) == []
    assert measure({}, FIGURES) == []


@pytest.mark.parametrize(
    ("better", "got", "verdict"),
    [
        ("higher", 0.95, "aim"),
        ("higher", 0.9, "aim"),
        ("higher", 0.6, "must"),
        ("higher", 0.59, "missed"),
        ("lower", 0.5, "aim"),
        ("lower", 0.6, "aim"),
        ("lower", 0.9, "must"),
        ("lower", 0.91, "missed"),
    ],
)
def test_targets_are_reached_from_their_own_side(better: str, got: float, verdict: str) -> None:
    must, aim = (0.6, 0.9) if better == "higher" else (0.9, 0.6)
    assert measured(Figure("key", "label", value("a"), "", must, aim, better), got).verdict == verdict  # type: ignore[arg-type]


def test_a_figure_without_an_aim_has_its_least() -> None:
    figure = Figure("key", "label", value("a"), "", 1.1, None, "lower")
    assert [measured(figure, got).verdict for got in (1.0, 1.2)] == ["must", "missed"]
    assert measured(Figure("key", "label", value("a")), 1.0).verdict == ""


def test_every_planned_key_has_a_target() -> None:
    assert [figure.key for figure in TARGETED] == PLANNED
    assert all(figure.must is not None for figure in TARGETED)
    assert all(figure.must is None and figure.aim is None for figure in BESIDE)
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)


def everything() -> dict[str, list[float]]:
    keys = {key for figure in FIGURES for key in (figure.formula.left, figure.formula.right) if key}
    return {key: [40.0, 60.0] for key in sorted(keys)}


def test_latest_json_has_the_medians_at_its_top() -> None:
    samples = everything()
    said = json.loads(report.as_json(measure(samples, FIGURES), samples, MACHINE, OPTIONS))
    assert set(PLANNED) <= set(said)
    assert said["cpu_us_prepared"] == 50.0
    assert said["prepared_c8_vs_pgbouncer"] == 1.0
    assert said["targets"]["cpu_us_prepared"] == {"must": 65, "aim": 40, "reached": "must"}
    assert said["machine"]["cores"] == 2
    assert said["samples"]["idle.tls.kb"] == [40.0, 60.0]


def test_the_table_says_what_was_met() -> None:
    lines = report.table(measure(everything(), FIGURES)).splitlines()
    assert len(lines) == 1 + len(FIGURES)
    row = next(line for line in lines if line.startswith("cpu_us_prepared "))
    assert row.split() == ["cpu_us_prepared", "50.0", "40.0", "…", "60.0", "65", "40", "met"]


def test_the_page_is_written_between_its_markers() -> None:
    samples = everything()
    content = report.page(measure(samples, FIGURES), samples, MACHINE, OPTIONS)
    assert "2 cores (a processor)" in content
    assert "PgBouncer 1.18.0" in content
    assert "HAProxy" not in MACHINE.sentence()
    before = f"# Speed\n\n{report.BEGIN}\nold\n{report.END}\n\nWhy.\n"
    after = report.written_between(before, content)
    assert after == f"# Speed\n\n{report.BEGIN}\n{content}\n{report.END}\n\nWhy.\n"
    assert report.written_between(after, content) == after
    with pytest.raises(ValueError):
        report.written_between("no markers", content)


def test_tables_have_as_many_cells_in_every_row() -> None:
    samples = everything()
    width = 0
    for line in report.page(measure(samples, FIGURES), samples, MACHINE, OPTIONS).splitlines():
        if line.startswith("|"):
            width = width or line.count("|")
            assert line.count("|") == width, line
        else:
            width = 0


def test_the_documentation_has_the_markers() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    assert text.index(report.BEGIN) < text.index(report.END)


@pytest.mark.parametrize(
    ("number", "words"), [(0.123, "0.12"), (9.999, "10.00"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")]
)
def test_three_digits_are_shown(number: float, words: str) -> None:
    assert report.shown(number) == words


def test_the_free_upstream_proves_itself_to_a_real_client() -> None:
    login = Login("a password")
    client = ScramClient("a password", "nonce-of-the-client", None, ("SCRAM-SHA-256",))
    bare, challenge = login.challenge(client.first())
    client.verify(login.signature(bare, challenge, client.final(challenge)))
    assert client.verified


def test_the_policy_masks_what_is_measured() -> None:
    policy = tomllib.loads((ROOT / "bench" / "templates" / "policy.toml").read_text())
    measured_relations = set(policy["roles"]["masked"]["relations"]) - {"public.pgbench_branches"}
    for relation in measured_relations:
        columns = policy["classification"][relation]
        assert any(mask != "clear" for name, mask in columns.items() if name != "*"), relation
