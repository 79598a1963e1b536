"""The whole state as JSON documents, for people and for tests: no object content, no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.state import Cloud

_SECRET_FIELDS = frozenset({"access_keys", "secret", "token"})
_DERIVED_FIELDS = frozenset({"index", "keys", "gallery"})
_KEY_SECRET = re.compile(r"secret", re.IGNORECASE)


def dump_state(cloud: Cloud) -> dict[str, object]:
    """Accounts and buckets, every dataclass as a mapping of its fields."""
    return {"accounts": _plain(cloud.accounts), "buckets": _plain(cloud.oss.buckets)}


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        shown = (f.name for f in fields(value) if f.name not in _DERIVED_FIELDS)
        return {name: _field(name, getattr(value, name)) for name in shown}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return str(value)


def _field(name: str, value: object) -> object:
    if name not in _SECRET_FIELDS:
        return _plain(value)
    if isinstance(value, Mapping):
        return sorted(str(key) for key in value)
    return "***"
