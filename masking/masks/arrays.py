"""Masks of an array's elements: as many as there are, each masked, in one dimension."""

from __future__ import annotations

from collections.abc import Callable

from masking.catalog import Column
from masking.masks.types import wire_type


def each(column: Column, value: str, masked: Callable[[str], str]) -> str:
    """SQL of the array with `masked(element)` in place of each element, itself SQL of SQL.

    The array is named once, in a subselect of nothing else, where no other name can be meant.
    """
    raw = f"(SELECT {value} AS value) AS pgcurfew_array"
    elements = "pg_catalog.unnest(pgcurfew_array.value) WITH ORDINALITY AS pgcurfew_element(value, place)"
    items = f"pg_catalog.array_agg({masked('pgcurfew_element.value')} ORDER BY pgcurfew_element.place)"
    query = f"SELECT {items} FROM {raw} CROSS JOIN LATERAL {elements}"
    return f"COALESCE(({query}), '{{}}'::{wire_type(column)})"
