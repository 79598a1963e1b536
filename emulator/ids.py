"""Ids the services hand out."""

from __future__ import annotations

import os

_SHORT = frozenset({"oss", "mns"})
_VARIANTS = {digit: "89AB"[int(digit, 16) % 4] for digit in "0123456789ABCDEF"}


def new_request_id(service: str) -> str:
    """A request id in the service's own form: 24 hex digits for OSS and MNS, a UUID for RPC services."""
    if service in _SHORT:
        return os.urandom(12).hex().upper()
    digits = os.urandom(16).hex().upper()
    # A random UUID (RFC 4122, version 4), spelled without making the object: every request needs one.
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"
