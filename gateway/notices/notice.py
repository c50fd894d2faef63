"""One notice: what happened, whom it concerns, and how it is worded. No notice holds a secret or anything
of a statement's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from gateway.audit.facts import AccessChanged
from gateway.audit.visible import visible

#: How pressing it is, as RFC 5424 (section 6.2.1) numbers it.
SEVERITIES: Final[Mapping[str, int]] = {"critical": 2, "warning": 4, "notice": 5}

#: AccessChanged.what -> what people know it as.
EVENT_OF: Final[Mapping[str, str]] = {
    "requested": "asked",
    "edited": "asked",
    "extension-requested": "asked",
    "approved": "approved",
    "granted": "granted",
    "denied": "denied",
    "expired": "expired",
    "extended": "extended",
    "ended": "ended",
    "done": "ended",
    "lapsed": "ended",
    "revoked": "revoked",
    "break-glass": "break-glass",
    "person-locked": "locked",
}
#: These are for who decides (an emergency also for who might have taken it); everything else is for whom it is about.
FOR_REVIEWERS: Final = frozenset({"asked", "break-glass"})
_SEVERITY: Final[Mapping[str, str]] = {"break-glass": "critical", "locked": "warning", "revoked": "warning"}


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sent. Sinks render it; a webhook sends it as it is, in JSON."""

    id: str
    event: str
    #: RFC 3339, UTC.
    at: str
    title: str
    severity: str = "notice"
    #: Who is to hear of it, by name.
    people: tuple[str, ...] = ()
    by: str = ""
    person: str = ""
    role: str = ""
    target: str = ""
    reason: str = ""
    request: str = ""
    grant: str = ""
    ends_at: str = ""
    #: What to do next, as a command.
    next: str = ""
    link: str = ""
    #: What else there is to say, by name.
    details: dict[str, str] = {}


def about_change(
    fact: AccessChanged, *, notice_id: str, at: str, people: Sequence[str], public_url: str, asked_for: str = ""
) -> Notice | None:
    """The notice of a change; None of what nobody is told of. `asked_for` is how long, of a request."""
    event = EVENT_OF.get(fact.what)
    if event is None:
        return None
    return _notice(fact, event, notice_id=notice_id, at=at, people=people, public_url=public_url, asked_for=asked_for)


def about_ending(fact: AccessChanged, *, notice_id: str, at: str, public_url: str) -> Notice:
    """That a grant is about to end, for its owner."""
    return _notice(fact, "ending", notice_id=notice_id, at=at, people=(fact.person,), public_url=public_url)


def _notice(
    fact: AccessChanged,
    event: str,
    *,
    notice_id: str,
    at: str,
    people: Sequence[str],
    public_url: str,
    asked_for: str = "",
) -> Notice:
    return Notice(
        id=notice_id,
        event=event,
        at=at,
        title=_title(event, fact, asked_for),
        severity=_SEVERITY.get(event, "notice"),
        people=tuple(people),
        by=fact.by,
        person=fact.person,
        role=fact.role,
        target=fact.target,
        reason=fact.reason,
        request=fact.request,
        grant=fact.grant,
        ends_at=fact.ends_at,
        next=_next(event, fact),
        link=_link(fact, public_url),
    )


def _title(event: str, fact: AccessChanged, asked_for: str) -> str:
    what = f"{fact.role} on {fact.target}"
    match event:
        case "asked":
            more = " more time of" if fact.what == "extension-requested" else ""
            return f"{fact.person} asks for{more} {what}" + (f" for {asked_for}" if asked_for else "")
        case "approved":
            return f"{fact.by} approved the request of {fact.person} for {what}"
        case "granted":
            return f"{fact.person} was granted {what}"
        case "denied":
            return f"{fact.by} denied {fact.person} {what}"
        case "expired":
            return f"nobody answered the request of {fact.person} for {what}"
        case "extended":
            return f"the grant of {fact.person} for {what} was extended"
        case "ending":
            return f"the grant of {fact.person} for {what} is about to end"
        case "ended":
            return f"the grant of {fact.person} for {what} has ended"
        case "revoked":
            return f"{fact.by} revoked the grant of {fact.person} for {what}"
        case "break-glass":
            return f"{fact.person} broke the glass: {what}, without an approval"
        case "locked":
            return f"the account of {fact.person} was locked by {fact.by}"
        case _:
            return f"{event}: {fact.person} {what}"


def _next(event: str, fact: AccessChanged) -> str:
    match event:
        case "asked":
            return f"pgcurfew approve {fact.request}" + (f".{fact.version}" if fact.version > 1 else "")
        case "ending":
            return f"pgcurfew extend {fact.grant}"
        case "break-glass":
            return f"pgcurfew review {fact.grant}"
        case _:
            return ""


def _link(fact: AccessChanged, public_url: str) -> str:
    if fact.grant:
        return f"{public_url}/v1/grants/{fact.grant}"
    return f"{public_url}/v1/requests/{fact.request}" if fact.request else ""


def lines(notice: Notice) -> list[tuple[str, str]]:
    """What a person reads below the title: names and values, each on one line and safe to show."""
    pairs = [
        ("who", notice.person),
        ("target", notice.target),
        ("role", notice.role),
        ("reason", notice.reason),
        ("by", notice.by),
        ("ends", notice.ends_at),
        ("request", notice.request),
        ("grant", notice.grant),
        *notice.details.items(),
        ("next", notice.next),
        ("link", notice.link),
    ]
    return [(name, visible(value)) for name, value in pairs if value]
