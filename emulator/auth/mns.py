"""The signature of the MNS data plane (HMAC-SHA1).

It covers the raw request target: a ReceiptHandle travels unescaped in the URL, so decoding it first would change it.
Source: www.alibabacloud.com/help/en/mns/sign-requests; error codes: www.alibabacloud.com/help/doc-detail/27501.html.
"""

from __future__ import annotations

import base64
import hmac
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from emulator.auth.identity import MAX_SKEW, FindKey, Signed, same
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.wire.http import HttpRequest


def verify(request: HttpRequest, find: FindKey, now: float) -> Signed | Refusal:
    """Whose signature the request carries, or the service's refusal; `now` in seconds since the epoch."""
    authorization = request.headers.get("authorization")
    if not authorization:
        return Refusal(400, "MissingAuthorizationHeader", "Authorization header is required.")
    scheme, _, credential = authorization.partition(" ")
    access_key_id, colon, signature = credential.strip().partition(":")
    if scheme != "MNS" or not colon:
        return Refusal(400, "InvalidAuthorizationHeader", "The Authorization header format is invalid.")
    key = find(access_key_id)
    if key is None:
        return Refusal(403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist.")
    problem = _check_date(request, now)
    if problem is not None:
        return problem
    digest = hmac.digest(key.secret.encode(), string_to_sign(request).encode("utf-8", "surrogateescape"), "sha1")
    if not same(base64.b64encode(digest).decode(), signature):
        message = "The request signature we calculated does not match the signature you provided. "
        return Refusal(403, "SignatureDoesNotMatch", message + "Check your key and signing method.")
    return Signed(key)


def string_to_sign(request: HttpRequest) -> str:
    """The text the signature covers."""
    headers = request.headers
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-mns-"))
    date = headers.get("x-mns-date") or headers.get("date", "")
    parts = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date, own]
    return "\n".join(parts) + request.target


def _check_date(request: HttpRequest, now: float) -> Refusal | None:
    text = request.headers.get("x-mns-date") or request.headers.get("date")
    if not text:
        return Refusal(400, "MissingDateHeader", "Date header is required.")
    try:
        sent = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return Refusal(400, "InvalidDateHeader", "The Date header format is invalid.")
    if abs(now - sent) > MAX_SKEW:
        return Refusal(408, "TimeExpired", "The http request you sent is expired.")
    return None
