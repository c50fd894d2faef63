"""CPU time and memory, as the kernel accounts them to a process (proc(5); Linux only)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds in the program and in the kernel on its behalf."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def __sub__(self, earlier: CpuTime) -> CpuTime:
        return CpuTime(self.user - earlier.user, self.system - earlier.system)


def parse_stat(text: str) -> CpuTime:
    """The CPU time of /proc/PID/stat. The second field, a name in parentheses, may hold anything."""
    fields = text[text.rindex(")") + 2 :].split()
    return CpuTime(int(fields[11]) / TICKS_PER_SECOND, int(fields[12]) / TICKS_PER_SECOND)


def cpu_time(pid: int) -> CpuTime:
    """What all threads of a process, and none of its children, have used until now."""
    return parse_stat(Path(f"/proc/{pid}/stat").read_text())


def children(pid: int) -> set[int]:
    """The processes that a process has started and that run."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for path in listed for child in path.read_text().split()}


def resident_bytes(pid: int) -> int:
    """How much of a process is in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


class Meter:
    """`with Meter(pid) as meter:` and then `meter.spent`, by a process and the children (workers) that it
    has meanwhile; no pid, nothing spent."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._before: dict[int, CpuTime] = {}
        self.spent = CpuTime(0.0, 0.0)

    def __enter__(self) -> Self:
        if self._pid is not None:
            self._before = {one: cpu_time(one) for one in (self._pid, *children(self._pid))}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pid is not None:
            here = {self._pid, *children(self._pid)}
            spent = [cpu_time(one) - before for one, before in self._before.items() if one in here]
            self.spent = CpuTime(sum(one.user for one in spent), sum(one.system for one in spent))
