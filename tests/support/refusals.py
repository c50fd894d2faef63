"""What the record says of those who did not get in."""

from __future__ import annotations

import json
from typing import Any

from tests.support.gateway import RunningGateway


def door_events(gateway: RunningGateway) -> list[dict[str, Any]]:
    """Every refusal at the door, in the order in which they were written."""
    lines = [
        json.loads(line)
        for path in sorted(gateway.stage.record.glob("control/*/*/*/*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [line["event"] for line in lines if line["event"]["type"] == "DoorRefused"]
