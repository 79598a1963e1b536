"""OSS signature version 4 (HMAC-SHA256 with a derived key), in the Authorization header or in a signed address.

The canonical path is always `/bucket/key`, also when the bucket stands in the host name.
Sources: oss2's `auth.ProviderAuthV4`, and `auth.go` of aliyun-oss-go-sdk, which sends no x-oss-date but a Date.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from emulator.auth.identity import FindKey, Signed, same
from emulator.auth.oss_v1 import check_skew, mismatch, read_seconds
from emulator.refusal import Refusal
from emulator.wire.http import encode

if TYPE_CHECKING:
    from emulator.wire.http import HttpRequest

SCHEME = "OSS4-HMAC-SHA256"
_CREDENTIAL = re.compile(r"([^/]+)/(\d{8})/([^/]+)/([^/]+)/aliyun_v4_request")
_LONGEST = 7 * 24 * 3600  # seconds a signed address may live
_HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
_DEFAULT_HEADERS = ("content-type", "content-md5")


class _Claim(NamedTuple):
    """What the request says about its own signature."""

    credential: str
    signature: str
    additional: tuple[str, ...]
    date: str
    expires: str | None  # seconds, for a signed address


def verify(request: HttpRequest, resource: str, find: FindKey, now: float) -> Signed | Refusal:
    """Whose signature the request carries, or OSS's refusal; arguments as in `oss_v1.verify`."""
    claim = _claim_of(request)
    scope = _CREDENTIAL.fullmatch(claim.credential)
    if scope is None or not claim.signature:
        return Refusal(400, "InvalidArgument", "Invalid Credential in the OSS4-HMAC-SHA256 signature.")
    access_key_id, day, region, product = scope.groups()
    key = find(access_key_id)
    if key is None:
        message = "The OSS Access Key Id you provided does not exist in our records."
        return Refusal(403, "InvalidAccessKeyId", message)
    problem = _check_date(claim, day, now)
    if problem is not None:
        return problem
    canonical = canonical_request(request, resource, claim.additional)
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    to_sign = f"{SCHEME}\n{claim.date}\n{day}/{region}/{product}/aliyun_v4_request\n{digest}"
    signing_key = _signing_key(key.secret, day, region, product)
    expected = hmac.digest(signing_key, to_sign.encode("utf-8", "surrogateescape"), "sha256").hex()
    if not same(expected, claim.signature):
        return mismatch(to_sign)
    return Signed(key, region=region)


@lru_cache(maxsize=128)
def _signing_key(secret: str, day: str, region: str, product: str) -> bytes:
    """The key derived for one day, region and product; the scheme derives it so that it can be kept for the day."""
    derived = f"aliyun_v4{secret}".encode()
    for part in (day, region, product, "aliyun_v4_request"):
        derived = hmac.digest(derived, part.encode("utf-8", "surrogateescape"), "sha256")
    return derived


def canonical_request(request: HttpRequest, resource: str, additional: tuple[str, ...]) -> str:
    """The request as the signature covers it."""
    pairs = sorted([(encode(k), encode(v)) for k, v in request.query.items() if k != "x-oss-signature"])
    query = "&".join([f"{name}={value}" if value else name for name, value in pairs])
    signed = [n for n in request.headers if n.startswith("x-oss-") or n in _DEFAULT_HEADERS or n in additional]
    headers = "".join([f"{name}:{request.headers[name].strip()}\n" for name in sorted(signed)])
    payload = request.headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD")
    path = encode(resource, safe="/")
    return "\n".join([request.method, path, query, headers, ";".join(sorted(additional)), payload])


def _claim_of(request: HttpRequest) -> _Claim:
    query = request.query
    if "x-oss-signature-version" in query:
        return _Claim(
            credential=query.get("x-oss-credential", ""),
            signature=query.get("x-oss-signature", ""),
            additional=tuple(filter(None, query.get("x-oss-additional-headers", "").split(";"))),
            date=query.get("x-oss-date", ""),
            expires=query.get("x-oss-expires", ""),
        )
    listed = request.headers.get("authorization", "").removeprefix(SCHEME).split(",")
    parts = {name.strip(): value.strip() for name, _, value in [part.partition("=") for part in listed]}
    return _Claim(
        credential=parts.get("Credential", ""),
        signature=parts.get("Signature", ""),
        additional=tuple(filter(None, parts.get("AdditionalHeaders", "").split(";"))),
        date=request.headers.get("x-oss-date") or request.headers.get("date", ""),
        expires=None,
    )


def _check_date(claim: _Claim, day: str, now: float) -> Refusal | None:
    moment = _instant(claim.date)
    if moment is None:
        return Refusal(403, "AccessDenied", "OSS authentication requires a valid x-oss-date.")
    sent, its_day = moment
    if its_day != day:
        return Refusal(400, "InvalidArgument", "The date in the Credential differs from x-oss-date.")
    if claim.expires is None:
        return check_skew(sent, now)
    lifetime = read_seconds(claim.expires)
    if lifetime is None or not 1 <= lifetime <= _LONGEST:
        return Refusal(400, "AuthorizationQueryParametersError", "x-oss-expires must be between 1 and 604800 seconds.")
    return None if now <= sent + lifetime else Refusal(403, "AccessDenied", "Request has expired.")


@lru_cache(maxsize=128)
def _instant(text: str) -> tuple[float, str] | None:
    """Seconds since the epoch, and the day as a credential names it; None for what is no time."""
    for form in ("%Y%m%dT%H%M%SZ", _HTTP_DATE):
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return moment.timestamp(), f"{moment:%Y%m%d}"
    return None
