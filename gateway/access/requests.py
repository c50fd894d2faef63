"""The life of a request: what may be asked, what was decided, and what follows from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from config.durations import format_duration
from gateway.access.errors import NotPossible, NotValid
from gateway.access.extent import WHOLE, Extent, fitting_extent
from gateway.access.models import (
    REQUEST_MOVES,
    AccessRequest,
    Grant,
    How,
    RequestMove,
    RequestState,
    RoleTerms,
)
from gateway.access.tokens import said

REASON_MAX_LENGTH = 1000
SHORTEST_SECONDS = 1
#: A start may be scheduled so far ahead.
LATEST_START = timedelta(days=30)


def new_request(
    *,
    request_id: str,
    person: str,
    target: str,
    terms: RoleTerms,
    reason: str,
    seconds: int,
    now: datetime,
    extent: Extent = WHOLE,
    starts_at: datetime | None = None,
) -> AccessRequest:
    """A pending request that fits the role's terms. Raises NotValid, saying which term it breaks."""
    if target not in terms.targets:
        known = ", ".join(sorted(terms.targets)) or "none"
        raise NotValid("target", f'the role "{terms.role}" does not exist on "{target}"', f"its targets: {known}")
    start = fitting_start(starts_at, now)
    length = fitting_seconds(seconds, terms)
    return AccessRequest(
        id=request_id,
        person=person,
        target=target,
        role=terms.role,
        reason=fitting_reason(reason, terms),
        seconds=length,
        asked_at=now,
        expires_at=_waits_until(terms, now, start, length),
        extent=fitting_extent(extent, terms.shown, terms.role),
        starts_at=start,
    )


def edited(
    request: AccessRequest,
    *,
    terms: RoleTerms,
    now: datetime,
    reason: str | None = None,
    seconds: int | None = None,
    extent: Extent | None = None,
    starts_at: datetime | None = None,
) -> AccessRequest:
    """The next version of a pending request, which nobody has decided on; None leaves things as they
    are. Raises NotValid, NotPossible."""
    moved(request, RequestMove.EDIT, now)
    if request.extends is not None and (extent is not None or starts_at is not None):
        raise NotValid("extension", "an extension changes nothing but the end", "ask for another grant")
    again = new_request(
        request_id=request.id,
        person=request.person,
        target=request.target,
        terms=terms,
        reason=request.reason if reason is None else reason,
        seconds=request.seconds if seconds is None else seconds,
        now=now,
        extent=request.extent if extent is None else extent,
        starts_at=request.starts_at if starts_at is None else starts_at,
    )
    after = replace(again, asked_at=request.asked_at, version=request.version + 1, extends=request.extends)
    if request.extends is not None:
        after = replace(after, expires_at=request.expires_at)
    if _wish(after) == _wish(request):
        raise NotValid("edit", "nothing would change", 'say what, such as --for 1h or --reason "…"')
    return after


def new_extension(
    *, request_id: str, grant: Grant, terms: RoleTerms, reason: str, seconds: int, now: datetime
) -> AccessRequest:
    """A pending request to let a grant go on for `seconds` after its end. Raises NotValid."""
    request = new_request(
        request_id=request_id,
        person=grant.person,
        target=grant.target,
        terms=terms,
        reason=reason,
        seconds=fitting_extension(grant, seconds, terms),
        now=now,
        extent=grant.extent,
    )
    return replace(request, extends=grant.id, expires_at=min(request.expires_at, grant.ends_at))


def fitting_extension(grant: Grant, seconds: int, terms: RoleTerms) -> int:
    """So many more seconds, if the whole grant then is no longer than the role is given for. Raises NotValid."""
    held = int((grant.ends_at - grant.starts_at).total_seconds())
    if held + seconds <= terms.max_seconds:
        return seconds
    longest, left = format_duration(terms.max_seconds), terms.max_seconds - held
    raise NotValid(
        "duration",
        f'the role "{terms.role}" is given for {longest} at most, extensions included; '
        f"this grant has {format_duration(held)}",
        f"extend it by {format_duration(left)} at most" if left > 0 else 'ask for another one with "pgcurfew request"',
    )


def fitting_start(starts_at: datetime | None, now: datetime) -> datetime | None:
    """A scheduled start, in whole seconds; one that is now or past is no schedule. Raises NotValid."""
    if starts_at is None:
        return None
    # Compared as it came: what is far away need not be a time in UTC at all.
    if starts_at > now + LATEST_START:
        days = LATEST_START.days
        raise NotValid("start", f"the start is more than {days} days ahead", "ask when the time has come nearer")
    if starts_at < now - timedelta(minutes=1):
        raise NotValid("start", "that start is over", "leave it out to begin with the approval")
    start = starts_at.astimezone(UTC).replace(microsecond=0)
    return start if start > now else None


def _waits_until(terms: RoleTerms, now: datetime, start: datetime | None, seconds: int) -> datetime:
    """A request waits for an answer until its time is up, or until the grant would be over."""
    waits = now + timedelta(seconds=terms.pending_seconds)
    return waits if start is None else min(waits, start + timedelta(seconds=seconds))


def _wish(request: AccessRequest) -> tuple[object, ...]:
    return request.reason, request.seconds, request.extent, request.starts_at


def fitting_reason(reason: str, terms: RoleTerms) -> str:
    """The reason, trimmed, if it is one the role accepts. Raises NotValid."""
    text = plain_text(reason, "reason", required=True)
    if len(text) < terms.reason_min_length:
        raise NotValid(
            "reason",
            f'the role "{terms.role}" wants a reason of at least {terms.reason_min_length} characters; '
            f"this one has {len(text)}",
            "say what you will do and for whom: reviewers and auditors read it",
        )
    choices = terms.reason_choices
    if choices and not any(text == choice or text.startswith(f"{choice}: ") for choice in choices):
        raise NotValid(
            "reason",
            f'the role "{terms.role}" wants a reason that begins with one of: {", ".join(choices)}',
            f'such as --reason "{choices[0]}: what it is about"',
        )
    if terms.reason_pattern is not None and not re.search(terms.reason_pattern, text):
        raise NotValid(
            "reason",
            f'the role "{terms.role}" wants a reason that matches {terms.reason_pattern}',
            "name the ticket that this is about",
        )
    return text


def plain_text(text: str, what: str, *, required: bool = False) -> str:
    """A text that people will read, on one line. Refuses what a terminal would obey (control and
    format characters, such as escapes and reversed writing), and what is far too long."""
    text = " ".join(text.split())
    if required and not any(unicodedata.category(character)[0] in "LN" for character in text):
        raise NotValid(what, f"a {what} is mandatory", 'give it with --reason "…"; it is kept with everything you do')
    if len(text) > REASON_MAX_LENGTH:
        raise NotValid(what, f"the {what} is longer than {REASON_MAX_LENGTH} characters", "shorten it")
    if any(unicodedata.category(character) in _UNSAFE and character not in _JOINERS for character in text):
        raise NotValid(what, f"the {what} holds control characters", "write it in plain text")
    return text


#: Control, format, surrogate, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Format characters that some scripts and emoji cannot be written without.
_JOINERS = "\u200c\u200d"


def fitting_seconds(seconds: int, terms: RoleTerms) -> int:
    """The duration, if the role gives that much. Raises NotValid."""
    if seconds < SHORTEST_SECONDS:
        raise NotValid(
            "duration", f"the shortest duration is {format_duration(SHORTEST_SECONDS)}", "ask for a longer time"
        )
    if seconds > terms.max_seconds:
        longest = format_duration(terms.max_seconds)
        raise NotValid(
            "duration",
            f'the role "{terms.role}" is given for {longest} at most; {format_duration(seconds)} was asked for',
            f"ask with --for {longest}",
        )
    return seconds


def moved(request: AccessRequest, move: RequestMove, now: datetime) -> RequestState:
    """The state after `move`, by the table. Raises NotPossible, saying what the request is now."""
    state = request.state_at(now)
    after = REQUEST_MOVES.get((state, move))
    if after is None:
        raise NotPossible(
            f"request-{state}", f"the request {request.id} is {state}; it cannot be changed any more", _next_step(state)
        )
    return after


def grant_of(
    request: AccessRequest,
    *,
    grant_id: str,
    approvers: tuple[str, ...],
    terms: RoleTerms,
    now: datetime,
    how: How = How.APPROVED,
) -> Grant:
    """The grant that the request's last approval makes, cut down to what each approver agreed to. The
    clock starts now or at the scheduled start, never at the first use; in whole seconds, so that a token
    (RFC 7519 counts in seconds) can end exactly when its grant does. Raises NotPossible."""
    seconds, extent = agreed(request, approvers)
    # Approved after its scheduled start, it ends when it would have ended.
    begins = (request.starts_at or now).replace(microsecond=0)
    starts_at, ends_at = max(begins, now.replace(microsecond=0)), begins + timedelta(seconds=seconds)
    if ends_at <= now:
        raise NotPossible("request-late", f"the grant would have ended at {said(ends_at)}", "let them ask again")
    lapses_at = starts_at + timedelta(seconds=terms.lapse_seconds)
    return Grant(
        id=grant_id,
        request=request.id,
        person=request.person,
        target=request.target,
        role=request.role,
        reason=request.reason,
        approvers=approvers,
        starts_at=starts_at,
        ends_at=ends_at,
        lapses_at=lapses_at if lapses_at < ends_at else None,
        how=how,
        extent=extent,
    )


def agreed(request: AccessRequest, approvers: Collection[str]) -> tuple[int, Extent]:
    """How long, and what: no more than any of these approvers agreed to. Raises NotPossible."""
    seconds, extent = request.seconds, request.extent
    for decision in request.decisions:
        if decision.by not in approvers:
            continue
        seconds = min(seconds, decision.seconds or seconds)
        shared = extent.both(decision.extent or WHOLE)
        if shared is None:
            raise NotPossible(
                "nothing-left", "the reviewers agreed to different relations: nothing is left", "talk to each other"
            )
        extent = shared
    return seconds, extent


def auto_approval(request: AccessRequest, terms: RoleTerms, groups: frozenset[str], now: datetime) -> str | None:
    """The name of the policy's condition under which nobody needs to approve the request."""
    if request.extends is not None:
        return None
    for auto in terms.auto:
        if auto.fits(
            person=request.person,
            groups=groups,
            target=request.target,
            starts_at=request.starts_at or now,
            seconds=request.seconds,
        ):
            return auto.name
    return None


def as_of(request: AccessRequest, now: datetime) -> AccessRequest:
    """The request as it is to be shown at `now`."""
    return replace(request, state=request.state_at(now))


def _next_step(state: RequestState) -> str:
    match state:
        case RequestState.EXPIRED | RequestState.DENIED | RequestState.CANCELLED:
            return 'ask again with "pgcurfew request"'
        case RequestState.APPROVED:
            return 'see "pgcurfew grants"'
        case RequestState.PENDING:
            return ""
