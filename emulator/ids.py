"""Ids the services hand out."""

from __future__ import annotations

import secrets
import uuid

_SHORT = frozenset({"oss", "mns"})


def new_request_id(service: str) -> str:
    """A request id in the service's own form: 24 hex digits for OSS and MNS, a UUID for RPC services."""
    return secrets.token_hex(12).upper() if service in _SHORT else str(uuid.uuid4()).upper()
