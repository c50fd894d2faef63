"""What the record says of each way to run SQL, of what was refused, and of who came: a real client does it, and the
record is read as an auditor reads it, with the key."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from protocol.frontend import Bind, Execute, Flush, FunctionCall, Parse, Query, Sync
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase
from tests.support.record import Told, control_told, told_of
from tests.support.wire import RawClient, encrypted

ROLES = """
[roles.writer]
targets = ["bench"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "1h"
statements = ["read", "write"]
limits = { written_rows = 5 }

[roles.writer.relations]
"public.pgbench_history" = "write"
"public.pgbench_branches" = { read = ["bid"], write = ["bbalance"] }

[roles.watched]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "1h"
statements = ["read"]
record_results = { rows = 3, bytes = "64kB" }

[roles.watched.relations]
"public.customers" = "read"
"""


@pytest.fixture(scope="module")
def gateway(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(sample_database, tmp_path_factory.mktemp("recorded"), policy=ROLES) as found:
        yield found
    sample_database.postgres.run("TRUNCATE public.pgbench_history", "bench")


class Auditor:
    """What one session left in the record, statement by statement."""

    def __init__(self, events: list[Told]) -> None:
        self.events = events
        self.judged = [told for told in events if told.type == "StatementJudged"]

    def of(self, kind: str) -> list[Told]:
        return [told for told in self.events if told.type == kind]

    def ended(self, judged: Told) -> Told:
        [ended] = [told for told in self.of("StatementEnded") if told["number"] == judged["number"]]
        assert ended.seq > judged.seq
        return ended

    def saying(self, text: str) -> Told:
        """The one event whose opened text begins so."""
        [found] = [told for told in self.judged if (told.sealed.get("text") or "").startswith(text)]
        return found

    @property
    def outline(self) -> list[tuple[Any, ...]]:
        """How, kind, verdict and outcome of each statement."""
        outcomes = {told["number"]: told["outcome"] for told in self.of("StatementEnded")}
        return [
            (told["how"], told["kind"], told["verdict"], outcomes.get(told["number"], "")) for told in self.judged
        ]  # fmt: skip


def after(
    gateway: RunningGateway, do: Callable[[psycopg.Connection], None], role: str = "support", target: str = "shop"
) -> Auditor:
    """The record of a session in which this was done."""
    given = gateway.give(role, target=target)
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        do(connection)
    return Auditor(told_of(gateway, given.grant))


def after_frames(gateway: RunningGateway, do: Callable[[RawClient], None], role: str = "support") -> Auditor:
    given = gateway.give(role)
    with frames(gateway, given) as client:
        do(client)
        client.send(b"X\0\0\0\4")
    return Auditor(told_of(gateway, given.grant))


def frames(gateway: RunningGateway, given: Given) -> RawClient:
    client = RawClient(encrypted(gateway.port, gateway.tls))
    client.log_in(given.token, {"user": given.person, "database": given.target})
    assert not client.refusal
    return client


# every way to run SQL


def test_each_statement_of_a_string_has_its_own_event_and_outcome(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT id FROM customers LIMIT 2; SELECT 1/(id - id) FROM customers; SELECT 3")

    found = after(gateway, do)
    assert [outcome for *_, outcome in found.outline] == ["done", "failed", "skipped"]
    first, second, _ = (found.ended(judged) for judged in found.judged)
    assert (first["rows"], first["tag"], first["sqlstate"]) == (2, "SELECT 2", None)
    assert (second["sqlstate"], second.sealed["message"]) == ("22012", "division by zero")
    assert [told.sealed["text"] for told in found.judged][2] == "SELECT 3"


def test_each_run_of_a_prepared_statement_has_its_own_parameters(gateway: RunningGateway) -> None:
    """asyncpg sends binary, and PostgreSQL alone knows of what types."""
    sql = """SELECT $1::int2, $2::int4, $3::int8, $4::float4, $5::float8, $6::numeric, $7::bool, $8::text, $9::bytea,
        $10::uuid, $11::json, $12::jsonb, $13::date, $14::time, $15::timestamp, $16::timestamptz, $17::interval,
        $18::int4[], $19::text[], $20::inet, $21::int4"""
    utc = datetime.UTC
    values = [
        -1, 2, 3**30, 0.5, 1e15, Decimal("-12.340"), True, "Ärger\n", b"\0\xff",
        uuid.UUID(int=1), "[1]", '{"a": 1}', datetime.date(1, 2, 3), datetime.time(4, 5, 6),
        datetime.datetime(2026, 1, 2, 3, 4, 5, 600000, utc).replace(tzinfo=None),
        datetime.datetime(2026, 1, 2, tzinfo=utc),
        datetime.timedelta(days=1, seconds=2), [1, None], ["a b", "{}"], ipaddress.ip_address("10.0.0.1"), None,
    ]  # fmt: skip
    shown = (
        "-1", "2", "205891132094649", "0.5", "1e+15", "-12.340", "t", "Ärger\n", "\\x00ff",
        "00000000-0000-0000-0000-000000000001", "[1]", '{"a": 1}', "0001-02-03", "04:05:06",
        "2026-01-02 03:04:05.6", "2026-01-02 00:00:00+00", "1 day 00:00:02", "{1,NULL}", '{"a b","{}"}', "10.0.0.1",
        None,
    )  # fmt: skip
    given = gateway.give()

    async def do() -> None:
        connection = await gateway.connect(given)
        statement = await connection.prepare(sql)
        await statement.fetch(*values)
        await statement.fetch(*[None] * len(values))
        await connection.close()

    asyncio.run(do())
    found = Auditor(told_of(gateway, given.grant))
    [parse] = [told for told in found.judged if (told.sealed["text"] or "").startswith("SELECT $1::int2")]
    first, second = (told for told in found.judged if told["of"] == parse["number"])
    assert (parse["how"], first["how"], first["kind"]) == ("parse", "execute", "select")
    assert tuple(first.sealed["parameters"]) == shown
    assert tuple(second.sealed["parameters"]) == (None,) * len(values)
    assert found.ended(first)["outcome"] == found.ended(second)["outcome"] == "done"


def test_parameters_of_psycopg_in_both_formats(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        connection.execute("SELECT %t::int4, %b::int4, %b::jsonb, %b::int4[]", (7, 8, Jsonb({"a": 1}), [1, 2]))

    [_, execute] = after(gateway, do).judged
    assert tuple(execute.sealed["parameters"]) == ("7", "8", '{"a": 1}', "{1,2}")


def test_prepare_and_execute_in_sql(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        connection.execute("PREPARE q (int) AS SELECT email FROM customers WHERE id < $1")
        connection.execute("EXECUTE q(4711)")
        connection.execute("DEALLOCATE q")

    found = after(gateway, do)
    assert [(kind, outcome) for _, kind, _, outcome in found.outline] == [
        ("prepare", "done"), ("execute", "done"), ("deallocate", "done"),
    ]  # fmt: skip
    prepare, execute, _ = found.judged
    assert execute["of"] == prepare["number"]
    assert execute["read"] == ["public.customers.id", "public.customers.email"]
    assert execute["masks"] == ["public.customers.email:partial"]
    assert "4711" not in execute["normalized"]
    assert execute.sealed["text"] == "EXECUTE q(4711)"
    assert found.ended(execute)["rows"] > 0


def test_cursors_are_read_page_by_page(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        connection.execute("BEGIN")
        connection.execute("DECLARE c CURSOR FOR SELECT email FROM customers")
        for sql in ("FETCH 2 FROM c", "FETCH 3 FROM c", "MOVE 4 IN c", "CLOSE c", "COMMIT"):
            connection.execute(sql)

    found = after(gateway, do)
    _, declare, *pages, close, commit = found.judged
    assert [(page["of"], page["read"]) for page in pages] == [(declare["number"], ["public.customers.email"])] * 3
    assert [(found.ended(page)["rows"], found.ended(page)["tag"]) for page in pages] == [
        (2, "FETCH 2"), (3, "FETCH 3"), (4, "MOVE 4"),
    ]  # fmt: skip
    assert [found.ended(told)["transaction"] or "I" for told in found.judged] == ["T"] * 6 + ["I"]
    assert (close["kind"], commit["transaction"]) == ("close", "T")


def test_portals_are_read_page_by_page(gateway: RunningGateway) -> None:
    def do(client: RawClient) -> None:
        client.send(
            Parse("", "SELECT id FROM customers LIMIT 5"), Bind("p", ""), Execute("p", 2), Execute("p", 0), Sync()
        )
        client.until_ready()

    found = after_frames(gateway, do)
    assert [(how, outcome) for how, _, _, outcome in found.outline] == [
        ("parse", ""), ("execute", "suspended"), ("execute", "done"),
    ]  # fmt: skip
    assert [found.ended(told)["rows"] for told in found.judged[1:]] == [2, 3]


def test_what_is_bound_and_left_is_recorded_too(gateway: RunningGateway) -> None:
    def do(client: RawClient) -> None:
        client.send(Parse("", "SELECT 1/$1::int4"), Bind("", "", values=(b"4711",)), Flush())
        client.receive()
        client.receive()
        client.send(Sync())
        client.until_ready()

    found = after_frames(gateway, do)
    assert [(told["how"], tuple(told.sealed["parameters"])) for told in found.judged] == [
        ("parse", ()),
        ("bind", ("4711",)),
    ]
    assert found.of("SessionClosed")[0]["statements"] is None, "nothing ran"


def test_a_pipeline_that_breaks_says_what_was_skipped(gateway: RunningGateway) -> None:
    def divide(connection: psycopg.Connection) -> None:
        with connection.pipeline():
            for number in (1, 0, 2):
                connection.execute("SELECT 1/%s::int4", (number,))

    def do(connection: psycopg.Connection) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            divide(connection)

    found = after(gateway, do)
    runs = [told for told in found.judged if told["how"] == "execute"]
    assert [(told.sealed["parameters"][0], found.ended(told)["outcome"]) for told in runs] == [
        ("1", "done"), ("0", "failed"), ("2", "skipped"),
    ]  # fmt: skip
    assert found.ended(runs[1])["sqlstate"] == "22012"


def test_copy_both_ways_with_rows_and_bytes(gateway: RunningGateway) -> None:
    lines = b"1\t1\t1\t5\n1\t1\t2\t6\n"
    came: list[int] = []

    def think_better_of_it(cursor: psycopg.Cursor) -> None:
        with cursor.copy("COPY pgbench_history (delta) FROM STDIN") as copy:
            copy.write(b"7\n")
            raise psycopg.errors.QueryCanceled

    def do(connection: psycopg.Connection) -> None:
        with connection.cursor() as cursor:
            with cursor.copy("COPY pgbench_history (tid, bid, aid, delta) FROM STDIN") as copy:
                copy.write(lines)
            with cursor.copy("COPY (SELECT delta FROM pgbench_history) TO STDOUT") as copy:
                came.append(b"".join(copy).count(b"\n"))
            with pytest.raises(psycopg.errors.QueryCanceled):
                think_better_of_it(cursor)

    found = after(gateway, do, "bench", "bench")
    into, out, broken = found.judged
    assert (into["kind"], into["written"]) == (
        "copy_from",
        [f"public.pgbench_history.{c}" for c in ("tid", "bid", "aid", "delta")],
    )
    assert (found.ended(into)["rows"], found.ended(into)["bytes"], found.ended(into)["tag"]) == (
        2,
        len(lines),
        "COPY 2",
    )
    assert (out["kind"], out["read"], found.ended(out)["tag"]) == (
        "copy_to",
        ["public.pgbench_history.delta"],
        f"COPY {came[0]}",
    )
    assert came[0] >= 2
    assert found.ended(out)["bytes"] > 0
    assert (found.ended(broken)["outcome"], found.ended(broken)["sqlstate"]) == ("failed", "57014")
    assert [(told["number"], told["bytes"], told["failed"]) for told in found.of("CopyEnded")] == [
        (into["number"], len(lines), None), (broken["number"], 2, True),
    ]  # fmt: skip


def test_the_fast_path_is_refused_and_recorded(gateway: RunningGateway) -> None:
    def do(client: RawClient) -> None:
        client.send(FunctionCall(1403, (), (b"pg_hba.conf",)))
        client.until_ready()

    [refused] = after_frames(gateway, do).judged
    assert (refused["how"], refused["verdict"], refused["rule"]) == ("function-call", "refused", "function-call")
    assert "call of function 1403" in refused.sealed["text"]
    assert b"pg_hba.conf".hex() in refused.sealed["text"]


def test_a_write_of_a_limited_role_and_the_gateways_own_transaction(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        connection.execute("INSERT INTO pgbench_history (delta) VALUES (1), (2)")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            connection.execute("INSERT INTO pgbench_history (delta) SELECT generate_series(1, 6)")
        with pytest.raises(psycopg.Error):
            connection.execute("INSERT INTO pgbench_history (delta) VALUES (4711); COMMIT")

    found = after(gateway, do, "writer", "bench")
    kept, undone, *refused = found.judged
    assert [told["number"] for told in found.of("Guarded")] == [kept["number"], undone["number"]]
    assert (found.ended(kept)["tag"], found.ended(kept)["rows"]) == ("INSERT 0 2", 2)
    assert (found.ended(undone)["outcome"], found.ended(undone)["rule"]) == ("failed", "written-rows")
    assert [(told["verdict"], told["rule"], told["kind"]) for told in refused] == [
        ("refused", "write-limit", "insert"), ("refused", "write-limit", "transaction"),
    ]  # fmt: skip
    assert refused[0]["written"] == ["public.pgbench_history.delta"]
    assert found.of("SessionClosed")[0]["refused"] == 1


def test_cancelled_by_its_client(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        timer = threading.Timer(0.2, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT count(*) FROM generate_series(1, 1000000000)")
        timer.join()

    found = after(gateway, do)
    [statement], [asked] = found.judged, found.of("CancelAsked")
    assert asked["number"] == statement["number"]
    assert "127.0.0.1" in asked["by"]
    assert (found.ended(statement)["outcome"], found.ended(statement)["sqlstate"]) == ("failed", "57014")
    assert found.ended(statement)["microseconds"] > 100_000


def test_cut_off_when_the_grant_ends(gateway: RunningGateway) -> None:
    given = gateway.give()
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        timer = threading.Timer(0.3, gateway.revoke, (given,))
        timer.start()
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT count(*) FROM generate_series(1, 1000000000)")
        timer.join()
    found = Auditor(told_of(gateway, given.grant))
    assert found.ended(found.judged[0])["outcome"] == "cut"
    [closed] = found.of("SessionClosed")
    assert (closed["cause"], closed["statements"]) == ("grant-revoked", 1)


def test_cut_off_because_the_client_vanished(gateway: RunningGateway) -> None:
    given = gateway.give()
    client = frames(gateway, given)
    client.send(Query("SELECT id FROM customers"))
    client.until_ready()
    client.send(Query("SELECT count(*) FROM generate_series(1, 1000000000)"))
    time.sleep(0.3)
    client.sock.shutdown(socket.SHUT_RDWR)
    client.sock.close()
    found = Auditor(told_of(gateway, given.grant))
    assert [outcome for *_, outcome in found.outline] == ["done", "cut"]
    assert found.of("SessionClosed")[0]["cause"] == "client"


# what is said of each


def test_columns_are_told_exactly(gateway: RunningGateway) -> None:
    """Through views, CTEs, subselects, whole rows and stars; and of what is only counted, the relation."""
    said = {
        "SELECT email FROM customers WHERE city = 'x' ORDER BY phone": (["email", "phone", "city"], "customers"),
        "WITH c AS (SELECT id, email FROM customers) SELECT id FROM c": (["id", "email"], "customers"),
        "SELECT x.city FROM (SELECT * FROM customers) x": (None, "customers"),
        "SELECT c FROM customers c": (None, "customers"),
        "SELECT to_jsonb(c) FROM customers c": (None, "customers"),
        "SELECT * FROM customers": (None, "customers"),
        "SELECT city FROM customer_overview": (["city"], "customer_overview"),
        "SELECT count(*) FROM customers": ([], "customers"),
        "SELECT EXISTS (SELECT 1 FROM customers WHERE id = 1)": (["id"], "customers"),
        "TABLE customer_overview": (None, "customer_overview"),
    }

    def do(connection: psycopg.Connection) -> None:
        for sql in said:
            connection.execute(sql)

    found = after(gateway, do)
    columns = gateway.directly(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name IN ('customers', 'customer_overview') ORDER BY table_name, ordinal_position"
    ).split()
    for sql, (names, relation) in said.items():
        told = found.saying(sql)
        assert told["relations"] == [f"public.{relation}"], sql
        expected = [f"public.{c}" for c in columns if c.startswith(f"{relation}.")]
        if names is not None:
            expected = [f"public.{relation}.{name}" for name in names]
        assert sorted(told["read"] or []) == sorted(expected), sql
        masked = [mask.rpartition(":")[0] for mask in told["masks"] or []]
        clear = {"id", "city", "country", "segment", "newsletter", "created_at", "orders", "revenue", "last_order"}
        assert sorted(masked) == sorted(c for c in expected if c.rpartition(".")[2] not in clear), sql


def test_what_is_written_is_told_apart_from_what_is_read(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        connection.execute("UPDATE pgbench_branches SET bbalance = 0 WHERE bid = 4711")
        connection.execute("INSERT INTO pgbench_history (tid, delta) VALUES (1, 2) RETURNING bid")

    found = after(gateway, do, "bench", "bench")
    update, insert = found.judged
    branches, history = "public.pgbench_branches", "public.pgbench_history"
    assert (update["read"], update["written"]) == ([f"{branches}.bid"], [f"{branches}.bbalance"])
    assert (insert["read"], insert["written"]) == ([f"{history}.bid"], [f"{history}.tid", f"{history}.delta"])
    assert (found.ended(update)["rows"], found.ended(update)["tag"]) == (None, "UPDATE 0")


def test_a_refused_statement_says_what_it_wanted_and_why_not(gateway: RunningGateway) -> None:
    said = {
        "CREATE ROLE mallory": ("other", "statement-kind"),
        "DELETE FROM customers WHERE id = 4711": ("delete", "statement-kind"),
        "SELECT pg_read_file('4711')": ("select", "function-not-allowed"),
        "SELECT email FROM customers WHERE nosuch = 4711": ("select", None),
        "SELEC 4711": ("other", "syntax"),
    }

    def do(connection: psycopg.Connection) -> None:
        for sql in said:
            with pytest.raises(psycopg.Error):
                connection.execute(sql)

    found = after(gateway, do)
    for sql, (kind, rule) in said.items():
        told = found.saying(sql)
        if rule is None:
            assert found.ended(told)["sqlstate"] == "42703"
            continue
        assert (told["kind"], told["verdict"], told["rule"]) == (kind, "refused", rule), sql
        assert told["reason"]
        assert told["number"] not in {end["number"] for end in found.of("StatementEnded")}
    assert not any("4711" in str(told.event) for told in found.judged), "constants are sealed"
    assert len({told["fingerprint"] for told in found.judged}) >= 4
    assert found.of("SessionClosed")[0]["refused"] == 4


def test_no_constant_is_readable_whatever_the_statement(gateway: RunningGateway) -> None:
    """Also of utility statements, of refused ones, and of those that nobody can read."""
    said = [
        "SELECT 'canary'",
        "SELECT $$canary$$, E'\\x63anary', U&'canary'",
        "SET application_name = 'canary'",
        "SELECT set_config('application_name', 'canary', false)",
        "PREPARE p AS SELECT 'canary'",
        "EXECUTE p('canary')",
        "BEGIN",
        "DECLARE d CURSOR WITH HOLD FOR SELECT 'canary'",
        "COMMIT",
        "EXPLAIN SELECT 1 WHERE 'canary' = 'x'",
        "EXPLAIN EXECUTE p('canary')",
        "COPY (SELECT 'canary') TO STDOUT WITH (NULL 'canary', FORMAT 'csv', DELIMITER 'canary')",
        "COPY customers TO PROGRAM 'canary'",
        "COPY customers FROM 'canary'",
        "CREATE ROLE x PASSWORD 'canary'",
        "ALTER ROLE x SET search_path = 'canary'",
        "ALTER USER x PASSWORD 'canary'",
        "CREATE TABLE x (a text DEFAULT 'canary' CHECK (a <> 'canary'))",
        "CREATE VIEW x AS SELECT 'canary'",
        "CREATE FUNCTION x() RETURNS text LANGUAGE sql AS 'SELECT canary'",
        "CREATE FUNCTION x() RETURNS text LANGUAGE sql RETURN 'canary'",
        "CREATE SUBSCRIPTION x CONNECTION 'canary' PUBLICATION x",
        "CREATE SERVER x FOREIGN DATA WRAPPER x OPTIONS (password 'canary')",
        "CREATE USER MAPPING FOR x SERVER x OPTIONS (password 'canary')",
        "COMMENT ON TABLE customers IS 'canary'",
        "DO 'canary'",
        "NOTIFY x, 'canary'",
        "LISTEN x",
        "CALL x('canary')",
        "PREPARE TRANSACTION 'canary'",
        "COMMIT PREPARED 'canary'",
        "SECURITY LABEL ON TABLE customers IS 'canary'",
        "INSERT INTO customers (email) VALUES ('canary')",
        "SELECT 'canary' 'x'",
        "SELECT 'canary",
        "SELECT 'canary'::int",
        "SELECT id FROM customers LIMIT 'canary'",
        "SELECT XMLPARSE(CONTENT 'canary')",
        "SELECT * FROM XMLTABLE('canary' PASSING 'canary' COLUMNS a text PATH 'canary')",
        "SELECT interval 'canary'",
        "SET TIME ZONE 'canary'",
        "CREATE TEMP TABLE canary_free AS SELECT 'canary'",
        "DISCARD ALL",
    ]

    def do(connection: psycopg.Connection) -> None:
        for sql in said:
            connection.pgconn.exec_(sql.encode())
            while connection.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                connection.pgconn.get_copy_data(0)
                connection.pgconn.get_result()

    for role, target in (("support", "shop"), ("bench", "bench")):
        found = after(gateway, do, role, target)
        assert len(found.judged) == len(said)
        for told in found.events:
            readable = str(told.event).replace("canary_free", "")
            assert "canary" not in readable, (told["kind"], readable)


def test_a_refused_statement_is_one_event_for_every_driver(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM customers WHERE id = %s", (1,))

    found = after(gateway, do)
    assert found.outline == [("parse", "delete", "refused", "")]
    assert found.of("SessionClosed")[0]["refused"] == 1


def test_the_session_says_who_why_and_how(gateway: RunningGateway) -> None:
    given = gateway.give(reason="ticket 4711: parcels")
    with psycopg.connect(
        gateway.conninfo(given), password=given.token, application_name="the tests", options="-c timezone=UTC"
    ) as connection:
        pid = connection.execute("SELECT pg_backend_pid()").fetchone()
    opened = told_of(gateway, given.grant)[0]
    expected = {
        "person": "alice", "grant": given.grant, "reason": "ticket 4711: parcels", "approvers": ["rita"],
        "role": "support", "target": "shop", "database": "shop", "upstream_pid": pid[0] if pid else 0,
    }  # fmt: skip
    assert {name: opened[name] for name in expected} == expected
    assert opened["startup"]["application_name"] == "the tests"
    assert opened["startup"]["TimeZone" if "TimeZone" in opened["startup"] else "timezone"] == "UTC"
    assert opened["tls"].startswith("TLSv1.")
    assert opened["client"].startswith("127.0.0.1:")
    assert opened["policy_version"]
    assert opened["catalog_version"]
    assert opened["token"]
    assert opened["ends_at"] == given.ends_at.replace("+00:00", "Z")


def test_a_connection_that_becomes_no_session_is_recorded_with_the_reason(gateway: RunningGateway) -> None:
    ended = gateway.give()
    gateway.revoke(ended)
    for token, options in ((ended.token, "-c timezone=UTC"), ("no token", ""), (ended.token, "-c role=postgres")):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(
                gateway.conninfo(ended), password=token, application_name="the tests", options=options
            )  # fmt: skip
    revoked, unknown, odd = [event for event in control_told(gateway) if event["type"] == "DoorRefused"][-3:]
    assert revoked["sqlstate"] in ("28000", "28P01")
    assert "revoked" in revoked["message"]
    assert revoked["token"]
    for event in (revoked, unknown):
        assert event["startup"]["application_name"] == "the tests"
    for event in (revoked, unknown, odd):
        assert (event["user"], event["database"]) == ("alice", "shop")
        assert event["tls"].startswith("TLSv1.")
        assert event["client"].startswith("127.0.0.1:")
    assert unknown["sqlstate"] == "28P01"
    assert odd["cause"] in ("startup-options", "startup-parameter")
    assert set(odd["startup"].values()) == {""}, "of what is not understood, the names alone"
    assert "options" in odd["startup"]


def test_what_led_to_a_session_is_recorded(gateway: RunningGateway) -> None:
    given = gateway.give(reason="ticket 4711: parcels")
    events = [event for event in control_told(gateway) if event["type"] == "AccessChanged"]
    about = [
        event for event in events if given.request in (event.get("request"), "") or event.get("grant") == given.grant
    ]
    told = {event["what"]: event["by"] for event in about}
    assert {"alice", "rita"} <= {event["by"] for event in events if event["what"] == "signed-in"}
    assert told["requested"] == "alice"
    assert told["approved"] == "rita"
    assert told["token-minted"] == "alice"
    assert any(event.get("reason") == "ticket 4711: parcels" for event in about)


# results


def test_results_are_recorded_as_the_client_saw_them(gateway: RunningGateway) -> None:
    given = gateway.give("watched")
    with psycopg.connect(gateway.conninfo(given), password=given.token, autocommit=True) as connection:
        simple = connection.execute("SELECT id, email, street FROM customers ORDER BY id LIMIT 5").fetchall()
        binary = connection.execute(
            "SELECT id, email FROM customers WHERE id < %s ORDER BY id", (3,), binary=True
        ).fetchall()  # fmt: skip
        with connection.cursor().copy("COPY (SELECT id, email FROM customers ORDER BY id LIMIT 2) TO STDOUT") as copy:
            lines = b"".join(copy).decode().splitlines()
        with connection.transaction():
            connection.execute("DECLARE c CURSOR FOR SELECT id FROM customers ORDER BY id")
            page = connection.execute("FETCH 2 FROM c").fetchall()
    found = Auditor(told_of(gateway, given.grant))
    recorded = found.of("ResultRecorded")
    assert [told["rows"] for told in recorded] == [3, 2, 2, 2]
    as_text = [[tuple(None if v is None else str(v) for v in row) for row in rows] for rows in (simple, binary, page)]
    assert [list(told.sealed["rows"]) for told in recorded] == [
        as_text[0][:3], as_text[1], [(line,) for line in lines], as_text[2],
    ]  # fmt: skip
    assert [list(told.sealed["columns"]) for told in recorded] == [
        ["id", "email", "street"],
        ["id", "email"],
        [],
        ["id"],
    ]
    assert "***" in recorded[0].sealed["rows"][0][1], "masked, as the client saw it"
    emails = [row[1] for row in simple]
    for path in gateway.stage.record.rglob("*.jsonl"):
        assert not any(email.encode() in path.read_bytes() for email in emails), "sealed"
    replayed = gateway.pgcurfew(
        None, "replay", recorded[0].session, "--config", str(gateway.stage.settings),
        "--key", str(gateway.stage.auditor_key),
    ).out  # fmt: skip
    assert emails[0] in replayed
    assert "and 2 more" in replayed
    without = gateway.pgcurfew(None, "replay", recorded[0].session, "--config", str(gateway.stage.settings)).out
    assert "3 rows of its result recorded, sealed to the auditors" in without


def test_other_roles_results_are_not_recorded(gateway: RunningGateway) -> None:
    def do(connection: psycopg.Connection) -> None:
        connection.execute("SELECT id FROM customers")

    assert after(gateway, do).of("ResultRecorded") == []
