"""Which rows of the system relations a role is shown: those about what it may see.

Conditions on the relation's own columns, with @classes, @functions, @types and @schemas where the role's lists
are put in (visible.py). What the server brings along (OIDs below 16384) is shown to everybody; what is younger
than the snapshot to nobody yet. PG manual, chapters 53 (catalogs), 54 (views) and 37 (information schema).
"""

from __future__ import annotations

from collections.abc import Mapping

#: FirstNormalObjectId: below it are the server's own objects.
_OWN = "'16384'::pg_catalog.oid"


def _listed(column: str, kind: str) -> str:
    return f"({column} OPERATOR(pg_catalog.<) {_OWN} OR {column} = ANY (@{kind}))"


def _class(*columns: str) -> str:
    return " AND ".join(_listed(column, "classes") for column in columns)


def _function(column: str) -> str:
    return _listed(column, "functions")


def _type(column: str) -> str:
    return _listed(column, "types")


def _named(schema: str, name: str) -> str:
    """A relation by its names; the columns are written with the relation that they belong to."""
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_class AS k JOIN pg_catalog.pg_namespace AS s "
        "ON s.oid OPERATOR(pg_catalog.=) k.relnamespace "
        f"WHERE s.nspname OPERATOR(pg_catalog.=) {schema}::pg_catalog.name "
        f"AND k.relname OPERATOR(pg_catalog.=) {name}::pg_catalog.name AND {_class('k.oid')})"
    )


def _schema(name: str) -> str:
    return (
        f"({name}::pg_catalog.name = ANY (@schemas) OR EXISTS (SELECT FROM pg_catalog.pg_namespace AS s "
        f"WHERE s.nspname OPERATOR(pg_catalog.=) {name}::pg_catalog.name AND s.oid OPERATOR(pg_catalog.<) {_OWN}))"
    )


def _routine(specific_name: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE pg_catalog.nameconcatoid(p.proname, p.oid) "
        f"OPERATOR(pg_catalog.=) {specific_name}::pg_catalog.name AND {_function('p.oid')})"
    )


def _constraint(schema: str, name: str, condition: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_namespace AS s "
        "ON s.oid OPERATOR(pg_catalog.=) k.connamespace "
        f"WHERE s.nspname OPERATOR(pg_catalog.=) {schema}::pg_catalog.name "
        f"AND k.conname OPERATOR(pg_catalog.=) {name}::pg_catalog.name AND {condition})"
    )


#: OIDs of the catalogs themselves, which never change (catalog/pg_*.h).
_CLASS, _PROC, _TYPE = 1259, 1255, 1247
#: Catalogs of what belongs to a relation -> its catalog and the column that says which.
_PARTS = {2606: ("pg_constraint", "conrelid"), 2620: ("pg_trigger", "tgrelid"), 2618: ("pg_rewrite", "ev_class")}
_PARTS |= {3256: ("pg_policy", "polrelid"), 2604: ("pg_attrdef", "adrelid"), 3381: ("pg_statistic_ext", "stxrelid")}


def _object(relation: str, catalog: str, oid: str) -> str:
    """An object of any catalog, named by two columns."""
    which, number = f"{relation}.{catalog}", f"{relation}.{oid}"
    cases = [
        (_CLASS, _class(number)),
        (_PROC, _function(number)),
        (_TYPE, _type(number)),
        *(
            (
                part,
                f"EXISTS (SELECT FROM pg_catalog.{name} AS part WHERE part.oid OPERATOR(pg_catalog.=) {number} "
                f"AND {_class(f'part.{owner}')})",
            )
            for part, (name, owner) in _PARTS.items()
        ),
    ]
    branches = " ".join(f"WHEN '{of}'::pg_catalog.oid THEN {condition}" for of, condition in cases)
    return f"({number} OPERATOR(pg_catalog.<) {_OWN} OR CASE {which} {branches} ELSE true END)"


_BY_CLASS = {
    "pg_class": ("oid",),
    "pg_attribute": ("attrelid",),
    "pg_attrdef": ("adrelid",),
    "pg_constraint": ("conrelid", "confrelid"),
    "pg_foreign_table": ("ftrelid",),
    "pg_index": ("indrelid", "indexrelid"),
    "pg_inherits": ("inhrelid", "inhparent"),
    "pg_partitioned_table": ("partrelid",),
    "pg_policy": ("polrelid",),
    "pg_publication_rel": ("prrelid",),
    "pg_rewrite": ("ev_class",),
    "pg_sequence": ("seqrelid",),
    "pg_statistic_ext": ("stxrelid",),
    "pg_subscription_rel": ("srrelid",),
    "pg_trigger": ("tgrelid", "tgconstrrelid"),
    **{
        f"pg_{what}_{whose}_{kind}": ("relid",)
        for what, kinds in (("stat", ("tables", "indexes")), ("statio", ("tables", "indexes", "sequences")))
        for whose in ("all", "sys", "user")
        for kind in kinds
    },
}
_BY_NAME = {
    "pg_indexes": "tablename",
    "pg_matviews": "matviewname",
    "pg_policies": "tablename",
    "pg_publication_tables": "tablename",
    "pg_rules": "tablename",
    "pg_sequences": "sequencename",
    "pg_tables": "tablename",
    "pg_views": "viewname",
}
_CATALOGS: Mapping[str, str] = {
    **{name: _class(*columns) for name, columns in _BY_CLASS.items()},
    **{name: _named(f"{name}.schemaname", f"{name}.{column}") for name, column in _BY_NAME.items()},
    "pg_aggregate": _function("(aggfnoid)::pg_catalog.oid"),
    "pg_cast": _function("castfunc"),
    "pg_operator": _function("(oprcode)::pg_catalog.oid"),
    "pg_depend": f"{_object('pg_depend', 'classid', 'objid')} AND {_object('pg_depend', 'refclassid', 'refobjid')}",
    "pg_description": _object("pg_description", "classoid", "objoid"),
    "pg_enum": _type("enumtypid"),
    "pg_init_privs": _object("pg_init_privs", "classoid", "objoid"),
    "pg_namespace": f"(oid OPERATOR(pg_catalog.<) {_OWN} OR nspname = ANY (@schemas))",
    "pg_proc": _function("oid"),
    "pg_seclabel": _object("pg_seclabel", "classoid", "objoid"),
    "pg_seclabels": _object("pg_seclabels", "classoid", "objoid"),
    "pg_shdepend": _object("pg_shdepend", "classid", "objid"),
    "pg_stat_user_functions": _function("funcid"),
    "pg_type": _type("oid"),
}

_TABLE = ("table_schema", "table_name")
_VIEW = ("view_schema", "view_name")
_EVENT = ("event_object_schema", "event_object_table")
_INFORMATION_BY_NAME = {
    **dict.fromkeys(
        """
        column_column_usage column_domain_usage column_privileges column_udt_usage columns constraint_column_usage
        constraint_table_usage role_column_grants role_table_grants routine_column_usage
        routine_table_usage table_privileges tables views
        """.split(),  # noqa: SIM905 -- a list of names reads better so
        (_TABLE,),
    ),
    "foreign_tables": (("foreign_table_schema", "foreign_table_name"),),
    "sequences": (("sequence_schema", "sequence_name"),),
    "triggered_update_columns": (_EVENT,),
    "triggers": (_EVENT,),
    "view_column_usage": (_TABLE, _VIEW),
    "view_routine_usage": (_VIEW,),
    "view_table_usage": (_TABLE, _VIEW),
}


def _of_kind(relation: str) -> str:
    """Rows about objects of many kinds, relations and functions among them."""
    name = f"{relation}.object_name"
    return (
        f"CASE {relation}.object_type::pg_catalog.text "
        + " ".join(f"WHEN '{kind}' THEN {_named(f'{relation}.object_schema', name)}" for kind in ("TABLE", "SEQUENCE"))
        + f" WHEN 'ROUTINE' THEN {_routine(name)} ELSE true END"
    )


def _udt(schema: str, name: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS s "
        "ON s.oid OPERATOR(pg_catalog.=) t.typnamespace "
        f"WHERE s.nspname OPERATOR(pg_catalog.=) {schema}::pg_catalog.name "
        f"AND t.typname OPERATOR(pg_catalog.=) {name}::pg_catalog.name AND {_type('t.oid')})"
    )


#: Before PostgreSQL 18, NOT NULL is shown as a check whose name is made of OIDs.
_NOT_NULL = "'^[0-9]{1,9}_[0-9]{1,9}_[0-9]+_not_null$'"
_CHECK_NAME = "check_constraints.constraint_name::pg_catalog.text"
_INFORMATION_SCHEMA: Mapping[str, str] = {
    **{
        name: " AND ".join(_named(f"{name}.{schema}", f"{name}.{of}") for schema, of in columns)
        for name, columns in _INFORMATION_BY_NAME.items()
    },
    **{
        name: _routine(f"{name}.specific_name")
        for name in ("parameters", "role_routine_grants", "routine_privileges", "routines")
    },
    **dict.fromkeys(("check_constraint_routine_usage", "routine_routine_usage", "routine_sequence_usage"), "false"),
    **{
        name: _of_kind(name)
        for name in ("data_type_privileges", "element_types", "role_usage_grants", "usage_privileges")
    },
    **{name: _udt(f"{name}.udt_schema", f"{name}.udt_name") for name in ("role_udt_grants", "udt_privileges")},
    # A foreign key to what is hidden is hidden too.
    "key_column_usage": _named("key_column_usage.table_schema", "key_column_usage.table_name")
    + " AND "
    + _constraint(
        "key_column_usage.constraint_schema",
        "key_column_usage.constraint_name",
        _class("k.conrelid", "k.confrelid"),
    ),
    "table_constraints": _named("table_constraints.table_schema", "table_constraints.table_name")
    + " AND (table_constraints.constraint_type::pg_catalog.text OPERATOR(pg_catalog.<>) 'FOREIGN KEY' OR "
    + _constraint(
        "table_constraints.constraint_schema",
        "table_constraints.constraint_name",
        _class("k.conrelid", "k.confrelid"),
    )
    + ")",
    "check_constraints": (
        f"CASE WHEN {_CHECK_NAME} OPERATOR(pg_catalog.~) {_NOT_NULL} "
        f"THEN {_class(f'''(pg_catalog.split_part({_CHECK_NAME}, '_', 2))::pg_catalog.oid''')} ELSE "
        + _constraint("check_constraints.constraint_schema", "check_constraints.constraint_name", _class("k.conrelid"))
        + " END"
    ),
    "referential_constraints": _constraint(
        "referential_constraints.constraint_schema",
        "referential_constraints.constraint_name",
        _class("k.conrelid", "k.confrelid"),
    ),
    "schemata": _schema("schemata.schema_name"),
}

#: "schema.name" -> the condition on its rows.
SHOWN_ROWS: Mapping[str, str] = {
    **{f"pg_catalog.{name}": condition for name, condition in _CATALOGS.items()},
    **{f"information_schema.{name}": condition for name, condition in _INFORMATION_SCHEMA.items()},
}
