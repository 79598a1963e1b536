"""Conditions and ranges of a read, by RFC 9110 as OSS applies it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.oss.times import from_http_date
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.oss.state import StoredObject

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def check_conditions(item: StoredObject, headers: Mapping[str, str], prefix: str = "") -> None:
    """Refuse with 412 or 304 as the If- headers demand; `prefix` is `x-oss-copy-source-` for a copy's source."""
    match, none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    modified = from_http_date(headers.get(f"{prefix}if-modified-since", ""))
    unmodified = from_http_date(headers.get(f"{prefix}if-unmodified-since", ""))
    changed = int(item.last_modified)
    if match is not None and not _names(match, item.etag):
        raise _failed("If-Match")
    if match is None and unmodified is not None and changed > unmodified:
        raise _failed("If-Unmodified-Since")
    if none_match is not None and _names(none_match, item.etag):
        raise _unchanged(item)
    if none_match is None and modified is not None and changed <= modified:
        raise _unchanged(item)


def _names(header: str, etag: str) -> bool:
    tags = [tag.strip().strip('"').upper() for tag in header.split(",")]
    return "*" in tags or etag in tags


def _failed(header: str) -> Refusal:
    message = f"At least one of the pre-conditions you specified did not hold. (condition: {header})"
    return Refusal(412, "PreconditionFailed", message)


def _unchanged(item: StoredObject) -> Refusal:
    return Refusal(304, "NotModified", f"The object {item.key} has not changed.")


def read_range(header: str | None, size: int, *, standard: bool = False) -> tuple[int, int] | None:
    """First and last byte to send, or None for the whole object.

    By default OSS ignores a range that is not wholly inside the object and sends everything with 200; with
    `x-oss-range-behavior: standard` it cuts the end and refuses a start behind the object, as RFC 9110 has it
    (help.aliyun.com/en/oss/developer-reference/scope-download-using-oss-sdk-for-php-v2). Several ranges in one request
    are always refused (help.aliyun.com/en/oss/user-guide/http-status-code-416).

    Raises:
        Refusal: InvalidRange, 416.
    """
    text = (header or "").strip()
    if text.startswith("bytes=") and "," in text:
        raise _unsatisfiable()
    match = _RANGE.fullmatch(text)
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    start = int(first) if first else size - int(last)
    end = int(last) if first and last else size - 1
    if 0 <= start <= end < size:
        return start, end
    if not standard or end < start < size:
        return None
    if start >= size:
        raise _unsatisfiable()
    return max(start, 0), min(end, size - 1)


def _unsatisfiable() -> Refusal:
    return Refusal(416, "InvalidRange", "The requested range cannot be satisfied")
