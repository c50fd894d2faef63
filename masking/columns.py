"""The names of the columns that a statement would show, as far as they can be told without running it."""

from __future__ import annotations

from masking.analyse import Analysis
from masking.catalog import Catalog
from masking.nodes import kind_of
from masking.parse import parse
from masking.policy import RolePolicy
from masking.refusal import Forbidden
from masking.scope import Scope
from masking.sight import sight_of
from masking.walk import WRITE_NODES
from masking.writes import modify


def output_columns(sql: str, policy: RolePolicy, catalog: Catalog) -> tuple[str | None, ...] | None:
    """The last statement's columns in their order; None for a name that only PostgreSQL knows. None instead of
    all where not even their number is certain, or where the statement may not run."""
    try:
        tree = parse(sql)
        if not tree.stmts:
            return None
        node = tree.stmts[-1].stmt
        if kind_of(node) != "select_stmt" and kind_of(node) not in WRITE_NODES:
            return None
        output = Analysis(sight_of(policy, catalog), modify).query(node, Scope(None))
    except Forbidden:
        return None
    return tuple(output.names) if output.complete else None
