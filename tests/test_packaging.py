"""What is shipped: the wheel's files, the pinned versions, the image, the README's promises."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BIN = Path(sys.executable).parent


def pinned() -> dict[str, str]:
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        found[normal(name)] = version.split(" ;")[0]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> list[str]:
    extras = PROJECT["optional-dependencies"].values()
    everything = [*PROJECT["dependencies"], *(entry for extra in extras for entry in extra)]
    return [normal(re.match(r"[A-Za-z0-9._-]+", entry)[0]) for entry in everything]  # type: ignore[index]


def test_constraints_hold_versions_and_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9._-]+==[A-Za-z0-9.+!]+( ; [a-z_ =<>!'0-9.A-Z()]+)?", line), line


def test_everything_declared_is_pinned() -> None:
    assert not set(declared()) - set(pinned())


def test_the_dockerfile_passes_its_linter() -> None:
    done = subprocess.run([BIN / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_nobody_special_and_has_a_healthcheck() -> None:
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    assert len(stages) == 3, "one stage builds, one runs"
    assert re.search(r"^USER 10001:10001$", stages[-1], re.M)
    assert "HEALTHCHECK" in stages[-1]
    assert "/healthz" in stages[-1]


def test_the_readmes_first_screen_names_both_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    assert re.search(r"^make demo$", first_screen, re.M)
    assert re.search(r"^make demo TOUR=1$", first_screen, re.M)


def test_the_readme_explains_every_runtime_dependency() -> None:
    text = (ROOT / "README.md").read_text().lower()
    runtime = [normal(re.match(r"[A-Za-z0-9._-]+", entry)[0]) for entry in PROJECT["dependencies"]]  # type: ignore[index]
    assert not [name for name in runtime if f"`{name}`" not in text]


def test_no_file_names_this_machine_or_an_index() -> None:
    here = "|".join(re.escape(f"{path}/") for path in (ROOT, Path.home()) if path != Path("/"))
    names = ["README.md", "CHANGELOG.md", "Makefile", "Dockerfile", "pyproject.toml", "constraints.txt", ".ci/run"]
    for path in [*(ROOT / name for name in names), *(ROOT / "docs").rglob("*.md")]:
        text = path.read_text()
        assert not re.search(rf"{here}|find-links|extra-index|--index-url", text), path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    hatchling = pytest.importorskip("hatchling.build")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, (done.stderr, hatchling)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_file_that_the_packages_need(wheel: zipfile.ZipFile) -> None:
    inside = set(wheel.namelist())
    for package in ("gateway", "protocol", "masking", "config"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT)) in inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"gateway", "protocol", "masking", "config", f"pgcurfew-{PROJECT['version']}.dist-info"}
