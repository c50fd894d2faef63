"""Salted keys: the same as computed anew, few, and under their own password only."""

from __future__ import annotations

from gateway.session.salted import REMEMBERED, SaltedKeys
from protocol.scram import salted_keys


def test_keys_are_remembered_for_their_password_salt_and_count() -> None:
    salted = SaltedKeys()
    keys = salted_keys("secret", b"salt", 5)
    salted.remember("secret", b"salt", 5, keys)
    assert salted.recall("secret", b"salt", 5) == keys
    for other in (("secreT", b"salt", 5), ("secret", b"sal", 5), ("secret", b"salt", 6)):
        assert salted.recall(*other) is None


def test_the_one_unused_for_longest_makes_room() -> None:
    salted = SaltedKeys()
    keys = salted_keys("secret", b"salt", 1)
    for number in range(REMEMBERED):
        salted.remember("secret", b"%d" % number, 1, keys)
    assert salted.recall("secret", b"0", 1) is not None
    salted.remember("secret", b"one more", 1, keys)
    assert len(salted) == REMEMBERED
    assert salted.recall("secret", b"0", 1) is not None
    assert salted.recall("secret", b"1", 1) is None


def test_neither_password_nor_keys_can_be_read_off() -> None:
    salted = SaltedKeys()
    keys = salted_keys("secret", b"salt", 1)
    salted.remember("secret", b"salt", 1, keys)
    assert "secret" not in repr(salted._kept)
    assert repr(keys.client) not in repr(keys)
