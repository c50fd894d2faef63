"""What sampled values look like: shares, and never a value."""

from __future__ import annotations

import pytest

from gateway.desk.kinds import Kind
from gateway.desk.values import shares_of

WHOLE = [
    ("mary.o-hara+x@mail.example.org", Kind.EMAIL),
    ("4111 1111 1111 1111", Kind.CARD),
    ("5500000000000004", Kind.CARD),
    ("DE89 3704 0044 0532 0130 00", Kind.IBAN),
    ("GB82WEST12345698765432", Kind.IBAN),
    ("+49 30 901820", Kind.PHONE),
    ("(555) 010-0199", Kind.PHONE),
    ("030/9018200", Kind.PHONE),
    ("078-05-1120", Kind.NATIONAL_ID),
    ("192.168.7.9", Kind.IP),
    ("2001:db8::7", Kind.IP),
    ("10.0.0.0/8", Kind.IP),
    ("00:1b:44:11:3a:b7", Kind.DEVICE),
    ("52.52001, 13.40495", Kind.COORDINATE),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", Kind.SECRET),
    ("$2b$12$abcdefghijklmnopqrstuv", Kind.SECRET),
    ("d41d8cd98f00b204e9800998ecf8427e", Kind.SECRET),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", Kind.SECRET),
    ("Mary O'Hara", Kind.PERSON),
]
NOTHING = [
    "4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 01",
    "2024-05-17",
    "17.05.2024",
    "1234567",
    "3.14159265",
    "hello",
    "A-100",
    "12:30:00",
    "6f1c1a9e-7d8b-4b6c-9f3e-2a1b3c4d5e6f",
    "1.2.3",
]


@pytest.mark.parametrize(("value", "kind"), WHOLE)
def test_a_value_is_recognised(value: str, kind: Kind) -> None:
    assert set(shares_of([value]).whole) == {kind}


@pytest.mark.parametrize("value", NOTHING)
def test_a_plain_value_is_nothing_of_that(value: str) -> None:
    found = shares_of([value])
    assert not found.whole
    assert not found.within


def test_a_text_tells_what_it_holds() -> None:
    found = shares_of(
        [
            "please write to mary@example.org about it",
            "card 4111 1111 1111 1111 was declined",
            "call +49 30 901820 after six",
            "nothing in here at all",
        ]
    )
    assert found.within == {Kind.EMAIL: 0.25, Kind.CARD: 0.25, Kind.PHONE: 0.25}
    assert not found.whole


def test_nulls_and_blanks_are_no_values() -> None:
    found = shares_of([None, "", "  ", "x"])
    assert (found.rows, found.values, found.distinct) == (4, 1, 1)
    assert shares_of([]).rows == 0


def test_few_values_are_told_from_many() -> None:
    assert shares_of(["a", "b"] * 50).few
    assert not shares_of([str(number) for number in range(100)]).few
    assert not shares_of(["a", "b"]).few


@pytest.mark.parametrize(
    "unit", ["a@", "1 ", "1-", ".", "(", "A a. ", "Aa ", "1.1.1.", "DE11 1111 ", "0a", "eyJ.", "€"]
)
def test_no_value_takes_long(unit: str) -> None:
    """A pattern that backs up without end would hang here."""
    assert shares_of([unit * 400] * 200).values == 200
