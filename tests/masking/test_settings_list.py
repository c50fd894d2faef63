"""Settings: what drivers and tools send passes, what would move a pin does not."""

from __future__ import annotations

import pytest

from masking.settings_list import OptionsError, clamped, may_set, may_show, may_start_with, parse_options, untied

SENT_BY_TOOLS = (
    ("application_name", "psql"),
    ("client_encoding", "UTF8"),
    ("client_encoding", "'utf-8'"),
    ("client_encoding", "Unicode"),
    ("DateStyle", "ISO, MDY"),
    ("TimeZone", "Europe/Berlin"),
    ("extra_float_digits", "3"),
    ("IntervalStyle", "iso_8601"),
    ("bytea_output", "hex"),
    ("client_min_messages", "warning"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "0"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_read_only", "on"),
    ("jit", "off"),
    ("enable_seqscan", "off"),
    ("row_security", "off"),
    ("work_mem", "64MB"),
    ("work_mem", "4096"),
    ("random_page_cost", "1.1"),
    ("effective_cache_size", "4GB"),
    ("jit_above_cost", "-1"),
    ("max_parallel_workers_per_gather", "0"),
    ("join_collapse_limit", "1"),
    ("synchronous_commit", "off"),
    ("default_tablespace", ""),
    ("idle_session_timeout", "0"),
    ("restrict_nonsystem_relation_kind", "view, foreign-table"),
)

NEVER_SET = (
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "on"),
    ("escape_string_warning", "off"),
    ("client_encoding", "SQL_ASCII"),
    ("client_encoding", "SJIS"),
    ("client_encoding", "utf16"),
    ("search_path", "hidden"),
    ("role", "postgres"),
    ("session_authorization", "postgres"),
    ("session_replication_role", "replica"),
    ("default_transaction_read_only", "off"),
    ("transaction_read_only", "off"),
    ("work_mem", "10GB"),
    ("work_mem", "257MB"),
    ("maintenance_work_mem", "1TB"),
    ("temp_buffers", "999999999"),
    ("join_collapse_limit", "100"),
    ("max_parallel_workers_per_gather", "1000"),
    ("temp_file_limit", "-1"),
    ("log_statement", "none"),
    ("debug_print_plan", "on"),
    ("client_min_messages", "debug5"),
    ("pgcurfew.mask_key", "known"),
    ("anything.custom", "x"),
    ("local_preload_libraries", "x"),
    ("dynamic_library_path", "/tmp"),
    ("default_tablespace", "x"),
    ("temp_tablespaces", "x"),
    ("check_function_bodies", "off"),
    ("array_nulls", "off"),
    ("transform_null_equals", "on"),
    ("statement_timeout", "-1"),
    ("extra_float_digits", "99"),
    ("application_name", "a\nb"),
)


@pytest.mark.parametrize(("name", "value"), SENT_BY_TOOLS)
def test_what_tools_send_may_be_set(name: str, value: str) -> None:
    assert may_set(name, (value,))
    assert may_set(name, None)


#: In the startup packet they are judged by the role, or by the target's catalog.
REPLACED_AT_THE_START = {("default_transaction_read_only", "off"), ("search_path", "hidden")}


@pytest.mark.parametrize(("name", "value"), NEVER_SET)
def test_what_would_move_a_pin_may_not(name: str, value: str) -> None:
    assert not may_set(name, (value,))
    assert may_start_with(name, value) == ((name, value) in REPLACED_AT_THE_START)


@pytest.mark.parametrize("name", ["transaction_read_only", "Default_Transaction_Read_Only"])
def test_a_wish_to_write_becomes_what_the_role_has(name: str) -> None:
    for value in ("off", "FALSE", "no", "0", " of "):
        assert untied(name, value, read_only=True) == "on"
        assert untied(name, value, read_only=False) == "off"
    for value in ("on", "o", "", "off,on", "default"):
        assert untied(name, value, read_only=True) is None
    assert untied("jit", "off", read_only=True) is None


def test_the_mask_key_can_be_neither_set_nor_shown() -> None:
    for name in ("pgcurfew.mask_key", "PGCURFEW.MASK_KEY", "Pgcurfew.Mask_Key"):
        assert not may_set(name, None)
        assert not may_show(name)


def test_options_are_split_as_the_backend_splits_them() -> None:
    assert parse_options("-c statement_timeout=5min --TimeZone=UTC -cjit=off") == (
        ("statement_timeout", "5min"),
        ("timezone", "UTC"),
        ("jit", "off"),
    )
    assert parse_options(r"-c application_name=two\ words") == (("application_name", "two words"),)
    assert parse_options("--extra-float-digits=3") == (("extra_float_digits", "3"),)
    assert parse_options("") == ()
    assert parse_options("--search-path=x") == (("search_path", "x"),)
    assert parse_options("-c default_transaction_read_only=off") == (("default_transaction_read_only", "off"),)


@pytest.mark.parametrize(
    "text",
    [
        "--role=postgres",
        "-c transaction_read_only=off",
        "-c",
        "-W",
        "-O",
        "x",
        "-c jit",
        "--",
    ],
)
def test_other_options_are_refused(text: str) -> None:
    with pytest.raises(OptionsError):
        parse_options(text)


def test_the_startup_packet_of_drivers_passes_and_replication_does_not() -> None:
    for name, value in (
        ("client_encoding", "'utf-8'"),
        ("DateStyle", "ISO"),
        ("TimeZone", "UTC"),
        ("replication", "false"),
    ):
        assert may_start_with(name, value)
    assert not may_start_with("replication", "database")
    assert not may_start_with("_pq_.x", "1")


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("5000", True), ("5s", True), ("10s", True), ("10001", False), ("1min", False), ("0", False), ("500us", True)],
)
def test_a_timeout_of_the_operators_may_be_lowered_and_never_lifted(value: str, allowed: bool) -> None:
    ceilings = {"statement_timeout": 10_000}
    assert may_set("statement_timeout", (value,), ceilings) is allowed
    assert may_set("Statement_Timeout", (value,), ceilings) is allowed
    assert may_set("lock_timeout", (value,), ceilings)
    assert may_set("statement_timeout", None, ceilings), "back to what was pinned"


def test_a_wish_beyond_the_limit_becomes_the_limit() -> None:
    ceilings = {"statement_timeout": 10_000}
    assert clamped("statement_timeout", "0", ceilings) == "10000ms"
    assert clamped("STATEMENT_TIMEOUT", "1h", ceilings) == "10000ms"
    assert clamped("statement_timeout", "5s", ceilings) is None
    assert clamped("statement_timeout", "soon", ceilings) is None
    assert clamped("lock_timeout", "0", ceilings) is None
