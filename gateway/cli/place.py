"""Where the record is, for commands that read it themselves, and what can go wrong with that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from config.load import ConfigError, load_settings
from config.settings import Settings
from gateway.audit import seal
from gateway.audit.replay import NoSuchSession, Unreadable
from gateway.cli.output import Exit, Stopped

Directory = Annotated[Path | None, typer.Option("--record", help="A record directory to read itself.")]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="The gateway's settings file, on its host.")]


def record_directory(record: Path | None, config: Path | None) -> Path | None:
    """The record to read; None: the API is to be asked. Raises Stopped."""
    if record is not None:
        return record
    return None if config is None else settings_of(config).record.directory


def settings_of(config: Path) -> Settings:
    """The gateway's settings. Raises Stopped."""
    try:
        return load_settings(config, files=False)
    except ConfigError as error:
        problems = "; ".join(str(problem.message) for problem in error.problems)
        raise Stopped(Exit.USAGE, f"{config}: {problems}", "give the gateway's settings file with --config") from None


def auditor_key(path: Path) -> X25519PrivateKey:
    """An auditor's private key. Raises Stopped."""
    try:
        return seal.auditor_from_pem(bytes_of(path))
    except (ValueError, TypeError):
        hint = "it is the OUT.pem of pgcurfew audit keygen"
        raise Stopped(Exit.USAGE, f"{path} holds no auditor's private key", hint) from None


def bytes_of(path: Path) -> bytes:
    """A file's content. Raises Stopped."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Stopped(Exit.USAGE, f"{path} cannot be read: {reason_of(error)}") from None


def reason_of(error: Exception) -> str:
    """What the system says."""
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """What can go wrong with a record turns into words."""
    try:
        yield
    except NoSuchSession as error:
        raise Stopped(Exit.REFUSED, str(error), "pgcurfew sessions lists them") from None
    except seal.CannotOpen as error:
        raise Stopped(Exit.REFUSED, str(error), "use the key of one of its recipients") from None
    except Unreadable as error:
        raise Stopped(Exit.REFUSED, str(error), "pgcurfew audit verify says what happened to the record") from None
    except FileNotFoundError:
        raise Stopped(Exit.USAGE, f"there is no record at {directory}", "give its directory with --record") from None
    except OSError as error:
        raise Stopped(Exit.USAGE, f"the record at {directory} cannot be read: {reason_of(error)}") from None
