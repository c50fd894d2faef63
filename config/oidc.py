"""The identity provider of the company: who people are, by OpenID Connect. What they may do is not its to say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.secrets import SecretReference
from config.section import AnchoredPath, Section, Text, distinct, pem_file, secret

_GROUP = re.compile(r"[a-z][a-z0-9._-]{0,62}\Z")
_DOMAIN = re.compile(r"[a-z0-9.-]{1,253}\Z")


class Oidc(Section):
    issuer: Text | None = Field(
        default=None, description="the provider's issuer, an https address; left out: there is no provider"
    )
    client_id: Text | None = Field(default=None, description="what the provider calls this gateway")
    client_secret: SecretReference | None = Field(
        default=None, description="the secret that goes with it, by reference; left out for a public client"
    )
    label: Text = Field(default="your company", description="what the provider is called on the sign-in page")
    ca: AnchoredPath | None = Field(
        default=None, description="the PEM file with the authority of the provider's certificate; none: the system's"
    )
    scopes: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=("openid", "profile", "email"), description="what is asked for; openid is always among it"
    )
    name_claim: Text = Field(default="preferred_username", description="the claim that holds a new person's name")
    groups_claim: Text = Field(default="groups", description="the claim that holds the groups")
    groups: dict[Text, Text] = Field(
        default={}, description="the provider's groups and what they are called here; others mean nothing"
    )
    allowed_domains: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(), description="only people with a verified e-mail address there; left out: anybody it vouches for"
    )
    add_people: bool = Field(default=False, description="somebody new is added at their first sign-in")

    @property
    def on(self) -> bool:
        """Is there a provider?"""
        return self.issuer is not None

    @field_validator("issuer")
    @classmethod
    def _is_https(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018  (asking is what checks it)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
            raise ValueError('expected an https address, such as "https://idp.example.org"')
        return value

    @field_validator("client_secret")
    @classmethod
    def _secret_is_there(cls, value: SecretReference | None, info: ValidationInfo) -> SecretReference | None:
        if value is not None:
            secret(value, info)
        return value

    @field_validator("ca")
    @classmethod
    def _authority_is_there(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return None if value is None else pem_file(value, info)

    @field_validator("scopes")
    @classmethod
    def _asks_who_it_is(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError('needs "openid", or the provider says nothing of who somebody is')
        return distinct(value)

    @field_validator("groups")
    @classmethod
    def _groups_are_ours(cls, value: dict[str, str]) -> dict[str, str]:
        for ours in value.values():
            if not _GROUP.match(ours):
                raise ValueError(f"{ours} is not a group: a small letter, then small letters, digits, . _ -")
        return value

    @field_validator("allowed_domains")
    @classmethod
    def _domains_are_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for domain in value:
            if not _DOMAIN.match(domain):
                raise ValueError(f'{domain} is not a domain in small letters, such as "example.org"')
        return distinct(value)

    @model_validator(mode="after")
    def _both_or_none(self) -> Oidc:
        if (self.issuer is None) != (self.client_id is None):
            raise ValueError("issuer and client_id go together")
        return self
