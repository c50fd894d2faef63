"""PgBouncer in session mode and HAProxy as a TCP proxy, in front of the same PostgreSQL, where installed.

Both run one thread, like one worker of the gateway, and take no TLS upstream unless the gateway does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.endpoint import Endpoint
from bench.service import running
from gateway.demo.certificates import write_private
from gateway.demo.postgres import free_port, server_owner

#: Debian keeps servers where an ordinary PATH does not look.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))

PGBOUNCER = """\
[databases]
{database} = host=127.0.0.1 port={upstream} dbname={database}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = session
auth_type = scram-sha-256
auth_file = {folder}/users.txt
max_client_conn = 500
default_pool_size = 100
client_tls_sslmode = allow
client_tls_cert_file = {folder}/server.crt
client_tls_key_file = {folder}/server.key
server_tls_sslmode = {server_tls}
log_connections = 0
log_disconnections = 0
"""

HAPROXY = """\
global
    maxconn 1000
    nbthread 1
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen postgres
    bind 127.0.0.1:{port}
    server postgres 127.0.0.1:{upstream}
"""


def find(name: str) -> str | None:
    """The program of a peer, or None where it is not installed."""
    return shutil.which(name, path=PATH)


@contextlib.contextmanager
def pgbouncer(folder: Path, direct: Endpoint, *, tls: Path, upstream_tls: bool) -> Iterator[Endpoint | None]:
    """PgBouncer, or None without it. `tls` is the folder with the server's certificate and key."""
    program = find("pgbouncer")
    if program is None:
        yield None
        return
    port = free_port()
    settings = PGBOUNCER.format(
        database=direct.database,
        upstream=direct.port,
        port=port,
        folder=folder,
        server_tls="require" if upstream_tls else "disable",
    )
    folder.mkdir(mode=0o700)
    for name, content in {
        "pgbouncer.ini": settings.encode(),
        "users.txt": f'"{direct.user}" "{direct.password}"\n'.encode(),
        "server.crt": (tls / "server.crt").read_bytes(),
        "server.key": (tls / "server.key").read_bytes(),
    }.items():
        _give(write_private(folder / name, content))
    _give(folder)
    log = folder.with_name("pgbouncer.log")
    with running([program, folder / "pgbouncer.ini"], port, log, cwd=folder) as service:
        yield Endpoint("pgbouncer", port, direct.user, direct.password, direct.database, service.pid)


@contextlib.contextmanager
def haproxy(folder: Path, direct: Endpoint) -> Iterator[Endpoint | None]:
    """HAProxy, or None without it."""
    program = find("haproxy")
    if program is None:
        yield None
        return
    port = free_port()
    folder.mkdir(mode=0o700)
    settings = write_private(folder / "haproxy.cfg", HAPROXY.format(port=port, upstream=direct.port).encode())
    _give(settings)
    _give(folder)
    log = folder.with_name("haproxy.log")
    with running([program, "-db", "-q", "-f", settings], port, log, cwd=folder) as service:
        yield Endpoint("haproxy", port, direct.user, direct.password, direct.database, service.pid)


def _give(path: Path) -> None:
    owner = server_owner()
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)
