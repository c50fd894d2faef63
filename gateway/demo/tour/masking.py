"""Chapter: no raw value comes out, whatever the query looks like."""

from __future__ import annotations

from typing import Any

from gateway.demo.tour.cast import Cast

#: (what it tries, what is typed)
ATTEMPTS = (
    ("every column", "SELECT * FROM customers ORDER BY id LIMIT 3;"),
    ("an expression", "SELECT upper(email), substr(card_number, 1, 10) FROM customers ORDER BY id LIMIT 3;"),
    ("a whole row as JSON", "SELECT row_to_json(c) FROM customers c ORDER BY id LIMIT 2;"),
    ("a search", "SELECT count(*) FROM customers WHERE email LIKE 'sam.bakker1@%';"),
    ("an order", "SELECT id, email FROM customers ORDER BY email, id LIMIT 3;"),
    ("a view", "SELECT * FROM customer_overview ORDER BY id LIMIT 3;"),
    ("a join",
     "SELECT p.payer_name, p.card_last4, c.email\nFROM payments p JOIN orders o ON o.id = p.order_id\n"
     "JOIN customers c ON c.id = o.customer_id ORDER BY p.id LIMIT 3;"),
    ("an aggregate",
     "SELECT string_agg(email, ' ') FROM (SELECT email FROM customers ORDER BY id LIMIT 5) AS few;"),
    ("free text", "SELECT id, subject, notes FROM support_tickets ORDER BY id LIMIT 3;"),
    ("COPY", "COPY customers TO STDOUT;"),
    ("a cursor", "BEGIN; DECLARE c CURSOR FOR SELECT email, phone FROM customers; FETCH 3 FROM c; COMMIT;"),
    ("a prepared statement",
     "PREPARE p AS SELECT email, date_of_birth FROM customers WHERE id = $1;\nEXECUTE p(1);\nEXECUTE p(2);"),
    ("columns that nobody classified",
     "SELECT id, street, credit_limit, last_ip, preferences FROM customers ORDER BY id LIMIT 3;"),
)  # fmt: skip


#: Every raw value is longer than this.
GRAM = 10


class Secrets:
    """Raw values that must not come out: all e-mail addresses, cards and telephone numbers there are."""

    def __init__(self, values: frozenset[str]) -> None:
        self.values = values
        self._by_beginning: dict[str, list[str]] = {}
        for value in values:
            self._by_beginning.setdefault(value[:GRAM], []).append(value)

    @classmethod
    def of(cls, cast: Cast) -> Secrets:
        said = cast.directly(
            "SELECT lower(email) FROM customers UNION SELECT card_number FROM customers WHERE card_number IS NOT NULL "
            "UNION SELECT phone FROM customers WHERE phone IS NOT NULL"
        )
        return cls(frozenset(said.splitlines()))

    def in_(self, text: str) -> list[str]:
        """Those that a text holds anywhere, whatever stands before or after."""
        lowered = text.lower()
        return [
            value
            for place in range(len(lowered) - GRAM + 1)
            for value in self._by_beginning.get(lowered[place : place + GRAM], ())
            if lowered.startswith(value, place)
        ]


def play(cast: Cast) -> None:
    """Each attempt succeeds as a query and shows masks only."""
    tell = cast.narrator
    tell.chapter(
        4, "Masked", "The data is there, the personal part of it is not. Masks are in the SQL, below everything else."
    )
    secrets = Secrets.of(cast)
    tell.say(f"The database holds {len(secrets.values):,} addresses, cards and telephone numbers. None may be seen.")
    for what, sql in ATTEMPTS:
        arguments = ("-At",) if "json" in sql else ()
        done = cast.psql(sql) if sql.startswith("COPY") else cast.show(sql, *arguments)
        leaked = secrets.in_(done.text)
        tell.check(done.code == 0 and "ERROR" not in done.text, f"{what}: runs", done.text)
        tell.check(not leaked, f"{what}: {len(done.text):,} characters, nothing raw in them", str(leaked[:3]))
    _types(cast)
    _unclassified(cast)
    _binary(cast, secrets)


def _types(cast: Cast) -> None:
    sql = "SELECT * FROM customers \\gdesc"
    done = cast.show(sql, "-At")
    truth = cast.directly(
        "SELECT attname || '|' || format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'public.customers'::regclass AND attnum > 0 ORDER BY attnum"
    )
    # A domain is shown as the type under it; the wire never tells domains apart.
    cast.narrator.check(
        _without_domain(done.out.strip()) == _without_domain(truth), "names and types are those of the table", done.text
    )


def _without_domain(text: str) -> str:
    return text.replace("|postal_code", "|text")


def _unclassified(cast: Cast) -> None:
    done = cast.psql(
        "SELECT count(*), count(street), count(credit_limit), count(last_ip), count(preferences) FROM customers;", "-At"
    )
    total = cast.directly("SELECT count(*) FROM customers")
    cast.narrator.check(done.out.strip() == f"{total}|0|0|0|0", "a column that nobody classified is masked", done.text)


def _binary(cast: Cast, secrets: Secrets) -> None:
    async def work(connection: Any) -> str:
        statement = await connection.prepare(
            "SELECT email, phone, card_number, date_of_birth FROM customers WHERE id = $1"
        )
        rows = [await statement.fetchrow(number) for number in range(1, 201)]
        return " ".join(str(value) for row in rows for value in row)

    seen = cast.asyncpg(work)
    cast.narrator.check(
        bool(seen) and not secrets.in_(seen),
        "asyncpg, binary format, prepared and run 200 times: nothing raw",
        seen[:200],
    )
