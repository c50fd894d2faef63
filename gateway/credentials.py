"""Keys and certificates as the settings name them, loaded and checked. Nothing here repeats what it read."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import ssl
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from config.certificates import CertificateUnusable, load_authorities, load_certificate
from config.notices import Mail, Slack, Syslog, Webhook
from config.secrets import SecretReference, SecretUnavailable
from config.settings import Settings
from gateway.access.keys import KEY_ID, KeyNotUsable, KeyRing, private_key
from gateway.access.tokens import TokenSigner
from gateway.channel import TellingContext

#: Digests of secrets are compared inside this process only, so nobody can try secrets against them.
_OURS = secrets.token_bytes(32)


class Misconfigured(Exception):
    """The gateway cannot work with these settings; the message is for the person who wrote them."""


def token_signer(settings: Settings) -> TokenSigner:
    """What mints and verifies tokens; its keys come from `held_keys` and the store. Raises KeyNotUsable,
    SecretUnavailable when a key cannot be read."""
    tokens = settings.tokens
    held_keys(settings)
    return TokenSigner(tokens.issuer, tokens.audience, KeyRing("", None, {}), tokens.leeway_seconds, tokens.max_bytes)


def held_keys(settings: Settings) -> dict[str, Ed25519PrivateKey]:
    """The private keys at hand: those of the key directory, and the one that the settings name, by id.
    Raises KeyNotUsable, SecretUnavailable."""
    tokens = settings.tokens
    found: dict[str, Ed25519PrivateKey] = {}
    if tokens.key_directory is not None:
        for path in sorted(tokens.key_directory.glob("*.pem")):
            reference = SecretReference("file", path.name, path.parent)
            exposure = reference.exposure()
            if exposure is not None:
                raise KeyNotUsable(f"tokens.key_directory: {exposure}")
            if not KEY_ID.fullmatch(path.stem):
                raise KeyNotUsable(f"tokens.key_directory: {path.stem!a} is not a key id")
            try:
                found[path.stem] = private_key(reference.read())
            except KeyNotUsable as error:
                raise KeyNotUsable(f"tokens.key_directory: {path}: {error}") from None
    if tokens.signing_key is not None and tokens.key_id is not None:
        found[tokens.key_id] = private_key(tokens.signing_key.read())
    if not found:
        raise KeyNotUsable(f"no key signs tokens: {tokens.key_directory} holds none; make one: pgcurfew keys rotate")
    return found


def door_context(settings: Settings) -> ssl.SSLContext:
    """TLS as PostgreSQL 17 clients expect it: 1.2 or newer, ALPN "postgresql" (PG manual, 55.2.11).
    Raises Misconfigured."""
    context = TellingContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    take_certificate(context, settings)
    context.set_alpn_protocols(["postgresql"])
    # As PostgreSQL has it: every connection proves itself anew, and nobody has the keys changed for sport.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    if settings.tls.client_ca is not None:
        try:
            load_authorities(context, settings.tls.client_ca)
        except CertificateUnusable as error:
            raise Misconfigured(f"tls.client_ca: {error}") from None
        # Whoever must show one and does not is told so by the door, in words.
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def web_context(settings: Settings) -> ssl.SSLContext:
    """TLS of the API: the same certificate. Raises Misconfigured."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    take_certificate(context, settings)
    return context


def take_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    """Show the certificate from the next connection on. Raises Misconfigured."""
    try:
        load_certificate(context, settings.tls.certificate, settings.tls.private_key)
    except CertificateUnusable as error:
        raise Misconfigured(f"tls.certificate and tls.private_key: {error}") from None


def record_signer(settings: Settings) -> Ed25519PrivateKey:
    """The key that signs checkpoints. Raises Misconfigured, SecretUnavailable."""
    try:
        key = load_pem_private_key(settings.record.signing_key.read(), password=None)
    except (ValueError, TypeError):
        raise Misconfigured("record.signing_key is not an unencrypted private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured("record.signing_key is not an Ed25519 private key")
    return key


def record_recipients(settings: Settings) -> list[X25519PublicKey]:
    """The auditors' public keys. Raises Misconfigured, SecretUnavailable."""
    return [_x25519(reference.read()) for reference in settings.record.recipients]


def _x25519(pem: bytes) -> X25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise Misconfigured("record.recipients holds no public key in PEM") from None
    if not isinstance(key, X25519PublicKey):
        raise Misconfigured("record.recipients holds a key that is not X25519: make one with pgcurfew audit keygen")
    return key


def fingerprints(settings: Settings) -> dict[str, bytes]:
    """A digest of the content of each file and secret that the settings name, to see whether it has changed."""
    return {name: hmac.digest(_OURS, content, hashlib.sha256) for name, content in _contents(settings)}


def _contents(settings: Settings) -> Iterator[tuple[str, bytes]]:
    named: list[tuple[str, SecretReference | Path | None]] = [
        ("tls.certificate", settings.tls.certificate),
        ("tls.private_key", settings.tls.private_key),
        ("tls.client_ca", settings.tls.client_ca),
        ("tokens.signing_key", settings.tokens.signing_key),
        ("masking.key", settings.masking.key),
        ("record.signing_key", settings.record.signing_key),
        *((f"record.recipients.{n}", reference) for n, reference in enumerate(settings.record.recipients)),
    ]
    for name, sink in settings.notices.sinks.items():
        match sink:
            case Webhook():
                named.append((f"notices.{name}.secret", sink.secret))
            case Slack():
                named.append((f"notices.{name}.url", sink.url))
            case Mail():
                named.append((f"notices.{name}.password", sink.password))
            case Syslog():
                pass
    for name, target in settings.targets.items():
        named += [
            (f"targets.{name}.{field}", getattr(target, field))
            for field in ("password", "sslrootcert", "sslcert", "sslkey")
        ]
    for name, place in named:
        try:
            if isinstance(place, SecretReference):
                yield name, place.read()
            elif place is not None:
                yield name, place.read_bytes()
        except (OSError, SecretUnavailable):
            yield name, b""
