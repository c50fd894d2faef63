"""What a check of an installation found: what is right, what will be wrong soon, what is wrong, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    #: What was looked at: "settings", "certificate", "ports", "store", "record", "policy", "target shop", …
    about: str
    level: Level
    message: str
    #: What to do next; empty where there is nothing to do.
    hint: str = ""


def ok(about: str, message: str) -> Finding:
    return Finding(about, "ok", message)


def warning(about: str, message: str, hint: str) -> Finding:
    return Finding(about, "warning", message, hint)


def problem(about: str, message: str, hint: str) -> Finding:
    return Finding(about, "problem", message, hint)
