"""Group commit: while one fdatasync runs, the events of all sessions gather for the next. A session whose
event is not on the disk yet waits by itself; the event loop never does.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

import structlog

from gateway.audit.commits import CommitLog, Piece
from gateway.audit.journal import Disk, Journal, RecordUnavailable

SWITCH_SECONDS = 0.0005

#: A journal and who waits for it.
_Waiting = tuple[Journal, asyncio.Future[None]]


class GroupCommit:
    """Makes what was appended durable. `join` belongs to the event loop's thread, the rest to any."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        """Raises OSError when there is no room for the commit log."""
        self._directory = directory
        self._disk = disk
        self._commits = CommitLog(directory, disk)
        #: It failed: until it is made anew, each log is brought to disk by itself.
        self._failed = False
        self._lock = threading.Lock()
        self._gathering: list[_Waiting] = []
        self._running = False
        self._groups: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[_Waiting]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="commit", daemon=True)
        self._thread.start()
        # Or this thread waits up to 5 ms for the interpreter after each system call, while the loop is busy.
        sys.setswitchinterval(SWITCH_SECONDS)

    def join(self, journal: Journal) -> asyncio.Future[None]:
        """Done when everything that was appended to this log up to now is on the disk; raises RecordUnavailable
        when it cannot be brought there."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._gathering.append((journal, future))
        if not self._running:
            self._running = True
            # Not now: what else has come in this turn of the loop comes along.
            loop.call_soon(self._start, loop)
        return future

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._gathering = self._gathering, []
        self._groups.put((loop, group))

    def _serve(self) -> None:
        while (work := self._groups.get()) is not None:
            self._run(*work)

    def _run(self, loop: asyncio.AbstractEventLoop, group: list[_Waiting]) -> None:
        failed: dict[Journal, RecordUnavailable] = {}
        try:
            failed = self.commit({journal: None for journal, _ in group})
        except Exception as error:  # a fault of ours: nobody may take it for durable
            structlog.get_logger().exception("group commit failed")
            failed = {journal: RecordUnavailable(f"internal error: {error}") for journal, _ in group}
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it who waited
            loop.call_soon_threadsafe(self._done, loop, group, failed)

    def _done(
        self, loop: asyncio.AbstractEventLoop, group: list[_Waiting], failed: dict[Journal, RecordUnavailable]
    ) -> None:
        for journal, future in group:
            if future.done():
                continue
            error = failed.get(journal)
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
        if self._gathering:
            self._start(loop)
        else:
            self._running = False

    def commit(self, journals: Sequence[Journal] | dict[Journal, None]) -> dict[Journal, RecordUnavailable]:
        """Bring what was appended to these logs to disk, in one go; returns those for which that failed."""
        with self._lock:
            pieces = [piece for journal in journals if (piece := _piece(journal)) is not None]
            if not pieces:
                # A sync of the logs themselves came first, or is to fail now.
                return _each(journals)
            try:
                if self._failed:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                self._commits.write(pieces)
            except OSError as error:
                if not self._failed:
                    self._failed = True
                    structlog.get_logger().error("commit-log-unavailable", cause=error.strerror or str(error))
                return _each(journals)
        return {}

    def commit_now(self, *journals: Journal) -> None:
        """As `commit`, for who may wait. Raises RecordUnavailable."""
        for error in self.commit(journals).values():
            raise error

    def turn(self) -> None:
        """All logs are about to be brought to disk themselves."""
        with self._lock:
            if not self._failed:
                self._commits.turn()

    def free(self) -> None:
        """All logs were brought to disk since `turn`."""
        with self._lock:
            if not self._failed:
                self._commits.free()
                return
            self._commits.close()
            try:
                self._commits = CommitLog(self._directory, self._disk)
            except OSError:
                return  # the next time, perhaps
            self._failed = False
            structlog.get_logger().warning("commit-log-available-again")

    def close(self) -> None:
        """Nobody waits any more."""
        self._groups.put(None)
        self._thread.join()
        self._commits.close()


def _piece(journal: Journal) -> Piece | None:
    taken = journal.take_uncommitted()
    return None if taken is None else Piece(*taken)


def _each(journals: Sequence[Journal] | dict[Journal, None]) -> dict[Journal, RecordUnavailable]:
    failed: dict[Journal, RecordUnavailable] = {}
    for journal in journals:
        try:
            journal.sync()
        except RecordUnavailable as error:
            failed[journal] = error
    return failed
