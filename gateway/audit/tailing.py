"""Sessions while they go on: the lines of their logs, as they are written."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from gateway.audit import lines
from gateway.audit.facts import SessionClosed
from gateway.audit.places import all_records
from gateway.audit.replay import Event, Unreadable, read_events

#: Read at once, so that a long session does not fill the memory.
CHUNK = 1 << 20


class Tail:
    """One session's log, read from where it was left. Belongs to one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0
        #: The session's last event was read.
        self.over = False

    def new(self) -> list[Event]:
        """What was written since the last call, up to so much. Raises OSError, Unreadable."""
        if self.over or lines.size(self.path) <= self._at:
            return []
        with lines.opened(self.path, self._at) as file:
            block = file.read(CHUNK)
        if b"\n" not in block and len(block) == CHUNK:  # one line of megabytes
            with lines.opened(self.path, self._at) as file:
                block = file.readline()
        whole = block[: block.rfind(b"\n") + 1]
        self._at += len(whole)
        events = list(read_events(whole.splitlines(keepends=True)))
        self.over = any(isinstance(event.fact, SessionClosed) for event in events)
        return events


def log_of(directory: Path, session: str, since: str) -> Path | None:
    """Where the log of a session is that began about then; None: nowhere."""
    began = datetime.fromisoformat(since)
    for record in all_records(directory):
        for day in (began, began - timedelta(days=1), began + timedelta(days=1)):
            path = record / "sessions" / f"{day:%Y/%m/%d}" / f"{session}.jsonl"
            try:
                lines.stored(path)
            except FileNotFoundError:
                continue
            return path
    return None


__all__ = ["Tail", "Unreadable", "log_of"]
