"""docs/audit.md names every event that can be recorded, with every member of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from gateway.audit.facts import AnyFact, Fact, Sealed

DOCS = (Path(__file__).parents[3] / "docs" / "audit.md").read_text()
ROWS = [line.split("|") for line in DOCS.splitlines() if line.startswith("| `")]


def names(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


@pytest.mark.parametrize("fact", get_args(AnyFact))
def test_each_event_is_documented_with_its_members(fact: type[Fact]) -> None:
    told: set[str] = set()
    for _, types, *rest in ROWS:
        if fact.__name__ in names(types):
            told |= names("|".join(rest))
    members = {field.name for field in msgspec.structs.fields(fact)} - {"sealed"}
    assert members <= told, f"{fact.__name__}: {members - told}"


def test_each_sealed_member_is_documented() -> None:
    part = DOCS[DOCS.index("The content is JSON") :]
    assert {field.name for field in msgspec.structs.fields(Sealed)} <= names(part)
