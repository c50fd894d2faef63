"""The floors of the house: who may import whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_nobody_imports_from_a_floor_above() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--config", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_package_opens_by_its_map() -> None:
    for package in ("gateway", "protocol", "masking", "config", *(f"gateway/{room}" for room in rooms())):
        text = (ROOT / package / "__init__.py").read_text()
        assert text.lstrip().startswith('"""'), f"{package}/__init__.py has no docstring"


def rooms() -> list[str]:
    return sorted(found.parent.name for found in (ROOT / "gateway").glob("*/__init__.py"))


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    missing = [room for room in rooms() if f"`{room}`" not in text]
    assert not missing
