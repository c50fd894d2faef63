"""Read what the database looks like: one snapshot of the catalog in one transaction.

PG manual, chapter 53 (system catalogs).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from gateway.session.catalog_queries import (
    BELOW,
    CAST_FUNCTIONS,
    CHECK_FUNCTIONS,
    COLLATIONS,
    COLUMNS,
    COMPANIONS,
    CONSTRAINED,
    EMPTY_PATH,
    ENUM_LABELS,
    FOREIGN_KEYS,
    FUNCTION_OIDS,
    FUNCTIONS,
    INHERITANCE,
    OPERATORS,
    PARTS,
    PLANS,
    PRIMARY_KEYS,
    RELATIONS,
    RUNS,
    SUPPORT_FUNCTIONS,
    TRIGGER_FUNCTIONS,
    TYPES,
)
from masking.catalog import CastFunction, Catalog, Column, ForeignKey, Function, Operator, Part, Relation, qualified

Row = Mapping[str, Any]


class Questions(Protocol):
    """A connection that answers: `gateway.session.reading.Reading` is one, asyncpg's another."""

    def transaction(self, *, isolation: str, readonly: bool) -> AbstractAsyncContextManager[object]: ...
    async def execute(self, query: str) -> object: ...
    async def fetch(self, query: str) -> Sequence[Row]: ...
    async def fetchval(self, query: str) -> Any: ...


async def load_catalog(connection: Questions, search_path: Sequence[str]) -> Catalog:
    """Take a snapshot of the connection's database.

    `search_path` is the session's pinned path (schema names, without pg_catalog). Everything is read in one
    REPEATABLE READ transaction, so that the parts fit each other; system relations are included, those of
    temporary schemas and toast are not. Raises what the connection raises, which is then of no use any more.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(EMPTY_PATH)
        types = _Types(
            rows=await connection.fetch(TYPES),
            labels=await connection.fetch(ENUM_LABELS),
            checks=await connection.fetch(CHECK_FUNCTIONS),
        )
        relations = await _relations(connection, types)
        functions = tuple(
            Function(row["schema"], row["name"], row["least"], row["most"], row["told"])
            for row in await connection.fetch(FUNCTIONS)
        )
        operators = tuple(
            Operator(row["schema"], row["name"], (row["function_schema"], row["function_name"]), row["compiled"])
            for row in await connection.fetch(OPERATORS)
        )
        casts = tuple(
            CastFunction(
                source=types.names[row["source"]],
                target=types.names[row["target"]],
                function=(row["function_schema"], row["function_name"]),
                context=row["context"],
            )
            for row in await connection.fetch(CAST_FUNCTIONS)
        )
        supports = await connection.fetch(SUPPORT_FUNCTIONS)
        collations = frozenset((row["schema"], row["name"]) for row in await connection.fetch(COLLATIONS))
        parts = tuple(Part(**row) for row in await connection.fetch(PARTS))
        function_rows = await connection.fetch(FUNCTION_OIDS)
        triggers = tuple((row["relation"], row["function"]) for row in await connection.fetch(TRIGGER_FUNCTIONS))
        version_number = int(await connection.fetchval("SHOW server_version_num"))
    casts_of_type = types.casts_of_type(casts, supports)
    function_oids: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
    for row in function_rows:
        function_oids[qualified(row["schema"], row["name"])] += (row["oid"],)
    of_extensions = frozenset(row["oid"] for row in function_rows if row["of_extension"])
    row_types = types.row_types({relation.oid for relation in relations if relation.kind != "c"})
    return Catalog(
        version=_content_hash(
            relations,
            version_number,
            tuple(search_path),
            functions,
            operators,
            types.user_types,
            sorted(types.user_oids),
            casts,
            collations,
            parts,
            sorted(function_oids.items()),
            of_extensions,
            triggers,
            sorted(row_types.items()),
            sorted(types.checks_of_type.items()),
            sorted(casts_of_type.items()),
        ),
        server_version=version_number,
        search_path=tuple(search_path),
        relations={(relation.schema, relation.name): relation for relation in relations},
        functions=functions,
        operators=operators,
        types=types.user_types,
        cast_functions=casts,
        casts_of_type=casts_of_type,
        types_with_cast_functions=frozenset(casts_of_type),
        checks_of_type=types.checks_of_type,
        collations=collations,
        type_oids=types.user_oids,
        row_types=row_types,
        parts=parts,
        function_oids=function_oids,
        functions_of_extensions=of_extensions,
        trigger_functions=triggers,
    )


async def _relations(connection: Questions, types: _Types) -> tuple[Relation, ...]:
    rows = await connection.fetch(RELATIONS)
    column_rows = await connection.fetch(COLUMNS)
    types.learn_composites(column_rows)
    columns: defaultdict[int, list[Column]] = defaultdict(list)
    for row in column_rows:
        columns[row["relation"]].append(_column(row, types))
    names = {oid: {column.attnum: column.name for column in found} for oid, found in columns.items()}
    keys = {
        row["relation"]: tuple(names[row["relation"]][number] for number in row["columns"])
        for row in await connection.fetch(PRIMARY_KEYS)
        if row["relation"] in names
    }
    constrained: defaultdict[int, set[str]] = defaultdict(set)
    for row in await connection.fetch(CONSTRAINED):
        if row["relation"] in names:
            known = names[row["relation"]]
            constrained[row["relation"]].update(known[number] for number in row["columns"] if number in known)
    companions, foreign_keys = await _constraints(connection, names)
    runs = {row["relation"] for row in await connection.fetch(RUNS)}
    plans = {row["oid"]: row for row in await connection.fetch(PLANS)}
    below: defaultdict[int, list[int]] = defaultdict(list)
    for row in await connection.fetch(BELOW):
        below[row["relation"]].append(row["below"])
    parents: defaultdict[int, list[int]] = defaultdict(list)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for row in await connection.fetch(INHERITANCE):
        parents[row["child"]].append(row["parent"])
        children[row["parent"]].append(row["child"])
    return tuple(
        Relation(
            oid=row["oid"],
            schema=row["schema"],
            name=row["name"],
            kind=_kind(row["kind"]),
            columns=tuple(columns.get(row["oid"], ())),
            primary_key=keys.get(row["oid"], ()),
            constrained=frozenset(constrained.get(row["oid"], ())),
            companions=tuple(sorted(companions.get(row["oid"], ()))),
            foreign_keys=tuple(foreign_keys.get(row["oid"], ())),
            parents=tuple(parents.get(row["oid"], ())),
            children=tuple(children.get(row["oid"], ())),
            below=tuple(below.get(row["oid"], ())),
            quotes=row["oid"] in plans and plans[row["oid"]]["quotes"],
            hides_rows=row["oid"] in plans and plans[row["oid"]]["hides_rows"],
            runs=row["oid"] in runs,
        )
        for row in rows
    )


async def _constraints(
    connection: Questions, names: Mapping[int, Mapping[int, str]]
) -> tuple[Mapping[int, set[tuple[str, ...]]], Mapping[int, list[ForeignKey]]]:
    """By relation: the columns that stand in one constraint together, and the foreign keys."""
    companions: defaultdict[int, set[tuple[str, ...]]] = defaultdict(set)
    for row in await connection.fetch(COMPANIONS):
        known = names.get(row["relation"], {})
        together = {known[number] for number in row["columns"] if number in known}
        if len(together) > 1:
            companions[row["relation"]].add(tuple(sorted(together)))
    foreign_keys: defaultdict[int, list[ForeignKey]] = defaultdict(list)
    for row in await connection.fetch(FOREIGN_KEYS):
        own, other = names.get(row["relation"], {}), names.get(row["target"], {})
        foreign_keys[row["relation"]].append(
            ForeignKey(
                columns=tuple(own[number] for number in row["columns"]),
                target=row["target"],
                target_columns=tuple(other[number] for number in row["target_columns"]),
                holds=row["holds"],
            )
        )
    return companions, foreign_keys


def _column(row: Row, types: _Types) -> Column:
    return Column(
        name=row["name"],
        attnum=row["attnum"],
        type_oid=row["type_oid"],
        type_name=row["type_name"],
        type_kind=row["type_kind"],
        type_category=row["type_category"],
        has_equality=types.has_equality(row["type_oid"]),
        generated=row["generated"],
        collation=row["collation"],
        domain=row["domain"],
        enum_labels=types.labels.get(row["type_oid"], ()),
        checks=types.checks_of_domain(row["own_type"]),
    )


def _kind(letter: str) -> Literal["r", "v", "m", "f", "p", "S", "c"]:
    kinds: Mapping[str, Literal["r", "v", "m", "f", "p", "S", "c"]] = {
        "r": "r",
        "v": "v",
        "m": "m",
        "f": "f",
        "p": "p",
        "S": "S",
        "c": "c",
    }
    return kinds[letter]


@dataclass(slots=True)
class _Type:
    kind: str
    element: int
    base: int
    relation: int
    range_of: int
    compares: bool
    same_bits: tuple[int, ...]


class _Types:
    """The types of the database, and which of them can be compared for equality."""

    def __init__(self, rows: Sequence[Row], labels: Iterable[Row], checks: Iterable[Row] = ()) -> None:
        self.by_oid = {
            row["oid"]: _Type(
                kind=row["kind"],
                element=row["element"],
                base=row["base"],
                relation=row["relation"],
                range_of=row["range_of"],
                compares=row["compares"],
                same_bits=tuple(row["same_bits"]),
            )
            for row in rows
        }
        self.names = {row["oid"]: (row["schema"], row["name"]) for row in rows}
        self.labels = {row["type"]: tuple(row["labels"]) for row in labels}
        #: Column types of each relation, for the equality of its row type.
        self.members: defaultdict[int, list[int]] = defaultdict(list)
        self.answers: dict[int, bool] = {}
        #: The same with domains as they are.
        self.own_members: defaultdict[int, list[int]] = defaultdict(list)
        self._checks: defaultdict[int, set[str]] = defaultdict(set)
        for row in checks:
            self._checks[row["type"]].add(qualified(row["schema"], row["name"]))
        self._checked: dict[int, set[str]] = {}

    def learn_composites(self, columns: Iterable[Row]) -> None:
        """What row types are made of; to be called before has_equality is asked."""
        for row in columns:
            self.members[row["relation"]].append(row["type_oid"])
            self.own_members[row["relation"]].append(row["own_type"])
        self._checked = self._reached(self._checks, self.own_members) if self._checks else {}

    @property
    def user_oids(self) -> dict[int, tuple[str, str]]:
        wanted = self.user_types
        return {oid: name for oid, name in self.names.items() if name in wanted}

    def row_types(self, relations: set[int]) -> dict[int, int]:
        """Row types of these relations, and arrays and domains of such -> OID of the relation."""
        found = {oid: known.relation for oid, known in self.by_oid.items() if known.relation in relations}
        changed = True
        while changed:
            made = {
                oid: found[part]
                for oid, known in self.by_oid.items()
                for part in (known.element, known.base)
                if part in found and oid not in found
            }
            found |= made
            changed = bool(made)
        return found

    @property
    def user_types(self) -> frozenset[tuple[str, str]]:
        outside = (name for name in self.names.values() if name[0] not in ("pg_catalog", "information_schema"))
        return frozenset(name for name in outside if not name[0].startswith(("pg_toast", "pg_temp_")))

    def casts_of_type(
        self, casts: Iterable[CastFunction], supports: Iterable[Row]
    ) -> dict[tuple[str, str], tuple[str, ...]]:
        """Every type outside pg_catalog that is, or is made of, a type that these casts go from or to, or whose
        values these functions compare; and what holds a domain inside that cannot be cast away."""
        run: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for cast in casts:
            for name in (cast.source, cast.target):
                run[name].add(qualified(*cast.function))
        # A target in pg_catalog (mood to text) says nothing about every other text.
        sources = {cast.source for cast in casts}
        begun: dict[int, set[str]] = {
            oid: set(run[name])
            for oid, name in self.names.items()
            if name in run and (name[0] != "pg_catalog" or name in sources)
        }
        for row in supports:
            begun.setdefault(row["type"], set()).add(qualified(row["schema"], row["name"]))
        return self._named(self._reached(begun, self.members)) if begun else {}

    @property
    def checks_of_type(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Every type outside pg_catalog that is, or is made of, a domain whose CHECK runs functions of users."""
        return self._named(self._checked)

    def checks_of_domain(self, oid: int) -> tuple[str, ...]:
        """Those of one type, as long as casting to its base type gets rid of them all."""
        return tuple(sorted(self._checked.get(oid, ())))

    def _named(self, reached: Mapping[int, set[str]]) -> dict[tuple[str, str], tuple[str, ...]]:
        return {
            self.names[oid]: tuple(sorted(functions))
            for oid, functions in reached.items()
            if functions and self.names[oid][0] not in ("pg_catalog", "information_schema", "pg_toast")
        }

    def _reached(self, begun: Mapping[int, set[str]], members: Mapping[int, Sequence[int]]) -> dict[int, set[str]]:
        """What is begun at some types, at all types that are made of them too."""
        reached = {oid: set(begun.get(oid, ())) for oid in self.by_oid}
        changed = True
        while changed:
            changed = False
            for oid, found in self.by_oid.items():
                for part in (found.element, found.base, found.range_of, *members.get(found.relation, ())):
                    if part and not reached[part] <= reached[oid]:
                        reached[oid] |= reached[part]
                        changed = True
        return {oid: functions for oid, functions in reached.items() if functions}

    def has_equality(self, oid: int) -> bool:
        """Can values of this type stand in GROUP BY?"""
        known = self.answers.get(oid)
        if known is None:
            # A composite may contain an array of itself: while it is being asked it counts as comparable.
            self.answers[oid] = True
            known = self.answers[oid] = self._compares(oid)
        return known

    def _compares(self, oid: int) -> bool:
        found = self.by_oid[oid]
        match found.kind:
            case "d":
                return self.has_equality(found.base)
            case "e" | "r" | "m":
                return True
            case "p":  # anyarray, as pg_attribute.attmissingval
                return False
            case "c":
                return all(self.has_equality(member) for member in self.members[found.relation])
            case _ if found.compares:
                return True
            case _ if found.element:
                return self.has_equality(found.element)
            case _:
                return any(self.by_oid[target].compares for target in found.same_bits)


def _content_hash(relations: Iterable[Relation], *parts: object) -> str:
    """The same database gives the same hash, in any process: sets are sorted, the rest is in the queries' order."""
    digest = hashlib.sha256()
    for relation in relations:
        digest.update(repr((replace(relation, constrained=frozenset()), sorted(relation.constrained))).encode())
    for part in parts:
        digest.update(repr(sorted(part) if isinstance(part, frozenset) else part).encode())
    return digest.hexdigest()[:16]
