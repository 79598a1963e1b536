"""Durations as people write them in a spec: 90s, 10m, 1h30m."""

from __future__ import annotations

import re
from datetime import timedelta

_PART = re.compile(r"(\d+)([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> int:
    """Seconds of a duration whose form the schema has already checked."""
    return sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(text))


def span(text: str) -> timedelta:
    """The same as a timedelta."""
    return timedelta(seconds=seconds(text))
