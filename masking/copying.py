"""COPY: a masked relation is copied as a query over its masks; files and programs never.

    COPY customers TO STDOUT
    COPY (SELECT id, <mask>(email) AS email FROM ONLY public.customers) TO STDOUT

PG manual, COPY: of a table it copies the plain columns (not generated ones) of that table alone.
"""

from __future__ import annotations

from masking.analyse import Analysis
from masking.nodes import column_reference, kind_of, result_target, string, strings, words
from masking.parse import Message, pg
from masking.policy import StatementKind
from masking.probes import supplying_tells
from masking.refusal import Forbidden, by_policy
from masking.rewrite import reading
from masking.rules import probes_constraint, write_not_permitted
from masking.scope import Entry, Output, Scope
from masking.sight import Seen
from masking.walk import WRITE_NODES

_OPTIONS = words(
    """
    format delimiter null default header quote escape force_quote force_not_null force_null encoding on_error
    log_verbosity reject_limit
    """
)

_NOT_A_TABLE = {
    "v": ("view", "Try the COPY (SELECT ...) TO variant."),
    "f": ("foreign table", "Try the COPY (SELECT ...) TO variant."),
    "p": ("partitioned table", "Try the COPY (SELECT ...) TO variant."),
    "S": ("sequence", None),
}


def copy_kind(message: Message) -> StatementKind:
    if message.is_program or message.filename:
        return StatementKind.OTHER
    return StatementKind.COPY_FROM if message.is_from else StatementKind.COPY_TO


def judge_copy(analysis: Analysis, node: Message) -> None:
    message = node.copy_stmt
    for option in message.options:
        if option.def_elem.defname.lower() not in _OPTIONS:
            raise by_policy(
                "option-not-listed",
                f'option "{option.def_elem.defname}" of COPY is not permitted',
                "Leave it out.",
                option.def_elem.location,
            )
        if option.def_elem.arg.HasField("boolean"):
            # `CSV HEADER NULL ''` is printed as `(FORMAT csv, HEADER true, NULL '')`, where true is a word.
            option.def_elem.arg.CopyFrom(string("true" if option.def_elem.arg.boolean.boolval else "false"))
    if message.HasField("query"):
        if kind_of(message.query) in WRITE_NODES:
            analysis.query(message.query, Scope(None))
            return
        analysis.require_kind(StatementKind.SELECT)
        analysis.query(message.query, Scope(None))
    elif message.is_from:
        _copy_from(analysis, message)
    else:
        _copy_to(analysis, message)


def _columns(seen: Seen, message: Message) -> list[str]:
    """The columns a COPY of a relation means."""
    named = strings(message.attlist)
    if not named:
        return [column.name for column in seen.relation.columns if not column.generated]
    for name in named:
        column = seen.relation.column(name)
        if column is None:
            raise Forbidden(
                "42703", "column-unknown", f'column "{name}" of relation "{seen.relation.name}" does not exist'
            )
        if column.generated:
            raise Forbidden(
                "42P10",
                "column-generated",
                f'column "{name}" is a generated column',
                detail="Generated columns cannot be used in COPY.",
            )
    return named


def _copy_to(analysis: Analysis, message: Message) -> None:
    seen = analysis.relation(message.relation)
    columns = _columns(seen, message)
    analysis.touch(seen).read.update(columns)
    if not seen.protected:
        return
    if seen.relation.kind in _NOT_A_TABLE:
        what, hint = _NOT_A_TABLE[seen.relation.kind]
        raise Forbidden("42809", "copy-not-a-table", f'cannot copy from {what} "{seen.relation.name}"', hint=hint)
    source = pg.Node()
    source.CopyFrom(seen.subselect)
    inner = source.range_subselect.subquery.select_stmt
    reading(inner).from_clause[0].range_var.inh = False
    source.range_subselect.alias.aliasname = seen.relation.name
    query = pg.SelectStmt(limit_option=pg.LIMIT_OPTION_DEFAULT, op=pg.SETOP_NONE)
    query.from_clause.append(source)
    query.target_list.extend(result_target(column_reference(name)) for name in columns)
    message.query.select_stmt.CopyFrom(query)
    message.ClearField("relation")
    del message.attlist[:]
    analysis.masked = analysis.masked or seen.altered


def _copy_from(analysis: Analysis, message: Message) -> None:
    seen = analysis.relation(message.relation)
    columns = _columns(seen, message)
    for column in columns:
        if not seen.may_write(column):
            raise write_not_permitted(seen, column, analysis.policy.role, message.relation.location)
        tells = column in seen.masks or supplying_tells(analysis.sight, seen, column)
        if tells and not analysis.policy.may_probe_constraints:
            raise probes_constraint(seen, column, message.relation.location)
    analysis.touch(seen).written.update(columns)
    analysis.writes = not seen.own
    if not message.attlist:
        # The columns that were judged, also if one is added meanwhile.
        message.attlist.extend(string(name) for name in columns)
    target = Entry(seen.relation.name, Output([c.name for c in seen.relation.columns]), seen=seen, raw=True)
    analysis.feeding_a_write = not seen.own
    analysis.expression(message, "where_clause", Scope(None, [target]))
