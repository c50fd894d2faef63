"""The allow-list of functions against servers as they are, and against what must never be on it."""

from __future__ import annotations

import psycopg
import pytest

from masking.functions import (
    DEFINITIONS,
    SAFE,
    SAFE_INFORMATION_SCHEMA,
    SEQUENCE_FUNCTIONS,
    SETTING_FUNCTIONS,
    is_definition,
    is_safe,
)
from tests.support.postgres import Postgres

#: New in PostgreSQL 18, which the tests do not run.
SINCE_18_NAMES = "array_reverse array_sort bytea casefold crc32 crc32c gamma lgamma pg_get_acl "
SINCE_18_NAMES += "pg_get_sequence_data uuidv4 uuidv7"
SINCE_18 = set(SINCE_18_NAMES.split())

NEVER_NAMES = """
    query_to_xml query_to_xmlschema query_to_xml_and_xmlschema table_to_xml table_to_xmlschema
    table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema database_to_xml
    database_to_xmlschema database_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat
    lo_get lo_put lo_open lo_close lo_creat lo_create lo_export lo_import lo_unlink lo_from_bytea lo_truncate
    lo_truncate64 lo_lseek lo_lseek64 lo_tell lo_tell64 loread lowrite
    pg_read_file pg_read_binary_file pg_read_file_old pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir
    pg_ls_archive_statusdir pg_ls_replslotdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_stat_file
    pg_current_logfile pg_rotate_logfile pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings
    pg_show_all_settings pg_config pg_control_system pg_control_checkpoint pg_control_init pg_control_recovery
    pg_terminate_backend pg_cancel_backend pg_reload_conf pg_promote pg_switch_wal pg_create_restore_point
    pg_backup_start pg_backup_stop pg_export_snapshot pg_log_backend_memory_contexts pg_get_backend_memory_contexts
    pg_logical_emit_message pg_logical_slot_get_changes pg_logical_slot_peek_changes
    pg_logical_slot_get_binary_changes pg_logical_slot_peek_binary_changes pg_create_logical_replication_slot
    pg_create_physical_replication_slot pg_drop_replication_slot pg_replication_origin_create
    pg_stat_get_activity pg_stat_get_backend_activity pg_stat_get_backend_idset pg_stat_get_wal_senders
    pg_stat_get_wal_receiver pg_stat_reset pg_mcv_list_items pg_cursor pg_prepared_statement pg_prepared_xact
    pg_lock_status pg_blocking_pids pg_filenode_relation pg_relation_filenode pg_relation_filepath
    pg_notify pg_notification_queue_usage pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock
    pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
    pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_advisory_unlock_shared
    nextval currval setval lastval pg_sequence_last_value set_config current_setting current_query
    txid_status txid_current_snapshot pg_xact_status
    pg_current_snapshot pg_xact_commit_timestamp pg_last_committed_xact pg_get_multixact_members
    currtid2 satisfies_hash_partition pg_import_system_collations pg_extension_config_dump pg_nextoid
    pg_stop_making_pinned_objects binary_upgrade_set_missing_value brin_summarize_new_values gin_clean_pending_list
    plpgsql_call_handler fmgr_sql_validator plpgsql_validator RI_FKey_check_ins suppress_redundant_updates_trigger
    unique_key_recheck tsvector_update_trigger int4in textin textout textrecv textsend array_in array_out record_in
    record_out record_recv domain_in domain_recv regclassin regclassout byteain enum_in enum_recv cstring_in
    eqsel likesel neqjoinsel array_typanalyze ts_typanalyze range_typanalyze bthandler hashhandler gisthandler
    heap_tableam_handler btint4cmp int4_accum int8_avg array_agg_transfn string_agg_finalfn internal_in
    pg_input_is_valid pg_input_error_info getpgusername dblink dblink_exec crosstab connectby xpath_table
    pg_get_expr pg_get_viewdef pg_get_functiondef pg_get_constraintdef pg_get_indexdef pg_get_triggerdef
    pg_get_ruledef pg_get_partkeydef pg_get_statisticsobjdef pg_get_function_arguments pg_get_function_sqlbody
    aclinsert aclremove pg_get_publication_tables pg_get_replication_slots pg_wal_replay_pause
"""
NEVER = NEVER_NAMES.split()

#: Names that the grammar or libpg_query's printer gives to SQL syntax.
SYNTAX = (
    ("extract", 2),
    ("overlay", 3),
    ("overlay", 4),
    ("position", 2),
    ("substring", 2),
    ("substring", 3),
    ("btrim", 1),
    ("ltrim", 2),
    ("rtrim", 2),
    ("timezone", 2),
    ("xmlexists", 2),
    ("normalize", 2),
    ("is_normalized", 1),
    ("pg_collation_for", 1),
    ("similar_to_escape", 1),
    ("like_escape", 2),
    ("overlaps", 4),
    ("count", 0),
    ("percentile_cont", 2),
    ("percentile_cont", 1),
    ("mode", 1),
    ("concat", 9),
)


@pytest.fixture(scope="module", params=["postgres", "postgres_of_the_distribution"])
def server(request: pytest.FixtureRequest) -> Postgres:
    found: Postgres = request.getfixturevalue(request.param)
    return found


def procedures(server: Postgres) -> dict[str, list[tuple[int, int | None]]]:
    """pg_catalog name -> (fewest, most) arguments of each function of that name."""
    found: dict[str, list[tuple[int, int | None]]] = {}
    with psycopg.connect(server.dsn()) as connection:
        rows = connection.execute(
            "SELECT proname, pronargs - pronargdefaults, CASE WHEN provariadic = 0 THEN pronargs END FROM pg_proc "
            "WHERE pronamespace = 'pg_catalog'::regnamespace AND NOT prorettype = ANY "
            "('{internal, cstring, trigger, event_trigger, index_am_handler, table_am_handler}'::regtype[])"
        ).fetchall()
    for name, least, most in rows:
        found.setdefault(name, []).append((least, most))
    return found


def test_every_listed_function_exists_with_that_many_arguments(
    postgres: Postgres, postgres_of_the_distribution: Postgres
) -> None:
    known = procedures(postgres)
    for name, counts in procedures(postgres_of_the_distribution).items():
        known.setdefault(name, []).extend(counts)
    missing = {name for name in (*SAFE, *DEFINITIONS, *SEQUENCE_FUNCTIONS, *SETTING_FUNCTIONS) if name not in known}
    assert missing <= SINCE_18
    for name, counts in SAFE.items():
        for count in counts.exact:
            # Ordered-set aggregates may be counted with their direct arguments only.
            fits = any(least <= count and (most is None or count <= most) for least, most in known.get(name, ()))
            assert (
                fits
                or name in SINCE_18
                or name
                in {"percentile_cont", "percentile_disc", "mode"}
                | {
                    "json_strip_nulls",
                    "jsonb_strip_nulls",
                }
            ), (name, count)


@pytest.mark.parametrize("name", NEVER)
def test_what_can_do_harm_is_on_no_list(name: str) -> None:
    assert not any(is_safe(name, arguments) for arguments in range(10))


def test_ts_rewrite_is_safe_only_where_it_runs_no_text() -> None:
    assert is_safe("ts_rewrite", 3)
    assert not is_safe("ts_rewrite", 2)


def test_an_unknown_name_or_schema_is_refused() -> None:
    assert not is_safe("no_such_function", 1)
    assert not is_safe("abs", 1, "public")
    assert not is_safe("abs", 2)


@pytest.mark.parametrize(("name", "arguments"), SYNTAX)
def test_sql_syntax_that_prints_as_a_function_is_safe(name: str, arguments: int) -> None:
    assert is_safe(name, arguments)


def test_definitions_are_known_with_their_counts() -> None:
    assert is_definition("pg_get_viewdef", 1)
    assert is_definition("pg_get_expr", 3)
    assert not is_definition("pg_get_expr", 1)


def test_the_information_schema_computes_what_drivers_ask(server: Postgres) -> None:
    with psycopg.connect(server.dsn()) as connection:
        rows = connection.execute(
            "SELECT proname, pronargs FROM pg_proc WHERE pronamespace = 'information_schema'::regnamespace"
        ).fetchall()
    inputs = dict(rows)
    for name, counts in SAFE_INFORMATION_SCHEMA.items():
        assert counts.exact == {inputs[name]}, name


def test_no_safe_function_takes_or_gives_internals(server: Postgres) -> None:
    with psycopg.connect(server.dsn()) as connection:
        rows = connection.execute(
            "SELECT proname, pronargs FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND "
            "(prorettype::regtype::text ~ '(internal|cstring|trigger|handler)$' "
            "OR 'internal'::regtype = ANY (proargtypes::oid[]) OR 'cstring'::regtype = ANY (proargtypes::oid[]))"
        ).fetchall()
        overloaded = {
            name
            for (name,) in connection.execute(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND NOT "
                "('internal'::regtype = ANY (proargtypes::oid[]) OR 'cstring'::regtype = ANY (proargtypes::oid[]) "
                "OR prorettype::regtype::text ~ '(internal|cstring|trigger|handler)$')"
            ).fetchall()
        }
    assert not [name for name, count in rows if is_safe(name, count) and name not in overloaded]


def test_operators_of_the_server_all_work_but_two(server: Postgres) -> None:
    with psycopg.connect(server.dsn()) as connection:
        rows = connection.execute(
            "SELECT DISTINCT p.proname, p.pronargs FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode "
            "WHERE o.oprnamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
    assert {name for name, count in rows if not is_safe(name, count)} == {"aclinsert", "aclremove"}
