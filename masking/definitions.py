"""The text of definitions, shown with its literals struck: calls of pg_get_viewdef and its kin.

`pg_get_viewdef(x)` becomes `<strip>(pg_catalog.pg_get_viewdef(x))`; `pg_get_expr(x, …)` becomes
`(x)::text`, since by then every pg_node_tree column holds its stripped text (system.py).
PG manual 9.27.
"""

from __future__ import annotations

from functools import cache

from masking.nodes import expression, message_children, quoted, strings
from masking.parse import Message, pg
from masking.strip import strip_function, strip_literals

#: Stands for the call in a template; no statement of ours uses the name otherwise.
_PLACEHOLDER = "pgcurfew: the definition"


@cache
def _template(name: str) -> Message:
    value = quoted(_PLACEHOLDER)
    match name:
        case "pg_get_functiondef":
            return expression(strip_function(value))
        case "pg_get_statisticsobjdef_expressions":
            return expression("NULL::pg_catalog.text[]")
        case "pg_get_expr":
            return expression(f"({value})::pg_catalog.text")
        case _:
            return expression(strip_literals(value))


def wrap_definition(place: Message, call: Message) -> list[Message]:
    """Put the stripped form into `place`, the Node that holds a call of a function in functions.DEFINITIONS.

    Returns the expressions of the call that now stand in there, to be judged and repaired where they stand.
    """
    name = strings(call.funcname)[-1]
    value = pg.Node(func_call=call)
    if name == "pg_get_expr":
        value = pg.Node()
        value.CopyFrom(call.args[0])
    place.CopyFrom(_template(name))
    arguments: list[Message] = []
    todo: list[Message] = [place]
    while todo:
        message = todo.pop()
        if isinstance(message, pg.Node) and message.HasField("column_ref"):
            if strings(message.column_ref.fields) == [_PLACEHOLDER]:
                message.CopyFrom(value)
                arguments.extend([message] if name == "pg_get_expr" else message.func_call.args)
            continue
        todo.extend(message_children(message))
    return arguments
