"""Reports and exports, in a bucket of the service's own, behind signed addresses that live two hours.

An address looks like one of OSS's (version 1), but its end is judged by the emulator's clock, where a client's own
signatures are judged by the real time: so that a test can let it expire.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.oss.state import Bucket
from emulator.oss.store import make_object, put_object
from emulator.refusal import Refusal
from emulator.wire.http import encode

if TYPE_CHECKING:
    from emulator.state import Cloud
    from emulator.wire.http import HttpRequest

OWNER = "imagesearch"  # no account has this id: an account's is digits
LIFETIME = 2 * 3600  # seconds; IncreaseList and DumpMetaList: "valid for two hours"
_KEY_ID = "LTAI5tImageSearchTaskInfo"
_SECRET = b"signs addresses of a local emulator only"
_READS = frozenset({"GET", "HEAD"})


def bucket_name(region: str) -> str:
    """As the guide's example names it; one of each region, because a bucket is in one."""
    return f"image-search-task-info-{region}"


def publish(cloud: Cloud, region: str, name: str, content_type: str, content: bytes) -> str:
    """Keep a document and return its key, which nobody can guess from `name` only."""
    bucket = bucket_name(region)
    if bucket not in cloud.oss.buckets:
        now = cloud.clock.now()
        cloud.oss.buckets[bucket] = Bucket(bucket, OWNER, region, now, acl="public-read")
    key = sha256(f"{name}/{cloud.clock.now()}".encode()).hexdigest()
    put_object(cloud, bucket, make_object(key, content, cloud.clock.now(), content_type=content_type))
    return key


def address(cloud: Cloud, base_url: str, region: str, key: str) -> str:
    """A fresh address of a document under the host that the caller used, or under OSS's beside it."""
    expires = int(cloud.clock.now()) + LIFETIME
    signature = encode(_signature(f"/{bucket_name(region)}/{key}", str(expires)))
    query = f"Expires={expires}&OSSAccessKeyId={_KEY_ID}&Signature={signature}"
    return f"{_endpoint(base_url, region)}/{bucket_name(region)}/{key}?{query}"


def owns(cloud: Cloud, bucket: str) -> bool:
    """Whether a bucket is the service's own."""
    found = cloud.oss.buckets.get(bucket)
    return found is not None and found.account == OWNER


def refusal(cloud: Cloud, request: HttpRequest, place: tuple[str, ...]) -> Refusal | None:
    """Why a request may not read a document of the service's own; None if its address is signed and not expired."""
    expires = request.query.get("Expires", "")
    expected = _signature(f"/{place[0]}/{place[1]}", expires)
    if request.method not in _READS or not hmac.compare_digest(
        expected.encode(), request.query.get("Signature", "").encode("utf-8", "replace")
    ):
        return Refusal(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
    if cloud.clock.now() > int(expires):
        return Refusal(403, "AccessDenied", "Request has expired.")
    return None


def _endpoint(base_url: str, region: str) -> str:
    """OSS's name where the caller used Image Search's own: that one would be taken for a bucket's."""
    scheme, separator, host = base_url.partition("://")
    service, found, domain = host.partition(f".{region}.")
    return f"{scheme}{separator}oss-{region}.{domain}" if found and service.startswith("imagesearch") else base_url


def _signature(resource: str, expires: str) -> str:
    text = f"GET\n\n\n{expires}\n{resource}"
    return base64.b64encode(hmac.digest(_SECRET, text.encode("utf-8", "replace"), "sha1")).decode()
