"""Small words about nodes of the parse tree: what one is, what it is called, how one is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from masking.parse import Message, parse, pg

#: Columns every table has beside its own (PG manual 5.6).
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})


def words(text: str) -> frozenset[str]:
    """A set of words, as the tables of this package write it."""
    return frozenset(text.split())


def kind_of(node: Message) -> str:
    """The field that a Node wraps, e.g. "select_stmt"; "" for an empty one."""
    return node.WhichOneof("node") or ""


def inside(node: Message) -> Message:
    """The message that a Node wraps."""
    return getattr(node, kind_of(node))


def strings(nodes: Iterable[Message]) -> list[str]:
    """The values of a list of String nodes; a node of another kind is left out."""
    return [node.string.sval for node in nodes if node.HasField("string")]


def string(value: str) -> Message:
    node = pg.Node()
    node.string.sval = value
    return node


def rename(nodes: Message, *names: str) -> None:
    """Make a repeated field of String nodes say these names."""
    del nodes[:]
    nodes.extend(string(name) for name in names)


def column_reference(*names: str) -> Message:
    node = pg.Node()
    fields = node.column_ref.fields
    for name in names:
        fields.add().string.sval = name
    return node


def result_target(value: Message, name: str = "") -> Message:
    return pg.Node(res_target=pg.ResTarget(name=name, val=value))


def text_constant(node: Message) -> str | None:
    """The text of a string literal, also with a cast to text or regclass on it; other casts could change it."""
    if node.HasField("type_cast"):
        type_name = node.type_cast.type_name
        if strings(type_name.names)[-1] not in ("text", "regclass") or type_name.typmods or type_name.array_bounds:
            return None
        node = node.type_cast.arg
    if node.HasField("a_const") and node.a_const.HasField("sval"):
        return str(node.a_const.sval.sval)
    return None


def text_node(value: str) -> Message:
    """The Node of a string literal."""
    return pg.Node(a_const=pg.A_Const(sval=pg.String(sval=value)))


def quoted(name: str) -> str:
    """An identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


def expression(text: str) -> Message:
    """The Node of an expression given as SQL text that we wrote ourselves."""
    tree = parse(f"SELECT {text}")
    return tree.stmts[0].stmt.select_stmt.target_list[0].res_target.val


def message_children(message: Message) -> Iterable[Message]:
    """All messages directly below one."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            if field.is_repeated:
                yield from value
            else:
                yield value


_VALUE_FUNCTIONS = {
    pg.SVFOP_CURRENT_DATE: "current_date",
    pg.SVFOP_CURRENT_TIME: "current_time",
    pg.SVFOP_CURRENT_TIME_N: "current_time",
    pg.SVFOP_CURRENT_TIMESTAMP: "current_timestamp",
    pg.SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
    pg.SVFOP_LOCALTIME: "localtime",
    pg.SVFOP_LOCALTIME_N: "localtime",
    pg.SVFOP_LOCALTIMESTAMP: "localtimestamp",
    pg.SVFOP_LOCALTIMESTAMP_N: "localtimestamp",
    pg.SVFOP_CURRENT_ROLE: "current_role",
    pg.SVFOP_CURRENT_USER: "current_user",
    pg.SVFOP_USER: "user",
    pg.SVFOP_SESSION_USER: "session_user",
    pg.SVFOP_CURRENT_CATALOG: "current_catalog",
    pg.SVFOP_CURRENT_SCHEMA: "current_schema",
}
_XML_FUNCTIONS = {
    pg.IS_XMLCONCAT: "xmlconcat",
    pg.IS_XMLELEMENT: "xmlelement",
    pg.IS_XMLFOREST: "xmlforest",
    pg.IS_XMLPARSE: "xmlparse",
    pg.IS_XMLPI: "xmlpi",
    pg.IS_XMLROOT: "xmlroot",
}
_JSON_FUNCTIONS = {
    pg.JSON_EXISTS_OP: "json_exists",
    pg.JSON_QUERY_OP: "json_query",
    pg.JSON_VALUE_OP: "json_value",
}
#: Nodes whose column is always called the same.
_FIXED_NAMES = {
    "a_array_expr": "array",
    "row_expr": "row",
    "coalesce_expr": "coalesce",
    "grouping_func": "grouping",
    "merge_support_func": "merge_action",
    "xml_serialize": "xmlserialize",
    "json_parse_expr": "json",
    "json_scalar_expr": "json_scalar",
    "json_serialize_expr": "json_serialize",
    "json_object_constructor": "json_object",
    "json_array_constructor": "json_array",
    "json_array_query_constructor": "json_array",
    "json_object_agg": "json_objectagg",
    "json_array_agg": "json_arrayagg",
}


def column_name(node: Message) -> str:
    """What PostgreSQL calls the column of an expression that has no label (FigureColname)."""
    return _named(node)[0] or "?column?"


def _named(node: Message) -> tuple[str, int]:
    """The name and how sure PostgreSQL is of it: 0 no name, 1 a makeshift, 2 a good one."""
    kind = kind_of(node)
    if kind in _FIXED_NAMES:
        return _FIXED_NAMES[kind], 2
    match kind:
        case "column_ref":
            names = strings(node.column_ref.fields)
            return (names[-1], 2) if names and not node.column_ref.fields[-1].HasField("a_star") else ("", 0)
        case "a_indirection":
            names = strings(node.a_indirection.indirection)
            return (names[-1], 2) if names else _named(node.a_indirection.arg)
        case "func_call":
            return strings(node.func_call.funcname)[-1], 2
        case "a_expr":
            return ("nullif", 2) if node.a_expr.kind == pg.AEXPR_NULLIF else ("", 0)
        case "type_cast":
            name, strength = _named(node.type_cast.arg)
            if strength <= 1 and node.type_cast.type_name.names:
                return strings(node.type_cast.type_name.names)[-1], 1
            return name, strength
        case "collate_clause":
            return _named(node.collate_clause.arg)
        case "case_expr":
            name, strength = _named(node.case_expr.defresult)
            return (name, strength) if strength > 1 else ("case", 1)
        case "min_max_expr":
            return ("greatest" if node.min_max_expr.op == pg.IS_GREATEST else "least"), 2
        case "sqlvalue_function":
            return _VALUE_FUNCTIONS.get(node.sqlvalue_function.op, ""), 2
        case "xml_expr":
            return _XML_FUNCTIONS.get(node.xml_expr.op, ""), 2
        case "json_func_expr":
            return _JSON_FUNCTIONS.get(node.json_func_expr.op, ""), 2
        case "sub_link":
            return _named_sublink(node.sub_link)
        case _:
            return "", 0


def _named_sublink(link: Message) -> tuple[str, int]:
    match link.sub_link_type:
        case pg.EXISTS_SUBLINK:
            return "exists", 2
        case pg.ARRAY_SUBLINK:
            return "array", 2
        case pg.EXPR_SUBLINK:
            select = link.subselect.select_stmt
            while select.op != pg.SETOP_NONE:
                select = select.larg
            targets: Sequence[Message] = select.target_list
            if not targets:
                return ("column1", 2) if select.values_lists else ("", 0)
            target = targets[0].res_target
            return (target.name, 2) if target.name else _named(target.val)
        case _:
            return "", 0
