"""Changes as the record words them (`gateway.audit.facts.AccessChanged`)."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.access.models import AccessRequest, Grant, IssuedToken
from gateway.audit.facts import AccessChanged


def about_request(request: AccessRequest, what: str, by: str, reason: str = "") -> AccessChanged:
    """What was done to a request, by whom."""
    return AccessChanged(
        what=what,
        by=by,
        request=request.id,
        person=request.person,
        role=request.role,
        target=request.target,
        reason=reason,
        version=request.version,
    )


def about_grant(grant: Grant, what: str, by: str, reason: str = "") -> AccessChanged:
    """What was done to a grant, by whom."""
    return AccessChanged(
        what=what,
        by=by,
        request=grant.request,
        grant=grant.id,
        person=grant.person,
        role=grant.role,
        target=grant.target,
        reason=reason,
        ends_at=_rfc3339(grant.ends_at),
    )


def about_token(
    grant: Grant, token: IssuedToken, what: str = "token-minted", by: str = "", reason: str = ""
) -> AccessChanged:
    """What became of a token: its id, never its text."""
    return AccessChanged(
        what=what,
        by=by or token.person,
        request=grant.request,
        grant=grant.id,
        person=token.person,
        role=grant.role,
        target=grant.target,
        reason=reason,
        ends_at=_rfc3339(token.ends_at),
        token=token.id,
        key=token.key,
    )


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
