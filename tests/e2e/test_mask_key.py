"""The key of the pseudonyms is seen by nobody: not by the session it serves, not in what is written about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor

from gateway.session.startup import mask_key
from tests.support.gateway import RunningGateway

#: Everything that PostgreSQL can be asked to write down.
TALKATIVE = (
    "log_statement = 'all'",
    "log_min_duration_statement = 0",
    "log_connections = on",
    "log_duration = on",
    "debug_print_parse = on",
    "debug_print_plan = on",
    "log_min_messages = 'debug2'",
    "log_error_verbosity = 'verbose'",
)
PSEUDONYM = "SELECT id, payer_name FROM sales.payments ORDER BY id LIMIT 5"
QUESTIONS = (
    "SHOW pgcurfew.mask_key",
    'SHOW "pgcurfew.mask_key"',
    "SHOW ALL",
    "SELECT * FROM pg_settings",
    "SELECT * FROM pg_catalog.pg_show_all_settings()",
    "SELECT * FROM pg_file_settings",
    "SELECT * FROM pg_db_role_setting",
    "SELECT current_setting('pgcurfew.mask_key')",
    "SELECT current_setting('PGCURFEW.' || 'mask_key')",
    "SELECT current_setting(name) FROM (VALUES ('pgcurfew.mask_key')) AS v(name)",
    "SELECT ('pgcurfew.mask_key').current_setting",
    "SELECT v.current_setting FROM (VALUES ('pgcurfew.mask_key')) AS v(name)",
    "SELECT set_config('pgcurfew.mask_key', 'known', false)",
    "SET pgcurfew.mask_key = 'known'",
    "SET LOCAL pgcurfew.mask_key TO DEFAULT",
    "RESET pgcurfew.mask_key",
    "ALTER ROLE CURRENT_USER SET pgcurfew.mask_key = 'known'",
    "SELECT name FROM pg_settings WHERE name LIKE 'pgcurfew%'",
    "EXPLAIN SELECT payer_name FROM sales.payments",
    "EXPLAIN (VERBOSE) SELECT payer_name FROM sales.payments WHERE payer_name = 'x'",
    "EXPLAIN (VERBOSE, SETTINGS, COSTS off, FORMAT json) SELECT * FROM sales.payments ORDER BY payer_name",
    "EXPLAIN (ANALYZE, VERBOSE, SETTINGS) SELECT payer_name, count(*) FROM sales.payments GROUP BY 1",
    "SELECT payer_name::int FROM sales.payments",
    "SELECT payer_name::json FROM sales.payments",
    "SELECT 1 / (length(payer_name) - length(payer_name)) FROM sales.payments",
    "SELECT payer_name FROM sales.payments WHERE payer_name ~ '['",
    "SELECT repeat(payer_name, 100000000) FROM sales.payments",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_prepared_statements",
    "SELECT * FROM pg_cursors",
    "SELECT * FROM pg_backend_memory_contexts",
    "SELECT pg_get_viewdef('sales.payments'::regclass)",
)


@pytest.fixture(scope="module")
def talkative(gateway: RunningGateway) -> Iterator[RunningGateway]:
    for setting in TALKATIVE:
        gateway.directly(f"ALTER SYSTEM SET {setting}")
    gateway.directly("SELECT pg_reload_conf()")
    yield gateway
    for setting in TALKATIVE:
        gateway.directly(f"ALTER SYSTEM RESET {setting.split()[0]}")
    gateway.directly("SELECT pg_reload_conf()")


def key_of(gateway: RunningGateway, grant: str) -> str:
    master = (gateway.stage.settings.parent / "keys" / "mask.key").read_bytes()
    return mask_key(master.rstrip(b"\r\n"), grant)


def pseudonyms(gateway: RunningGateway, given: Any) -> list[Any]:
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        return connection.execute(PSEUDONYM).fetchall()


def test_the_key_is_the_one_in_use(gateway: RunningGateway) -> None:
    """Or all other tests here would look for the wrong thing."""
    given = gateway.give()
    seen = pseudonyms(gateway, given)
    digest = "left(encode(sha256(convert_to(concat('{}', ':', ':', payer_name), 'UTF8')), 'hex'), 16)"
    worked_out = gateway.directly(
        f"SELECT 'p_' || {digest.format(key_of(gateway, given.grant))} FROM sales.payments ORDER BY id LIMIT 5"
    )
    assert [row[1] for row in seen] == worked_out.split()


def test_one_grant_has_one_key_and_another_grant_another(gateway: RunningGateway) -> None:
    given = gateway.give()
    assert pseudonyms(gateway, given) == pseudonyms(gateway, given) != pseudonyms(gateway, gateway.give())


def test_no_answer_error_or_notice_shows_the_key(talkative: RunningGateway) -> None:
    given = talkative.give()
    key = key_of(talkative, given.grant)
    told: list[str] = []
    with psycopg.connect(talkative.conninfo(given), password=given.token, autocommit=True) as connection:
        connection.add_notice_handler(lambda diagnosis: told.append(str(diagnosis.message_primary)))
        before = connection.execute(PSEUDONYM).fetchall()
        for sql in QUESTIONS:
            for cursor in (ClientCursor(connection), connection.cursor(binary=True)):
                try:
                    cursor.execute(sql)
                    told.append(str(cursor.fetchall() if cursor.description else ""))
                except psycopg.Error as error:
                    diagnosis = error.diag
                    told += [
                        str(error),
                        str(diagnosis.message_detail),
                        str(diagnosis.context),
                        str(diagnosis.internal_query),
                    ]
        for sql in ("RESET ALL", "DISCARD ALL"):
            connection.execute(sql)
            assert connection.execute(PSEUDONYM).fetchall() == before
        other = talkative.directly("SELECT a FROM pg_stat_activity a WHERE application_name ~ 'pgcurfew'")
        arguments = "".join(
            path.read_bytes().replace(b"\0", b" ").decode(errors="replace") for path in _processes("cmdline")
        )
    assert "alice" in other
    for text in (*told, other, arguments):
        assert key not in text
        assert key[:16] not in text


def _processes(name: str) -> Iterator[Path]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            (folder / name).read_bytes()
        except OSError:
            continue
        yield folder / name


def test_no_log_and_no_record_has_the_key(talkative: RunningGateway) -> None:
    given = talkative.give()
    key = key_of(talkative, given.grant).encode()
    pseudonyms(talkative, given)
    conninfo = talkative.conninfo(given)
    with psycopg.connect(conninfo, password=given.token) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT payer_name::int FROM sales.payments")
    upstream = talkative.database.postgres.cluster.log.read_bytes()
    # It has written down the masked statement, with the name of the setting.
    assert re.search(rb"current_setting\('pgcurfew\.mask_key'", upstream)
    assert key not in upstream
    written = [path for path in talkative.stage.settings.parent.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert key not in path.read_bytes(), path.name
    assert key.decode() not in talkative.log


def test_a_session_with_such_a_setting_does_not_list_it(talkative: RunningGateway) -> None:
    """PostgreSQL keeps settings of the startup packet that it does not know out of every list."""
    dsn = talkative.database.dsn()
    with psycopg.connect(dsn, options="-c pgcurfew.mask_key=a-key-for-a-test", autocommit=True) as connection:
        for sql in ("SHOW ALL", "SELECT * FROM pg_settings", "EXPLAIN (SETTINGS, VERBOSE) SELECT 1"):
            assert "a-key-for-a-test" not in str(connection.execute(sql).fetchall())
