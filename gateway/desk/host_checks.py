"""Is this host fit to run the gateway: certificate, ports, store, record? Looks, and changes nothing."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import sqlite3
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from cryptography import x509

from config.secrets import SecretUnavailable
from config.settings import Settings
from gateway.access.keys import KeyNotUsable
from gateway.access.store import StoreNotUsable
from gateway.credentials import Misconfigured, door_context, held_keys
from gateway.desk.findings import Finding, ok, problem, warning
from gateway.storage.opening import server_of

#: A certificate that ends sooner is worth a word.
SOON = timedelta(days=21)
#: Free space for the record, in bytes: less is worth a word, and too little to start with.
LITTLE, TOO_LITTLE = 2 << 30, 200 << 20


def certificate(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The certificate of the door and the API: its key, its time, its names."""
    about, file = "certificate", settings.tls.certificate
    try:
        door_context(settings)
        shown = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (Misconfigured, OSError, ValueError) as error:
        yield problem(about, str(error), "give the certificate and the key that it was issued for, both as PEM")
        return
    again = f"have a new one issued and put it in place of {file}; SIGHUP has the gateway take it"
    if shown.not_valid_after_utc <= now:
        yield problem(about, f"{file} ended on {shown.not_valid_after_utc:%Y-%m-%d}", again)
    elif shown.not_valid_before_utc > now:
        yield problem(
            about, f"{file} is good from {shown.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on", "check this host's clock"
        )
    elif shown.not_valid_after_utc - now < SOON:
        yield warning(about, f"{file} ends on {shown.not_valid_after_utc:%Y-%m-%d}", again)
    host = urlsplit(settings.api.public_url).hostname or ""
    if _is_for(shown, host):
        yield ok(about, f"is for {host}, until {shown.not_valid_after_utc:%Y-%m-%d}")
    else:
        names = ", ".join(_names(shown)) or "no name at all"
        yield problem(
            about,
            f'{file} is for {names}, and people connect to "{host}" (api.public_url)',
            f"have one issued with subjectAltName {host}, or write the name it has into api.public_url",
        )


def keys(settings: Settings) -> Iterator[Finding]:
    """The keys that sign tokens."""
    try:
        found = held_keys(settings)
    except (KeyNotUsable, SecretUnavailable) as error:
        yield problem("keys", str(error), 'make one with "pgcurfew keys rotate"')
    else:
        yield ok("keys", f"{len(found)} to sign tokens")


def ports(settings: Settings) -> Iterator[Finding]:
    """Can the ports be listened on? Where our own certificate answers, the gateway is running already."""
    wanted = [
        ("gateway", settings.gateway.listen_host, settings.gateway.listen_port),
        ("api", settings.api.listen_host, settings.api.listen_port),
        ("metrics", settings.metrics.listen_host, settings.metrics.listen_port),
    ]
    running = _runs_here(settings)
    for section, host, port in wanted:
        if not port:
            continue
        reason = _cannot_listen(host, port)
        if reason is None:
            yield ok("ports", f"{host}:{port} is free ({section})")
        elif running:
            yield ok("ports", f"{host}:{port} is used by the gateway that runs here ({section})")
        else:
            yield problem(
                "ports",
                f"{host}:{port} cannot be listened on: {reason}",
                f'see who has it with "ss -ltnp sport = :{port}", or choose another {section}.listen_port',
            )


def record(settings: Settings) -> Iterator[Finding]:
    """Can the record be written, and for how long?"""
    directory = settings.record.directory
    place = _existing(directory)
    if not place.is_dir():
        yield problem("record", f"{place} is no directory", "choose another record.directory")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        yield problem("record", f"{place} cannot be written", f"give it to the gateway's user: chown USER {place}")
        return
    free = shutil.disk_usage(place).free
    if free < TOO_LITTLE:
        yield problem(
            "record", f"{free >> 20} MiB are free for {directory}: statements stop when it is full", "make room"
        )
    elif free < LITTLE:
        yield warning("record", f"{free >> 20} MiB are free for {directory}", "make room before it is full")
    else:
        yield ok("record", f"{directory} can be written, {free >> 30} GiB free")


async def store(settings: Settings) -> list[Finding]:
    """Can the store be written?"""
    if settings.store.path is not None:
        return [_file_store(settings.store.path)]
    return [finding async for finding in _server_store(settings)]


def _file_store(path: Path) -> Finding:
    if not path.exists():
        place = _existing(path.parent)
        if os.access(place, os.W_OK | os.X_OK):
            return ok("store", f"{path} will be made when the gateway starts")
        return problem("store", f"{place} cannot be written", f"give it to the gateway's user: chown USER {place}")
    try:
        if not os.access(path, os.W_OK):
            raise sqlite3.OperationalError("it cannot be written")
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=3)) as kept:
            kept.execute("BEGIN IMMEDIATE")
            kept.execute("ROLLBACK")
    except sqlite3.Error as error:
        return problem("store", f"{path}: {error}", "check whose file it is, and that its disk is not full")
    return ok("store", f"{path} can be written")


async def _server_store(settings: Settings) -> AsyncIterator[Finding]:
    try:
        server = server_of(settings.store)
        connection = await server.connect()
    except (StoreNotUsable, SecretUnavailable, OSError, TimeoutError, asyncpg.PostgresError) as error:
        yield problem("store", f"cannot be reached: {error}", "check [store] in the settings, and the server")
        return
    try:
        if await connection.fetchval("SELECT current_setting('fsync')") == "off":
            yield warning("store", f"{server} runs with fsync = off", "switch it on: a power cut can lose grants")
        if await connection.fetchval("SELECT has_schema_privilege(current_schema(), 'CREATE')"):
            yield ok("store", f"{server} can be written")
        else:
            yield problem("store", f"the login may not create tables in {server}", "have it own its database")
    finally:
        await connection.close(timeout=5)


def _names(shown: x509.Certificate) -> list[str]:
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]


def _is_for(shown: x509.Certificate, host: str) -> bool:
    """As clients decide it (RFC 6125): a star stands for one label, at the front."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host)) in _names(shown)
    wanted = host.lower().rstrip(".")
    parent = "*." + wanted.partition(".")[2]
    return any(name.lower() in (wanted, parent) for name in _names(shown))


def _cannot_listen(host: str, port: int) -> str | None:
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with contextlib.closing(socket.socket(family, kind, protocol)) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _runs_here(settings: Settings) -> bool:
    """Does somebody with our certificate answer at the API's port?"""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is compared with our own, byte by byte
    host = settings.api.listen_host
    with contextlib.suppress(OSError, ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            host = "localhost"
    try:
        ours = x509.load_pem_x509_certificates(settings.tls.certificate.read_bytes())[0]
        with (
            socket.create_connection((host, settings.api.listen_port), timeout=3) as plain,
            context.wrap_socket(plain) as secured,
        ):
            theirs = secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return False
    return theirs is not None and x509.load_der_x509_certificate(theirs) == ours


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(place for place in (path, *path.absolute().parents) if place.exists())
