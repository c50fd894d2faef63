"""Temporary tables: a session's own, made of what its role sees, so what is in them is masked already.

    CREATE TEMP TABLE picked AS SELECT id, email FROM customers
    CREATE TEMPORARY TABLE picked AS SELECT id, email FROM (SELECT id, <mask>(email) AS email …) customers

Every one of them lives in the session's own schema (pg_temp, PG manual 20.11.1), which is searched last: no real
name is ever shadowed by one. They are created, indexed, filled, changed, analysed and dropped by a role that lists
`temp_tables`; everything that is not in the tables here is refused. PG manual: CREATE TABLE, CREATE TABLE AS.
"""

from __future__ import annotations

from collections.abc import Iterable

from masking.analyse import Analysis
from masking.catalog import PG_TEMP
from masking.nodes import kind_of, rename, strings, words
from masking.parse import Message, pg
from masking.policy import StatementKind
from masking.refusal import Forbidden, by_policy, not_understood
from masking.rules import kind_not_permitted
from masking.scope import Entry, Output, Scope

#: A storage parameter without effect on a temporary table, which tells those that a judged statement made from
#: those that a function of the database's owner left behind, and which may hold what masks hide.
MARK = ("autovacuum_vacuum_threshold", 1_911_004_321)

_CREATE_FIELDS = words("relation table_elts oncommit if_not_exists")
_COLUMN_FIELDS = words("colname type_name coll_clause is_local location constraints")
_CONSTRAINTS = frozenset(
    {
        pg.CONSTR_NULL,
        pg.CONSTR_NOTNULL,
        pg.CONSTR_DEFAULT,
        pg.CONSTR_IDENTITY,
        pg.CONSTR_GENERATED,
        pg.CONSTR_CHECK,
        pg.CONSTR_PRIMARY,
        pg.CONSTR_UNIQUE,
        pg.CONSTR_ATTR_DEFERRABLE,
        pg.CONSTR_ATTR_NOT_DEFERRABLE,
        pg.CONSTR_ATTR_DEFERRED,
        pg.CONSTR_ATTR_IMMEDIATE,
    }
)
_CONSTRAINT_FIELDS = words(
    """
    contype conname deferrable initdeferred location is_enforced initially_valid is_no_inherit raw_expr keys
    including nulls_not_distinct generated_when generated_kind
    """
)
_INTO_FIELDS = words("rel col_names on_commit skip_data")
_INDEX_FIELDS = words(
    """
    idxname relation access_method index_params index_including_params where_clause unique if_not_exists
    nulls_not_distinct
    """
)
_INDEX_ELEMENT_FIELDS = words("name expr collation ordering nulls_ordering")
_ACCESS_METHODS = words("btree hash gin gist spgist brin")


def makes_temporary(reference: Message) -> bool:
    """Does a CREATE or SELECT INTO of this name make a temporary table?"""
    return bool(reference.relpersistence == "t" or reference.schemaname == PG_TEMP)


def own(analysis: Analysis, reference: Message) -> bool:
    """Is a relation that is named here a temporary table of the session's own?"""
    seen = analysis.sight.find(reference.schemaname or None, reference.relname)
    return seen is not None and seen.own


def only_own(analysis: Analysis, node: Message) -> bool:
    """Does it write nothing but temporary tables of the session's own?"""
    match kind_of(node):
        case "copy_stmt" if node.copy_stmt.is_from:
            return own(analysis, node.copy_stmt.relation)
        case "truncate_stmt" | "lock_stmt" as kind:
            return all(own(analysis, item.range_var) for item in getattr(node, kind).relations)
        case "vacuum_stmt" if not node.vacuum_stmt.is_vacuumcmd and node.vacuum_stmt.rels:
            return all(own(analysis, item.vacuum_relation.relation) for item in node.vacuum_stmt.rels)
        case _:
            return False


def judge_temporary(analysis: Analysis, node: Message, command: str) -> None:
    """CREATE TEMP TABLE, CREATE TEMP TABLE AS, SELECT INTO TEMP, DROP TABLE, CREATE INDEX. Raises Forbidden."""
    kind = kind_of(node)
    if kind in ("drop_stmt", "index_stmt") and StatementKind.TEMP_TABLES not in analysis.policy.statements:
        raise kind_not_permitted(command, analysis.policy.role, None)
    if StatementKind.TEMP_TABLES not in analysis.policy.statements:
        raise kind_not_permitted(
            command.replace("CREATE TABLE", "CREATE TEMP TABLE"), analysis.policy.role, "temp_tables"
        )
    match kind:
        case "create_stmt":
            _create(analysis, node.create_stmt)
        case "create_table_as_stmt":
            _create_as(analysis, node.create_table_as_stmt)
        case "select_stmt":
            # SELECT … INTO TEMP is CREATE TEMP TABLE … AS in other words.
            made = pg.CreateTableAsStmt(objtype=pg.OBJECT_TABLE)
            made.into.CopyFrom(node.select_stmt.into_clause)
            made.query.CopyFrom(node)
            made.query.select_stmt.ClearField("into_clause")
            _create_as(analysis, made)
            node.create_table_as_stmt.CopyFrom(made)
        case "drop_stmt":
            _drop(analysis, node.drop_stmt, command)
        case _:
            _index(analysis, node.index_stmt, command)


def _only(message: Message, known: frozenset[str], what: str) -> None:
    for field, _ in message.ListFields():
        if field.name not in known:
            raise not_understood(
                f"{field.name} is not understood for {what}", offset=getattr(message, "location", None)
            )


def _mark() -> Message:
    value = pg.Node(integer=pg.Integer(ival=MARK[1]))
    return pg.Node(def_elem=pg.DefElem(defname=MARK[0], arg=value, defaction=pg.DEFELEM_UNSPEC))


def _name(analysis: Analysis, reference: Message) -> None:
    """The name for a new table, which may be one that the session has already."""
    if reference.schemaname not in ("", PG_TEMP, analysis.sight.catalog.temporary_schema) or reference.catalogname:
        raise Forbidden("42P16", "temp-table-name", "cannot create temporary relation in non-temporary schema")
    seen = analysis.sight.find(None, reference.relname)
    if seen is not None and not seen.own:
        raise by_policy(
            "temp-table-name",
            f'a temporary table cannot have the name of relation "{reference.relname}"',
            "Names mean what they mean everywhere; take another one.",
            reference.location,
        )
    reference.schemaname = ""
    reference.relpersistence = "t"
    analysis.changed.add(reference.relname)


def _create(analysis: Analysis, message: Message) -> None:
    _only(message, _CREATE_FIELDS, "a temporary table")
    _name(analysis, message.relation)
    message.options.append(_mark())
    columns = [node.column_def.colname for node in message.table_elts if kind_of(node) == "column_def"]
    scope = Scope(None, [Entry(message.relation.relname, Output(columns))])
    for node in message.table_elts:
        match kind_of(node):
            case "column_def":
                _only(node.column_def, _COLUMN_FIELDS, "a column of a temporary table")
                analysis.judge_type(node.column_def.type_name)
                analysis.expressions(node.column_def.type_name.typmods, Scope(None))
                _constraints(analysis, (item.constraint for item in node.column_def.constraints), scope)
            case "constraint":
                _constraints(analysis, (node.constraint,), scope)
            case "table_like_clause" if not node.table_like_clause.options:
                analysis.relation(node.table_like_clause.relation)
            case "table_like_clause":
                raise not_understood(
                    "LIKE with INCLUDING is not understood for a temporary table", hint="Leave INCLUDING out."
                )
            case kind:
                raise not_understood(f"{kind} is not understood for a temporary table")


def _constraints(analysis: Analysis, constraints: Iterable[Message], scope: Scope) -> None:
    for constraint in constraints:
        if constraint.contype not in _CONSTRAINTS:
            raise not_understood("this constraint is not understood for a temporary table", offset=constraint.location)
        _only(constraint, _CONSTRAINT_FIELDS, "a constraint of a temporary table")
        analysis.expression(constraint, "raw_expr", scope)


def _create_as(analysis: Analysis, message: Message) -> None:
    _only(message.into, _INTO_FIELDS, "a temporary table")
    if message.objtype != pg.OBJECT_TABLE or kind_of(message.query) != "select_stmt":
        raise not_understood("a temporary table of this is not understood", hint="Make it of a SELECT.")
    _name(analysis, message.into.rel)
    message.into.options.append(_mark())
    analysis.require_kind(StatementKind.SELECT)
    analysis.query(message.query, Scope(None))


def _drop(analysis: Analysis, message: Message, command: str) -> None:
    """Only ever in pg_temp: what is elsewhere is as if it were not there, or is refused when the role sees it."""
    for item in message.objects:
        names = strings(item.list.items)
        schema = names[-2] if len(names) > 1 else None
        if len(names) > 2 or schema not in (None, PG_TEMP, analysis.sight.catalog.temporary_schema):
            raise kind_not_permitted(command, analysis.policy.role, None)
        seen = analysis.sight.find(schema, names[-1])
        if seen is not None and not seen.own:
            raise kind_not_permitted(command, analysis.policy.role, None)
        rename(item.list.items, PG_TEMP, names[-1])
        analysis.changed.add(names[-1])


def _index(analysis: Analysis, message: Message, command: str) -> None:
    seen = analysis.relation(message.relation)
    if not seen.own:
        raise kind_not_permitted(command, analysis.policy.role, None)
    _only(message, _INDEX_FIELDS, "an index of a temporary table")
    if message.access_method not in _ACCESS_METHODS:
        raise not_understood("this access method is not understood")
    scope = Scope(None, [Entry(seen.relation.name, Output([c.name for c in seen.relation.columns]))])
    for node in (*message.index_params, *message.index_including_params):
        _only(node.index_elem, _INDEX_ELEMENT_FIELDS, "an index of a temporary table")
        analysis.expression(node.index_elem, "expr", scope)
    analysis.expression(message, "where_clause", scope)
