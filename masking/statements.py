"""Each kind of statement: what it is called, and how it is judged. What is not in the table is refused.

PostgreSQL's own command reference (PG manual, part VI) is the order of the day; options of
utility statements are allow-lists too.
"""

from __future__ import annotations

from collections.abc import Callable

from masking import explaining
from masking.analyse import Analysis
from masking.command_names import command
from masking.copying import copy_kind, judge_copy
from masking.nodes import kind_of, strings, text_node, words
from masking.parse import Message, pg
from masking.policy import SESSION_KINDS, StatementKind
from masking.refusal import by_policy, not_understood
from masking.rules import (
    kind_not_permitted,
    setting_not_changed,
    setting_not_shown,
    uncounted_write,
    write_not_permitted,
)
from masking.scope import Scope
from masking.search_path import honoured
from masking.settings_list import clamped, may_set, may_show, untied
from masking.temporary import judge_temporary, makes_temporary, only_own
from masking.walk import WRITE_NODES

_KINDS = {
    "select_stmt": StatementKind.SELECT,
    "insert_stmt": StatementKind.INSERT,
    "update_stmt": StatementKind.UPDATE,
    "delete_stmt": StatementKind.DELETE,
    "merge_stmt": StatementKind.MERGE,
    "explain_stmt": StatementKind.EXPLAIN,
    "truncate_stmt": StatementKind.TRUNCATE,
    "lock_stmt": StatementKind.LOCK,
    "listen_stmt": StatementKind.LISTEN,
    "notify_stmt": StatementKind.NOTIFY,
    "unlisten_stmt": StatementKind.UNLISTEN,
    "transaction_stmt": StatementKind.TRANSACTION,
    "constraints_set_stmt": StatementKind.TRANSACTION,
    "variable_set_stmt": StatementKind.SET,
    "variable_show_stmt": StatementKind.SHOW,
    "discard_stmt": StatementKind.DISCARD,
    "declare_cursor_stmt": StatementKind.DECLARE,
    "fetch_stmt": StatementKind.FETCH,
    "close_portal_stmt": StatementKind.CLOSE,
    "prepare_stmt": StatementKind.PREPARE,
    "execute_stmt": StatementKind.EXECUTE,
    "deallocate_stmt": StatementKind.DEALLOCATE,
}


def statement_kind(node: Message) -> StatementKind:
    kind = kind_of(node)
    if kind == "copy_stmt":
        return copy_kind(node.copy_stmt)
    if kind == "vacuum_stmt":
        return StatementKind.VACUUM if node.vacuum_stmt.is_vacuumcmd else StatementKind.ANALYZE
    if kind == "select_stmt" and node.select_stmt.HasField("into_clause"):
        return StatementKind.TEMP_TABLES if makes_temporary(node.select_stmt.into_clause.rel) else StatementKind.OTHER
    match kind:
        case "create_stmt" if makes_temporary(node.create_stmt.relation):
            return StatementKind.TEMP_TABLES
        case "create_table_as_stmt" if makes_temporary(node.create_table_as_stmt.into.rel):
            return StatementKind.TEMP_TABLES
        case "drop_stmt" if node.drop_stmt.remove_type == pg.OBJECT_TABLE:
            return StatementKind.TEMP_TABLES
        case "index_stmt":
            return StatementKind.TEMP_TABLES
    return _KINDS.get(kind, StatementKind.OTHER)


def statement_name(node: Message) -> str | None:
    """The name in PREPARE / EXECUTE / EXPLAIN EXECUTE / DEALLOCATE / DECLARE / FETCH / CLOSE; None for ALL."""
    match kind_of(node):
        case "explain_stmt" if kind_of(node.explain_stmt.query) == "execute_stmt":
            return node.explain_stmt.query.execute_stmt.name or None
        case "prepare_stmt" | "execute_stmt" | "deallocate_stmt" as kind:
            return getattr(node, kind).name or None
        case "declare_cursor_stmt" | "fetch_stmt" | "close_portal_stmt" as kind:
            return getattr(node, kind).portalname or None
        case _:
            return None


def judge_statement(analysis: Analysis, node: Message) -> None:
    """Judge one statement and edit its tree. Raises Forbidden when it may not run."""
    kind = statement_kind(node)
    if kind is StatementKind.OTHER:
        raise kind_not_permitted(command(node), analysis.policy.role, None)
    if kind is StatementKind.TEMP_TABLES:
        judge_temporary(analysis, node, command(node))
        return
    if kind not in SESSION_KINDS and kind_of(node) not in WRITE_NODES and not only_own(analysis, node):
        analysis.require_kind(StatementKind.SELECT if _locks_like_a_query(node) else kind)
    _JUDGES[kind](analysis, node)


def _query(analysis: Analysis, node: Message) -> None:
    analysis.query(node, Scope(None))


def _inner(analysis: Analysis, query: Message, command_name: str) -> None:
    """The statement that an EXPLAIN, PREPARE or DECLARE carries: judged by its own kind."""
    kind = kind_of(query)
    if kind == "select_stmt" or kind in WRITE_NODES:
        judge_statement(analysis, query)
        return
    if kind == "execute_stmt" and command_name == "EXPLAIN":
        judge_statement(analysis, query)
        return
    raise kind_not_permitted(f"{command_name} of {command(query)}", analysis.policy.role, None)


def _explain(analysis: Analysis, node: Message) -> None:
    for option in node.explain_stmt.options:
        if option.def_elem.defname.lower() not in explaining.OPTIONS:
            raise _option("EXPLAIN", option)
    _inner(analysis, node.explain_stmt.query, "EXPLAIN")
    executes = kind_of(node.explain_stmt.query) == "execute_stmt"
    if (analysis.writes or executes) and explaining.runs(node) and analysis.policy.limits.written_rows is not None:
        raise uncounted_write("EXPLAIN ANALYZE of a write")
    explaining.judge_options(analysis, node)


def _option(command_name: str, option: Message) -> Exception:
    name = option.def_elem.defname
    return by_policy(
        "option-not-listed",
        f'option "{name}" of {command_name} is not permitted',
        "Leave it out.",
        option.def_elem.location,
    )


def _prepare(analysis: Analysis, node: Message) -> None:
    analysis.expressions(node.prepare_stmt.argtypes, Scope(None))
    analysis.preparing = True
    _inner(analysis, node.prepare_stmt.query, "PREPARE")


def _execute(analysis: Analysis, node: Message) -> None:
    analysis.expressions(node.execute_stmt.params, Scope(None))


def _declare(analysis: Analysis, node: Message) -> None:
    if kind_of(node.declare_cursor_stmt.query) != "select_stmt":
        raise not_understood("a cursor over this statement is not understood")
    _inner(analysis, node.declare_cursor_stmt.query, "DECLARE CURSOR")


def _nothing(analysis: Analysis, node: Message) -> None:
    """Nothing in it to judge beyond its kind."""


def _written_relations(analysis: Analysis, references: list[Message]) -> None:
    for reference in references:
        seen = analysis.relation(reference)
        if not seen.may_write_all:
            raise write_not_permitted(seen, None, analysis.policy.role, reference.location)
        analysis.touch(seen).written.update(c.name for c in seen.relation.columns)


def _truncate(analysis: Analysis, node: Message) -> None:
    if node.truncate_stmt.behavior == pg.DROP_CASCADE:
        raise by_policy(
            "cascade", "TRUNCATE … CASCADE is not permitted", "It reaches relations it does not name; name them all."
        )
    if only_own(analysis, node):
        _written_relations(analysis, [item.range_var for item in node.truncate_stmt.relations])
        return
    if analysis.policy.limits.written_rows is not None:
        raise uncounted_write("TRUNCATE")
    _written_relations(analysis, [item.range_var for item in node.truncate_stmt.relations])
    analysis.writes = True


#: AccessShareLock, which any query takes on what it reads (PG manual 13.3.1).
_ACCESS_SHARE = 1


def _locks_like_a_query(node: Message) -> bool:
    return kind_of(node) == "lock_stmt" and node.lock_stmt.mode == _ACCESS_SHARE


def _lock(analysis: Analysis, node: Message) -> None:
    relations = [item.range_var for item in node.lock_stmt.relations]
    if not _locks_like_a_query(node):
        _written_relations(analysis, relations)
        return
    for reference in relations:
        analysis.touch(analysis.relation(reference))


_VACUUM_OPTIONS = words(
    """
    full freeze verbose analyze disable_page_skipping skip_locked index_cleanup process_main process_toast
    truncate parallel buffer_usage_limit
    """
)


def _vacuum(analysis: Analysis, node: Message) -> None:
    message = node.vacuum_stmt
    for option in message.options:
        if option.def_elem.defname.lower() not in _VACUUM_OPTIONS:
            raise _option("VACUUM", option)
    if not message.rels:
        raise by_policy("relation-required", f"{command(node)} of the whole database is not permitted", "Name a table.")
    _written_relations(analysis, [item.vacuum_relation.relation for item in message.rels])


# Transactions and settings


def _transaction(analysis: Analysis, node: Message) -> None:
    if kind_of(node) == "constraints_set_stmt":
        return
    message = node.transaction_stmt
    if message.kind in (pg.TRANS_STMT_PREPARE, pg.TRANS_STMT_COMMIT_PREPARED, pg.TRANS_STMT_ROLLBACK_PREPARED):
        raise kind_not_permitted("two-phase commit", analysis.policy.role, None)
    for option in message.options:
        _transaction_mode(analysis, option.def_elem)


def _transaction_mode(analysis: Analysis, option: Message) -> None:
    match option.defname:
        case "transaction_isolation" | "transaction_deferrable":
            return
        case "transaction_read_only":
            # Drivers say READ WRITE of themselves (JDBC's setReadOnly(false)), also where nothing will be
            # written. A role that only reads keeps what its sessions are pinned to, and the same command tag.
            if analysis.policy.read_only:
                option.arg.a_const.ival.ival = 1
        case name:
            raise not_understood(f"transaction mode {name} is not understood")


def _set(analysis: Analysis, node: Message) -> None:
    message = node.variable_set_stmt
    name = message.name
    match message.kind:
        case pg.VAR_RESET_ALL:
            return
        case pg.VAR_SET_MULTI if name in ("TRANSACTION", "SESSION CHARACTERISTICS"):
            for item in message.args:
                _transaction_mode(analysis, item.def_elem)
        case _ if name in ("role", "session_authorization") and _back_to_itself(message):
            # Pools send it. Only ever back to what the upstream's session began with: RESET ROLE.
            message.name = "role"
            message.kind = pg.VAR_RESET if message.kind == pg.VAR_RESET else pg.VAR_SET_DEFAULT
            del message.args[:]
        case pg.VAR_SET_DEFAULT | pg.VAR_RESET:
            # search_path goes back to what it is pinned to.
            if name != "search_path" and not may_set(name, None):
                raise _setting(analysis, name, message.location)
        case pg.VAR_SET_VALUE:
            values = [_setting_value(item) for item in message.args]
            if name == "search_path":
                _set_search_path(analysis, message, values)
                return
            if len(values) == 1 and values[0] is not None:
                bounded = clamped(name, values[0], analysis.policy.ceilings)
                if bounded is None:
                    bounded = untied(name, values[0], read_only=analysis.policy.read_only)
                if bounded is not None:
                    message.args[0].CopyFrom(text_node(bounded))
                    return
            given = [value for value in values if value is not None]
            if None in values or not may_set(name, given, analysis.policy.ceilings):
                raise _setting(analysis, name, message.location)
            if name == "application_name":
                # Drivers set it and need to be told that they did. It stays what was pinned, so that
                # whoever looks at pg_stat_activity sees the person and the session.
                message.kind = pg.VAR_SET_DEFAULT
                del message.args[:]
        case _:
            raise _setting(analysis, name, message.location)


def _back_to_itself(message: Message) -> bool:
    """RESET ROLE, SET ROLE NONE, SET SESSION AUTHORIZATION DEFAULT."""
    if message.kind in (pg.VAR_RESET, pg.VAR_SET_DEFAULT):
        return True
    values = [_setting_value(item) for item in message.args]
    return message.kind == pg.VAR_SET_VALUE and message.name == "role" and values == ["none"]


def _set_search_path(analysis: Analysis, message: Message, values: list[str | None]) -> None:
    path = honoured(values, analysis.sight.catalog, analysis.sight.visible.schemas, message.location or None)
    del message.args[:]
    message.args.extend(text_node(schema) for schema in path)


def _setting(analysis: Analysis, name: str, offset: int) -> Exception:
    if name in ("role", "session_authorization"):
        return kind_not_permitted(f"SET {name.replace('_', ' ').upper()}", analysis.policy.role, None)
    return setting_not_changed(name, offset if offset > 0 else None)


def _setting_value(node: Message) -> str | None:
    """A value of SET as text; None when it is no plain literal."""
    if kind_of(node) == "type_cast":
        # SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE
        names = strings(node.type_cast.type_name.names)
        return _setting_value(node.type_cast.arg) if names == ["pg_catalog", "interval"] else None
    if kind_of(node) != "a_const":
        return None
    constant = node.a_const
    match constant.WhichOneof("val"):
        case "sval":
            return str(constant.sval.sval)
        case "ival":
            return str(constant.ival.ival)
        case "fval":
            return str(constant.fval.fval)
        case "boolval":
            return "on" if constant.boolval.boolval else "off"
        case _:
            return None


def _show(analysis: Analysis, node: Message) -> None:
    name = node.variable_show_stmt.name
    if not may_show(name):
        raise setting_not_shown(name)


_JUDGES: dict[StatementKind, Callable[[Analysis, Message], None]] = {
    StatementKind.SELECT: _query,
    StatementKind.INSERT: _query,
    StatementKind.UPDATE: _query,
    StatementKind.DELETE: _query,
    StatementKind.MERGE: _query,
    StatementKind.COPY_TO: judge_copy,
    StatementKind.COPY_FROM: judge_copy,
    StatementKind.EXPLAIN: _explain,
    StatementKind.TRUNCATE: _truncate,
    StatementKind.LOCK: _lock,
    StatementKind.VACUUM: _vacuum,
    StatementKind.ANALYZE: _vacuum,
    StatementKind.LISTEN: _nothing,
    StatementKind.NOTIFY: _nothing,
    StatementKind.TRANSACTION: _transaction,
    StatementKind.SET: _set,
    StatementKind.SHOW: _show,
    StatementKind.DISCARD: _nothing,
    StatementKind.UNLISTEN: _nothing,
    StatementKind.DECLARE: _declare,
    StatementKind.FETCH: _nothing,
    StatementKind.CLOSE: _nothing,
    StatementKind.PREPARE: _prepare,
    StatementKind.EXECUTE: _execute,
    StatementKind.DEALLOCATE: _nothing,
}
