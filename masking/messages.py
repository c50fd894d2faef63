"""Whose words a statement's errors and notices may be: code that the database's owner wrote runs over raw values.

A view, a policy, a trigger, a check, a generated column or a foreign table computes on what masks hide, and
its errors can quote it: `invalid input syntax for type integer: "…"`, or what RAISE says (PG manual 43.9). What
the role itself wrote holds masks only, so a statement that runs none of these keeps its messages.
"""

from __future__ import annotations

from collections.abc import Iterator

from masking.catalog import Relation
from masking.nodes import kind_of, message_children, strings
from masking.parse import Message
from masking.policy import MaskKind, Messages, StatementKind
from masking.sight import Sight
from masking.walk import Walk

__all__ = ["Messages", "messages_of"]

#: What these run was said elsewhere, or is no statement at all: a deferred trigger, an index's expressions.
_ELSEWHERE = frozenset(
    {
        StatementKind.EXECUTE,
        StatementKind.FETCH,
        StatementKind.CLOSE,
        StatementKind.TRANSACTION,
        StatementKind.TRUNCATE,
        StatementKind.VACUUM,
        StatementKind.ANALYZE,
        StatementKind.DISCARD,
    }
)
#: Since this version a generated column can be computed when it is read.
_VIRTUAL_COLUMNS = 180000


def messages_of(walk: Walk, kind: StatementKind, node: Message) -> Messages:
    """Which messages of one statement, whose analysis is done, may pass."""
    sight = walk.sight
    if walk.policy.messages == "full" or not sight.hides_anything:
        return Messages.FULL
    if kind in _ELSEWHERE or (kind is StatementKind.EXPLAIN and kind_of(node.explain_stmt.query) == "execute_stmt"):
        return Messages.WITHHELD
    relations = [touch.seen.relation for touch in walk.touched.values() if not touch.seen.system]
    if any(_reading_computes(sight, relation) for relation in relations):
        return Messages.WITHHELD
    if walk.writes and any(_writing_computes(sight, relation) for relation in relations):
        return Messages.WITHHELD
    return Messages.RAISED if _calls_listed(walk, node) else Messages.SHOWN


def _reading_computes(sight: Sight, relation: Relation) -> bool:
    """Does code of the owner see hidden values when this is read?"""
    for part in _stored_below(sight, relation):
        if part.hides_rows:
            return True
        if part.kind == "v" and part.runs:
            return True
        if part.kind == "f" and _hidden(sight, part):
            return True
        if sight.catalog.server_version >= _VIRTUAL_COLUMNS and any(column.generated for column in part.columns):
            return True
    if relation.kind != "v":
        return False
    return any(_hidden(sight, part) for part in _stored_below(sight, relation))


def _stored_below(sight: Sight, relation: Relation) -> Iterator[Relation]:
    """A relation, what a view reads, and what is stored under the name of each."""
    todo, met = [relation.oid], set[int]()
    while todo:
        oid = todo.pop()
        found = sight.catalog.relation_by_oid.get(oid)
        if oid in met or found is None:
            continue
        met.add(oid)
        yield found
        todo += (*found.below, *found.children)


def _writing_computes(sight: Sight, relation: Relation) -> bool:
    """Does code of the owner see hidden values when this is written, or what foreign keys change with it?"""
    todo, met = [relation], set[int]()
    while todo:
        current = todo.pop()
        for part in _stored_below(sight, current):
            if part.oid in met:
                continue
            met.add(part.oid)
            if part.runs or part.hides_rows or part.kind in ("f", "v") or any(column.checks for column in part.columns):
                return True
            if _hidden(sight, part):
                return True
            todo += (source for source, _ in sight.catalog.referencing.get(part.oid, ()))
    return False


def _hidden(sight: Sight, relation: Relation) -> bool:
    seen = sight.see(relation)
    return seen is None or any(mask.kind is not MaskKind.CLEAR for mask in seen.masks.values())


def _calls_listed(walk: Walk, node: Message) -> bool:
    """Does it run functions of users that the role lists? What they raise is meant to be read; an error of
    something inside them is not."""
    calls = walk.calls
    if not walk.policy.functions:
        return False
    if any(
        (t.seen.relation.schema, t.seen.relation.name) in calls.catalog.casts_of_type for t in walk.touched.values()
    ):
        return True
    todo = [node]
    while todo:
        message = todo.pop()
        match message.DESCRIPTOR.name:
            case "FuncCall" if calls.names_listed(strings(message.funcname)):
                return True
            case "ColumnRef" if calls.names_listed(strings(message.fields[-1:])):
                return True
            case "A_Indirection" if any(calls.names_listed([name]) for name in strings(message.indirection)):
                return True
            case "A_Expr" if calls.is_of_users(strings(message.name)):
                return True
            case "SubLink" if calls.is_of_users(strings(message.oper_name)):
                return True
            case "SortBy" if calls.is_of_users(strings(message.use_op)):
                return True
            case "TypeName" if calls.type_runs_code(strings(message.names)):
                return True
        todo.extend(message_children(message))
    return False
