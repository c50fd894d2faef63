"""`detect`: what is personal or secret in free text is found in its disguises; what is not stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masking.catalog import Column
from masking.masks import mask_expression
from masking.policy import Mask, MaskKind
from tests.support.postgres import Postgres

COLUMN = Column("note", 1, 25, "text", type_category="S")
EXPRESSION = mask_expression(Mask(MaskKind.DETECT), COLUMN, "note", "pgcurfew.mask_key")
QUERY = f"SELECT {EXPRESSION} FROM (SELECT $1::text AS note) x".encode()

CARD = "4111111111111111"

#: What is written, what is shown.
EXAMPLES = (
    # E-mail addresses.
    ("write to mary@example.org, please", "write to [email], please"),
    ("<mary.o'neil+x@sub.example.co.uk>;", "<[email]>;"),
    ("Jürgen@Müller.example", "[email]"),
    ("mary@localhost", "[email]"),
    ('"mary jones"@example.org', "[email]"),
    ("mary (at) example.org or mary[at]example[dot]org", "[email] or [email]"),
    ("mary @ example.org", "[email]"),
    ("mary\uff20example.org", "[email]"),
    ("?to=mary%40example.org", "[email]"),
    ("ma\u200bry\u200b@\u200bexample.org", "[email]"),
    ("cc @mary, 3 @ 5 each", "cc @mary, 3 @ 5 each"),
    # Cards: Luhn.
    (f"card {CARD} ok", "card [card] ok"),
    ("4111 1111 1111 1111", "[card]"),
    ("4111-1111-1111-1111", "[card]"),
    ("4111.1111.1111.1111", "[card]"),
    ("4111\u00a01111\u202f1111\u20091111", "[card]"),
    ("4111\u20131111\u20141111\u22121111", "[card]"),
    ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[card]"),
    ("4111   1111\t1111 /  1111", "[card]"),
    ("4111 1111\n1111 1111", "[card]"),
    ("\u200b".join(CARD), "[card]"),
    ("\u00ad".join(CARD), "[card]"),
    ("x4111111111111111y", "x[card]y"),
    ("378282246310005, 5555555555554444, 6011111111111117", "[card], [card], [card]"),
    ("4111111111111111 12/27 123", "[card]"),
    ("#17 4111 1111 1111 1111", "#[card]"),
    ("order 1234567890123456, ref 4111111111111112", "order 1234567890123456, ref 4111111111111112"),
    ("order 1234-5678-9012-3456", "order 1234-5678-9012-3456"),
    # Digits of other scripts: not asked for check digits.
    ("４１１１１１１１１１１１１１１１", "[number]"),
    ("４１１１ １１１１ １１１１ １１１１", "[number]"),
    ("٤١١١١١١١١١١١١١١١", "[number]"),
    ("41111111111111\U0001d7cf1", "[number]"),
    # Telephone numbers.
    ("call +49 151 2345678 now", "call [phone] now"),
    ("+49 (0)151/2345-678", "[phone]"),
    ("0049 30 123456", "[phone]"),
    ("0151 2345678, 0151/2345678, 01 23 45 67 89", "[phone], [phone], [phone]"),
    ("(555) 123-4567, 555.123.4567, 1-555-123-4567, 5552345678", "[phone], [phone], [phone], [phone]"),
    ("555-0177", "[phone]"),
    ("\uff0b49 151 2345678", "[phone]"),
    # IBANs: mod 97.
    ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [iban] please"),
    ("DE89370400440532013000", "[iban]"),
    ("de89370400440532013000", "[iban]"),
    ("GB82 WEST 1234 5698 7654 32, NL91ABNA0417164300", "[iban], [iban]"),
    ("DE89-3704-0044-0532-0130-00", "[iban]"),
    ("BE10 FR76 DE89 3704 0044 0532 0130 00 and more", "BE10 FR76 [iban] and more"),
    ("MT84MALT011000012345MTLCAST001S", "[iban]"),
    # Identity numbers.
    ("123-45-6789, 123 45 6789", "[id], [id]"),
    ("SSN 123456789; social security number: 123456789", "[id]; [id]"),
    ("AB 12 34 56 C, QQ123456C", "[id], QQ123456C"),
    ("BSN 111222333", "[id]"),
    ("111222333, 1112.22.333", "[id], [id]"),
    ("86095742719, 65 929 970 489", "[id], [id]"),
    ("65 170839 J 003", "[id]"),
    ("269054958815780", "[id]"),
    ("1 85 05 2A 006 084 36", "[id]"),
    ("RSSMRA85T10A562S", "[id]"),
    ("passport C01X00T47", "[id]"),
    # Keys and passwords.
    ("AKIAIOSFODNN7EXAMPLE", "[key]"),
    ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[key]"),
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[key]"),
    ("github_pat_11ABCDEFG0123456789_abcdef", "[key]"),
    ("xoxb-1234567890-abcdef", "[key]"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[key]"),
    ("AIzaSyDdI0hCZtE6vySjMm-WEfRq3CPzqKqqsHI", "[key]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ rest", "[key] rest"),
    ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,X\n\nMIIE/+==\n-----END RSA PRIVATE KEY-----\nbye", "[key]\nbye"),
    ("-----BEGIN PRIVATE KEY----- MIIE", "[key]"),
    ("password=hunter2 x", "password=[secret] x"),
    ("DB_PASSWORD: 'with blanks', next", "DB_PASSWORD: [secret], next"),
    ('{"api_key": "abc", "x": 1}', '{"api_key": [secret], "x": 1}'),
    ("token => abc; my password is foo", "token => [secret]; my password is [secret]"),
    ("Authorization: Bearer abc.def", "Authorization: [secret]"),
    ("Bearer abcdefghijklmnop", "Bearer [secret]"),
    ("postgres://u:p4ss@host/db", "postgres://u:[secret]"),
    # What stays.
    ("", ""),
    (
        "Paid 1200.50 EUR on 2024-05-17 at 10:30, ticket 123456",
        "Paid 1200.50 EUR on 2024-05-17 at 10:30, ticket 123456",
    ),
    ("17.05.2024, 05/17/2024", "17.05.2024, 05/17/2024"),
    ("from 2024-01-01 to 2024-12-31", "from 2024-01-01 to 2024-12-31"),
    ("2024-01-01 2024-12-31", "2024-01-01 2024-12-31"),
    ("see https://shop.example/orders/4711?page=2", "see https://shop.example/orders/4711?page=2"),
    ("commit 2c4dd41a99ef1bcaa1de5a8f8f6b4c3f2e1d0c9b", "commit 2c4dd41a99ef1bcaa1de5a8f8f6b4c3f2e1d0c9b"),
    ("👨\u200d👩\u200d👧 می\u200cخواهم", "👨\u200d👩\u200d👧 می\u200cخواهم"),
    ("the compass, spinning. Opinion is divided", "the compass, spinning. Opinion is divided"),
    ("line\r\nbreak\tand 'quotes' \\1 \\& $1 %s", "line\r\nbreak\tand 'quotes' \\1 \\& $1 %s"),
)


@pytest.fixture(scope="module", params=["postgres", "postgres_of_the_distribution"])
def connection(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    postgres: Postgres = request.getfixturevalue(request.param)
    with psycopg.connect(postgres.dsn(), autocommit=True, options="-c statement_timeout=300s") as connection:
        yield connection


def shown(connection: psycopg.Connection, text: str) -> str:
    result = connection.pgconn.exec_params(QUERY, [text.encode()])
    assert not result.error_message, result.error_message
    value = result.get_value(0, 0)
    assert value is not None
    return value.decode()


def test_each_example_comes_out_as_written(connection: psycopg.Connection) -> None:
    wrong = [(text, found, said) for text, said in EXAMPLES if (found := shown(connection, text)) != said]
    assert not wrong


def test_what_is_found_is_found_amid_other_text(connection: psycopg.Connection) -> None:
    texts = [(text, said) for text, said in EXAMPLES if "BEGIN" not in text]
    # A semicolon and a word: nothing of one text can run into the next.
    found = shown(connection, "; und ".join(text for text, _ in texts))
    assert found == "; und ".join(said for _, said in texts)


def luhn(digits: str) -> str:
    """The digits with the one that makes them a card number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return digits + str(-total % 10)


SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u202f", "\u200b", "\u2013", " - ", "\t", "/", "\ufeff"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    digits=st.text("0123456789", min_size=12, max_size=18),
    separators=st.lists(SEPARATORS, min_size=19, max_size=19),
    before=st.sampled_from(["", "card:", "Karte ", "no.", "x", "(", "12 "]),
    after=st.sampled_from(["", " exp", "x", ".", ") 12/27", "\n"]),
)
def test_no_separator_hides_a_card(
    connection: psycopg.Connection, digits: str, separators: list[str], before: str, after: str
) -> None:
    card = luhn(digits)
    text = before + "".join(map("".join, zip(card, separators, strict=False))) + after
    assert card not in "".join(filter(str.isdigit, shown(connection, text)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(digits=st.text("123456789", min_size=12, max_size=18).filter(lambda digits: len(digits) != 14))
def test_a_number_with_a_wrong_check_digit_stays(connection: psycopg.Connection, digits: str) -> None:
    card = luhn(digits)
    number = card[:-1] + str((int(card[-1]) + 1) % 10)
    text = f"order {number}, thanks"
    assert shown(connection, text) == text


ODD = st.text(
    st.one_of(
        st.sampled_from(
            list("0123456789 -.@:=/+()[]{}<>\"'\\%&;,_#ABEIJNDeyghpsok\n\t\x01\u00a0\u200b\u00ad\uff11\u0661")
        ),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    max_size=120,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(text=ODD)
def test_no_text_is_an_error(connection: psycopg.Connection, text: str) -> None:
    once = shown(connection, text)
    assert shown(connection, text) == once


LONG = {
    "letters": "a" * 1_000_000,
    "digits": "1" * 1_000_000,
    "digits apart": "1 2 3 " * 170_000,
    "numbers too short": "123456 x" * 125_000,
    "almost an IBAN": "BE10 " * 40_000,
    "almost an address": "a @ " * 250_000,
    "almost an address at the end": "a" * 900_000 + "1234567",
    "addresses": "a@b.example " * 10_000,
    "almost a token": "eyJ" * 330_000,
    "almost a key": "-----BEGIN " * 90_000,
    "almost a password": "bearer " * 140_000,
    "passwords": "password=x " * 5_000,
    "hyphens": "-" * 1_000_000,
    "at signs": "@" * 1_000_000,
    "nothing to see": "\u200b" * 500_000,
    "hidden letters": "a\u200b" * 300_000,
    "links": "://a:" * 200_000,
    "words": "The quick brown fox 123 jumps. " * 32_000,
    "blanks": ("1" + " " * 99_999) * 10,
    "random": "".join(chr(33 + (place * 7919) % 90) for place in range(1_000_000)),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_takes_no_time_without_end(connection: psycopg.Connection, name: str) -> None:
    """What takes the square of a megabyte would not be back before the statement's timeout."""
    assert shown(connection, LONG[name]) is not None


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_served_too(postgres: Postgres, encoding: str) -> None:
    """The mask's own text is ASCII, so it can be read there; digits of other scripts cannot be stored."""
    assert EXPRESSION.isascii()
    name = f"detect_{encoding.lower()}"
    locale = "LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' {locale}")
    try:
        with psycopg.connect(postgres.dsn(name), autocommit=True, options="-c client_encoding=UTF8") as connection:
            for text, said in EXAMPLES:
                if text.isascii():
                    assert shown(connection, text) == said
    finally:
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")
