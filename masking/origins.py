"""The second lock's table: which columns may come back under their own table's name.

RowDescription names the table and attribute that each result column was read from
(PG manual 55.7). A masked column comes out of an expression, so it has no origin; one that has,
and is not in this table, was not rewritten.
"""

from __future__ import annotations

from masking.catalog import Catalog
from masking.policy import RolePolicy
from masking.sight import Seen, sight_of
from masking.verdict import ClearOrigins

#: ctid, xmin, cmin, xmax, cmax, tableoid: attribute numbers of system columns.
_SYSTEM_ATTRIBUTES = frozenset({-1, -2, -3, -4, -5, -6})


def clear_origins(policy: RolePolicy, catalog: Catalog) -> ClearOrigins:
    """Table OID -> attribute numbers that may come back: clear columns, system columns, and 0
    (the whole row) only of a relation with nothing masked."""
    return {seen.relation.oid: _clear(seen) for seen in sight_of(policy, catalog).all_seen()}


def _clear(seen: Seen) -> frozenset[int]:
    clear = {column.attnum for column in seen.relation.columns if column.name not in seen.shown}
    whole = () if seen.protected else (0,)
    return frozenset({*clear, *_SYSTEM_ATTRIBUTES, *whole})
