"""Names and OIDs given as values: `'x'::regclass`, `to_regclass(x)`, `pg_table_size(x)` answer for what the role sees.

A literal is judged here and now; it becomes the qualified name of what was judged. A column of a system relation
stays as it is, for its rows are filtered (system_rows.py). Anything else is looked up in the role's list:

    pg_table_size($1)
    pg_table_size((SELECT k.v FROM (SELECT …to_regclass($1)…::oid AS v) AS k WHERE k.v = ANY ('{16401,…}'))::regclass)

PG manual 8.19 (object identifier types) and 9.27.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from masking.calls import type_unknown
from masking.nodes import expression, quoted, strings
from masking.object_names import LOOKUPS, REG_TYPES
from masking.parse import Message, parse, pg
from masking.refusal import Forbidden, by_policy, not_understood
from masking.rules import relation_name, unknown_relation
from masking.scope import Scope
from masking.sight import Sight
from masking.visible import FIRST_OF_USERS

_OID = 26
#: Object identifier types by their own OIDs, and what they name.
_REG_COLUMNS = {24: "function", 2202: "function", 2205: "class", 2206: "type", 4089: "schema"}
_OID_TYPES = frozenset({_OID, *_REG_COLUMNS})
#: Functions whose arguments are brought to one type.
SAME_TYPE = frozenset(
    """
    array_append array_prepend array_cat array_position array_positions array_remove array_replace array_fill array_agg
    lag lead any_value first_value last_value nth_value
    """.split()  # noqa: SIM905 -- a list of names reads better so
)

_CAST = {"class": "regclass", "function": "regprocedure", "type": "regtype", "schema": "regnamespace"}
_LOOKUP = {"class": "to_regclass", "function": "to_regproc", "type": "to_regtype", "schema": "to_regnamespace"}
_LISTS = {"class": "@classes", "function": "@functions", "type": "@types"}
_NUMBER = re.compile(r"\s*[0-9]{1,10}\s*")


def place_of(name: str, arguments: int) -> int:
    """Which argument names the object."""
    if not name.startswith("has_"):
        return 0
    return arguments - (3 if name == "has_column_privilege" else 2)


def is_of_system(node: Message, scope: Scope) -> bool:
    """Is it a column of a system relation that holds OIDs, or tableoid? Its rows are filtered already."""
    while node.HasField("type_cast"):
        if strings(node.type_cast.type_name.names)[-1] not in ("oid", "text", "varchar", *REG_TYPES):
            return False
        node = node.type_cast.arg
    return node.HasField("column_ref") and _system_column_type(node, scope) in _OID_TYPES


def _system_column_type(node: Message, scope: Scope) -> int | None:
    """The type of a column of a system relation, or of tableoid; None of any other."""
    names = strings(node.column_ref.fields)
    if len(names) != len(node.column_ref.fields):
        return None
    column = names[-1]
    if len(names) == 1:
        found, certain = scope.with_column(column)
        entry = found[0] if certain and len(found) == 1 else None
    else:
        entry = scope.named(names[0]) if len(names) == 2 else scope.of_relation(names[-3], names[-2])
    if entry is None or entry.seen is None:
        return None
    if entry.has_system(column) and not entry.has(column):
        return _OID if column == "tableoid" else None
    own = [entry.seen.relation.column(base) for base in entry.base_columns(column)]
    return own[0].type_oid if entry.seen.system and len(own) == 1 and own[0] is not None else None


def reg_kind(node: Message, scope: Scope | None) -> str | None:
    """What the values of an expression name, if its type is one of those; a bare literal beside it gets that type."""
    match node.WhichOneof("node"):
        case "type_cast":
            name = strings(node.type_cast.type_name.names)[-1]
            return REG_TYPES.get(name)
        case "column_ref" if scope is not None:
            return _REG_COLUMNS.get(_system_column_type(node, scope) or 0)
        case "a_array_expr":
            return _first_kind(node.a_array_expr.elements, scope)
        case "coalesce_expr":
            return _first_kind(node.coalesce_expr.args, scope)
        case "min_max_expr":
            return _first_kind(node.min_max_expr.args, scope)
        case "case_expr":
            results = [when.case_when.result for when in node.case_expr.args]
            return _first_kind([node.case_expr.defresult, *results], scope)
        case "func_call":
            name = strings(node.func_call.funcname)[-1]
            return LOOKUPS.get(name) or (_first_kind(node.func_call.args, scope) if name in SAME_TYPE else None)
        case "sub_link" if node.sub_link.sub_link_type in (pg.EXPR_SUBLINK, pg.ARRAY_SUBLINK):
            targets = node.sub_link.subselect.select_stmt.target_list
            return reg_kind(targets[0].res_target.val, None) if len(targets) == 1 else None
        case _:
            return None


def _first_kind(nodes: Iterable[Message], scope: Scope | None) -> str | None:
    return next((kind for node in nodes if (kind := reg_kind(node, scope)) is not None), None)


def literal(node: Message) -> str | None:
    """The text or number that a constant says, also with casts to text, OIDs and integers on it."""
    while node.HasField("type_cast"):
        type_name = node.type_cast.type_name
        if type_name.typmods or type_name.array_bounds:
            return None
        if strings(type_name.names)[-1] not in ("text", "varchar", "name", "oid", "int4", "int8", *REG_TYPES):
            return None
        node = node.type_cast.arg
    if not node.HasField("a_const"):
        return None
    constant = node.a_const
    if constant.HasField("sval"):
        return str(constant.sval.sval)
    return str(constant.ival.ival) if constant.HasField("ival") else None


def needs_look_up(argument: Message, kind: str, scope: Scope) -> bool:
    """Must a look-up be put in its place?"""
    if is_of_system(argument, scope):
        return False
    text = literal(argument)
    return text is None or (_NUMBER.fullmatch(text) is not None and kind not in _LISTS)


def guard(
    sight: Sight,
    argument: Message,
    kind: str,
    scope: Scope,
    offset: int,
    *,
    or_null: bool = False,
    as_text: bool = False,
) -> Message | None:
    """Edit one argument so that it can only mean what the role may know of. When a look-up was put in its place,
    answers with the Node inside where the argument's own expression stands now, to be judged there.

    Raises Forbidden as PostgreSQL would for what is not there (`or_null`: NULL stands for it instead).
    `as_text`: what was looked up becomes text again, as to_regclass() takes it.
    """
    if needs_look_up(argument, kind, scope):
        return _look_up(sight, argument, kind, as_text=as_text)
    text = literal(argument)
    if text is not None:
        _judge_literal(sight, argument, kind, text, offset, or_null=or_null)
    return None


def _judge_literal(sight: Sight, argument: Message, kind: str, text: str, offset: int, *, or_null: bool) -> None:
    if _NUMBER.fullmatch(text) is not None:
        listed = {"class": "classes", "function": "functions", "type": "types"}[kind]
        if int(text) >= FIRST_OF_USERS and int(text) not in getattr(sight.visible, listed):
            argument.CopyFrom(expression("NULL::pg_catalog.oid"))
        return
    try:
        name = _known_name(sight, kind, text)
    except Forbidden:
        if not or_null:
            raise
        name = None
    if name is None:
        if not or_null:
            raise _unknown(kind, text, offset)
        argument.CopyFrom(expression("NULL::pg_catalog.text"))
    elif kind == "class":
        _innermost(argument).a_const.sval.sval = name


def _innermost(node: Message) -> Message:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return node


def _known_name(sight: Sight, kind: str, text: str) -> str | None:
    """The name to send for this one, when the role may know of it."""
    match kind:
        case "class":
            return _known_relation(sight, *relation_name(text))
        case "function":
            schema, name = relation_name(text.partition("(")[0])
            found = sight.catalog.functions_by_name.get(name, ()) if name else ()
            path = (schema,) if schema else ("pg_catalog", *sight.catalog.search_path)
            oids = {
                oid for f in found if f.schema in path for oid in sight.catalog.function_oids.get(f.qualified, (0,))
            }
            if not any(oid < FIRST_OF_USERS or oid in sight.visible.functions for oid in oids):
                return None
            given = text[text.find("(") + 1 : text.rfind(")")] if "(" in text else ""
            for one in given.split(",") if given.strip() else ():
                named = _type_in(one)
                if named is None:
                    return None
                if sight.calls.hides_type(strings(named.names)):
                    raise type_unknown(strings(named.names), -1, array=bool(named.array_bounds))
            return text
        case "type":
            return text if _knows_type(sight, text) else None
        case "schema":
            _, name = relation_name(text)
            own = name in ("pg_catalog", "information_schema", "public", "pg_toast")
            return text if own or name in sight.visible.schemas else None
        case _:
            return None


def _knows_type(sight: Sight, text: str) -> bool:
    """Is this a type's name, as PostgreSQL reads it, and none that the role may not know of?"""
    named = _type_in(text)
    return named is not None and not sight.calls.hides_type(strings(named.names))


def _type_in(text: str) -> Message | None:
    """The TypeName that a text stands for; None when it is anything else or more."""
    try:
        tree = parse(f"SELECT NULL::{text}")
    except Forbidden:
        return None
    statement = tree.stmts[0].stmt
    if len(tree.stmts) != 1 or not statement.HasField("select_stmt"):
        return None
    targets = statement.select_stmt.target_list
    if len(targets) != 1 or not targets[0].res_target.val.HasField("type_cast") or targets[0].res_target.name:
        return None
    cast = targets[0].res_target.val.type_cast
    if not cast.arg.a_const.isnull or not _EMPTY.issuperset(f.name for f, _ in statement.select_stmt.ListFields()):
        return None
    return cast.type_name if not cast.type_name.pct_type and not cast.type_name.setof else None


#: The fields of a SELECT of one value.
_EMPTY = frozenset({"target_list", "limit_option", "op"})


def _known_relation(sight: Sight, schema: str | None, name: str) -> str | None:
    path = (schema,) if schema else ("pg_catalog", *sight.catalog.search_path)
    for candidate in path:
        key = (candidate, name)
        relation = sight.catalog.relations.get(key)
        part = sight.catalog.part_by_name.get(key)
        oid = relation.oid if relation is not None else part.oid if part is not None else None
        if oid is not None and (candidate == "pg_catalog" or sight.visible.knows_class(oid)):
            return f"{quoted(candidate)}.{quoted(name)}"
    return None


def _unknown(kind: str, text: str, offset: int) -> Forbidden:
    match kind:
        case "class":
            schema, name = relation_name(text)
            return unknown_relation(schema, name or text, offset)
        case "function":
            return Forbidden("42883", "function-unknown", f'function "{text}" does not exist', offset=offset)
        case "type":
            named = _type_in(text)
            names = strings(named.names) if named is not None else [text]
            return type_unknown(names, offset, array=named is not None and bool(named.array_bounds))
        case "schema":
            return Forbidden("3F000", "schema-unknown", f'schema "{text}" does not exist', offset=offset)
        case _:
            return not_understood("this name is not understood here", offset=offset)


# All that goes into this SQL is ours: tables of this file, numbers of the snapshot and one reserved name.
#: The expression is put in its place: alone in its SELECT, it cannot mistake a name of ours for its own.
_PLACE = "pgcurfew: its place"


def _look_up(sight: Sight, argument: Message, kind: str, *, as_text: bool) -> Message:
    place = quoted(_PLACE)
    if kind in _CAST:
        text = f"(SELECT ({place})::pg_catalog.text AS x) AS t"
        number = "CASE WHEN t.x OPERATOR(pg_catalog.~) '^[0-9]{1,10}$' THEN (t.x)::pg_catalog.oid"
        named = f"ELSE (pg_catalog.{_LOOKUP[kind]}(t.x))::pg_catalog.oid END"
        value = f"(SELECT {number} {named} AS v FROM {text}) AS k"  # noqa: S608
        below = f"k.v OPERATOR(pg_catalog.<) '{FIRST_OF_USERS}'::pg_catalog.oid"
        if kind == "schema":
            known = (
                "EXISTS (SELECT FROM pg_catalog.pg_namespace AS s WHERE s.oid OPERATOR(pg_catalog.=) k.v "
                "AND s.nspname = ANY (@schemas))"
            )
        else:
            known = f"k.v = ANY ({_LISTS[kind]})"
        back = "::pg_catalog.text" if as_text else ""
        query = f"(SELECT k.v FROM {value} WHERE {below} OR {known})::pg_catalog.{_CAST[kind]}{back}"  # noqa: S608
    else:
        catalog, _, owners = kind.partition(": ")
        shown = " AND ".join(
            f"(o.{owner} OPERATOR(pg_catalog.<) '{FIRST_OF_USERS}'::pg_catalog.oid OR o.{owner} = ANY (@classes))"
            for owner in owners.split()
        )
        place_in_catalog = f"(SELECT ({place})::pg_catalog.oid AS v) AS k JOIN pg_catalog.{catalog} AS o"
        query = f"(SELECT o.oid FROM {place_in_catalog} ON o.oid OPERATOR(pg_catalog.=) k.v WHERE {shown})"  # noqa: S608
    original = type(argument)()
    original.CopyFrom(argument)
    argument.CopyFrom(expression(sight.visible.put_into(query)))
    placed = _placed(argument)
    placed.CopyFrom(original)
    return placed


def _placed(template: Message) -> Message:
    todo = [template]
    while todo:
        message = todo.pop()
        if message.DESCRIPTOR.name == "Node" and message.HasField("column_ref"):
            if strings(message.column_ref.fields) == [_PLACE]:
                return message
            continue
        for field, value in message.ListFields():
            if field.message_type is not None:
                todo.extend(value if field.is_repeated else (value,))
    raise AssertionError("the template has no place")


def only_of_columns(name: str, offset: int) -> Forbidden:
    return by_policy(
        "object-not-named",
        f"function {name} is only permitted on columns of the system catalogs",
        "Read the OID from the catalog in the same query; what you may see is listed there.",
        offset,
    )
