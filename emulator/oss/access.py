"""Finding the bucket and the object a call means, and whether the caller may touch them.

Ownership and access control lists are checked here; RAM and bucket policies are stored but not evaluated yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Refusal
from emulator.oss.names import check_bucket_name, check_key

if TYPE_CHECKING:
    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

READS = frozenset({"GetObject", "HeadObject", "GetObjectMeta"})
WRITES = frozenset({"PutObject"})


def owned_bucket(cloud: Cloud, call: Call) -> Bucket:
    """The bucket the call names, if it exists, the caller may use it and the endpoint is the bucket's region's."""
    name = call.resource[0]
    check_bucket_name(name)
    bucket = cloud.oss.buckets.get(name)
    if bucket is None:
        raise Refusal(404, "NoSuchBucket", f"The specified bucket does not exist: {name}.")
    if bucket.account != call.account and not _is_public(bucket, call):
        if not call.account:
            raise Refusal(403, "AccessDenied", "Anonymous access is forbidden for this operation.")
        raise Refusal(403, "AccessDenied", "The bucket you access does not belong to you.")
    if call.named_region is not None and call.named_region != bucket.region:
        message = "The bucket you are attempting to access must be addressed using the specified endpoint: "
        raise Refusal(403, "AccessDenied", f"{message}it is in {bucket.region}, the request names {call.named_region}.")
    return bucket


def _is_public(bucket: Bucket, call: Call) -> bool:
    item = bucket.objects.get(call.resource[1])
    acl = bucket.acl if item is None or item.acl == "default" else item.acl
    if call.operation in READS:
        return acl in {"public-read", "public-read-write"}
    return call.operation in WRITES and bucket.acl == "public-read-write"


def writable_key(call: Call) -> str:
    """The key the call names, if it may be written."""
    check_key(call.resource[1])
    return call.resource[1]


def existing_object(bucket: Bucket, key: str) -> StoredObject:
    """The object, or NoSuchKey."""
    item = bucket.objects.get(key)
    if item is None:
        raise Refusal(404, "NoSuchKey", f"The specified key does not exist: {key}.")
    return item
