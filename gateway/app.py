"""The composition root: the one place that knows the concrete classes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import json
import os
import resource
import ssl
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from config.load import load_policy
from config.problems import ConfigError
from config.settings import Settings
from gateway.access.keys import KeyRing
from gateway.access.service import Access
from gateway.access.tokens import TokenSigner
from gateway.admin.api import GatewayAddress, create_api
from gateway.admin.health import create_metrics
from gateway.admin.sessions import RecordReader
from gateway.audit.facts import AccessChanged, GatewayStarted, GatewayStopped
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder
from gateway.channel import TellingContext
from gateway.policies import Policies, check_targets, compile_policies
from gateway.server import Server
from gateway.session.cancel import CancelKeys
from gateway.session.chamber import Chamber
from gateway.session.handshake import Door
from gateway.session.snapshots import Snapshots
from gateway.signals import Signals
from gateway.storage.access_store import SqliteAccessStore
from gateway.storage.database import Database
from gateway.web import WebServer

log = structlog.get_logger()

#: How often requests that expired and grants that ended are written down (seconds).
TIDY_SECONDS = 15


class Misconfigured(Exception):
    """The gateway cannot start with these settings; the message is for the person who wrote them."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Gateway:
    """Everything, wired. `start`, then `close`."""

    def __init__(self, settings: Settings, policies: Policies, database: Database, recorder: Recorder) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._policies = policies
        self._database = database
        self._recorder = recorder
        self._stack = contextlib.AsyncExitStack()
        self.access = Access(
            SqliteAccessStore(database),
            _signer(settings),
            utc_now,
            policies.terms,
            self._note,
            roles=lambda: policies.roles,
            sessions_per_grant=settings.limits.sessions_per_grant,
        )
        loop = asyncio.get_running_loop()
        self.snapshots = {
            name: Snapshots(name, target, loop.time, self.metrics.judged) for name, target in settings.targets.items()
        }
        self._tls = _server_context(settings)
        self._chamber = Chamber()
        self.server = Server(
            Door(
                settings=settings,
                tls=self._tls,
                policies=lambda: policies,
                access=self.access,
                recorder=recorder,
                metrics=self.metrics,
                snapshots=self.snapshots,
                chamber=self._chamber,
                cancel_keys=CancelKeys(),
                clock=utc_now,
                open_sessions=lambda: self.server.open_sessions,
                closing=lambda: self.server.draining,
                master_mask_key=settings.masking.key.read(),
            )
        )

    @classmethod
    async def open(cls, settings: Settings) -> Gateway:
        """A gateway with its store and record open. Raises ConfigError, Misconfigured and what
        `Recorder.open` and `Database.open` raise."""
        policies = compile_policies(load_policy(settings.policy.file), _ceilings(settings))
        problems = check_targets(policies, settings.targets)
        if problems:
            raise ConfigError(problems)
        database = await Database.open(settings.store.path)
        try:
            recorder = Recorder.open(
                settings.record.directory,
                signer=_ed25519(settings.record.signing_key.read(), "record.signing_key"),
                recipients=[_x25519(reference.read(), "record.recipients") for reference in settings.record.recipients],
                durability=settings.record.durability,
                sealing=settings.record.sealing,
                checkpoint_seconds=settings.record.checkpoint_seconds,
                clock=utc_now,
            )
        except BaseException:
            await database.close()
            raise
        return cls(settings, policies, database, recorder)

    async def start(self) -> dict[str, int]:
        """Listen everywhere; the ports in use. Raises OSError."""
        settings = self.settings
        stack = self._stack
        stack.push_async_callback(self._database.close)
        stack.callback(self._recorder.close)
        stack.callback(self._chamber.close)
        self._recorder.note(GatewayStarted(version("pgcurfew"), self._policies.version, settings.record.sealing))
        stack.callback(self._recorder.note, GatewayStopped("shutdown"))
        for snapshots in self.snapshots.values():
            stack.push_async_callback(snapshots.close)
        await stack.enter_async_context(
            _running(
                self._recorder.run(),
                self.server.recheck(),
                self._tidy(),
                *(snapshots.keep_fresh() for snapshots in self.snapshots.values()),
            )
        )
        port = await self.server.listen(settings.gateway.listen_host, settings.gateway.listen_port)
        stack.push_async_callback(self.server.close)
        address = GatewayAddress(_reached_at(settings), port)
        api = create_api(
            self.access,
            address=address,
            version=version("pgcurfew"),
            sessions=RecordReader(settings.record.directory),
        )
        ports = {"port": port}
        ports["api_port"] = await self._serve(
            WebServer(api, settings.api.listen_host, settings.api.listen_port, self._tls_for_web())
        )
        if settings.metrics.listen_port or settings.gateway.listen_port == 0:
            metrics = create_metrics(self.metrics, self._ready)
            ports["metrics_port"] = await self._serve(
                WebServer(metrics, settings.metrics.listen_host, settings.metrics.listen_port)
            )
        return ports

    async def drain(self) -> None:
        """Let open transactions end, up to `limits.drain_seconds`; `close` ends what is left then."""
        seconds = self.settings.limits.drain_seconds
        before = self.server.open_sessions
        log.info("draining", sessions=before, seconds=seconds)
        self.metrics.draining(True)
        await self.server.drain(seconds)
        log.info("drained", left=self.server.open_sessions)

    async def close(self) -> None:
        """Stop accepting, end sessions, close record and store, in this order."""
        await self._stack.aclose()

    async def _serve(self, web: WebServer) -> int:
        await web.start()
        self._stack.push_async_callback(web.close)
        return web.port

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                await self.access.tidy()
            except Exception:
                log.exception("what time has brought could not be written down; tried again soon")

    def _note(self, fact: AccessChanged) -> None:
        self._recorder.note(fact)
        self.metrics.saw(fact)

    def _ready(self) -> str | None:
        """Why no statement could run now, or None."""
        trouble = self._recorder.trouble
        self.metrics.record_available(trouble is None)
        if self.server.draining:
            return f"draining, {self.server.open_sessions} sessions left"
        return trouble

    def _tls_for_web(self) -> ssl.SSLContext:
        return _with_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.settings)


async def serve(settings: Settings, *, ready_file: Path | None = None) -> None:
    """Run the gateway until SIGTERM, which drains it, or SIGINT, which ends it at once. Writes the
    ports in use to `ready_file` (JSON) when everything listens."""
    _raise_file_limit()
    gateway = await Gateway.open(settings)
    signals = Signals(asyncio.get_running_loop())
    try:
        ports = await gateway.start()
        if ready_file is not None:
            _write_whole(ready_file, json.dumps(ports))
        log.info("ready", **ports)
        # What is alive now stays: the collector need not look at it again, nor so often. Statements make
        # no cycles, so what it would find is little (5 to 10 µs a transaction, bench/).
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        await signals.stop.wait()
        await signals.unless_at_once(gateway.drain())
        log.info("stopping")
    finally:
        await gateway.close()


@contextlib.asynccontextmanager
async def _running(*coroutines: object) -> AsyncIterator[None]:
    """These run beside everything else, and end with it."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _ceilings(settings: Settings) -> dict[str, int]:
    """The timeouts that the settings impose, in milliseconds."""
    limits = settings.limits
    imposed = {
        "statement_timeout": limits.statement_timeout_seconds,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction_seconds,
    }
    return {name: seconds * 1000 for name, seconds in imposed.items() if seconds}


def _reached_at(settings: Settings) -> str:
    """The host name that people connect to. Certificates are issued to names, so where the gateway
    listens everywhere or on loopback only, it is the one of the API's own address."""
    host = settings.gateway.listen_host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not (address.is_unspecified or address.is_loopback):
        return host
    return urlsplit(settings.api.public_url).hostname or host


def _raise_file_limit() -> None:
    """As many connections as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _signer(settings: Settings) -> TokenSigner:
    tokens = settings.tokens
    return TokenSigner(
        tokens.issuer,
        tokens.audience,
        KeyRing.from_pem(tokens.signing_key.read(), key_id=tokens.key_id),
        tokens.leeway_seconds,
        tokens.max_bytes,
    )


def _server_context(settings: Settings) -> ssl.SSLContext:
    """TLS as PostgreSQL 17 clients expect it: 1.2 or newer, ALPN "postgresql" (PG manual, 55.2.11)."""
    context = _with_certificate(TellingContext(ssl.PROTOCOL_TLS_SERVER), settings)
    context.set_alpn_protocols(["postgresql"])
    # As PostgreSQL has it: every connection proves itself anew, and nobody has the keys changed for sport.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    return context


def _with_certificate(context: ssl.SSLContext, settings: Settings) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    key = settings.tls.private_key
    try:
        if key.path is not None:
            context.load_cert_chain(settings.tls.certificate, key.path)
            return context
        # The ssl module loads keys from files only: a private one, gone as soon as it is read.
        with tempfile.NamedTemporaryFile(dir=os.environ.get("XDG_RUNTIME_DIR")) as file:
            file.write(key.read())
            file.flush()
            context.load_cert_chain(settings.tls.certificate, file.name)
    except ssl.SSLError as error:
        raise Misconfigured(f"tls.certificate and tls.private_key do not fit: {error.reason}") from None
    return context


def _ed25519(pem: bytes, where: str) -> Ed25519PrivateKey:
    key = _loaded(pem, where)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(f"{where} is not an Ed25519 private key")
    return key


def _loaded(pem: bytes, where: str) -> object:
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise Misconfigured(f"{where} is not an unencrypted private key in PEM") from None


def _x25519(pem: bytes, where: str) -> X25519PublicKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise Misconfigured(f"{where} holds no public key in PEM") from None
    if not isinstance(key, X25519PublicKey):
        raise Misconfigured(f"{where} holds a key that is not X25519: make one with pgcurfew audit keygen")
    return key


def _write_whole(path: Path, text: str) -> None:
    """The file is there with all of its content, or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)
