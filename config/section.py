"""What the sections of the settings file share: a strict table, text, paths, secrets that can be checked."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from config.durations import Seconds
from config.secrets import SecretReference, SecretUnavailable

_T = TypeVar("_T", bound=str | int)


def _anchored(value: object, info: ValidationInfo) -> object:
    """A path as written; a relative one starts from the directory of the settings file."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("expected the path of a file, as text in quotes")
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / value


AnchoredPath = Annotated[Path, BeforeValidator(_anchored)]
Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Section(BaseModel):
    """A table of the file: frozen, strict about types, and with no room for unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )


class Probed(Section):
    """What has TCP connections to others, and wants to know when those are gone (tcp(7))."""

    keepalive_seconds: Seconds = Field(
        default=60, ge=0, le=7200, description="a silent connection is probed after so long; 0: as the system does"
    )
    keepalive_interval_seconds: Seconds = Field(
        default=10, ge=0, le=7200, description="from one probe to the next; 0: as the system does"
    )
    keepalive_count: int = Field(
        default=3, ge=0, le=100, description="so many unanswered probes end a connection; 0: as the system does"
    )
    #: Not set by default: it would also end the session of somebody whose pager has not read on for so long.
    tcp_user_timeout_seconds: Seconds = Field(
        default=0, ge=0, le=7200, description="how long what was sent may stay unacknowledged; 0: as the system does"
    )


def distinct(values: tuple[_T, ...]) -> tuple[_T, ...]:
    """The same values; a ValueError when one stands there twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{value} stands here twice")
    return values


def checks_files(info: ValidationInfo) -> bool:
    """Was the reader asked to look at files and variables too?"""
    return bool((info.context or {}).get("files", False))


def secret(reference: SecretReference, info: ValidationInfo, *, public: bool = False) -> bytes | None:
    """The secret, where the reader was asked to look; a ValueError says why there is none to be had."""
    if not checks_files(info):
        return None
    exposure = None if public else reference.exposure()
    if exposure is not None:
        raise ValueError(exposure)
    try:
        return reference.read()
    except SecretUnavailable as error:
        raise ValueError(str(error)) from None


def long_secret(reference: SecretReference, info: ValidationInfo, what: str) -> SecretReference:
    """The reference to a symmetric key; a ValueError when it has fewer than 32 bytes."""
    content = secret(reference, info)
    if content is not None and len(content) < 32:
        raise ValueError(f"{reference} holds {len(content)} bytes; {what} needs 32 or more: openssl rand -hex 32")
    return reference


def pem_secret(reference: SecretReference, info: ValidationInfo, *, public: bool = False) -> SecretReference:
    """The reference to a key in PEM; a ValueError when there is none at its place."""
    content = secret(reference, info, public=public)
    if content is not None and b"-----BEGIN " not in content:
        raise ValueError(f"{reference} holds no PEM key (no line with -----BEGIN)")
    return reference


def pem_file(path: Path, info: ValidationInfo) -> Path:
    """The path of a certificate in PEM; a ValueError when there is none at its place."""
    if not checks_files(info):
        return path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if b"-----BEGIN CERTIFICATE" not in content:
        raise ValueError(f"{path} holds no PEM certificate")
    return path


def is_loopback(host: str) -> bool:
    """Does this address or name mean the machine itself?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
