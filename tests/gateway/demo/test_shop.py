"""The sample database: believable, complete, and nobody's real data."""

from __future__ import annotations

import re

from gateway.demo.shop import Sizes
from tests.support.postgres import SampleDatabase, make_sample_database, running_postgres


def luhn(number: str) -> bool:
    doubled = [int(d) * (2 - place % 2) if place % 2 == 0 else int(d) for place, d in enumerate(reversed(number), 1)]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def test_scale_one_is_a_few_hundred_thousand_rows() -> None:
    assert 200_000 < Sizes.at(1).rows < 500_000


async def test_every_table_has_its_rows(sample_database: SampleDatabase) -> None:
    sizes = Sizes.at(0.02)
    connection = await sample_database.connect()
    for table, count in (
        ("public.customers", sizes.customers),
        ("public.staff", sizes.staff),
        ("public.support_tickets", sizes.tickets),
        ("sales.orders", sizes.orders),
        ("sales.payments", sizes.orders),
        ("public.customer_overview", sizes.customers),
    ):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == count, table
    assert await connection.fetchval("SELECT count(DISTINCT tableoid) FROM sales.payments") == 12
    assert await connection.fetchval("SELECT count(*) FROM sales.payments_other") == 0
    await connection.close()


async def test_cards_have_a_right_check_digit_and_addresses_lead_nowhere(sample_database: SampleDatabase) -> None:
    connection = await sample_database.connect()
    cards = await connection.fetch("SELECT card_number FROM customers WHERE card_number IS NOT NULL")
    assert len(cards) > 200
    assert all(luhn(row[0]) for row in cards)
    emails = await connection.fetch("SELECT email FROM customers UNION ALL SELECT email FROM staff")
    assert all(re.fullmatch(r"[a-z0-9.]+@[a-z]+\.(com|net|org|example)", row[0]) for row in emails)
    phones = await connection.fetch("SELECT phone FROM customers WHERE phone IS NOT NULL")
    assert all(re.fullmatch(r"\+1 \d{3} 555 01\d\d", row[0]) for row in phones)
    await connection.close()


async def test_free_text_holds_what_masks_must_find(sample_database: SampleDatabase) -> None:
    connection = await sample_database.connect()
    count = await connection.fetchval(
        "SELECT count(*) FROM support_tickets t JOIN customers c ON c.id = t.customer_id"
        " WHERE strpos(t.notes, c.email) > 0 OR strpos(t.notes, c.phone) > 0"
    )
    assert count > 100
    await connection.close()


async def test_the_gateways_login_writes_rows_and_no_more(sample_database: SampleDatabase) -> None:
    connection = await sample_database.connect()
    rights = await connection.fetchrow(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls,"
        " has_table_privilege('sales.orders', 'UPDATE'), has_schema_privilege('public', 'CREATE')"
        " FROM pg_roles WHERE rolname = current_user"
    )
    assert tuple(rights) == (False, False, False, False, True, False)
    await connection.close()


def test_the_same_scale_gives_the_same_rows(sample_database: SampleDatabase) -> None:
    digest = "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM customers c"
    with running_postgres(sample_database.postgres.cluster.binaries) as second:
        assert make_sample_database(second).run(digest) == sample_database.run(digest)
