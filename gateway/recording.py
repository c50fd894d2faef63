"""The record as the settings describe it: one directory, and below it one more for each worker."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from gateway.audit.keeping import Keeping
from gateway.audit.places import worker_records
from gateway.audit.record import Recorder
from gateway.credentials import record_recipients, record_signer


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
        keeping=Keeping(
            segment_bytes=record.segment_megabytes * 1024 * 1024,
            segment_seconds=record.segment_hours * 3600.0,
            compression=record.compression_level,
            retention_days=record.retention_days,
        ),
        clock=lambda: datetime.now(UTC),
    )


def close_left_records(settings: Settings) -> None:
    """Workers that there were and are not any more: what a crash left open of their records is closed as
    cut. Raises as `open_record`."""
    of_today = settings.gateway.workers if settings.gateway.workers > 1 else 0
    for index, directory in worker_records(settings.record.directory):
        if index > of_today and (directory / "ledger.jsonl").exists():
            open_record(settings, directory).close()
