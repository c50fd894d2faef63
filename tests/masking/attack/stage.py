"""Two databases that differ only in what masks hide, and the roles that look at them.

Whatever a role can tell the twins apart by is a leak, also where no raw value is seen: a count, a
plan, an order of rows, an error. Pseudonyms show equality by design, so those columns are alike in
both; their canaries must not be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psycopg

from gateway.session.catalog import load_catalog
from masking.catalog import Catalog
from masking.policy import CLEAR, EVERY, Mask, MaskKind, RelationRule, RolePolicy, StatementKind
from tests.support.postgres import Login, Postgres

FOLDER = Path(__file__).parent
KEY = "the-key-of-this-session-is-no-secret-in-a-test"
SEARCH_PATH = ("crm", "public")
CUSTOMERS = 12

#: What must never be seen, per twin. Each is part of a masked cell and not part of its mask.
CANARIES = {
    "a": (
        "zqxalpha",
        "4929551",
        "5550177",
        "918273",
        "10.7.74",
        "1957-03",
        "77.125",
        "xylophone",
        "1111-2222-3333",
        "qwhidden",
    ),
    "b": (
        "wvkbravo",
        "5312662",
        "5550288",
        "907182",
        "10.7.91",
        "1957-08",
        "88.375",
        "xylophone",
        "1111-2222-3333",
        "qwhidden",
    ),
}


@dataclass(frozen=True, slots=True)
class Twin:
    """The values that one twin has in its masked cells."""

    word: str
    card: str
    phone: str
    salary: str
    ip: str
    month: str
    mood: str
    score: str
    level: int


TWINS = {
    "a": Twin("zqxalpha", "4929551", "5550177", "918273", "74", "03", "cross", "77.125", 41),
    "b": Twin("wvkbravo", "5312662", "5550288", "907182", "91", "08", "elated", "88.375", 46),
}

PSEUDONYM = Mask(MaskKind.PSEUDONYM)
CUSTOMER_MASKS = {
    "id": CLEAR,
    "city": CLEAR,
    "signup": CLEAR,
    "name": PSEUDONYM,
    "email": Mask(MaskKind.PARTIAL, (("style", "email"),)),
    "phone": Mask(MaskKind.PARTIAL, (("keep_last", 2),)),
    "card": Mask(MaskKind.PARTIAL, (("style", "card"),)),
    "dob": Mask(MaskKind.GENERALIZE, (("unit", "year"),)),
    "seen": Mask(MaskKind.GENERALIZE, (("unit", "year"),)),
    "salary": Mask(MaskKind.GENERALIZE, (("bucket", 100000),)),
    "score": Mask(MaskKind.FIXED),
    "level": Mask(MaskKind.GENERALIZE, (("bucket", 10),)),
    "profile": Mask(MaskKind.JSONPATH, paths=(("$.n", CLEAR), ("$.word", Mask(MaskKind.FIXED)))),
    "settings": Mask(MaskKind.JSONPATH, paths=(("$.list[*]", Mask(MaskKind.GENERALIZE, (("bucket", 100),))),)),
    "ip": Mask(MaskKind.GENERALIZE, (("prefix", 16),)),
    "mood": Mask(MaskKind.FIXED),
    "contact": Mask(MaskKind.PSEUDONYM, (("style", "email"),)),
    "tags": Mask(MaskKind.FIXED),
    "nick": Mask(MaskKind.TRUNCATE, (("length", 1),)),
    "token": PSEUDONYM,
    "memo": Mask(MaskKind.DETECT),
    # notes, photo, home, internal_code, upper_email: nobody classified them.
}
ORDER_MASKS = {
    "id": CLEAR,
    "customer_id": CLEAR,
    "placed": CLEAR,
    "total": CLEAR,
    "ref": CLEAR,
    "ship_to": Mask(MaskKind.FIXED),
}
PAYMENT_MASKS = {"id": CLEAR, "paid": CLEAR, "amount": CLEAR, "iban": Mask(MaskKind.FIXED)}
CLASSIFICATION = {
    "crm.customers": CUSTOMER_MASKS,
    "crm.vip_customers": {**CUSTOMER_MASKS, "lounge": CLEAR},
    "crm.orders": ORDER_MASKS,
    "crm.payments": PAYMENT_MASKS,
    "crm.payments_2024": PAYMENT_MASKS,
    "crm.events": {EVERY: CLEAR},
    "crm.calls": {EVERY: CLEAR},
    "crm.customer_mail": {"id": CLEAR},
    "crm.guarded": {"id": CLEAR, "city": CLEAR},
    "crm.mail_copy": {"id": CLEAR},
    "crm.measures": {
        "id": CLEAR,
        "kind": CLEAR,
        "word": Mask(MaskKind.FIXED),
        "pad": Mask(MaskKind.PARTIAL, (("keep_first", 1),)),
    },
    **{key: {EVERY: CLEAR} for key in ("crm.labelled", "crm.over_labelled", "crm.with_notes", "crm.plain_orders")},
    "crm.guests": {EVERY: CLEAR},
    **{key: {EVERY: CLEAR} for key in ("crm.loud", "crm.reckoned", "crm.called", "crm.replies", "crm.threads")},
    **{key: {EVERY: CLEAR} for key in ("crm.ranked", "crm.bells", "crm.reports")},
    "crm.desk": {"id": CLEAR, "place": CLEAR, "size": CLEAR},
    "crm.checked_desk": {"id": CLEAR, "place": CLEAR},
    "crm.watched": {"id": CLEAR, "place": CLEAR},
    "crm.afar": {"id": CLEAR},
}
FUNCTIONS = frozenset({"crm.polite", "crm.rooms", "crm.stumble", "crm.inlined"})
READ_ALL = RelationRule(read=frozenset({EVERY}))
WRITE_ALL = RelationRule(read=frozenset({EVERY}), write=frozenset({EVERY}))

READING = frozenset(StatementKind) - {
    StatementKind.INSERT,
    StatementKind.UPDATE,
    StatementKind.DELETE,
    StatementKind.MERGE,
    StatementKind.COPY_FROM,
    StatementKind.TRUNCATE,
    StatementKind.LOCK,
    StatementKind.TEMP_TABLES,
    StatementKind.VACUUM,
    StatementKind.ANALYZE,
    StatementKind.LISTEN,
    StatementKind.NOTIFY,
    StatementKind.OTHER,
}
WRITING = READING | {
    StatementKind.INSERT,
    StatementKind.UPDATE,
    StatementKind.DELETE,
    StatementKind.MERGE,
    StatementKind.COPY_FROM,
}

READER = RolePolicy(
    role="reader",
    version="attack",
    statements=READING,
    relations=dict.fromkeys(CLASSIFICATION, READ_ALL),
    classification=CLASSIFICATION,
    functions=FUNCTIONS,
)
WRITER = RolePolicy(
    role="writer",
    version="attack",
    statements=WRITING,
    relations=dict.fromkeys(CLASSIFICATION, WRITE_ALL),
    classification=CLASSIFICATION,
    functions=FUNCTIONS,
)


def _card(twin: Twin, number: str) -> str:
    """A card's number with a valid check digit (Luhn): one without would be no card to `detect`."""
    digits = [int(digit) for digit in f"{twin.card}{number}000123"]
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    return "".join(map(str, (*digits, -sum(doubled) % 10)))


def _fill(connection: psycopg.Connection, twin: Twin) -> None:
    """The same number of bytes in both twins, so that no size tells them apart."""
    for number in range(1, CUSTOMERS + 1):
        relation = "crm.vip_customers" if number > 10 else "crm.customers"
        w, n = twin.word, f"{number:02}"
        values = (
            number,
            f"Xylophone {n}",
            f"c{w}{n}@mail{number % 3}.example",
            f"+49-{twin.phone}-{n}",
            f"{twin.card}{n}0001234",
            f"1957-{twin.month}-{n}",
            f"2025-{twin.month}-{n} 10:00:00+00",
            f"{twin.salary}.{n}",
            f"{twin.score}{n}",
            twin.level + number % 3,
            f"note {w} {n}",
            f'{{"word": "{w}", "n": {number}}}',
            f'{{"word": "{w}", "list": ["{w}", {number}]}}',
            f"10.7.{twin.ip}.{number}",
            twin.mood,
            f"xylophone{n}@contact.example",
            [w, f"{w}{n}"],
            f"{w}{n}".encode(),
            f"({w},{number})",
            f"n{w}{n}",
            f"0000{n}00-1111-2222-3333-444455556666",
            f"code {w} {n}",
            ("Kiel", "Bonn", "Ulm")[number % 3],
            f"2024-{n}-01",
            f"wrote from c{w}{n}@mail.example, card {_card(twin, n)}, or call +49 {twin.phone} {n}; password={w}",
        )
        places = ", ".join(["%s"] * len(values))
        columns = (
            "id, name, email, phone, card, dob, seen, salary, score, level, notes, profile, settings, ip, mood, "
            "contact, tags, photo, home, nick, token, internal_code, city, signup, memo"
        )
        connection.execute(f"INSERT INTO {relation} ({columns}) VALUES ({places})", values)
        if number <= 10:
            connection.execute(
                "INSERT INTO crm.orders VALUES (%s, %s, %s, %s, %s, %s)",
                (number, number, f"2024-{n}-02", number * 10, f"{w} wants it", f"{w} street"),
            )
        connection.execute(
            "INSERT INTO crm.payments VALUES (%s, %s, %s, %s)",
            (number, f"202{4 + number % 2}-{n}-03", number, f"DE{w}{n}"),
        )
        connection.execute("INSERT INTO crm.events VALUES (%s, %s, %s)", (number, f"e{n}@x.example", "visit"))
    short = twin.word == TWINS["a"].word
    for number in range(1, 301):
        word = f"{number:04}" if short else f"{number % 3:040}"
        pad = "p" * 40 if short else "p" * 4
        connection.execute(
            "INSERT INTO crm.measures VALUES (%s, %s, %s, %s)", (number, f"kind {number % 4}", word, pad)
        )
    connection.execute("INSERT INTO vault.secrets VALUES (1, %s)", (twin.word,))
    connection.execute("INSERT INTO crm.desk VALUES (1, %s, 'left'), (2, %s, 'right')", (twin.word, twin.word))
    connection.execute("INSERT INTO crm.checked_desk VALUES (2, %s, 'right')", (twin.word,))
    connection.execute("INSERT INTO crm.watched VALUES (1, 'left', %s)", (twin.word,))
    connection.execute(f"ALTER FOREIGN TABLE crm.afar OPTIONS (SET program 'echo 1,{twin.word}')")
    connection.execute("REFRESH MATERIALIZED VIEW crm.mail_copy")
    connection.execute("SELECT lo_from_bytea(770001, %s)", (twin.word.encode(),))
    connection.execute("GRANT ALL ON LARGE OBJECT 770001 TO PUBLIC")
    connection.execute("ALTER TABLE crm.customers ADD COLUMN later text DEFAULT " + "'" + twin.word + "'")
    connection.execute("ALTER TABLE crm.orders ADD CHECK (comment <> '" + twin.word + "')")


@dataclass(frozen=True, slots=True)
class Stage:
    """Both twins, ready to be asked."""

    catalog: Catalog
    dsn: dict[str, str]

    def connect(self, twin: str) -> psycopg.Connection:
        options = f"-c pgcurfew.mask_key={KEY} -c search_path={','.join(SEARCH_PATH)} -c statement_timeout=5s"
        return psycopg.connect(self.dsn[twin], autocommit=True, options=options)


@contextmanager
def staged(postgres: Postgres) -> Iterator[dict[str, str]]:
    """The DSN of each twin. Both are copies of one template, so that their OIDs are equal."""
    login = Login("attacker_upstream", "known-to-nobody")
    postgres.run(f"CREATE ROLE {login.user} LOGIN PASSWORD '{login.password}'")
    postgres.run("CREATE DATABASE attack_template TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
    with psycopg.connect(postgres.dsn("attack_template"), autocommit=True) as connection:
        connection.execute((FOLDER / "schema.sql").read_text())
    for name, twin in TWINS.items():
        postgres.run(f"CREATE DATABASE attack_{name} TEMPLATE attack_template")
        with psycopg.connect(postgres.dsn(f"attack_{name}"), autocommit=True) as connection:
            _fill(connection, twin)
            connection.execute("VACUUM (ANALYZE)")
    try:
        yield {name: postgres.dsn(f"attack_{name}", login) for name in TWINS}
    finally:
        for name in (*(f"attack_{twin}" for twin in TWINS), "attack_template"):
            postgres.run(f"DROP DATABASE {name} WITH (FORCE)")
        postgres.run(f"DROP ROLE {login.user}")


async def read_catalog(postgres: Postgres) -> Catalog:
    connection = await asyncpg.connect(postgres.dsn("attack_a"))
    try:
        return await load_catalog(connection, SEARCH_PATH)
    finally:
        await connection.close()
