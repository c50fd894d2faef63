"""PostgreSQL servers as a gateway may meet them: every way to log in, certificates right and wrong, a standby."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.secrets import SecretReference
from config.target import Target
from gateway.demo.certificates import Authority, Issued, write_private
from gateway.demo.postgres import Cluster
from gateway.session.route import Route

PASSWORD = "only-the-gateway-knows"
CLIENTS = Authority.create("who signs clients' certificates")

#: One login for each method (PG manual, 20.1).
ACCESS = """\
local all by_peer peer map=here
local all by_md5 md5
local all by_password password
local all all scram-sha-256
host all by_md5 127.0.0.1/32 md5
host all by_password 127.0.0.1/32 password
host all by_trust 127.0.0.1/32 trust
hostssl all by_certificate 127.0.0.1/32 cert
hostssl all by_both 127.0.0.1/32 scram-sha-256 clientcert=verify-full
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""
LOGINS = ("by_scram", "by_md5", "by_password", "by_trust", "by_certificate", "by_both", "by_peer")


@contextmanager
def server(*, authority: Authority | None = None) -> Iterator[Cluster]:
    """A cluster with a login for each method, all with the same password."""
    cluster = Cluster(authority=authority, settings={"ssl_ca_file": "clients.pem", "max_wal_senders": "5"})
    try:
        cluster.create()
        (cluster.data / "pg_hba.conf").write_text(ACCESS)
        (cluster.data / "pg_ident.conf").write_text(f"here {_who_we_are()} by_peer\n")
        (cluster.data / "clients.pem").write_bytes(CLIENTS.pem)
        cluster.start()
        for login in LOGINS:
            encryption = "md5" if login == "by_md5" else "scram-sha-256"
            cluster.run(f"SET password_encryption = '{encryption}'; CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}'")
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Cluster]:
    """A hot standby that streams from the primary (PG manual, 26.2.5)."""
    standby = Cluster(primary.binaries, settings=dict(primary.settings), authority=primary.authority)
    try:
        standby.ca_file.write_bytes(standby.authority.pem)
        subprocess.run(
            [primary.binaries.program("pg_basebackup"), "-D", standby.data, "-R", "-X", "stream", "-c", "fast"],
            check=True, capture_output=True, env=primary.environment(),
        )  # fmt: skip
        owner = primary.data.stat()
        subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", standby.folder], check=True)
        standby.password = primary.password
        standby.start()
        yield standby
    finally:
        standby.remove()


@contextmanager
def wearing(cluster: Cluster, certificate: Issued) -> Iterator[None]:
    """The server shows another certificate meanwhile."""
    files = {name: (cluster.data / name).read_bytes() for name in ("server.crt", "server.key")}
    try:
        _dress(cluster, certificate.certificate, certificate.private_key)
        yield
    finally:
        _dress(cluster, files["server.crt"], files["server.key"])


@contextmanager
def without_tls(cluster: Cluster) -> Iterator[None]:
    """The server does not speak TLS meanwhile."""
    _restart(cluster, "off")
    try:
        yield
    finally:
        _restart(cluster, "on")


def asked(cluster: Cluster, sql: str) -> str:
    """SQL as the superuser through the Unix socket, whatever certificate the server shows."""
    environment = {**cluster.environment(), "PGHOST": str(cluster.folder), "PGSSLMODE": "disable"}
    command = [cluster.binaries.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


def self_signed(key_kind: str, digest: str | None) -> Issued:
    """A server's certificate that vouches for itself, signed with this kind of key and hash."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    match key_kind:
        case "ec":
            key = ec.generate_private_key(ec.SECP256R1())
        case "ed25519":
            key = ed25519.Ed25519PrivateKey.generate()
        case _:
            key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
    )
    algorithm = None if digest is None else getattr(hashes, digest)()
    pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.DIGEST_LENGTH) if key_kind == "rsa-pss" else None
    certificate = builder.sign(key, algorithm, rsa_padding=pss) if pss else builder.sign(key, algorithm)  # type: ignore[arg-type]
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Issued(certificate.public_bytes(Encoding.PEM), private)


def client_certificate(login: str, folder: Path, authority: Authority = CLIENTS) -> tuple[Path, SecretReference]:
    """A certificate for a login, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, login)]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    path = folder / f"{login}.crt"
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / f"{login}.key", private)
    return path, SecretReference("file", f"{login}.key", folder)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the password of every login is kept."""

    folder: Path

    def password(self, content: str = PASSWORD) -> SecretReference:
        path = self.folder / "password"
        path.write_text(content)
        return SecretReference("file", "password", self.folder)

    def route(self, cluster: Cluster, user: str = "by_scram", **changes: object) -> Route:
        """A route to the cluster, as settings with these changes describe it."""
        return Route.to("shop", self.target(cluster, user, **changes))

    def target(self, cluster: Cluster, user: str = "by_scram", **changes: object) -> Target:
        """The settings of a target with these changes."""
        values: dict[str, object] = {
            "host": ("localhost",),
            "port": (cluster.port,),
            "database": "postgres",
            "user": user,
            "password": self.password(),
            "sslrootcert": cluster.ca_file,
            "connect_timeout_seconds": 5.0,
            **changes,
        }
        return Target.model_validate({name: value for name, value in values.items() if value is not None})


@dataclass
class Switch:
    """Between a gateway and its targets: passes each connection on to the next of these ports."""

    port: int
    to: list[int]
    heard: list[bytes] = field(default_factory=list)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.to.append(self.to.pop(0))
        number = len(self.heard)
        self.heard.append(b"")
        answers, questions = await asyncio.open_connection("127.0.0.1", self.to[-1])

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, heard: bool) -> None:
            try:
                while data := await source.read(65_536):
                    if heard:
                        self.heard[number] += data
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass
            finally:
                sink.close()

        await asyncio.gather(copy(reader, questions, heard=True), copy(answers, writer, heard=False))


@asynccontextmanager
async def switch(*ports: int) -> AsyncIterator[Switch]:
    """One address behind which different servers answer."""
    found = Switch(0, list(ports))
    listening = await asyncio.start_server(found.pass_on, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield found


def wait_for(said: str, cluster: Cluster, sql: str, answer: str) -> None:
    """Until the cluster answers so."""
    deadline = time.monotonic() + 20
    while asked(cluster, sql) != answer:
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def _who_we_are() -> str:
    return subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()


def _restart(cluster: Cluster, tls: str) -> None:
    cluster.stop()
    cluster.settings["ssl"] = tls
    cluster.start()


def _dress(cluster: Cluster, certificate: bytes, key: bytes) -> None:
    """The postmaster reads its files again when it is told to, and a session that comes then shows that it has."""
    (cluster.data / "server.crt").write_bytes(certificate)
    (cluster.data / "server.key").write_bytes(key)
    before = asked(cluster, "SELECT pg_conf_load_time()")
    asked(cluster, "SELECT pg_reload_conf()")
    wait_for("the server has read its files again", cluster, f"SELECT pg_conf_load_time() > '{before}'", "t")
