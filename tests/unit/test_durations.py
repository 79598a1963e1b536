"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from controller.api.fields import DurationText
from controller.core.durations import seconds, span

TEXT = TypeAdapter[str](DurationText)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("2h0m5s", 7205), ("1h5s", 3605), ("0s", 0)],
)
def test_what_the_schema_takes_has_a_value(text: str, expected: int) -> None:
    """Whole units, largest first."""
    assert expected == seconds(TEXT.validate_python(text))
    assert timedelta(seconds=expected) == span(text)


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "1.5h", "5s10m", "10M", "-1m", "1d", "10m\n", "1m1m"])
def test_what_is_no_duration_is_refused_by_the_schema(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValidationError):
        TEXT.validate_python(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_the_units_add_up(hours: int, minutes: int, rest: int) -> None:
    """Any combination in the usual notation."""
    assert hours * 3600 + minutes * 60 + rest == seconds(TEXT.validate_python(f"{hours}h{minutes}m{rest}s"))
