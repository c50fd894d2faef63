"""Which built-in functions may be called: an explicit list, everything unknown refused.

A call is judged by schema, name and number of arguments; argument types cannot be known
without type inference. Functions of users and extensions are the policy's affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from masking.function_table import SAFE_BY_TOPIC
from masking.operator_table import BEHIND_OPERATORS


@dataclass(frozen=True, slots=True)
class Counts:
    """How many arguments a call may have: exactly one of `exact`, or `at_least` and more."""

    exact: frozenset[int]
    at_least: int | None = None

    def allow(self, arguments: int) -> bool:
        return arguments in self.exact or (self.at_least is not None and arguments >= self.at_least)


def _counts(text: str) -> Counts:
    """`1,3-4` or `2+`, as the tables write it."""
    exact: set[int] = set()
    at_least: int | None = None
    for part in text.split(","):
        if part.endswith("+"):
            at_least = int(part[:-1])
        elif "-" in part:
            low, high = part.split("-")
            exact.update(range(int(low), int(high) + 1))
        else:
            exact.add(int(part))
    return Counts(frozenset(exact), at_least)


def _table(*texts: str) -> Mapping[str, Counts]:
    pairs: Iterable[list[str]] = (entry.split(":") for text in texts for entry in text.split())
    return {name: _counts(counts) for name, counts in pairs}


#: Functions of pg_catalog anybody may call (PG manual, chapter 9).
SAFE: Mapping[str, Counts] = _table(*SAFE_BY_TOPIC.values(), BEHIND_OPERATORS)

#: Functions of information_schema: what JDBC and the schema's own views compute with.
SAFE_INFORMATION_SCHEMA: Mapping[str, Counts] = _table(
    """_pg_expandarray:1 _pg_index_position:2 _pg_truetypid:2 _pg_truetypmod:2 _pg_char_max_length:2
    _pg_char_octet_length:2 _pg_numeric_precision:2 _pg_numeric_precision_radix:2 _pg_numeric_scale:2
    _pg_datetime_precision:2 _pg_interval_type:2"""
)

#: Functions whose answer is the text of a definition, literals included. Under
#: `definitions = "no-literals"` their result goes through `system.strip_literals`
#: (`pg_get_functiondef` through `system.strip_function`), and `pg_get_expr(x, …)` becomes
#: `(x)::text`, since by then every pg_node_tree column holds its stripped text.
DEFINITIONS: Mapping[str, Counts] = _table(
    """pg_get_constraintdef:1-2 pg_get_expr:2-3 pg_get_function_arg_default:2 pg_get_function_arguments:1
    pg_get_function_sqlbody:1 pg_get_functiondef:1 pg_get_indexdef:1,3 pg_get_partition_constraintdef:1
    pg_get_partkeydef:1 pg_get_ruledef:1-2 pg_get_statisticsobjdef:1 pg_get_statisticsobjdef_expressions:1
    pg_get_triggerdef:1-2 pg_get_viewdef:1-2"""
)

#: Judged by the engine, case by case: the name of the setting must be a listed literal.
SETTING_FUNCTIONS: Mapping[str, Counts] = _table("current_setting:1-2 set_config:3")

#: Judged by the engine: they need write on that sequence (lastval and currval tell how far it is);
#: pg_get_sequence_data, which pg_dump asks for every sequence there is, answers for those the role may read.
SEQUENCE_FUNCTIONS: Mapping[str, Counts] = _table("nextval:1 currval:1 setval:2-3 lastval:0 pg_get_sequence_data:1")

#: Sampling methods of TABLESAMPLE.
SAMPLING_METHODS = frozenset({"bernoulli", "system"})


def is_safe(name: str, arguments: int, schema: str = "pg_catalog") -> bool:
    """May anybody call this built-in function with that many arguments?

    False for the functions in DEFINITIONS, SETTING_FUNCTIONS and SEQUENCE_FUNCTIONS: those need the engine's care.
    For an ordered-set aggregate the direct arguments alone or with the WITHIN GROUP ones may be counted.
    """
    tables = {"pg_catalog": SAFE, "information_schema": SAFE_INFORMATION_SCHEMA}
    counts = tables.get(schema, {}).get(name)
    return counts is not None and counts.allow(arguments)


def is_definition(name: str, arguments: int) -> bool:
    """Does this pg_catalog function answer with the text of a definition?"""
    counts = DEFINITIONS.get(name)
    return counts is not None and counts.allow(arguments)
