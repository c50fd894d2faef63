"""Dates, times and intervals in PostgreSQL's binary format, as their text.

As DateStyle ISO, IntervalStyle postgres and TimeZone UTC would show them (PG manual, 8.5.2 and 8.5.5). Years before 1
and after 9999 are among them, so datetime is not enough.
"""

from __future__ import annotations

from struct import Struct

_INT32 = Struct(">i").unpack
_INT64 = Struct(">q").unpack
_TIMETZ = Struct(">qi").unpack
_INTERVAL = Struct(">qii").unpack

_DAY = 86_400_000_000
#: From 0000-03-01, where years are counted from here, to 2000-01-01, where PostgreSQL's days begin.
_EPOCH = 730_425
_DATE_INFINITY = {2**31 - 1: "infinity", -(2**31): "-infinity"}
_INFINITY = {2**63 - 1: "infinity", -(2**63): "-infinity"}


def date(data: bytes) -> str:
    """Days since 2000-01-01."""
    (days,) = _INT32(data)
    if days in _DATE_INFINITY:
        return _DATE_INFINITY[days]
    day, era = _day(days)
    return day + era


def time(data: bytes) -> str:
    """Microseconds since midnight."""
    return _clock(*_INT64(data))


def time_with_zone(data: bytes) -> str:
    """Microseconds since midnight, and seconds west of Greenwich."""
    microseconds, west = _TIMETZ(data)
    sign = "-" if west > 0 else "+"
    minutes, seconds = divmod(abs(west), 60)
    hours, minutes = divmod(minutes, 60)
    zone = f"{hours:02}" + (f":{minutes:02}" if minutes or seconds else "") + (f":{seconds:02}" if seconds else "")
    return _clock(microseconds) + sign + zone


def timestamp(data: bytes) -> str:
    """Microseconds since 2000-01-01 00:00."""
    return _timestamp(data, "")


def timestamp_with_zone(data: bytes) -> str:
    """The same of UTC."""
    return _timestamp(data, "+00")


def interval(data: bytes) -> str:
    """Microseconds, days and months."""
    microseconds, days, months = _INTERVAL(data)
    if microseconds in _INFINITY and days in _DATE_INFINITY and months in _DATE_INFINITY:
        return _INFINITY[microseconds]
    parts = []
    negative_before = False
    years, months = int(months / 12), months - 12 * int(months / 12)
    for number, unit in ((years, "year"), (months, "mon"), (days, "day")):
        if number:
            sign = "+" if negative_before and number > 0 else ""
            parts.append(f"{sign}{number} {unit}{'' if number == 1 else 's'}")
            negative_before = number < 0
    if microseconds or not parts:
        sign = "-" if microseconds < 0 else "+" if negative_before else ""
        parts.append(sign + _clock(abs(microseconds)))
    return " ".join(parts)


def _timestamp(data: bytes, zone: str) -> str:
    (microseconds,) = _INT64(data)
    if microseconds in _INFINITY:
        return _INFINITY[microseconds]
    days, rest = divmod(microseconds, _DAY)
    day, era = _day(days)
    return f"{day} {_clock(rest)}{zone}{era}"


def _clock(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{text}.{fraction:06}".rstrip("0") if fraction else text


def _day(days: int) -> tuple[str, str]:
    """The day, and " BC" when it was before the year 1. Years are counted from March here, so that the leap
    day is a year's last one."""
    era, day = divmod(days + _EPOCH, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    month = month + 3 if month < 10 else month - 9
    year += 400 * era + (month <= 2)
    before = year <= 0
    return f"{1 - year if before else year:04}-{month:02}-{day:02}", " BC" if before else ""
