"""Calls in expressions: settings, sequences and definitions by what they name, the rest by calls.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import zip_longest

from masking import known
from masking.calls import BUILTIN_TYPES
from masking.definitions import wrap_definition
from masking.functions import SEQUENCE_FUNCTIONS, SETTING_FUNCTIONS, is_definition
from masking.names import Names
from masking.nodes import expression, inside, rename, strings, text_constant, text_node
from masking.object_names import DESCRIBED, GUARDED, LOOKUPS, OF_ANY_OBJECT, REG_TYPES
from masking.parse import Message, pg
from masking.policy import StatementKind
from masking.refusal import not_understood
from masking.rules import (
    WRITE_KINDS,
    relation_name,
    sequence_not_permitted,
    setting_not_changed,
    setting_not_shown,
)
from masking.scope import Scope
from masking.search_path import honoured, listed, schemas
from masking.settings_list import SETTABLE, SHOWABLE, clamped, may_set, may_show, untied
from masking.sight import Sight

#: To set this one has no effect: DBAs see by it who it is.
PINNED = "application_name"

#: Functions of pg_catalog that are judged by what they are given.
_BY_ARGUMENT = frozenset({"pg_notify", "pg_input_is_valid", "pg_input_error_info"})
_TYPES_IN_WORDS = frozenset(
    {
        *("integer", "int", "smallint", "bigint", "boolean", "decimal", "real", "float", "double precision"),
        *("timestamp with time zone", "timestamp without time zone", "time with time zone", "time without time zone"),
    }
)


class Invocations(Names):
    """The walk over function calls."""

    def __init__(self, sight: Sight) -> None:
        super().__init__(sight)
        #: Look-ups that were put in, by their serialised trees, places included.
        self._looked_up: set[bytes] = set()
        self._handlers |= {"FuncCall": self._func_call, "TypeCast": self._type_cast, "A_Expr": self._compared}
        self._handlers |= dict.fromkeys(("CoalesceExpr", "MinMaxExpr", "A_ArrayExpr"), self._of_one_type)
        self._handlers |= {"CaseExpr": self._case_of_one_type, "SubLink": self._sub_link_of_ours}

    def _compared(self, message: Message, wrapper: Message | None, scope: Scope) -> bool:
        if message.kind == pg.AEXPR_IN:
            self._alike([message.lexpr, *message.rexpr.list.items], scope, message.location)
        elif message.kind == pg.AEXPR_OP and strings(message.name)[-1] == "||":
            sides = [message.lexpr, message.rexpr]
            if any(side.HasField("a_array_expr") for side in sides):
                self._alike(sides, scope, message.location)
        return self._a_expr(message, wrapper, scope)

    def _of_one_type(self, message: Message, _: Message | None, scope: Scope) -> bool:
        """COALESCE, GREATEST, ARRAY[…]."""
        field_ = "elements" if message.DESCRIPTOR.name == "A_ArrayExpr" else "args"
        self._alike(getattr(message, field_), scope, message.location)
        return True

    def _case_of_one_type(self, message: Message, wrapper: Message | None, scope: Scope) -> bool:
        self._alike([message.defresult, *(when.case_when.result for when in message.args)], scope, message.location)
        return self._case(message, wrapper, scope)

    def _alike(self, nodes: Iterable[Message], scope: Scope, offset: int) -> None:
        """Expressions that get one type: `COALESCE(tableoid::regclass, 'x')` makes the literal a regclass, too."""
        alike = list(nodes)
        kinds = [kind for node in alike if (kind := known.reg_kind(node, scope)) is not None]
        for node in alike if kinds else ():
            text = node.a_const.sval.sval if node.HasField("a_const") and node.a_const.HasField("sval") else None
            if text is not None and text.lstrip().startswith("{"):
                raise not_understood("an array of names is not understood", "Cast each of them.", offset)
            if text is not None or node.HasField("param_ref"):
                self._guard(node, kinds[0], scope, offset)

    def columns_alike(self, query: Message, scope: Scope) -> None:
        """The same for the columns of VALUES and of UNION and its kin."""
        rows: list[list[Message]] = []
        todo = [query]
        while todo:
            select = todo.pop()
            if select.op != pg.SETOP_NONE:
                todo += (select.larg, select.rarg)
            elif select.values_lists:
                rows += [list(row.list.items) for row in select.values_lists]
            else:
                rows.append([target.res_target.val for target in select.target_list])
        for column in zip_longest(*rows):
            self._alike((node for node in column if node is not None), scope, -1)

    def _type_cast(self, message: Message, _: Message | None, scope: Scope) -> bool:
        """A cast to one of the types that turn names to OIDs and back."""
        names = strings(message.type_name.names)
        kind = REG_TYPES.get(names[-1]) if names and names[:-1] in ([], ["pg_catalog"]) else None
        if kind is None:
            return True  # the TypeName below it is judged by itself
        if message.SerializeToString() in self._looked_up:
            return False
        if message.type_name.array_bounds:
            raise not_understood(f"a cast to {names[-1]}[] is not understood", offset=message.location)
        self.calls.judge_type(message.type_name)
        if self._guard(message.arg, kind, scope, message.location):
            self.replaced += 1
        else:
            self.expressions((message.arg,), scope)
        return False

    def _guard(
        self,
        argument: Message,
        kind: str,
        scope: Scope,
        offset: int,
        *,
        or_null: bool = False,
        as_text: bool = False,
    ) -> bool:
        """known.guard, with the expression judged in its new place. The look-up around it is not judged again."""
        placed = known.guard(self.sight, argument, kind, scope, offset, or_null=or_null, as_text=as_text)
        if placed is None:
            return False
        self.masked = True
        self.expressions((placed,), scope)
        top = argument.type_cast.arg if as_text and argument.HasField("type_cast") else argument
        self._looked_up.add(inside(top).SerializeToString())
        return True

    def _sub_link_of_ours(self, message: Message, wrapper: Message | None, scope: Scope) -> bool:
        if message.SerializeToString() in self._looked_up:
            return False
        return self._sub_link(message, wrapper, scope)

    def _guarded_call(self, message: Message, arguments: int, scope: Scope) -> None:
        """A function that takes an OID or a name: its argument can only mean what the role may know of."""
        names = strings(message.funcname)
        name = names[-1]
        if names[:-1] not in ([], ["pg_catalog"]) or (name not in GUARDED and name not in OF_ANY_OBJECT):
            return
        if any(arg.HasField("named_arg_expr") for arg in message.args) or message.func_variadic:
            raise not_understood("named arguments are not understood here", offset=message.location)
        if name == "obj_description" and message.args:
            named = known.literal(message.args[-1]) if arguments == 2 else "pg_class"
            kind = DESCRIBED.get(named or "")
            if kind is not None:
                self._guard(message.args[0], kind, scope, message.location)
            elif not known.is_of_system(message.args[0], scope):
                raise known.only_of_columns(name, message.location)
            return
        if name in OF_ANY_OBJECT:
            numbers = message.args[:2]
            if known.literal(numbers[0]) in ("1259", "pg_class", "pg_catalog.pg_class"):
                self._guard(numbers[1], "class", scope, message.location)
            elif not all(known.is_of_system(arg, scope) or _of_catalogs(arg) for arg in numbers):
                raise known.only_of_columns(name, message.location)
            return
        place = known.place_of(name, arguments)
        if not 0 <= place < len(message.args):
            return
        argument = message.args[place]
        lookup = name in LOOKUPS
        as_text = lookup or name == "pg_get_serial_sequence"
        self._guard(argument, GUARDED[name], scope, message.location, or_null=lookup, as_text=as_text)

    def _func_call(self, message: Message, wrapper: Message | None, scope: Scope) -> bool:
        arguments = len(message.args) + (len(message.agg_order) if message.agg_within_group else 0)
        self._guarded_call(message, arguments, scope)
        if strings(message.funcname)[-1] in known.SAME_TYPE:
            self._alike(message.args, scope, message.location)
        if self._special_function(message, arguments, scope):
            return True
        definition = self._definition_function(message, arguments)
        if not definition:
            self.calls.judge_function(message, arguments)
            if not self._is_column_of_row(message, scope):
                return True
            self._column_ref(message.args[0].column_ref, None, scope)
            return False
        if wrapper is None:
            raise not_understood("a definition cannot be shown in this place", offset=message.location)
        call = pg.FuncCall()
        call.CopyFrom(message)
        self.expressions(wrap_definition(wrapper, call), scope)
        self.replaced += 1
        self.masked = True
        return False

    def _is_column_of_row(self, message: Message, scope: Scope) -> bool:
        """`email(u)`, where no function has that name: a column like `u.email`, and needs no row to be made first."""
        names = strings(message.funcname)
        if len(names) != 1 or len(message.args) != 1 or self.calls.visible(names[0]):
            return False
        plain = {"funcname", "args", "funcformat", "location"}
        row = self._row_of(message.args[0], scope)
        return row is not None and row.has(names[0]) and all(f.name in plain for f, _ in message.ListFields())

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

    def _special_function(self, message: Message, arguments: int, scope: Scope) -> bool:
        """Settings and sequences: judged by the literal that names them. True when it was one and may run."""
        names = strings(message.funcname)
        if names[:-1] not in ([], ["pg_catalog"]):
            return False
        name = names[-1]
        if name not in SETTING_FUNCTIONS and name not in SEQUENCE_FUNCTIONS and name not in _BY_ARGUMENT:
            return False
        if len(names) == 1 and any(f.schema != "pg_catalog" for f in self.calls.visible(name)):
            return False
        if any(arg.HasField("named_arg_expr") for arg in message.args) or message.func_variadic:
            raise not_understood("named arguments are not understood here", offset=message.location)
        if name in _BY_ARGUMENT:
            if not self._harmless_here(message, name):
                return False
            if len(names) == 1:
                rename(message.funcname, "pg_catalog", name)
            return True
        first = text_constant(message.args[0]) if message.args else None
        if name == "current_setting":
            if first is None and arguments in (1, 2) and _is_text_parameter(message.args[0]):
                self._only_listed(message.args[0], SHOWABLE)
            elif first is None and arguments == 1 and _is_a_setting_by_name(message.args[0], scope):
                # psql's \dconfig; NULL where the setting is not listed.
                self._only_listed(message.args[0], SHOWABLE)
                message.args.append(expression("true"))
            elif first is None or not may_show(first) or arguments not in (1, 2):
                raise setting_not_shown(first, message.location)
        elif name == "pg_get_sequence_data" and arguments == 1:
            self._only_readable_sequences(message.args[0])
        elif name == "set_config":
            self._set_config(message, first, arguments)
        else:
            self._sequence_function(message, name, first)
        if len(names) == 1:
            message.funcname.insert(0, pg.Node(string=pg.String(sval="pg_catalog")))
        return True

    def _harmless_here(self, message: Message, name: str) -> bool:
        """Is a function that is not safe in general harmless with these arguments, for this role?"""
        if name == "pg_notify":
            # What NOTIFY does, as a call.
            return StatementKind.NOTIFY in self.policy.statements
        # Would the text do as a value of that type? Types of users may run functions of users to find out.
        # regclass and its kin answer whether a name exists.
        type_name = text_constant(message.args[1]) if len(message.args) == 2 else None
        plain = (type_name or "reg").lower()
        return plain in _TYPES_IN_WORDS or (plain in BUILTIN_TYPES and not plain.startswith("reg"))

    def _set_config(self, message: Message, first: str | None, arguments: int) -> None:
        value = text_constant(message.args[1]) if arguments == 3 else None
        if first is None and value is not None and message.args[0].HasField("column_ref"):
            # pg_dump: SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = …
            ceilings = self.policy.ceilings
            self._only_listed(
                message.args[0], {name for name in SETTABLE if name != PINNED and may_set(name, (value,), ceilings)}
            )
            return
        if first is None or value is None:
            raise setting_not_changed(first, message.location)
        wished = value
        if first.lower() == "search_path":
            value = listed(honoured(schemas(value), self.sight.catalog, self.sight.visible.schemas, message.location))
        elif (ceiling := clamped(first, value, self.policy.ceilings)) is not None:
            value = ceiling
        elif (mode := untied(first, value, read_only=self.policy.read_only)) is not None:
            value = mode
        elif not may_set(first, (value,), self.policy.ceilings):
            raise setting_not_changed(first, message.location)
        if first.lower() == PINNED:
            message.args[1].CopyFrom(expression(f"pg_catalog.current_setting('{PINNED}')"))
        elif value != wished:
            message.args[1].CopyFrom(text_node(value))

    def _only_listed(self, argument: Message, settings: Collection[str]) -> None:
        """`current_setting($1)`: whatever is passed, the name comes out of our list.

        `current_setting(COALESCE((ARRAY['jit', …])[array_position(ARRAY['jit', …], lower($1))], 'not listed'))`
        """
        names = "ARRAY[" + ", ".join(f"'{name}'" for name in sorted(settings)) + "]::pg_catalog.text[]"
        template = expression(
            f"COALESCE(({names})[pg_catalog.array_position({names}, pg_catalog.lower('its place'))], "
            "'not a listed setting')"
        )
        position = template.coalesce_expr.args[0].a_indirection.indirection[0].a_indices.uidx
        position.func_call.args[1].func_call.args[0].CopyFrom(argument)
        argument.CopyFrom(template)
        self.masked = True

    def _only_readable_sequences(self, argument: Message) -> None:
        """`pg_get_sequence_data(x)`: NULL unless x is a sequence whose position the role sees.

        `pg_get_sequence_data((ARRAY[16412, …])[array_position(ARRAY[16412, …], x)])`
        """
        found = [self.sight.find(r.schema, r.name) for r in self.sight.catalog.relations.values() if r.kind == "S"]
        readable = sorted(seen.relation.oid for seen in found if seen is not None and not seen.altered)
        numbers = f"ARRAY[{', '.join(map(str, readable))}]::pg_catalog.oid[]"
        template = expression(f"({numbers})[pg_catalog.array_position({numbers}, ('its place')::pg_catalog.oid)]")
        template.a_indirection.indirection[0].a_indices.uidx.func_call.args[1].type_cast.arg.CopyFrom(argument)
        argument.CopyFrom(template)
        self.masked = True

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


def _is_text_parameter(node: Message) -> bool:
    """`$1`, or with a cast to text on it, as drivers send it."""
    if node.HasField("type_cast"):
        type_name = node.type_cast.type_name
        if strings(type_name.names)[-1] not in ("text", "varchar") or type_name.typmods or type_name.array_bounds:
            return False
        node = node.type_cast.arg
    return bool(node.HasField("param_ref"))


def _is_a_setting_by_name(node: Message, scope: Scope) -> bool:
    """`s.name` of pg_catalog.pg_settings."""
    if not node.HasField("column_ref"):
        return False
    names = strings(node.column_ref.fields)
    if len(names) != len(node.column_ref.fields) or names[-1] != "name" or len(names) > 2:
        return False
    entry = scope.named(names[0]) if len(names) == 2 else next(iter(scope.with_column("name")[0]), None)
    return entry is not None and entry.seen is not None and entry.seen.relation.qualified == "pg_catalog.pg_settings"


#: OIDs of the catalogs: pg_class and its kin, which never change.
_OF_CATALOGS = 10000


def _of_catalogs(node: Message) -> bool:
    """The OID of a catalog, or its name: `'pg_class'::regclass`."""
    text = known.literal(node)
    return text is not None and (
        (text.isdigit() and int(text) < _OF_CATALOGS) or text.startswith(('"pg_catalog"."', "pg_"))
    )
