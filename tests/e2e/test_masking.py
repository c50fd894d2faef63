"""Sensitive columns come back masked, however they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg import ClientCursor

from tests.support.gateway import Given, RunningGateway

#: Ways to ask; each must run, and none may bring a raw value.
QUERIES = [
    "SELECT * FROM customers",
    "SELECT upper(email) FROM customers",
    "SELECT row_to_json(c) FROM customers c",
    "SELECT to_jsonb(c) - 'id' FROM customers c",
    "SELECT c FROM customers c",
    "SELECT c::text FROM customers c",
    "SELECT (c).email, (c).phone FROM customers c",
    "SELECT email(c) FROM customers c",
    "SELECT string_agg(email || phone, ',') FROM customers",
    "SELECT array_agg(c) FROM customers c",
    "SELECT email FROM customers WHERE email LIKE 'a%'",
    "SELECT max(email), min(card_number) FROM customers",
    "SELECT email::bytea, encode(email::bytea, 'hex') FROM customers",
    "SELECT encode(convert_to(email, 'UTF8'), 'base64') FROM customers",
    "SELECT reverse(email), md5(email), ascii(email) FROM customers",
    "WITH x AS (SELECT * FROM customers) SELECT * FROM x",
    "WITH RECURSIVE x(e, n) AS (SELECT email, 1 FROM customers UNION ALL SELECT e, 2 FROM x WHERE n < 2) TABLE x",
    "SELECT * FROM customer_overview",
    "SELECT o.*, c.* FROM sales.orders o JOIN customers c ON c.id = o.customer_id",
    "SELECT * FROM (TABLE customers) t",
    "TABLE customers",
    "SELECT * FROM sales.payments",
    "SELECT payer_name, count(*) FROM sales.payments GROUP BY 1",
    "SELECT notes FROM support_tickets",
    "SELECT json_agg(t) FROM support_tickets t",
    "SELECT * FROM customers c, LATERAL (SELECT c.email AS again) l",
    "SELECT email FROM customers UNION SELECT street FROM customers",
    "SELECT first_value(email) OVER (ORDER BY email) FROM customers",
    "SELECT CASE WHEN email > 'm' THEN email ELSE phone END FROM customers",
    "SELECT format('%s %L', email, card_number) FROM customers",
    "SELECT regexp_matches(email, '(.*)@(.*)') FROM customers",
    "SELECT DISTINCT ON (email) email, full_name FROM customers ORDER BY email",
]


class Canaries:
    """Every raw value that this role must not see, and the forms in which it could come out."""

    def __init__(self, gateway: RunningGateway) -> None:
        sql = (
            "SELECT email FROM public.customers UNION SELECT phone FROM public.customers"
            " UNION SELECT card_number FROM public.customers UNION SELECT street FROM public.customers"
            " UNION SELECT host(last_ip) FROM public.customers UNION SELECT payer_name FROM sales.payments"
        )
        raw = {line for line in gateway.directly(sql).splitlines() if len(line) >= 7}
        emails = [value for value in raw if "@" in value]
        assert len(emails) >= 100
        self.forms = raw | {value.upper() for value in raw} | {value[::-1] for value in raw}
        self.forms |= {value.encode().hex() for value in emails}

    def found_in(self, text: str) -> list[str]:
        return [form for form in self.forms if form in text]


@pytest.fixture(scope="module")
def given(gateway: RunningGateway) -> Given:
    return gateway.give()


@pytest.fixture(scope="module")
def canaries(gateway: RunningGateway) -> Canaries:
    return Canaries(gateway)


@pytest.fixture(scope="module")
def connection(gateway: RunningGateway, given: Given) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as opened:
        yield opened


def test_the_canaries_would_be_noticed(gateway: RunningGateway, canaries: Canaries) -> None:
    assert canaries.found_in(gateway.directly("SELECT * FROM public.customers"))


@pytest.mark.parametrize("sql", QUERIES)
@pytest.mark.parametrize("how", ["simple", "text", "binary"])
def test_no_raw_value_comes_out(connection: psycopg.Connection[Any], canaries: Canaries, sql: str, how: str) -> None:
    if how == "simple":
        cursor: psycopg.Cursor[Any] = ClientCursor(connection)
        cursor.execute(sql)
    else:
        cursor = connection.cursor(binary=how == "binary")
        cursor.execute(sql, prepare=True)
    result = cursor.pgresult
    assert result is not None
    cells = [result.get_value(row, column) or b"" for row in range(result.ntuples) for column in range(result.nfields)]
    assert any(cells), "it must bring something, or the test proves nothing"
    everything = b"\n".join(cells).decode("utf-8", "replace") + b"\n".join(cells).hex()
    assert not canaries.found_in(everything)


async def test_a_prepared_statement_stays_masked_however_often_it_runs(
    gateway: RunningGateway, given: Given, canaries: Canaries
) -> None:
    direct = await gateway.connect(given)
    statement = await direct.prepare("SELECT id, email, phone FROM customers WHERE id = $1")
    for number in range(1, 40):
        [row] = await statement.fetch(number)
        assert row["id"] == number
        assert not canaries.found_in(str(row))
    await direct.close()


COPIES = [
    "COPY customers TO STDOUT",
    "COPY customers (email, phone) TO STDOUT (FORMAT csv, HEADER)",
    "COPY (SELECT * FROM customers) TO STDOUT",
    "COPY (SELECT * FROM customers) TO STDOUT (FORMAT binary)",
]


@pytest.mark.parametrize("sql", COPIES)
def test_copy_brings_masks(connection: psycopg.Connection[Any], canaries: Canaries, sql: str) -> None:
    with connection.cursor().copy(sql) as copy:
        data = b"".join(bytes(part) for part in copy)
    assert len(data) > 1000
    assert not canaries.found_in(data.decode("utf-8", "replace"))


def test_names_and_types_of_columns_are_unchanged(gateway: RunningGateway, connection: psycopg.Connection[Any]) -> None:
    for relation in ("public.customers", "public.customer_overview", "sales.payments", "public.support_tickets"):
        masked = connection.execute(f"SELECT * FROM {relation} LIMIT 0").description
        with psycopg.connect(gateway.database.dsn(gateway.database.superuser)) as superuser:
            plain = superuser.execute(f"SELECT * FROM {relation} LIMIT 0").description
        assert masked is not None
        assert plain is not None
        seen = [(column.name, column.type_code, column.precision, column.scale) for column in masked]
        assert seen == [(column.name, column.type_code, column.precision, column.scale) for column in plain]


def test_what_nobody_classified_is_null(connection: psycopg.Connection[Any]) -> None:
    rows = connection.execute("SELECT street, credit_limit, last_ip, preferences FROM customers").fetchall()
    assert len(rows) > 100
    assert set(rows) == {(None, None, None, None)}


def test_what_is_clear_is_exactly_what_is_there(gateway: RunningGateway, connection: psycopg.Connection[Any]) -> None:
    sql = "SELECT id, city, country, segment, created_at FROM public.customers ORDER BY id"
    with psycopg.connect(gateway.database.dsn(gateway.database.superuser)) as superuser:
        assert connection.execute(sql).fetchall() == superuser.execute(sql).fetchall()


def test_pseudonyms_still_join(gateway: RunningGateway, connection: psycopg.Connection[Any]) -> None:
    sql = "SELECT count(DISTINCT payer_name), count(payer_name) FROM sales.payments"
    assert "|".join(str(n) for n in connection.execute(sql).fetchone() or ()) == gateway.directly(sql)


def test_a_predicate_sees_only_masks(connection: psycopg.Connection[Any], canaries: Canaries) -> None:
    """Else a guess would be answered by a row count."""
    email = next(form for form in canaries.forms if "@" in form and form.islower() and form.index("@") > 3)
    found = connection.execute("SELECT count(*) FROM customers WHERE email = %s", (email,)).fetchone()
    assert found == (0,)


ERRORS_THAT_QUOTE = [
    "SELECT email::int FROM customers",
    "SELECT email::date FROM customers",
    "SELECT (email || phone)::uuid FROM customers",
    "SELECT to_date(phone, 'YYYY') FROM customers",
    "SELECT 1 / (length(email) - length(email)) FROM customers",
    "SELECT jsonb(email) FROM customers",
    "SELECT ('<' || email)::xml FROM customers",
    "SELECT ('{' || email)::text[] FROM customers",
]


@pytest.mark.parametrize("sql", ERRORS_THAT_QUOTE)
def test_errors_quote_masks_at_most(connection: psycopg.Connection[Any], canaries: Canaries, sql: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql)
    diagnosis = caught.value.diag
    told = [diagnosis.message_primary, diagnosis.message_detail, diagnosis.message_hint, diagnosis.context]
    assert not canaries.found_in(" ".join(part or "" for part in told))


#: Side doors; each is refused or brings nothing.
SIDE_DOORS = [
    "SELECT most_common_vals FROM pg_stats WHERE tablename = 'customers'",
    "SELECT * FROM pg_statistic",
    "SELECT query FROM pg_stat_activity",
    "SELECT query_to_xml('SELECT email FROM customers', true, false, '')",
    "SELECT table_to_xml('customers', true, false, '')",
    "SELECT * FROM ts_stat('SELECT to_tsvector(email) FROM customers')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT (16384::oid).lo_get",
    "SELECT x.pg_sleep FROM generate_series(1, 2) x",
    "SELECT current_setting('pgcurfew.mask_key')",
    "SHOW pgcurfew.mask_key",
    "SELECT set_config('search_path', 'x', false)",
    "SELECT * FROM dblink('dbname=shop', 'SELECT email FROM customers') AS t(e text)",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM customers",
    "SELECT pg_get_viewdef('customer_overview'::regclass)",
    "SELECT salary FROM staff",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_user_mappings",
    "SELECT * FROM customers FOR UPDATE",
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM customers",
    "FETCH ALL FROM c",
    "PREPARE p AS SELECT * FROM customers",
    "EXECUTE p",
    "SELECT * FROM ONLY customers",
    "SELECT * FROM customers TABLESAMPLE BERNOULLI (100)",
    "SELECT tableoid, ctid, xmin, * FROM customers",
    "SELECT * FROM sales.payments_2026_01",
    "SELECT * FROM public.customers AS c(a, b, d)",
    "SELECT 1 FROM customers c WHERE c.email ~ '^a' AND pg_sleep(0) IS NOT NULL",
    "CREATE TEMP TABLE t AS SELECT * FROM customers",
    "SELECT * INTO t FROM customers",
    "COPY customers TO PROGRAM 'cat'",
    "COPY customers TO '/tmp/x'",
    "DO $$ BEGIN RAISE NOTICE '%', (SELECT email FROM customers LIMIT 1); END $$",
    "SET ROLE shop_owner",
    "SET SESSION AUTHORIZATION shop_owner",
]


@pytest.mark.parametrize("sql", SIDE_DOORS)
def test_side_doors_are_shut(connection: psycopg.Connection[Any], canaries: Canaries, sql: str) -> None:
    told: list[Any] = []
    connection.add_notice_handler(lambda diagnosis: told.append(diagnosis.message_primary))
    try:
        cursor = ClientCursor(connection)
        cursor.execute(sql)
        told.append(cursor.fetchall() if cursor.description else "")
    except psycopg.Error as error:
        told += [str(error), error.diag.message_detail, error.diag.message_hint]
    assert not canaries.found_in(str(told))
    assert "shop_owner" not in str(connection.execute("SELECT current_user").fetchone())


async def test_asyncpg_sees_masks_in_binary(gateway: RunningGateway, given: Given, canaries: Canaries) -> None:
    direct: asyncpg.Connection[Any] = await gateway.connect(given)
    for sql in QUERIES[:3]:
        assert not canaries.found_in(str(await direct.fetch(sql)))
    async with direct.transaction():
        cursor = direct.cursor("SELECT email, phone, street FROM customers")
        assert not canaries.found_in(str([row async for row in cursor]))
    await direct.close()


PLANS = [
    "EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT * FROM customers ORDER BY email, id",
    "EXPLAIN (ANALYZE, TIMING off, SUMMARY off) "
    "SELECT c.email FROM customers c JOIN sales.orders o ON o.customer_id = c.id",
    "EXPLAIN (ANALYZE, TIMING off, SUMMARY off, FORMAT json) "
    "SELECT email, count(*) FROM customers GROUP BY 1 ORDER BY 1",
]


@pytest.mark.parametrize("sql", PLANS)
def test_a_plan_does_not_say_how_much_memory_raw_values_took(connection: psycopg.Connection[Any], sql: str) -> None:
    asked: list[psycopg.Cursor[Any]] = [ClientCursor(connection), connection.cursor(), connection.cursor(binary=True)]
    for cursor in asked:
        cursor.execute(sql)
        shown = "\n".join(str(row[0]) for row in cursor.fetchall())
        assert "Scan" in shown
        assert "Sort Method: hidden" in shown or "Buckets: hidden" in shown or "'Sort Method': None" in shown
        assert "kB" not in shown
    with connection.transaction():
        # In pages, each of which the portal gives by itself.
        stepwise = connection.execute(sql)
        assert "kB" not in str(stepwise.fetchmany(1)) + str(stepwise.fetchall())
