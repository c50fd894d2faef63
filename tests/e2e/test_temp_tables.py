"""Temporary tables: what a role sees goes into them and nothing else, and they are the session's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from protocol.backend import CommandComplete, DataRow, ErrorResponse
from protocol.frontend import Bind, Describe, Execute, Parse, Query, Sync
from tests.e2e.test_wire import logged_in
from tests.support.gateway import Given, RunningGateway, running_gateway
from tests.support.postgres import SampleDatabase

POLICY = """
[roles.scratch]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "temp_tables"]
functions = ["public.fill"]

[roles.scratch.relations]
"public.customers" = "read"
"public.support_tickets" = "read"
"sales.orders" = "read"

[roles.loader]
targets = ["shop"]
requesters = ["support"]
approvers = ["leads"]
max_duration = "2h"
statements = ["read", "update", "temp_tables"]
limits = { written_rows = 50 }

[roles.loader.relations]
"public.customers" = "read"
"sales.orders" = { read = "*", write = ["status"] }
"""
#: It leaves a table with raw rows behind, as code of the owner may.
FILL = """
CREATE FUNCTION public.fill() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE filled AS SELECT email FROM public.customers;
    RETURN 1;
END $$;
GRANT EXECUTE ON FUNCTION public.fill() TO pgcurfew_gateway;
GRANT TEMPORARY ON DATABASE shop TO pgcurfew_gateway
"""


@pytest.fixture(scope="module")
def scratching(sample_database: SampleDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    sample_database.run(FILL)
    with running_gateway(sample_database, tmp_path_factory.mktemp("scratch"), policy=POLICY) as gateway:
        yield gateway
    sample_database.run("DROP FUNCTION public.fill()")


@pytest.fixture(scope="module")
def given(scratching: RunningGateway) -> Given:
    return scratching.give("scratch")


@pytest.fixture(params=["autocommit", "transaction"])
def session(request: Any, scratching: RunningGateway, given: Given) -> Iterator[psycopg.Connection[Any]]:
    auto = request.param == "autocommit"
    conninfo = scratching.conninfo(given)
    with psycopg.connect(conninfo, password=given.token, autocommit=auto) as opened:
        yield opened
        opened.rollback()


def refused(session: psycopg.Connection[Any], sql: str) -> psycopg.Error:
    """How a statement fails; a transaction goes on behind it."""
    with pytest.raises(psycopg.Error) as told, session.transaction():
        session.execute(sql)
    return told.value


def test_what_is_copied_is_what_is_shown(session: psycopg.Connection[Any]) -> None:
    shown = session.execute("SELECT id, email, street FROM customers ORDER BY id").fetchall()
    made = session.execute("CREATE TEMP TABLE picked AS SELECT id, email, street FROM customers")
    assert made.statusmessage == f"SELECT {len(shown)}"
    assert session.execute("SELECT * FROM picked ORDER BY id").fetchall() == shown
    session.execute("SELECT o INTO TEMP whole FROM orders o WHERE id < 9")
    kept = session.execute("SELECT (o).id, (o).status, (o).ship_to FROM whole ORDER BY 1").fetchall()
    assert kept == session.execute("SELECT id, status, ship_to FROM orders WHERE id < 9 ORDER BY 1").fetchall()
    session.execute("CREATE TEMPORARY TABLE IF NOT EXISTS picked (nothing int)")
    assert session.execute("SELECT count(*) FROM pg_temp.picked").fetchone() == (len(shown),)


def test_it_is_a_table_like_any_other(session: psycopg.Connection[Any]) -> None:
    session.execute(
        """CREATE TEMP TABLE notes (
            id serial PRIMARY KEY, customer bigint NOT NULL UNIQUE, said text DEFAULT lower('NONE') CHECK (said <> ''),
            size int GENERATED ALWAYS AS (length(said)) STORED, at timestamptz DEFAULT now())"""
    )
    session.execute("CREATE INDEX ON notes (lower(said)) WHERE id > 0")
    session.execute("INSERT INTO notes (customer, said) SELECT id, email FROM customers WHERE id <= 20")
    session.execute("INSERT INTO notes (customer) VALUES (1), (99) ON CONFLICT (customer) DO UPDATE SET said = 'twice'")
    assert session.execute("UPDATE notes SET said = said || '!' RETURNING size").rowcount == 21
    session.execute("ANALYZE notes")
    with session.cursor().copy("COPY notes (customer, said) FROM STDIN") as copy:
        copy.write_row((1000, "copied"))
    with session.cursor().copy("COPY notes TO STDOUT") as copy:
        assert len(list(copy.rows())) == 22
    joined = "SELECT n.said, c.email FROM notes n JOIN customers c ON c.id = n.customer WHERE c.id = 1"
    assert session.execute(joined).fetchone() == ("twice!", session.execute(
        "SELECT email FROM customers WHERE id = 1").fetchone()[0])  # fmt: skip
    session.execute("MERGE INTO notes n USING orders o ON o.customer_id = n.customer "
                    "WHEN MATCHED AND o.id = 1 THEN UPDATE SET said = o.ship_to")  # fmt: skip
    assert session.execute("DELETE FROM notes").rowcount == 22
    session.execute("TRUNCATE notes")
    assert refused(session, "INSERT INTO notes (customer) VALUES (NULL)").sqlstate == "23502"
    session.execute("DROP TABLE notes")
    assert refused(session, "SELECT * FROM notes").sqlstate == "42P01"


def test_names_of_relations_are_not_taken(session: psycopg.Connection[Any]) -> None:
    """Those that the role sees keep their meaning; those that it does not are as if they were not there."""
    told = refused(session, "CREATE TEMP TABLE customers AS SELECT 1 AS id")
    assert "temp-table-name" in str(told.diag.message_detail)
    for name in ("staff", "nowhere"):
        session.execute(f"CREATE TEMP TABLE {name} (id int, mine text)")
        assert session.execute(f"SELECT * FROM {name}").description[1].name == "mine"
        session.execute(f"DROP TABLE {name}")
        assert refused(session, f"DROP TABLE {name}").diag.message_primary == f'table "{name}" does not exist'
        session.execute(f"DROP TABLE IF EXISTS {name}")


#: Asked of a temporary table with the name of a relation that is hidden, and of one with a name that is nowhere.
QUESTIONS = """
SELECT * FROM {}
SELECT {}.mine FROM {}
SELECT {} FROM {}
SELECT {}::text FROM {}
SELECT row_to_json({}), pg_typeof({})::text FROM {}
SELECT {}::int FROM {}
SELECT sum({}) FROM {}
SELECT array_agg({})::text FROM {}
SELECT pg_typeof(array_agg({})) FROM {}
SELECT pg_typeof(x) FROM (SELECT {} FROM {}) x
SELECT tableoid FROM {}
SELECT {}.tableoid::regclass FROM {}
SELECT ctid FROM {}
SELECT '{}'::regclass
SELECT to_regclass('{}')
SELECT to_regclass('pg_temp.{}')
SELECT 'pg_temp.{}'::regclass
SELECT to_regclass($$pg_temp.$$ || '{}')
SELECT '{}'::regtype
SELECT to_regtype('{}')
SELECT to_regtype('pg_temp.{}')
SELECT 'pg_temp.{}'::regtype
SELECT '_{}'::regtype
SELECT '{}[]'::regtype
SELECT NULL::{}
SELECT NULL::pg_temp.{}
SELECT pg_typeof(NULL::{}[])
SELECT {}(1)
SELECT {}('(1,a)')
SELECT _{}('{{}}')
SELECT '(1,a)'::{}
CREATE TEMP TABLE more (c {})
CREATE TEMP TABLE more (c pg_temp.{}[])
CREATE TEMP TABLE more (LIKE {})
CREATE TEMP TABLE more AS SELECT {} FROM {}
CREATE TEMP TABLE IF NOT EXISTS {} (id int)
CREATE TEMP TABLE {} (id int)
CREATE TABLE {} (id int)
CREATE TABLE public.{} (id int)
INSERT INTO {} VALUES (1, 'a') RETURNING *
INSERT INTO {} VALUES (1, 'a') RETURNING {}
INSERT INTO {} VALUES (1, 'a') RETURNING tableoid
UPDATE {} SET mine = 'b' RETURNING {}.*
INSERT INTO {} (id) VALUES ('x')
INSERT INTO {} (nothing) VALUES (1)
EXPLAIN (COSTS off) SELECT * FROM {}
EXPLAIN (COSTS off, VERBOSE) SELECT * FROM {}
EXPLAIN (COSTS off, VERBOSE) UPDATE {} SET id = 1
ANALYZE {}
CREATE INDEX ON {} (id)
CREATE INDEX ON {} ((nothing))
TRUNCATE {}
LOCK {}
SELECT relname FROM pg_class WHERE relname = '{}'
SELECT typname FROM pg_type WHERE typname = '{}'
SELECT table_name FROM information_schema.tables WHERE table_name = '{}'
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('{}')
SELECT has_table_privilege('{}', 'select')
SELECT pg_table_is_visible(oid) FROM pg_class WHERE relname = '{}'
SELECT pg_get_serial_sequence('{}', 'id')
SELECT nextval('{}_id_seq')
DROP TABLE public.{}
DROP TABLE sales.{}
DROP TABLE {}, {}
""".strip().splitlines()


def test_a_hidden_name_and_one_that_is_nowhere_are_alike(scratching: RunningGateway, given: Given) -> None:
    """By no way of asking, printing or failing can a table tell whether its name is taken by what is hidden."""
    answers: dict[str, list[Any]] = {}
    with psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as session:
        heard: list[str] = []
        session.add_notice_handler(lambda notice: heard.append(str(notice.message_primary)))
        for name in ("staff", "staxx"):
            told: list[Any] = []
            for question in QUESTIONS:
                session.execute(f"DROP TABLE IF EXISTS {name}, more")
                session.execute(f"CREATE TEMP TABLE {name} (id int, mine text)")
                session.execute(f"INSERT INTO {name} VALUES (1, 'a')")
                heard.clear()
                try:
                    done = session.execute(question.replace("{}", name).replace("{{", "{").replace("}}", "}"))
                    answer: Any = done.fetchall() if done.description else done.statusmessage
                except psycopg.Error as error:
                    answer = (error.sqlstate, error.diag.message_primary, error.diag.message_hint)
                told.append(str((question, answer, *heard)).replace(name, "NAME"))
            answers[name] = told
    assert answers["staff"] == answers["staxx"]


def test_what_a_function_leaves_behind_stays_out_of_sight(session: psycopg.Connection[Any]) -> None:
    assert session.execute("SELECT public.fill()").fetchone() == (1,)
    session.execute("CREATE TEMP TABLE other (id int)")
    for sql in ("SELECT * FROM filled", "SELECT * FROM pg_temp.filled", "TABLE filled", "COPY filled TO STDOUT"):
        assert refused(session, sql).sqlstate == "42P01"
    assert refused(session, "CREATE TEMP TABLE filled AS SELECT 1").sqlstate == "42P07"
    session.execute("CREATE TEMP TABLE IF NOT EXISTS filled (email text)")
    with session.transaction():
        session.execute("CREATE TEMP TABLE brief (id int); DROP TABLE brief; SELECT 1")
    assert refused(session, "SELECT * FROM filled").sqlstate == "42P01"


REFUSED = [
    "CREATE TABLE real AS SELECT 1",
    "CREATE TABLE public.real (id int)",
    "SELECT 1 INTO real",
    "CREATE TEMP TABLE t (LIKE customers INCLUDING ALL)",
    "CREATE TEMP TABLE t () INHERITS (customers)",
    "CREATE TEMP TABLE t (id int) PARTITION BY LIST (id)",
    "CREATE TEMP TABLE t PARTITION OF customers DEFAULT",
    "CREATE TEMP TABLE t (id int REFERENCES customers)",
    "CREATE TEMP TABLE t (id int, EXCLUDE USING gist (id WITH =))",
    "CREATE TEMP TABLE t OF customers",
    "CREATE TEMP TABLE t (id int) WITH (fillfactor = 70)",
    "CREATE TEMP TABLE t (id int) TABLESPACE pg_default",
    "CREATE TEMP TABLE t (id text DEFAULT pg_read_file('/etc/passwd'))",
    "CREATE TEMP TABLE t (id text CHECK (query_to_xml('select 1', true, true, '') IS NULL))",
    "CREATE TEMP TABLE t (id text DEFAULT current_setting('pgcurfew.mask_key'))",
    "CREATE TEMP TABLE t AS EXECUTE p",
    "CREATE TEMP TABLE t AS TABLE staff",
    "CREATE TEMP TABLE public.t (id int)",
    "CREATE TEMP VIEW v AS SELECT 1",
    "CREATE TEMP SEQUENCE s",
    "CREATE INDEX ON customers (email)",
    "CREATE INDEX ON customers (id)",
    "DROP TABLE customers",
    "DROP TABLE public.customers",
    "DROP TABLE mine, customers",
    "DROP VIEW mine",
    "ALTER TABLE mine ADD COLUMN x int",
    "ALTER TABLE mine INHERIT customers",
    "CREATE TRIGGER x AFTER INSERT ON mine EXECUTE FUNCTION fill()",
    "CREATE RULE x AS ON INSERT TO mine DO ALSO SELECT 1",
    "GRANT SELECT ON mine TO PUBLIC",
    "CREATE INDEX ON mine (id) WITH (fillfactor = 70)",
    "CREATE INDEX ON mine ((pg_read_file('x') IS NULL))",
    "CREATE INDEX CONCURRENTLY ON mine (id)",
    "INSERT INTO customers (id) SELECT id FROM mine",
    "UPDATE orders SET status = 'paid' WHERE id = 1",
    "WITH gone AS (DELETE FROM orders WHERE id = 1 RETURNING id) INSERT INTO mine SELECT id FROM gone",
    "DELETE FROM customers USING mine WHERE mine.id = customers.id",
    "TRUNCATE mine, orders",
    "COPY orders FROM STDIN",
    "ANALYZE orders",
    "ANALYZE",
    "LOCK orders",
    "LOCK mine, orders",
    "MERGE INTO orders o USING mine m ON m.id = o.id WHEN MATCHED THEN DELETE",
    "SELECT * FROM orders FOR UPDATE",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_nothing_else_comes_with_it(sql: str, scratching: RunningGateway, given: Given) -> None:
    with psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as session:
        session.execute("CREATE TEMP TABLE mine (id int)")
        assert refused(session, sql).sqlstate in ("42501", "0A000", "42P01", "42P16")
        assert session.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_it_comes_and_goes_with_its_transaction(scratching: RunningGateway, given: Given) -> None:
    with psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as session:

        def there(*names: str) -> list[bool]:
            found = []
            for name in names:
                try:
                    with session.transaction():
                        session.execute(f"SELECT * FROM {name}")
                    found.append(True)
                except psycopg.errors.UndefinedTable:
                    found.append(False)
            return found

        session.execute("BEGIN")
        session.execute("CREATE TEMP TABLE a (id int)")
        session.execute("SAVEPOINT s")
        session.execute("CREATE TEMP TABLE b (id int)")
        session.execute("DROP TABLE a")
        assert there("a", "b") == [False, True]
        session.execute("ROLLBACK TO s")
        assert there("a", "b") == [True, False]
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("SELECT 1/0")
        session.execute("ROLLBACK TO s")
        assert there("a", "b") == [True, False]
        session.execute("ROLLBACK")
        assert there("a", "b") == [False, False]
        session.execute("BEGIN")
        session.execute("CREATE TEMP TABLE a ON COMMIT DROP AS SELECT 1 AS id")
        session.execute("CREATE TEMP TABLE b ON COMMIT DELETE ROWS AS SELECT 1 AS id")
        assert there("a", "b") == [True, True]
        session.execute("COMMIT")
        assert there("a", "b") == [False, True]
        assert session.execute("SELECT * FROM b").fetchall() == []
        session.execute("DISCARD TEMP")
        assert there("b") == [False]
        session.execute("CREATE TEMP TABLE a (id int)")
        session.execute("DISCARD ALL")
        assert there("a") == [False]
        session.execute("CREATE TEMP TABLE a (id int); SELECT 1")
        assert there("a") == [True]
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("DROP TABLE a; SELECT 1/0")
        assert there("a") == [True]


def test_no_other_session_sees_it(scratching: RunningGateway, given: Given) -> None:
    with (
        psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as one,
        psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as other,
    ):
        one.execute("CREATE TEMP TABLE mine AS SELECT 'only here' AS said")
        [path] = one.execute("SELECT current_schemas(true)").fetchone() or ([],)
        schema = next(name for name in path if name.startswith("pg_temp_"))
        assert one.execute(f"SELECT said FROM {schema}.mine").fetchone() == ("only here",)
        other.execute("CREATE TEMP TABLE theirs (id int)")
        for name in ("mine", "pg_temp.mine", f"{schema}.mine"):
            assert refused(other, f"SELECT * FROM {name}").sqlstate == "42P01"


def test_messages_that_come_in_one_go(scratching: RunningGateway, given: Given) -> None:
    """What is sent behind it waits until it is known; the client hears what PostgreSQL says and no more."""
    with logged_in(scratching, given) as client:
        run = (Bind("", ""), Describe("P", ""), Execute(""), Sync())
        client.send(
            Query("CREATE TEMP TABLE a AS SELECT 7 AS seven"),
            Query("SELECT seven FROM a"),
            *(Parse("", "CREATE TEMP TABLE b AS SELECT 8 AS eight"), *run),
            *(Parse("s", "SELECT eight FROM b"), Bind("", "s"), Execute(""), Sync()),
            Query("BEGIN; CREATE TEMP TABLE c AS SELECT 9 AS nine"),
            Query("SELECT nine FROM c"),
            Query("ROLLBACK"),
            Query("SELECT nine FROM c"),
            *(Bind("", "s"), Execute(""), Sync()),
        )
        said = []
        for _ in range(9):
            heard = client.until_ready()
            words = [one.tag for one in heard if isinstance(one, CommandComplete)]
            words += [str(one.values[0]) for one in heard if isinstance(one, DataRow)]
            words += [one.fields["C"] for one in heard if isinstance(one, ErrorResponse)]
            said.append(words)
        rows = [["SELECT 1", "b'7'"], ["SELECT 1"], ["SELECT 1", "b'8'"]]
        last = [["SELECT 1", "b'9'"], ["ROLLBACK"], ["42P01"], ["SELECT 1", "b'8'"]]
        assert said == [["SELECT 1"], *rows, ["BEGIN", "SELECT 1"], *last]


def test_a_role_without_it_is_told_what_to_ask_for(scratching: RunningGateway) -> None:
    given = scratching.give("support")
    with psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as session:
        told = refused(session, "CREATE TEMP TABLE t (id int)")
        assert told.sqlstate == "42501"
        assert "temp_tables" in str(told.diag.message_hint)


def test_a_write_is_fed_from_it(scratching: RunningGateway) -> None:
    given = scratching.give("loader", reason="OPS-1: a test needs it")
    with psycopg.connect(scratching.conninfo(given), password=given.token) as session:
        session.execute("CREATE TEMP TABLE fixes AS SELECT id, status FROM orders WHERE id <= 40")
        changed = session.execute("UPDATE orders o SET status = f.status FROM fixes f WHERE f.id = o.id")
        assert changed.rowcount == 40
        session.rollback()
        assert refused(session, "SELECT * FROM fixes").sqlstate == "42P01"
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            session.execute("CREATE TEMP TABLE many AS SELECT 1; UPDATE orders SET status = 'paid' WHERE id < 99")
        session.rollback()


def test_what_is_made_anew_is_not_taken_for_what_it_was(scratching: RunningGateway, given: Given) -> None:
    """A script that is run twice: what it makes is known after its query string, not before, and never by its name."""
    script = "DROP TABLE IF EXISTS again; CREATE TEMP TABLE again AS SELECT id AS {} FROM customers WHERE id < 3"
    with psycopg.connect(scratching.conninfo(given), password=given.token, autocommit=True) as session:
        for name in ("a", "b"):
            told = refused(session, f"{script.format(name)}; SELECT * FROM again")
            assert (told.sqlstate, "next query string" in str(told.diag.message_hint)) == ("42P01", True)
            session.execute(script.format(name))
            done = session.execute(f"SELECT {name} FROM again ORDER BY 1")
            assert done.fetchall() == [(1,), (2,)]
        session.execute("PREPARE p AS SELECT b FROM again")
        assert refused(session, f"{script.format('b')}; EXECUTE p").sqlstate == "42P01"
        assert session.execute("EXECUTE p").rowcount == 2
    with logged_in(scratching, given) as client:
        make = (Parse("", "DROP TABLE IF EXISTS again"), *(Bind("", ""), Execute("")))
        make += (Parse("", "CREATE TEMP TABLE again AS SELECT 1 AS a"), *(Bind("", ""), Execute("")))
        client.send(*make, Sync(), Parse("s", "SELECT a FROM again"), Bind("", "s"), Execute(""), Sync())
        for _ in range(2):
            assert not any(isinstance(one, ErrorResponse) for one in client.until_ready())
        for later in ((Parse("", "SELECT a FROM again"), Describe("S", "")), (Bind("", "s"), Describe("P", "")),
                      (Parse("", "EXECUTE s"), Bind("", ""), Execute(""))):  # fmt: skip
            client.send(*make, *later, Sync())
            assert [e.fields["C"] for e in client.until_ready() if isinstance(e, ErrorResponse)] == ["42P01"]
        client.send(Query("SELECT 1"))
        client.until_ready()
