"""Secrets and unknown values as they travel between a Pulumi program and its engine: marked, inside plain JSON.

A secret is never written down. The state keeps a keyed digest in its place, enough to see that it changed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

# Pulumi's own constants (sdk/python/lib/pulumi/runtime/rpc.py), part of its protocol.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def is_secret(value: Any) -> bool:
    """Whether the value is marked as a secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def mark(value: Any) -> dict[str, Any]:
    """The value marked as a secret, as the program expects it."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def reveal(value: Any) -> Any:
    """The value with every mark taken off, at any depth; only for the call that needs it."""
    if is_secret(value):
        return reveal(value.get("value"))
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def redact(value: Any, salt: str) -> Any:
    """The value with a digest in the place of each secret: what may be stored, compared and printed."""
    if is_secret(value):
        if "digest" in value:
            return value
        text = json.dumps(reveal(value), sort_keys=True)
        return {SIGNATURE: SECRET, "digest": hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()}
    if isinstance(value, dict):
        return {key: redact(item, salt) for key, item in value.items()}
    return [redact(item, salt) for item in value] if isinstance(value, list) else value


def is_unknown(value: Any) -> bool:
    """Whether the value, at any depth, is only known after an update."""
    if isinstance(value, dict):
        return any(is_unknown(item) for item in value.values())
    return any(is_unknown(item) for item in value) if isinstance(value, list) else value == UNKNOWN


def plain(value: Any) -> Any:
    """JSON as a person would write it: protobuf has only floats, and an absent value is a null there."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value
