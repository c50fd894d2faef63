"""What one role sees of one database: which relations, which columns clear, which behind which mask.

Privacy by default: a relation that nobody listed is out of sight, a column that nobody
classified is masked. Masks close over inheritance in both directions (PG manual 5.11): a query
on a parent reads its children, and a child can be named by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from masking.calls import FIRST_OF_USERS, Calls
from masking.catalog import PG_TEMP, Catalog, Column, Relation
from masking.masks import lookup_problem, mask_expression, problem
from masking.masks.types import wire_type
from masking.nodes import quoted
from masking.parse import Message, parse, print_tree
from masking.policy import CLEAR, EVERY, UNCLASSIFIED, Mask, MaskKind, RelationRule, RolePolicy, StatementKind
from masking.system import SYSTEM_RELATIONS
from masking.system_rows import SHOWN_ROWS
from masking.visible import Visible, visible

_NO_RULE = RelationRule()
_OWN_RULE = RelationRule(read=frozenset({EVERY}), write=frozenset({EVERY}))


@dataclass(frozen=True)
class Seen:
    """One relation as a role sees it."""

    relation: Relation
    rule: RelationRule
    #: Column -> its mask, for every column that does not come clear.
    masks: Mapping[str, Mask]
    #: Column -> SQL that stands in its place, for every column that does not come clear.
    shown: Mapping[str, str]
    #: A relation of the system: readable as it is shown here, never written.
    system: bool = False
    #: A temporary table of the session's own: what is in it came through masks.
    own: bool = False
    #: WHERE of the subselect that stands for it, if rows are struck too.
    condition: str | None = None
    #: Would a column that is added tomorrow come clear too? If not, columns are always listed, so that
    #: one that is younger than the snapshot cannot be reached.
    open: bool = True
    #: Masked columns by whose raw values rows may be looked up.
    lookups: frozenset[str] = frozenset()

    @property
    def altered(self) -> bool:
        """Does it look different from what it is?"""
        return bool(self.shown) or self.condition is not None

    @property
    def protected(self) -> bool:
        return self.altered or not self.open

    def may_write(self, column: str) -> bool:
        return not self.system and self.rule.may_write(column)

    @property
    def may_write_all(self) -> bool:
        return not self.system and all(self.rule.may_write(c.name) for c in self.relation.columns)

    @property
    def may_write_any(self) -> bool:
        return not self.system and bool(self.rule.write)

    @property
    def has_row_type(self) -> bool:
        """Is a row of its subselect a value of the relation's own row type? A mask need not fit a domain's CHECK."""
        relation = self.relation
        if self.own:
            return False
        return not self.system and not any(c.domain and c.name in self.masks for c in relation.columns)

    @cached_property
    def subselect(self) -> Message:
        """The Node that stands in FROM for a protected relation, without its alias:

        `(SELECT "id", <mask>("email") AS "email" FROM "public"."users")`, all columns in their order.
        """
        columns = ", ".join(
            f"{self.shown[column.name]} AS {quoted(column.name)}" if column.name in self.shown else quoted(column.name)
            for column in self.relation.columns
        )
        # OFFSET 0: a condition of the query around it would otherwise be tried on the hidden rows first, and an error
        # of it would say what is in them.
        source = f"{quoted(self.relation.schema)}.{quoted(self.relation.name)}"
        if self.condition:
            # Masks outside of the fence: they are costly, and made only of the rows that are asked for.
            own = quoted(self.relation.name)
            source = f"(SELECT {own}.* FROM {source} WHERE {self.condition} OFFSET 0) AS {own}"  # noqa: S608
        # Names are quoted, masks are our own.
        tree = parse(f"SELECT * FROM (SELECT {columns} FROM {source}) AS x")  # noqa: S608
        node = tree.stmts[0].stmt.select_stmt.from_clause[0]
        node.range_subselect.ClearField("alias")
        return node

    @cached_property
    def subselect_text(self) -> str:
        """The same as text, printed and checked once."""
        tree = parse("SELECT * FROM x")
        tree.stmts[0].stmt.select_stmt.from_clause[0].range_subselect.CopyFrom(self.subselect.range_subselect)
        return print_tree(tree).removeprefix("SELECT * FROM ")

    def masked_value(self, column: str, alias: str) -> Message:
        """The Node that shows one column of `alias` masked, for RETURNING."""
        found = self.relation.column(column)
        assert found is not None
        text = self.shown[column]
        tree = parse(f"SELECT {text}")
        value = tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val
        _qualify(value, column, alias)
        return value


def _qualify(node: Message, column: str, alias: str) -> None:
    """Make the references to one column in a mask say which relation they mean."""
    todo = [node]
    while todo:
        message = todo.pop()
        if message.DESCRIPTOR.name == "ColumnRef":
            if len(message.fields) == 1 and message.fields[0].string.sval == column:
                message.fields.insert(0, type(message.fields[0])())
                message.fields[0].string.sval = alias
            continue
        for field, value in message.ListFields():
            if field.message_type is not None:
                todo.extend(value if field.is_repeated else (value,))


class Sight:
    """Answers, for one policy and one catalog, what a role sees; remembers its answers."""

    def __init__(self, policy: RolePolicy, catalog: Catalog) -> None:
        self.policy = policy
        self.catalog = catalog
        self.calls = Calls(policy, catalog)
        self._seen: dict[tuple[str, str], Seen | None] = {}

    def find(self, schema: str | None, name: str) -> Seen | None:
        """The relation of that name, or None when it is absent or out of sight: the answer is the same, and
        another one of that name further down the path is found in either case."""
        for relation in self.catalog.found(schema, name):
            seen = self.see(relation)
            if seen is not None:
                return seen
        return None

    def see(self, relation: Relation) -> Seen | None:
        key = (relation.schema, relation.name)
        if key not in self._seen:
            self._seen[key] = self._look(relation)
        return self._seen[key]

    def all_seen(self) -> Iterator[Seen]:
        for relation in self.catalog.relations.values():
            seen = self.see(relation)
            if seen is not None:
                yield seen

    def _look(self, relation: Relation) -> Seen | None:
        if relation.kind == "c":
            return None
        if relation.schema == PG_TEMP:
            if relation.oid not in self.catalog.temporary or StatementKind.TEMP_TABLES not in self.policy.statements:
                return None
            # Not open: a whole row of its own type, printed, would tell whether its name is taken elsewhere.
            return Seen(relation, _OWN_RULE, {}, {}, own=True, open=False)
        rule = self.policy.relations.get(relation.qualified)
        if rule is not None:
            masks = {c.name: m for c in relation.columns if (m := self._mask(relation, c)).kind is not MaskKind.CLEAR}
            shown = {
                column.name: mask_expression(
                    masks[column.name], column, quoted(column.name), self.policy.mask_key_setting
                )
                for column in relation.columns
                if column.name in masks
            } | {
                # As its base type: a value that is put beside it would be asked about by the domain's CHECK.
                column.name: f"{quoted(column.name)}::{wire_type(column)}"
                for column in relation.columns
                if column.name not in masks and self.calls.strange_checks(column.checks)
            }
            lookups = frozenset(
                column.name
                for column in relation.columns
                if column.name in masks and self._may_look_up(relation, column, masks[column.name])
            )
            return Seen(relation, rule, masks, shown, open=self._is_open(relation), lookups=lookups)
        system = SYSTEM_RELATIONS.get(relation.qualified)
        if system is None:
            return None
        own = {column.name for column in relation.columns}
        expressions = system.expressions(self.policy.definitions)
        shown = {name: expression for name, expression in expressions.items() if name in own}
        struck = dict.fromkeys(shown, UNCLASSIFIED)
        condition = system.condition or SHOWN_ROWS.get(relation.qualified)
        return Seen(
            relation,
            _NO_RULE,
            struck,
            shown,
            system=True,
            condition=self.visible.put_into(condition) if condition is not None else None,
        )

    @cached_property
    def hides_anything(self) -> bool:
        """Is there a column of users that the role does not see as it is?"""
        return any(
            (seen := self.see(relation)) is None or bool(seen.masks)
            for relation in self.catalog.relations.values()
            if relation.kind not in ("c", "S") and relation.oid >= FIRST_OF_USERS
        )

    @cached_property
    def visible(self) -> Visible:
        """What the role may know of by name."""
        listed = (
            r for r in self.catalog.relations.values() if r.qualified in self.policy.relations and r.schema != PG_TEMP
        )
        return visible(self.catalog, listed, self.policy.functions)

    def _is_open(self, relation: Relation) -> bool:
        """Is every column clear that the snapshot does not know yet?"""
        rule = self.policy.relations.get(relation.qualified)
        if rule is not None and not rule.may_read(EVERY):
            return False
        rest = self.policy.classification.get(relation.qualified, {}).get(EVERY)
        if rest is not None:
            return rest.kind is MaskKind.CLEAR
        parents = [p for oid in relation.parents if (p := self.catalog.relation_by_oid.get(oid)) is not None]
        return bool(parents) and all(self._is_open(parent) for parent in parents)

    def _mask(self, relation: Relation, column: Column) -> Mask:
        """The mask of a column, closed over inheritance; one that cannot apply to the type hides all."""
        mask = self._own_mask(relation, column.name)
        if mask.kind is MaskKind.CLEAR:
            mask = self._mask_of_kin(relation, column.name) or CLEAR
        if mask.kind is not MaskKind.CLEAR and problem(mask, column) is not None:
            return UNCLASSIFIED
        return mask

    def _may_look_up(self, relation: Relation, column: Column, mask: Mask) -> bool:
        """May rows be found by the raw values of this column, here and in whatever a query on it reads besides?"""
        if not mask.lookup or lookup_problem(column) is not None:
            return False
        todo, met = list(relation.children), {relation.oid}
        while todo:
            descendant = self.catalog.relation_by_oid.get(todo.pop())
            own = None if descendant is None else descendant.column(column.name)
            if descendant is None or own is None:
                return False
            if descendant.oid in met:
                continue
            met.add(descendant.oid)
            there = self._own_mask(descendant, column.name)
            if there.kind is not MaskKind.CLEAR and (not there.lookup or problem(there, own) is not None):
                return False
            todo += descendant.children
        return True

    def _own_mask(self, relation: Relation, column: str) -> Mask:
        """What the policy says of this column here, or else of the parents it came from."""
        rule = self.policy.relations.get(relation.qualified)
        if rule is not None and not rule.may_read(column):
            return UNCLASSIFIED
        if f"{relation.qualified}.{column}" in self.policy.reveal:
            return CLEAR
        explicit = self._classified(relation, column)
        if explicit is not None:
            return explicit
        parents = [p for oid in relation.parents if (p := self.catalog.relation_by_oid.get(oid)) is not None]
        inherited = [self._own_mask(p, column) for p in parents if p.column(column) is not None]
        masked = [mask for mask in inherited if mask.kind is not MaskKind.CLEAR]
        if masked:
            return masked[0]
        return inherited[0] if inherited else UNCLASSIFIED

    def _classified(self, relation: Relation, column: str) -> Mask | None:
        columns = self.policy.classification.get(relation.qualified, {})
        return columns.get(column) or columns.get(EVERY)

    def _mask_of_kin(self, relation: Relation, column: str) -> Mask | None:
        """A mask that some relative has on a column that is clear here.

        Relatives that the role may name count with what it sees of them; those out of its sight
        only when somebody classified their column, for otherwise they follow their parent.
        """
        for relative in self._kin(relation):
            if relative.column(column) is None:
                continue
            listed = relative.qualified in self.policy.relations
            if not listed and (
                self._classified(relative, column) is None or f"{relative.qualified}.{column}" in self.policy.reveal
            ):
                continue
            mask = self._own_mask(relative, column)
            if mask.kind is not MaskKind.CLEAR:
                return mask
        return None

    def _kin(self, relation: Relation) -> list[Relation]:
        """All relations tied to one by inheritance, in the order of their OIDs, without itself."""
        by_oid = self.catalog.relation_by_oid
        found = {relation.oid}
        todo = [relation]
        while todo:
            current = todo.pop()
            for oid in (*current.parents, *current.children):
                if oid not in found and oid in by_oid:
                    found.add(oid)
                    todo.append(by_oid[oid])
        return [by_oid[oid] for oid in sorted(found) if oid != relation.oid]


_recent: dict[tuple[int, int], Sight] = {}
_RECENT = 64


def sight_of(policy: RolePolicy, catalog: Catalog) -> Sight:
    """The sight of a role over a snapshot, remembered for the last few pairs."""
    key = (id(policy), id(catalog))
    found = _recent.get(key)
    if found is None or found.policy is not policy or found.catalog is not catalog:
        while len(_recent) >= _RECENT:
            del _recent[next(iter(_recent))]
        found = _recent[key] = Sight(policy, catalog)
    return found
