"""How somebody comes by a role: who asks, who decides, what needs nobody's approval, what an emergency gives."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, field_validator

from config.durations import Duration
from config.policy_table import Table, Words, distinct
from config.problems import suggestion

#: The prefix of a single person among groups.
PERSON = "person:"
#: Among approvers: whoever owns the target, as the settings say.
OWNER = "target:owner"
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,62}\Z")
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z", re.ASCII)
_RULE = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")


def split(whom: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Groups, and people by name; what is neither ("*", "target:owner") is in neither."""
    people = frozenset(word.removeprefix(PERSON) for word in whom if word.startswith(PERSON))
    return frozenset(word for word in whom if ":" not in word and word != "*"), people


def _known_form(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        kind, colon, name = value.partition(":")
        if colon and value != OWNER and (f"{kind}:" != PERSON or not _NAME.match(name)):
            raise ValueError(f'"{value}" is neither a group nor "person:NAME"')
    return values


def _no_owner(values: tuple[str, ...]) -> tuple[str, ...]:
    if OWNER in values:
        raise ValueError(f'"{OWNER}" stands among approvers only')
    return values


def owners(values: tuple[str, ...]) -> tuple[str, ...]:
    """Whom a target's settings name as its owner: groups, and "person:NAME"."""
    return _no_owner(_known_form(distinct(values)))


#: Groups, and "person:NAME".
Whom = Annotated[Words, Field(min_length=1), AfterValidator(_known_form), AfterValidator(_no_owner)]
#: The same, and "target:owner".
Deciders = Annotated[Words, Field(min_length=1), AfterValidator(_known_form)]


class Reason(Table):
    """What a request's reason has to look like."""

    min_length: Annotated[int, Field(ge=1, le=1000)] = Field(default=10, description="characters, 1 to 1000")
    pattern: str | None = Field(default=None, description="a regular expression to be found in it, such as a ticket's")
    choices: Words = Field(
        default=(), description='it begins with one of these, such as ["incident", "support"]: "incident: db1 is slow"'
    )

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return value


class AutoApprove(Table):
    """Conditions under which a request is approved at once, and recorded as approved by them."""

    requesters: Whom = Field(description="the groups whose people it is for, such as those on call")
    max_duration: Duration = Field(description='the longest grant that needs nobody, such as "30m"')
    hours: str | None = Field(
        default=None, description='such as "08:00-18:00"; the whole grant lies within them; none: at any time'
    )
    days: Annotated[
        tuple[Day, ...],
        Field(strict=False, min_length=1),
        AfterValidator(distinct),
    ] = Field(default=DAYS, description="days on which the hours begin")
    zone: str = Field(default="UTC", description='the time zone of the hours, such as "Europe/Berlin"')
    targets: Words = Field(default=(), description="on which of the role's targets; none: on all of them")

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, value: str | None) -> str | None:
        found = None if value is None else _HOURS.match(value)
        if value is not None and (found is None or not all(minute <= 24 * 60 for minute in minutes(value))):
            raise ValueError('expected hours such as "08:00-18:00"; "22:00-06:00" goes past midnight')
        if value is not None and minutes(value)[0] in (minutes(value)[1], 24 * 60):
            raise ValueError("begins when it ends")
        return value

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, KeyError):
            close = suggestion(value, sorted(available_timezones()))
            raise ValueError(
                f"is no time zone known here{f'; did you mean {close!r}?' if close else ', such as Europe/Berlin'}"
            ) from None
        return value


class BreakGlass(Table):
    """Who comes by the role at once in an emergency; somebody else reviews it afterwards."""

    people: Whom = Field(description="groups, and people by name")
    max_duration: Duration = Field(description='the longest such grant, such as "30m"')
    review_within: Duration | None = Field(
        default=None, description='not reviewed by somebody else by then, the person is locked out; none: "24h"'
    )

    @field_validator("review_within")
    @classmethod
    def _is_soon(cls, value: int | None) -> int | None:
        if value is not None and not 60 <= value <= 7 * 86_400:
            raise ValueError('must be at least "1m" and at most "7d"')
        return value


def minutes(hours: str) -> tuple[int, int]:
    """Minutes since midnight of both ends of "08:00-18:00"."""
    found = _HOURS.match(hours)
    assert found is not None, "the file was checked"
    h1, m1, h2, m2 = (int(part) for part in found.groups())
    return h1 * 60 + m1, h2 * 60 + m2


def rule_name(text: str) -> str:
    """The name of a set of conditions."""
    if not _RULE.match(text):
        raise ValueError("a name is a small letter, then up to 62 small letters, digits, hyphens, underscores")
    return text
