"""A PostgreSQL cluster of one's own: made, started, used and removed without a trace.

PostgreSQL refuses to run as root (PG manual, 18.1). As root we run it as an unprivileged
user who owns its own folder and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from gateway.demo.binaries import PostgresBinaries, PostgresMissingError, find_postgres
from gateway.demo.certificates import Authority, write_private
from gateway.demo.guard import Guard

SUPERUSER = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 20.0

#: A cluster that lives for minutes need not survive a power cut.
SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}

ACCESS = """\
local all all scram-sha-256
host  all all 127.0.0.1/32 scram-sha-256
"""


class ClusterFailedError(Exception):
    """PostgreSQL did not start, or SQL that sets it up failed; the message holds the reason."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The unprivileged user who runs the server, when we are root."""

    uid: int
    gid: int


def server_owner() -> Owner | None:
    """Who runs the server: nobody special (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid)
    raise PostgresMissingError("PostgreSQL cannot run as root, and there is no user postgres or nobody to run it as.")


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores for a password (RFC 5803), so that SQL text never holds the password."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return "SCRAM-SHA-256${}:{}${}:{}".format(
        rounds, *(base64.b64encode(part).decode() for part in (salt, stored, server))
    )


class Cluster:
    """One server with TLS and SCRAM on 127.0.0.1, a free port, and a socket in a short folder.

    Used as a context manager it leaves no process and no file behind.
    """

    def __init__(
        self,
        binaries: PostgresBinaries | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        authority: Authority | None = None,
    ) -> None:
        self.binaries = binaries or find_postgres()
        self.settings = {**SETTINGS, **(settings or {})}
        self.authority = authority or Authority.create("pgcurfew demo database authority")
        self.host = "localhost"
        self.port = 0
        self.password = secrets.token_urlsafe(24)
        self._owner = server_owner()
        self._uid = self._owner.uid if self._owner else None
        self._gid = self._owner.gid if self._owner else None
        self._groups: list[int] | None = [] if self._owner else None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        # Short, because a socket's path may have 107 bytes at most.
        place = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108  (mkdtemp makes it private)
        self.folder = Path(tempfile.mkdtemp(prefix="pgcurfew-pg-", dir=place))
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        #: The authority's certificate, readable by clients.
        self.ca_file = self.folder / "ca.pem"

    # -- life -----------------------------------------------------------------------------------

    def __enter__(self) -> Cluster:
        try:
            self.create()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def create(self) -> None:
        """initdb, certificates, settings and access rules (PG manual, 18.2 and 20.1)."""
        self.ca_file.write_bytes(self.authority.pem)
        password_file = write_private(self.folder / "password", self.password.encode())
        self._give(self.folder, password_file, self.ca_file)
        self._make_reachable()
        command: list[str | Path] = [
            self.binaries.program("initdb"), "-D", self.data, "-U", SUPERUSER, "-A", "scram-sha-256",
            f"--pwfile={password_file}", "--encoding=UTF8", "--no-sync", *self._locale(),
        ]  # fmt: skip
        made = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environment(),
            user=self._uid,
            group=self._gid,
            extra_groups=self._groups,
        )
        password_file.unlink()
        if made.returncode != 0:
            raise ClusterFailedError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        issued = self.authority.issue_for_localhost("pgcurfew demo database")
        (self.data / "server.crt").write_bytes(issued.certificate)
        key = write_private(self.data / "server.key", issued.private_key)
        (self.data / "pg_hba.conf").write_text(ACCESS)
        self._give(self.data / "server.crt", key, self.data / "pg_hba.conf")

    def start(self) -> None:
        """Start the server and wait until it takes connections; another port if one was taken meanwhile."""
        for attempt in range(5):
            self.port = self.port if self.port and attempt == 0 else free_port()
            if self._started():
                return
        raise ClusterFailedError(f"PostgreSQL did not start: {self._last_words()}")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server: fast ends sessions in order, immediate is like a crash (PG manual, 18.5)."""
        process, self._process = self._process, None
        guard, self._guard = self._guard, None
        if process is not None and process.poll() is None:
            self._end(process, mode)
        if guard is not None:
            guard.release()

    def _end(self, process: subprocess.Popen[bytes], mode: str) -> None:
        process.send_signal(signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- use ------------------------------------------------------------------------------------

    def environment(
        self, *, user: str = SUPERUSER, password: str | None = None, database: str = "postgres"
    ) -> dict[str, str]:
        """libpq's variables for a client program of this cluster (PG manual, 32.15)."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": user,
            "PGPASSWORD": self.password if password is None else password,
            "PGDATABASE": database,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.ca_file),
            "PGPASSFILE": os.devnull,
            "PGCONNECT_TIMEOUT": "20",
        }

    def run(self, sql: str, *, database: str = "postgres") -> str:
        """Run SQL as the superuser with psql; gives back its unaligned output."""
        done = subprocess.run(
            [self.binaries.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            check=False, capture_output=True, text=True, input=sql, env=self.environment(database=database),
        )  # fmt: skip
        if done.returncode != 0:
            raise ClusterFailedError(done.stderr.strip())
        return done.stdout.strip()

    def create_login(self, name: str, password: str, *, options: str = "") -> None:
        """A login with a SCRAM password; `options` are further words of CREATE ROLE."""
        self.run(f"CREATE ROLE {name} LOGIN {options} PASSWORD '{scram_verifier(password)}'")

    # -- inside ---------------------------------------------------------------------------------

    def _started(self) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "ssl": "on",
            "ssl_cert_file": "server.crt",
            "ssl_key_file": "server.key",
            **self.settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.binaries.program("postgres"), "-D", self.data, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self._environment(),
                # Ctrl-C in the terminal is for us; we stop the server ourselves, after its clients.
                start_new_session=True, user=self._uid, group=self._gid, extra_groups=self._groups,
            )  # fmt: skip
        # SIGQUIT is an immediate shutdown (PG manual, 18.5).
        self._guard = Guard(self._process.pid, signal="QUIT", folder=self.folder)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._says_ready():
                return True
            time.sleep(0.02)
        if self._process.poll() is None:
            self.stop("immediate")
            raise ClusterFailedError(f"PostgreSQL did not get ready within {START_SECONDS:.0f} s: {self._last_words()}")
        self.stop()
        if "Address already in use" in self._last_words():
            return False
        raise ClusterFailedError(f"PostgreSQL did not start: {self._last_words()}")

    def _says_ready(self) -> bool:
        """The eighth line of postmaster.pid turns to "ready" when connections are taken."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].startswith("ready")

    def _last_words(self) -> str:
        if not self.log.exists():
            return "it wrote no log"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def _locale(self) -> list[str]:
        if self.binaries.major >= 17:
            return ["--locale-provider=builtin", "--locale=C.UTF-8", "--lc-collate=C", "--lc-ctype=C"]
        return ["--locale=C.UTF-8"] if Path("/usr/lib/locale/C.utf8").is_dir() else ["--no-locale"]

    def _make_reachable(self) -> None:
        """Copy the programs into our folder when the server's user cannot reach them where they are
        (an environment under a private home); nobody's folders are opened for that."""
        if self._owner is None:
            return
        try:
            subprocess.run(
                [self.binaries.program("postgres"), "--version"],
                check=True, capture_output=True, cwd=self.folder, env=self._environment(),
                user=self._uid, group=self._gid, extra_groups=self._groups,
            )  # fmt: skip
        except (PermissionError, FileNotFoundError, subprocess.CalledProcessError):
            copy = self.folder / "postgresql"
            shutil.copytree(self.binaries.root, copy, symlinks=True)
            self.binaries = PostgresBinaries(copy / self.binaries.bin.name)

    def _environment(self) -> dict[str, str]:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        icu = self.binaries.root / "share" / "icu"
        if icu.is_dir():
            environment["ICU_DATA"] = str(icu)
        return environment

    def _give(self, *paths: Path) -> None:
        if self._owner is not None:
            for path in paths:
                os.chown(path, self._owner.uid, self._owner.gid)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many of them, no two alike: held until all are found, for the system gives a free one out again."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
