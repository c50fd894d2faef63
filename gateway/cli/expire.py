"""audit expire: remove what is too old, and leave a signed tombstone for each log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gateway.audit.journal import RecordUnavailable
from gateway.audit.keeping import Expiry, before, expiries
from gateway.audit.places import all_records
from gateway.audit.record import RecordLocked
from gateway.audit.recover import RecordBroken
from gateway.cli.output import Exit, Json, Stopped, put_json, tell
from gateway.cli.place import reason_of, settings_of
from gateway.credentials import Misconfigured
from gateway.recording import open_record


def expire(
    config: Annotated[Path, typer.Option("--config", "-c", help="The gateway's settings file, on its host.")] = Path(
        "pgcurfew.toml"
    ),
    days: Annotated[
        int | None, typer.Option(min=1, help="Closed logs older than so many days; record.retention_days if absent.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
    as_json: Json = False,
) -> None:
    """Remove logs that are too old; the ledger keeps a signed tombstone of each. While a gateway writes the record it
    does this by itself, every hour."""
    settings = settings_of(config)
    age = days or settings.record.retention_days
    if not age:
        raise Stopped(Exit.USAGE, "nothing says how old is too old", "give --days, or set record.retention_days")
    gone: list[Expiry] = []
    for directory in all_records(settings.record.directory):
        if not (directory / "ledger.jsonl").is_file():
            continue
        try:
            if dry_run:
                gone += expiries(directory, before(datetime.now(UTC), age))
                continue
            recorder = open_record(settings, directory)
            try:
                gone += recorder.expire(age)
            finally:
                recorder.close()
        except RecordLocked:
            hint = "it lets logs go by itself, every hour, when record.retention_days is set; --dry-run says which"
            raise Stopped(Exit.REFUSED, "a gateway is writing this record", hint) from None
        except (Misconfigured, RecordUnavailable, RecordBroken, OSError, msgspec.MsgspecError) as error:
            words = reason_of(error)
            raise Stopped(Exit.REFUSED, f"{directory}: {words}", "pgcurfew audit verify says more") from None
    sessions = [expiry.log for expiry in gone if expiry.kind == "session"]
    if as_json:
        put_json({"days": age, "removed": not dry_run, "logs": len(gone), "sessions": sessions})
        return
    for expiry in gone:
        tell(f"{'would expire' if dry_run else 'expired'}  {expiry.log}  closed {expiry.closed}")
    tell(f"{len(gone)} logs ({len(sessions)} sessions) were closed more than {age} days ago")
