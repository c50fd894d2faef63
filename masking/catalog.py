"""What the database looks like: a frozen snapshot, taken by the gateway's own connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

#: pg_class.relkind: table, view, materialized view, foreign table, partitioned table,
#: sequence, composite type (PG manual, 53.11).
RelationKind = Literal["r", "v", "m", "f", "p", "S", "c"]


#: The schema of temporary tables, as every session names its own.
PG_TEMP = "pg_temp"


def qualified(schema: str, name: str) -> str:
    """The name as a policy writes it: "schema.name". A schema with a dot in it is quoted, so that
    "a.b.c" can only mean the relation "b.c" of schema a."""
    return f'"{schema}".{name}' if "." in schema else f"{schema}.{name}"


@dataclass(frozen=True, slots=True)
class Column:
    """One live column of a relation (pg_attribute, attnum > 0, not dropped)."""

    name: str
    attnum: int
    #: The wire type: the column's own type, or the base type under any number of domains.
    type_oid: int
    #: format_type() of that wire type with the type modifier, schema-qualified outside
    #: pg_catalog: what a mask is cast to, e.g. "numeric(12,2)" or "shop.mood[]".
    type_name: str
    #: pg_type.typtype of the wire type: b base, c composite, d domain, e enum, r range, m multirange.
    type_kind: str = "b"
    #: pg_type.typcategory of the wire type, e.g. "S" string, "N" numeric, "D" date/time, "A" array.
    type_category: str = "U"
    #: Has the type a default btree or hash equality, so that it can stand in GROUP BY?
    has_equality: bool = True
    generated: bool = False
    #: Has the column a collation other than the type's default? Then its printed, qualified name.
    collation: str | None = None
    #: Is the column's own type a domain?
    domain: bool = False
    #: Labels in their order, when the type is an enum.
    enum_labels: tuple[str, ...] = ()
    #: Is its own type a domain, or made of domains, whose CHECK runs functions of users? Then those.
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key of a relation: its columns, in the order of those that they point to."""

    columns: tuple[str, ...]
    #: OID and columns of the relation it points to.
    target: int
    target_columns: tuple[str, ...]
    #: Does it stop a DELETE or a change of the key there (NO ACTION, RESTRICT)?
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    oid: int
    schema: str
    name: str
    kind: RelationKind
    columns: tuple[Column, ...]
    #: Names of the columns of a non-deferrable primary key, in key order; () if there is none.
    primary_key: tuple[str, ...] = ()
    #: Columns under any unique, exclusion or foreign-key constraint or unique index.
    constrained: frozenset[str] = frozenset()
    #: OIDs of direct parents and direct children in pg_inherits (partitions included).
    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()
    #: Columns that one CHECK, unique index or exclusion constraint looks at together, two or more, sorted.
    companions: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    #: OIDs of the relations that a view reads.
    below: tuple[int, ...] = ()
    #: Does a plan over it quote literals of a definition (view, policy, rule, function), or may it?
    quotes: bool = False
    #: Has it row security, so that a plan counts rows that nobody is shown?
    hides_rows: bool = False
    #: Does it run functions of users by itself: in a view, trigger, check, default, index, policy?
    runs: bool = False

    @property
    def qualified(self) -> str:
        return qualified(self.schema, self.name)

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)


@dataclass(frozen=True, slots=True)
class Part:
    """An index of a relation, or a sequence that one of its columns owns."""

    oid: int
    schema: str
    name: str
    #: OID of the relation.
    owner: int


@dataclass(frozen=True, slots=True)
class Function:
    """One row of pg_proc, aggregates and procedures included."""

    schema: str
    name: str
    #: How many arguments a call may have: defaults lower the minimum; VARIADIC lifts the
    #: maximum to None (any number).
    min_arguments: int
    max_arguments: int | None
    #: Of users, and in SQL or with defaults: its text can come up in a plan.
    told: bool = False

    @property
    def qualified(self) -> str:
        return qualified(self.schema, self.name)

    def takes(self, count: int) -> bool:
        return self.min_arguments <= count and (self.max_arguments is None or count <= self.max_arguments)


@dataclass(frozen=True, slots=True)
class Operator:
    schema: str
    name: str
    #: Schema and name of the implementing function (pg_operator.oprcode).
    function: tuple[str, str]
    #: Is that function compiled and part of an extension (citext, hstore, PostGIS)? Such a function
    #: computes on its arguments; one in SQL or PL/pgSQL may do anything.
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class CastFunction:
    """A cast that runs a function of users: outside pg_catalog, and not a compiled one of an extension."""

    source: tuple[str, str]
    target: tuple[str, str]
    function: tuple[str, str]
    #: pg_cast.castcontext: e explicit only, a in assignments too, i anywhere without being written.
    context: str = "e"


@dataclass(frozen=True)
class Catalog:
    """Everything the judge knows of one database. Names are as stored: case-sensitive, unquoted."""

    #: Hash of the content; part of the verdict cache's key.
    version: str
    #: server_version_num, e.g. 170010.
    server_version: int
    #: The pinned search path, pg_catalog not included (it is searched first, always).
    search_path: tuple[str, ...]
    relations: Mapping[tuple[str, str], Relation]
    functions: tuple[Function, ...]
    operators: tuple[Operator, ...]
    #: (schema, name) of every type outside pg_catalog and information_schema.
    types: frozenset[tuple[str, str]] = frozenset()
    #: Casts that run functions of users. Those of context "i" and "a" need no syntax.
    cast_functions: tuple[CastFunction, ...] = ()
    #: Type outside pg_catalog (row types of relations, arrays and domains included) -> the qualified functions
    #: that its casts, or those of what it is made of, can run.
    casts_of_type: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    #: The keys of casts_of_type.
    types_with_cast_functions: frozenset[tuple[str, str]] = frozenset()
    #: Type outside pg_catalog -> the qualified functions that a cast to it can run: those in the CHECK of a
    #: domain that it is, or is made of.
    checks_of_type: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    #: (schema, name) of collations outside pg_catalog.
    collations: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    #: OID -> (schema, name) of the types in `types`: a Parse message names them so.
    type_oids: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    #: OIDs of those among them that are rows of a relation, or arrays of such -> OID of the relation.
    row_types: Mapping[int, int] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    #: Qualified name -> OIDs of the functions of users.
    function_oids: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    functions_of_extensions: frozenset[int] = frozenset()
    #: OID of a relation and of the function of a trigger on it.
    trigger_functions: tuple[tuple[int, int], ...] = ()
    #: Of one session (with_temporary): OIDs of its temporary tables, their indexes and sequences, and the own name
    #: of its schema. Its tables are among `relations`, in schema pg_temp.
    temporary: frozenset[int] = frozenset()
    temporary_schema: str = PG_TEMP

    def with_temporary(self, tables: Iterable[Relation], oids: Iterable[int], schema: str) -> Catalog:
        """What one session looks at: this, and its own temporary tables."""
        added = tuple(tables)
        relations = {**self.relations, **{(PG_TEMP, table.name): table for table in added}}
        told = "+".join(f"{table.oid}" for table in added)
        version = f"{self.version}+{hash((added, schema)):x}+{told}"
        found = replace(self, version=version, relations=relations, temporary=frozenset(oids), temporary_schema=schema)
        for name in ("shared_names", "part_by_name", "functions_by_name", "operators_by_name"):
            if name in self.__dict__:
                found.__dict__[name] = self.__dict__[name]
        return found

    def relation(self, schema: str | None, name: str) -> Relation | None:
        """Resolve a name as PostgreSQL would: pg_catalog, then the search path."""
        return next(self.found(schema, name), None)

    def found(self, schema: str | None, name: str) -> Iterator[Relation]:
        """All relations of that name along the search path, in its order."""
        if schema is not None:
            path: tuple[str, ...] = (PG_TEMP if schema == self.temporary_schema else schema,)
        else:
            path = ("pg_catalog", *self.search_path, PG_TEMP)
        for candidate in path:
            found = self.relations.get((candidate, name))
            if found is not None:
                yield found

    @cached_property
    def shared_names(self) -> frozenset[tuple[str, ...]]:
        """For every name that stands in several schemas of the path: those, in the path's order."""
        found: dict[tuple[str, str], set[str]] = {}
        kinds: tuple[tuple[str, Iterable[tuple[str, str]]], ...] = (
            ("class", self.relations),
            ("class", self.part_by_name),
            ("function", ((function.schema, function.name) for function in self.functions)),
            ("operator", ((operator.schema, operator.name) for operator in self.operators)),
            ("type", self.types),
            ("collation", self.collations),
        )
        for kind, names in kinds:
            for schema, name in names:
                if schema in self.search_path:
                    found.setdefault((kind, name), set()).add(schema)
        return frozenset(
            tuple(schema for schema in self.search_path if schema in schemas)
            for schemas in found.values()
            if len(schemas) > 1
        )

    @cached_property
    def relation_by_oid(self) -> Mapping[int, Relation]:
        return {relation.oid: relation for relation in self.relations.values()}

    @cached_property
    def part_by_name(self) -> Mapping[tuple[str, str], Part]:
        return {(part.schema, part.name): part for part in self.parts}

    @cached_property
    def referencing(self) -> Mapping[int, tuple[tuple[Relation, ForeignKey], ...]]:
        """OID of a relation -> the foreign keys that point to it."""
        grouped: dict[int, list[tuple[Relation, ForeignKey]]] = {}
        for relation in self.relations.values():
            for key in relation.foreign_keys:
                grouped.setdefault(key.target, []).append((relation, key))
        return {oid: tuple(found) for oid, found in grouped.items()}

    @cached_property
    def functions_by_name(self) -> Mapping[str, tuple[Function, ...]]:
        grouped: dict[str, list[Function]] = {}
        for function in self.functions:
            grouped.setdefault(function.name, []).append(function)
        return {name: tuple(found) for name, found in grouped.items()}

    @cached_property
    def operators_by_name(self) -> Mapping[str, tuple[Operator, ...]]:
        grouped: dict[str, list[Operator]] = {}
        for operator in self.operators:
            grouped.setdefault(operator.name, []).append(operator)
        return {name: tuple(found) for name, found in grouped.items()}
