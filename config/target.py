"""A target: where a database is, how the gateway logs in there, and how both prove who they are.

Names and meanings are libpq's (PG manual, 34.1.2) where libpq has them; docs/targets.md explains each.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from config.certificates import CertificateUnusable, load_authorities, load_certificate
from config.durations import FineSeconds
from config.policy_access import owners
from config.secrets import SecretReference
from config.section import AnchoredPath, Probed, Text, checks_files, distinct, pem_file, pem_secret, secret

#: Schemas that are searched anyway, or that a fixed path must not hold: "$user" would be the gateway's own login.
_NOT_IN_SEARCH_PATH = ("$user", "pg_catalog", "pg_temp")
#: Ways to log in that need the login's password.
_WITH_PASSWORD = ("scram-sha-256", "md5", "password")

SessionAttrs = Literal["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]
LoginMethod = Literal["scram-sha-256", "md5", "password", "certificate", "peer"]


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str | int) else value


class Target(Probed):
    host: Annotated[
        tuple[Text, ...], BeforeValidator(_one_or_more), Field(min_length=1, max_length=32, strict=False)
    ] = Field(
        description="the PostgreSQL server's name, as its certificate has it; the directory of its Unix socket; "
        'or several in a list, such as ["db1.internal", "db2.internal"]'
    )
    port: Annotated[
        tuple[Annotated[int, Field(ge=1, le=65_535)], ...],
        BeforeValidator(_one_or_more),
        Field(min_length=1, strict=False),
    ] = Field(default=(5432,), description="its port; in a list, one for all hosts or one for each")
    target_session_attrs: SessionAttrs = Field(
        default="any", description="which of several hosts will do, in libpq's words"
    )
    load_balance_hosts: Literal["disable", "random"] = Field(
        default="disable", description='"random" tries hosts and their addresses in a random order'
    )
    owner: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(owners)] = Field(
        default=(), description='who owns it: groups, and "person:NAME"; roles may name "target:owner" as approver'
    )
    database: Text = Field(description="the database to connect to there")
    user: Text = Field(description="the login that the gateway uses there; not a superuser")
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = Field(
        default="verify-full", description="how the server must prove itself, in libpq's words"
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
    authentication: Annotated[tuple[LoginMethod, ...], Field(min_length=1, strict=False)] = Field(
        default=("scram-sha-256",),
        description='how the gateway may log in: "scram-sha-256", "md5", "password", "certificate", "peer"',
    )
    channel_binding: Literal["prefer", "require", "disable"] = Field(
        default="prefer", description="whether SCRAM is bound to the TLS connection, in libpq's words"
    )
    password: SecretReference | None = Field(
        default=None, description="that login's password, by reference; needed unless it logs in without one"
    )
    search_path: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=("public",), description="the schemas in which an unqualified name is looked for"
    )
    sessions: int = Field(
        default=0, ge=0, le=1_000_000, description="sessions at one time on this target through the gateway; 0: any"
    )
    catalog_refresh_seconds: FineSeconds = Field(
        default=30, ge=1, le=3600, description="how old the gateway's picture of the schema may be, 1 to 3600"
    )
    connect_timeout_seconds: FineSeconds = Field(
        default=10, gt=0, le=300, description="for a connect and log-in, at each host, up to 300"
    )

    @property
    def sockets_only(self) -> bool:
        """Is every host the directory of a Unix socket? There is no TLS there, whatever sslmode says."""
        return all(is_socket(host) for host in self.host)

    @field_validator("host")
    @classmethod
    def _hosts_are_single(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if "," in host:
                raise ValueError('is one host; several stand in a list: ["db1.internal", "db2.internal"]')
            if "/" in host and not is_socket(host):
                raise ValueError("is no host name, nor the absolute path of a socket's directory")
        return value

    @field_validator("port")
    @classmethod
    def _ports_fit_the_hosts(cls, value: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        hosts = len(info.data.get("host", value))
        if len(value) not in (1, hosts):
            raise ValueError(f"names {len(value)} ports for {hosts} hosts; give one for all of them, or one for each")
        return value

    @field_validator("sslrootcert")
    @classmethod
    def _authority_is_there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            hosts = info.data.get("host", ())
            if info.data.get("sslmode") == "verify-ca" and not all(map(is_socket, hosts)):
                raise ValueError(
                    'sslmode = "verify-ca" without sslrootcert would believe everybody whom a public authority has '
                    'certified; name your own authority, or take "verify-full"'
                )
            return None
        _has_an_effect(info)
        pem_file(value, info)
        if checks_files(info):
            with _said():
                load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), value)
        return value

    @field_validator("sslcert")
    @classmethod
    def _certificate_is_there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        _has_an_effect(info)
        return pem_file(value, info)

    @field_validator("sslkey")
    @classmethod
    def _key_fits(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        if "sslcert" not in info.data:  # not right itself
            return value
        certificate: Path | None = info.data["sslcert"]
        if value is None:
            if certificate is not None:
                raise PydanticKnownError("missing")
            return None
        if certificate is None:
            raise ValueError("has no effect without sslcert; name the certificate that it belongs to")
        pem_secret(value, info)
        if checks_files(info):
            with _said():
                load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, value)
        return value

    @field_validator("authentication")
    @classmethod
    def _methods_can_be_used(cls, value: tuple[LoginMethod, ...], info: ValidationInfo) -> tuple[LoginMethod, ...]:
        hosts = info.data.get("host", ())
        over_tcp = any(not is_socket(host) for host in hosts)
        if "password" in value and over_tcp and info.data.get("sslmode") == "disable":
            raise ValueError(
                '"password" gives the password away as it is; over TCP it needs TLS: take out sslmode = "disable"'
            )
        if "certificate" in value and info.data.get("sslcert", True) is None:
            raise ValueError('"certificate" needs sslcert and sslkey, which the server lets the gateway in for')
        if "peer" in value and hosts and not any(is_socket(host) for host in hosts):
            raise ValueError('"peer" works over a Unix socket only, and every host here is reached by TCP')
        return distinct(value)

    @field_validator("channel_binding")
    @classmethod
    def _binding_is_possible(cls, value: str, info: ValidationInfo) -> str:
        if value == "require" and info.data.get("sslmode") == "disable":
            raise ValueError('"require" needs TLS; take out sslmode = "disable"')
        if value == "require" and set(info.data.get("authentication", ())) - {"scram-sha-256"}:
            raise ValueError('"require" leaves no other authentication than "scram-sha-256"')
        return value

    @field_validator("password")
    @classmethod
    def _password_is_there(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        if value is None:
            if set(info.data.get("authentication", ())) & set(_WITH_PASSWORD):
                raise PydanticKnownError("missing")
            return None
        content = secret(value, info)
        if content is not None and (b"\0" in content or b"\n" in content):
            raise ValueError(f"{value} holds more than one line; expected a password")
        if content is not None and not _is_text(content):
            raise ValueError(f"{value} is not UTF-8 text; expected a password")
        return value

    @field_validator("search_path")
    @classmethod
    def _path_is_fixed(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name.startswith(_NOT_IN_SEARCH_PATH):
                raise ValueError(f"{name} cannot stand in a fixed search path; name the schemas of the application")
        return distinct(value)


def is_socket(host: str) -> bool:
    """Does this host stand for the directory of a Unix socket? libpq's rule: a path is absolute."""
    return host.startswith("/")


@contextmanager
def _said() -> Iterator[None]:
    """What the loader of certificates says, as a problem of the field."""
    try:
        yield
    except CertificateUnusable as error:
        raise ValueError(str(error)) from None


def _has_an_effect(info: ValidationInfo) -> None:
    if info.data.get("sslmode") == "disable":
        raise ValueError('has no effect with sslmode = "disable"; take one of the two out')
    hosts = info.data.get("host", ())
    if hosts and all(is_socket(host) for host in hosts):
        raise ValueError("has no effect over Unix sockets, where there is no TLS; take it out")


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
