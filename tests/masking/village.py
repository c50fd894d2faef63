"""A small database and two roles, by hand: what the pure tests of the judge are judged over.

users.email (unique) and users.salary are masked, by NULL so that printed text stays readable;
orders and vals are clear; hidden is out of sight; base's child masks the pin that base shows.
"""

from __future__ import annotations

from masking.catalog import Catalog, Column, Function, Operator, Relation
from masking.policy import CLEAR, UNCLASSIFIED, RelationRule, RolePolicy, StatementKind

TYPES = {"int": (23, "pg_catalog.int4"), "text": (25, "pg_catalog.text"), "json": (114, "pg_catalog.json")}
TYPES |= {"name": (19, "pg_catalog.name"), "oid": (26, "pg_catalog.oid"), "tree": (194, "pg_catalog.pg_node_tree")}


def _relation(
    oid: int,
    qualified: str,
    columns: str,
    *,
    kind: str = "r",
    key: tuple[str, ...] = (),
    constrained: tuple[str, ...] = (),
    parents: tuple[int, ...] = (),
    children: tuple[int, ...] = (),
    generated: tuple[str, ...] = (),
) -> Relation:
    schema, name = qualified.split(".")
    made = []
    for attnum, entry in enumerate(columns.split(), 1):
        column, _, written = entry.partition(":")
        type_oid, type_name = TYPES[written or "text"]
        made.append(
            Column(column, attnum, type_oid, type_name, has_equality=written != "json", generated=column in generated)
        )
    return Relation(
        oid,
        schema,
        name,
        kind,
        tuple(made),
        key,
        frozenset({*key, *constrained}),
        parents,
        children,  # type: ignore[arg-type]
    )


RELATIONS = (
    _relation(1, "public.users", "id:int name email salary:int doc:json", key=("id",), constrained=("email",)),
    _relation(2, "archive.users", "id:int email", key=("id",)),
    _relation(3, "public.orders", "id:int user_id:int total:int note", key=("id",)),
    _relation(4, "public.hidden", "id:int secret"),
    _relation(5, "public.vals", "id:int v", key=("id",)),
    _relation(6, "public.user_view", "id:int email", kind="v"),
    _relation(7, "public.base", "id:int pin", children=(8,)),
    _relation(8, "public.child", "id:int pin extra", parents=(7,)),
    _relation(9, "public.pay", "id:int card", kind="p", children=(10,)),
    _relation(10, "public.pay_1", "id:int card", parents=(9,)),
    _relation(11, "public.orders_id_seq", "last_value:int log_cnt:int is_called:int", kind="S"),
    _relation(12, "public.made", "id:int twice:int card", generated=("twice",)),
    _relation(1259, "pg_catalog.pg_class", "oid:oid relname:name"),
    _relation(3456, "pg_catalog.pg_authid", "oid:oid rolname:name rolpassword"),
    _relation(2604, "pg_catalog.pg_attrdef", "oid:oid adrelid:oid adnum:int adbin:tree"),
)

_BUILTIN = """count:0 count:1 sum:1 avg:1 max:1 min:1 upper:1 lower:1 length:1 now:0 pg_sleep:1 row_to_json:1 lo_get:1
    lo_get:3 pg_read_file:1 generate_series:2 generate_series:3 unnest:1 current_setting:1 current_setting:2
    set_config:3 nextval:1 currval:1 setval:2 lastval:0 pg_get_viewdef:1 pg_get_expr:2 to_json:1 json_agg:1
    percentile_cont:2 substring:3 extract:2 like_escape:2 replace:3 translate:3 regexp_replace:4 xmlelement:1
    query_to_xml:4 ts_rewrite:2 ts_rewrite:3 pg_terminate_backend:1 version:0 pg_backend_pid:0 timezone:2
    overlay:3 date_trunc:2 array_agg:1 string_agg:2 coalesce_not:1 obj_description:2 col_description:2
    array_position:2"""


def _function(entry: str, schema: str = "pg_catalog") -> Function:
    name, _, count = entry.partition(":")
    return Function(schema, name, int(count), int(count))


FUNCTIONS = (
    *(_function(entry) for entry in _BUILTIN.split()),
    Function("pg_catalog", "concat", 1, None),
    *(_function(entry, "public") for entry in ("display:1", "leak:0", "harmless:1", "replace:3", "odd:2")),
    *(_function(entry, "archive") for entry in ("far:1", "hex:1")),
)

OPERATORS = (
    *(Operator("pg_catalog", name, ("pg_catalog", "int4eq")) for name in ("=", "<", ">", "<=", ">=", "<>", "+", "-")),
    *(
        Operator("pg_catalog", name, ("pg_catalog", "textcat"))
        for name in ("||", "~~", "!~~", "~~*", "~", "*", "/", "%")
    ),
    Operator("public", "===", ("public", "odd")),
    Operator("public", "~", ("public", "odd")),
)

CATALOG = Catalog(
    version="village",
    server_version=170010,
    search_path=("public",),
    relations={(r.schema, r.name): r for r in RELATIONS},
    functions=FUNCTIONS,
    operators=OPERATORS,
    types=frozenset({("public", "mood"), ("public", "cunning")}),
    casts_of_type={("public", "cunning"): ("public.odd",)},
    types_with_cast_functions=frozenset({("public", "cunning")}),
)

CLASSIFICATION = {
    "public.users": {"id": CLEAR, "name": CLEAR, "doc": CLEAR},
    "archive.users": {"id": CLEAR},
    "public.orders": {"*": CLEAR},
    "public.vals": {"*": CLEAR},
    "public.user_view": {"id": CLEAR},
    "public.base": {"*": CLEAR},
    "public.child": {"*": CLEAR, "pin": UNCLASSIFIED},
    "public.pay": {"id": CLEAR},
    "public.orders_id_seq": {"*": CLEAR},
    "public.made": {"id": CLEAR, "twice": CLEAR},
}

_LISTED = [key for key in CLASSIFICATION if key != "public.orders_id_seq"]
_READ = RelationRule(read=frozenset({"*"}))
_WRITE = RelationRule(read=frozenset({"*"}), write=frozenset({"*"}))

READER = RolePolicy(
    role="reader",
    version="1",
    statements=frozenset({StatementKind.SELECT, StatementKind.COPY_TO, StatementKind.EXPLAIN}),
    relations=dict.fromkeys(_LISTED, _READ),
    classification=CLASSIFICATION,
)

WRITER = RolePolicy(
    role="writer",
    version="1",
    statements=frozenset(StatementKind) - {StatementKind.OTHER},
    relations=dict.fromkeys(CLASSIFICATION, _WRITE) | {"public.vals": RelationRule(frozenset({"*"}), frozenset({"v"}))},
    classification=CLASSIFICATION,
    functions=frozenset({"public.harmless"}),
)

ROLES = {"reader": READER, "writer": WRITER}
