"""Lists of requests and grants, newest first."""

from __future__ import annotations

from gateway.access.store import ListFilter
from gateway.storage.times import micros


def newest(
    table: str, alias: str, columns: str, by: str, which: ListFilter, still_open: str
) -> tuple[str, list[object]]:
    """The query of a list, and its values. `by` is the column of the time; `still_open` is the condition for what is
    pending, scheduled or active; each `?` of it stands for the time. All texts are constants of this package."""
    where: list[str] = []
    values: list[object] = []
    if not which.everyone:
        roles = sorted(which.roles or ())
        one_of = f" OR {alias}.role IN ({', '.join('?' * len(roles))})" if roles else ""
        places = f" OR ({alias}.role = ? AND {alias}.target = ?)" * len(which.places)
        where.append(f"({alias}.person = ?{one_of}{places})")
        values += [which.person or "", *roles, *(word for place in sorted(which.places) for word in place)]
    if which.target is not None:
        where.append(f"{alias}.target = ?")
        values.append(which.target)
    if which.open_at is not None:
        where.append(still_open)
        values += [micros(which.open_at)] * still_open.count("?")
    if which.after is not None:
        at, last = which.after
        where.append(f"({alias}.{by}, {alias}.id) < (?, ?)")
        values += [micros(at), last]
    conditions = " AND ".join(where) or "true"
    order = f"{alias}.{by} DESC, {alias}.id DESC"
    sql = f"SELECT {columns} FROM {table} {alias} WHERE {conditions} ORDER BY {order} LIMIT ?"  # noqa: S608 -- constants
    return sql, [*values, which.limit]
