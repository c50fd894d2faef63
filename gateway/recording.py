"""The record as the settings describe it: one directory, and below it one more for each worker."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import perf_counter

from config.settings import Settings
from gateway.audit.copying import CannotCopy, ObjectCopies
from gateway.audit.journal import Disk
from gateway.audit.keeping import Keeping
from gateway.audit.metrics import MEASURED, Metrics
from gateway.audit.places import worker_records
from gateway.audit.record import Recorder
from gateway.credentials import Misconfigured, record_recipients, record_signer


def open_record(settings: Settings, directory: Path, metrics: Metrics | None = None) -> Recorder:
    """The recorder of one directory; `metrics` are told how quick its disk is. Raises Misconfigured and what
    `Recorder.open` raises."""
    record = settings.record
    try:
        copies = ObjectCopies(record.copy_to, directory) if record.copy_to else None
    except CannotCopy as error:
        raise Misconfigured(str(error)) from None
    return Recorder.open(
        directory,
        signer=record_signer(settings),
        recipients=record_recipients(settings),
        durability=record.durability,
        sealing=record.sealing,
        checkpoint_seconds=record.checkpoint_seconds,
        keeping=Keeping(
            segment_bytes=record.segment_megabytes * 1024 * 1024,
            segment_seconds=record.segment_hours * 3600.0,
            compression=record.compression_level,
            retention_days=record.retention_days,
            # A copy elsewhere is worth more the sooner it is there.
            settle_seconds=5.0 if copies is not None else 300.0,
        ),
        copies=copies,
        clock=lambda: datetime.now(UTC),
        disk=Disk() if metrics is None else _measured(metrics),
    )


def _measured(metrics: Metrics) -> Disk:
    """The disk, with a watch beside it. Only some appends are measured: each statement is one."""
    disk = Disk()
    appends = count()

    def write(descriptor: int, data: bytes) -> int:
        if next(appends) % MEASURED:
            return disk.write(descriptor, data)
        started = perf_counter()
        written = disk.write(descriptor, data)
        metrics.appended(perf_counter() - started)
        return written

    def sync(descriptor: int) -> None:
        started = perf_counter()
        disk.sync(descriptor)
        metrics.synced(perf_counter() - started)

    return Disk(write, sync)


def close_left_records(settings: Settings) -> None:
    """Workers that there were and are not any more: what a crash left open of their records is closed as
    cut. Raises as `open_record`."""
    of_today = settings.gateway.workers if settings.gateway.workers > 1 else 0
    for index, directory in worker_records(settings.record.directory):
        if index > of_today and (directory / "ledger.jsonl").exists():
            open_record(settings, directory).close()
