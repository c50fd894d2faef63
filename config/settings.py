"""The settings file, section by section. What a field is for stands in its description, which is
also what an error about it says; a commented example is docs/examples/pgcurfew.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.durations import FineSeconds, Seconds
from config.notices import Notices
from config.oidc import Oidc
from config.secrets import SecretReference
from config.section import (
    AnchoredPath,
    Probed,
    Section,
    Text,
    distinct,
    is_loopback,
    long_secret,
    pem_file,
    pem_secret,
)
from config.store import Store
from config.target import Target

__all__ = [
    "Api",
    "Gateway",
    "Limits",
    "Masking",
    "Metrics",
    "Notices",
    "Oidc",
    "PolicyLocation",
    "Record",
    "Section",
    "Settings",
    "SignIn",
    "Store",
    "Target",
    "Tls",
    "Tokens",
    "is_loopback",
]

_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_TARGET_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}\Z")


def _serves_as_database(name: str) -> str:
    if not _TARGET_NAME.match(name):
        raise ValueError(
            "a target's name is what people write as dbname: a letter, "
            "then up to 62 letters, digits, hyphens and underscores"
        )
    return name


Port = Annotated[int, Field(ge=0, le=65_535)]


class Gateway(Probed):
    listen_host: Text = Field(default="127.0.0.1", description="the address that PostgreSQL clients connect to")
    listen_port: Port = Field(default=6432, description="its port; 0 takes any free one")
    workers: int = Field(default=1, ge=1, le=64, description="processes that serve clients, one a core; 1: no others")
    name: Text = Field(default="pgcurfew", description="this gateway's name in the record and in application_name")

    @property
    def loopback(self) -> bool:
        """Can only this machine connect?"""
        return is_loopback(self.listen_host)


class Tls(Section):
    certificate: AnchoredPath = Field(description="the PEM file with the server's certificate, its chain after it")
    private_key: SecretReference = Field(description="the certificate's private key (PEM), by reference")
    plaintext_on_loopback: bool = Field(
        default=False, description="for development: a connection from this machine may do without TLS"
    )
    client_ca: AnchoredPath | None = Field(
        default=None, description="the PEM file with the authorities that sign clients' certificates; none: not asked"
    )
    client_certificates: Literal["optional", "required"] | None = Field(
        default=None, description='with client_ca: "required" (also when left out), or "optional": checked if shown'
    )
    client_name: Text = Field(
        default="cn:{user}",
        description='what a person\'s certificate must hold: "cn:{user}", "email:{user}@example.org", "uri:…/{user}"',
    )

    @property
    def asked_for(self) -> Literal["off", "optional", "required"]:
        """Must clients show a certificate?"""
        if self.client_ca is None:
            return "off"
        return self.client_certificates or "required"

    @field_validator("client_ca")
    @classmethod
    def _authorities_are_there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return None if value is None else pem_file(value, info)

    @field_validator("client_certificates")
    @classmethod
    def _has_authorities(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("client_ca", "wrong") is None:
            raise ValueError("has no effect without client_ca, the authorities that sign clients' certificates")
        return value

    @field_validator("client_name")
    @classmethod
    def _names_the_person(cls, value: str) -> str:
        if not value.startswith(("cn:", "email:", "uri:")) or value.count("{user}") != 1:
            raise ValueError(
                'expected "cn:", "email:" or "uri:" and what follows in the certificate, with {user} once in it, '
                'such as "email:{user}@example.org"'
            )
        return value

    @field_validator("certificate")
    @classmethod
    def _certificate_is_there(cls, value: Path, info: ValidationInfo) -> Path:
        return pem_file(value, info)

    @field_validator("private_key")
    @classmethod
    def _key_is_there(cls, value: SecretReference, info: ValidationInfo) -> SecretReference:
        return pem_secret(value, info)


class Tokens(Section):
    issuer: Text = Field(description="the `iss` of the tokens that this gateway makes and takes")
    audience: Text = Field(description="the `aud` of the tokens that this gateway makes and takes")
    signing_key: SecretReference | None = Field(
        default=None, description="the Ed25519 private key that signs tokens (PEM), by reference"
    )
    key_id: Text | None = Field(default=None, description="the `kid` of that key; a new key gets a new one")
    key_directory: AnchoredPath | None = Field(
        default=None, description="where `pgcurfew keys rotate` puts new keys, each a file of mode 0600"
    )
    leeway_seconds: Seconds = Field(default=0, ge=0, le=60, description="how far clocks may differ, up to 60 seconds")
    max_bytes: int = Field(default=4096, ge=512, le=65_536, description="the longest token that is looked at")

    @field_validator("signing_key")
    @classmethod
    def _key_is_there(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        return None if value is None else pem_secret(value, info)

    @field_validator("key_id")
    @classmethod
    def _names_the_key(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("signing_key") is not None:
            raise ValueError("is missing: the `kid` of that key, signing_key")
        if value is not None and not _KEY_ID.match(value):
            raise ValueError("a key's id is letters, digits, dots, hyphens and underscores, 63 at most")
        return value

    @field_validator("key_directory")
    @classmethod
    def _some_key_signs(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.data.get("signing_key", "wrong") is None:
            raise ValueError(
                "is missing: either it, or signing_key and key_id, says where the key is that signs tokens"
            )
        return value


class Api(Section):
    listen_host: Text = Field(default="127.0.0.1", description="the address of the HTTPS API")
    listen_port: Port = Field(default=6480, description="its port; 0 takes any free one")
    public_url: Text = Field(
        description='the API\'s address as people reach it, such as "https://pgcurfew.example.org"'
    )

    @field_validator("public_url")
    @classmethod
    def _is_https(cls, value: str) -> str:
        expected = 'expected an https address, such as "https://pgcurfew.example.org"'
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018  (asking is what checks it)
        except ValueError:
            raise ValueError(expected) from None
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(expected)
        if parts.username or parts.password:
            raise ValueError(f"{expected}, and no login in it")
        return value.rstrip("/")


class SignIn(Section):
    key: SecretReference | None = Field(
        default=None,
        description="the key that second factors are kept with, at least 32 random bytes, by reference; "
        "without it nobody signs in by password",
    )
    session_seconds: Seconds = Field(default=12 * 3600, ge=300, le=7 * 86_400, description="how long a sign-in is good")
    invitation_seconds: Seconds = Field(
        default=86_400, ge=300, le=7 * 86_400, description="how long an invitation is good"
    )
    service_token_seconds: Seconds = Field(
        default=86_400, ge=60, le=30 * 86_400, description="the longest life of a service account's token"
    )

    @field_validator("key")
    @classmethod
    def _key_is_long_enough(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        return None if value is None else long_secret(value, info, "the key of second factors")


class Metrics(Section):
    listen_host: Text = Field(default="127.0.0.1", description="the address of /metrics (plain HTTP)")
    listen_port: Port = Field(default=6490, description="its port; 0 switches it off")


class Record(Section):
    directory: AnchoredPath = Field(description="the directory that the record is written to")
    durability: Literal["process", "disk"] = Field(
        default="process", description='"process" outlives the gateway being killed, "disk" also a power cut'
    )
    sealing: Literal["auditors", "off"] = Field(
        default="auditors",
        description='"auditors" encrypts texts and parameters to `recipients`, "off" does not',
    )
    #: Public keys: read like secrets, but their files may be readable by all.
    recipients: Annotated[tuple[SecretReference, ...], Field(strict=False)] = Field(
        default=(), description="the auditors' X25519 public keys (PEM), each by reference"
    )
    signing_key: SecretReference = Field(
        description="the Ed25519 private key that signs checkpoints (PEM), by reference"
    )
    checkpoint_seconds: FineSeconds = Field(
        default=5, ge=0.1, le=3600, description="how often a signed checkpoint is written, 0.1 to 3600"
    )
    segment_megabytes: int = Field(
        default=64, ge=1, le=4096, description="a log that gets longer goes on in another file, 1 to 4096"
    )
    segment_hours: int = Field(default=24, ge=1, le=720, description="so does one that gets older, 1 to 720")
    compression_level: int = Field(
        default=6, ge=0, le=19, description="zstd level for files that are not written any more; 0: as they are"
    )
    retention_days: int = Field(
        default=0, ge=0, le=36_500, description="closed logs are removed after so many days; 0: never"
    )
    copy_to: str = Field(
        default="",
        pattern=r"^$|^(s3|gs|az|file)://.+",
        description='closed logs and the ledger are copied there, create-only: "s3://bucket/path", "file:///path"',
    )

    index: bool = Field(
        default=True, description="whether an index for pgcurfew audit search is kept beside the record"
    )

    @field_validator("recipients")
    @classmethod
    def _sealing_has_recipients(
        cls, value: tuple[SecretReference, ...], info: ValidationInfo
    ) -> tuple[SecretReference, ...]:
        if info.data.get("sealing") == "auditors" and not value:
            raise ValueError(
                'sealing = "auditors" needs at least one recipient, such as ["file:keys/auditor.pub.pem"], '
                "or nobody could ever open what is sealed"
            )
        for reference in value:
            pem_secret(reference, info, public=True)
        return value

    @field_validator("signing_key")
    @classmethod
    def _key_is_there(cls, value: SecretReference, info: ValidationInfo) -> SecretReference:
        return pem_secret(value, info)


class Masking(Section):
    key: SecretReference = Field(description="the key of pseudonyms, at least 32 random bytes, by reference")

    @field_validator("key")
    @classmethod
    def _key_is_long_enough(cls, value: SecretReference, info: ValidationInfo) -> SecretReference:
        return long_secret(value, info, "a mask key")


class PolicyLocation(Section):
    file: AnchoredPath = Field(description="the policy file")


class Limits(Section):
    handshake_seconds: Seconds = Field(default=30, ge=1, le=600, description="until the first prompt, 1 to 600")
    max_startup_bytes: int = Field(default=10_000, ge=1000, le=1_000_000, description="the longest startup packet")
    max_message_bytes: int = Field(
        default=16 * 1024 * 1024, ge=65_536, le=1024 * 1024 * 1024, description="the longest message of a client"
    )
    statement_timeout_seconds: Seconds = Field(default=0, ge=0, le=86_400, description="the longest statement; 0: any")
    idle_in_transaction_seconds: Seconds = Field(
        default=600, ge=0, le=86_400, description="the longest pause inside a transaction; 0 sets none"
    )
    warn_before_seconds: Annotated[tuple[Seconds, ...], Field(strict=False)] = Field(
        default=(300, 60), description="how long before the end of a grant its sessions are warned"
    )
    idle_seconds: Seconds = Field(
        default=0, ge=0, le=86_400, description="the longest pause outside a transaction; 0 sets none"
    )
    handshakes: int = Field(
        default=1000, ge=10, le=100_000, description="connections at one time that are no sessions yet"
    )
    handshakes_per_address: int = Field(
        default=300, ge=1, le=100_000, description="the same, from one address (IPv6: from one /64 network)"
    )
    sessions_per_grant: int = Field(default=10, ge=1, le=10_000, description="sessions at one time under one grant")
    sessions_per_person: int = Field(
        default=0, ge=0, le=100_000, description="sessions at one time of one person, over all grants; 0: any"
    )
    connects_per_minute: int = Field(
        default=0, ge=0, le=1_000_000, description="sessions that one person may begin within a minute; 0: any"
    )
    sessions: int = Field(default=1000, ge=1, le=1_000_000, description="sessions at one time in this gateway")
    drain_seconds: Seconds = Field(
        default=30, ge=0, le=86_400, description="how long SIGTERM waits for open transactions, up to 24h"
    )

    @field_validator("warn_before_seconds")
    @classmethod
    def _earliest_first(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= seconds <= 86_400 for seconds in value):
            raise ValueError('a warning comes at least "1s" and at most "24h" before the end')
        return tuple(sorted(distinct(value), reverse=True))

    @field_validator("sessions")
    @classmethod
    def _holds_a_grant(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("sessions_per_grant", 0):
            raise ValueError("is smaller than sessions_per_grant, which could then never be reached")
        return value


class Settings(Section):
    """Everything the gateway needs to know to start. `load_settings` is how one comes by it."""

    gateway: Gateway = Field(default_factory=Gateway)
    tls: Tls = Field(description="the certificate and key of the PostgreSQL door and of the API")
    tokens: Tokens = Field(description="who signs the tokens, for whom")
    api: Api = Field(description="where the HTTPS API listens and how people reach it")
    sign_in: SignIn = Field(default_factory=SignIn)
    oidc: Oidc = Field(default_factory=Oidc)
    metrics: Metrics = Field(default_factory=Metrics)
    store: Store = Field(description="where requests and grants are kept")
    record: Record = Field(description="where and how the record is written")
    masking: Masking = Field(description="the key of the masks")
    policy: PolicyLocation = Field(description="where the policy file is")
    targets: dict[Annotated[str, AfterValidator(_serves_as_database)], Target] = Field(
        min_length=1, description="the databases behind the gateway, each as [targets.NAME]"
    )
    limits: Limits = Field(default_factory=Limits)
    notices: Notices = Field(default_factory=Notices)
