"""The index beside the record, kept up to date by a process that the gateway starts, and starts again."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from gateway.audit.index import schema

log = structlog.get_logger()

#: From one start of the process to the next.
PAUSE_SECONDS: Final = 5.0


async def keep_index(directory: Path, lag: Callable[[float], None]) -> None:
    """Until cancelled: an index follows the record in this directory. It never stops a session, whatever becomes
    of it. `lag` is told how many seconds it is behind, now and then."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_keep(directory))
        tasks.create_task(_measure(directory, lag))


async def _measure(directory: Path, lag: Callable[[float], None]) -> None:
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        behind = await asyncio.to_thread(index_lag, directory)
        if behind is not None:
            lag(behind)


async def _keep(directory: Path) -> None:
    while True:
        try:
            await _one_process(directory)
        except OSError as error:
            log.error("the index is not kept up to date", reason=str(error))
        await asyncio.sleep(PAUSE_SECONDS)


async def _one_process(directory: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.audit.index.following",
        str(directory),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        async for line in process.stderr:
            log.warning("index", said=line.decode(errors="replace").strip()[:500])
        log.error("the index's process ended, and is started again", status=await process.wait())
    finally:
        # It ends when this is closed, at the latest after what it is reading.
        process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def index_lag(directory: Path) -> float | None:
    """Seconds since the index last held all that the record did; None: it never has, or cannot be read."""
    try:
        connection = schema.readable(directory / schema.FILE)
    except schema.NoIndex:
        return None
    try:
        row = connection.execute("SELECT at FROM pass").fetchone()
    except sqlite3.Error:
        return None
    finally:
        connection.close()
    return None if row is None else max(0.0, time.time() - row[0] / 1e6)
