"""Writing an object: what a request's headers say about it, and PutObject."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from emulator.call import Call, Reply
from emulator.oss.access import cause_of, check_acl_allowed, owned_bucket, version_headers, writable_key
from emulator.oss.buckets import ENCRYPTIONS, STORAGE_CLASSES
from emulator.oss.object_facts import OBJECT_ACLS, check_tags
from emulator.oss.registry import serves
from emulator.oss.store import make_object, put_object
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

STORED_HEADERS = ("cache-control", "content-disposition", "content-encoding", "content-language", "expires")
META = "x-oss-meta-"
ENCRYPTION = "x-oss-server-side-encryption"
ENCRYPTION_KEYS = ("x-oss-server-side-encryption-key-id", "x-oss-server-side-data-encryption")
# Headers a write may carry; those in the first line are about the object, the last one about the write.
WRITE_HEADERS = (
    *("x-oss-meta-*", "x-oss-object-acl", "x-oss-storage-class", "x-oss-tagging", ENCRYPTION, *ENCRYPTION_KEYS),
    "x-oss-forbid-overwrite",
)
_MOST_METADATA = 8 * 1024  # bytes of names and values together
_LARGEST_PUT = 5 * 1024**3


@serves("PutObject", *WRITE_HEADERS)
def put_object_operation(cloud: Cloud, call: Call) -> Reply:
    """Store the body; an existing object is overwritten unless the request forbids it."""
    bucket = owned_bucket(cloud, call)
    check_overwrite(bucket, call)
    if len(call.body) > _LARGEST_PUT:
        raise Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
    item = described(call, bucket, call.body, cloud.clock.now())
    stored = put_object(cloud, bucket.name, item, cause_of(call))
    return Reply(headers=write_answer(bucket, stored))


def write_answer(bucket: Bucket, stored: StoredObject) -> dict[str, str]:
    """The headers every successful write answers with."""
    headers = {"etag": f'"{stored.etag}"', "x-oss-hash-crc64ecma": str(stored.crc64)}
    headers.update({name: stored.headers[name] for name in (ENCRYPTION, *ENCRYPTION_KEYS) if name in stored.headers})
    return {**headers, **version_headers(bucket, stored)}


def described(call: Call, bucket: Bucket, data: bytes, now: float) -> StoredObject:
    """The object that the request's headers describe, with `data` as its content."""
    return make_object(
        writable_key(call),
        data,
        now,
        content_type=call.headers.get("content-type"),
        metadata=read_metadata(call.headers),
        tags=read_tags(call.headers),
        headers=read_headers(call.headers),
        acl=read_acl(bucket, call.headers),
        storage_class=read_storage_class(call.headers, bucket.storage_class),
    )


def check_overwrite(bucket: Bucket, call: Call) -> None:
    """Refuse to replace an object when the request forbids it; with versioning nothing is replaced, nor refused.

    Source: www.alibabacloud.com/help/en/oss/developer-reference/putobject, x-oss-forbid-overwrite.
    """
    if bucket.versioning is not None:
        return
    forbidden = call.headers.get("x-oss-forbid-overwrite", "false").lower() == "true"
    if forbidden and call.resource[1] in bucket.objects:
        raise Refusal(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")


def read_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """User metadata of a request, limited to 8 KiB."""
    metadata = {name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)}
    if sum(len(name) + len(value.encode("utf-8", "replace")) for name, value in metadata.items()) > _MOST_METADATA:
        raise Refusal(400, "InvalidArgument", "The user metadata exceeds 8 KB.")
    return metadata


def read_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The standard headers that are kept with the object."""
    kept = {name: headers[name] for name in (*STORED_HEADERS, *ENCRYPTION_KEYS) if name in headers}
    encryption = headers.get(ENCRYPTION)
    if encryption is not None and encryption not in ENCRYPTIONS:
        raise Refusal(400, "InvalidEncryptionAlgorithmError", f"Unknown server-side encryption: {encryption}")
    return kept if encryption is None else {**kept, ENCRYPTION: encryption}


def read_tags(headers: Mapping[str, str]) -> dict[str, str]:
    """Tags of the `x-oss-tagging` header, which is written like a query."""
    tagging = headers.get("x-oss-tagging")
    return check_tags(parse_qsl(tagging, keep_blank_values=True)) if tagging else {}


def read_acl(bucket: Bucket, headers: Mapping[str, str]) -> str:
    """The object's ACL, which may not be public where the bucket blocks that."""
    acl = headers.get("x-oss-object-acl", "default")
    if acl not in OBJECT_ACLS:
        raise Refusal(400, "InvalidArgument", f"no such object access control exists: {acl}")
    check_acl_allowed(bucket, acl)
    return acl


def read_storage_class(headers: Mapping[str, str], default: str) -> str:
    """The object's storage class; the bucket's if the request names none."""
    storage_class = headers.get("x-oss-storage-class", default)
    if storage_class not in STORAGE_CLASSES:
        raise Refusal(400, "InvalidArgument", f"The storage class {storage_class} is not valid.")
    return storage_class
