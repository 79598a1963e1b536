"""IMM's times: RFC 3339 with nanoseconds at +08:00, as in the vendor's guide, whatever the region."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

CHINA = timezone(timedelta(hours=8))


@lru_cache(maxsize=1024)
def rfc3339_nano(moment: float) -> str:
    """Seconds since the epoch as `2022-07-06T07:03:28.054762739+08:00`; trailing zeros go, as Go's RFC3339Nano does."""
    seconds, fraction = divmod(round(moment * 1e9), 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, tz=CHINA).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{whole}{digits}+08:00"


def normalised(text: str) -> datetime | None:
    """An RFC 3339 time as an aware instant in UTC, or None if it is none. Without an offset it is read as +08:00."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last year have moments that UTC cannot name
        return None


def utc_millis(moment: float) -> str:
    """Seconds since the epoch as `2024-08-20T07:03:07.360Z`, the form of tasks' times."""
    whole = datetime.fromtimestamp(moment, tz=UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03d}Z"
