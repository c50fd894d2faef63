"""Where notices go: webhooks, Slack-compatible hooks, mail and syslog, each under a name of its own."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.durations import Seconds
from config.problems import suggestion
from config.secrets import SecretReference
from config.section import Section, Text, checks_files, distinct, is_loopback, secret

#: What people are told of. "alert" is an alert rule that fired, "test" is `pgcurfew notices test`.
EVENTS = (
    "asked", "approved", "granted", "denied", "expired", "extended", "ending", "ended", "revoked", "break-glass",
    "locked", "alert",
)  # fmt: skip
_SINK_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
#: An address as a mail server takes it (RFC 5321), without the rarities.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}\Z", re.ASCII)


def _sink_name(name: str) -> str:
    if not _SINK_NAME.match(name):
        raise ValueError("a small letter, then up to 62 small letters, digits, hyphens, underscores")
    return name


def _event(name: str) -> str:
    if name not in EVENTS:
        close = suggestion(name, EVENTS)
        raise ValueError(f"expected one of {', '.join(EVENTS)}" + (f'; did you mean "{close}"?' if close else ""))
    return name


def _web_address(text: str) -> str:
    expected = 'expected an https address, such as "https://hooks.example.org/pgcurfew"'
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  (asking is what checks it)
    except ValueError:
        raise ValueError(expected) from None
    host = parts.hostname or ""
    if not host or parts.scheme not in ("https", "http") or parts.username or parts.fragment or not text.isprintable():
        raise ValueError(expected)
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"{expected}; http is for this machine alone")
    return text


def _mail_address(text: str) -> str:
    if not _ADDRESS.match(text):
        raise ValueError('expected a mail address, such as "oncall@example.org"')
    return text


SinkName = Annotated[str, AfterValidator(_sink_name)]
Events = Annotated[tuple[Annotated[str, AfterValidator(_event)], ...], Field(strict=False), AfterValidator(distinct)]
Address = Annotated[Text, AfterValidator(_mail_address)]
_WHAT = f"what is sent there: {', '.join(EVENTS)}; left out: all of them"


class Webhook(Section):
    """JSON by POST, signed as Standard Webhooks has it."""

    url: Annotated[Text, AfterValidator(_web_address)] = Field(description="where to POST to")
    secret: SecretReference = Field(description="the key of the signature, at least 24 random bytes, by reference")
    events: Events = Field(default=EVENTS, description=_WHAT)

    @field_validator("secret")
    @classmethod
    def _is_long_enough(cls, value: SecretReference, info: ValidationInfo) -> SecretReference:
        content = secret(value, info)
        if content is not None and len(content) < 24:
            raise ValueError(f"{value} holds {len(content)} bytes; 24 or more are needed: openssl rand -hex 32")
        return value


class Slack(Section):
    """An incoming webhook of Slack, or of what speaks its format (Mattermost, Rocket.Chat)."""

    url: SecretReference = Field(description="the hook's address, by reference: who has it can post")
    events: Events = Field(default=EVENTS, description=_WHAT)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: SecretReference, info: ValidationInfo) -> SecretReference:
        content = secret(value, info)
        if content is not None:
            try:
                _web_address(content.decode())
            except ValueError:
                raise ValueError(f"{value} holds no https address") from None
        return value


class Mail(Section):
    """SMTP."""

    host: Text = Field(description="the mail server that takes the mails")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=587, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description='"starttls", "tls" from the first byte, or "none" (on this machine alone)'
    )
    user: Text | None = Field(default=None, description="who to log in as; none: no log-in")
    password: SecretReference | None = Field(default=None, description="the password, by reference")
    sender: Address = Field(description="the address that mails come from")
    people: Text | None = Field(
        default=None, description='where people have their mail: "{user}@example.org"; none: people get none'
    )
    always: Annotated[tuple[Address, ...], Field(strict=False), AfterValidator(distinct)] = Field(
        default=(), description="addresses that get every mail"
    )
    events: Events = Field(default=EVENTS, description=_WHAT)

    @field_validator("security")
    @classmethod
    def _is_secure(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and not is_loopback(info.data.get("host", "localhost")):
            raise ValueError('"none" is for a mail server on this machine alone')
        return value

    @field_validator("password")
    @classmethod
    def _goes_with_a_user(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        if (value is None) != (info.data.get("user") is None):
            raise ValueError("user and password go together")
        if value is not None and checks_files(info):
            secret(value, info)
        return value

    @field_validator("people")
    @classmethod
    def _names_the_person(cls, value: str | None) -> str | None:
        if value is not None and (value.count("{user}") != 1 or not _ADDRESS.match(value.replace("{user}", "u"))):
            raise ValueError('expected an address with {user} once in it, such as "{user}@example.org"')
        return value


class Syslog(Section):
    """Syslog lines of RFC 5424."""

    host: Text = Field(description="the machine that takes them")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=6514, description="its port: 6514 (TLS), 514 (UDP)")
    transport: Literal["tls", "tcp", "udp"] = Field(
        default="tls", description='"tls" (RFC 5425), "tcp" (RFC 6587, octet counting) or "udp" (RFC 5426, unsure)'
    )
    facility: Annotated[int, Field(ge=0, le=23)] = Field(default=13, description="0 to 23; 13 is log audit")
    events: Events = Field(default=EVENTS, description=_WHAT)


class Notices(Section):
    """Whom to tell, and how long to try."""

    webhook: dict[SinkName, Webhook] = Field(default={}, description="webhooks, each as [notices.webhook.NAME]")
    slack: dict[SinkName, Slack] = Field(default={}, description="Slack-compatible hooks, as [notices.slack.NAME]")
    mail: dict[SinkName, Mail] = Field(default={}, description="mail servers, each as [notices.mail.NAME]")
    syslog: dict[SinkName, Syslog] = Field(default={}, description="syslog servers, each as [notices.syslog.NAME]")
    ending_seconds: Seconds = Field(
        default=600, ge=0, le=86_400, description="how long before the end of a grant its owner is told; 0: not"
    )
    give_up_seconds: Seconds = Field(
        default=86_400, ge=60, le=7 * 86_400, description="how long a notice that cannot be delivered is tried again"
    )

    @property
    def sinks(self) -> dict[str, Webhook | Slack | Mail | Syslog]:
        """All of them, by names such as "webhook.oncall"."""
        kinds: tuple[tuple[str, dict[str, Webhook] | dict[str, Slack] | dict[str, Mail] | dict[str, Syslog]], ...] = (
            ("webhook", self.webhook),
            ("slack", self.slack),
            ("mail", self.mail),
            ("syslog", self.syslog),
        )
        return {f"{kind}.{name}": sink for kind, sinks in kinds for name, sink in sinks.items()}
