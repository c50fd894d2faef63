"""What PostgreSQL itself says that it was asked: its log, with everything in it that it can write down."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.support.postgres import Postgres

#: PG manual, 19.8: every statement before it runs, and what each Parse, Bind and Execute was about.
EVERYTHING = {
    "log_statement": "all",
    "log_min_duration_statement": "0",
    "log_line_prefix": "%m|%p|%u|%a|",
}
_LINE = re.compile(r"(\d{4}-\d\d-\d\d [\d:.]+) UTC\|(\d+)\|([^|]*)\|(.*?)\|([A-Z]+):  (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the log. `time` is cut to milliseconds by PostgreSQL."""

    time: datetime
    pid: int
    user: str
    application: str
    level: str
    text: str


@dataclass(slots=True)
class ServerLog:
    """The log from a place on."""

    path: Path
    start: int
    end: int | None = field(default=None)

    def lines(self) -> list[Line]:
        """Every message since; one that goes over several lines is one."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            data = file.read() if self.end is None else file.read(self.end - self.start)
        whole: list[str] = []
        for line in data.decode(errors="replace").split("\n"):
            if _LINE.match(line):
                whole.append(line)
            elif whole and line.startswith("\t"):
                whole[-1] += "\n" + line[1:]
        return [_read(line) for line in whole]


def _read(line: str) -> Line:
    found = _LINE.match(line)
    assert found is not None
    time_, pid, user, application, level, text = found.groups()
    return Line(datetime.fromisoformat(time_).replace(tzinfo=UTC), int(pid), user, application, level, text)


@contextmanager
def everything_logged(postgres: Postgres) -> Iterator[ServerLog]:
    """PostgreSQL writes everything down that reaches it while the block runs."""
    for name, value in EVERYTHING.items():
        postgres.run(f"ALTER SYSTEM SET {name} = '{value}'")
    _reload(postgres, "all")
    log = ServerLog(postgres.cluster.log, postgres.cluster.log.stat().st_size)
    try:
        yield log
    finally:
        log.end = postgres.cluster.log.stat().st_size
        for name in EVERYTHING:
            postgres.run(f"ALTER SYSTEM RESET {name}")
        _reload(postgres, "none")


def _reload(postgres: Postgres, awaited: str) -> None:
    """New sessions have the settings once the postmaster has read them."""
    postgres.run("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 10
    while postgres.run("SHOW log_statement").strip() != awaited:
        assert time.monotonic() < deadline, "the settings were not read"
        time.sleep(0.05)
