"""What a statement may call: functions, operators, casts, by name and number of arguments.

Argument types cannot be known without type inference, so a name is judged with all that it
could mean on the pinned search path, and printed so that it can mean nothing else
(PG manual 10.2 and 10.3: operators and functions are resolved along the path).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from masking.catalog import PG_TEMP, Catalog, Function, Relation, qualified
from masking.functions import DEFINITIONS, SEQUENCE_FUNCTIONS, SETTING_FUNCTIONS, is_definition, is_safe
from masking.nodes import rename, strings, words
from masking.object_names import GUARDED, OF_ANY_OBJECT, REG_ARRAYS, REG_OIDS, REG_TYPES
from masking.parse import Message
from masking.policy import RolePolicy
from masking.refusal import Forbidden, by_policy, not_understood

#: OIDs below this one are PostgreSQL's own (FirstNormalObjectId).
FIRST_OF_USERS = 16384

SYSTEM_SCHEMAS = ("pg_catalog", "information_schema")

#: Types of pg_catalog by the names people write: unqualified, they are found before any other.
BUILTIN_TYPES = words(
    """
    text date uuid json jsonb xml bytea name oid inet cidr macaddr macaddr8 money point line lseg box path
    polygon circle tsvector tsquery jsonpath int2 int4 int8 float4 float8 bool numeric varchar bpchar char bit
    varbit time timetz timestamp timestamptz interval record void regclass regproc regprocedure regoper
    regoperator regtype regrole regnamespace regconfig regdictionary regcollation xid xid8 cid tid pg_lsn
    txid_snapshot pg_snapshot int2vector oidvector aclitem refcursor cstring unknown any anyelement anyarray
    int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange
    tsmultirange tstzmultirange datemultirange
    """
)


def type_unknown(names: Sequence[str], offset: int, *, array: bool = False) -> Forbidden:
    """What PostgreSQL says of a type that is not there."""
    shown = ".".join(name for name in names if name) + ("[]" if array else "")
    return Forbidden("42704", "type-unknown", f'type "{shown}" does not exist', offset=offset)


class Calls:
    """Answers what may be called, for one policy and one catalog."""

    def __init__(self, policy: RolePolicy, catalog: Catalog) -> None:
        self.policy = policy
        self.catalog = catalog
        #: What _strange_operators has answered, by the operator's name.
        self._strange: dict[str, list[str]] = {}

    def allowed(self, function: Function, arguments: int) -> bool:
        """May this very function be called with that many arguments?"""
        if function.schema in SYSTEM_SCHEMAS:
            if function.schema == "pg_catalog" and is_definition(function.name, arguments):
                return self.policy.definitions == "full"
            return is_safe(function.name, arguments, function.schema)
        return function.qualified in self.policy.functions

    def visible(self, name: str) -> list[Function]:
        """All functions an unqualified name can mean."""
        path = ("pg_catalog", *self.catalog.search_path)
        return [f for f in self.catalog.functions_by_name.get(name, ()) if f.schema in path]

    @cached_property
    def _dangerous_fields(self) -> dict[str, bool]:
        return {}

    def dangerous_field(self, name: str) -> bool:
        """Would `(x).name` call something the role may not call? Attribute notation is a call
        with one argument, when the argument has no such column."""
        known = self._dangerous_fields.get(name)
        if known is None:
            known = name in SETTING_FUNCTIONS or name in SEQUENCE_FUNCTIONS or name in DEFINITIONS
            known = known or name in GUARDED or name in OF_ANY_OBJECT or name in REG_TYPES or name in REG_ARRAYS
            known = known or any(f.takes(1) and not self.allowed(f, 1) for f in self.visible(name))
            known = known or any(
                (schema, name) in self.catalog.types_with_cast_functions
                or (schema, name) in self.catalog.checks_of_type
                for schema in self.catalog.search_path
            )
            self._dangerous_fields[name] = known
        return known

    def judge_function(self, call: Message, arguments: int) -> None:
        """One FuncCall: refused, or printed so that it calls what was judged."""
        names = strings(call.funcname)
        name = names[-1]
        if len(names) > 2:
            raise self._unknown_function(".".join(names), arguments, call.location)
        if len(names) == 2:
            self._judge_qualified(names[0], name, arguments, call.location)
            return
        candidates = self.visible(name)
        if not candidates:
            self._judge_projection(call, name, arguments)
            return
        builtin = [f for f in candidates if f.schema == "pg_catalog"]
        others = [f for f in candidates if f.schema != "pg_catalog" and f.takes(arguments)]
        if not builtin and not others:
            raise self._unknown_function(name, arguments, call.location)
        if others and all(self.allowed(f, arguments) for f in others):
            if not builtin and len({f.schema for f in others}) == 1:
                rename(call.funcname, others[0].schema, name)
                return
            if all(self.allowed(f, arguments) for f in builtin if f.takes(arguments)):
                return
        if not builtin:
            raise self._forbidden(others[0].qualified, arguments, call.location)
        self._judge_qualified("pg_catalog", name, arguments, call.location)
        rename(call.funcname, "pg_catalog", name)

    def _judge_qualified(self, schema: str, name: str, arguments: int, offset: int) -> None:
        found = [f for f in self.catalog.functions_by_name.get(name, ()) if f.schema == schema]
        if not found:
            raise self._unknown_function(f"{schema}.{name}", arguments, offset)
        if schema in SYSTEM_SCHEMAS:
            if self.allowed(found[0], arguments):
                return
            if not any(f.takes(arguments) for f in found):
                raise self._unknown_function(name, arguments, offset)
            raise self._forbidden(name, arguments, offset)
        if qualified(schema, name) not in self.policy.functions:
            raise self._forbidden(f"{schema}.{name}", arguments, offset)

    def _judge_projection(self, call: Message, name: str, arguments: int) -> None:
        """`email(u)`: a column, when nothing visible has that name (the record is masked already)."""
        if name in REG_TYPES or name in REG_ARRAYS:
            # What `::` would look up in the role's list.
            raise not_understood(f"{name} is not understood as a function", "Write it as a cast.", call.location)
        if arguments != 1 or len(call.args) != 1:
            raise self._unknown_function(name, arguments, call.location)
        if name.startswith("_") and not call.args[0].HasField("column_ref"):
            # An array of rows can be made so, also of those that are hidden; what is not there answers alike.
            raise self._unknown_function(name, arguments, call.location)
        if self.hides_type(["", name]) and not self._is_row_only(name):
            raise self._unknown_function(name, arguments, call.location)
        # A row's type is never called like a function: PostgreSQL does not know it, whether it is there or not.
        if name not in BUILTIN_TYPES:
            self._judge_code_of_type(["", name], call.location)

    def _unknown_function(self, name: str, arguments: int, offset: int) -> Forbidden:
        listed = ", ".join(["unknown"] * arguments)
        return Forbidden(
            "42883",
            "function-unknown",
            f"function {name}({listed}) does not exist",
            hint="No function matches the given name and argument types. You might need to add explicit type casts.",
            offset=offset,
        )

    def _forbidden(self, name: str, arguments: int, offset: int) -> Forbidden:
        wanted = name if "." in name else f"pg_catalog.{name}"
        several = "argument" if arguments == 1 else "arguments"
        return by_policy(
            "function-not-allowed",
            f"function {name} with {arguments} {several} is not permitted for role {self.policy.role}",
            f'If this role should call it, ask for "{wanted}" to be listed under its functions.'
            if "." in name
            else "It is not on the list of safe functions: it could reach beyond what this role may see or change.",
            offset,
        )

    # Operators

    def judge_operator(self, names: Message, offset: int, *, implicit: bool = False) -> None:
        """The name list of an operator: refused, left alone, or made OPERATOR(pg_catalog.…).

        `implicit`: a form that looks its operator up by a fixed name (IN, BETWEEN, CASE, USING) and
        cannot be told which schema to take it from.
        """
        parts = strings(names)
        if not parts:
            return
        name = parts[-1]
        if len(parts) > 1:
            self._judge_qualified_operator(parts, offset)
            return
        if not self._strange_operators(name):
            if name not in self.catalog.operators_by_name:
                raise self._unknown_operator(name, offset)
            return
        builtin = any(o.schema == "pg_catalog" for o in self.catalog.operators_by_name.get(name, ()))
        if implicit or not builtin:
            raise self._forbidden_operator(name, offset)
        rename(names, "pg_catalog", name)

    def judge_implicit_operator(self, name: str, offset: int) -> None:
        """An operator that a form uses without naming it."""
        if self._strange_operators(name):
            raise self._forbidden_operator(name, offset)

    def _strange_operators(self, name: str) -> list[str]:
        """Functions behind operators of that name on the path that the role may not call."""
        known = self._strange.get(name)
        if known is None and name in self.catalog.operators_by_name:
            known = self._strange[name] = [
                qualified(*operator.function)
                for operator in self.catalog.operators_by_name[name]
                if operator.schema != "pg_catalog"
                and operator.schema in self.catalog.search_path
                and not operator.compiled
                and not self._may_operate(operator.function)
            ]
        return known or []

    def _may_operate(self, function: tuple[str, str]) -> bool:
        schema, name = function
        if schema == "pg_catalog":
            return is_safe(name, 2) or is_safe(name, 1)
        return qualified(schema, name) in self.policy.functions

    def _judge_qualified_operator(self, parts: list[str], offset: int) -> None:
        schema, name = parts[-2], parts[-1]
        if len(parts) > 2:
            raise self._unknown_operator(".".join(parts), offset)
        found = [o for o in self.catalog.operators_by_name.get(name, ()) if o.schema == schema]
        if not found:
            raise self._unknown_operator(f"{schema}.{name}", offset)
        if schema != "pg_catalog" and not all(o.compiled or self._may_operate(o.function) for o in found):
            raise self._forbidden_operator(f"{schema}.{name}", offset)

    def _unknown_operator(self, name: str, offset: int) -> Forbidden:
        return Forbidden(
            "42883",
            "operator-unknown",
            f"operator does not exist: {name}",
            hint="No operator matches the given name and argument types. You might need to add explicit type casts.",
            offset=offset,
        )

    def _forbidden_operator(self, name: str, offset: int) -> Forbidden:
        functions = ", ".join(sorted(set(self._strange_operators(name.rpartition(".")[2]))))
        behind = f' (the functions behind it: "{functions}")' if functions else ""
        return by_policy(
            "operator-not-allowed",
            f"operator {name} is not permitted for role {self.policy.role}",
            f"An operator of this name runs a function that is not listed{behind}; ask for it among the functions.",
            offset,
        )

    # What of these would be quoted by EXPLAIN

    def may_be_inlined(self, names: Sequence[str]) -> bool:
        """Could a function of this name be one of users whose text comes up in a plan?"""
        found = self.catalog.functions_by_name.get(names[-1], ()) if names else ()
        return any(f.told and (len(names) == 1 or f.schema == names[-2]) for f in found)

    def is_of_users(self, names: Sequence[str]) -> bool:
        """Could an operator of this name run a function of users?"""
        found = self.catalog.operators_by_name.get(names[-1], ()) if names else ()
        return any(
            not o.compiled and o.function[0] != "pg_catalog" and (len(names) == 1 or o.schema == names[-2])
            for o in found
        )

    def casts_with_code_of_users(self, names: Sequence[str]) -> bool:
        """Could a cast to a type of this name run a function of users?"""
        return any(
            name == names[-1] and (len(names) == 1 or schema == names[-2])
            for schema, name in (self.catalog.types_with_cast_functions if names else ())
        )

    def names_listed(self, names: Sequence[str]) -> bool:
        """Could a call by this name be one of the functions that the role lists?"""
        found = self.catalog.functions_by_name.get(names[-1], ()) if names else ()
        return any(f.qualified in self.policy.functions for f in found if len(names) == 1 or f.schema == names[-2])

    def type_runs_code(self, names: Sequence[str]) -> bool:
        """Could a cast to a type of this name run a function of users, the CHECK of a domain included?"""
        return self.casts_with_code_of_users(names) or any(
            name == names[-1] and (len(names) == 1 or schema == names[-2])
            for schema, name in (self.catalog.checks_of_type if names else ())
        )

    # Types

    def judge_type(self, type_name: Message) -> None:
        """A TypeName: refused when a cast to it runs a function the role may not call."""
        if type_name.pct_type or type_name.setof:
            raise by_policy("type-not-allowed", "%TYPE and SETOF are not permitted here", "Name the type.")
        self.judge_type_name(strings(type_name.names), type_name.location)

    def judge_type_name(self, names: list[str], offset: int) -> None:
        name = names[-1]
        named = names[-2] if len(names) > 1 else ""
        if named in SYSTEM_SCHEMAS or (not named and name in BUILTIN_TYPES):
            return
        if self.hides_type(names):
            raise type_unknown(names, offset)
        self._judge_code_of_type(names, offset)

    def _is_row_only(self, name: str) -> bool:
        """Are all hidden types of this name on the path rows of relations themselves?"""
        path = self.catalog.search_path
        return all((schema, name) in self.catalog.relations for schema in path if (schema, name) in self._hidden_rows)

    def _judge_code_of_type(self, names: list[str], offset: int) -> None:
        """What a cast to a type runs."""
        name = names[-1]
        named = names[-2] if len(names) > 1 else ""
        schemas = (named,) if named else self.catalog.search_path
        for schema in schemas:
            if (schema, name) in self.catalog.types_with_cast_functions and not self._casts_allowed(schema, name):
                raise by_policy(
                    "cast-not-allowed",
                    f"casts of type {schema}.{name} are not permitted for role {self.policy.role}",
                    f'They run functions of users; ask for "{schema}.{name}" to be listed under the role\'s functions.',
                    offset,
                )
            self._judge_checks(schema, name, offset)

    def hides_type(self, names: Sequence[str]) -> bool:
        """Does a type's name mean the rows of a relation that the role was not given, or an array or domain of them?
        Or those of a temporary table: how PostgreSQL prints such a type tells whether its name is taken elsewhere."""
        if names[-1].lstrip("_") in self._temporary:
            return True
        schemas = (names[-2],) if len(names) > 1 and names[-2] else self.catalog.search_path
        return any((schema, names[-1]) in self._hidden_rows for schema in schemas)

    @cached_property
    def _temporary(self) -> frozenset[str]:
        return frozenset(name.lstrip("_") for schema, name in self.catalog.relations if schema == PG_TEMP)

    @cached_property
    def _hidden_rows(self) -> frozenset[tuple[str, str]]:
        catalog = self.catalog
        hidden = {
            r.oid for r in catalog.relations.values() if r.kind != "c" and r.qualified not in self.policy.relations
        }
        made = {
            catalog.type_oids[oid] for oid, of in catalog.row_types.items() if of in hidden and oid in catalog.type_oids
        }
        return frozenset(made | {(r.schema, r.name) for r in catalog.relations.values() if r.oid in hidden})

    def _judge_checks(self, schema: str, name: str, offset: int) -> None:
        """A cast to a domain asks its CHECK about the value, also inside an array or a row."""
        strange = self.strange_checks(self.catalog.checks_of_type.get((schema, name), ()))
        if not strange or qualified(schema, name) in self.policy.functions:
            return
        functions = ", ".join(sorted(strange))
        raise by_policy(
            "cast-not-allowed",
            f"casts to type {schema}.{name} are not permitted for role {self.policy.role}",
            f'Its CHECK runs functions of users; ask for "{functions}" to be listed under the role\'s functions, '
            "or cast to the type that it is based on.",
            offset,
        )

    def strange_checks(self, functions: Iterable[str]) -> set[str]:
        """Those of the functions in a domain's CHECK that the role may not call."""
        return {function for function in functions if function not in self.policy.functions}

    def judge_parameters(self, oids: Iterable[int]) -> None:
        """The types that a Parse message gives to its parameters (PG manual 55.7): `$1::text` is a cast of
        whatever type is named there. 0 leaves it to PostgreSQL, which then takes what the context says."""
        for oid in oids:
            if oid in REG_OIDS:
                raise not_understood(
                    "a parameter of an object identifier type is not understood", "Pass the name as text, and cast it."
                )
            if oid < FIRST_OF_USERS:
                continue
            name = self.catalog.type_oids.get(oid)
            if name is None or self.hides_type(name):
                # By its OID: its name would be news.
                raise Forbidden("42704", "type-unknown", f"type with OID {oid} does not exist")
            self.judge_type_name(list(name), -1)

    def judge_row(self, relation: Relation, offset: int) -> None:
        """A relation with a column whose type's casts run functions of users: any `::text`, `||` or
        `to_json` over it may be such a call, so it is refused unless they are listed."""
        if relation.kind == "S":
            return
        strange = (
            set()
            if self._casts_allowed(relation.schema, relation.name)
            else self._strange_casts(relation.schema, relation.name)
        )
        for column in relation.columns:
            # A domain itself is cast away where the relation is read; one inside an array or a row stays.
            of_users = self.catalog.type_oids.get(column.type_oid) if column.checks else None
            if of_users is not None and of_users in self.catalog.checks_of_type:
                strange |= self.strange_checks(column.checks)
        if not strange:
            return
        functions = ", ".join(sorted(strange))
        raise by_policy(
            "cast-not-allowed",
            f"relation {relation.qualified} has a column whose casts are not permitted for role {self.policy.role}",
            f'They run functions of users; ask for "{functions}" to be listed under the role\'s functions.',
            offset,
        )

    def _strange_casts(self, schema: str, name: str) -> set[str]:
        unnamed = (qualified(schema, name),) if (schema, name) in self.catalog.types_with_cast_functions else ()
        functions = self.catalog.casts_of_type.get((schema, name), unnamed)
        return {function for function in functions if function not in self.policy.functions}

    def _casts_allowed(self, schema: str, name: str) -> bool:
        """A type listed like a function, or all functions behind its casts: they may run."""
        return qualified(schema, name) in self.policy.functions or not self._strange_casts(schema, name)
