"""OSS signature version 1 (HMAC-SHA1), in the Authorization header or in a signed address.

Source: oss2's `auth.ProviderAuth`.
"""

from __future__ import annotations

import base64
import hmac
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from emulator.auth.identity import MAX_SKEW, FindKey, Signed, same
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.wire.http import HttpRequest

# Query names that are part of the signed resource; every other one is not covered by this scheme.
SUBRESOURCE_NAMES = """
acl append asyncFetch accessPoint accessPointPolicy bucketArchiveDirectRead bucketInfo callback callback-var cname comp
continuation-token cors delete encryption endTime group httpsConfig inventory inventoryId lifecycle link live location
logging metaQuery objectInfo objectMeta partNumber policy position publicAccessBlock qos qosInfo qosRequester
redundancyTransition referer regionList replication replicationLocation replicationProgress requestPayment
requesterQosInfo resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo response-cache-control
response-content-disposition response-content-encoding response-content-language response-content-type response-expires
restore security-token sequential startTime stat status style styleName symlink tagging transferAcceleration uploadId
uploads versionId versioning versions vod website worm wormExtend wormId x-oss-ac-forward-allow x-oss-ac-source-ip
x-oss-ac-subnet-mask x-oss-ac-vpc-id x-oss-access-point-name x-oss-async-process x-oss-process
x-oss-redundancy-transition-taskid x-oss-request-payer x-oss-target-redundancy-type x-oss-traffic-limit
x-oss-write-get-object-response
"""
SUBRESOURCES = frozenset(SUBRESOURCE_NAMES.split())
_MOST_DIGITS = 19


def verify(request: HttpRequest, resource: str, find: FindKey, now: float) -> Signed | Refusal:
    """Whose signature the request carries, or OSS's refusal.

    Args:
        request: The request as it came; signed in its header, or in its query as a signed address.
        resource: `/bucket/key` decoded, `/bucket/`, or `/`, the same for both address styles.
        find: Looks a key up by its id.
        now: Seconds since the epoch, by the clock the client also reads.
    """
    if "OSSAccessKeyId" in request.query:
        access_key_id, signature = request.query["OSSAccessKeyId"], request.query.get("Signature", "")
        date = request.query.get("Expires", "")
        late = _check_expiry(date, now)
    else:
        credential = request.headers.get("authorization", "").removeprefix("OSS ").strip()
        access_key_id, colon, signature = credential.partition(":")
        if not colon:
            return Refusal(400, "InvalidArgument", "Authorization header is invalid.")
        date = request.headers.get("x-oss-date") or request.headers.get("date", "")
        late = _check_date(date, now)
    key = find(access_key_id)
    if key is None:
        message = "The OSS Access Key Id you provided does not exist in our records."
        return Refusal(403, "InvalidAccessKeyId", message)
    if late is not None:
        return late
    to_sign = string_to_sign(request, resource, date)
    digest = hmac.digest(key.secret.encode(), to_sign.encode("utf-8", "surrogateescape"), "sha1")
    if not same(base64.b64encode(digest).decode(), signature):
        return mismatch(to_sign)
    return Signed(key)


def string_to_sign(request: HttpRequest, resource: str, date: str) -> str:
    """The text the signature covers."""
    headers = request.headers
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    first = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    return "\n".join([*first, own + resource + _subresources(request.query)])


def _subresources(query: Mapping[str, str]) -> str:
    signed = [f"{name}={value}" if value else name for name, value in sorted(query.items()) if name in SUBRESOURCES]
    return "?" + "&".join(signed) if signed else ""


def _check_date(text: str, now: float) -> Refusal | None:
    try:
        sent = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return Refusal(403, "AccessDenied", "OSS authentication requires a valid Date.")
    return check_skew(sent, now)


def check_skew(sent: float, now: float) -> Refusal | None:
    """OSS's complaint about a request signed more than 15 minutes from now."""
    if abs(now - sent) > MAX_SKEW:
        message = "The difference between the request time and the current time is too large."
        return Refusal(403, "RequestTimeTooSkewed", message)
    return None


def _check_expiry(text: str, now: float) -> Refusal | None:
    expires = read_seconds(text)
    if expires is None:
        return Refusal(403, "AccessDenied", "Invalid date (should be seconds since epoch): Expires.")
    return None if now <= expires else Refusal(403, "AccessDenied", "Request has expired.")


def read_seconds(text: str) -> int | None:
    """A whole number of seconds; None for what is none, and for more digits than any 64-bit number has."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def mismatch(to_sign: str) -> Refusal:
    """OSS's refusal of a wrong signature; it shows the text the server signed."""
    message = "The request signature we calculated does not match the signature you provided. Check your key and "
    return Refusal(403, "SignatureDoesNotMatch", f"{message}signing method. StringToSign: {to_sign}")
