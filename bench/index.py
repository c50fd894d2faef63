"""How long answers take over an index of so many statements: `python -m bench.index [STATEMENTS]`.

The statements are invented and go into the tables past the record: 200 people, 5 targets, 3,000 shapes of which
few are frequent and 20 come in a session of 100, over a year. Each question is asked three times, on an index that
was just opened.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from gateway.audit.index import schema
from gateway.audit.index.answering import Index
from gateway.audit.index.indexing import Indexer, Row
from gateway.audit.index.questions import Question
from gateway.audit.index.schema import MICROSECONDS_A_DAY, SAME_MOMENT
from gateway.audit.index.shapes import Shape, Shapes, Touched

PEOPLE, TARGETS, SHAPES, DAYS, A_SESSION = 200, 5, 3000, 365, 100
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def shapes() -> list[Shape]:
    """Reads and writes of 60 relations of 20 columns."""
    found = []
    for number in range(SHAPES):
        relation = f"public.relation_{number % 60}"
        column, other = f"{relation}.column_{number % 20}", f"{relation}.column_{number * 7 % 20}"
        written = number % 10 == 0
        text = f"SELECT column_{number % 20}, word_{number} FROM relation_{number % 60} WHERE id = $1"
        touched = Touched(read=(column, other), written=(column,) if written else ())
        verdict = "refused" if number % 50 == 0 else "rewritten"
        kind = "update" if written else "select"
        found.append(
            Shape(text, f"{number:016x}", kind, verdict, "relation" if verdict == "refused" else "", "", touched)
        )
    return found


def fill(path: Path, statements: int) -> None:
    """An index as if so many statements had been recorded."""
    dice = random.Random(1)
    connection = schema.writable(path)
    connection.execute("PRAGMA synchronous = OFF")
    indexer = Indexer(connection, path.parent)
    connection.execute("BEGIN")
    book = Shapes(connection, words=schema.has_words(connection))
    kinds = [book.number(shape) for shape in shapes()]
    weights = [1 / (place + 1) ** 0.8 for place in range(SHAPES)]
    holders = [
        indexer.holder(f"person-{person}", f"target-{target}", "support")
        for person in range(PEOPLE)
        for target in range(TARGETS)
    ]
    connection.execute("COMMIT")
    start = int(FIRST.timestamp() * 1e6)
    step = DAYS * MICROSECONDS_A_DAY // statements
    for session in range(statements // A_SESSION):
        if session % 1000 == 0:
            connection.execute("BEGIN")
            rows: list[Row] = []
            tally: dict[tuple[int, int, int], int] = {}
        holder = dice.choice(holders)
        began = start + session * A_SESSION * step
        connection.execute(
            "INSERT INTO session (id, name, holder, under, reason, client, began) VALUES (?, ?, ?, ?, '', '', ?)",
            (session + 1, f"ses_{session}", holder, f"grant-{session // 10}", began),
        )
        used = dice.choices(kinds, weights, k=20)
        for number, shape in enumerate(dice.choices(used, k=A_SESSION), 1):
            when = began + number * step
            error = "42501" if dice.random() < 0.01 else None
            rows.append(Row(when * SAME_MOMENT, session + 1, number, number + 1, shape, 1, 3, 120, 900, error))
            key = (shape, when // MICROSECONDS_A_DAY, holder)
            tally[key] = tally.get(key, 0) + 1
        if session % 1000 == 999 or session == statements // A_SESSION - 1:
            indexer.insert(rows)
            indexer.count(tally)
            connection.execute("COMMIT")
    schema.add_indexes(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def questions() -> dict[str, Callable[[Index], object]]:
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    noon = FIRST + timedelta(days=40, hours=12)
    return {
        "the latest": lambda index: index.page(Question()),
        "by day": lambda index: index.counts(Question(), "day"),
        "by user": lambda index: index.counts(Question(), "user"),
        "by relation": lambda index: index.counts(Question(), "relation"),
        "who read a column in March": lambda index: index.counts(
            Question(column="relation_7.column_7", written=False, since=since, until=until), "user"
        ),
        "a column, by day": lambda index: index.counts(Question(column="relation_7.column_7"), "day"),
        "a frequent column": lambda index: index.page(Question(column="relation_1.column_1")),
        "a relation, written": lambda index: index.page(Question(relation="relation_10", written=True)),
        "one person": lambda index: index.page(Question(person="person-3")),
        "one person, by relation": lambda index: index.counts(Question(person="person-3"), "relation"),
        "one person and a column": lambda index: index.page(Question(person="person-3", column="relation_1.column_1")),
        "a grant": lambda index: index.page(Question(grant="grant-77")),
        "refused": lambda index: index.page(Question(verdict="refused")),
        "an SQLSTATE": lambda index: index.page(Question(sqlstate="42501")),
        "masked, by user": lambda index: index.counts(Question(verdict="rewritten"), "user"),
        "a word": lambda index: index.page(Question(text="word_1234")),
        "a word of all": lambda index: index.page(Question(text="select")),
        "from noon to noon, by day": lambda index: index.counts(
            Question(since=noon, until=noon + timedelta(days=200)), "day"
        ),
        "an hour": lambda index: index.page(Question(since=noon, until=noon + timedelta(hours=1))),
    }


def main() -> None:
    statements = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[2] if len(sys.argv) > 2 else folder) / schema.FILE
        if not path.exists():
            began = perf_counter()
            fill(path, statements)
            print(f"{statements:,} statements, {path.stat().st_size / 1e6:,.0f} MB, {perf_counter() - began:.0f} s")
        slowest = 0.0
        for name, ask in questions().items():
            index = Index(schema.readable(path))
            took = []
            for _ in range(3):
                began = perf_counter()
                ask(index)
                took.append(perf_counter() - began)
            index.close()
            slowest = max(slowest, took[0])
            print(f"{name:<28} {took[0] * 1000:8.1f} ms   then {min(took[1:]) * 1000:8.1f} ms")
        print(f"the slowest: {slowest * 1000:.0f} ms")


if __name__ == "__main__":
    main()
