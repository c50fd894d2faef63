"""Which system relations may be read, and what of them is struck.

An allow-list that serves psql, object-relational mappers and graphical tools. Not on it:
statistics of values (pg_stats, pg_statistic), activity of others (a session sees its own row), large objects, toast,
password hashes, user mappings, server files. pg_dump asks for large objects and for the settings
of the database, so it is told that there are none.

Which rows a role is shown stands in system_rows.py. PG manual, chapters 53 (catalogs), 54 (views) and 37
(information schema).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from masking.settings_list import SHOWABLE
from masking.strip import quoted, strip_literals, strip_source


@dataclass(frozen=True, slots=True)
class SystemRelation:
    """One relation of pg_catalog or information_schema that may be read.

    `struck`: column -> SQL expression over the relation's own columns (bare names) that takes its place,
    always. `definitions`: the same, while definitions are shown without literals. A column that this server
    version does not have is to be ignored. `condition`: SQL condition on the rows, if not all may be seen.
    """

    struck: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)
    condition: str | None = None

    def expressions(self, definitions: str) -> Mapping[str, str]:
        """Column -> the expression in its place, under this setting of RolePolicy.definitions."""
        return self.struck if definitions == "full" else {**self.definitions, **self.struck}


def _nothing(column: str) -> str:
    """NULL of the column's own type, pseudo-types and domains included."""
    return f"CASE WHEN false THEN {column} END"


def _hidden(*columns: str) -> dict[str, str]:
    return {column: _nothing(column) for column in columns}


def _tree(column: str, relation: str) -> dict[str, str]:
    """A pg_node_tree column becomes its stripped text; its type becomes text (nothing casts to pg_node_tree)."""
    return {column: strip_literals(f"pg_catalog.pg_get_expr({column}, {relation}, true)")}


def _text(*columns: str) -> dict[str, str]:
    return {column: strip_literals(f"({column})::pg_catalog.text") for column in columns}


def _varchar(*columns: str) -> dict[str, str]:
    """information_schema.character_data, whose wire type is varchar."""
    return {column: f"({expression})::pg_catalog.varchar" for column, expression in _text(*columns).items()}


def _source_of(column: str, trusted: str, readable: str) -> str:
    """Source text: whole where it is only a symbol's name, stripped in SQL and PL/pgSQL, else hidden."""
    return (
        f"CASE WHEN {trusted} THEN ({column})::pg_catalog.text "
        f"WHEN {readable} THEN {strip_source(f'({column})::pg_catalog.text')} "
        f"WHEN {column} IS NOT NULL THEN '***' END"
    )


def _prolang_is(first: str, second: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_language AS l WHERE l.oid OPERATOR(pg_catalog.=) prolang AND "
        f"(l.lanname OPERATOR(pg_catalog.=) '{first}' OR l.lanname OPERATOR(pg_catalog.=) '{second}'))"
    )


def _external_language_is(first: str, second: str) -> str:
    language = "(external_language)::pg_catalog.text OPERATOR(pg_catalog.=)"
    return f"{language} '{first}' OR {language} '{second}'"


_SHOWN_SETTINGS = ", ".join(quoted(name) for name in sorted(SHOWABLE))
#: `= ANY (ARRAY[…])` with a qualified operator does not survive libpg_query's printer.
_SHOWN = f"pg_catalog.array_position(ARRAY[{_SHOWN_SETTINGS}]::pg_catalog.text[], pg_catalog.lower(name)) IS NOT NULL"


def _setting(column: str) -> dict[str, str]:
    return {column: f"CASE WHEN {_SHOWN} THEN {column} END"}


_PLAIN = SystemRelation()
#: What is told of sessions is told of one's own.
_OWN = "pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()"

_UNCHANGED_CATALOGS = """
    pg_aggregate pg_am pg_amop pg_amproc pg_auth_members pg_available_extension_versions pg_available_extensions
    pg_cast pg_collation pg_conversion pg_database pg_default_acl pg_depend pg_description pg_enum
    pg_event_trigger pg_extension pg_group pg_inherits pg_init_privs pg_language pg_namespace pg_opclass
    pg_operator pg_opfamily pg_parameter_acl pg_publication pg_publication_namespace pg_range
    pg_replication_slots pg_seclabel pg_seclabels pg_sequence pg_shdepend pg_shdescription pg_shseclabel
    pg_stat_all_indexes pg_stat_all_tables pg_stat_database pg_stat_sys_indexes pg_stat_sys_tables
    pg_stat_user_functions pg_stat_user_indexes pg_stat_user_tables pg_statio_all_indexes
    pg_statio_all_sequences pg_statio_all_tables pg_statio_sys_indexes pg_statio_sys_sequences
    pg_statio_sys_tables pg_statio_user_indexes pg_statio_user_sequences pg_statio_user_tables
    pg_subscription_rel pg_tables pg_tablespace pg_timezone_abbrevs pg_timezone_names pg_transform pg_ts_config
    pg_ts_config_map pg_ts_dict pg_ts_parser pg_ts_template
"""

_CATALOGS: Mapping[str, SystemRelation] = {
    **dict.fromkeys(
        _UNCHANGED_CATALOGS.split(),
        _PLAIN,
    ),
    "pg_attrdef": SystemRelation(definitions=_tree("adbin", "adrelid")),
    "pg_attribute": SystemRelation(struck=_hidden("attmissingval")),
    "pg_class": SystemRelation(definitions=_tree("relpartbound", "oid")),
    "pg_constraint": SystemRelation(definitions=_tree("conbin", "conrelid")),
    # Of the session itself; the text is the rewritten one, which nobody asked for.
    "pg_cursors": SystemRelation(struck=_hidden("statement")),
    "pg_prepared_statements": SystemRelation(struck=_hidden("statement")),
    # Two-phase commit is not passed on, and that of others is not told.
    "pg_prepared_xacts": SystemRelation(condition="false"),
    "pg_stat_activity": SystemRelation(struck=_hidden("query"), condition=_OWN),
    "pg_stat_gssapi": SystemRelation(condition=_OWN),
    "pg_stat_ssl": SystemRelation(condition=_OWN),
    "pg_db_role_setting": SystemRelation(struck=_hidden("setconfig")),
    "pg_foreign_data_wrapper": SystemRelation(struck=_hidden("fdwoptions")),
    "pg_foreign_server": SystemRelation(struck=_hidden("srvoptions")),
    "pg_foreign_table": SystemRelation(struck=_hidden("ftoptions")),
    "pg_index": SystemRelation(definitions=_tree("indexprs", "indrelid") | _tree("indpred", "indrelid")),
    "pg_indexes": SystemRelation(definitions=_text("indexdef")),
    "pg_largeobject_metadata": SystemRelation(condition="false"),
    "pg_locks": SystemRelation(condition=_OWN),
    "pg_matviews": SystemRelation(definitions=_text("definition")),
    "pg_partitioned_table": SystemRelation(definitions=_tree("partexprs", "partrelid")),
    "pg_policies": SystemRelation(definitions=_text("qual", "with_check")),
    "pg_policy": SystemRelation(definitions=_tree("polqual", "polrelid") | _tree("polwithcheck", "polrelid")),
    "pg_proc": SystemRelation(
        struck=_hidden("proconfig"),
        definitions={
            "prosrc": _source_of("prosrc", _prolang_is("internal", "c"), _prolang_is("sql", "plpgsql")),
            "prosqlbody": strip_literals("pg_catalog.pg_get_function_sqlbody(oid)"),
        }
        | _tree("proargdefaults", "0"),
    ),
    "pg_publication_rel": SystemRelation(definitions=_tree("prqual", "prrelid")),
    "pg_publication_tables": SystemRelation(definitions=_text("rowfilter")),
    # ev_qual may name two relations (OLD and NEW), which pg_get_expr cannot print; ev_action has it all.
    "pg_rewrite": SystemRelation(
        definitions={
            "ev_qual": _nothing("ev_qual"),
            "ev_action": strip_literals("pg_catalog.pg_get_ruledef(oid)"),
        }
    ),
    "pg_roles": SystemRelation(struck=_hidden("rolpassword", "rolconfig")),
    "pg_rules": SystemRelation(definitions=_text("definition")),
    "pg_sequences": SystemRelation(struck=_hidden("last_value")),
    "pg_settings": SystemRelation(
        struck=_setting("setting") | _setting("reset_val") | _setting("boot_val") | _hidden("sourcefile", "sourceline")
    ),
    "pg_statistic_ext": SystemRelation(definitions=_tree("stxexprs", "stxrelid")),
    # Only superusers may name the column at all.
    "pg_subscription": SystemRelation(struck={"subconninfo": "NULL::pg_catalog.text"}),
    "pg_trigger": SystemRelation(
        struck={"tgargs": "CASE WHEN tgnargs OPERATOR(pg_catalog.=) 0 THEN tgargs END"},
        # tgqual names OLD and NEW; pg_get_triggerdef prints it.
        definitions={"tgqual": _nothing("tgqual")},
    ),
    "pg_type": SystemRelation(definitions=_tree("typdefaultbin", "0") | _text("typdefault")),
    "pg_user": SystemRelation(struck=_hidden("passwd", "useconfig")),
    # Who may log in elsewhere, and how, is nobody's business: there are none.
    "pg_user_mappings": SystemRelation(condition="false"),
    "pg_views": SystemRelation(definitions=_text("definition")),
}

_UNCHANGED_INFORMATION_SCHEMA = """
    administrable_role_authorizations applicable_roles character_sets check_constraint_routine_usage
    collation_character_set_applicability collations column_column_usage column_domain_usage column_privileges
    column_udt_usage constraint_column_usage constraint_table_usage data_type_privileges domain_constraints
    domain_udt_usage element_types enabled_roles foreign_data_wrappers foreign_servers foreign_tables
    information_schema_catalog_name key_column_usage referential_constraints role_column_grants
    role_routine_grants role_table_grants role_udt_grants role_usage_grants routine_column_usage
    routine_privileges routine_routine_usage routine_sequence_usage routine_table_usage schemata sequences
    sql_features sql_implementation_info sql_parts sql_sizing table_constraints table_privileges tables
    transforms triggered_update_columns udt_privileges usage_privileges user_defined_types view_column_usage
    view_routine_usage view_table_usage
"""

_INFORMATION_SCHEMA: Mapping[str, SystemRelation] = {
    **dict.fromkeys(
        _UNCHANGED_INFORMATION_SCHEMA.split(),
        _PLAIN,
    ),
    "attributes": SystemRelation(definitions=_varchar("attribute_default")),
    "check_constraints": SystemRelation(definitions=_varchar("check_clause")),
    "columns": SystemRelation(definitions=_varchar("column_default", "generation_expression")),
    "domains": SystemRelation(definitions=_varchar("domain_default")),
    "parameters": SystemRelation(definitions=_varchar("parameter_default")),
    "routines": SystemRelation(
        definitions={
            "routine_definition": "("
            + _source_of(
                "routine_definition",
                _external_language_is("INTERNAL", "C"),
                _external_language_is("SQL", "PLPGSQL"),
            )
            + ")::pg_catalog.varchar"
        }
    ),
    "triggers": SystemRelation(definitions=_varchar("action_condition", "action_statement")),
    "views": SystemRelation(definitions=_varchar("view_definition")),
}

#: "schema.name" -> what may be seen of it. What is not here may not be read.
SYSTEM_RELATIONS: Mapping[str, SystemRelation] = {
    **{f"pg_catalog.{name}": relation for name, relation in _CATALOGS.items()},
    **{f"information_schema.{name}": relation for name, relation in _INFORMATION_SCHEMA.items()},
}
