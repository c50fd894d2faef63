"""Names in expressions: whose column each one is, and what calls itself a column but is a function.

PG manual 4.2.1, 4.2.4 and 38.4.3 (attribute notation).
"""

from __future__ import annotations

from masking.nodes import expression, inside, kind_of, quoted, strings
from masking.parse import Message
from masking.refusal import not_understood
from masking.rules import (
    attribute_call,
    feeds_a_write,
    masked_column,
    unknown_column,
)
from masking.scope import Entry, Scope
from masking.sight import Sight
from masking.walk import Walk


class Names(Walk):
    """The walk over references to columns and rows."""

    def __init__(self, sight: Sight) -> None:
        super().__init__(sight)
        self._handlers |= {"ColumnRef": self._column_ref, "A_Indirection": self._indirection}

    def _column_ref(self, message: Message, wrapper: Message | None, scope: Scope) -> bool:
        fields = message.fields
        star = fields[-1].HasField("a_star")
        names = strings(fields)
        if len(names) + star != len(fields):
            raise not_understood("this column reference is not understood", offset=message.location)
        if star:
            self.refer_to_star(names, scope, message, as_row=True)
        elif len(names) == 1:
            self._refer_unqualified(names[0], message, wrapper, scope)
        else:
            self._refer_qualified(names, message, wrapper, scope)
        return False

    def refer_to_star(self, names: list[str], scope: Scope, message: Message, *, as_row: bool = False) -> None:
        """`*`, `u.*`, `public.u.*`: all columns of what is named, or of the whole level."""
        if not names:
            for each in scope.entries:
                self._refer_whole(each, scope, message.location, as_row=as_row)
            return
        entry = self._entry(names, scope, message)
        if entry is not None:
            self._refer_whole(entry, scope, message.location, as_row=as_row)

    def _entry(self, names: list[str], scope: Scope, message: Message) -> Entry | None:
        """The FROM entry that the qualifying names mean; long references are kept to be shortened."""
        if len(names) == 1:
            return scope.named(names[0])
        entry = scope.of_relation(names[-2], names[-1])
        if entry is not None and entry.node is not None:
            entry.long_references.append(message)
        return entry

    def _refer_unqualified(self, name: str, message: Message, wrapper: Message | None, scope: Scope) -> None:
        found, certain = scope.with_column(name)
        for owner in found:
            self.refer(owner, name, message, wrapper if certain and len(found) == 1 else None, scope)
        if found and certain:
            return
        row = scope.named(name)
        if row is not None:
            self._refer_whole(row, scope, message.location, as_row=True)
            if wrapper is not None and not (self.by_label and name in scope.labels):
                self._give_row_type(row, wrapper)
        elif scope.may_mean_a_raw_column(name):
            raise unknown_column(name, message.location)

    def _give_row_type(self, entry: Entry, wrapper: Message) -> None:
        """`u` becomes `u::public.users`, or NULL where an outer join found no row: the row of a subselect is a
        record without a name, which is not what the client's drivers and functions expect."""
        seen = entry.seen
        if seen is None or not seen.protected or not seen.has_row_type or entry.raw or entry.system_columns:
            return
        if any(self.calls.strange_checks(column.checks) for column in seen.relation.columns):
            return  # a cast to the row would ask the domain's CHECK
        row = quoted(entry.name)
        typed = f"({row})::{quoted(seen.relation.schema)}.{quoted(seen.relation.name)}"
        # A CASE in any case: the cast alone is a row constructor, which IN takes for several columns.
        found = f"{row} IS DISTINCT FROM NULL" if entry.nullable else "true"
        wrapper.CopyFrom(expression(f"CASE WHEN {found} THEN {typed} END"))
        self.replaced += 1

    def _refer_qualified(self, names: list[str], message: Message, wrapper: Message | None, scope: Scope) -> None:
        column = names[-1]
        entry = self._entry(names[:-1], scope, message)
        if entry is not None and (entry.has(column) or entry.has_system(column)):
            self.refer(entry, column, message, wrapper, scope)
            return
        if entry is not None and entry.raw and entry.seen is not None and entry.seen.protected:
            # Not a column we know: what comes of it is unknown too, and the row is raw.
            raise masked_column(entry.seen, column, message.location)
        if self.calls.dangerous_field(column):
            raise attribute_call(column, self.policy.role, message.location)
        if entry is not None:
            self._refer_whole(entry, scope, message.location, as_row=True)

    def refer(self, entry: Entry, column: str, message: Message, wrapper: Message | None, scope: Scope) -> None:
        """The statement refers to one column of an entry."""
        for member in entry.members:
            if member.has(column):
                self.refer(member, column, message, None, scope)
        if entry.seen is None:
            return
        if entry.has_system(column) and not entry.has(column):
            entry.system_columns.add(column)
            return
        for own in entry.base_columns(column):
            entry.referenced.add(own)
            self.touch(entry.seen).read.add(own)
            if own not in entry.seen.masks:
                continue
            if entry.raw:
                self._refer_raw(entry, own, message, wrapper, scope)
            elif self.feeding_a_write and not entry.seen.system:
                raise feeds_a_write(entry.seen, own, message.location)

    def _refer_raw(self, entry: Entry, own: str, message: Message, wrapper: Message | None, scope: Scope) -> None:
        """A masked column of the row that a write works on: shown masked in RETURNING, else refused."""
        assert entry.seen is not None
        if not any(level.shows_masks for level in scope.levels()) or wrapper is None:
            raise masked_column(entry.seen, own, message.location)
        if self.feeding_a_write:
            raise feeds_a_write(entry.seen, own, message.location)
        wrapper.CopyFrom(entry.seen.masked_value(own, entry.name))
        self.replaced += 1
        self.masked = True

    def _refer_whole(self, entry: Entry, scope: Scope, offset: int, *, as_row: bool) -> None:
        entry.whole = True
        entry.as_row = entry.as_row or as_row
        for member in entry.members:
            self._refer_whole(member, scope, offset, as_row=as_row)
        if entry.seen is None:
            return
        entry.referenced.update(c.name for c in entry.seen.relation.columns)
        self.touch(entry.seen).read.update(c.name for c in entry.seen.relation.columns)
        for column in entry.seen.masks:
            if entry.raw:
                raise masked_column(entry.seen, column, offset)
            if self.feeding_a_write and not entry.seen.system:
                raise feeds_a_write(entry.seen, column, offset)
        if entry.raw and entry.seen.protected:
            raise masked_column(entry.seen, "*", offset)

    def _indirection(self, message: Message, _: Message | None, scope: Scope) -> bool:
        fields = strings(message.indirection)
        row = self._row_of(message.arg, scope)
        for place, name in enumerate(fields):
            if place == 0 and row is not None and row.has(name) and message.indirection[0].HasField("string"):
                continue
            if self.calls.dangerous_field(name):
                raise attribute_call(name, self.policy.role, getattr(inside(message.arg), "location", None))
        if row is None:
            return True
        # `(u).email` is a column, and needs no row to be made first.
        self._column_ref(message.arg.column_ref, None, scope)
        self.expressions(message.indirection, scope)
        return False

    def _row_of(self, node: Message, scope: Scope) -> Entry | None:
        """`u` in `(u).email`, when u can only be a row of FROM."""
        if kind_of(node) != "column_ref":
            return None
        names = strings(node.column_ref.fields)
        if len(names) != 1 or len(node.column_ref.fields) != 1 or scope.with_column(names[0])[0]:
            return None
        return scope.named(names[0])
