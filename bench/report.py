"""The same figures three times: a table for whoever waits, JSON for programs, a page for the docs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.figures import TARGETED, Measured, Samples
from bench.machine import Machine

BEGIN = "<!-- make bench writes from here -->"
END = "<!-- to here -->"

_VERDICTS = {"aim": "aim met", "must": "met", "missed": "MISSED", "": ""}
_PEERS = {"direct": "direct", "pgbouncer": "PgBouncer", "haproxy": "HAProxy", "gateway": "pgcurfew",
          "gateway_tls": "pgcurfew, TLS"}  # fmt: skip
_MODES = ("prepared", "simple", "extended")


def shown(number: float) -> str:
    """Three digits that count; no more can be trusted."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def table(measured: Sequence[Measured]) -> str:
    """Plain text, in columns."""
    lines = [f"{'':<38}{'median':>9}  {'lowest … highest':<20}{'must':>7}{'aim':>7}"]
    for one in measured:
        figure = one.figure
        spread = f"{shown(one.lowest)} … {shown(one.highest)}"
        lines.append(
            f"{figure.key:<38}{shown(one.median):>9}  {spread:<20}{_target(figure.must):>7}{_target(figure.aim):>7}"
            f"  {_VERDICTS[one.verdict]}".rstrip()
        )
    return "\n".join(lines)


def as_json(measured: Sequence[Measured], samples: Samples, machine: Machine, options: Mapping[str, Any]) -> str:
    """Every figure's median under its key; all samples, the machine and the options beside."""
    return json.dumps(
        {
            **{one.figure.key: round(one.median, 4) for one in measured},
            "targets": {
                one.figure.key: {"must": one.figure.must, "aim": one.figure.aim, "reached": one.verdict}
                for one in measured
                if one.verdict
            },
            "machine": asdict(machine),
            "options": dict(options),
            "samples": {key: [round(sample, 4) for sample in rounds] for key, rounds in samples.items()},
        },
        indent=2,
        ensure_ascii=False,
    )


def page(measured: Sequence[Measured], samples: Samples, machine: Machine, options: Mapping[str, Any]) -> str:
    """What goes between the markers of docs/performance.md."""
    with_targets = {figure.key for figure in TARGETED}
    lines = [
        f"{machine.sentence()} Medians of {options['rounds']} interleaved rounds, "
        f"{options['seconds']:g} seconds a case, scale {options['scale']}.",
        "",
        "| | median | lowest … highest | must | aim | |",
        "|---|---:|---:|---:|---:|---|",
        *(_row(one) for one in measured if one.figure.key in with_targets),
        "",
        *_rates(samples),
        "",
        "Beside them, to understand those:",
        "",
        "| | median | lowest … highest |",
        "|---|---:|---:|",
        *(
            f"| {one.figure.label} | {_with_unit(one)} | {shown(one.lowest)} … {shown(one.highest)} |"
            for one in measured
            if one.figure.key not in with_targets
        ),
    ]
    return "\n".join(lines)


def written_between(text: str, content: str) -> str:
    """The document with new content between its markers. Raises ValueError when they are not there."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:begin]}\n{content}\n{text[end:]}"


def write_page(path: Path, content: str) -> None:
    path.write_text(written_between(path.read_text(), content))


def _row(one: Measured) -> str:
    figure = one.figure
    return (
        f"| {figure.label} | {_with_unit(one)} | {shown(one.lowest)} … {shown(one.highest)} "
        f"| {_target(figure.must)} | {_target(figure.aim)} | {_VERDICTS[one.verdict].lower()} |"
    )


def _rates(samples: Samples) -> list[str]:
    """Transactions a second by way and mode, and the CPU of what stands in the way."""
    heads = " | ".join(f"{mode}: TPS | CPU µs" for mode in _MODES)
    lines = [f"| `pgbench -S`, 8 clients | {heads} |", "|---" + "|---:" * 2 * len(_MODES) + "|"]
    for peer, name in _PEERS.items():
        cells = []
        for mode in _MODES:
            for part in ("tps", "cpu_us"):
                rounds = samples.get(f"{mode}_c8.{peer}.{part}", ())
                middle = statistics.median(rounds) if rounds else 0.0
                cells.append(shown(middle) if middle else "–")
        if set(cells) != {"–"}:
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _with_unit(one: Measured) -> str:
    return f"{shown(one.median)} {one.figure.unit}".strip()


def _target(target: float | None) -> str:
    return "" if target is None else f"{target:g}"
