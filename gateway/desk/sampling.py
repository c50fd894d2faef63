"""A small, bounded look at the values of a relation, and at what stands around it.

Everything runs in read-only transactions with timeouts; only columns of built-in types are read, whose text form
runs no function of users. What goes wrong is told by its SQLSTATE alone: PostgreSQL's words can quote a value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.channel import Channel
from gateway.desk.kinds import HARDWARE, INTEGERS, JSON, NUMBERS, UUID
from gateway.desk.values import LONGEST, Shares, shares_of
from gateway.session.reading import QuestionRefused, Reading, ask
from gateway.session.snapshots import TROUBLE
from masking.catalog import Column, Relation
from masking.nodes import quoted

#: A sample may take this long, and wait this long for a lock.
STATEMENT_SECONDS = 3
LOCK_SECONDS = 1
#: The whole of it, on a machine that is busy.
_PATIENCE = STATEMENT_SECONDS + LOCK_SECONDS + 10.0
_LONGEST_ANSWER = 256 << 20
#: Types from here on are somebody's own (PG manual, FirstNormalObjectId).
_FIRST_USER_OID = 16384
_SETTINGS = (
    "SET search_path = ''",
    "SET client_min_messages = 'error'",
    f"SET statement_timeout = '{STATEMENT_SECONDS}s'",
    f"SET lock_timeout = '{LOCK_SECONDS}s'",
    "SET max_parallel_workers_per_gather = 0",
    "SET jit = off",
)

_UNIQUE = """
SELECT i.indrelid::int8 AS relation, a.attname::text AS name
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indkey[0] > 0
"""
_ROWS = "SELECT c.oid::int8 AS relation, c.reltuples::float8 AS rows FROM pg_catalog.pg_class c WHERE c.reltuples > 0"
_VIEWS = """
SELECT c.oid::int8 AS relation, pg_catalog.pg_get_viewdef(c.oid) AS definition
FROM pg_catalog.pg_class c WHERE c.relkind IN ('v', 'm')
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the snapshot of the catalog does not hold and a classification rests on. Keys are OIDs."""

    #: Columns that are unique by themselves.
    unique: Mapping[int, frozenset[str]] = field(default_factory=dict)
    #: How many rows a relation has, as far as PostgreSQL has counted.
    rows: Mapping[int, float] = field(default_factory=dict)
    #: Definitions of views and materialized views, every name in them qualified.
    views: Mapping[int, str] = field(default_factory=dict)


class NotSampled(Exception):
    """Why there is no sample; fit to be shown."""


async def prepare(channel: Channel) -> None:
    """Settings under which samples are taken. Raises what TROUBLE lists."""
    async with asyncio.timeout(_PATIENCE):
        for setting in _SETTINGS:
            await ask(channel, setting, _LONGEST_ANSWER)


async def surroundings(channel: Channel) -> Surroundings:
    """Read them. Raises what TROUBLE lists."""
    reading = Reading(channel)
    async with asyncio.timeout(3 * _PATIENCE), reading.transaction(isolation="repeatable_read", readonly=True):
        unique: dict[int, set[str]] = {}
        for row in await reading.fetch(_UNIQUE):
            unique.setdefault(row["relation"], set()).add(row["name"])
        return Surroundings(
            unique={oid: frozenset(names) for oid, names in unique.items()},
            rows={row["relation"]: row["rows"] for row in await reading.fetch(_ROWS)},
            views={row["relation"]: row["definition"] for row in await reading.fetch(_VIEWS)},
        )


async def sample(
    channel: Channel, relation: Relation, columns: Sequence[Column], size: int, rows: float | None
) -> Mapping[str, Shares]:
    """What up to `size` rows look like, by column. Raises NotSampled, or what a lost connection raises."""
    chosen = [column for column in columns if _can_be_read(column)]
    if not chosen or relation.kind == "S":
        return {}
    if relation.kind == "f":
        raise NotSampled("a foreign table: its rows would be fetched from another server")
    scattered = rows is not None and rows > 20 * size and relation.kind in ("r", "m", "p")
    found = await _rows(channel, relation, chosen, size, 100 * 5 * size / rows if scattered and rows else None)
    if scattered and 2 * len(found) < size:
        found = await _rows(channel, relation, chosen, size, None)
    return {column.name: shares_of(row[place] for row in found) for place, column in enumerate(chosen)}


async def _rows(
    channel: Channel, relation: Relation, columns: Sequence[Column], size: int, percent: float | None
) -> list[tuple[str | None, ...]]:
    shown = ", ".join(f"pg_catalog.left(t.{quoted(c.name)}::pg_catalog.text, {LONGEST})" for c in columns)
    scattered = f" TABLESAMPLE SYSTEM ({min(100.0, percent):.6f})" if percent is not None else ""
    source = f"{quoted(relation.schema)}.{quoted(relation.name)}"
    text = f"SELECT {shown} FROM {source} AS t{scattered} LIMIT {size}"  # noqa: S608 -- names are quoted
    async with asyncio.timeout(_PATIENCE):
        await ask(channel, "BEGIN READ ONLY", _LONGEST_ANSWER)
        try:
            found = await ask(channel, text, _LONGEST_ANSWER)
        except QuestionRefused as error:
            reason = _REASONS.get(error.sqlstate, f"the database answered with SQLSTATE {error.sqlstate}")
            await ask(channel, "ROLLBACK", _LONGEST_ANSWER)
            raise NotSampled(reason) from None
        await ask(channel, "ROLLBACK", _LONGEST_ANSWER)
    return [tuple(None if value is None else value.decode("utf-8", "replace") for value in row) for row in found]


_REASONS = {
    "57014": f"reading it takes longer than {STATEMENT_SECONDS} s",
    "55P03": "somebody holds a lock on it",
    "42501": "the gateway's login may not read it",
    "42P01": "it is not there any more",
    "42703": "its columns have changed in the meantime",
    "55000": "it has not been filled yet",
}


def _can_be_read(column: Column) -> bool:
    """Types whose text form is PostgreSQL's own; times and switches say nothing by their values."""
    oid = column.type_oid
    if oid in (UUID, 869, 650, *JSON, *INTEGERS, *NUMBERS, *HARDWARE):
        return True
    return column.type_category == "S" and (oid < _FIRST_USER_OID or column.type_name.rpartition(".")[2] == "citext")


__all__ = ["TROUBLE", "NotSampled", "Surroundings", "prepare", "sample", "surroundings"]
