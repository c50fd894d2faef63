"""The life of a grant: active, then ended or revoked; what it gives and to which token."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.access.bindings import TokenWish
from gateway.access.errors import NotPossible
from gateway.access.models import (
    GRANT_MOVES,
    Grant,
    GrantMove,
    GrantState,
    IssuedToken,
)
from gateway.access.tokens import said

#: A token opens the door for so long when nobody asks for less, and never past its grant. Sessions live on.
TOKEN_FOR = timedelta(hours=12)


def moved(grant: Grant, move: GrantMove, now: datetime) -> GrantState:
    """The state after `move`, by the table. Raises NotPossible, saying what the grant is now."""
    state = grant.state_at(now)
    after = GRANT_MOVES.get((state, move))
    if after is None:
        raise NotPossible(f"grant-{state}", over(grant, state), next_step(state))
    return after


def over(grant: Grant, state: GrantState) -> str:
    """How the grant came to its end, as a sentence for its owner."""
    match state:
        case GrantState.REVOKED:
            at = said(grant.revoked_at) if grant.revoked_at else "an unknown time"
            why = f": {grant.revoked_reason}" if grant.revoked_reason else ""
            return f"the grant {grant.id} was revoked by {grant.revoked_by} at {at}{why}"
        case GrantState.ENDED:
            return f"the grant {grant.id} ended at {said(grant.ends_at)}"
        case GrantState.DONE:
            at = said(grant.ended_at) if grant.ended_at else "an unknown time"
            return f"the grant {grant.id} was handed back by its owner at {at}"
        case GrantState.LAPSED:
            by = f" by {said(grant.lapses_at)}" if grant.lapses_at else ""
            return f"the grant {grant.id} lapsed: nobody had used it{by}"
        case GrantState.SCHEDULED:
            return f"the grant {grant.id} begins at {said(grant.starts_at)}"
        case GrantState.ACTIVE:
            return f"the grant {grant.id} is active until {said(grant.ends_at)}"


ASK_AGAIN = 'ask for access again with "pgcurfew request"'


def next_step(state: GrantState) -> str:
    """What the owner of a grant in this state can do."""
    return "wait until then" if state is GrantState.SCHEDULED else ASK_AGAIN


def token_for(grant: Grant, *, token_id: str, now: datetime, wish: TokenWish, key: str) -> IssuedToken:
    """A token of an active grant, as wished for and never past the grant, signed by that key. Raises NotPossible."""
    state = grant.state_at(now)
    if state is not GrantState.ACTIVE:
        raise NotPossible(f"grant-{state}", over(grant, state), next_step(state))
    issued_at = now.replace(microsecond=0)
    life = TOKEN_FOR if wish.seconds is None else timedelta(seconds=wish.seconds)
    enter = life if wish.enter_seconds is None else min(life, timedelta(seconds=wish.enter_seconds))
    ends_at = min(issued_at + enter, grant.ends_at)
    if ends_at <= issued_at:
        raise NotPossible("grant-ended", f"the grant {grant.id} ends this very second", ASK_AGAIN)
    return IssuedToken(
        id=token_id,
        grant=grant.id,
        person=grant.person,
        issued_at=issued_at,
        ends_at=ends_at,
        key=key,
        session_ends_at=None if wish.seconds is None else issued_at + life,
        once=wish.once,
        sessions=wish.sessions,
        networks=wish.networks,
        certificate=wish.certificate,
    )
