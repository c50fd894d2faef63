"""How to connect, in the forms that libpq and its users know (PostgreSQL manual 34.1, 34.15 to 34.17).

None of them holds the token but `exports` and `pgpass_line`, which say so; none is meant for an argument, which
everybody on the machine can read.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from gateway.cli.profile import Profile


class Form(StrEnum):
    """What --print prints."""

    DSN = "dsn"
    SERVICE = "service"
    PGPASS = "pgpass"
    ENV = "env"


VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def libpq_settings(
    profile: Profile, host: str, port: int, target: str, certificate: Path | None = None, key: Path | None = None
) -> dict[str, str]:
    """libpq's connection parameters, without the password (PostgreSQL manual 34.1.2)."""
    settings = {
        # A gateway that listens on every address is where its API is.
        "host": (urlsplit(profile.api).hostname or host) if host in ("0.0.0.0", "::", "") else host,  # noqa: S104
        "port": str(port),
        "dbname": target,
        "user": profile.name,
        "sslmode": "verify-full",
        "sslrootcert": profile.ca or "system",
    }
    if certificate is not None:
        settings["sslcert"] = str(certificate.absolute())
    if key is not None:
        settings["sslkey"] = str(key.absolute())
    return settings


def dsn(settings: dict[str, str]) -> str:
    """A connection URI without the password."""
    user, host = quote(settings["user"], safe=""), settings["host"]
    place = f"[{host}]" if ":" in host else host
    options = "&".join(
        f"{name}={quote(settings[name], safe='/')}"
        for name in ("sslmode", "sslrootcert", "sslcert", "sslkey")
        if name in settings
    )
    return f"postgresql://{user}@{place}:{settings['port']}/{quote(settings['dbname'], safe='')}?{options}"


def service(name: str, settings: dict[str, str]) -> str:
    """A section for pg_service.conf, without the password: psql service=NAME."""
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in settings.items())])


def pgpass_line(settings: dict[str, str], password: str) -> str:
    """A line for a password file, with the token in it."""
    fields = (settings["host"], settings["port"], settings["dbname"], settings["user"], password)
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)


def exports(settings: dict[str, str], password: str) -> str:
    """Lines for a shell to `eval`, with the token in them."""
    values = variables(settings) | {"PGPASSWORD": password}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def variables(settings: dict[str, str]) -> dict[str, str]:
    """The same as environment variables, without the password."""
    return {VARIABLES[name]: value for name, value in settings.items()}
