"""Ends a process and clears its folder away should we be killed before we could do it ourselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

#: Waits for a line on a pipe whose other end is ours. The line means that all is well; the pipe's
#: end without one means that we are gone: then it asks, waits, insists, and clears away.
_WATCH = """
read -r _ && exit 0
kill -"$2" "$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2>/dev/null || break; sleep 0.3; done
kill -KILL "$1" 2>/dev/null
[ -z "$3" ] || rm -rf "$3"
"""


class Guard:
    """Stands watch over one process from now until `release`."""

    def __init__(self, pid: int, *, signal: str = "TERM", folder: Path | None = None) -> None:
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(pid), signal, str(folder or "")],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def release(self) -> None:
        """The process has ended in order; nothing is left to watch."""
        try:
            self._watch.communicate(b"done\n", timeout=5)
        except subprocess.TimeoutExpired:
            self._watch.kill()
            self._watch.wait()
