"""Which settings a session may change, read back, or bring along at startup.

Never listed: what changes lexing (standard_conforming_strings, backslash_quote), names
(search_path, which search_path.py looks after), identity (role, session_authorization), limits
(temp_file_limit; memory up to a ceiling only), read-only mode, session_replication_role, or any custom
setting, one of which holds the mask key. PG manual, chapter 20.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

#: Answers whether a value, as PostgreSQL would read it, is acceptable.
Check = Callable[[str], bool]


def anything(value: str) -> bool:
    """Any value that has no control characters."""
    return len(value) <= 256 and value.isprintable()


def utf8(value: str) -> bool:
    """client_encoding: UTF-8 however it is spelled ("UTF8", "utf-8", "Unicode", "'utf8'")."""
    return re.sub(r"[^a-z0-9]", "", value.lower()) in {"utf8", "unicode"}


def on_only(value: str) -> bool:
    """A setting that tools set to the value it is pinned to."""
    return value.strip().lower() in {"on", "true", "yes", "1", "t", "tru", "y", "ye"}


def off_only(value: str) -> bool:
    """A switch that drivers turn off because it could bite them, pinned or harmless."""
    return value.strip().lower() in {"off", "false", "no", "0", "of", "f", "n", "fa", "fal", "fals"}


def boolean(value: str) -> bool:
    return on_only(value) or off_only(value)


def small_integer(value: str) -> bool:
    """An integer between -15 and 3, as extra_float_digits takes."""
    return re.fullmatch(r"\s*[+-]?\d{1,2}\s*", value) is not None and -15 <= int(value) <= 3


_UNITS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"\s*(\d{1,9})\s*(us|ms|s|min|h|d)?\s*")
NO_CEILINGS: Mapping[str, int] = {}


def milliseconds(value: str) -> bool:
    """A duration as the timeouts take it: a number with an optional unit."""
    return _DURATION.fullmatch(value) is not None


_KILOBYTES = {"": 1, "B": 1 / 1024, "kB": 1, "MB": 1024, "GB": 1024 * 1024}
_AMOUNT = re.compile(r"\s*(\d{1,9})\s*(B|kB|MB|GB)?\s*")
#: What one sort or hash table of a session may take; several may run at once, so it is no more than a report needs.
MOST_WORK_MEMORY_KB = 256 * 1024


def work_memory(value: str) -> bool:
    """An amount of memory up to the ceiling, in kB when it has no unit."""
    found = _AMOUNT.fullmatch(value)
    return found is not None and int(found[1]) * _KILOBYTES[found[2] or ""] <= MOST_WORK_MEMORY_KB


def cost(value: str) -> bool:
    """A planner's estimate: any plain number, or an amount with a unit."""
    return re.fullmatch(r"\s*-?\d{0,9}(\.\d{0,9})?(e[+-]?\d)?\s*(B|kB|MB|GB|TB)?\s*", value) is not None


def _up_to(most: int) -> Check:
    """A whole number that is not above this one."""
    return lambda value: re.fullmatch(r"\s*\d{1,6}\s*", value) is not None and int(value) <= most


def nonsystem_kinds(value: str) -> bool:
    """Names of kinds, in any order."""
    return {part.strip().lower() for part in value.split(",")} <= {"", "view", "foreign-table"}


def _one_of(*allowed: str) -> Check:
    return lambda value: value.strip().lower() in allowed


#: Setting -> check of its value. SET, RESET and set_config(); names are compared in lower case.
#: Timeouts that the operator has set may only be lowered (`may_set`, ceilings).
SETTABLE: Mapping[str, Check] = {
    "application_name": anything,
    "client_encoding": utf8,
    # Not "log": what the server logs would come along, auto_explain's plans among it.
    "client_min_messages": _one_of("notice", "warning", "error", "info"),
    "datestyle": anything,
    "intervalstyle": _one_of("postgres", "postgres_verbose", "sql_standard", "iso_8601"),
    "timezone": anything,
    "extra_float_digits": small_integer,
    "bytea_output": _one_of("hex", "escape"),
    "xmloption": _one_of("content", "document"),
    "xmlbinary": _one_of("base64", "hex"),
    "lc_numeric": anything,
    "lc_monetary": anything,
    "lc_time": anything,
    "default_text_search_config": anything,
    # Planner switches: they change speed, never results.
    **dict.fromkeys(
        (
            "geqo",
            "jit",
            "enable_bitmapscan",
            "enable_hashagg",
            "enable_hashjoin",
            "enable_indexonlyscan",
            "enable_indexscan",
            "enable_material",
            "enable_memoize",
            "enable_mergejoin",
            "enable_nestloop",
            "enable_parallel_append",
            "enable_parallel_hash",
            "enable_seqscan",
            "enable_sort",
            "enable_tidscan",
            "enable_partition_pruning",
            "enable_partitionwise_join",
            "enable_partitionwise_aggregate",
            "enable_incremental_sort",
            "enable_gathermerge",
        ),
        boolean,
    ),
    # What the planner believes things to cost.
    **dict.fromkeys(
        (
            "random_page_cost",
            "seq_page_cost",
            "cpu_tuple_cost",
            "cpu_index_tuple_cost",
            "cpu_operator_cost",
            "parallel_setup_cost",
            "parallel_tuple_cost",
            "min_parallel_table_scan_size",
            "min_parallel_index_scan_size",
            "effective_cache_size",
            "effective_io_concurrency",
            "jit_above_cost",
            "jit_inline_above_cost",
            "jit_optimize_above_cost",
            "cursor_tuple_fraction",
        ),
        cost,
    ),
    # How hard it tries: beyond these, planning alone can take minutes.
    "from_collapse_limit": _up_to(12),
    "join_collapse_limit": _up_to(12),
    "geqo_threshold": _up_to(12),
    # The server's own max_parallel_workers bounds all sessions together.
    "max_parallel_workers_per_gather": _up_to(8),
    "work_mem": work_memory,
    "maintenance_work_mem": work_memory,
    "temp_buffers": work_memory,
    # Of the session's own commits. Restored dumps set the rest to what it is anyway.
    "synchronous_commit": _one_of("on", "off", "local", "remote_write", "remote_apply", "true", "false"),
    "default_tablespace": _one_of(""),
    "default_table_access_method": _one_of("heap"),
    "plan_cache_mode": _one_of("auto", "force_generic_plan", "force_custom_plan"),
    "constraint_exclusion": _one_of("on", "off", "partition"),
    # Only to the value that is pinned, because drivers and dump tools send them.
    "standard_conforming_strings": on_only,
    "synchronize_seqscans": boolean,
    # Takes away what a query may read through; pg_dump sets it.
    "restrict_nonsystem_relation_kind": nonsystem_kinds,
    # Row security is never off for the gateway's login: off makes a query fail where it would be filtered.
    "row_security": boolean,
    # psql and pg_dump ask for it; errors would tell no more than they do anyway.
    "quote_all_identifiers": boolean,
    # Lowered only.
    "statement_timeout": milliseconds,
    "lock_timeout": milliseconds,
    "transaction_timeout": milliseconds,
    "idle_in_transaction_session_timeout": milliseconds,
    "idle_session_timeout": milliseconds,
    # A transaction's own nature, not its permissions.
    "default_transaction_isolation": _one_of("read uncommitted", "read committed", "repeatable read", "serializable"),
    "transaction_isolation": _one_of("read uncommitted", "read committed", "repeatable read", "serializable"),
    "default_transaction_deferrable": boolean,
    "transaction_deferrable": boolean,
    # A writer may tie its own hands; who may untie them again, `untied` says.
    "default_transaction_read_only": on_only,
    "transaction_read_only": on_only,
}

#: Settings that SHOW and current_setting() may tell, and whose values pg_settings shows.
SHOWABLE: frozenset[str] = frozenset(SETTABLE) | {
    "block_size",
    "default_toast_compression",
    "default_with_oids",
    "in_hot_standby",
    "integer_datetimes",
    "is_superuser",
    "lc_collate",
    "lc_ctype",
    "lc_messages",
    "max_connections",
    "max_identifier_length",
    "max_index_keys",
    "password_encryption",
    "search_path",
    "server_encoding",
    "server_version",
    "server_version_num",
    "session_authorization",
    "ssl",
    "wal_level",
    "shared_buffers",
    "autovacuum",
    "track_counts",
    "max_prepared_transactions",
    "max_worker_processes",
    "default_statistics_target",
    "backslash_quote",
    "escape_string_warning",
    "array_nulls",
    "transform_null_equals",
    "check_function_bodies",
    "segment_size",
    "session_replication_role",
    "role",
    "log_statement",
    "scram_iterations",
}

#: Parameters a StartupMessage may carry beside user, database and options; as drivers send them.
#: A value in `options` is checked by SETTABLE. `replication` is never among them.
STARTUP: Mapping[str, Check] = {
    name: SETTABLE[name]
    for name in (
        "application_name",
        "client_encoding",
        "client_min_messages",
        "datestyle",
        "intervalstyle",
        "timezone",
        "extra_float_digits",
        "bytea_output",
        "geqo",
        "jit",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "default_transaction_isolation",
        "standard_conforming_strings",
        "plan_cache_mode",
    )
} | {
    # libpq's and JDBC's own, meant for poolers: empty or off.
    "fallback_application_name": anything,
    "replication": off_only,
    # "off" is what it is anyway, or what a pin of the gateway's takes the place of.
    "default_transaction_read_only": boolean,
    # Judged when the target's catalog is known (search_path.py).
    "search_path": anything,
}
_ONLY_AT_THE_START = frozenset({"default_transaction_read_only", "search_path"})


#: Of the running transaction: before PostgreSQL 16 a RESET makes a read-only one writable, whatever was pinned.
_NEVER_RESET = frozenset({"transaction_read_only"})


def may_set(name: str, value: Sequence[str] | None, ceilings: Mapping[str, int] = NO_CEILINGS) -> bool:
    """May a session SET this setting to these values? None is DEFAULT or RESET, which brings back what
    the startup packet pinned. `ceilings` (setting -> milliseconds) may be lowered, never lifted."""
    check = SETTABLE.get(name.lower())
    if check is None:
        return False
    if value is None:
        return name.lower() not in _NEVER_RESET
    text = ", ".join(value)
    ceiling = ceilings.get(name.lower())
    return check(text) and (ceiling is None or 0 < _in_milliseconds(text) <= ceiling)


def clamped(name: str, value: str, ceilings: Mapping[str, int]) -> str | None:
    """What a wish beyond the operator's limit becomes: the limit. None for any other wish; dump tools switch
    timeouts off, and would not go on if that failed."""
    ceiling = ceilings.get(name.lower())
    if ceiling is None or not milliseconds(value) or may_set(name, (value,), ceilings):
        return None
    return f"{ceiling}ms"


#: Whether transactions may write, and whether the running one may.
_READ_ONLY = frozenset({"default_transaction_read_only", "transaction_read_only"})


def untied(name: str, value: str, *, read_only: bool) -> str | None:
    """What the wish for transactions that may write becomes: "off", or "on" for a role that only reads, which is
    what its sessions are pinned to. None for any other wish. Drivers say it without meaning to write."""
    if name.lower() not in _READ_ONLY or not off_only(value):
        return None
    return "on" if read_only else "off"


def _in_milliseconds(text: str) -> float:
    """A duration as `milliseconds` accepts it (PG manual 20.1.1); 0 switches a timeout off."""
    found = _DURATION.fullmatch(text)
    return int(found[1]) * _UNITS[found[2] or "ms"] if found else 0


def may_show(name: str) -> bool:
    """May a session read this setting back?"""
    return name.lower() in SHOWABLE


def may_start_with(name: str, value: str) -> bool:
    """May a StartupMessage carry this parameter (PG manual 55.7)?"""
    check = STARTUP.get(name.lower())
    return check is not None and check(value)


class OptionsError(ValueError):
    """What `options` of a StartupMessage asked for is not on the list; the message names the setting, not the value."""


def parse_options(text: str) -> tuple[tuple[str, str], ...]:
    """`-c name=value`, `-cname=value` and `--name=value`, with backslash escapes, as the backend splits them.

    Returns (lower-case name, value) pairs, all of them allowed. Raises OptionsError at the first that is not.
    """
    words = _words(text)
    settings: list[tuple[str, str]] = []
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word == "-c":
            if position == len(words):
                raise OptionsError("option -c needs a value")
            word = words[position]
            position += 1
        elif word.startswith("-c") or (word.startswith("--") and len(word) > 2):
            word = word[2:]
        else:
            raise OptionsError("only -c name=value is accepted in options")
        name, equals, value = word.partition("=")
        name = name.replace("-", "_").lower()
        if not equals or not (may_set(name, (value,)) or (name in _ONLY_AT_THE_START and may_start_with(name, value))):
            raise OptionsError(f'setting "{name[:63]}" may not be set to this value')
        settings.append((name, value))
    return tuple(settings)


def _words(text: str) -> list[str]:
    """pg_split_opts: whitespace separates, a backslash takes the next character as it is."""
    words: list[str] = []
    current: list[str] = []
    inside = False
    characters = iter(text)
    for character in characters:
        if character in " \t\n\r\v\f":
            if inside:
                words.append("".join(current))
                current, inside = [], False
            continue
        inside = True
        current.append(next(characters, "") if character == "\\" else character)
    if inside:
        words.append("".join(current))
    return words
