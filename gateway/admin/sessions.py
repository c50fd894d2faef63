"""Sessions of the record as the API gives them. What is sealed stays sealed: keys are never here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.audit.replay import (
    Moment,
    NoSuchSession,
    Session,
    SessionSummary,
    Statement,
    Unreadable,
    list_sessions,
    read_session,
)


class RecordReader:
    """Reads the record in `directory`; implements `gateway.admin.api.SessionReader`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def sessions(self, person: str | None, limit: int) -> Sequence[Mapping[str, Any]]:
        """Summaries, newest first: of one person's sessions, or of all."""
        found: list[SessionSummary] = [
            summary for summary in list_sessions(self._directory) if person in (None, summary.person)
        ]
        return [msgspec.to_builtins(summary) for summary in found[:limit]]

    def events(self, session: str) -> tuple[str, Sequence[Mapping[str, Any]]] | None:
        """The person of a session and its events in order; None when there is no such session."""
        try:
            read = read_session(self._directory, session)
        except (NoSuchSession, Unreadable, FileNotFoundError):
            return None
        if read.opened.session != session:
            return None
        return read.opened.person, _events(read)


def _events(session: Session) -> list[dict[str, Any]]:
    """The session from its opening to its end, each with its "time" and "type"."""
    events: list[dict[str, Any]] = [{"time": session.started, **msgspec.to_builtins(session.opened)}]
    for entry in session.timeline:
        match entry:
            case Statement():
                events.append({"type": "Statement", **msgspec.to_builtins(entry)})
            case Moment(time, fact):
                events.append({"time": time, **msgspec.to_builtins(fact)})
    if session.closed is not None:
        events.append({"time": session.ended, **msgspec.to_builtins(session.closed)})
    return events
