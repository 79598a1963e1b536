"""OSS's rules for names: those of buckets are also oss2's own, those of keys are UTF-8, 1 to 1023 bytes."""

from __future__ import annotations

import re

from emulator.refusal import Refusal

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_LONGEST_KEY = 1023  # bytes of UTF-8


def check_bucket_name(name: str) -> None:
    """Refuse a bucket name outside 3 to 63 lower-case letters, digits and inner hyphens."""
    if _BUCKET.fullmatch(name) is None:
        raise Refusal(400, "InvalidBucketName", f"The specified bucket is not valid: {name}.")


def check_key(key: str) -> None:
    """Refuse a key that is empty, longer than 1023 bytes, or starts with a slash or backslash."""
    too_long = len(key.encode("utf-8", "surrogateescape")) > _LONGEST_KEY
    if not key or too_long or key.startswith(("/", "\\")):
        raise Refusal(400, "InvalidObjectName", "The specified object is not valid.")
