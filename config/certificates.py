"""A certificate and its private key, loaded into a TLS context; the key comes by secret reference.

The ssl module loads keys from files only. A key from the environment gets one that has no name and lives in
memory, where the system can (Linux); elsewhere a private one that is gone as soon as it is read.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, assert_never

from config.secrets import SecretReference, SecretUnavailable


class CertificateUnusable(Exception):
    """The files hold nothing that TLS could use; the message says which of them and why."""


def load_certificate(context: ssl.SSLContext, certificate: Path, key: SecretReference) -> None:
    """Have the context show this certificate (PEM, its chain after it). Raises CertificateUnusable."""

    def no_passphrase() -> str:
        raise CertificateUnusable(f"the key in {key} is encrypted; give it without a passphrase, its file protects it")

    try:
        with _as_file(key) as path:
            context.load_cert_chain(certificate, path, password=no_passphrase)
    except SecretUnavailable as error:
        raise CertificateUnusable(str(error)) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateUnusable(f"the key in {key} is not that of the certificate in {certificate}") from None
        raise CertificateUnusable(f"{certificate} and {key} are no certificate with its key in PEM") from None
    except OSError as error:
        raise CertificateUnusable(f"cannot read {certificate} or {key}: {error.strerror}") from None


def load_authorities(context: ssl.SSLContext, file: Path) -> None:
    """Have the context trust the authorities in this PEM file and no others. Raises CertificateUnusable."""
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise CertificateUnusable(f"{file} holds a certificate that cannot be read") from None
    except OSError as error:
        raise CertificateUnusable(f"cannot read {file}: {error.strerror}") from None


def client_context(
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"],
    authorities: Path | None,
    certificate: Path | None = None,
    key: SecretReference | None = None,
) -> ssl.SSLContext | None:
    """TLS towards a PostgreSQL server as libpq's sslmode means it (PG manual, 34.19); None for "disable".
    Raises CertificateUnusable."""
    if sslmode == "disable":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    match sslmode:
        case "require":
            context.check_hostname = False
            # With an authority at hand, libpq checks the certificate too (PG manual, 34.19.1).
            context.verify_mode = ssl.CERT_NONE if authorities is None else ssl.CERT_REQUIRED
        case "verify-ca":
            context.check_hostname = False
        case "verify-full":
            pass
        case _:
            assert_never(sslmode)
    if authorities is not None:
        load_authorities(context, authorities)
    elif context.verify_mode is ssl.CERT_REQUIRED:
        context.load_default_certs()
    if certificate is not None and key is not None:
        load_certificate(context, certificate, key)
    return context


@contextmanager
def _as_file(key: SecretReference) -> Iterator[str]:
    if key.path is not None:
        yield str(key.path)
    elif hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("key", os.MFD_CLOEXEC), "wb") as file:
            file.write(key.read())
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(dir=os.environ.get("XDG_RUNTIME_DIR")) as named:
            named.write(key.read())
            named.flush()
            yield named.name
