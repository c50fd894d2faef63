"""A flood at the door is counted, not copied into the record."""

from __future__ import annotations

import pytest

from gateway.session.strangers import Guesses, Strangers, neighbourhood


def test_a_few_a_minute_are_recorded_and_the_others_counted() -> None:
    strangers = Strangers(most=2)
    assert [strangers.another(100.0 + number / 10) for number in range(5)] == [0, 0, None, None, None]
    assert strangers.another(161.0) == 3
    assert strangers.another(161.1) == 0
    assert strangers.another(161.2) is None


def test_guesses_are_taken_back_one_a_second() -> None:
    guesses = Guesses(most=3)
    for _ in range(3):
        assert not guesses.too_many("a", 100.0)
        guesses.wrong("a", 100.0)
    assert guesses.too_many("a", 100.0)
    assert not guesses.too_many("b", 100.0), "each address for itself"
    assert not guesses.too_many("a", 101.0)
    guesses.wrong("a", 101.0)
    assert guesses.too_many("a", 101.5)
    assert not guesses.too_many("a", 200.0)


def test_guessers_are_remembered_in_bounded_memory() -> None:
    guesses = Guesses(most=2, remembered=100)
    for number in range(1000):
        guesses.wrong(f"10.0.{number // 256}.{number % 256}", 100.0)
        guesses.wrong("the worst", 100.0)
    assert len(guesses) == 100
    assert guesses.too_many("the worst", 100.0), "the longest silent is forgotten first"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("local", "local"),
    ],
)
def test_an_ipv6_network_counts_as_one_stranger(host: str, place: str) -> None:
    assert neighbourhood(host) == place
