"""Types and functions that take names or OIDs of objects as values: reviewed data (PG manual 8.19, 9.27)."""

from __future__ import annotations

from collections.abc import Mapping

#: Object identifier types whose values tell names of what users made.
REG_TYPES: Mapping[str, str] = {
    "regclass": "class",
    "regproc": "function",
    "regprocedure": "function",
    "regtype": "type",
    "regnamespace": "schema",
}
#: The same as arrays, by the names that PostgreSQL gives them.
REG_ARRAYS = frozenset(f"_{name}" for name in REG_TYPES)
#: `to_reg…`: NULL for what is not there.
LOOKUPS = {f"to_{name}": kind for name, kind in REG_TYPES.items()}

_FIRST = frozenset(
    [
        "pg_table_size",
        "pg_relation_size",
        "pg_total_relation_size",
        "pg_indexes_size",
        "pg_partition_root",
        "pg_partition_tree",
        "pg_partition_ancestors",
        "pg_relation_is_publishable",
        "pg_relation_is_updatable",
        "pg_column_is_updatable",
        "pg_get_indexdef",
        "pg_get_viewdef",
        "pg_table_is_visible",
        "pg_get_partkeydef",
        "pg_get_partition_constraintdef",
        "col_description",
        "pg_get_replica_identity_index",
        "pg_sequence_parameters",
        "pg_index_has_property",
        "pg_index_column_has_property",
        "row_security_active",
        "pg_stat_get_numscans",
        "pg_get_serial_sequence",
    ]
)
_OF_FUNCTIONS = frozenset(
    [
        "pg_get_functiondef",
        "pg_get_function_arguments",
        "pg_get_function_identity_arguments",
        "pg_get_function_result",
        "pg_get_function_arg_default",
        "pg_get_function_sqlbody",
        "pg_function_is_visible",
    ]
)
_OF_TYPES = frozenset(["format_type", "pg_type_is_visible", "pg_basetype"])
#: Function -> kind of what its first argument names, or its catalog and the columns there that say what it belongs to.
#: In `has_…_privilege` it is the argument before the privilege.
GUARDED: Mapping[str, str] = {
    **dict.fromkeys(_FIRST, "class"),
    **dict.fromkeys(_OF_FUNCTIONS, "function"),
    **dict.fromkeys(_OF_TYPES, "type"),
    "pg_get_constraintdef": "pg_constraint: conrelid confrelid",
    "pg_get_triggerdef": "pg_trigger: tgrelid tgconstrrelid",
    "pg_get_ruledef": "pg_rewrite: ev_class",
    "pg_get_statisticsobjdef": "pg_statistic_ext: stxrelid",
    "pg_get_statisticsobjdef_columns": "pg_statistic_ext: stxrelid",
    "pg_get_statisticsobjdef_expressions": "pg_statistic_ext: stxrelid",
    "pg_statistics_obj_is_visible": "pg_statistic_ext: stxrelid",
    "has_any_column_privilege": "class",
    "has_column_privilege": "class",
    "has_function_privilege": "function",
    "has_schema_privilege": "schema",
    "has_sequence_privilege": "class",
    "has_table_privilege": "class",
    "has_type_privilege": "type",
    **LOOKUPS,
}
#: These say what any object is, by its OID: only for columns of system relations.
OF_ANY_OBJECT = frozenset(["obj_description", "pg_describe_object", "pg_identify_object", "pg_get_acl"])

#: Catalog in the second argument of obj_description -> kind of what the first one names.
DESCRIBED: Mapping[str, str] = {
    "pg_class": "class",
    "pg_proc": "function",
    "pg_type": "type",
    "pg_namespace": "schema",
    "pg_constraint": "pg_constraint: conrelid confrelid",
    "pg_trigger": "pg_trigger: tgrelid tgconstrrelid",
}

#: OIDs of those types and their arrays: as types of parameters, they would look names up before any statement runs.
REG_OIDS = frozenset({24, 2202, 2205, 2206, 4089, 1008, 2207, 2210, 2211, 4090})
