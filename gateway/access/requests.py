"""The life of a request: what may be asked, what was decided, and what follows from it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta

from config.durations import format_duration
from gateway.access.errors import NotPossible, NotValid
from gateway.access.models import (
    REQUEST_MOVES,
    AccessRequest,
    Grant,
    RequestMove,
    RequestState,
    RoleTerms,
)

#: A pending request waits this long for an answer.
PENDING_FOR = timedelta(hours=24)
REASON_MAX_LENGTH = 1000
SHORTEST_SECONDS = 1


def new_request(
    *, request_id: str, person: str, target: str, terms: RoleTerms, reason: str, seconds: int, now: datetime
) -> AccessRequest:
    """A pending request that fits the role's terms. Raises NotValid, saying which term it breaks."""
    if target not in terms.targets:
        known = ", ".join(sorted(terms.targets)) or "none"
        raise NotValid("target", f'the role "{terms.role}" does not exist on "{target}"', f"its targets: {known}")
    return AccessRequest(
        id=request_id,
        person=person,
        target=target,
        role=terms.role,
        reason=fitting_reason(reason, terms),
        seconds=fitting_seconds(seconds, terms),
        asked_at=now,
        expires_at=now + PENDING_FOR,
    )


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


def grant_of(request: AccessRequest, *, grant_id: str, approvers: tuple[str, ...], now: datetime) -> Grant:
    """The grant that the request's last approval makes. The clock starts now, not at the first use; in
    whole seconds, so that a token (RFC 7519 counts in seconds) can end exactly when its grant does."""
    starts_at = now.replace(microsecond=0)
    return Grant(
        id=grant_id,
        request=request.id,
        person=request.person,
        target=request.target,
        role=request.role,
        reason=request.reason,
        approvers=approvers,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=request.seconds),
    )


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
