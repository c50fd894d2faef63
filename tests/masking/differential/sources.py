"""What made-up queries are made from: relations with typed columns, and expressions of each type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TypeVar

from hypothesis import strategies as st

from tests.masking.differential.stage import masked_columns

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[int]], int]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as an expression can name it."""

    sql: str
    kind: str


@dataclass(frozen=True, slots=True)
class Relation:
    name: str
    #: Column -> kind.
    columns: dict[str, str]
    key: tuple[str, ...]
    #: May stand in a join without a condition.
    small: bool = False
    #: Has a declared primary key, so that GROUP BY may lean on it.
    primary: bool = True


def _columns(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())  # type: ignore[misc]


PEOPLE = _columns(
    """id:int region:int name:text email:text phone:text card:text born:date seen:stamp salary:num score:float
    level:int notes:text profile:jsonb address:inet temper:mood contact:text tags:texts token:uuid city:text
    joined:date active:bool rating:num shouted:text"""
)
SALES = _columns("id:int person:int product:int day:date at:time amount:int total:num comment:text")
VISITS = _columns("id:int person:int page:text lasted:interval at:stamp")
RELATIONS = (
    Relation("people", PEOPLE, ("id",)),
    Relation("sales", SALES, ("id", "day")),
    Relation(
        "products",
        _columns(
            """id:int name:text kind:text price:num weight:float stock:int attributes:jsonb labels:texts sizes:ints
        valid:daterange lead:interval mood:mood uid:uuid discount:num"""
        ),
        ("id",),
    ),
    Relation("regions", _columns("id:int name:text parent:int"), ("id",), small=True),
    Relation(
        "tasks", _columns("id:int title:text done:bool priority:int owner:int due:date meta:jsonb secret:text"), ("id",)
    ),
    Relation("counters", _columns("name:text value:int changed:stamp"), ("name",), small=True),
    Relation("visits", VISITS, ("id",), primary=False),
    Relation("long_visits", {**VISITS, "reason": "text"}, ("id",), primary=False),
    Relation("sales_2024", SALES, ("id", "day")),
    Relation("active_people", _columns("id:int name:text email:text city:text joined:date"), ("id",), primary=False),
    Relation("totals", _columns("city:text sold:int revenue:num"), ("city",), small=True, primary=False),
    Relation("by_month", _columns("month:date sold:int revenue:num"), ("month",), primary=False),
)

LITERALS: dict[str, tuple[str, ...]] = {
    "int": ("0", "1", "2", "3", "7", "42", "100"),
    "num": ("0.00", "1.50", "99.99", "500.00", "25000.25"),
    "float": ("0", "0.5", "2.25", "8"),
    "text": ("Kiel", "Ulm", "a", "", "Name 3", "%1%", "book", "it''s", "p_", "ä"),
    "bool": ("true", "false"),
    "date": ("2024-01-01", "2023-06-15", "1960-05-05", "2025-01-01"),
    "stamp": ("2024-03-01 12:00:00+00", "2024-01-05 00:00:00+00"),
    "time": ("2024-03-01 12:00:00", "2023-12-31 23:59:59"),
    "interval": ("1 day", "90 seconds", "2 hours"),
    "mood": ("calm", "cross", "elated"),
    "inet": ("10.0.1.0/24", "10.0.0.7"),
    "uuid": ("00000000-0000-0000-0000-000000000001", "c4ca4238-a0b9-2382-0dcc-509a6f75849b"),
    "jsonb": ('{"n": 1}', "[1, 2]", '{"colour": "red"}'),
    "texts": ("{all,t1}", "{}", "{l1}"),
    "ints": ("{1,2,7}", "{}"),
    "daterange": ("[2024-01-01,2024-03-01)", "empty"),
}
TYPES = {
    "int": "bigint",
    "num": "numeric",
    "float": "float8",
    "bool": "boolean",
    "stamp": "timestamptz",
    "time": "timestamp",
    "mood": "market.mood",
    "texts": "text[]",
    "ints": "int[]",
}

#: Kind -> templates; {kind} stands for an expression of that kind.
SHAPES: dict[str, tuple[str, ...]] = {
    "int": (
        "({int} + {int})",
        "({int} - {int})",
        "({int} % nullif({int}, 0))",
        "({int} * 2)",
        "length({text})",
        "abs({int})",
        "coalesce({int}, 0)",
        "CASE WHEN {bool} THEN {int} ELSE {int} END",
        "extract(year FROM {date})::int",
        "greatest({int}, {int})",
        "nullif({int}, {int})",
        "cardinality({texts})",
        "({date} - {date})",
        "strpos({text}, 'a')",
        "({bool})::int",
        "array_length({ints}, 1)",
        "round({num})::bigint",
        "octet_length({text})",
        "num_nulls({text}, {int})",
        "ascii({text})",
        "width_bucket({num}, 0, 1000, 5)",
        "(-{int})",
        "sign({num})::int",
    ),
    "num": (
        "({num} + {num})",
        "({num} - {num})",
        "round({num} / nullif({num}, 0), 4)",
        "round({num} * 1.19, 2)",
        "({int})::numeric",
        "coalesce({num}, 0.00)",
        "least({num}, {num})",
        "CASE WHEN {bool} THEN {num} END",
        "abs({num})",
        "trunc({num}, 1)",
        "mod({num}, 7.00)",
        "ceil({num})",
        "extract(epoch FROM {interval})",
    ),
    "float": ("({float} + {float})", "({float} * 2)", "coalesce({float}, 0)", "({int})::float8", "floor({float})"),
    "text": (
        "upper({text})",
        "lower({text})",
        "({text} || {text})",
        "({text} || '-' || {int})",
        "left({text}, 3)",
        "right({text}, 2)",
        "substr({text}, 2, 4)",
        "substring({text} FROM 2 FOR 3)",
        "coalesce({text}, 'none')",
        "nullif({text}, {text})",
        "split_part({text}, '@', 2)",
        "replace({text}, 'a', 'b')",
        "md5({text})",
        "reverse({text})",
        "initcap({text})",
        "to_char({date}, 'YYYY-MM')",
        "to_char({num}, 'FM999990.00')",
        "({int})::text",
        "({date})::text",
        "({mood})::text",
        "CASE WHEN {bool} THEN {text} ELSE {text} END",
        "concat_ws('/', {text}, {int}, {text})",
        "format('%s:%L', {text}, {text})",
        "({jsonb} ->> 'colour')",
        "({jsonb} #>> '{{nested,n}}')",
        "array_to_string({texts}, ',')",
        "host({inet})",
        "trim(BOTH 'a' FROM {text})",
        "lpad({text}, 8, '.')",
        "overlay({text} PLACING 'X' FROM 1)",
        "({texts})[1]",
        "regexp_replace({text}, '[0-9]+', '#', 'g')",
        "translate({text}, 'ae', 'xy')",
        "({uuid})::text",
        "quote_literal({text})",
        "jsonb_typeof({jsonb})",
        "(ARRAY[{text}, {text}])[2]",
        "greatest({text}, {text})",
        "({num})::text",
        '({text} COLLATE "C")',
        "cast({int} AS varchar(3))",
        "encode(convert_to({text}, 'UTF8'), 'hex')",
        "(ROW({int}, {text}))::text",
        "(xmlforest({int} AS n))::text",
        "repeat({text}, 2)",
        "date_part('month', {date})::text",
    ),
    "bool": (
        "({int} = {int})",
        "({int} < {int})",
        "({num} >= {num})",
        "({text} = {text})",
        "({text} <> {text})",
        "({date} <= {date})",
        "({bool} AND {bool})",
        "({bool} OR {bool})",
        "(NOT {bool})",
        "({text} IS NULL)",
        "({int} IS NOT NULL)",
        "({text} LIKE '%a%')",
        "({text} ILIKE 'n%')",
        "({text} ~ '^[A-K]')",
        "({int} IN (1, 2, 3, {int}))",
        "({int} BETWEEN {int} AND {int})",
        "({text} = ANY ({texts}))",
        "({texts} @> ARRAY['all'])",
        "({jsonb} ? 'n')",
        "({jsonb} @> '{{\"n\": 1}}')",
        "({text} IS DISTINCT FROM {text})",
        "({mood} > {mood})",
        "({inet} << '10.0.0.0/8')",
        "({stamp} > {stamp})",
        "(({int}, {text}) = ({int}, {text}))",
        "(({int}, {int}) < ({int}, {int}))",
        "({daterange} @> {date})",
        "({float} > {float})",
        "({uuid} < {uuid})",
        "({interval} > {interval})",
        "({bool} IS TRUE)",
        "({text} NOT IN ('Kiel', {text}))",
        "({text} SIMILAR TO '%(a|b)%')",
        "starts_with({text}, 'N')",
        "({ints} && ARRAY[1, 7])",
        "(({date}, {date}) OVERLAPS ({date}, {date}))",
        "({text} ^@ 'N')",
        "({int} = ALL (ARRAY[{int}, {int}]))",
        "(to_tsvector('simple', {text}) @@ to_tsquery('simple', 'a | b'))",
        "({time} >= {time})",
        "({int} NOT BETWEEN SYMMETRIC {int} AND {int})",
    ),
    "date": (
        "({date} + 7)",
        "date_trunc('month', {date})::date",
        "coalesce({date}, date '2024-01-01')",
        "({date} - ({int} % 50)::int)",
        "greatest({date}, {date})",
        "CASE WHEN {bool} THEN {date} END",
        "({stamp})::date",
        "lower({daterange})",
        "({time})::date",
    ),
    "stamp": (
        "date_trunc('day', {stamp})",
        "({stamp} + {interval})",
        "coalesce({stamp}, {stamp})",
        "({date})::timestamptz",
        "({time} AT TIME ZONE 'Europe/Berlin')",
        "CASE WHEN {bool} THEN {stamp} END",
        "date_bin('15 minutes', {stamp}, '2024-01-01')",
    ),
    "time": (
        "date_trunc('hour', {time})",
        "({time} + {interval})",
        "({stamp} AT TIME ZONE 'UTC')",
        "({date} + time '10:00')",
    ),
    "interval": (
        "({interval} + {interval})",
        "({interval} * 2)",
        "({stamp} - {stamp})",
        "coalesce({interval}, '0')",
        "age({date}, date '2020-01-01')",
    ),
    "mood": ("coalesce({mood}, 'calm')", "CASE WHEN {bool} THEN {mood} ELSE {mood} END", "greatest({mood}, {mood})"),
    "inet": ("coalesce({inet}, '10.0.0.1')", "network({inet})::inet", "set_masklen({inet}, 16)"),
    "uuid": ("coalesce({uuid}, {uuid})", "CASE WHEN {bool} THEN {uuid} END"),
    "jsonb": (
        "({jsonb} -> 'nested')",
        "({jsonb} || '{{\"x\": 1}}')",
        "jsonb_build_object('k', {text}, 'n', {int})",
        "to_jsonb({text})",
        "jsonb_build_array({int}, {text})",
        "({jsonb} - 'n')",
        "to_jsonb({texts})",
        "jsonb_strip_nulls({jsonb})",
        "to_jsonb({date})",
        "jsonb_path_query_array({jsonb}, '$.*')",
        "coalesce({jsonb}, '{{}}')",
    ),
    "texts": (
        "({texts} || {text})",
        "array_remove({texts}, 'all')",
        "string_to_array({text}, 'a')",
        "ARRAY[{text}, {text}]",
        "coalesce({texts}, '{{}}')",
    ),
    "ints": ("array_append({ints}, 5)", "ARRAY[{int}::int, 2]", "coalesce({ints}, '{{}}')", "({ints})[1:2]"),
    "daterange": (
        "daterange(least({date}, '2024-01-01'), NULL)",
        "({daterange} * '[2024-01-01,2024-06-01)')",
        "coalesce({daterange}, 'empty')",
    ),
}
KINDS = tuple(SHAPES)
#: Aggregates over an argument of a kind; all of them give the same answer in whatever order rows come.
AGGREGATES: dict[str, tuple[tuple[str, str], ...]] = {
    "int": (
        ("sum({0})", "num"),
        ("avg({0})", "num"),
        ("min({0})", "int"),
        ("max({0})", "int"),
        ("bit_or({0})", "int"),
        ("percentile_disc(0.5) WITHIN GROUP (ORDER BY {0})", "int"),
        ("array_agg({0}::int ORDER BY {0})", "ints"),
        ("mode() WITHIN GROUP (ORDER BY {0})", "int"),
    ),
    "num": (
        ("sum({0})", "num"),
        ("round(avg({0}), 6)", "num"),
        ("min({0})", "num"),
        ("max({0})", "num"),
        ("round(stddev_pop({0}), 6)", "num"),
    ),
    "float": (("min({0})", "float"), ("max({0})", "float"), ("count({0})", "int")),
    "text": (
        ("min({0})", "text"),
        ("max({0})", "text"),
        ("string_agg({0}, ',' ORDER BY {0})", "text"),
        ("count(DISTINCT {0})", "int"),
        ("array_agg(DISTINCT {0} ORDER BY {0})", "texts"),
        ("string_agg(DISTINCT {0}, '|' ORDER BY {0} DESC)", "text"),
    ),
    "bool": (
        ("bool_and({0})", "bool"),
        ("bool_or({0})", "bool"),
        ("count(*) FILTER (WHERE {0})", "int"),
        ("every({0})", "bool"),
    ),
    "date": (("min({0})", "date"), ("max({0})", "date"), ("count(DISTINCT {0})", "int")),
    "stamp": (("min({0})", "stamp"), ("max({0})", "stamp")),
    "time": (("min({0})", "time"), ("max({0})", "time")),
    "interval": (("sum({0})", "interval"), ("max({0})", "interval")),
    "mood": (("min({0})", "mood"), ("max({0})", "mood"), ("count({0})", "int")),
    "inet": (("max({0})", "inet"), ("count(DISTINCT {0})", "int")),
    "uuid": (("count(DISTINCT {0})", "int"),),
    "jsonb": (("jsonb_agg({0} ORDER BY {0})", "jsonb"), ("count({0})", "int")),
    "texts": (("max({0})", "texts"), ("count({0})", "int")),
    "ints": (("max({0})", "ints"),),
    "daterange": (("range_merge(range_agg({0}))", "daterange"), ("count({0})", "int")),
}


@cache
def _integers(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


@dataclass(slots=True)
class Maker:
    """Draws choices, names and parameters for one statement."""

    draw: Draw
    #: Only columns that come clear.
    clear: bool
    #: Literals may be parameters ($1), of the extended protocol.
    parametrised: bool
    parameters: list[bytes] = field(default_factory=list)
    names: int = 0

    def number(self, most: int) -> int:
        """0 to `most`, both included; what hypothesis shrinks to is 0."""
        return self.draw(_integers(most))

    def chance(self, percent: int) -> bool:
        return self.number(99) >= 100 - percent

    def pick(self, options: Sequence[T]) -> T:
        return options[self.number(len(options) - 1)]

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def columns(self, relation: Relation) -> dict[str, str]:
        """The columns of a relation that this statement may use."""
        if not self.clear:
            return relation.columns
        masked = masked_columns(f"market.{relation.name}")
        return {name: kind for name, kind in relation.columns.items() if name not in masked}

    def literal(self, kind: str) -> str:
        value = self.pick(LITERALS[kind])
        type_name = TYPES.get(kind, kind)
        if self.parametrised and self.chance(50):
            self.parameters.append(value.replace("''", "'").encode())
            return f"${len(self.parameters)}::{type_name}"
        if kind == "int":
            return value
        return f"'{value}'::{type_name}"

    def expression(self, kind: str, columns: Sequence[Column], depth: int) -> str:
        """An expression of a kind over these columns."""
        own = [column.sql for column in columns if column.kind == kind]
        if depth <= 0 or self.chance(45):
            return self.pick(own) if own and self.chance(85) else self.literal(kind)
        shape = self.pick(SHAPES[kind])
        return "".join(self._filled(shape, columns, depth - 1))

    def _filled(self, shape: str, columns: Sequence[Column], depth: int) -> Sequence[str]:
        pieces = []
        for piece in shape.replace("{{", "\1").replace("}}", "\2").replace("{", "\0{").replace("}", "}\0").split("\0"):
            if piece.startswith("{"):
                piece = self.expression(piece[1:-1], columns, depth)
            pieces.append(piece.replace("\1", "{").replace("\2", "}"))
        return pieces
