"""Whom a client's certificate names: a second factor beside the token.

The certificate itself was checked by TLS before (RFC 5280, 6: chain, dates, purpose); here it is only
compared with the person who comes in, as PostgreSQL's `clientcert=verify-full` does (PG manual, 20.12).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from config.settings import Tls

#: A subject is shown and recorded up to here.
LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What was shown. `names` are as in `tls.client_name`: "cn:alice", "email:alice@example.org", "uri:…"."""

    subject: str
    #: As a token's `cnf.x5t#S256` has it (RFC 8705, 3.1).
    thumbprint: str
    names: frozenset[str]
    ends_at: datetime

    @classmethod
    def read(cls, der: bytes) -> ClientCertificate:
        """Raises ValueError for what cannot be read."""
        certificate = x509.load_der_x509_certificate(der)
        digest = hashlib.sha256(der).digest()
        return cls(
            subject=certificate.subject.rfc4514_string()[:LONGEST_SUBJECT],
            thumbprint=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            names=frozenset(_names(certificate)),
            ends_at=certificate.not_valid_after_utc,
        )


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why somebody does not come in."""

    cause: str
    message: str
    hint: str


def doubt(settings: Tls, shown: ClientCertificate | None, user: str, now: datetime) -> Doubt | None:
    """What speaks against letting `user` in with this certificate, or without one."""
    if settings.asked_for == "off":
        return None
    expected = settings.client_name.replace("{user}", user)
    if shown is None:
        if settings.asked_for == "optional":
            return None
        return Doubt(
            "no-certificate",
            "this gateway asks for a client certificate, and none was shown",
            f"Connect with sslcert and sslkey of a certificate that names {expected}.",
        )
    # TLS has looked at the dates, but not again where a session of TLS 1.2 was resumed.
    if now >= shown.ends_at:
        return Doubt(
            "certificate-expired",
            f"the client certificate expired at {shown.ends_at:%Y-%m-%d %H:%M:%S} UTC",
            "Have it renewed.",
        )
    if expected not in shown.names:
        return Doubt(
            "certificate-mismatch",
            f"the client certificate {shown.subject} does not name {expected}",
            "Connect as the person whom it names, or with that person's certificate.",
        )
    return None


def _names(certificate: x509.Certificate) -> list[str]:
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    # Of two common names nobody could say which is meant.
    names = [f"cn:{attribute.value!s}" for attribute in common if len(common) == 1]
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return names
    except x509.DuplicateExtension as error:
        raise ValueError(str(error)) from None
    names += [f"email:{email}" for email in found.value.get_values_for_type(x509.RFC822Name)]
    names += [f"uri:{uri}" for uri in found.value.get_values_for_type(x509.UniformResourceIdentifier)]
    return names
