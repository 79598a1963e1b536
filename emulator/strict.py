"""What a request holds that its operation does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.wire.rpc import TOLERATED_PARAMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.call import Call, Operation

_OSS_QUERY = frozenset(
    {
        "OSSAccessKeyId",
        "Expires",
        "Signature",
        "security-token",
        "x-oss-additional-headers",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-security-token",
        "x-oss-signature",
        "x-oss-signature-version",
    }
)
_OSS_HEADERS = frozenset({"x-oss-content-sha256", "x-oss-date", "x-oss-security-token"})
_META = "x-oss-meta-"


def unknown_parts(call: Call, operation: Operation) -> list[str]:
    """Names of parameters and vendor headers that `operation` does not know, worded for a person."""
    params = [f"the parameter {name[:100]}" for name in _unknown_params(call, operation)]
    headers = [f"the header {name[:100]}" for name in _unknown_headers(call, operation)]
    return params + headers


def _unknown_params(call: Call, operation: Operation) -> Iterable[str]:
    known = operation.params
    for name in call.params:
        if name in known:
            continue
        if call.service == "oss" and name in _OSS_QUERY:
            continue
        # Lists travel flattened: Tag.1.Key belongs to Tag.
        if call.service not in {"oss", "mns"} and (name in TOLERATED_PARAMS or name.partition(".")[0] in known):
            continue
        yield name


def _unknown_headers(call: Call, operation: Operation) -> Iterable[str]:
    if call.service != "oss":
        return
    for name in call.headers:
        if not name.startswith("x-oss-") or name in _OSS_HEADERS or name in operation.params:
            continue
        if name.startswith(_META) and f"{_META}*" in operation.params:
            continue
        yield name
