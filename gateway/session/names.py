"""What statements do to names, which names they need, and when that cannot be told yet.

SQL's PREPARE, EXECUTE, DEALLOCATE, DISCARD and DECLARE, FETCH, CLOSE share their names with the
protocol's Parse, Bind, Execute and Close (PG manual, 55.2.3).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.session.conversation import Conversation
from gateway.session.judge import LONG, PORTAL_NAMES, STATEMENT_NAMES, Judged, JudgedStatement
from gateway.session.lookups import NOT_BY_SQL, wanted_by
from gateway.session.statements import Names, Portal, Prepared, Taken, Undo
from gateway.session.temps import NOT_YET, uses_temps
from masking.policy import StatementKind
from masking.verdict import Refusal

#: As PostgreSQL says it; drivers prepare the statement again when they hear this.
CHANGED_PLAN = Refusal("0A000", "changed-catalog", "cached plan must not change result type")
TOO_MANY_NAMES = Refusal(
    "54000",
    "too-many-names",
    "too many prepared statements or cursors in this session",
    hint="Close or deallocate those that are no longer needed.",
)


def must_wait(talk: Conversation, judged: Judged) -> bool:
    """Does a statement in here use a name that an unanswered earlier batch changes?"""
    for statement in judged.statements:
        if not statement.about_names:
            continue
        names_a_statement = statement.kind in STATEMENT_NAMES or statement.kind is StatementKind.EXPLAIN
        if names_a_statement and unsettled(talk, talk.statements, statement.name):
            return True
        if statement.kind in PORTAL_NAMES and unsettled(talk, talk.portals, statement.name):
            return True
        if statement.kind is StatementKind.DISCARD and (
            unsettled(talk, talk.statements, None) or unsettled(talk, talk.portals, None)
        ):
            return True
    return False


def unsettled(talk: Conversation, names: Names[Prepared] | Names[Portal], name: str | None) -> bool:
    """Does a name (None: any) stand for what an unanswered earlier batch makes of it?"""
    if not talk.replies:
        return False
    if name is None:
        return names.any_unsettled(talk.batch)
    return names.unsettled(name, talk.batch)


def not_now(talk: Conversation, judged: Judged) -> Refusal | None:
    """Why these statements, judged well, may not run now all the same: a name for which there is
    no room, or a prepared statement whose judgement does not hold any more."""
    changes = talk.changes_temps or any(s.kind is StatementKind.TEMP_TABLES for s in judged.statements)
    if talk.changes_temps and uses_temps(judged):
        return NOT_YET
    for statement in judged.statements:
        if not statement.about_names:
            continue
        match statement.kind, statement.name:
            case StatementKind.PREPARE, _ if talk.statements.full:
                return TOO_MANY_NAMES
            case StatementKind.DECLARE, _ if talk.portals.full:
                return TOO_MANY_NAMES
            case StatementKind.EXECUTE | StatementKind.EXPLAIN, str(name):
                prepared = talk.statements.get(name)
                refusal = outdated(talk, prepared) if prepared is not None else None
                if refusal is None and prepared is not None and changes and uses_temps(prepared.judged):
                    refusal = NOT_YET
                if refusal is None and prepared is not None and wanted_by(prepared.judged):
                    refusal = NOT_BY_SQL
                if refusal is not None:
                    return refusal
            case StatementKind.FETCH, str(name):
                refusal = of_former_policy(talk, talk.portals.get(name))
                if refusal is not None:
                    return refusal
    return None


def of_former_policy(talk: Conversation, held: Prepared | Portal | None) -> Refusal | None:
    """Why a statement or a cursor may not go on that was judged before the policy changed. (A changed
    catalog leaves open cursors alone, as PostgreSQL does: their plan is made.)"""
    if held is None or not talk.former:
        return None
    prepared = held.prepared if isinstance(held, Portal) else held
    return None if prepared.judged.policy == talk.judge.policy.version else outdated(talk, prepared)


def outdated(talk: Conversation, prepared: Prepared) -> Refusal | None:
    """PostgreSQL plans a prepared statement anew when its tables change, so it is judged anew when
    the snapshot has changed, and when the policy has. What it says then must be what was prepared."""
    judge = talk.judge
    judged = prepared.judged
    if judged.catalog == judge.catalog.version and judged.policy == judge.policy.version and not judge.suspended:
        return None
    text = judged.original.encode()
    again = judge.judge(text) if len(text) <= LONG else judge.remembered(text)
    if again is None:
        return CHANGED_PLAN  # it may not have; whoever prepares it again will see
    if again.refusal is not None:
        return again.refusal
    return None if again.sent == judged.sent else CHANGED_PLAN


def effects(talk: Conversation, statement: JudgedStatement, judged: Judged, number: int) -> Sequence[Undo]:
    """What this statement does to names, noted now and taken back if it fails."""
    if not statement.about_names:
        return ()
    name = statement.name
    match statement.kind:
        case StatementKind.PREPARE if name is not None:
            return [talk.statements.set(name, Prepared(number, judged, statement, by_sql=True), talk.batch)]
        case StatementKind.DEALLOCATE if name is not None:
            return [talk.statements.drop(name, talk.batch)]
        case StatementKind.DEALLOCATE:
            return [talk.statements.drop_all(talk.batch)]
        case StatementKind.DECLARE if name is not None:
            held = Prepared(number, judged, statement, by_sql=True)
            cursor = Portal(held, taken=None if talk.limits is None else Taken())
            return [talk.portals.set(name, cursor, talk.batch)]
        case StatementKind.CLOSE if name is not None:
            return [talk.portals.drop(name, talk.batch)]
        case StatementKind.CLOSE:
            return [talk.portals.drop_all(talk.batch)]
        case StatementKind.DISCARD if statement.normalized.upper().rstrip("; ").endswith("ALL"):
            return [talk.statements.drop_all(talk.batch), talk.portals.drop_all(talk.batch)]
        case _:
            return []


def taken(talk: Conversation, statement: JudgedStatement) -> Taken | None:
    """What the cursor that this FETCH reads has given so far, where that is counted."""
    if talk.limits is None or statement.kind is not StatementKind.FETCH or statement.name is None:
        return None
    portal = talk.portals.get(statement.name)
    return portal.taken if portal is not None else None


def behind(talk: Conversation, statement: JudgedStatement) -> Prepared | None:
    """What EXECUTE (also in EXPLAIN) runs or FETCH reads; None for any other statement."""
    match statement.kind, statement.name:
        case StatementKind.EXECUTE | StatementKind.EXPLAIN, str(name):
            return talk.statements.get(name)
        case StatementKind.FETCH, str(name):
            portal = talk.portals.get(name)
            return portal.prepared if portal else None
        case _:
            return None
