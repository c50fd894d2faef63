"""Each protected relation becomes a subselect of its masked columns, under the same alias.

    SELECT u.email FROM users u JOIN orders o ON o.user_id = u.id
    SELECT u.email FROM (SELECT "id", <mask>("email") AS "email" FROM "public"."users") u
           JOIN public.orders o ON o.user_id = u.id

This file knows what else must change so that the query around it still means the same:
long names, equal names, system columns, GROUP BY on a primary key.
"""

from __future__ import annotations

import re

from masking.nodes import column_reference, kind_of, rename, result_target, strings
from masking.parse import Message, pg
from masking.refusal import not_understood
from masking.scope import Entry, Scope


class Splices:
    """Subselects that are put in as text, after the print was checked, in place of a name nobody else uses.

    A protected relation may be wide and its masks long; printing, parsing and comparing them again for
    each statement took three quarters of the judging time. They are printed and checked once (sight.py).
    Where a name stands in FROM, a subselect in parentheses may stand: the grammar's `table_ref`.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []

    def name_for(self, text: str) -> str:
        self._texts.append(text)
        return _placeholder(len(self._texts) - 1)

    def into(self, printed: str) -> str:
        """The printed statement with its subselects. Raises Forbidden when a name is not there exactly once."""
        names = [f"{number:05d}" for number in range(len(self._texts))]
        if sorted(_NAME.findall(printed)) != names:
            raise not_understood("this statement uses a name that is kept for the gateway", rule="print-mismatch")
        # Levels are finished from the inside out, so the names do not come in their order.
        pieces = _NAME.split(printed)
        pieces[1::2] = [self._texts[int(number)] for number in pieces[1::2]]
        return "".join(pieces)


_NAME = re.compile(r"pgcurfew_masked_(\d{5})_")


def _placeholder(number: int) -> str:
    return f"pgcurfew_masked_{number:05d}_"


def finish_level(select: Message, level: Scope, everything: list[Entry], splices: Splices) -> bool:
    """Put the subselects into one SELECT whose names are all known by now. True when any shows something else."""
    protected = [e for e in everything if e.seen is not None and e.seen.protected]
    if not protected:
        return False
    _tell_apart(level, protected)
    _shorten(protected)
    if any(entry.system_columns for entry in protected):
        _write_out_stars(select, level, protected)
    if select.group_clause:
        for entry in protected:
            _repair_group_by(select, level, entry)
    for entry in protected:
        put_subselect(entry, splices)
    return _altered(protected)


def finish_from(level: Scope, everything: list[Entry], stars: bool, splices: Splices) -> bool:
    """The same for FROM of a write. `stars`: does its RETURNING say `*`?"""
    protected = [e for e in everything if e.seen is not None and e.seen.protected]
    if stars and any(entry.system_columns for entry in protected):
        raise not_understood("`*` beside a system column of a masked relation", hint="Name the columns instead.")
    _tell_apart(level, protected)
    _shorten(protected)
    for entry in protected:
        put_subselect(entry, splices)
    return _altered(protected)


def _altered(entries: list[Entry]) -> bool:
    return any(entry.seen is not None and entry.seen.altered for entry in entries)


def _shorten(protected: list[Entry]) -> None:
    """`public.users.email` becomes `users.email`: a subselect has no schema."""
    for entry in protected:
        for reference in entry.long_references:
            kept = pg.Node()
            kept.CopyFrom(reference.fields[-1])
            rename(reference.fields, entry.name)
            reference.fields.append(kept)


def write_out_returning(clause: Message, entries: list[Entry], level: Scope) -> None:
    """`RETURNING *` over a raw masked row becomes its columns by name, so that each can be masked."""
    targets = [pg.Node() for _ in clause.exprs]
    for copy, target in zip(targets, clause.exprs, strict=True):
        copy.CopyFrom(target)
    del clause.exprs[:]
    for target in targets:
        chosen: list[Entry] = []
        if is_star(target):
            qualifier = strings(target.res_target.val.column_ref.fields)
            if not qualifier:
                chosen = entries
            else:
                named = (
                    level.named(qualifier[0])
                    if len(qualifier) == 1
                    else level.of_relation(qualifier[-2], qualifier[-1])
                )
                chosen = [named] if named is not None else []
        if any(entry.raw and entry.seen is not None and entry.seen.protected for entry in chosen):
            clause.exprs.extend(_columns_of(chosen))
        else:
            clause.exprs.append(target)


def put_subselect(entry: Entry, splices: Splices) -> None:
    """Replace the relation's Node in FROM, keeping alias, column list, ONLY and TABLESAMPLE."""
    assert entry.seen is not None
    node = entry.node
    if node.HasField("range_var") and not (
        entry.only or entry.system_columns or entry.lookups or node.range_var.catalogname
    ):
        node.range_var.alias.aliasname = entry.name
        node.range_var.relname = splices.name_for(entry.seen.subselect_text)
        node.range_var.schemaname = ""
        return
    before = pg.Node()
    before.CopyFrom(node)
    sampled = before.HasField("range_table_sample")
    reference = before.range_table_sample.relation.range_var if sampled else before.range_var
    node.CopyFrom(entry.seen.subselect)
    subselect = node.range_subselect
    subselect.alias.aliasname = entry.name
    subselect.alias.colnames.extend(reference.alias.colnames)
    query = subselect.subquery.select_stmt
    fenced = reading(query)
    source = fenced.from_clause[0].range_var
    if entry.lookups:
        _add_conditions(query, entry.lookups)
    source.inh = not entry.only
    source.catalogname = reference.catalogname
    if sampled:
        bare = pg.Node()
        bare.range_var.CopyFrom(source)
        fenced.from_clause[0].range_table_sample.CopyFrom(before.range_table_sample)
        fenced.from_clause[0].range_table_sample.relation.CopyFrom(bare)
        # The sample's arguments may refer to what stands left of it.
        subselect.lateral = True
    for column in sorted(entry.system_columns):
        query.target_list.append(result_target(column_reference(column), column))
        if fenced is not query:
            fenced.target_list.append(result_target(column_reference(column), column))


def reading(query: Message) -> Message:
    """The SELECT of a subselect in which the relation itself stands: inside, where rows are struck, too."""
    source = query.from_clause[0]
    return source.range_subselect.subquery.select_stmt if source.HasField("range_subselect") else query


def _add_conditions(query: Message, conditions: list[Message]) -> None:
    """Conditions that every row of a query has to meet, besides those that it has."""
    every = [query.where_clause, *conditions] if query.HasField("where_clause") else conditions
    all_of_them = pg.Node(bool_expr=pg.BoolExpr(boolop=pg.AND_EXPR, args=every)) if len(every) > 1 else every[0]
    query.where_clause.CopyFrom(all_of_them)


def _tell_apart(level: Scope, protected: list[Entry]) -> None:
    """`FROM public.users, archive.users`: legal as tables, not as subselects of one name."""
    names = [entry.name for entry in level.entries]
    for entry in protected:
        if entry.aliased or names.count(entry.name) < 2:
            continue
        number = 1
        while f"{entry.name}_{number}" in names:
            number += 1
        entry.name = f"{entry.name}_{number}"
        names.append(entry.name)


def _write_out_stars(select: Message, level: Scope, protected: list[Entry]) -> None:
    """`SELECT ctid, * FROM users`: the subselect has a column more, which `*` must not show."""
    for entry in protected:
        if entry.system_columns and (entry.as_row or entry.under_aliased_join or entry.under_merge):
            raise not_understood(
                f"system columns of {entry.name} cannot be used together with its whole row, "
                "an aliased join, USING or NATURAL",
                hint="Name the columns instead, and join with ON.",
            )
    targets = [pg.Node() for _ in select.target_list]
    for copy, target in zip(targets, select.target_list, strict=True):
        copy.CopyFrom(target)
    del select.target_list[:]
    for target in targets:
        value = target.res_target.val
        if kind_of(value) != "column_ref" or not value.column_ref.fields[-1].HasField("a_star"):
            select.target_list.append(target)
            continue
        qualifier = strings(value.column_ref.fields)
        if not qualifier:
            entries = level.entries
        else:
            named = (
                level.named(qualifier[0]) if len(qualifier) == 1 else level.of_relation(qualifier[-2], qualifier[-1])
            )
            entries = [] if named is None else [named]
        if qualifier and not any(entry.system_columns for entry in entries):
            select.target_list.append(target)
            continue
        select.target_list.extend(_columns_of(entries))


def _columns_of(entries: list[Entry]) -> list[Message]:
    written: list[Message] = []
    for entry in entries:
        if not entry.output.complete or None in entry.output.names or entry.under_merge or not entry.name:
            raise not_understood(
                "`*` cannot be written out here, beside a system column of a masked relation",
                hint="Name the columns instead of `*`.",
            )
        written += [result_target(column_reference(entry.name, name)) for name in entry.output.names if name]
    return written


# GROUP BY id, with other columns of the table in the target list: legal over a table, since its
# primary key decides them (PG manual 7.2.3), not over a subselect. They are added to GROUP BY;
# the groups stay as they were.


def _repair_group_by(select: Message, level: Scope, entry: Entry) -> None:
    assert entry.seen is not None
    relation = entry.seen.relation
    if not relation.primary_key or entry not in level.entries:
        return
    items = list(select.group_clause)
    lone = _lone_grouping_set(items)
    plain = lone if lone is not None else _plain_items(items)
    grouped = {own for item in plain for own in _grouped_columns(item, select, level, entry)}
    if not set(relation.primary_key) <= grouped:
        return
    if lone is None:
        # What a ROLLUP beside the key groups by stays the ROLLUP's affair.
        grouped |= {own for item in _rolled_up(items) for own in _grouped_columns(item, select, level, entry)}
    missing = [
        (column.name, name)
        for column in relation.columns
        if column.name in entry.referenced - grouped and column.has_equality
        if (name := entry.output_name(column.name)) is not None
    ]
    if entry.as_row and all(column.has_equality for column in relation.columns):
        # `SELECT u … GROUP BY id`: the row is decided by its key, too.
        missing.append(("*", "*"))
    if not missing:
        return
    if lone is not None:
        kept = []
        for item in lone:
            copy = pg.Node()
            copy.CopyFrom(item)
            kept.append(copy)
        del select.group_clause[:]
        select.group_clause.extend(kept)
    select.group_clause.extend(_grouped(entry, name) for _, name in missing)


def _grouped(entry: Entry, name: str) -> Message:
    if name != "*":
        return column_reference(entry.name, name)
    fields = [pg.Node(string=pg.String(sval=entry.name)), pg.Node(a_star=pg.A_Star())]
    return pg.Node(column_ref=pg.ColumnRef(fields=fields))


def _lone_grouping_set(items: list[Message]) -> list[Message] | None:
    """The items of GROUPING SETS ((a, b)), which is GROUP BY a, b."""
    if len(items) != 1 or kind_of(items[0]) != "grouping_set":
        return None
    grouping = items[0].grouping_set
    if grouping.kind != pg.GROUPING_SET_SETS or len(grouping.content) != 1:
        return None
    if kind_of(grouping.content[0]) == "grouping_set":
        return None
    return _plain_items([grouping.content[0]])


def _plain_items(items: list[Message]) -> list[Message]:
    """GROUP BY's single items; those of `(a, b)` one by one; no grouping sets."""
    plain: list[Message] = []
    for item in items:
        if kind_of(item) == "row_expr" and item.row_expr.row_format == pg.COERCE_IMPLICIT_CAST:
            plain.extend(item.row_expr.args)
        elif kind_of(item) != "grouping_set":
            plain.append(item)
    return plain


def _rolled_up(items: list[Message]) -> list[Message]:
    """Everything named inside ROLLUP, CUBE and GROUPING SETS."""
    found: list[Message] = []
    todo = [item for item in items if kind_of(item) == "grouping_set"]
    while todo:
        for item in todo.pop().grouping_set.content:
            if kind_of(item) == "grouping_set":
                todo.append(item)
            else:
                found += _plain_items([item])
    return found


def _grouped_columns(item: Message, select: Message, level: Scope, entry: Entry) -> list[str]:
    """The columns of the entry's relation that an item of GROUP BY names: itself, by ordinal or by label."""
    if kind_of(item) == "a_const" and item.a_const.HasField("ival"):
        place = item.a_const.ival.ival
        if not 1 <= place <= len(select.target_list):
            return []
        if any(is_star(target) for target in select.target_list[:place]):
            return _starred_column(select, level, entry, place)
        return _own_columns(select.target_list[place - 1].res_target.val, level, entry)
    if kind_of(item) != "column_ref":
        return []
    names = strings(item.column_ref.fields)
    if len(names) == 1 and not any(e.has(names[0]) for e in level.entries):
        for target in select.target_list:
            if target.res_target.name == names[0]:
                return _own_columns(target.res_target.val, level, entry)
    return _own_columns(item, level, entry)


def is_star(target: Message) -> bool:
    value = target.res_target.val
    return kind_of(value) == "column_ref" and bool(value.column_ref.fields[-1].HasField("a_star"))


def _starred_column(select: Message, level: Scope, entry: Entry, place: int) -> list[str]:
    """What the n-th column is when `u.*` stands before it; only the plain case is followed."""
    first = select.target_list[0]
    names = strings(first.res_target.val.column_ref.fields) if is_star(first) else None
    if names is None or (names and names != [entry.name]) or not level.entries or level.entries[0] is not entry:
        return []
    output = entry.output.names
    name = output[place - 1] if place <= len(output) else None
    return entry.base_columns(name) if name else []


def _own_columns(node: Message, level: Scope, entry: Entry) -> list[str]:
    if kind_of(node) != "column_ref" or node.column_ref.fields[-1].HasField("a_star"):
        return []
    names = strings(node.column_ref.fields)
    if len(names) == 1:
        owners = [e for e in level.entries if e.has(names[0])]
        return entry.base_columns(names[0]) if owners and owners[0] is entry else []
    if len(names) == 2:
        return entry.base_columns(names[1]) if level.named(names[0]) is entry else []
    return entry.base_columns(names[-1]) if level.of_relation(names[-3], names[-2]) is entry else []
