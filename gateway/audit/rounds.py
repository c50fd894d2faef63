"""What a recorder does by itself, again and again, while the gateway runs."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
import structlog

from gateway.audit.journal import RecordUnavailable
from gateway.audit.keeping import Expiry

#: How statements came out is written with what comes next in their session, or after this time.
SOON_SECONDS = 0.05
#: While the disk refuses, it is tried this often.
TROUBLED_SECONDS = 0.1
#: What is closed is compressed (and copied) this often, and what is too old removed this often.
KEEP_SECONDS = 2.0
EXPIRE_SECONDS = 3600.0

log = structlog.get_logger()


class Kept(Protocol):
    """What of a recorder is needed here."""

    def flush(self) -> None: ...
    def sync(self) -> None: ...
    def checkpoint(self) -> None: ...
    def find_files(self) -> None: ...
    def keep_files(self) -> None: ...
    def expire(self, days: int) -> list[Expiry]: ...


async def write_what_waits(recorder: Kept) -> None:
    """Every 50 ms."""
    while True:
        await asyncio.sleep(SOON_SECONDS)
        recorder.flush()


async def keep_safe(recorder: Kept, pause: float, checkpoint_seconds: float) -> None:
    """In a thread: bring everything to disk, and sign how far it has come."""
    loop = asyncio.get_running_loop()
    due = loop.time() + checkpoint_seconds
    trouble: str | None = None
    while True:
        await asyncio.sleep(pause if trouble is None else TROUBLED_SECONDS)
        now = loop.time()
        try:
            if now >= due:
                due = now + checkpoint_seconds
                await asyncio.to_thread(recorder.checkpoint)
            else:
                await asyncio.to_thread(recorder.sync)
        except RecordUnavailable as error:
            if trouble is None:
                log.error("record-unavailable", cause=str(error))
            trouble = str(error)
        else:
            if trouble is not None:
                log.warning("record-available-again", after=trouble)
            trouble = None


async def keep_files(recorder: Kept, retention_days: int) -> None:
    """In a thread: compress and copy what is closed, and let go what is too old."""
    expire_at = 0.0
    try:
        await asyncio.to_thread(recorder.find_files)
    except OSError as error:
        log.warning("earlier-logs-not-looked-at", cause=error.strerror or str(error))
    while True:
        await asyncio.to_thread(recorder.keep_files)
        now = asyncio.get_running_loop().time()
        if retention_days and now >= expire_at:
            expire_at = now + EXPIRE_SECONDS
            try:
                gone = await asyncio.to_thread(recorder.expire, retention_days)
            except (RecordUnavailable, OSError, msgspec.MsgspecError) as error:
                log.error("record-not-expired", cause=str(error))
            else:
                if gone:
                    log.info("record-expired", logs=len(gone), days=retention_days)
        await asyncio.sleep(KEEP_SECONDS)
