"""The door itself: it always answers, in PostgreSQL's words, and the record holds no constants."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pglast import parser

from masking.nodes import message_children
from masking.origins import clear_origins
from masking.parse import Message, parse
from masking.policy import StatementKind
from masking.positions import position_in_original
from masking.review import review
from masking.verdict import Passed, Refused, Review, Rewritten
from tests.masking.test_review_cases import CASES
from tests.masking.village import CATALOG, READER, WRITER

PROTECTED = {"users", "user_view", "child", "base", "pay", "made"}
SECRET = "s3cr3t"


def _relations_outside_subselects(message: Message, inside: bool = False) -> list[str]:
    """Protected relations of public that stand where a query could read them raw."""
    found: list[str] = []
    name = message.DESCRIPTOR.name
    if name == "RangeVar" and message.schemaname == "public" and message.relname in PROTECTED and not inside:
        found.append(message.relname)
    # Ours is recognised by its shape: all columns of one relation, and nothing else.
    ours = name == "RangeSubselect" and message.subquery.select_stmt.from_clause and len(message.ListFields()) >= 2
    for child in message_children(message):
        found += _relations_outside_subselects(child, inside or bool(ours))
    return found


@pytest.mark.parametrize("case", [c for c in CASES if c.mark == "-->" and c.role == "reader"], ids=lambda c: c.place)
def test_no_protected_relation_is_named_outside_a_subselect(case: object) -> None:
    sent = review(case.sql, READER, CATALOG).text  # type: ignore[attr-defined]
    assert _relations_outside_subselects(parse(sent)) == []


@pytest.mark.parametrize(
    ("sql", "message", "position"),
    [
        ("SELECT * FROM hidden", 'relation "hidden" does not exist', 15),
        ("SELECT 'é', x.* FROM absent x", 'relation "absent" does not exist', 22),
        ("SELECT * FROM s.absent", 'relation "s.absent" does not exist', 15),
        ("SELECT 1; SELECT * FROM hidden", 'relation "hidden" does not exist', 25),
        ("SELEC 1", 'syntax error at or near "SELEC"', 1),
        ("SELECT 'é' FRM x y", 'syntax error at or near "x"', 16),
        ("SELECT 1 FROM", "syntax error at end of input", 14),
        ("SELECT 'x", 'unterminated quoted string at or near "\'x"', 8),
        ("SELECT pg_read_file('x')", "function pg_read_file with 1 argument is not permitted for role reader", 8),
        ("DROP TABLE users", "DROP TABLE is not permitted for role reader", None),
    ],
)
def test_a_refusal_says_where_and_in_whose_words(sql: str, message: str, position: int | None) -> None:
    refusal = review(sql, READER, CATALOG).refusal
    assert refusal is not None
    assert (refusal.message, refusal.position) == (message, position)


def test_a_refusal_by_policy_names_its_rule_and_what_to_ask_for() -> None:
    refusal = review("DROP TABLE users", READER, CATALOG).refusal
    assert refusal is not None
    assert refusal.sqlstate == "42501"
    assert refusal.detail == "Rule: statement-kind."
    assert refusal.hint


@pytest.mark.parametrize("sql", ["", "   ", ";", ";;", "-- nothing", "/* nothing */ ;"])
def test_an_empty_query_has_no_verdicts(sql: str) -> None:
    assert review(sql, READER, CATALOG) == Review(())


def test_statements_of_one_string_keep_their_places() -> None:
    sql = "  SELECT 'é' ;SELECT 2;\n DELETE FROM orders WHERE id = 1"
    verdicts = review(sql, WRITER, CATALOG).verdicts
    texts = [sql[v.statement.start : v.statement.end] for v in verdicts if v.statement is not None]
    assert texts == ["SELECT 'é'", "SELECT 2", "DELETE FROM orders WHERE id = 1"]


def test_what_was_touched_is_told_column_by_column() -> None:
    verdict = review(
        "SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id", READER, CATALOG
    ).verdicts[0]
    assert isinstance(verdict, Rewritten)
    users, orders = verdict.statement.touched
    assert (users.relation, users.read, users.masked) == ("public.users", ("id", "email"), (("email", "null"),))
    assert (orders.relation, orders.read, orders.written) == ("public.orders", ("user_id", "total"), ())
    verdict = review("UPDATE orders SET note = 'x' WHERE id = 1", WRITER, CATALOG).verdicts[0]
    assert isinstance(verdict, Passed)
    assert verdict.statement.writes
    assert verdict.statement.touched[0].written == ("note",)


def test_a_star_touches_every_column() -> None:
    verdict = review("SELECT * FROM users", READER, CATALOG).verdicts[0]
    assert isinstance(verdict, Rewritten)
    assert verdict.statement.touched[0].read == ("id", "name", "email", "salary", "doc")


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT '{SECRET}'",
        f"SELECT 1 /* {SECRET} */",
        f"SELECT 1 -- {SECRET}",
        f"SELECT $${SECRET}$$, $a${SECRET}$a$, E'{SECRET}', U&'{SECRET}', B'0'",
        f"SELECT 'x'\n'{SECRET}'",
        f"INSERT INTO orders (note) VALUES ('{SECRET}') ON CONFLICT DO NOTHING",
        f"SET application_name = '{SECRET}'",
        f"NOTIFY c, '{SECRET}'",
        f"PREPARE p AS SELECT '{SECRET}'",
        f"EXECUTE p ('{SECRET}')",
        f"COPY orders TO STDOUT (NULL '{SECRET}')",
        f"COPY (SELECT '{SECRET}') TO STDOUT",
        f"EXPLAIN SELECT '{SECRET}'",
        f"DECLARE c CURSOR FOR SELECT '{SECRET}'",
        f"DO $$ {SECRET} $$",
        f"CREATE ROLE x PASSWORD '{SECRET}'",
        f"ALTER ROLE x PASSWORD '{SECRET}'",
        f"CREATE TABLE t (a text DEFAULT '{SECRET}')",
        f"SELECT json_value('{{}}', '$.{SECRET}' DEFAULT '{SECRET}' ON EMPTY)",
        f"COMMENT ON TABLE users IS '{SECRET}'",
        f"MERGE INTO orders o USING vals v ON v.v = '{SECRET}' WHEN MATCHED THEN UPDATE SET note = '{SECRET}'",
    ],
)
def test_the_record_holds_no_constant(sql: str) -> None:
    for verdict in review(sql, WRITER, CATALOG).verdicts:
        assert verdict.statement is not None
        assert SECRET not in verdict.statement.normalized
        assert verdict.statement.normalized
        assert verdict.statement.fingerprint


@pytest.mark.parametrize(
    ("sql", "kind", "name"),
    [
        ("PREPARE p AS SELECT 1", StatementKind.PREPARE, "p"),
        ("EXECUTE p", StatementKind.EXECUTE, "p"),
        ("DEALLOCATE ALL", StatementKind.DEALLOCATE, None),
        ("FETCH 1 FROM c", StatementKind.FETCH, "c"),
        ("CLOSE ALL", StatementKind.CLOSE, None),
        ("COPY orders TO STDOUT", StatementKind.COPY_TO, None),
        ("SELECT * INTO t FROM orders", StatementKind.OTHER, None),
    ],
)
def test_a_statement_has_a_kind_and_perhaps_a_name(sql: str, kind: StatementKind, name: str | None) -> None:
    statement = review(sql, READER, CATALOG).verdicts[0].statement
    assert statement is not None
    assert (statement.kind, statement.name) == (kind, name)


def test_the_second_lock_knows_clear_columns_only() -> None:
    origins = clear_origins(READER, CATALOG)
    users, orders = origins[1], origins[3]
    assert {1, 2, 5, -1, -6} <= users
    assert not users & {0, 3, 4}
    assert {0, 1, 2, 3, 4, -1} <= orders
    assert 4 not in origins
    assert 3456 not in origins
    assert 2 not in origins[7]


# It always answers


@pytest.mark.parametrize("depth", [10, 60, 200, 900, 4000, 20000])
def test_depth_is_answered(depth: int) -> None:
    for sql in (
        "SELECT " + " || ".join(["'a'"] * depth),
        "SELECT " + "(" * depth + "1" + ")" * depth,
        "SELECT " + "-(" * depth + "1" + ")" * depth,
        "SELECT " + "(SELECT " * depth + "1" + ")" * depth,
        " UNION ".join(["SELECT id FROM orders"] * depth),
        "SELECT * FROM " + "(" * depth + "orders" + " JOIN vals ON true)" * depth,
        "SELECT 1 WHERE " + "NOT " * depth + "true",
        "SELECT ARRAY" + "[" * depth + "1" + "]" * depth,
    ):
        result = review(sql, READER, CATALOG)
        assert result.refusal is None or result.refusal.sqlstate in {"54001", "42601", "0A000"}, result.refusal


@pytest.mark.parametrize(
    "sql", ["SELECT '\ud800'", "SELECT 1\0", "\0", "\ufeffSELECT 1", "SELECT 1;\0DROP TABLE users"]
)
def test_odd_text_is_answered(sql: str) -> None:
    assert isinstance(review(sql, READER, CATALOG), Review)


TOKENS = sorted({token for case in CASES for token in case.sql.replace("(", " ( ").replace(")", " ) ").split()})


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 2**32))
def test_almost_valid_statements_are_answered_and_never_by_a_bug(case: object, seed: int) -> None:
    dice = random.Random(seed)
    words = case.sql.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()  # type: ignore[attr-defined]
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(words)) if words else 0
        match dice.randrange(4):
            case 0:
                words.insert(place, dice.choice(TOKENS))
            case 1 if words:
                words[place] = dice.choice(TOKENS)
            case 2 if words:
                del words[place]
            case _ if words:
                other = dice.randrange(len(words))
                words[place], words[other] = words[other], words[place]
    result = review(" ".join(words), WRITER, CATALOG)
    for verdict in result.verdicts:
        if isinstance(verdict, Refused):
            assert verdict.refusal.rule != "internal", (" ".join(words), verdict.refusal)
        else:
            parser.parse_sql_protobuf(verdict.text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_answered(sql: str) -> None:
    result = review(sql, READER, CATALOG)
    assert result.refusal is None or result.refusal.rule != "internal"


# Positions come back to the client's own text


@pytest.mark.parametrize(
    ("sql", "needle"),
    [
        ("SELECT  u.nothing   FROM users u", "u.nothing"),
        ("SELECT u.id FROM users u WHERE  u.id =  nothing", "nothing"),
        ("SELECT 'é',  upper(id) FROM orders", "upper"),
        ("SELECT id+'x' FROM orders", "'x'"),
        ("SELECT 1;  SELECT o.nothing FROM orders o", "o.nothing"),
    ],
)
def test_a_position_in_the_sent_text_is_found_in_the_original(sql: str, needle: str) -> None:
    sent = review(sql, READER, CATALOG).text
    place = sent.index("pg_catalog.upper" if needle == "upper" else needle) + 1
    assert position_in_original(sql, sent, place) == sql.index(needle) + 1


def test_a_position_in_inserted_text_is_nowhere() -> None:
    sql = "SELECT email FROM users"
    sent = review(sql, READER, CATALOG).text
    assert position_in_original(sql, sent, sent.index("NULL::") + 1) is None
    assert position_in_original("SELEC", sent, 1) is None
    assert position_in_original(sql, sent, 10_000) is None
