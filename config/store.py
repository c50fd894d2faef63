"""Where requests, approvals and grants are kept: one file, or a database on a PostgreSQL server.

The names of the options are libpq's (PG manual, 34.1.2), as for targets.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.certificates import CertificateUnusable, client_context
from config.secrets import SecretReference
from config.section import AnchoredPath, Section, Text, checks_files, pem_file, pem_secret, secret

_EXAMPLE = "postgresql://pgcurfew@db.internal:5432/pgcurfew"


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """What a store's url says: hosts (or the directories of Unix sockets) with their ports, login and database."""

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    user: str
    database: str

    @property
    def sockets_only(self) -> bool:
        """Is every host the directory of a Unix socket, where there is no TLS?"""
        return all(host.startswith("/") for host in self.hosts)


class Store(Section):
    path: AnchoredPath | None = Field(
        default=None, description="the SQLite file with requests, approvals and grants; or take url"
    )
    url: Text | None = Field(
        default=None, description=f'a PostgreSQL database for them, such as "{_EXAMPLE}", in place of path'
    )
    password: SecretReference | None = Field(default=None, description="with url: its login's password, by reference")
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = Field(
        default="verify-full", description="with url: how the server must prove itself, in libpq's words"
    )
    sslrootcert: AnchoredPath | None = Field(
        default=None, description="the PEM file with the authority that signed its certificate; none: the system's"
    )
    sslcert: AnchoredPath | None = Field(
        default=None, description="the PEM file with the gateway's own certificate for the server"
    )
    sslkey: SecretReference | None = Field(
        default=None, description="the private key of sslcert (PEM, without passphrase), by reference"
    )

    @property
    def address(self) -> StoreAddress | None:
        """What `url` says; None where the store is a file."""
        return None if self.url is None else store_address(self.url)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """TLS as `sslmode` means it; None without. Raises CertificateUnusable."""
        address = self.address
        if address is None or address.sockets_only:
            return None
        return client_context(self.sslmode, self.sslrootcert, self.sslcert, self.sslkey)

    @field_validator("url")
    @classmethod
    def _can_be_read(cls, value: str | None) -> str | None:
        if value is not None:
            store_address(value)
        return value

    @field_validator("password")
    @classmethod
    def _password_is_there(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        content = None if value is None else secret(value, info)
        if content is not None and (b"\0" in content or b"\n" in content):
            raise ValueError(f"{value} holds more than one line; expected a password")
        return value

    @field_validator("sslrootcert", "sslcert")
    @classmethod
    def _certificate_is_there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return None if value is None else pem_file(value, info)

    @field_validator("sslkey")
    @classmethod
    def _key_is_there(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        return None if value is None else pem_secret(value, info)

    @model_validator(mode="after")
    def _is_one_of_the_two(self, info: ValidationInfo) -> Store:
        if (self.path is None) == (self.url is None):
            raise ValueError(f'give either path (an SQLite file) or url ("{_EXAMPLE}")')
        if self.url is None:
            given = [name for name in ("password", "sslrootcert", "sslcert", "sslkey") if getattr(self, name)]
            if given:
                raise ValueError(f"{given[0]} belongs to url, and the store is a file")
        if (self.sslcert is None) != (self.sslkey is None):
            raise ValueError("sslcert and sslkey go together")
        if self.sslmode == "verify-ca" and self.sslrootcert is None:
            raise ValueError(
                'sslmode = "verify-ca" without sslrootcert would believe everybody whom a public authority has '
                'certified; name your own authority, or take "verify-full"'
            )
        if checks_files(info):
            try:
                _ = self.tls
            except CertificateUnusable as error:
                raise ValueError(str(error)) from None
        return self


def store_address(url: str) -> StoreAddress:
    """What the url of a store says. Raises ValueError, which never shows a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f'expected an address such as "{_EXAMPLE}"') from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f'expected an address such as "{_EXAMPLE}"')
    login, _, places = parts.netloc.rpartition("@")
    if ":" in login:
        raise ValueError('a password does not stand in the url; name it by reference: password = "file:…"')
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    socket = options.pop("host", None)
    if options:
        raise ValueError(f"{sorted(options)[0]} does not stand in the url; it may be a key of [store], such as sslmode")
    user, database = unquote(login), unquote(parts.path.removeprefix("/"))
    if not user or not database or "/" in database:
        raise ValueError(f'names a login, a host and a database: "{_EXAMPLE}"')
    if socket is not None:
        if places or not socket.startswith("/"):
            raise ValueError('?host= is for the directory of a Unix socket: "postgresql://login@/database?host=/run/…"')
        return StoreAddress((socket,), (5432,), user, database)
    pairs = [_place(place) for place in places.split(",")]
    return StoreAddress(tuple(host for host, _ in pairs), tuple(port for _, port in pairs), user, database)


def _place(place: str) -> tuple[str, int]:
    host, colon, port = place.rpartition(":") if not place.endswith("]") else (place, "", "")
    if not colon:
        host, port = place, "5432"
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise ValueError(f'expected a host and, after a colon, its port: "{_EXAMPLE}"')
    return host, int(port)
