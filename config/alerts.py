"""Alert rules of the policy file: when somebody is to be told, who, and what is to be done at once."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from config.durations import Duration, Seconds

#: What a rule looks for.
KINDS = (
    "refused", "rows", "bytes", "lookups", "new-relation", "outside-hours", "new-network", "break-glass",
    "second-lock", "record", "token-reuse", "failed-sign-ins", "ending-in-transaction", "unusual",
)  # fmt: skip
Kind = Literal[
    "refused", "rows", "bytes", "lookups", "new-relation", "outside-hours", "new-network", "break-glass",
    "second-lock", "record", "token-reuse", "failed-sign-ins", "ending-in-transaction", "unusual",
]  # fmt: skip
#: Kinds that count, and so need to know how many in what time.
COUNTED = frozenset({"refused", "rows", "bytes", "lookups", "failed-sign-ins", "token-reuse"})
#: Kinds that a session does, so that it can be ended for them.
OF_SESSIONS = frozenset(KINDS) - {"break-glass", "record", "token-reuse", "failed-sign-ins"}
#: Whoever is named here need not be who did it.
NOT_OF_A_PERSON = frozenset({"record", "failed-sign-ins"})
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? (\d\d):(\d\d)-(\d\d):(\d\d)\Z")


def _hours(text: str) -> str:
    found = _HOURS.match(text)
    if found is None:
        raise ValueError('expected days and a time of day, such as "mon-fri 08:00-18:30"')
    _, _, hour, minute, to_hour, to_minute = found.groups()
    begin, end = int(hour) * 60 + int(minute), int(to_hour) * 60 + int(to_minute)
    if int(minute) > 59 or int(to_minute) > 59 or not begin < end <= 24 * 60:
        raise ValueError("a time of day is from 00:00 to 24:00, and the second comes after the first")
    return text


def minutes_of_week(hours: tuple[str, ...]) -> frozenset[int]:
    """The minutes that these hours allow, counted from Monday 00:00."""
    minutes: set[int] = set()
    for text in hours:
        found = _HOURS.match(text)
        assert found is not None, "checked when it was read"
        first, last, hour, minute, to_hour, to_minute = found.groups()
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days = range(begin, end + 1) if begin <= end else [*range(begin, 7), *range(end + 1)]
        for day in days:
            start = day * 1440
            minutes.update(range(start + int(hour) * 60 + int(minute), start + int(to_hour) * 60 + int(to_minute)))
    return frozenset(minutes)


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f'"{value}" stands here twice')
    return values


Names = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(strict=False), AfterValidator(_distinct)
]


class Alert(BaseModel):
    """One rule."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, validate_default=True, allow_inf_nan=False
    )

    when: Kind = Field(description=f"what it looks for: {', '.join(KINDS)}")
    count: Annotated[int, Field(ge=1, le=10**12)] | None = Field(
        default=None, description="so many (rows, bytes, refused statements, …) within that time"
    )
    within: Duration | None = Field(default=None, description='the time that they are counted over, such as "10m"')
    times_usual: Annotated[float, Field(gt=1, le=1000)] | None = Field(
        default=None, description="of rows and bytes: so many times the person's own usual day"
    )
    hours: Annotated[tuple[Annotated[str, AfterValidator(_hours)], ...], Field(strict=False)] = Field(
        default=(), description='of outside-hours: the working hours, such as ["mon-fri 08:00-18:00"]'
    )
    zone: str = Field(default="UTC", description='of outside-hours: their time zone, such as "Europe/Vienna"')
    score: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=None, description="of unusual: how far from the person's usual, 0 to 100; see docs/alerts.md"
    )
    remember: Seconds = Field(
        default=90 * 86_400, description="of new-relation and new-network: what was not seen for so long is new"
    )
    before: Seconds = Field(default=60, description="of ending-in-transaction: so long before the end of the grant")
    roles: Names = Field(default=(), description="only sessions of these roles; none: all")
    targets: Names = Field(default=(), description="only on these targets; none: all")
    relations: Names = Field(default=(), description="of new-relation: only these; none: all")
    notify: Names = Field(
        default=("*",), description='the sinks that hear of it, such as ["slack.team"]; "*": all that take alerts'
    )
    people: Names = Field(default=(), description="the people who get a mail")
    action: Literal["none", "end-session", "lock-person"] = Field(
        default="none", description='what is done at once: "end-session", "lock-person" (ends all of theirs)'
    )
    severity: Literal["notice", "warning", "critical"] = Field(default="warning", description="how pressing it is")
    quiet: Seconds = Field(
        default=900, description="after it fired for somebody, it says nothing more of them for so long"
    )

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError('expected a time zone, such as "Europe/Vienna"') from None
        return value

    @field_validator("within", "quiet", "remember", "before")
    @classmethod
    def _is_a_time(cls, value: int | None, info: ValidationInfo) -> int | None:
        longest = 366 * 86_400 if info.field_name == "remember" else 7 * 86_400
        least = 0 if info.field_name == "quiet" else 1
        if value is not None and not least <= value <= longest:
            raise ValueError(f"must be from {least} to {longest} seconds")
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Alert:
        by_usual = self.times_usual is not None
        if by_usual and self.when not in ("rows", "bytes"):
            raise ValueError("times_usual is for rows and bytes")
        if self.when in COUNTED and not by_usual and (self.count is None or self.within is None):
            raise ValueError(f'"{self.when}" needs count and within, such as count = 5, within = "10m"')
        if by_usual and (self.count is not None or self.within is not None):
            raise ValueError("times_usual takes the place of count and within")
        if self.when not in COUNTED and (self.count is not None or self.within is not None):
            raise ValueError(f'"{self.when}" counts nothing: leave count and within out')
        if (self.when == "outside-hours") != bool(self.hours):
            raise ValueError("hours go with outside-hours, and only with it")
        if (self.when == "unusual") != (self.score is not None):
            raise ValueError("score goes with unusual, and only with it")
        if self.relations and self.when != "new-relation":
            raise ValueError("relations are for new-relation")
        if self.action == "end-session" and self.when not in OF_SESSIONS:
            raise ValueError(f'"{self.when}" is of no session that could be ended')
        if self.action == "lock-person" and self.when in NOT_OF_A_PERSON:
            raise ValueError(f'"{self.when}" does not tell for sure who it was: anybody could have somebody locked')
        return self
