"""Certificates of clients: good ones, and such as nobody should be let in with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gateway.demo.certificates import Authority, write_private

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate and its key, as files, which is what clients want."""

    certificate: Path
    key: Path
    der: bytes

    @property
    def words(self) -> str:
        """For libpq."""
        return f"sslcert={self.certificate} sslkey={self.key}"


def issue(
    authority: Authority,
    folder: Path,
    *common_names: str,
    email: str | None = None,
    uri: str | None = None,
    begins: dt.timedelta = -HOUR,
    ends: dt.timedelta = HOUR,
    purpose: ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> Shown:
    """A client's certificate; `begins` and `ends` count from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names]
    attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(attributes))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    alternatives: list[x509.GeneralName] = []
    if email is not None:
        alternatives.append(x509.RFC822Name(email))
    if uri is not None:
        alternatives.append(x509.UniformResourceIdentifier(uri))
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    number = len(list(folder.glob("*.crt")))
    path = folder / f"{number}.crt"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Shown(
        path, write_private(folder / f"{number}.key", private), certificate.public_bytes(serialization.Encoding.DER)
    )
