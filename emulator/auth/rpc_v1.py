"""Signature version 1.0 of the RPC gateway (HMAC-SHA1): older SDKs and the Pulumi provider.

Query and form are signed as one set of parameters, whichever of the two each of them travels in.
Source: alibabacloud-tea-openapi and aliyun-python-sdk-core. Codes and statuses: help.aliyun.com/document_detail/434846.
"""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from emulator.auth.acs3 import check_date
from emulator.auth.identity import FindKey, Signed, same
from emulator.refusal import Refusal
from emulator.wire.http import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.wire.http import HttpRequest

_REQUIRED = ("AccessKeyId", "Signature", "Timestamp", "SignatureNonce", "SignatureMethod", "SignatureVersion")


def verify(request: HttpRequest, find: FindKey, now: float) -> Signed | Refusal:
    """Whose signature the request carries, or the gateway's refusal; `now` in seconds since the epoch."""
    params = {**request.query, **request.form}
    for name in _REQUIRED:
        if not params.get(name):
            return Refusal(400, f"Missing{name}", f"{name} is mandatory for this action.")
    if params["SignatureMethod"] != "HMAC-SHA1" or params["SignatureVersion"] != "1.0":
        message = "Specified parameter SignatureMethod or SignatureVersion is not valid: use HMAC-SHA1 and 1.0."
        return Refusal(400, "InvalidParameter", message)
    key = find(params["AccessKeyId"])
    if key is None:
        return Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    problem = check_date(params["Timestamp"], now)
    if problem is not None:
        return problem
    to_sign = string_to_sign(request.method, params)
    digest = hmac.digest(f"{key.secret}&".encode(), to_sign.encode("utf-8", "surrogateescape"), "sha1")
    if not same(base64.b64encode(digest).decode(), params["Signature"]):
        message = f"Specified signature is not matched with our calculation. server string to sign is:{to_sign}"
        return Refusal(400, "SignatureDoesNotMatch", message)
    return Signed(key, params["SignatureNonce"])


def string_to_sign(method: str, params: Mapping[str, str]) -> str:
    """The text the signature covers: every parameter but the signature itself, sorted and encoded twice."""
    pairs = (f"{encode(name)}={encode(value)}" for name, value in sorted(params.items()) if name != "Signature")
    return f"{method}&%2F&{encode('&'.join(pairs))}"
