"""The walk: every node of an expression is met, and one whose kind is not in the tables refuses.

Expressions are walked with a stack of our own, so depth costs no recursion; queries recurse.
The classes of analyse.py's tower stand on this one: names, then calls, then FROM, then queries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from masking.nodes import kind_of, strings, words
from masking.object_names import REG_ARRAYS, REG_TYPES
from masking.parse import Message, pg, too_deep
from masking.policy import StatementKind
from masking.refusal import not_understood
from masking.rewrite import Splices
from masking.rules import (
    kind_not_permitted,
    newer_syntax,
    not_known_yet,
    unknown_relation,
)
from masking.scope import Cte, Output, Scope
from masking.sight import Seen, Sight

MAX_DEPTH = 2000

#: Nodes of expressions that carry nothing of their own to judge: their children are walked.
PLAIN = words(
    """
    A_Const A_Star Integer Float Boolean String BitString List A_ArrayExpr A_Indices BoolExpr CaseExpr CaseWhen
    CoalesceExpr MinMaxExpr NullTest BooleanTest RowExpr GroupingFunc GroupingSet NamedArgExpr ParamRef
    SetToDefault CurrentOfExpr SQLValueFunction XmlExpr XmlSerialize WindowDef ResTarget MultiAssignRef
    MergeSupportFunc JsonFormat JsonReturning JsonOutput JsonValueExpr JsonBehavior JsonArgument JsonFuncExpr
    JsonIsPredicate JsonKeyValue JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonObjectConstructor
    JsonArrayConstructor JsonArrayQueryConstructor JsonAggConstructor JsonObjectAgg JsonArrayAgg
    JsonTablePathSpec JsonTableColumn RangeTableFuncCol TypeCast
    """
)

#: Those of them that have no children but values.
LEAVES = words("A_Const A_Star Integer Float Boolean String BitString ParamRef SetToDefault")

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
#: Syntax that came with a version: before it, `JSON_VALUE(a, b)` calls whatever function has that name.
NEWER: dict[str, int] = {
    **dict.fromkeys(
        words(
            """
            JsonObjectConstructor JsonArrayConstructor JsonArrayQueryConstructor JsonObjectAgg JsonArrayAgg
            JsonIsPredicate
            """
        ),
        160000,
    ),
    **dict.fromkeys(
        words("JsonFuncExpr JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonTable MergeSupportFunc"), 170000
    ),
}
#: The names of all messages, by their classes.
NAME_OF = {getattr(pg, name): name for name in pg.DESCRIPTOR.message_types_by_name}
EXPLICIT_OPERATORS = frozenset({pg.AEXPR_OP, pg.AEXPR_OP_ANY, pg.AEXPR_OP_ALL})
NAMED_BY_GRAMMAR = frozenset({pg.AEXPR_IN, pg.AEXPR_LIKE, pg.AEXPR_ILIKE, pg.AEXPR_SIMILAR})

#: Statements that change rows and can stand in a WITH.
WRITE_NODES = frozenset({"insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"})


@dataclass(slots=True)
class Touch:
    """What has been gathered of one relation so far."""

    seen: Seen
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    #: Columns by whose raw values rows are looked up, each as often as the statement says a value.
    lookups: list[str] = field(default_factory=list)


class Walk(ABC):
    """The walk over one statement: what it gathered, and what it may still need to know."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.calls = sight.calls
        self.policy = sight.policy
        self.touched: dict[str, Touch] = {}
        #: Does the statement change rows?
        self.writes = False
        #: Inside something whose rows may end up in a table: masked columns may not be referred to.
        self.feeding_a_write = False
        #: Inside SQL's PREPARE, whose runs are not looked into.
        self.preparing = False
        #: Did anything come in that changes what the statement shows?
        self.masked = False
        #: Counts expressions replaced by others, to keep the labels of columns.
        self.replaced = 0
        self.splices = Splices()
        #: Temporary tables that were made or dropped before in the same query string.
        self.changed: set[str] = set()
        #: In ORDER BY, GROUP BY or DISTINCT ON, where a name may be the label of a column.
        self.by_label = False
        self._handlers: dict[str, Callable[[Message, Message | None, Scope], bool]] = {
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

    def require_version(self, node: str, offset: int | None) -> None:
        """The server must be young enough to read this node's text as we do."""
        if self.sight.catalog.server_version < NEWER[node]:
            raise newer_syntax(NEWER[node] // 10000, offset)

    def relation(self, reference: Message) -> Seen:
        """The relation that a RangeVar names, which gets its schema's name printed."""
        schema = reference.schemaname or None
        seen = self.sight.find(schema, reference.relname)
        if reference.relname in self.changed and (seen is None or seen.own):
            raise not_known_yet(reference.relname, reference.location)
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

    def expressions(self, nodes: Iterable[Message], scope: Scope) -> None:
        """Walk expressions: every message below these."""
        stack: list[tuple[Message, Message | None, int]] = [(node, None, 0) for node in nodes]
        stack.reverse()
        handlers = self._handlers
        while stack:
            message, wrapper, depth = stack.pop()
            of_type = type(message)
            if of_type is pg.Node:
                kind = message.WhichOneof("node")
                if kind is None:
                    continue
                wrapper = message
                message = getattr(message, kind)
                of_type = type(message)
                depth += 1
            # By class: the name of a descriptor is a new string each time that it is asked for.
            name = NAME_OF[of_type]
            if name in LEAVES:
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
            elif name in NEWER:
                self.require_version(name, getattr(message, "location", None))
            below: list[tuple[Message, Message | None, int]] = []
            for field_, value in message.ListFields():
                if field_.message_type is not None:
                    if field_.is_repeated:
                        below.extend([(item, None, depth + 1) for item in value])
                    else:
                        below.append((value, None, depth + 1))
            below.reverse()
            stack.extend(below)

    def expression(self, message: Message, field_: str, scope: Scope) -> None:
        """Walk one optional field of a message."""
        if message.HasField(field_):
            self.expressions((getattr(message, field_),), scope)

    def _type_name(self, message: Message, _: Message | None, __: Scope) -> bool:
        self.judge_type(message)
        return True

    def judge_type(self, message: Message) -> None:
        """A TypeName other than in a cast: there, a name would be looked up that nobody judged."""
        names = strings(message.names)
        if names and (names[-1] in REG_TYPES or names[-1] in REG_ARRAYS) and names[:-1] in ([], ["pg_catalog"]):
            raise not_understood(
                f"type {names[-1]} is not understood in this place",
                hint="Take it as text, and cast it in the SELECT list.",
                offset=message.location,
            )
        self.calls.judge_type(message)

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

    @abstractmethod
    def query(self, node: Message, parent: Scope, cte: Cte | None = None, *, only_exists: bool = False) -> Output:
        """Judge a query, whatever its kind; answers with the columns it shows."""

    @abstractmethod
    def select(self, message: Message, parent: Scope, cte: Cte | None = None, *, only_exists: bool = False) -> Output:
        """Judge a SELECT; answers with the columns it shows."""
