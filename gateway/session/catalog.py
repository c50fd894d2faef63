"""Read what the database looks like: one snapshot of the catalog in one transaction.

PG manual, chapter 53 (system catalogs).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import asyncpg

from masking.catalog import CastFunction, Catalog, Column, ForeignKey, Function, Operator, Relation, qualified

#: format_type() qualifies what is not found on the path, so the path is empty while we read.
_EMPTY_PATH = "SET LOCAL search_path = ''"

_RELATIONS = """
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S', 'c')
  AND n.nspname <> 'pg_toast' AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
ORDER BY c.oid
"""

# A domain's own type modifier is that of the innermost domain (getBaseTypeAndTypmod).
_COLUMNS = """
WITH RECURSIVE base AS (
    SELECT oid, typbasetype AS type, typtypmod AS modifier FROM pg_catalog.pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT b.oid, t.typbasetype, t.typtypmod
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
), wire AS (
    SELECT b.oid, b.type, b.modifier
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype <> 'd'
)
SELECT a.attrelid::int8 AS relation, a.attname::text AS name, a.attnum::int4 AS attnum,
       t.oid::int8 AS type_oid,
       pg_catalog.format_type(t.oid, COALESCE(w.modifier, a.atttypmod)) AS type_name,
       t.typtype::text AS type_kind, t.typcategory::text AS type_category,
       a.attgenerated <> '' AS generated,
       CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
            THEN pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname) END AS collation
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN wire w ON w.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = COALESCE(w.type, a.atttypid)
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S', 'c')
  AND n.nspname <> 'pg_toast' AND NOT pg_catalog.starts_with(n.nspname::text, 'pg_temp_')
ORDER BY a.attrelid, a.attnum
"""

_PRIMARY_KEYS = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns
FROM pg_catalog.pg_constraint c
WHERE c.contype = 'p' AND NOT c.condeferrable
"""

# Columns that an index only reads in an expression or a condition count too: the outcome tells of them.
_CONSTRAINED = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns
FROM pg_catalog.pg_constraint c
WHERE c.contype IN ('p', 'u', 'x', 'f') AND c.conkey IS NOT NULL
UNION ALL
SELECT i.indrelid::int8, pg_catalog.array_agg(d.refobjsubid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
WHERE i.indisunique OR i.indisexclusion
GROUP BY i.indexrelid, i.indrelid
"""

# What one constraint looks at together: whether a clear column may change can depend on a masked one.
_COMPANIONS = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns
FROM pg_catalog.pg_constraint c
WHERE c.contype IN ('c', 'p', 'u', 'x') AND pg_catalog.cardinality(c.conkey) > 1
UNION
SELECT i.indrelid::int8, pg_catalog.array_agg(DISTINCT d.refobjsubid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
WHERE i.indisunique OR i.indisexclusion
GROUP BY i.indexrelid, i.indrelid
HAVING pg_catalog.count(DISTINCT d.refobjsubid) > 1
"""

_FOREIGN_KEYS = """
SELECT c.conrelid::int8 AS relation, c.conkey::int4[] AS columns, c.confrelid::int8 AS target,
       c.confkey::int4[] AS target_columns, c.confdeltype IN ('a', 'r') OR c.confupdtype IN ('a', 'r') AS holds
FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' ORDER BY c.oid
"""

# System indexes have no dependencies recorded, and nobody may write there.
_INHERITANCE = """
SELECT i.inhrelid::int8 AS child, i.inhparent::int8 AS parent
FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE c.relkind IN ('r', 'f', 'p')
ORDER BY i.inhparent, i.inhseqno, i.inhrelid
"""

# A call with VARIADIC spells at least one argument for it, unless it has a default.
_FUNCTIONS = """
SELECT DISTINCT n.nspname::text AS schema, p.proname::text AS name,
       p.pronargs - p.pronargdefaults AS least,
       CASE WHEN p.provariadic = 0 THEN p.pronargs::int4 END AS most
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
ORDER BY 1, 2, 3, 4
"""

_OPERATORS = """
SELECT DISTINCT n.nspname::text AS schema, o.oprname::text AS name,
       fn.nspname::text AS function_schema, f.proname::text AS function_name,
       fn.nspname <> 'pg_catalog' AND l.lanname IN ('c', 'internal') AND EXISTS (
           SELECT FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = f.oid AND d.deptype = 'e'
       ) AS compiled
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_proc f ON f.oid = o.oprcode
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = f.prolang
ORDER BY 1, 2, 3, 4, 5
"""

_TYPES = """
SELECT t.oid::int8 AS oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype::text AS kind,
       CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
            THEN t.typelem::int8 ELSE 0 END AS element,
       t.typbasetype::int8 AS base, t.typrelid::int8 AS relation,
       COALESCE((SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)), 0)::int8
           AS range_of,
       EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod
               WHERE o.opcintype = t.oid AND o.opcdefault AND a.amname IN ('btree', 'hash')) AS compares,
       ARRAY(SELECT c.casttarget::int8 FROM pg_catalog.pg_cast c
             WHERE c.castsource = t.oid AND c.castmethod = 'b' AND c.castcontext = 'i') AS same_bits
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
ORDER BY t.oid
"""

_ENUM_LABELS = """
SELECT enumtypid::int8 AS type, pg_catalog.array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
FROM pg_catalog.pg_enum GROUP BY enumtypid ORDER BY enumtypid
"""

_CAST_FUNCTIONS = """
SELECT c.castsource::int8 AS source, c.casttarget::int8 AS target, c.castcontext::text AS context,
       n.nspname::text AS function_schema, f.proname::text AS function_name
FROM pg_catalog.pg_cast c
JOIN pg_catalog.pg_proc f ON f.oid = c.castfunc
JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = f.prolang
WHERE n.nspname <> 'pg_catalog' AND NOT (l.lanname IN ('c', 'internal') AND EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = f.oid AND d.deptype = 'e'))
ORDER BY c.oid
"""

_COLLATIONS = """
SELECT DISTINCT n.nspname::text AS schema, c.collname::text AS name
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE n.nspname <> 'pg_catalog'
"""

Row = Mapping[str, Any]


async def load_catalog(connection: asyncpg.Connection, search_path: Sequence[str]) -> Catalog:
    """Take a snapshot of the connection's database.

    `search_path` is the session's pinned path (schema names, without pg_catalog). Everything is read in one
    REPEATABLE READ transaction, so that the parts fit each other; system relations are included, those of
    temporary schemas and toast are not. Raises asyncpg.PostgresError when the server refuses.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_EMPTY_PATH)
        types = _Types(
            rows=await connection.fetch(_TYPES),
            labels=await connection.fetch(_ENUM_LABELS),
        )
        relations = await _relations(connection, types)
        functions = tuple(
            Function(row["schema"], row["name"], row["least"], row["most"])
            for row in await connection.fetch(_FUNCTIONS)
        )
        operators = tuple(
            Operator(row["schema"], row["name"], (row["function_schema"], row["function_name"]), row["compiled"])
            for row in await connection.fetch(_OPERATORS)
        )
        casts = tuple(
            CastFunction(
                source=types.names[row["source"]],
                target=types.names[row["target"]],
                function=(row["function_schema"], row["function_name"]),
                context=row["context"],
            )
            for row in await connection.fetch(_CAST_FUNCTIONS)
        )
        collations = frozenset((row["schema"], row["name"]) for row in await connection.fetch(_COLLATIONS))
        version_number = int(await connection.fetchval("SHOW server_version_num"))
    casts_of_type = types.casts_of_type(casts)
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
        collations=collations,
        type_oids=types.user_oids,
    )


async def _relations(connection: asyncpg.Connection, types: _Types) -> tuple[Relation, ...]:
    rows = await connection.fetch(_RELATIONS)
    column_rows = await connection.fetch(_COLUMNS)
    types.learn_composites(column_rows)
    columns: defaultdict[int, list[Column]] = defaultdict(list)
    for row in column_rows:
        columns[row["relation"]].append(_column(row, types))
    names = {oid: {column.attnum: column.name for column in found} for oid, found in columns.items()}
    keys = {
        row["relation"]: tuple(names[row["relation"]][number] for number in row["columns"])
        for row in await connection.fetch(_PRIMARY_KEYS)
        if row["relation"] in names
    }
    constrained: defaultdict[int, set[str]] = defaultdict(set)
    for row in await connection.fetch(_CONSTRAINED):
        if row["relation"] in names:
            known = names[row["relation"]]
            constrained[row["relation"]].update(known[number] for number in row["columns"] if number in known)
    companions, foreign_keys = await _constraints(connection, names)
    parents: defaultdict[int, list[int]] = defaultdict(list)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for row in await connection.fetch(_INHERITANCE):
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
        )
        for row in rows
    )


async def _constraints(
    connection: asyncpg.Connection, names: Mapping[int, Mapping[int, str]]
) -> tuple[Mapping[int, set[tuple[str, ...]]], Mapping[int, list[ForeignKey]]]:
    """By relation: the columns that stand in one constraint together, and the foreign keys."""
    companions: defaultdict[int, set[tuple[str, ...]]] = defaultdict(set)
    for row in await connection.fetch(_COMPANIONS):
        known = names.get(row["relation"], {})
        together = {known[number] for number in row["columns"] if number in known}
        if len(together) > 1:
            companions[row["relation"]].add(tuple(sorted(together)))
    foreign_keys: defaultdict[int, list[ForeignKey]] = defaultdict(list)
    for row in await connection.fetch(_FOREIGN_KEYS):
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
        enum_labels=types.labels.get(row["type_oid"], ()),
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

    def __init__(self, rows: Sequence[Row], labels: Iterable[Row]) -> None:
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

    def learn_composites(self, columns: Iterable[Row]) -> None:
        """What row types are made of; to be called before has_equality is asked."""
        for row in columns:
            self.members[row["relation"]].append(row["type_oid"])

    @property
    def user_oids(self) -> dict[int, tuple[str, str]]:
        wanted = self.user_types
        return {oid: name for oid, name in self.names.items() if name in wanted}

    @property
    def user_types(self) -> frozenset[tuple[str, str]]:
        outside = (name for name in self.names.values() if name[0] not in ("pg_catalog", "information_schema"))
        return frozenset(name for name in outside if not name[0].startswith(("pg_toast", "pg_temp_")))

    def casts_of_type(self, casts: Iterable[CastFunction]) -> dict[tuple[str, str], tuple[str, ...]]:
        """Every type outside pg_catalog that is, or is made of, a type that these casts go from or to."""
        run: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for cast in casts:
            for name in (cast.source, cast.target):
                run[name].add(qualified(*cast.function))
        if not run:
            return {}
        reached: dict[int, set[str]] = {oid: set(run.get(name, ())) for oid, name in self.names.items()}
        # A target in pg_catalog (mood to text) says nothing about every other text.
        sources = {cast.source for cast in casts}
        for oid, name in self.names.items():
            if name[0] == "pg_catalog" and name not in sources:
                reached[oid] = set()
        changed = True
        while changed:
            changed = False
            for oid, found in self.by_oid.items():
                for part in (found.element, found.base, found.range_of, *self.members.get(found.relation, ())):
                    if part and not reached[part] <= reached[oid]:
                        reached[oid] |= reached[part]
                        changed = True
        return {
            self.names[oid]: tuple(sorted(functions))
            for oid, functions in reached.items()
            if functions and self.names[oid][0] not in ("pg_catalog", "information_schema", "pg_toast")
        }

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
