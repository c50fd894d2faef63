"""At the door: whether a good token, its grant and its person let somebody in now.

Pure: what the store knows and how many sessions are open come in as arguments. SQLSTATEs
as in the PostgreSQL manual, Appendix A: 28P01 for what is wrong with the token, 28000 for
what it may open, 53300 for too many sessions.
"""

from __future__ import annotations

from datetime import datetime

from gateway.access import bindings, grants
from gateway.access.errors import AdmissionRefused
from gateway.access.models import Admission, GrantState, RoleTerms, Standing
from gateway.access.tokens import FRESH, Claims


def admission(
    claims: Claims,
    standing: Standing | None,
    *,
    user: str,
    database: str,
    now: datetime,
    terms: RoleTerms | None,
    open_sessions: int,
    session_limit: int | None,
    client: str,
    certificate: str,
    open_by_token: int,
) -> Admission:
    """The admission, or AdmissionRefused. `claims` are those of a token with a good signature;
    `standing` is what the store knows under its id; `terms` are those of the grant's role.
    Whether this is a single-use token's first use, the caller has to ask the store."""

    def refused(cause: str, message: str, hint: str, sqlstate: str = "28000") -> AdmissionRefused:
        return AdmissionRefused(cause, sqlstate, message, hint, token_id=claims.token_id, person=claims.person)

    if claims.person != user:
        raise refused(
            "user-mismatch",
            f'the token was issued to "{claims.person}" and cannot be used as "{_shown(user)}"',
            f"connect with user={claims.person}",
            "28P01",
        )
    if standing is None or standing.token.grant != claims.grant or standing.token.person != claims.person:
        raise refused("token-unknown", "this gateway has no record of the token", FRESH, "28P01")
    grant, person = standing.grant, standing.person
    if person.locked:
        raise refused("person-locked", f'the account "{person.name}" is locked', "ask an administrator")
    state = grant.state_at(now)
    if state is not GrantState.ACTIVE:
        raise refused(f"grant-{state}", grants.over(grant, state), grants.next_step(state))
    if grant.target != database:
        raise refused(
            "database-mismatch",
            f'the token is for the database "{grant.target}" and does not open "{_shown(database)}"',
            f"connect with dbname={grant.target}",
        )
    if terms is None or grant.target not in terms.targets:
        raise refused(
            "role-gone",
            f'the policy no longer gives the role "{grant.role}" on "{grant.target}"',
            "ask an administrator",
        )
    against = bindings.doubt(
        claims,
        standing.token,
        terms.token,
        client=client,
        certificate=certificate,
        now=now,
        open_sessions=open_by_token,
    )
    if against is not None:
        raise refused(against.cause, against.message, against.hint, against.sqlstate)
    limits = [limit for limit in (terms.sessions, session_limit) if limit is not None]
    if limits and open_sessions >= min(limits):
        raise refused(
            "too-many-sessions",
            f"the grant {grant.id} has {open_sessions} sessions open, which is all it may have",
            "close one of them",
            "53300",
        )
    session_ends_at = standing.token.session_ends_at
    return Admission(
        grant,
        claims.token_id,
        person,
        min(session_ends_at or grant.ends_at, grant.ends_at),
        standing.token.key,
        follows_grant=session_ends_at is None,
    )


def _shown(text: str) -> str:
    """What a client sent, cut and made printable."""
    return text[:63].encode("ascii", "backslashreplace").decode("ascii") if text.isprintable() else "?"
