"""The record as an auditor with a key reads it: every event of every session, opened."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.audit import chain, lines
from gateway.audit.replay import read_events, record_id, session_files
from gateway.audit.seal import Opener, auditor_from_pem
from tests.support.gateway import RunningGateway


@dataclass(frozen=True, slots=True)
class Told:
    """One event: its members as they stand in the line, with what was sealed opened in `sealed`."""

    session: str
    time: datetime
    seq: int
    type: str
    event: dict[str, Any]
    sealed: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.event.get(name)


def sessions_told(gateway: RunningGateway) -> dict[str, list[Told]]:
    """Every session's events, by its id."""
    key = gateway.stage.auditor_key.read_bytes()
    directory = gateway.stage.record
    return {path.stem: list(_events(path, key)) for path in session_files(directory)}


def told_of(gateway: RunningGateway, grant: str, *, ended: bool = True, seconds: float = 5.0) -> list[Told]:
    """The events of the one session under this grant, once it is over (`ended`) or everything in it is."""
    deadline = time.monotonic() + seconds
    while True:
        found = [events for events in sessions_told(gateway).values() if events and events[0]["grant"] == grant]
        if len(found) == 1 and (found[0][-1].type == "SessionClosed" or not ended):
            return found[0]
        assert time.monotonic() < deadline, f"{len(found)} sessions of {grant}"
        time.sleep(0.05)


def _events(path: Path, key: bytes) -> Iterator[Told]:
    record = record_id(path.parents[4])
    opener: Opener | None = None
    with lines.opened(path) as file:
        whole = [line for line in file if line.endswith(b"\n")]
    for line, event in zip(whole, read_events(whole), strict=True):
        raw = json.loads(line)
        if event.seal is not None and event.seal.sealing == "auditors":
            opener = Opener(chain.log_name(record, path.stem), event.seal, auditor_from_pem(key))
        sealed: dict[str, Any] = raw["event"].get("sealed", {})
        if event.box is not None:
            assert opener is not None
            content = opener.open(event.box, event.seq, getattr(event.fact, "normalized", ""))
            sealed = {name: getattr(content, name) for name in content.__struct_fields__}
        yield Told(path.stem, datetime.fromisoformat(event.time), event.seq, raw["event"]["type"], raw["event"], sealed)


def control_told(gateway: RunningGateway) -> list[dict[str, Any]]:
    """The events of all control logs, in order."""
    files = sorted((gateway.stage.record / "control").rglob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(line)["event"] for path in files for line in path.read_text().splitlines() if line.endswith("}")]
