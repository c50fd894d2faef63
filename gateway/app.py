"""The composition root: the one place that knows the concrete classes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import resource
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import structlog

from config.settings import Settings
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import Fact, GatewayStarted, GatewayStopped
from gateway.audit.metrics import Metrics
from gateway.audit.record import Recorder
from gateway.control_plane import ControlPlane, utc_now
from gateway.credentials import record_recipients, record_signer, token_signer
from gateway.data_plane import DataPlane, Renewal, running
from gateway.reload import Reload
from gateway.rules import Rules
from gateway.signals import Signals
from gateway.storage.database import Database

log = structlog.get_logger()


class Gateway:
    """Everything, wired. `start`, then `close`."""

    def __init__(self, renewal: Renewal, database: Database, recorder: Recorder) -> None:
        self._rules = renewal.rules
        self._database = database
        self._recorder = recorder
        self.metrics = Metrics()
        self._stack = contextlib.AsyncExitStack()
        signer = token_signer(renewal.rules.settings)
        self._control = ControlPlane(renewal.rules, signer, database, recorder, self.metrics)
        self._data = DataPlane(renewal, self._control.access, recorder, self.metrics)

    @classmethod
    async def open(cls, settings: Settings) -> Gateway:
        """A gateway with its store and record open. Raises ConfigError, Misconfigured and what
        `Recorder.open` and `Database.open` raise."""
        renewal = Renewal.of(Rules.of(settings))
        database = await Database.open(settings.store.path)
        try:
            return cls(renewal, database, open_record(settings, settings.record.directory))
        except BaseException:
            await database.close()
            raise

    async def start(self) -> dict[str, int]:
        """Listen everywhere; the ports in use. Raises OSError."""
        settings = self._rules.settings
        stack = self._stack
        stack.push_async_callback(self._database.close)
        stack.callback(self._recorder.close)
        version_of_policy = self._rules.policies.version
        self._recorder.note(GatewayStarted(version("pgcurfew"), version_of_policy, settings.record.sealing))
        self.metrics.policy_loaded(version_of_policy, utc_now())
        stack.callback(self._recorder.note, GatewayStopped("shutdown"))
        await stack.enter_async_context(running(self._recorder.run(), self._control.tidy()))
        await self._data.start()
        stack.push_async_callback(self._data.close)
        port = await self._data.listen(settings.gateway.listen_host, settings.gateway.listen_port)
        stack.push_async_callback(self._control.close)
        return {"port": port, **await self._control.serve(port, trouble=self._trouble)}

    @property
    def rules(self) -> Rules:
        return self._rules

    def note(self, fact: Fact) -> None:
        """Into the control log. Raises RecordUnavailable."""
        self._recorder.note(fact)

    async def renew(self, renewal: Renewal, signer: TokenSigner) -> None:
        """Go on by these rules; nobody is dropped for it but those whose role is gone."""
        self._rules = renewal.rules
        self._data.renew(renewal)
        self._control.renew(renewal.rules, signer)

    async def drain(self) -> None:
        """Let open transactions end, up to `limits.drain_seconds`; `close` ends what is left then."""
        seconds = self._rules.settings.limits.drain_seconds
        log.info("draining", sessions=self._data.open_sessions, seconds=seconds)
        self.metrics.draining(True)
        await self._data.drain(seconds)
        log.info("drained", left=self._data.open_sessions)

    async def close(self) -> None:
        """Stop accepting, end sessions, close record and store, in this order."""
        await self._stack.aclose()

    def _trouble(self) -> str | None:
        """Why no statement could run now, or None."""
        trouble = self._recorder.trouble
        self.metrics.record_available(trouble is None)
        if self._data.draining:
            return f"draining, {self._data.open_sessions} sessions left"
        return trouble


async def serve(
    settings: Settings, *, ready_file: Path | None = None, reread: Callable[[], Settings] | None = None
) -> None:
    """Run the gateway until SIGTERM, which drains it, or SIGINT, which ends it at once; SIGHUP has it
    read its settings again (by `reread`). Writes the ports in use to `ready_file` (JSON) when
    everything listens."""
    _raise_file_limit()
    gateway = await Gateway.open(settings)
    signals = Signals(asyncio.get_running_loop())
    reload = Reload(gateway, gateway.metrics, reread or (lambda: settings))
    try:
        ports = await gateway.start()
        async with running(reload.whenever(signals.hang_up)):
            if ready_file is not None:
                _write_whole(ready_file, json.dumps(ports))
            log.info("ready", **ports)
            settle_memory()
            await signals.stop.wait()
            await signals.unless_at_once(gateway.drain())
        log.info("stopping")
    finally:
        await gateway.close()


def open_record(settings: Settings, directory: Path) -> Recorder:
    """The recorder of one directory. Raises Misconfigured and what `Recorder.open` raises."""
    record = settings.record
    return Recorder.open(
        directory,
        signer=record_signer(settings),
        recipients=record_recipients(settings),
        durability=record.durability,
        sealing=record.sealing,
        checkpoint_seconds=record.checkpoint_seconds,
        clock=utc_now,
    )


def settle_memory() -> None:
    """What is alive now stays: the collector need not look at it again, nor so often. Statements make
    no cycles, so what it would find is little (5 to 10 µs a transaction, bench/)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _raise_file_limit() -> None:
    """As many connections as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _write_whole(path: Path, text: str) -> None:
    """The file is there with all of its content, or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)
