"""What a statement touches: one walk over its tree that judges and edits as it goes.

Every node is walked, wherever it stands; a kind of node that is not in the tables below refuses.
Expressions are walked with a stack of our own, so depth costs no recursion; queries recurse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from masking.calls import Calls
from masking.definitions import wrapped_definition
from masking.functions import SAMPLING_METHODS, SEQUENCE_FUNCTIONS, SETTING_FUNCTIONS, is_definition
from masking.nodes import column_name, inside, kind_of, strings, text_constant, words
from masking.parse import Message, pg, too_deep
from masking.policy import StatementKind
from masking.refusal import by_policy, not_understood
from masking.rewrite import finish_level
from masking.rules import (
    WRITE_KINDS,
    attribute_call,
    feeds_a_write,
    kind_not_permitted,
    lock_not_permitted,
    masked_column,
    relation_name,
    sequence_not_permitted,
    setting_not_changed,
    setting_not_shown,
    unknown_relation,
)
from masking.scope import Cte, Entry, Output, Scope
from masking.settings_list import may_set, may_show
from masking.sight import Seen, Sight

MAX_DEPTH = 2000

#: Nodes of expressions that carry nothing of their own to judge: their children are walked.
PLAIN = words(
    """
    A_Const Integer Float Boolean String BitString List A_ArrayExpr A_Indices BoolExpr CaseExpr CaseWhen
    CoalesceExpr MinMaxExpr NullTest BooleanTest RowExpr GroupingFunc GroupingSet NamedArgExpr ParamRef
    SetToDefault CurrentOfExpr SQLValueFunction XmlExpr XmlSerialize WindowDef ResTarget MultiAssignRef
    MergeSupportFunc JsonFormat JsonReturning JsonOutput JsonValueExpr JsonBehavior JsonArgument JsonFuncExpr
    JsonIsPredicate JsonKeyValue JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonObjectConstructor
    JsonArrayConstructor JsonArrayQueryConstructor JsonAggConstructor JsonObjectAgg JsonArrayAgg
    JsonTablePathSpec JsonTableColumn RangeTableFuncCol TypeCast
    """
)

#: Forms of A_Expr, and the operators each looks up without naming them as they run.
IMPLICIT_OPERATORS: dict[int, tuple[str, ...]] = {
    pg.AEXPR_DISTINCT: ("=",),
    pg.AEXPR_NOT_DISTINCT: ("=",),
    pg.AEXPR_NULLIF: ("=",),
    pg.AEXPR_BETWEEN: (">=", "<="),
    pg.AEXPR_NOT_BETWEEN: ("<", ">"),
    pg.AEXPR_BETWEEN_SYM: (">=", "<="),
    pg.AEXPR_NOT_BETWEEN_SYM: ("<", ">"),
}
EXPLICIT_OPERATORS = frozenset({pg.AEXPR_OP, pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL})
NAMED_BY_GRAMMAR = frozenset({pg.AEXPR_IN, pg.AEXPR_LIKE, pg.AEXPR_ILIKE, pg.AEXPR_SIMILAR})

#: Statements that change rows and can stand in a WITH.
WRITE_NODES = frozenset({"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})

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


@dataclass(slots=True)
class Touch:
    """What has been gathered of one relation so far."""

    seen: Seen
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)


#: Judges a data-modifying statement inside a scope and answers with RETURNING's columns.
Modify = Callable[["Analysis", Message, Scope], Output]


class Analysis:
    """The walk over one statement: what it gathered, and what it may still need to know."""

    def __init__(self, sight: Sight, calls: Calls, modify: Modify) -> None:
        self.sight = sight
        self.calls = calls
        self.policy = sight.policy
        self.modify = modify
        self.touched: dict[str, Touch] = {}
        #: Does the statement change rows?
        self.writes = False
        #: Inside something whose rows may end up in a table: masked columns may not be referred to.
        self.feeding_a_write = False
        #: Did anything come in that changes what the statement shows?
        self.masked = False
        #: Counts expressions replaced by others, to keep the labels of columns.
        self.replaced = 0
        self._handlers: dict[str, Callable[[Message, Message | None, Scope], bool]] = {
            "ColumnRef": self._column_ref,
            "A_Indirection": self._indirection,
            "FuncCall": self._func_call,
            "A_Expr": self._a_expr,
            "SubLink": self._sub_link,
            "SelectStmt": self._nested_select,
            "TypeName": self._type_name,
            "SortBy": self._sort_by,
            "CollateClause": self._collate,
            "CaseExpr": self._case,
        }

    # Permissions

    def require_kind(self, kind: StatementKind) -> None:
        """The role must list this kind of statement."""
        if kind not in self.policy.statements:
            raise kind_not_permitted(kind.value.replace("_", " ").upper(), self.policy.role, kind.value)

    def relation(self, reference: Message) -> Seen:
        """The relation that a RangeVar names, which gets its schema's name printed."""
        schema = reference.schemaname or None
        seen = self.sight.find(schema, reference.relname)
        if seen is None:
            raise unknown_relation(schema, reference.relname, reference.location)
        self.calls.judge_row(seen.relation, reference.location)
        reference.schemaname = seen.relation.schema
        self.touch(seen)
        return seen

    def touch(self, seen: Seen) -> Touch:
        found = self.touched.get(seen.relation.qualified)
        if found is None:
            found = self.touched[seen.relation.qualified] = Touch(seen)
        return found

    # Expressions

    def expressions(self, nodes: Iterable[Message], scope: Scope) -> None:
        """Walk expressions: every message below these."""
        stack: list[tuple[Message, Message | None, int]] = [(node, None, 0) for node in nodes]
        stack.reverse()
        handlers = self._handlers
        while stack:
            message, wrapper, depth = stack.pop()
            name = message.DESCRIPTOR.name
            if name == "Node":
                kind = message.WhichOneof("node")
                if kind is None:
                    continue
                stack.append((getattr(message, kind), message, depth + 1))
                continue
            if depth > MAX_DEPTH:
                raise too_deep()
            handler = handlers.get(name)
            if handler is not None:
                if not handler(message, wrapper, scope):
                    continue
            elif name not in PLAIN:
                raise not_understood(
                    f"{name} is not understood in this place", offset=getattr(message, "location", None)
                )
            below: list[tuple[Message, Message | None, int]] = []
            for field_, value in message.ListFields():
                if field_.message_type is not None:
                    if field_.is_repeated:
                        below.extend((item, None, depth + 1) for item in value)
                    else:
                        below.append((value, None, depth + 1))
            below.reverse()
            stack.extend(below)

    def expression(self, message: Message, field_: str, scope: Scope) -> None:
        """Walk one optional field of a message."""
        if message.HasField(field_):
            self.expressions((getattr(message, field_),), scope)

    def _type_name(self, message: Message, _: Message | None, __: Scope) -> bool:
        self.calls.judge_type(message)
        return True

    def _collate(self, message: Message, _: Message | None, __: Scope) -> bool:
        return True

    def _sort_by(self, message: Message, _: Message | None, __: Scope) -> bool:
        if message.use_op:
            self.calls.judge_operator(message.use_op, message.location)
        return True

    def _case(self, message: Message, _: Message | None, __: Scope) -> bool:
        if message.HasField("arg"):
            self.calls.judge_implicit_operator("=", message.location)
        return True

    def _a_expr(self, message: Message, _: Message | None, __: Scope) -> bool:
        kind = message.kind
        if kind in EXPLICIT_OPERATORS:
            self.calls.judge_operator(message.name, message.location)
        elif kind in NAMED_BY_GRAMMAR:
            self.calls.judge_operator(message.name, message.location, implicit=True)
        elif kind in IMPLICIT_OPERATORS:
            for name in IMPLICIT_OPERATORS[kind]:
                self.calls.judge_implicit_operator(name, message.location)
        else:
            raise not_understood("this form of expression is not understood", offset=message.location)
        return True

    def _sub_link(self, message: Message, _: Message | None, scope: Scope) -> bool:
        if message.oper_name:
            self.calls.judge_operator(message.oper_name, message.location)
        elif message.sub_link_type in (pg.ANY_SUBLINK, pg.ALL_SUBLINK):
            self.calls.judge_implicit_operator("=", message.location)
        if message.HasField("testexpr"):
            self.expressions((message.testexpr,), scope)
        self.query(message.subselect, scope, only_exists=message.sub_link_type == pg.EXISTS_SUBLINK)
        return False

    def _nested_select(self, message: Message, _: Message | None, scope: Scope) -> bool:
        self.select(message, scope)
        return False

    # Names

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

    def _refer_qualified(self, names: list[str], message: Message, wrapper: Message | None, scope: Scope) -> None:
        column = names[-1]
        entry = self._entry(names[:-1], scope, message)
        if entry is not None and (entry.has(column) or entry.has_system(column)):
            self.refer(entry, column, message, wrapper, scope)
            return
        if entry is not None and entry.raw and entry.seen is not None and entry.seen.masks:
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

    def _indirection(self, message: Message, _: Message | None, scope: Scope) -> bool:
        fields = strings(message.indirection)
        if not fields:
            return True
        row = self._row_of(message.arg, scope)
        for place, name in enumerate(fields):
            if place == 0 and row is not None and row.has(name) and message.indirection[0].HasField("string"):
                continue
            if self.calls.dangerous_field(name):
                raise attribute_call(name, self.policy.role, getattr(inside(message.arg), "location", None))
        return True

    def _row_of(self, node: Message, scope: Scope) -> Entry | None:
        """`u` in `(u).email`, when u can only be a row of FROM."""
        if kind_of(node) != "column_ref":
            return None
        names = strings(node.column_ref.fields)
        if len(names) != 1 or len(node.column_ref.fields) != 1 or scope.with_column(names[0])[0]:
            return None
        return scope.named(names[0])

    # Functions

    def _func_call(self, message: Message, wrapper: Message | None, scope: Scope) -> bool:
        arguments = len(message.args) + (len(message.agg_order) if message.agg_within_group else 0)
        if self._special_function(message, arguments):
            return True
        definition = self._definition_function(message, arguments)
        if not definition:
            self.calls.judge_function(message, arguments)
            return True
        if wrapper is None:
            raise not_understood("a definition cannot be shown in this place", offset=message.location)
        for field_, value in message.ListFields():
            if field_.message_type is not None:
                self.expressions(value if field_.is_repeated else (value,), scope)
        wrapper.CopyFrom(wrapped_definition(message))
        self.replaced += 1
        self.masked = True
        return False

    def _definition_function(self, message: Message, arguments: int) -> bool:
        """Is it a function whose answer is to be stripped of its literals? It gets its schema's name."""
        names = strings(message.funcname)
        if self.policy.definitions == "full" or not is_definition(names[-1], arguments):
            return False
        if names[:-1] not in ([], ["pg_catalog"]) or len(names) != len(message.funcname):
            return False
        if len(names) == 1 and any(f.schema != "pg_catalog" for f in self.calls.visible(names[0])):
            return False
        if not any(f.schema == "pg_catalog" for f in self.sight.catalog.functions_by_name.get(names[-1], ())):
            return False
        if message.agg_order or message.HasField("over") or message.HasField("agg_filter") or message.func_variadic:
            raise not_understood("this form of call is not understood", offset=message.location)
        if len(names) == 1:
            message.funcname.insert(0, pg.Node(string=pg.String(sval="pg_catalog")))
        return True

    def _special_function(self, message: Message, arguments: int) -> bool:
        """Settings and sequences: judged by the literal that names them. True when it was one and may run."""
        names = strings(message.funcname)
        if names[:-1] not in ([], ["pg_catalog"]):
            return False
        name = names[-1]
        if name not in SETTING_FUNCTIONS and name not in SEQUENCE_FUNCTIONS:
            return False
        if len(names) == 1 and any(f.schema != "pg_catalog" for f in self.calls.visible(name)):
            return False
        if any(arg.HasField("named_arg_expr") for arg in message.args) or message.func_variadic:
            raise not_understood("named arguments are not understood here", offset=message.location)
        first = text_constant(message.args[0]) if message.args else None
        if name == "current_setting":
            if first is None or not may_show(first) or arguments not in (1, 2):
                raise setting_not_shown(first, message.location)
        elif name == "set_config":
            self._set_config(message, first, arguments)
        else:
            self._sequence_function(message, name, first)
        if len(names) == 1:
            message.funcname.insert(0, pg.Node(string=pg.String(sval="pg_catalog")))
        return True

    def _set_config(self, message: Message, first: str | None, arguments: int) -> None:
        value = text_constant(message.args[1]) if arguments == 3 else None
        if first is None or value is None or not may_set(first, (value,)):
            raise setting_not_changed(first, message.location)

    def _sequence_function(self, message: Message, name: str, first: str | None) -> None:
        if name == "lastval":
            if not self.policy.statements & WRITE_KINDS:
                raise sequence_not_permitted("lastval", message.location)
            return
        schema, relation = relation_name(first)
        seen = self.sight.find(schema, relation) if relation else None
        if seen is None or seen.relation.kind != "S" or not seen.may_write_any:
            raise sequence_not_permitted(name, message.location)
        self.touch(seen).written.add("last_value")
        self.writes = self.writes or name != "currval"

    # Queries

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
            self.expressions(message.values_lists, level)
            self._rest(message, level, ("sort_clause", "limit_offset", "limit_count"))
            return Output([f"column{n + 1}" for n in range(len(message.values_lists[0].list.items))])
        return self._plain_select(message, scope, only_exists=only_exists)

    def _set_operation(self, message: Message, scope: Scope, cte: Cte | None) -> Output:
        """UNION and its kin: a chain leans to the left, and is walked without recursion."""
        spine = [message]
        while spine[-1].larg.op != pg.SETOP_NONE and not spine[-1].larg.HasField("with_clause"):
            spine.append(spine[-1].larg)
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
        self._rest(
            message,
            level,
            (
                "distinct_clause",
                "where_clause",
                "group_clause",
                "having_clause",
                "window_clause",
                "sort_clause",
                "limit_offset",
                "limit_count",
            ),
        )
        self._locking(message, level, everything)
        self.masked = finish_level(message, level, everything) or self.masked
        return output

    def _only(self, message: Message, known: frozenset[str]) -> None:
        for field_, _ in message.ListFields():
            if field_.name not in known:
                raise not_understood(f"{field_.name} is not understood in this place")

    def _rest(self, message: Message, level: Scope, fields: tuple[str, ...]) -> None:
        for name in fields:
            value = getattr(message, name)
            if isinstance(value, pg.Node):
                self.expression(message, name, level)
            else:
                self.expressions((node for node in value if kind_of(node)), level)

    def targets(self, targets: Message, level: Scope, *, only_exists: bool = False) -> Output:
        """A target list: what it refers to, and the names of the columns it makes."""
        names: list[str | None] = []
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
            label = target.name or column_name(value)
            sure = bool(target.name) or kind_of(value) in ("column_ref", "func_call")
            before = self.replaced
            self.expressions((value,), level)
            if self.replaced != before and not target.name:
                target.name = label
            names.append(label if sure else None)
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

    # FROM

    def from_item(self, node: Message, outer: Scope, level: Scope, everything: list[Entry]) -> list[Entry]:
        """One item of FROM: the entries it adds. `everything` gathers those of relations, hidden ones too."""
        match kind_of(node):
            case "range_var":
                return [self._from_relation(node, node.range_var, node, outer, everything)]
            case "range_table_sample":
                return [self._from_sample(node, outer, level, everything)]
            case "range_subselect":
                return [self._from_subselect(node.range_subselect, outer, level)]
            case "range_function":
                return [self._from_function(node.range_function, outer, level)]
            case "join_expr":
                return self._from_join(node.join_expr, outer, level, everything)
            case "range_table_func":
                return [self._from_table_function(node.range_table_func, outer, level)]
            case "json_table":
                return [self._from_json_table(node.json_table, outer, level)]
            case kind:
                raise not_understood(f"{kind} is not understood in FROM")

    def _from_relation(
        self, node: Message, reference: Message, place: Message, outer: Scope, everything: list[Entry]
    ) -> Entry:
        alias = reference.alias if reference.HasField("alias") else None
        name = alias.aliasname if alias else reference.relname
        renames = strings(alias.colnames) if alias else []
        if not reference.schemaname and place is node:
            cte = outer.cte(reference.relname)
            if cte is not None:
                return Entry(name, cte.output.renamed(renames), aliased=alias is not None)
        seen = self.relation(reference)
        own: list[str | None] = [column.name for column in seen.relation.columns]
        entry = Entry(
            name,
            Output(own).renamed(renames),
            seen=seen,
            node=node,
            aliased=alias is not None,
            only=not reference.inh,
        )
        everything.append(entry)
        return entry

    def _from_sample(self, node: Message, outer: Scope, level: Scope, everything: list[Entry]) -> Entry:
        sample = node.range_table_sample
        method = strings(sample.method)
        if method[:-1] not in ([], ["pg_catalog"]) or method[-1] not in SAMPLING_METHODS:
            raise by_policy(
                "function-not-allowed",
                f"sampling method {'.'.join(method)} is not permitted",
                "Use bernoulli or system.",
                sample.location,
            )
        if kind_of(sample.relation) != "range_var":
            raise not_understood("TABLESAMPLE is only understood on a relation", offset=sample.location)
        if len(method) == 1:
            sample.method.insert(0, pg.Node(string=pg.String(sval="pg_catalog")))
        entry = self._from_relation(node, sample.relation.range_var, sample.relation, outer, everything)
        around = Scope(outer, list(level.entries))
        self.expressions(sample.args, around)
        self.expression(sample, "repeatable", around)
        return entry

    def _from_subselect(self, item: Message, outer: Scope, level: Scope) -> Entry:
        parent = Scope(outer, list(level.entries)) if item.lateral else outer
        output = self.query(item.subquery, parent)
        name = item.alias.aliasname if item.HasField("alias") else ""
        return Entry(name, output.renamed(strings(item.alias.colnames)), aliased=True)

    def _from_function(self, item: Message, outer: Scope, level: Scope) -> Entry:
        around = Scope(outer, list(level.entries))
        name = ""
        for function in item.functions:
            call, *definitions = function.list.items
            # A function's column is called as the function is.
            name = name or column_name(call)
            self._call_in_from(call, around, item)
            for node in definitions:
                self._column_definitions(node.list.items if kind_of(node) == "list" else [])
        self._column_definitions(item.coldeflist)
        alias = item.alias if item.HasField("alias") else None
        columns: list[str | None] = list(strings(alias.colnames)) if alias else []
        columns += [node.column_def.colname for node in item.coldeflist]
        return Entry(alias.aliasname if alias else name, Output(columns, complete=False), aliased=True)

    def _call_in_from(self, call: Message, around: Scope, item: Message) -> None:
        if kind_of(call) == "func_call":
            message = call.func_call
            arguments = len(message.args)
            names = strings(message.funcname)
            if names == ["unnest"] and arguments > 1:
                # A form of its own, only under its plain name: PostgreSQL makes it pg_catalog's unnest of each.
                self.expressions(message.args, around)
                return
        before, label = self.replaced, column_name(call)
        self.expressions((call,), around)
        if self.replaced != before and len(item.functions) == 1 and not item.HasField("alias"):
            item.alias.aliasname = label
        if self.replaced != before and kind_of(call) != "func_call":
            raise not_understood("a definition cannot stand in FROM", hint="Call the function in the SELECT list.")

    def _column_definitions(self, nodes: Iterable[Message]) -> None:
        for node in nodes:
            definition = node.column_def
            for field_, _ in definition.ListFields():
                if field_.name not in ("colname", "type_name", "coll_clause", "is_local", "location"):
                    raise not_understood("this column definition is not understood", offset=definition.location)
            self.calls.judge_type(definition.type_name)
            self.expressions(definition.type_name.typmods, Scope(None))

    def _from_table_function(self, item: Message, outer: Scope, level: Scope) -> Entry:
        """XMLTABLE."""
        around = Scope(outer, list(level.entries))
        self._rest(item, around, ("docexpr", "rowexpr", "namespaces", "columns"))
        names: list[str | None] = [node.range_table_func_col.colname for node in item.columns]
        alias = item.alias if item.HasField("alias") else None
        output = Output(names).renamed(strings(alias.colnames) if alias else [])
        return Entry(alias.aliasname if alias else "xmltable", output, aliased=True)

    def _from_json_table(self, item: Message, outer: Scope, level: Scope) -> Entry:
        around = Scope(outer, list(level.entries))
        for name in ("context_item", "pathspec", "on_error"):
            self.expression(item, name, around)
        self.expressions(item.passing, around)
        self.expressions(item.columns, around)
        alias = item.alias if item.HasField("alias") else None
        names: list[str | None] = list(strings(alias.colnames)) if alias else []
        return Entry(alias.aliasname if alias else "json_table", Output(names, complete=False), aliased=True)

    def _from_join(self, join: Message, outer: Scope, level: Scope, everything: list[Entry]) -> list[Entry]:
        left = self.from_item(join.larg, outer, level, everything)
        right = self.from_item(join.rarg, outer, Scope(None, [*level.entries, *left]), everything)
        inner = Scope(outer, [*left, *right])
        self.expression(join, "quals", inner)
        for node in join.using_clause:
            self.calls.judge_implicit_operator("=", 0)
            for entry in inner.entries:
                if entry.has(node.string.sval):
                    self.refer(entry, node.string.sval, node, None, inner)
        if join.is_natural:
            self._natural_join(left, right, inner)
        entries = [*left, *right]
        if join.using_clause or join.is_natural:
            for entry in entries:
                entry.under_merge = True
        if join.HasField("join_using_alias"):
            merged: list[str | None] = list(strings(join.using_clause))
            entries.append(Entry(join.join_using_alias.aliasname, Output(merged), members=tuple(entries)))
        if not join.HasField("alias"):
            return entries
        return [self._aliased_join(join, entries)]

    def _natural_join(self, left: list[Entry], right: list[Entry], inner: Scope) -> None:
        self.calls.judge_implicit_operator("=", 0)
        names = {name for entry in left for name in entry.output.names if name}
        common = names & {name for entry in right for name in entry.output.names if name}
        for entry in inner.entries:
            for name in sorted(common):
                if entry.has(name):
                    self.refer(entry, name, None, None, inner)
            if any(e.raw for scope in inner.levels() for e in scope.entries):
                raise not_understood("NATURAL JOIN is not understood inside a write", hint="Use JOIN … USING or ON.")

    def _aliased_join(self, join: Message, entries: list[Entry]) -> Entry:
        """`(a JOIN b …) AS j` hides a and b behind j."""
        for entry in entries:
            _hide(entry)
        merge = bool(join.using_clause) or join.is_natural
        names = [name for entry in entries for name in entry.output.names]
        complete = not merge and all(entry.output.complete for entry in entries)
        output = Output(names, complete)
        renames = strings(join.alias.colnames)
        if renames:
            # Which column hides behind which name is not followed: a reference may mean any of them.
            for entry in entries:
                self._refer_whole(entry, Scope(None), 0, as_row=False)
            output = output.renamed(renames) if complete else Output([*renames], complete=False)
        return Entry(join.alias.aliasname, output, members=tuple(entries), aliased=True)

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


def _hide(entry: Entry) -> None:
    entry.under_aliased_join = True
    for member in entry.members:
        _hide(member)


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
