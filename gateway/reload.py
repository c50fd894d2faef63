"""SIGHUP: settings, policy, keys and certificates are read again, all of them or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from config.certificates import CertificateUnusable
from config.problems import ConfigError
from config.secrets import SecretUnavailable
from config.settings import Settings
from gateway.access.keys import KeyNotUsable
from gateway.access.tokens import TokenSigner
from gateway.audit.facts import Fact, PolicyLoaded, SettingsReloaded
from gateway.audit.metrics import Metrics
from gateway.audit.record import RecordUnavailable
from gateway.credentials import Misconfigured, fingerprints, token_signer
from gateway.data_plane import Renewal
from gateway.rules import Difference, Rules, difference

log = structlog.get_logger()

#: What can be wrong with files that people wrote; each says so itself and holds no secret.
WRONG = (ConfigError, Misconfigured, CertificateUnusable, KeyNotUsable, SecretUnavailable, OSError)


class Renewable(Protocol):
    """What goes on by other rules."""

    @property
    def rules(self) -> Rules: ...
    def note(self, fact: Fact) -> None: ...
    async def renew(self, renewal: Renewal, signer: TokenSigner) -> None: ...


class Reload:
    """Reads again what a gateway works by."""

    def __init__(self, gateway: Renewable, metrics: Metrics, reread: Callable[[], Settings]) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._reread = reread
        self._prints = fingerprints(gateway.rules.settings)

    async def whenever(self, asked: asyncio.Event) -> None:
        """Until cancelled: reload each time that `asked` is set."""
        while True:
            await asked.wait()
            asked.clear()
            try:
                await self.reload()
            except Exception:
                log.exception("reload failed; what was in force stays")
                self._metrics.reloaded("failed")

    async def reload(self) -> bool:
        """Read everything again. What does not load or does not check changes nothing; False then."""
        before = self._gateway.rules
        try:
            found, renewal, signer, prints = await asyncio.to_thread(self._read, before.settings)
            changed = (*found.changed, *_changed_files(self._prints, prints))
            # Before it happens: what cannot be recorded does not (law 1).
            self._gateway.note(SettingsReloaded("done", changed, found.needs_restart))
            if renewal.rules.policies.version != before.policies.version:
                self._gateway.note(PolicyLoaded(renewal.rules.policies.version, before=before.policies.version))
        except WRONG as error:
            self._refuse(_problems(error))
            return False
        except RecordUnavailable as error:
            log.error("settings not reloaded: the record cannot be written", reason=str(error))
            self._metrics.reloaded("refused")
            return False
        await self._gateway.renew(renewal, signer)
        self._prints = prints
        policies = renewal.rules.policies
        self._metrics.reloaded("done")
        self._metrics.policy_loaded(policies.version, datetime.now(UTC))
        log.info("settings reloaded", policy=policies.version, before=before.policies.version, changed=changed)
        if found.needs_restart:
            log.warning("settings that need a restart stay as they were", needs_restart=found.needs_restart)
        return True

    def _read(self, now: Settings) -> tuple[Difference, Renewal, TokenSigner, dict[str, bytes]]:
        """Everything that takes time or can fail."""
        found = difference(now, self._reread())
        renewal = Renewal.of(Rules.of(found.settings))
        return found, renewal, token_signer(found.settings), fingerprints(found.settings)

    def _refuse(self, problems: tuple[str, ...]) -> None:
        log.error("settings not reloaded: what was in force stays", problems=problems)
        self._metrics.reloaded("refused")
        try:
            self._gateway.note(SettingsReloaded("refused", problems=problems))
        except RecordUnavailable as error:
            log.error("refused reload not recorded", reason=str(error))


def _changed_files(before: dict[str, bytes], after: dict[str, bytes]) -> tuple[str, ...]:
    return tuple(name for name, digest in after.items() if before.get(name) != digest)


def _problems(error: Exception) -> tuple[str, ...]:
    if isinstance(error, ConfigError):
        return tuple(str(problem) for problem in error.problems)
    return (str(error),)
