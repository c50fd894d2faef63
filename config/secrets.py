"""Secrets are named, never written: `file:keys/tokens.pem` or `env:SHOP_PASSWORD`.

A reference is resolved when it is used, so a secret lives in no settings object, no repr and no error.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

INLINE = (
    "a secret is never written into this file; write where it is to be found instead: "
    '"file:PATH" (a file with mode 0600) or "env:NAME" (an environment variable)'
)


class SecretUnavailable(Exception):
    """The place that a reference names holds no secret; the message names the place only."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is to be found. `directory` is what a relative file name starts from."""

    scheme: Literal["file", "env"]
    name: str
    directory: Path = Path()

    @classmethod
    def parse(cls, text: str, directory: Path = Path()) -> SecretReference:
        """From "file:…" or "env:…"; the ValueError for anything else does not repeat it: it may be the secret."""
        scheme, colon, name = text.partition(":")
        if not colon or not name or "\0" in name or (scheme == "env" and "=" in name):
            raise ValueError(INLINE)
        match scheme:
            case "file" | "env":
                return cls(scheme, name, directory)
            case _:
                raise ValueError(INLINE)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"

    @property
    def path(self) -> Path | None:
        """The file, or None when the secret is in the environment."""
        return self.directory / self.name if self.scheme == "file" else None

    def read(self) -> bytes:
        """The secret itself, without one trailing newline."""
        path = self.path
        if path is None:
            value = os.environ.get(self.name)
            if value is None:
                raise SecretUnavailable(f"the environment variable {self.name} is not set")
            content = os.fsencode(value)
        else:
            try:
                content = _content(path)
            except OSError as error:
                raise SecretUnavailable(f"cannot read {path}: {error.strerror}") from error
        secret = content.removesuffix(b"\r\n") if content.endswith(b"\r\n") else content.removesuffix(b"\n")
        if not secret:
            raise SecretUnavailable(f"{path or self.name} is empty")
        return secret

    def exposure(self) -> str | None:
        """Why others can read this secret's file, with the command that ends it; None if they cannot.

        The rule is PostgreSQL's own for ssl_key_file (PG manual 19.9.1): 0600 or less, or
        0640 where the file belongs to root.
        """
        path = self.path
        if path is None:
            return None
        try:
            status = path.stat()
        except OSError:
            return None
        mode = stat.S_IMODE(status.st_mode)
        forbidden = 0o037 if status.st_uid == 0 else 0o077
        if mode & forbidden:
            return f"{path} can be read or written by others (mode {mode:04o}): chmod 600 {path}"
        return None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._validate)

    @classmethod
    def _validate(cls, value: object, info: ValidationInfo) -> SecretReference:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(INLINE)
        context = info.context or {}
        return cls.parse(value, context.get("directory", Path()))


def _content(path: Path) -> bytes:
    """The file's bytes by three system calls: a target's password is read at each log-in."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 65_536):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)
