"""Lengths of time, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1d", 86_400), ("0s", 0)]
)
def test_units_add_up(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1.5h", "30m1h", "1h 30m", "1w", "1H", "٣h", "9" * 30 + "s"])
def test_what_is_no_length_of_time_says_what_is(text: str) -> None:
    with pytest.raises(ValueError, match='such as "45s"'):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_what_is_written_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
