"""What a statement touches: one walk over its tree that judges and edits as it goes.

walk      expressions, node by node
names     columns and rows
invoke    function calls
sources   the items of FROM
analyse   queries: WITH, SELECT, set operations, locking
"""

from __future__ import annotations

from collections.abc import Callable

from masking.lookups import take_lookups
from masking.nodes import column_name, kind_of, strings, words
from masking.parse import Message, pg
from masking.refusal import not_understood
from masking.rewrite import finish_level
from masking.rules import (
    kind_not_permitted,
    lock_not_permitted,
    uncounted_write,
)
from masking.scope import Cte, Entry, Output, Scope
from masking.sight import Sight
from masking.sources import Sources
from masking.walk import WRITE_NODES

PLAIN_SELECT_FIELDS = words(
    """
    distinct_clause target_list from_clause where_clause group_clause group_distinct having_clause window_clause
    sort_clause limit_offset limit_count limit_option locking_clause with_clause op
    """
)

SET_OPERATION_FIELDS = words(
    """
    sort_clause limit_offset limit_count limit_option with_clause op all larg rarg
    """
)

#: Judges a data-modifying statement inside a scope and answers with RETURNING's columns.
Modify = Callable[["Analysis", Message, Scope], Output]


class Analysis(Sources):
    """The walk over one statement: what it gathered, and what it may still need to know."""

    def __init__(self, sight: Sight, modify: Modify) -> None:
        super().__init__(sight)
        self.modify = modify

    def query(self, node: Message, parent: Scope, cte: Cte | None = None, *, only_exists: bool = False) -> Output:
        """A query as a Node: SELECT, or a write with RETURNING."""
        kind = kind_of(node)
        if kind == "select_stmt":
            return self.select(node.select_stmt, parent, cte, only_exists=only_exists)
        if kind in WRITE_NODES:
            return self.modify(self, node, parent)
        raise not_understood(f"{kind} is not understood as a query")

    def with_clause(self, message: Message, parent: Scope) -> Scope:
        """WITH: a scope that knows its queries. Each sees those before it; all, when RECURSIVE."""
        if not message.HasField("with_clause"):
            return parent
        scope = Scope(parent)
        clause = message.with_clause
        ctes = [node.common_table_expr for node in clause.ctes]
        known = [Cte(cte.ctename, modifies=kind_of(cte.ctequery) in WRITE_NODES) for cte in ctes]
        if any(cte.modifies for cte in known) and self.policy.limits.written_rows is not None:
            raise uncounted_write("a write in WITH", clause.location)
        before = self.feeding_a_write
        if clause.recursive:
            scope.ctes.update((cte.name, cte) for cte in known)
        for place, (cte, entry) in enumerate(zip(ctes, known, strict=True)):
            readers = known if clause.recursive else known[place + 1 :]
            self.feeding_a_write = before or any(reader.modifies for reader in readers if reader is not entry)
            names = strings(cte.aliascolnames)
            output = self.query(cte.ctequery, scope, entry)
            entry.output = output.renamed(names)
            self._search_and_cycle(cte, entry, scope)
            scope.ctes[entry.name] = entry
        self.feeding_a_write = before
        return scope

    def _search_and_cycle(self, cte: Message, entry: Cte, scope: Scope) -> None:
        """SEARCH and CYCLE add columns to a recursive query (PG manual 7.8.2)."""
        added: list[str | None] = []
        if cte.HasField("search_clause"):
            added.append(cte.search_clause.search_seq_column)
        if cte.HasField("cycle_clause"):
            cycle = cte.cycle_clause
            added += [cycle.cycle_mark_column, cycle.cycle_path_column]
            for value in ("cycle_mark_value", "cycle_mark_default"):
                self.expression(cycle, value, scope)
        if added:
            entry.output = Output([*entry.output.names, *added], entry.output.complete)

    def select(self, message: Message, parent: Scope, cte: Cte | None = None, *, only_exists: bool = False) -> Output:
        """One SELECT, VALUES, TABLE or set operation; answers with the columns it shows."""
        if message.HasField("into_clause"):
            raise kind_not_permitted("SELECT INTO", self.policy.role, None)
        scope = self.with_clause(message, parent)
        if message.op != pg.SETOP_NONE:
            return self._set_operation(message, scope, cte)
        if message.values_lists:
            level = Scope(scope)
            self.columns_alike(message, level)
            self.expressions(message.values_lists, level)
            self._rest(message, level, ("sort_clause", "limit_offset", "limit_count"))
            return Output([f"column{n + 1}" for n in range(len(message.values_lists[0].list.items))])
        return self._plain_select(message, scope, only_exists=only_exists)

    def _set_operation(self, message: Message, scope: Scope, cte: Cte | None) -> Output:
        """UNION and its kin: a chain leans to the left, and is walked without recursion."""
        spine = [message]
        while spine[-1].larg.op != pg.SETOP_NONE and not spine[-1].larg.HasField("with_clause"):
            spine.append(spine[-1].larg)
        self.columns_alike(message, Scope(scope))
        output = self.select(spine[-1].larg, scope)
        if cte is not None and not cte.output.names:
            # What the recursive term sees of its own query: the columns of the first term.
            cte.output = output
        for operation in reversed(spine):
            self.select(operation.rarg, scope)
            level = Scope(scope, [Entry("", output)])
            self._rest(operation, level, ("sort_clause", "limit_offset", "limit_count"))
            if operation.locking_clause:
                raise not_understood("FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT")
            self._only(operation, SET_OPERATION_FIELDS)
        return output

    def _plain_select(self, message: Message, outer: Scope, *, only_exists: bool) -> Output:
        self._only(message, PLAIN_SELECT_FIELDS)
        level = Scope(outer)
        everything: list[Entry] = []
        for item in message.from_clause:
            level.entries.extend(self.from_item(item, outer, level, everything))
        output = self.targets(message.target_list, level, only_exists=only_exists)
        take_lookups(self, message, level)
        self._rest(message, level, ("where_clause", "having_clause", "window_clause", "limit_offset", "limit_count"))
        before, self.by_label = self.by_label, True
        self._rest(message, level, ("distinct_clause", "group_clause", "sort_clause"))
        self.by_label = before
        self._locking(message, level, everything)
        self.masked = finish_level(message, level, everything, self.splices) or self.masked
        return output

    def targets(self, targets: Message, level: Scope, *, only_exists: bool = False) -> Output:
        """A target list: what it refers to, and the names of the columns it makes."""
        names: list[str | None] = []
        labels: set[str] = set()
        complete = True
        for node in targets:
            target = node.res_target
            value = target.val
            if kind_of(value) == "column_ref" and value.column_ref.fields[-1].HasField("a_star"):
                qualifier = strings(value.column_ref.fields)
                if not only_exists:
                    self.refer_to_star(qualifier, level, value.column_ref)
                else:
                    self._entry(qualifier, level, value.column_ref) if qualifier else None
                found = self._star_output(qualifier, level)
                names += found.names
                complete = complete and found.complete
                continue
            if kind_of(value) == "a_indirection" and value.a_indirection.indirection[-1].HasField("a_star"):
                # (u).*: as many columns as the record has.
                self.expressions((value,), level)
                complete = False
                continue
            label = target.name or column_name(value)
            sure = bool(target.name) or kind_of(value) in ("column_ref", "func_call")
            before = self.replaced
            self.expressions((value,), level)
            if self.replaced != before and not target.name:
                target.name = label
            names.append(label if sure else None)
            labels.add(label)
        # Only what comes after the target list may use them.
        level.labels |= labels
        return Output(names, complete)

    def _star_output(self, qualifier: list[str], level: Scope) -> Output:
        if qualifier:
            entry = (
                level.named(qualifier[0]) if len(qualifier) == 1 else level.of_relation(qualifier[-2], qualifier[-1])
            )
            return entry.output if entry is not None else Output([], complete=False)
        names: list[str | None] = []
        complete = True
        for entry in level.entries:
            if entry.members and not entry.aliased:
                continue
            names += entry.output.names
            complete = complete and entry.output.complete
        return Output(names, complete and not any(e.under_merge for e in level.entries))

    def _locking(self, message: Message, level: Scope, everything: list[Entry]) -> None:
        """FOR UPDATE and its kin need write on what they lock, subselects in FROM included."""
        if not message.locking_clause:
            return
        for node in message.locking_clause:
            for locked in node.locking_clause.locked_rels:
                if locked.range_var.schemaname:
                    raise not_understood("FOR UPDATE must specify unqualified relation names")
        names = {r.range_var.relname for n in message.locking_clause for r in n.locking_clause.locked_rels}
        all_named = all(n.locking_clause.locked_rels for n in message.locking_clause)
        for entry in everything:
            if all_named and entry.name not in names:
                continue
            assert entry.seen is not None
            if not entry.seen.may_write_any:
                raise lock_not_permitted(entry.seen, self.policy.role)
        self._locks_below(message, names if all_named else None)

    def _locks_below(self, message: Message, names: set[str] | None) -> None:
        """A subselect in FROM is locked through: then all that was read in it needs write."""
        for item in message.from_clause:
            if _has_subselect(item, names):
                for touch in self.touched.values():
                    if not touch.seen.may_write_any:
                        raise lock_not_permitted(touch.seen, self.policy.role)


def _has_subselect(node: Message, names: set[str] | None) -> bool:
    match kind_of(node):
        case "join_expr":
            join = node.join_expr
            below = None if names is not None and join.alias.aliasname in names else names
            return _has_subselect(join.larg, below) or _has_subselect(join.rarg, below)
        case "range_subselect":
            return names is None or node.range_subselect.alias.aliasname in names
        case _:
            return False
