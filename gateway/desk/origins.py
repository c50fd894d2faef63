"""Which columns of a view are plain columns of a relation below it, by the view's own definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from masking.catalog import Catalog, Relation
from masking.nodes import kind_of
from masking.parse import Message, parse, pg
from masking.refusal import Forbidden


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of a relation."""

    relation: Relation
    column: str


def plain_columns(view: Relation, definition: str, catalog: Catalog) -> Mapping[str, Origin]:
    """Column of the view -> the column that it shows as it is. `definition` is pg_get_viewdef() with an empty
    search_path. What is computed, comes of a set operation or cannot be followed is not in the answer."""
    try:
        tree = parse(definition)
    except Forbidden:
        return {}
    if len(tree.stmts) != 1 or kind_of(tree.stmts[0].stmt) != "select_stmt":
        return {}
    select = tree.stmts[0].stmt.select_stmt
    targets = list(select.target_list)
    if select.op != pg.SETOP_NONE or select.HasField("with_clause") or len(targets) != len(view.columns):
        return {}
    entries: dict[str, Relation | None] = {}
    for item in select.from_clause:
        for name, relation in _entries(item, catalog):
            # Two of one name: neither is sure.
            entries[name] = None if name in entries else relation
    found: dict[str, Origin] = {}
    for column, target in zip(view.columns, targets, strict=True):
        origin = _origin(target.res_target.val, entries)
        if origin is not None:
            found[column.name] = origin
    return found


def _entries(item: Message, catalog: Catalog) -> Iterator[tuple[str, Relation | None]]:
    match kind_of(item):
        case "range_var":
            reference = item.range_var
            renamed = bool(reference.alias.colnames)
            relation = catalog.relations.get((reference.schemaname, reference.relname))
            yield reference.alias.aliasname or reference.relname, None if renamed else relation
        case "join_expr":
            join = item.join_expr
            if join.HasField("alias"):
                yield join.alias.aliasname, None
            yield from _entries(join.larg, catalog)
            yield from _entries(join.rarg, catalog)
        case "range_subselect" | "range_function" | "range_table_func" | "range_table_sample" as kind:
            yield getattr(item, kind).alias.aliasname if kind != "range_table_sample" else "", None
        case _:
            yield "", None


def _origin(value: Message, entries: Mapping[str, Relation | None]) -> Origin | None:
    if kind_of(value) != "column_ref":
        return None
    names = [field.string.sval for field in value.column_ref.fields if field.HasField("string")]
    if len(names) != len(value.column_ref.fields):
        return None
    if len(names) == 1 and len(entries) == 1:
        relation = next(iter(entries.values()))
    elif len(names) == 2:
        relation = entries.get(names[0])
    else:
        return None
    if relation is None or relation.column(names[-1]) is None:
        return None
    return Origin(relation, names[-1])
