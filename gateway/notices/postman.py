"""Sends what waits in the outbox. Each sink has a round of its own, so that one that fails or dawdles
holds up nobody else, and no session at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import assert_never

import httpx
import structlog

from config.notices import Mail, Notices, Slack, Syslog, Webhook
from config.secrets import SecretUnavailable
from gateway.access.store import StoreUnavailable
from gateway.audit.metrics import Metrics
from gateway.notices.mail import MailSink
from gateway.notices.outbox import Delivery, Outbox
from gateway.notices.sink import TRY_SECONDS, Refused, Sink
from gateway.notices.slack import SlackSink
from gateway.notices.syslog import SyslogSink
from gateway.notices.webhook import WebhookSink

log = structlog.get_logger()

#: A claim is longer than any try.
CLAIM = timedelta(seconds=6 * TRY_SECONDS)
#: What another process put into the outbox is found after this time (seconds).
LOOK_SECONDS = 2.0
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 3600.0
#: A sink that fails is left alone for this long at most, whatever waits for it.
LONGEST_PAUSE_SECONDS = 60.0
KEEP_DELIVERED = timedelta(days=7)
KEEP_DEAD = timedelta(days=30)
TIDY_SECONDS = 3600.0


def wait_after(tries: int) -> float:
    """Seconds from one failed try to the next: 5, 15, 45, … up to an hour."""
    return min(FIRST_WAIT_SECONDS * 3.0 ** min(tries - 1, 10), LONGEST_WAIT_SECONDS)


class Postman:
    """The sinks of the settings, and the rounds to them. `run` until cancelled."""

    def __init__(self, outbox: Outbox, settings: Notices, clock: Callable[[], datetime], metrics: Metrics) -> None:
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._waiting: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()

    @property
    def sinks(self) -> tuple[str, ...]:
        return tuple(self._settings.sinks)

    def wake(self) -> None:
        """Something was put into the outbox."""
        for event in self._waiting.values():
            event.set()

    def renew(self, settings: Notices) -> None:
        """Go on with these sinks."""
        self._settings = settings
        self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._changed.clear()
            async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
                try:
                    sinks = made(self._settings, client)
                except SecretUnavailable as error:  # it was there when the settings were read
                    log.error("notices wait until the settings are read again", reason=str(error))
                    sinks = {}
                self._waiting = {name: asyncio.Event() for name in sinks}
                rounds = [asyncio.create_task(self._serve(name, sink)) for name, sink in sinks.items()]
                rounds.append(asyncio.create_task(self._tidy()))
                try:
                    await self._changed.wait()
                finally:
                    # What is on its way gets there: it was claimed, and would be sent twice otherwise.
                    for one in rounds:
                        one.cancel()
                    await asyncio.gather(*rounds, return_exceptions=True)

    async def _serve(self, name: str, sink: Sink) -> None:
        failures = 0
        event = self._waiting[name]
        while True:
            event.clear()
            try:
                delivery = await self._next(name)
                if delivery is None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(event.wait(), LOOK_SECONDS)
                    continue
                # Cancelled in the middle of a try, the try is ended first.
                trying = asyncio.ensure_future(self._try(name, sink, delivery))
                try:
                    well = await asyncio.shield(trying)
                except asyncio.CancelledError:
                    await trying
                    raise
                failures = 0 if well else failures + 1
            except StoreUnavailable as error:
                log.warning("notices wait: the store cannot be used", reason=str(error))
                failures += 1
            except Exception:
                log.exception("notices of one sink wait for a fault", sink=name)
                failures += 1
            if failures:
                await asyncio.sleep(min(2.0 ** min(failures - 1, 10), LONGEST_PAUSE_SECONDS))

    async def _next(self, name: str) -> Delivery | None:
        now = self._clock()
        return await self._outbox.claim(name, now=now, until=now + CLAIM)

    async def _try(self, name: str, sink: Sink, delivery: Delivery) -> bool:
        now = self._clock()
        try:
            await sink.send(delivery.notice, delivery=delivery.id, now=now)
        except Refused as refused:
            await self._failed(name, delivery, refused)
            return False
        await self._outbox.delivered(delivery.id, self._clock())
        self._metrics.notice_sent(name, "delivered")
        return True

    async def _failed(self, name: str, delivery: Delivery, refused: Refused) -> None:
        now = self._clock()
        error = str(refused)
        old = now - delivery.created_at >= timedelta(seconds=self._settings.give_up_seconds)
        if old:
            await self._outbox.gave_up(delivery.id, at=now, error=error)
            log.error("notice given up", sink=name, delivery=delivery.id, tries=delivery.tries, reason=error)
        else:
            wait = max(wait_after(delivery.tries), refused.wait)
            await self._outbox.failed(delivery.id, next_at=now + timedelta(seconds=wait), error=error)
            log.warning("notice not delivered", sink=name, delivery=delivery.id, again_in=wait, reason=error)
        self._metrics.notice_sent(name, "dead" if old else "failed")

    async def _tidy(self) -> None:
        while True:
            try:
                now = self._clock()
                await self._outbox.forget(delivered_before=now - KEEP_DELIVERED, dead_before=now - KEEP_DEAD)
            except StoreUnavailable as error:
                log.warning("old notices stay: the store cannot be used", reason=str(error))
            await asyncio.sleep(TIDY_SECONDS)


def made(settings: Notices, client: httpx.AsyncClient) -> Mapping[str, Sink]:
    """The sinks of the settings, by name. Raises SecretUnavailable."""
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    return {name: _made(sink, client, tls) for name, sink in settings.sinks.items()}


def _made(sink: Webhook | Slack | Mail | Syslog, client: httpx.AsyncClient, tls: ssl.SSLContext) -> Sink:
    match sink:
        case Webhook():
            return WebhookSink(sink.url, sink.secret.read(), client)
        case Slack():
            return SlackSink(sink.url.read().decode(), client)
        case Mail():
            return MailSink(sink, None if sink.password is None else sink.password.read().decode(), tls)
        case Syslog():
            return SyslogSink(sink.host, sink.port, sink.transport, sink.facility, tls)
        case _:
            assert_never(sink)
