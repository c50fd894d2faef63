"""Copies of closed files in object storage (or another directory), for whoever may change this disk: what is there
is never written again (create-only), so no copy can be taken back. Needs the extra `objects`.

    <record's id>/sessions/…, control/…      files as they lie on the disk
    <record's id>/ledger/<number>.jsonl      the ledger in pieces, each ends in a signed checkpoint and is named by
                                             its first line's number; one after the other they are the ledger
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from gateway.audit.replay import Unreadable, record_id

#: The ledger is copied this often.
LEDGER_SECONDS = 60.0
#: After a failure nothing is tried for so long; twice as long after each further one.
PAUSE_SECONDS, LONGEST_PAUSE = 2.0, 120.0
#: Which files are there, one a line. Without it everything is offered again, and found to be there.
STATE = "copied"
_LEDGER = "ledger.jsonl"
_CHECKPOINT = b'"event":{"type":"Checkpoint"'


class CannotCopy(Exception):
    """`record.copy_to` cannot be used; the message says why."""


class ObjectCopies:
    """Copies of one record. Belongs to the thread that looks after its files."""

    def __init__(self, url: str, directory: Path, *, clock: Callable[[], float] = monotonic) -> None:
        """Raises CannotCopy."""
        self._directory = directory
        self._store, self._obstore = _store(url)
        self._clock = clock
        self._done: set[str] = set()
        self._offset, self._seq = 0, 1
        for line in _lines(directory / STATE):
            kind, _, rest = line.partition(" ")
            if kind == "ledger":
                offset, _, seq = rest.partition(" ")
                self._offset, self._seq = int(offset), int(seq)
            else:
                self._done.add(rest)
        self._not_before = 0.0
        self._failures = 0
        self._ledger_at = 0.0
        self._record = ""
        self.copied = self.failed = 0

    def has(self, name: str) -> bool:
        """Is this file of the record there, compressed or not?"""
        return name in self._done or f"{name}.zst" in self._done

    def keep(self, path: Path) -> bool:
        """Copy one file; returns whether it is there now. Never raises."""
        name = path.relative_to(self._directory).as_posix()
        if name in self._done:
            return True
        if self._clock() < self._not_before:
            return False
        try:
            content = path.read_bytes()
        except OSError:
            return not path.exists()
        there = self._put(name, content)
        if there is None:
            return False
        if there != content:
            self.failed += 1
            structlog.get_logger().error("record-copy-differs", file=name)
        self._note(f"file {name}")
        self._done.add(name)
        return True

    def keep_ledger(self) -> None:
        """Copy what the ledger has got since, up to its last checkpoint. Never raises."""
        now = self._clock()
        if now < max(self._ledger_at, self._not_before):
            return
        try:
            with (self._directory / _LEDGER).open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        end, lines = 0, 0
        at = 0
        for number, line in enumerate(data.splitlines(keepends=True), 1):
            at += len(line)
            if _CHECKPOINT in line and line[-1:] == b"\n":
                end, lines = at, number
        if not end:
            return
        piece = data[:end]
        there = self._put(f"ledger/{self._seq:012d}.jsonl", piece)
        if there is None:
            return
        if there != piece:  # an earlier run copied a shorter piece, and what it had noted was lost
            if not data.startswith(there):
                self.failed += 1
                self._ledger_at = now + LEDGER_SECONDS
                structlog.get_logger().error("record-copy-differs", file=f"ledger/{self._seq:012d}.jsonl")
                return
            piece, lines = there, there.count(b"\n")
        else:
            self._ledger_at = now + LEDGER_SECONDS
        self._offset, self._seq = self._offset + len(piece), self._seq + lines
        self._note(f"ledger {self._offset} {self._seq}")

    def _put(self, name: str, content: bytes) -> bytes | None:
        """What is there under this name now, these bytes or others; None when it could not be copied."""
        log = structlog.get_logger()
        try:
            self._record = self._record or record_id(self._directory)
            key = f"{self._record}/{name}"
            try:
                self._obstore.put(self._store, key, content, mode="create", use_multipart=False)
            except self._obstore.exceptions.AlreadyExistsError:
                return bytes(self._obstore.get(self._store, key).bytes())
        except (self._obstore.exceptions.BaseError, OSError, Unreadable) as error:
            self.failed += 1
            self._failures += 1
            self._not_before = self._clock() + min(PAUSE_SECONDS * 2 ** (self._failures - 1), LONGEST_PAUSE)
            if self._failures == 1:
                log.error("record-not-copied", file=name, cause=str(error).splitlines()[0][:200])
            return None
        if self._failures:
            log.warning("record-copied-again", after=self._failures)
        self._failures = 0
        self.copied += 1
        return content

    def _note(self, line: str) -> None:
        try:
            with (self._directory / STATE).open("a") as file:
                file.write(line + "\n")
        except OSError as error:  # the next run offers it again
            structlog.get_logger().warning("copy-not-noted", cause=error.strerror or str(error))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().split("\n")[:-1] if line]
    except OSError:
        return []


def _store(url: str) -> tuple[Any, Any]:
    try:
        obstore = importlib.import_module("obstore")
        stores = importlib.import_module("obstore.store")
    except ImportError:
        raise CannotCopy("record.copy_to needs the extra: pip install 'pgcurfew[objects]'") from None
    try:
        if url.startswith("file://"):
            return stores.from_url(url, mkdir=True), obstore
        return stores.from_url(url, client_options={"timeout": "20s"}), obstore
    except Exception as error:  # the library's errors have no common base here
        raise CannotCopy(f"record.copy_to cannot be used: {str(error).splitlines()[0]}") from None
