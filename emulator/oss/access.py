"""Finding the bucket and the object a call means, and whether the caller may touch them.

Ownership and access control lists are checked here; RAM's policies are `emulator.authorization`'s business. Bucket
policies are kept and not evaluated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call
from emulator.oss.names import check_bucket_name, check_key
from emulator.oss.state import Cause
from emulator.oss.versions import find_version, marker_of
from emulator.refusal import Refusal
from emulator.wire.xml import child_text, parse

if TYPE_CHECKING:
    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

READS = frozenset({"GetObject", "HeadObject", "GetObjectMeta", "GetSymlink"})
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


def is_open(cloud: Cloud, call: Call) -> bool:
    """Whether an access control list lets everybody do what the call does."""
    bucket = cloud.oss.buckets.get(call.resource[0])
    return bucket is not None and _is_public(bucket, call)


def _is_public(bucket: Bucket, call: Call) -> bool:
    if blocks_public_access(bucket):
        return False
    item = bucket.objects.get(call.resource[1])
    acl = bucket.acl if item is None or item.acl == "default" else item.acl
    if call.operation in READS:
        return acl in {"public-read", "public-read-write"}
    return call.operation in WRITES and bucket.acl == "public-read-write"


def blocks_public_access(bucket: Bucket) -> bool:
    """Whether the bucket's PublicAccessBlock setting is on: public ACLs then neither count nor can be set."""
    root = parse(bucket.documents.get("publicAccessBlock", b"<none/>"))
    return root is not None and child_text(root, "BlockPublicAccess") == "true"


def check_acl_allowed(bucket: Bucket, acl: str) -> None:
    """Refuse a public ACL on a bucket that blocks public access (the code's message is assumed)."""
    if acl.startswith("public-") and blocks_public_access(bucket):
        raise Refusal(403, "AccessDenied", f"Block Public Access is on: the ACL {acl} is not allowed.")


def writable_key(call: Call) -> str:
    """The key the call names, if it may be written."""
    check_key(call.resource[1])
    return call.resource[1]


def existing_object(bucket: Bucket, call: Call) -> StoredObject:
    """The object the call names, or the version of it that the query's `versionId` names.

    Raises:
        Refusal: NoSuchKey, also where a delete marker hides the object; NoSuchVersion; MethodNotAllowed for a version
            that is itself a delete marker, which can only be deleted.
    """
    version_id = call.params.get("versionId", "")
    return object_of(bucket, call.resource[1], version_id)


def object_of(bucket: Bucket, key: str, version_id: str = "") -> StoredObject:
    """As `existing_object`, by name."""
    if not version_id:
        return _current(bucket, key)
    item = find_version(bucket, key, version_id)
    if item is None:
        raise Refusal(404, "NoSuchVersion", f"The specified version does not exist: {version_id}.")
    if item.delete_marker:
        headers = {"x-oss-delete-marker": "true", "x-oss-version-id": item.version_id, "allow": "DELETE"}
        raise Refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", headers)
    return item


def _current(bucket: Bucket, key: str) -> StoredObject:
    item = bucket.objects.get(key)
    if item is not None:
        return item
    marker = marker_of(bucket, key)
    headers = {} if marker is None else {"x-oss-delete-marker": "true", "x-oss-version-id": marker.version_id}
    raise Refusal(404, "NoSuchKey", f"The specified key does not exist: {key}.", headers)


def version_headers(bucket: Bucket, item: StoredObject) -> dict[str, str]:
    """The version id's header; only a bucket whose versioning was ever set answers with it."""
    return {} if bucket.versioning is None else {"x-oss-version-id": item.version_id}


def cause_of(call: Call) -> Cause:
    """What listeners are told about the request behind a change."""
    principal = call.account if call.identity is None else call.identity.principal_id
    return Cause(call.operation, call.request_id, principal)
