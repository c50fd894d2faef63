"""A flood at the door is counted, not copied into the record."""

from __future__ import annotations

from gateway.session.strangers import Strangers


def test_a_few_a_minute_are_recorded_and_the_others_counted() -> None:
    strangers = Strangers(most=2)
    assert [strangers.another(100.0 + number / 10) for number in range(5)] == [0, 0, None, None, None]
    assert strangers.another(161.0) == 3
    assert strangers.another(161.1) == 0
    assert strangers.another(161.2) is None
