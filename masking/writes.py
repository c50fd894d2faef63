"""INSERT, UPDATE, DELETE and MERGE: what may be written, and what a write may look at.

The target of a write stays the raw relation, so nothing of it that is masked may be read: not in
SET, WHERE, ON CONFLICT or a condition of MERGE. RETURNING shows masks. What feeds a write comes
clear or not at all: a mask written to a table would be damage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from masking.analyse import Analysis
from masking.nodes import inside, kind_of, message_children
from masking.parse import Message, pg
from masking.policy import StatementKind
from masking.probes import changing_tells, deleting_tells, supplying_tells
from masking.refusal import not_understood
from masking.rewrite import finish_from, is_star, write_out_returning
from masking.rules import probes_constraint, where_required, write_not_permitted
from masking.scope import Entry, Output, Scope
from masking.sight import Seen
from masking.temporary import own

KINDS = {
    "insert_stmt": StatementKind.INSERT,
    "update_stmt": StatementKind.UPDATE,
    "delete_stmt": StatementKind.DELETE,
    "merge_stmt": StatementKind.MERGE,
}


def modify(analysis: Analysis, node: Message, parent: Scope) -> Output:
    """Judge a data-modifying statement; answers with the columns of its RETURNING."""
    kind = kind_of(node)
    message = inside(node)
    # Into a temporary table go masks, as everywhere that the role looks.
    into_own = own(analysis, message.relation)
    if not into_own:
        analysis.require_kind(KINDS[kind])
    analysis.writes = analysis.writes or not into_own
    outside, analysis.feeding_a_write = analysis.feeding_a_write, analysis.feeding_a_write or not into_own
    scope = analysis.with_clause(message, parent)
    seen = analysis.relation(message.relation)
    if not seen.may_write_any:
        raise write_not_permitted(seen, None, analysis.policy.role, message.relation.location)
    target = _target(message.relation, seen)
    match kind:
        case "insert_stmt":
            level, everything = _insert(analysis, message, scope, target)
        case "update_stmt":
            level, everything = _update(analysis, message, scope, target)
        case "delete_stmt":
            level, everything = _delete(analysis, message, scope, target)
        case _:
            level, everything = _merge(analysis, message, scope, target)
    analysis.feeding_a_write = outside
    output = _returning(analysis, message, level, target)
    stars = any(is_star(node) for node in message.returning_clause.exprs)
    analysis.masked = finish_from(level, everything, stars, analysis.splices) or analysis.masked
    return output


def _target(reference: Message, seen: Seen) -> Entry:
    aliased = reference.HasField("alias")
    name = reference.alias.aliasname if aliased else reference.relname
    return Entry(name, Output([c.name for c in seen.relation.columns]), seen=seen, aliased=aliased, raw=True)


def _write(
    analysis: Analysis, seen: Seen, column: str, offset: int, *, supplied: bool = True, changed: bool = False
) -> None:
    """A value goes into a column: the role must be allowed to, and the outcome must not be an answer.
    `supplied`: it is the role's own value; `changed`: it goes into a row that is there already."""
    if not seen.may_write(column):
        raise write_not_permitted(seen, column, analysis.policy.role, offset)
    analysis.touch(seen).written.add(column)
    if supplied:
        refuse_probe(analysis, seen, column, offset)
    if changed and not analysis.policy.may_probe_constraints and changing_tells(analysis.sight, seen, column):
        raise probes_constraint(seen, column, offset)


def refuse_probe(analysis: Analysis, seen: Seen, column: str, offset: int | None = None) -> None:
    """A unique or foreign-key violation tells whether a masked value exists."""
    if not analysis.policy.may_probe_constraints and supplying_tells(analysis.sight, seen, column):
        raise probes_constraint(seen, column, offset)


def _delete_rows(analysis: Analysis, seen: Seen, offset: int) -> None:
    if not seen.may_write_all:
        raise write_not_permitted(seen, None, analysis.policy.role, offset)
    if not analysis.policy.may_probe_constraints and deleting_tells(analysis.sight, seen):
        raise probes_constraint(seen, None, offset)
    analysis.touch(seen).written.update(c.name for c in seen.relation.columns)


def _insert(analysis: Analysis, message: Message, scope: Scope, target: Entry) -> tuple[Scope, list[Entry]]:
    assert target.seen is not None
    seen = target.seen
    own = [column.name for column in seen.relation.columns]
    rows = message.select_stmt.select_stmt.values_lists if message.HasField("select_stmt") else []
    defaulted = _defaulted(rows)
    if message.HasField("select_stmt"):
        output = analysis.query(message.select_stmt, scope)
        count = len(output.names) if output.complete else len(own)
    else:
        count = 0
    columns = [(node.res_target.name, node.res_target.location) for node in message.cols]
    for node in message.cols:
        analysis.expressions(node.res_target.indirection, scope)
    columns = columns or [(name, message.relation.location) for name in own[:count]]
    for place, (name, offset) in enumerate(columns):
        _write(analysis, seen, name, offset, supplied=place not in defaulted)
    if message.HasField("on_conflict_clause"):
        supplied = {name for place, (name, _) in enumerate(columns) if place not in defaulted}
        _on_conflict(analysis, message.on_conflict_clause, scope, target, supplied)
    return Scope(scope, [target]), []


def _defaulted(rows: Iterable[Message]) -> set[int]:
    """The places of VALUES that say DEFAULT in every row."""
    found: set[int] | None = None
    for row in rows:
        here = {n for n, item in enumerate(row.list.items) if kind_of(item) == "set_to_default"}
        found = here if found is None else found & here
    return found or set()


def _on_conflict(analysis: Analysis, clause: Message, scope: Scope, target: Entry, supplied: set[str]) -> None:
    assert target.seen is not None
    # What the role did not supply came from a default, a trigger or a generated column, and is as masked as a row's.
    given = {name: mask for name, mask in target.seen.masks.items() if name not in supplied}
    excluded = Entry("excluded", target.output, seen=replace(target.seen, masks=given), aliased=True, raw=True)
    level = Scope(scope, [target])
    if clause.HasField("infer"):
        for node in clause.infer.index_elems:
            _index_element(analysis, node.index_elem, level, target.seen)
        analysis.expression(clause.infer, "where_clause", level)
    if clause.action == pg.ONCONFLICT_UPDATE:
        _require(analysis, StatementKind.UPDATE, target.seen)
        # Unqualified names mean the target; those of `excluded` are always qualified.
        level = Scope(Scope(scope, [excluded]), [target])
        _assignments(analysis, clause.target_list, level, target.seen)
        analysis.expression(clause, "where_clause", level)


def _index_element(analysis: Analysis, element: Message, level: Scope, seen: Seen) -> None:
    if element.opclassopts or element.opclass:
        raise not_understood("an operator class in ON CONFLICT is not understood")
    if element.name:
        refuse_probe(analysis, seen, element.name)
    analysis.expression(element, "expr", level)


def _assignments(analysis: Analysis, targets: Iterable[Message], level: Scope, seen: Seen) -> None:
    """SET a = …, (b, c) = (…)."""
    for node in targets:
        target = node.res_target
        supplied = kind_of(target.val) != "set_to_default"
        _write(analysis, seen, target.name, target.location, supplied=supplied, changed=True)
        analysis.expressions(target.indirection, level)
        analysis.expression(target, "val", level)


def _update(analysis: Analysis, message: Message, scope: Scope, target: Entry) -> tuple[Scope, list[Entry]]:
    assert target.seen is not None
    level, everything = _level(analysis, message.from_clause, scope, target)
    _require_where(analysis, message, "UPDATE", target.seen)
    _assignments(analysis, message.target_list, level, target.seen)
    analysis.expression(message, "where_clause", level)
    return level, everything


def _delete(analysis: Analysis, message: Message, scope: Scope, target: Entry) -> tuple[Scope, list[Entry]]:
    assert target.seen is not None
    _delete_rows(analysis, target.seen, message.relation.location)
    level, everything = _level(analysis, message.using_clause, scope, target)
    _require_where(analysis, message, "DELETE", target.seen)
    analysis.expression(message, "where_clause", level)
    return level, everything


def _level(analysis: Analysis, items: Iterable[Message], scope: Scope, target: Entry) -> tuple[Scope, list[Entry]]:
    level = Scope(scope, [target])
    everything: list[Entry] = []
    for item in items:
        level.entries.extend(analysis.from_item(item, scope, level, everything))
    return level, everything


def _require(analysis: Analysis, kind: StatementKind, seen: Seen) -> None:
    if not seen.own:
        analysis.require_kind(kind)


def _require_where(analysis: Analysis, message: Message, command: str, seen: Seen) -> None:
    if not analysis.policy.require_where or seen.own:
        return
    if not message.HasField("where_clause") or not _names_a_column(message.where_clause):
        raise where_required(command, message.relation.location)


def _names_a_column(condition: Message) -> bool:
    """Does a condition look at the row at all? `true` and `1 = 1` do not."""
    todo = [condition]
    while todo:
        message = todo.pop()
        if message.DESCRIPTOR.name in ("ColumnRef", "CurrentOfExpr"):
            return True
        todo.extend(message_children(message))
    return False


def _merge(analysis: Analysis, message: Message, scope: Scope, target: Entry) -> tuple[Scope, list[Entry]]:
    assert target.seen is not None
    seen = target.seen
    everything: list[Entry] = []
    source = analysis.from_item(message.source_relation, scope, Scope(scope), everything)
    # RETURNING * shows the source first (PG manual, MERGE).
    level = Scope(scope, [*source, target])
    if analysis.policy.require_where and not seen.own and not _names_a_column(message.join_condition):
        raise where_required("MERGE", message.relation.location)
    analysis.expression(message, "join_condition", level)
    for node in message.merge_when_clauses:
        clause = node.merge_when_clause
        analysis.expression(clause, "condition", level)
        match clause.command_type:
            case pg.CMD_DELETE:
                _require(analysis, StatementKind.DELETE, seen)
                _delete_rows(analysis, seen, message.relation.location)
            case pg.CMD_UPDATE:
                _require(analysis, StatementKind.UPDATE, seen)
                _assignments(analysis, clause.target_list, level, seen)
            case pg.CMD_INSERT:
                _require(analysis, StatementKind.INSERT, seen)
                _merge_insert(analysis, clause, level, seen)
            case pg.CMD_NOTHING:
                pass
            case _:
                raise not_understood("this action of MERGE is not understood")
    return level, everything


def _merge_insert(analysis: Analysis, clause: Message, level: Scope, seen: Seen) -> None:
    names = [(node.res_target.name, node.res_target.location) for node in clause.target_list]
    own = [column.name for column in seen.relation.columns]
    names = names or [(name, 0) for name in own[: len(clause.values)]]
    for place, (name, offset) in enumerate(names):
        default = place < len(clause.values) and kind_of(clause.values[place]) == "set_to_default"
        _write(analysis, seen, name, offset, supplied=not default)
    for node in clause.target_list:
        analysis.expressions(node.res_target.indirection, level)
    analysis.expressions(clause.values, level)


def _returning(analysis: Analysis, message: Message, level: Scope, target: Entry) -> Output:
    """RETURNING: masked columns of the target are shown masked, each under its own name."""
    if not message.HasField("returning_clause"):
        return Output([], complete=False)
    assert target.seen is not None
    clause = message.returning_clause
    if clause.options:
        raise not_understood("RETURNING WITH is not understood", hint="Use the names old and new.")
    names = {entry.name for entry in level.entries}
    # PostgreSQL 18 knows the row before and after by these names.
    rows = [
        Entry(name, target.output, seen=target.seen, aliased=True, raw=True)
        for name in ("old", "new")
        if name not in names
    ]
    scope = Scope(Scope(level.parent, rows), level.entries, shows_masks=True)
    write_out_returning(clause, level.entries, scope)
    return analysis.targets(clause.exprs, scope)
