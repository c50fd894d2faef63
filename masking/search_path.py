"""search_path: a session may ask for schemas of the target's own path, in any order; names keep their meaning.

The upstream's path becomes what was asked for, so SHOW, current_schemas(), ROLLBACK and SET LOCAL are
PostgreSQL's own affair. The judge looks relations up along the pinned path and prints them with their
schemas; of a function, operator or type it judges all that the name could mean on the pinned path, in
whatever order. So no path of these schemas makes anything run that was not judged. One that would make a
name mean something else than it means to the judge is refused. PG manual 5.10.3 and 20.11.1 (search_path).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from masking.catalog import Catalog
from masking.refusal import by_policy

EMPTY = ("pg_catalog", "pg_temp")
#: Searched first or last in any case, or the schema of the upstream's login, which is nobody's.
_OWN = ("pg_catalog", "pg_temp", "$user")


def honoured(
    wished: Sequence[str | None], catalog: Catalog, known: Collection[str], offset: int | None = None
) -> tuple[str, ...]:
    """The path to set when a session wishes for this one. pg_temp is always named last, or it would be searched
    first; pg_catalog never, so that it is.

    In: the schemas wished for (None is no literal), and those that the role may know of. A schema that is not
    there is passed over, as PostgreSQL does with one that may not be used. Raises Forbidden with what to do.
    """
    if [schema for schema in wished if schema != "pg_temp"] in ([], [""], ["pg_catalog"]):
        return EMPTY
    pinned = catalog.search_path
    path = tuple(dict.fromkeys(schema for schema in wished if schema in pinned))
    elsewhere = [s for s in wished if s is None or (s in (*known, "information_schema") and s not in (*pinned, *_OWN))]
    if not path or elsewhere:
        raise by_policy(
            "search-path",
            "search_path cannot be set to this value",
            f"It can be made of: {listed(pinned)}. Write other schemas before the names.",
            offset,
        )
    if path != pinned and not keeps_meanings(path, catalog):
        raise by_policy(
            "search-path",
            "with this search_path a name would mean another object than it does on the path of this target",
            f"Names are looked up along {listed(pinned)}; write the schema before a name that means another.",
            offset,
        )
    return (*path, "pg_temp")


def keeps_meanings(path: Sequence[str], catalog: Catalog) -> bool:
    """Is each name that is found along this path the one that is found along the pinned path?"""
    for schemas_of_a_name in catalog.shared_names:
        found = next((schema for schema in path if schema in schemas_of_a_name), None)
        if found not in (None, schemas_of_a_name[0]):
            return False
    return True


_ITEM = r'\s*(?:"(?:[^"]|"")*"|[^\s,"]+)\s*'
_LIST = re.compile(f"{_ITEM}(?:,{_ITEM})*")


def schemas(value: str) -> tuple[str | None, ...]:
    """What a value of search_path lists, as SHOW prints it, set_config() and a startup packet take it; (None,)
    when it is no list. Only ASCII letters fold: others come out as no schema that there is."""
    if not value.strip():
        return ()
    if _LIST.fullmatch(value) is None:
        return (None,)
    return tuple(_name(item.strip()) for item in re.findall(_ITEM, value))


def listed(path: Sequence[str]) -> str:
    """The path as one value, each name quoted."""
    return ", ".join('"' + schema.replace('"', '""') + '"' for schema in path)


def _name(item: str) -> str:
    return item[1:-1].replace('""', '"') if item.startswith('"') else item.lower() if item.isascii() else item
