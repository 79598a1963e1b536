"""OSS's spellings of a time."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache


def iso(seconds: float) -> str:
    """`2026-11-22T05:23:00.000Z`, as in listings."""
    return datetime.fromtimestamp(int(seconds), tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@lru_cache(maxsize=1024)
def http_date(seconds: float) -> str:
    """`Sun, 22 Nov 2026 05:23:00 GMT`, as in headers."""
    return formatdate(int(seconds), usegmt=True)


def from_http_date(text: str) -> float | None:
    """Seconds since the epoch, or None if the text is no date."""
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
