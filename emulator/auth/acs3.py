"""ACS3-HMAC-SHA256, the signature of today's RPC SDKs.

The raw query text must never be canonicalised: `requests` sends a space as `+` and a slash as `%2F`, aiohttp sends a
literal slash, and both sign the same decoded values re-encoded. So the query is decoded and encoded again here, and
only the headers named in SignedHeaders count (HTTP clients add unsigned ones of their own).
Source: alibabacloud-tea-openapi, `utils.get_authorization`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from emulator.auth.identity import MAX_SKEW, FindKey, Signed, same
from emulator.refusal import Refusal
from emulator.wire.http import encode

if TYPE_CHECKING:
    from emulator.wire.http import HttpRequest

SCHEME = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256\s+Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-fA-F]+)"
)
NONCE = "x-acs-signature-nonce"
_REQUIRED = ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-content-sha256", NONCE)


def verify(request: HttpRequest, find: FindKey, now: float) -> Signed | Refusal:
    """Whose signature the request carries, or the gateway's refusal.

    Args:
        request: The request as it came.
        find: Looks a key up by its id.
        now: Seconds since the epoch, by the clock the client also reads.
    """
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if match is None:
        return Refusal(400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
    access_key_id, signed_headers, signature = match.groups()
    names = signed_headers.split(";")
    key = find(access_key_id)
    if key is None:
        return Refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    problem = _check_coverage(request, names) or check_date(request.headers["x-acs-date"], now)
    if problem is not None:
        return problem
    to_sign = string_to_sign(request, names, request.headers.get("x-acs-content-sha256", ""))
    expected = hmac.digest(key.secret.encode(), to_sign.encode("utf-8", "surrogateescape"), "sha256").hex()
    if not same(expected, signature.lower()):
        message = f"Specified signature is not matched with our calculation. server string to sign is:{to_sign}"
        return Refusal(400, "SignatureDoesNotMatch", message)
    return Signed(key, request.headers[NONCE])


def _check_coverage(request: HttpRequest, names: list[str]) -> Refusal | None:
    """A signature that leaves out the date, the action, the nonce or the body's digest would protect nothing."""
    if not request.headers.get(NONCE):
        return Refusal(400, "MissingSignatureNonce", f"The header {NONCE} is mandatory for this action.")
    missing = [name for name in _REQUIRED if name in request.headers and name not in names]
    if missing or "x-acs-date" not in request.headers:
        wanted = ", ".join(missing) or "x-acs-date"
        return Refusal(400, "IncompleteSignature", f"The request signature does not cover the header {wanted}.")
    if request.headers.get("x-acs-content-sha256", "") != hashlib.sha256(request.body).hexdigest():
        return Refusal(400, "InvalidContentSha256", "The header x-acs-content-sha256 is not the digest of the body.")
    return None


def string_to_sign(request: HttpRequest, signed_headers: list[str], payload_hash: str) -> str:
    """The text the signature covers."""
    query = "&".join([f"{name}={encode(value)}" for name, value in sorted(request.query.items())])
    sent = request.headers
    headers = "".join([f"{name}:{sent.get(name, '').strip()}\n" for name in signed_headers])
    canonical = "\n".join(
        [request.method, request.raw_path or "/", query, headers, ";".join(signed_headers), payload_hash]
    )
    return f"{SCHEME}\n{hashlib.sha256(canonical.encode('utf-8', 'surrogateescape')).hexdigest()}"


def check_date(text: str, now: float) -> Refusal | None:
    """The gateway's complaint about a request's time, if it has one."""
    sent = _instant(text)
    if sent is None:
        message = "Specified time stamp or date value is not well formatted."
        return Refusal(400, "InvalidTimeStamp.Format", message)
    if abs(now - sent) > MAX_SKEW:
        return Refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    return None


@lru_cache(maxsize=128)
def _instant(text: str) -> float | None:
    """Seconds since the epoch, None for what is no time. Requests of one second carry one text: it is parsed once."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        return None
