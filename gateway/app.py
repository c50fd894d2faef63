"""The composition root: the one place that knows the concrete classes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import structlog

from config.settings import Settings
from gateway.access.clock import utc_now
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import Fact, GatewayStarted, GatewayStopped
from gateway.audit.metrics import Metrics
from gateway.audit.places import worker_record
from gateway.audit.record import Recorder
from gateway.control_plane import ControlPlane
from gateway.credentials import token_signer
from gateway.data_plane import DataPlane, Renewal, running
from gateway.indexing import keep_index
from gateway.process import raise_file_limit, settle_memory
from gateway.recording import close_left_records, open_record
from gateway.reload import Reload
from gateway.rules import Rules
from gateway.signals import Signals
from gateway.storage.database import Database
from gateway.storage.opening import open_database
from gateway.workers.supervisor import Workers

log = structlog.get_logger()


class Gateway:
    """Everything, wired. `start`, then `close`."""

    def __init__(
        self, renewal: Renewal, database: Database, recorder: Recorder, metrics: Metrics, *, log_json: bool = False
    ) -> None:
        self._rules = renewal.rules
        self._database = database
        self._recorder = recorder
        self.metrics = metrics
        self._stack = contextlib.AsyncExitStack()
        signer = token_signer(renewal.rules.settings)
        self._control = ControlPlane(
            renewal.rules,
            signer,
            database,
            recorder,
            self.metrics,
            end_session=lambda session, by, reason: self._front.end_session(session, by, reason),
            trouble=lambda: recorder.trouble or self._front.trouble(),
        )
        access = self._control.access
        settings = renewal.rules.settings
        self._front: DataPlane | Workers
        if settings.gateway.workers == 1:
            self._front = DataPlane(renewal, access, recorder, self.metrics, see=self._control.alerts.see)
        else:
            self._front = Workers(
                renewal.rules,
                access,
                self.metrics,
                recorder.note,
                lambda index: worker_record(settings.record.directory, index),
                see=self._control.alerts.see,
                log_json=log_json,
            )

    @classmethod
    async def open(cls, settings: Settings, *, log_json: bool = False) -> Gateway:
        """A gateway with its store and record open. Raises ConfigError, Misconfigured and what
        `Recorder.open` and `open_database` raise."""
        renewal = Renewal.of(Rules.of(settings))
        database = await open_database(settings.store)
        try:
            metrics = Metrics()
            recorder = open_record(settings, settings.record.directory, metrics)
            try:
                close_left_records(settings)
                return cls(renewal, database, recorder, metrics, log_json=log_json)
            except BaseException:
                recorder.close()
                raise
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
        await self._control.access.tokens.take_keys()
        await self._control.catch_up()
        await self._control.alerts.begin()
        await stack.enter_async_context(
            running(
                self._recorder.run(),
                self._control.tidy(),
                self._control.watch(),
                self._control.send_notices(),
                self._control.alerts.run(),
                self._control.mind_the_loop(),
            )
        )
        if settings.record.index:
            index = keep_index(settings.record.directory, self.metrics.index_lag)
            await stack.enter_async_context(running(index))
        stack.push_async_callback(self._front.close)
        await self._front.start()
        port = await self._front.listen(settings.gateway.listen_host, settings.gateway.listen_port)
        stack.push_async_callback(self._control.close)
        front = self._front
        served = await self._control.serve(port, front=front, trouble=self._trouble, gather=front.gather)
        return {"port": port, **served}

    @property
    def rules(self) -> Rules:
        return self._rules

    def note(self, fact: Fact) -> None:
        """Into the control log. Raises RecordUnavailable."""
        self._recorder.note(fact)

    async def renew(self, renewal: Renewal, signer: TokenSigner) -> None:
        """Go on by these rules; nobody is dropped for it but those whose role is gone."""
        await self._control.renew(renewal.rules, signer)
        self._rules = renewal.rules
        self._front.renew(renewal)

    async def drain(self) -> None:
        """Let open transactions end, up to `limits.drain_seconds`; `close` ends what is left then."""
        seconds = self._rules.settings.limits.drain_seconds
        log.info("draining", sessions=self._front.open_sessions, seconds=seconds)
        self.metrics.draining(True)
        await self._front.drain(seconds)
        log.info("drained", left=self._front.open_sessions)

    async def close(self) -> None:
        """Stop accepting, end sessions, close record and store, in this order."""
        await self._stack.aclose()

    def _trouble(self) -> str | None:
        """Why no statement could run now, or None."""
        trouble = self._recorder.trouble
        self.metrics.record_available(trouble is None)
        self.metrics.record_copied(*self._recorder.copying)
        if self._front.draining:
            return f"draining, {self._front.open_sessions} sessions left"
        return trouble or self._front.trouble()


async def serve(
    settings: Settings,
    *,
    ready_file: Path | None = None,
    reread: Callable[[], Settings] | None = None,
    log_json: bool = False,
) -> None:
    """Run the gateway until SIGTERM, which drains it, or SIGINT, which ends it at once; SIGHUP has it
    read its settings again (by `reread`). Writes the ports in use to `ready_file` (JSON) when
    everything listens."""
    raise_file_limit()
    gateway = await Gateway.open(settings, log_json=log_json)
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


def _write_whole(path: Path, text: str) -> None:
    """The file is there with all of its content, or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)
