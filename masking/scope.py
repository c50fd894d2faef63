"""Which FROM entry a name belongs to, as PostgreSQL resolves it (PG manual 7.2 and 7.8).

A scope is one level of names with its CTEs; the level around it is its parent. What is not
known for sure is left unknown: a rule then takes the strict side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from masking.nodes import SYSTEM_COLUMNS
from masking.parse import Message
from masking.sight import Seen


@dataclass(slots=True)
class Output:
    """The columns of a query, in order; None for one whose name we do not claim to know.
    `complete`: is the list whole, so that a `*` could be written out?"""

    names: list[str | None]
    complete: bool = True

    def renamed(self, names: list[str]) -> Output:
        """As an alias with a column list shows it: the first n get new names."""
        if not names:
            return self
        if self.complete and len(names) <= len(self.names):
            return Output([*names, *self.names[len(names) :]])
        return Output([*names], complete=False)


@dataclass(slots=True)
class Cte:
    """A WITH query: its columns, once known."""

    name: str
    output: Output = field(default_factory=lambda: Output([], complete=False))
    #: Does it change rows, so that it shows what RETURNING shows?
    modifies: bool = False


@dataclass(slots=True, eq=False)
class Entry:
    """One thing in FROM that columns can belong to."""

    name: str
    output: Output
    #: The relation behind it, when it is one.
    seen: Seen | None = None
    #: The Node in FROM that names the relation, to be replaced when it is protected.
    node: Message = None
    aliased: bool = False
    only: bool = False
    #: The raw target of a write: it cannot be replaced, so its masked columns may not be read.
    raw: bool = False
    #: The entries under an aliased join, or those whose columns a join shows.
    members: tuple[Entry, ...] = ()
    #: Columns of the relation that the statement refers to, and whether all of them at once.
    referenced: set[str] = field(default_factory=set)
    whole: bool = False
    #: A whole-row reference other than `*`: the row itself as a value.
    as_row: bool = False
    system_columns: set[str] = field(default_factory=set)
    #: schema.table.column references, to be shortened when the relation becomes a subselect.
    long_references: list[Message] = field(default_factory=list)
    under_aliased_join: bool = False
    #: Joined by USING or NATURAL: `*` shows some columns once.
    under_merge: bool = False
    #: On a side of an outer join that is filled up with NULLs.
    nullable: bool = False
    #: Conditions on raw columns that go into the subselect (masking.lookups).
    lookups: list[Message] = field(default_factory=list)

    def has(self, column: str) -> bool:
        return column in self.output.names

    def has_system(self, column: str) -> bool:
        if column not in SYSTEM_COLUMNS or self.seen is None or (column == "tableoid" and self.seen.own):
            return False
        return self.seen.relation.kind in ("r", "p", "m", "f", "S")

    def base_columns(self, column: str) -> list[str]:
        """The relation's own columns that stand behind an output name."""
        names = self.output.names
        if self.seen is None or column not in names:
            return []
        columns = self.seen.relation.columns
        if names.count(column) == 1:
            place = names.index(column)
            return [columns[place].name] if place < len(columns) else []
        return [c.name for c, name in zip(columns, names, strict=False) if name == column]

    def output_name(self, column: str) -> str | None:
        """What a column of the relation is called here."""
        assert self.seen is not None
        for own, name in zip(self.seen.relation.columns, self.output.names, strict=False):
            if own.name == column:
                return name
        return None


@dataclass(slots=True, eq=False)
class Scope:
    """One level of names. Entries are looked up here, then in `parent`; CTEs likewise."""

    parent: Scope | None
    entries: list[Entry] = field(default_factory=list)
    ctes: dict[str, Cte] = field(default_factory=dict)
    #: In RETURNING, masked columns of a raw target are shown masked instead of refused.
    shows_masks: bool = False
    #: Labels of the target list, which ORDER BY and GROUP BY may use.
    labels: set[str] = field(default_factory=set)

    def levels(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def cte(self, name: str) -> Cte | None:
        for scope in self.levels():
            if name in scope.ctes:
                return scope.ctes[name]
        return None

    def named(self, name: str) -> Entry | None:
        """The FROM entry that `name.column` means."""
        for scope in self.levels():
            for entry in scope.entries:
                if entry.name == name:
                    return entry
        return None

    def of_relation(self, schema: str, name: str) -> Entry | None:
        """The FROM entry that `schema.table.column` means: the relation itself, without an alias."""
        for scope in self.levels():
            for entry in scope.entries:
                if entry.seen is not None and not entry.aliased:
                    relation = entry.seen.relation
                    if relation.schema == schema and relation.name == name:
                        return entry
        return None

    def may_mean_a_raw_column(self, column: str) -> bool:
        """Nobody we know has this column: could it be one of a raw target that is younger than the snapshot?"""
        for scope in self.levels():
            if column in scope.labels:
                return False
            if any(not entry.output.complete for entry in scope.entries):
                return False
            if any(e.raw and e.seen is not None and not e.seen.open for e in scope.entries):
                return True
        return False

    def with_column(self, column: str) -> tuple[list[Entry], bool]:
        """The entries that an unqualified column can belong to, and whether that is certain.

        An entry with unknown columns on the way makes it uncertain: the search goes on outward
        and collects all that could be meant.
        """
        found: list[Entry] = []
        certain = True
        for scope in self.levels():
            here = [entry for entry in scope.entries if column in entry.output.names]
            if not here and column in SYSTEM_COLUMNS:
                here = [entry for entry in scope.entries if entry.has_system(column)]
            found.extend(here)
            if here:
                return found, certain
            if any(not entry.output.complete or None in entry.output.names for entry in scope.entries):
                certain = False
        return found, certain and bool(found)
