"""What a role may know of: OIDs and names of what it sees, and of what belongs to that.

"Nothing is visible until a grant says so" holds for names too: the system relations show rows about what is in
here (system_rows.py), and functions that take an OID or a name answer as if the rest were not there (known.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from masking.catalog import Catalog, Relation
from masking.strip import quoted

#: FirstNormalObjectId: smaller OIDs are the server's own, and nobody's secret.
FIRST_OF_USERS = 16384


@dataclass(frozen=True)
class Visible:
    """The objects of one database that one role may know of."""

    #: pg_class: relations, their partitions and children, indexes and sequences; composite types.
    classes: frozenset[int]
    functions: frozenset[int]
    types: frozenset[int]
    schemas: frozenset[str]

    def knows_class(self, oid: int) -> bool:
        return oid < FIRST_OF_USERS or oid in self.classes

    @cached_property
    def _arrays(self) -> tuple[tuple[str, str], ...]:
        return (
            ("@classes", _numbers(self.classes)),
            ("@functions", _numbers(self.functions)),
            ("@types", _numbers(self.types)),
            ("@schemas", f"ARRAY[{', '.join(map(quoted, sorted(self.schemas)))}]::pg_catalog.name[]"),
        )

    def put_into(self, condition: str) -> str:
        """A condition of system_rows.py with this role's lists in it."""
        for place, array in self._arrays:
            condition = condition.replace(place, array)
        return condition


def _numbers(oids: Iterable[int]) -> str:
    return f"'{{{','.join(map(str, sorted(oids)))}}}'::pg_catalog.oid[]"


def visible(catalog: Catalog, seen: Iterable[Relation], functions: Iterable[str]) -> Visible:
    """`seen`: the relations that the role may name. `functions`: those that it may call beyond the built-in ones."""
    by_oid = catalog.relation_by_oid
    classes: set[int] = set()
    todo = [relation.oid for relation in seen]
    # Who sees a table sees what it is made of: EXPLAIN and tableoid name its partitions.
    while todo:
        oid = todo.pop()
        if oid not in classes:
            classes.add(oid)
            todo += by_oid[oid].children if oid in by_oid else ()
    schemas = set(catalog.search_path) | {by_oid[oid].schema for oid in classes if oid in by_oid}
    classes |= {part.oid for part in catalog.parts if part.owner in classes}
    classes |= {relation.oid for relation in by_oid.values() if relation.kind == "c"}
    schemas |= {_schema_of(name) for name in functions}
    # That a function of a schema that one may know is not permitted is no secret: the refusal says so.
    known = set(catalog.functions_of_extensions)
    known |= {oid for name, oids in catalog.function_oids.items() if _schema_of(name) in schemas for oid in oids}
    known |= {function for relation, function in catalog.trigger_functions if relation in classes}
    known_rows = classes | {0}
    types = {oid for oid in catalog.type_oids if catalog.row_types.get(oid, 0) in known_rows}
    schemas |= {catalog.type_oids[oid][0] for oid in types}
    return Visible(frozenset(classes), frozenset(known), frozenset(types), frozenset(schemas))


def _schema_of(qualified: str) -> str:
    """The schema in "schema.name", or in one whose schema is quoted because of a dot in it."""
    if qualified.startswith('"'):
        return qualified[1:].partition('".')[0]
    return qualified.partition(".")[0]
