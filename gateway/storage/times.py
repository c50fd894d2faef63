"""Times as the store keeps them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """The time as it is kept."""
    return (at - _EPOCH) // _MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    """The same where there may be none."""
    return None if at is None else micros(at)


def time(kept: int) -> datetime:
    """The time that was kept."""
    return _EPOCH + timedelta(microseconds=kept)


def time_or_none(kept: int | None) -> datetime | None:
    """The same where there may be none."""
    return None if kept is None else time(kept)
