"""Statements made up by hypothesis: typed SELECTs over the market whose answer does not depend on chance."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.masking.differential.sources import AGGREGATES, KINDS, RELATIONS, Column, Maker, Relation

DEEP = 2
#: Kinds that a join can well be made on.
JOINED = ("int", "text", "date")


@dataclass(frozen=True, slots=True)
class Made:
    """A statement; whether it looks at clear columns only, and whether its order is told to the last row."""

    sql: str
    parameters: tuple[bytes, ...]
    clear: bool
    ordered: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Something in FROM: its SQL, its columns, and what tells its rows apart."""

    sql: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    small: bool = False
    #: The columns of a primary key, in a table named by itself.
    primary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Select:
    """A query: its SQL without ORDER BY, and the names and kinds of its columns."""

    sql: str
    columns: tuple[tuple[str, str], ...]
    #: What tells the rows apart in ORDER BY of this very level; () when only all of its columns do.
    key: tuple[str, ...] = ()


class Writer:
    """Writes one statement."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        #: WITH queries, in their order.
        self.ctes: list[tuple[str, Select]] = []
        self.clauses: list[str] = []

    # FROM

    def relation(self, outer: Sequence[Column] = (), *, small: bool = False) -> Source:
        maker = self.maker
        found: Relation = maker.pick([r for r in RELATIONS if r.small] if small else RELATIONS)
        columns = maker.columns(found)
        alias = maker.name("t")
        name = found.name if maker.chance(70) else f"market.{found.name}"
        sql = f"{name} {'AS ' if maker.chance(50) else ''}{alias}"
        if found.name == "visits" and maker.chance(30):
            sql = f"ONLY {sql}"
        shown = {column: column for column in columns}
        if not maker.clear and maker.chance(8):
            shown = {column: f"c{place}" for place, column in enumerate(found.columns)}
            if tuple(found.columns) == _LISTED.get(found.name):
                sql += f" ({', '.join(shown.values())})"
            else:
                shown = {column: column for column in columns}
        elif found.primary and maker.chance(6):
            sql += " TABLESAMPLE BERNOULLI (100)"
        key = tuple(f"{alias}.{shown.get(column, column)}" for column in found.key)
        return Source(
            sql,
            tuple(Column(f"{alias}.{shown[column]}", kind) for column, kind in columns.items()),
            key,
            small=found.small,
            primary=key if found.primary and found.name not in ("visits",) else (),
        )

    def source(self, depth: int, outer: Sequence[Column] = ()) -> Source:
        maker = self.maker
        choice = maker.number(11)
        if choice <= 6 or depth <= 0:
            return self.relation()
        if choice == 7:
            count, alias = maker.number(3) + 2, maker.name("v")
            kinds = [maker.pick(KINDS) for _ in range(maker.number(2) + 1)]
            rows = ", ".join(f"({', '.join(maker.literal(kind) for kind in kinds)})" for _ in range(count))
            names = [f"{alias}c{n}" for n in range(len(kinds))]
            columns = tuple(Column(f"{alias}.{name}", kind) for name, kind in zip(names, kinds, strict=True))
            return Source(
                f"(VALUES {rows}) AS {alias} ({', '.join(names)})", columns, tuple(c.sql for c in columns), True
            )
        if choice == 8:
            alias = maker.name("g")
            if maker.chance(50):
                return Source(
                    f"generate_series(1, {maker.number(8) + 1}) AS {alias}", (Column(alias, "int"),), (alias,), True
                )
            sql = f"generate_series(timestamp '2024-01-01', '2024-01-09', '2 days') AS {alias}(at)"
            return Source(sql, (Column(f"{alias}.at", "time"),), (f"{alias}.at",), True)
        if choice == 9 and self.ctes:
            name, select = maker.pick(self.ctes)
            return self._derived(name, maker.name("w"), select.columns, around="{0} AS {1}")
        select = self.select(depth - 1)
        sql = self.limited(select) if maker.chance(35) else select.sql
        return self._derived(sql, maker.name("s"), select.columns)

    def _derived(
        self, sql: str, alias: str, columns: Sequence[tuple[str, str]], around: str = "({0}) AS {1}"
    ) -> Source:
        named = tuple(Column(f"{alias}.{name}", kind) for name, kind in columns)
        return Source(around.format(sql, alias), named, tuple(column.sql for column in named))

    def from_clause(self, depth: int) -> Source:
        """One source, or several joined to one."""
        maker = self.maker
        whole = self.source(depth)
        for _ in range(maker.pick((0, 0, 0, 1, 1, 2))):
            whole = self.joined(whole, depth)
        return whole

    def joined(self, left: Source, depth: int) -> Source:
        maker = self.maker
        columns = left.columns
        if maker.chance(12):
            lateral = self.lateral(left)
            if lateral is not None:
                return lateral
        right = self.source(depth - 1)
        both = columns + right.columns
        key = left.key + right.key
        if right.small and left.small and maker.chance(30):
            return Source(f"{left.sql}{maker.pick((' CROSS JOIN ', ', '))}{right.sql}", both, key)
        pairs = [(a, b) for a in columns for b in right.columns if a.kind == b.kind and a.kind in JOINED]
        if not pairs:
            right = self.relation(small=True)
            return Source(f"{left.sql} CROSS JOIN {right.sql}", columns + right.columns, left.key + right.key)
        kind = maker.pick(("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        a, b = maker.pick(pairs)
        condition = f"{a.sql} = {b.sql}"
        if kind != "FULL JOIN" and maker.chance(30):
            condition += f" AND {maker.expression('bool', both, 1)}"
        return Source(f"{left.sql} {kind} {right.sql} ON {condition}", both, key)

    def lateral(self, left: Source) -> Source | None:
        maker = self.maker
        ids = [column for column in left.columns if column.kind == "int"]
        if not ids:
            return None
        inner = self.relation()
        own = [column for column in inner.columns if column.kind == "int"]
        alias = maker.name("l")
        chosen = [maker.pick(inner.columns) for _ in range(2)]
        shown = ", ".join(f"{column.sql} AS {alias}c{n}" for n, column in enumerate(chosen))
        order = ", ".join((*(column.sql for column in chosen), *inner.key))
        sql = (
            f"SELECT {shown} FROM {inner.sql} WHERE {maker.pick(own).sql} = {maker.pick(ids).sql} "
            f"ORDER BY {order} LIMIT {maker.number(2) + 1}"
        )
        named = tuple(Column(f"{alias}.{alias}c{n}", column.kind) for n, column in enumerate(chosen))
        joined = f"{left.sql} LEFT JOIN LATERAL ({sql}) AS {alias} ON true"
        return Source(joined, left.columns + named, left.key + tuple(c.sql for c in named))

    # SELECT

    def select(self, depth: int, kinds: Sequence[str] | None = None) -> Select:
        maker = self.maker
        choice = maker.number(9)
        if choice == 8 and kinds is None and depth > 0:
            return self.set_operation(depth)
        source = self.from_clause(depth)
        if choice in (4, 5) and kinds is None:
            return self.grouped(source)
        if choice == 6 and kinds is None:
            return self.windowed(source)
        if choice == 7 and kinds is None and source.primary:
            return self.grouped_by_key(source)
        return self.plain(source, kinds, depth)

    def where(self, source: Source, depth: int) -> str:
        maker = self.maker
        if not maker.chance(55):
            return ""
        condition = maker.expression("bool", source.columns, DEEP)
        if depth > 0 and maker.chance(25):
            condition += f" {maker.pick(('AND', 'OR'))} {self.subquery(source)}"
        return f" WHERE {condition}"

    def subquery(self, source: Source) -> str:
        """EXISTS, IN and comparisons with a subselect, correlated or not."""
        maker = self.maker
        inner = self.relation()
        kind = maker.pick(JOINED)
        outside = [column.sql for column in source.columns if column.kind == kind]
        inside = [column.sql for column in inner.columns if column.kind == kind]
        if not outside or not inside:
            return f"EXISTS (SELECT FROM {inner.sql} WHERE {maker.expression('bool', inner.columns, 1)})"
        a, b = maker.pick(outside), maker.pick(inside)
        condition = maker.expression("bool", inner.columns, 1)
        match maker.number(4):
            case 0:
                return f"{maker.pick(('', 'NOT '))}EXISTS (SELECT * FROM {inner.sql} WHERE {b} = {a} AND {condition})"
            case 1:
                return f"{a} IN (SELECT {b} FROM {inner.sql} WHERE {condition})"
            case 2:
                return f"{a} NOT IN (SELECT {b} FROM {inner.sql} WHERE {b} IS NOT NULL AND {condition})"
            case 3:
                return f"{a} >= (SELECT max({b}) FROM {inner.sql} WHERE {condition})"
            case _:
                quantified = f"{maker.pick(('=', '<', '>'))} {maker.pick(('ANY', 'ALL'))}"
                return f"{a} {quantified} (SELECT {b} FROM {inner.sql} WHERE {condition})"

    def plain(self, source: Source, kinds: Sequence[str] | None, depth: int) -> Select:
        maker = self.maker
        wanted = kinds or [maker.pick(source.columns).kind for _ in range(maker.number(3) + 1)]
        targets, columns = [], []
        for kind in wanted:
            name = maker.name("x")
            targets.append(f"{maker.expression(kind, source.columns, DEEP)} AS {name}")
            columns.append((name, kind))
        where = self.where(source, depth)
        distinct = maker.chance(12)
        sql = f"SELECT {'DISTINCT ' if distinct else ''}{', '.join(targets)} FROM {source.sql}{where}"
        return Select(sql, tuple(columns), () if distinct else source.key)

    def aggregate(self, source: Source) -> tuple[str, str]:
        maker = self.maker
        kind = maker.pick(source.columns).kind
        if maker.chance(25):
            return "count(*)", "int"
        shape, result = maker.pick(AGGREGATES[kind])
        sql = shape.format(maker.expression(kind, source.columns, 1))
        if (
            "FILTER" not in sql
            and "WITHIN" not in sql
            and not sql.startswith(("round(", "range_merge("))
            and maker.chance(20)
        ):
            sql += f" FILTER (WHERE {maker.expression('bool', source.columns, 1)})"
        return sql, result

    def grouped(self, source: Source) -> Select:
        maker = self.maker
        kinds = [maker.pick(source.columns).kind for _ in range(maker.number(2))]
        grouped = [(maker.expression(kind, source.columns, 1), maker.name("k"), kind) for kind in kinds]
        # A constant in GROUP BY would be a column's number or an error.
        grouped = [g for g in grouped if any(c.sql in g[0] for c in source.columns)]
        aggregates = [(*self.aggregate(source), maker.name("a")) for _ in range(maker.number(2) + 1)]
        targets = [f"{sql} AS {name}" for sql, name, _ in grouped] + [f"{sql} AS {name}" for sql, _, name in aggregates]
        columns = [(name, kind) for _, name, kind in grouped] + [(name, kind) for _, kind, name in aggregates]
        sql = f"SELECT {', '.join(targets)} FROM {source.sql}{self.where(source, 0)}"
        if grouped:
            items = [name if maker.chance(30) else str(n + 1) for n, (_, name, _) in enumerate(grouped)]
            if not any(parameter in sql for parameter in ("$",)) and maker.chance(40):
                items = [g[0] for g in grouped]
            listed = ", ".join(items)
            if maker.chance(20):
                listed = maker.pick(("ROLLUP ({0})", "CUBE ({0})", "GROUPING SETS (({0}), ())")).format(listed)
            sql += f" GROUP BY {listed}"
        if maker.chance(25):
            sql += f" HAVING count(*) > {maker.number(3)}"
        return Select(sql, tuple(columns))

    def grouped_by_key(self, source: Source) -> Select:
        """GROUP BY a primary key, with other columns of its table beside it."""
        maker = self.maker
        chosen = [maker.pick(source.columns) for _ in range(maker.number(2) + 1)]
        targets = [(maker.expression(c.kind, [c], 1), maker.name("d"), c.kind) for c in chosen]
        aggregates = [(*self.aggregate(source), maker.name("a")) for _ in range(maker.number(1) + 1)]
        listed = [f"{sql} AS {name}" for sql, name, _ in targets] + [f"{sql} AS {name}" for sql, _, name in aggregates]
        columns = [(name, kind) for _, name, kind in targets] + [(name, kind) for _, kind, name in aggregates]
        sql = (
            f"SELECT {', '.join(listed)} FROM {source.sql}{self.where(source, 0)} GROUP BY {', '.join(source.primary)}"
        )
        return Select(sql, tuple(columns))

    def windowed(self, source: Source) -> Select:
        maker = self.maker
        key = ", ".join(source.key)
        targets, columns = [], []
        for column in [maker.pick(source.columns) for _ in range(maker.number(1) + 1)]:
            name = maker.name("x")
            targets.append(f"{column.sql} AS {name}")
            columns.append((name, column.kind))
        for _ in range(maker.number(1) + 1):
            column = maker.pick(source.columns)
            by = maker.pick(source.columns).sql
            number = maker.expression("int", source.columns, 1)
            name = maker.name("o")
            sql, kind = maker.pick(
                (
                    (f"row_number() OVER (ORDER BY {by}, {key})", "int"),
                    (f"rank() OVER (ORDER BY {by})", "int"),
                    (f"dense_rank() OVER (PARTITION BY {by} ORDER BY {column.sql} DESC)", "int"),
                    (f"count(*) OVER (PARTITION BY {by})", "int"),
                    (f"count({column.sql}) OVER (ORDER BY {by})", "int"),
                    (f"lag({column.sql}) OVER (ORDER BY {by}, {key})", column.kind),
                    (f"lead({column.sql}, 2) OVER (PARTITION BY {by} ORDER BY {key})", column.kind),
                    (f"first_value({column.sql}) OVER (PARTITION BY {by} ORDER BY {key})", column.kind),
                    (
                        f"last_value({column.sql}) OVER (ORDER BY {key} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
                        column.kind,
                    ),
                    (f"nth_value({column.sql}, 2) OVER (ORDER BY {by}, {key})", column.kind),
                    (f"ntile(3) OVER (ORDER BY {by}, {key})", "int"),
                    (
                        f"max({number}) OVER (ORDER BY {by}, {key} ROWS 3 PRECEDING)",
                        "int",
                    ),
                    (f"sum({maker.expression('num', source.columns, 1)}) OVER (PARTITION BY {by})", "num"),
                )
            )
            targets.append(f"{sql} AS {name}")
            columns.append((name, kind))
        return Select(
            f"SELECT {', '.join(targets)} FROM {source.sql}{self.where(source, 0)}", tuple(columns), source.key
        )

    def set_operation(self, depth: int) -> Select:
        maker = self.maker
        left = self.plain(self.from_clause(depth - 1), None, 0)
        right = self.plain(self.from_clause(depth - 1), [kind for _, kind in left.columns], 0)
        word = maker.pick(("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
        return Select(f"({left.sql}) {word} ({right.sql})", left.columns)

    # The whole

    def limited(self, select: Select) -> str:
        """With an ORDER BY that leaves no tie, and a LIMIT."""
        maker = self.maker
        count = maker.number(20)
        ending = maker.pick(
            (f"LIMIT {count}", f"LIMIT {count} OFFSET 2", f"OFFSET 1 ROWS FETCH NEXT {count} ROWS ONLY")
        )
        return f"{self.ordered(select)} {ending}"

    def ordered(self, select: Select) -> str:
        maker = self.maker
        places = [str(n + 1) for n in range(len(select.columns))]
        order = [f"{place}{maker.pick(('', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'))}" for place in places]
        if maker.chance(30):
            order.reverse()
        if select.key and maker.chance(50):
            order = [*order[: maker.number(len(order))], *select.key]
        return f"{select.sql} ORDER BY {', '.join(order)}"

    def statement(self) -> tuple[str, bool]:
        """The text, and whether the order of its rows is told."""
        maker = self.maker
        for _ in range(maker.pick((0, 0, 0, 1, 2))):
            select = self.select(1)
            name = maker.name("q")
            how = maker.pick(("", "", "MATERIALIZED ", "NOT MATERIALIZED "))
            self.clauses.append(f"{name} AS {how}({select.sql})")
            self.ctes.append((name, select))
        select = self.select(DEEP)
        ordered = True
        match maker.number(5):
            case 0 | 1:
                sql = self.ordered(select)
            case 2:
                sql = self.limited(select)
            case 3:
                sql, ordered = select.sql, False
            case 4:
                alias = maker.name("z")
                shown = maker.pick((f"{alias}.*", "*", f"count(*), min({alias}.{select.columns[0][0]}::text)"))
                sql, ordered = f"SELECT {shown} FROM ({select.sql}) AS {alias}", False
            case _:
                alias = maker.name("z")
                shown = maker.pick(
                    (
                        f"to_jsonb({alias})",
                        f"row_to_json({alias})",
                        f"{alias}::text",
                        f"({alias}).{select.columns[0][0]}",
                    )
                )
                sql, ordered = f"SELECT {shown} FROM ({select.sql}) AS {alias}", False
        if self.clauses:
            sql = f"WITH {', '.join(self.clauses)} {sql}"
        return sql, ordered


#: The columns of relations as they are declared, where all of them are among those used here.
_LISTED = {
    relation.name: tuple(relation.columns)
    for relation in RELATIONS
    if relation.name in ("sales", "sales_2024", "tasks", "counters", "visits", "active_people", "totals", "by_month")
}


@st.composite
def statements(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Made:
    """Any statement of the market."""
    maker = Maker(draw, clear=draw(st.booleans()), parametrised=draw(st.booleans()))
    sql, ordered = Writer(maker).statement()
    # Some literals were drawn for a part that was not taken in the end.
    used = sorted({int(number) for number in _PARAMETER.findall(sql)})
    sql = _PARAMETER.sub(lambda found: f"${used.index(int(found[1])) + 1}", sql)
    return Made(sql, tuple(maker.parameters[number - 1] for number in used), maker.clear, ordered)


_PARAMETER = re.compile(r"\$(\d+)")
