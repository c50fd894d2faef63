"""Lookups by equality: a row is found by a raw value that the statement itself says.

    SELECT id, email FROM users u WHERE u.email = $1 AND city = 'Kiel'
    SELECT id, email FROM (SELECT id, <mask>(email) AS email FROM public.users WHERE users.email = $1) u
           WHERE true AND city = 'Kiel'

Only where the policy says `lookup = true`, and only as a condition that every row of the result has to meet:
a conjunct of WHERE (PG manual 7.2.2) on a relation that no outer join fills up with NULLs (7.2.1.1). What
stands beside `=` is a constant or a parameter, so one statement asks about as many values as it says; the gateway
counts them. Anything else compares with the mask, as ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from masking.nodes import column_reference, kind_of, strings, words
from masking.parse import Message, pg
from masking.refusal import by_policy
from masking.scope import Entry, Scope
from masking.walk import Walk

#: Types that a constant or a parameter may be cast to: drivers write `$1::VARCHAR`, people `DATE '2024-05-17'`.
#: A cast to any other could bring an operator of its own, or code of users.
_GIVEN_TYPES = words(
    """
    text varchar bpchar uuid int2 int4 int8 numeric bool date timestamp timestamptz inet cidr macaddr
    """
)
_EQUALS = (["="], ["pg_catalog", "="])
#: Type of a column of text -> what its value is compared as, whatever type the client gives a parameter. Were it a
#: number, and somebody had made text turn into numbers by itself (CREATE CAST … AS IMPLICIT), the error of
#: that cast would quote the raw value.
_STRINGS = {25: "text", 1043: "text", 1042: "bpchar", 19: "name"}
_STRING_TYPES = words("text varchar bpchar")


def take_lookups(walk: Walk, select: Message, level: Scope) -> None:
    """Move the lookups of one SELECT from its WHERE to the relations that they are about. To be called when FROM
    is known and WHERE has not been judged. Raises Forbidden for a lookup where none can be counted."""
    if walk.feeding_a_write or not select.HasField("where_clause"):
        return
    if not any(entry.seen is not None and entry.seen.lookups for entry in level.entries):
        return
    for conjunct in _conjuncts(select.where_clause):
        found = _lookup(conjunct, level)
        if found is None:
            continue
        entry, own, reference, given = found
        assert entry.seen is not None
        if walk.preparing:
            raise by_policy(
                "lookup-prepared",
                f"a lookup by {own} is not permitted in PREPARE",
                "Lookups are counted. Send the statement itself, or prepare it by the protocol, as drivers do.",
                reference.location,
            )
        operation = conjunct.a_expr
        walk.calls.judge_operator(operation.name, operation.location)
        walk.expressions((given,), level)
        column = entry.seen.relation.column(own)
        assert column is not None
        if column.type_oid in _STRINGS and kind_of(given) != "type_cast":
            _cast(given, _STRINGS[column.type_oid])
        if "." not in column.type_name:
            # A type of pg_catalog is compared by pg_catalog's operator, whatever type a parameter is given.
            del operation.name[:]
            operation.name.extend(pg.Node(string=pg.String(sval=name)) for name in ("pg_catalog", "="))
        side = "lexpr" if operation.lexpr.HasField("column_ref") else "rexpr"
        getattr(operation, side).CopyFrom(column_reference(entry.seen.relation.name, own))
        moved = pg.Node()
        moved.CopyFrom(conjunct)
        entry.lookups.append(moved)
        conjunct.CopyFrom(pg.Node(a_const=pg.A_Const(boolval=pg.Boolean(boolval=True))))
        touch = walk.touch(entry.seen)
        touch.read.add(own)
        touch.lookups.append(own)


def _conjuncts(node: Message) -> Iterator[Message]:
    """The conditions of which all have to hold."""
    todo = [node]
    while todo:
        current = todo.pop()
        if kind_of(current) == "bool_expr" and current.bool_expr.boolop == pg.AND_EXPR:
            todo.extend(reversed(current.bool_expr.args))
        else:
            yield current


def _lookup(conjunct: Message, level: Scope) -> tuple[Entry, str, Message, Message] | None:
    """The entry, its own column, the reference to it and what it is compared with, when this is a lookup."""
    if kind_of(conjunct) != "a_expr":
        return None
    operation = conjunct.a_expr
    if operation.kind != pg.AEXPR_OP or strings(operation.name) not in _EQUALS:
        return None
    for left, right in ((operation.lexpr, operation.rexpr), (operation.rexpr, operation.lexpr)):
        if kind_of(left) == "column_ref" and _is_given(right):
            found = _column(left.column_ref, level)
            return None if found is None or not _fits(right, *found) else (*found, left.column_ref, right)
    return None


def _is_given(node: Message) -> bool:
    """A constant or a parameter, also with a plain cast on it. Not NULL: `= NULL` can mean IS NULL
    (transform_null_equals)."""
    if kind_of(node) == "type_cast":
        name = node.type_cast.type_name
        names = strings(name.names)
        if name.array_bounds or name.setof or names[:-1] not in ([], ["pg_catalog"]) or names[-1] not in _GIVEN_TYPES:
            return False
        node = node.type_cast.arg
    return kind_of(node) == "param_ref" or (kind_of(node) == "a_const" and not node.a_const.isnull)


def _fits(given: Message, entry: Entry, own: str) -> bool:
    """A column of text is compared with text only."""
    assert entry.seen is not None
    column = entry.seen.relation.column(own)
    assert column is not None
    if column.type_oid not in _STRINGS:
        return True
    if kind_of(given) == "type_cast":
        return strings(given.type_cast.type_name.names)[-1] in _STRING_TYPES
    return kind_of(given) == "param_ref" or bool(given.a_const.HasField("sval"))


def _cast(node: Message, type_name: str) -> None:
    kept = pg.Node()
    kept.CopyFrom(node)
    names = [pg.Node(string=pg.String(sval=type_name))]
    node.CopyFrom(pg.Node(type_cast=pg.TypeCast(arg=kept, type_name=pg.TypeName(names=names, typemod=-1))))


def _column(reference: Message, level: Scope) -> tuple[Entry, str] | None:
    """The entry of this level, and its own column, that a reference means without any doubt, if it may be looked up."""
    names = strings(reference.fields)
    if len(names) != len(reference.fields):
        return None
    name = names[-1]
    match names[:-1]:
        case []:
            if any(not entry.output.complete or None in entry.output.names for entry in level.entries):
                return None
            owners = [entry for entry in level.entries if entry.has(name)]
        case [qualifier]:
            owners = [entry for entry in level.entries if entry.name == qualifier]
        case [schema, relation]:
            owners = [entry for entry in level.entries if _is_relation(entry, schema, relation)]
        case _:
            return None
    if len(owners) != 1:
        return None
    entry = owners[0]
    if entry.seen is None or entry.members or entry.raw or entry.nullable or entry.output.names.count(name) != 1:
        return None
    own = entry.base_columns(name)
    return (entry, own[0]) if len(own) == 1 and own[0] in entry.seen.lookups else None


def _is_relation(entry: Entry, schema: str, name: str) -> bool:
    return (
        entry.seen is not None
        and not entry.aliased
        and entry.seen.relation.schema == schema
        and entry.seen.relation.name == name
    )
