"""Reading and changing objects in the state: the only door through which an object changes.

Every change goes through `put_object`, `delete_object` or `delete_version`, because they tell `cloud.object_listeners`:
an object that changed silently would never be indexed by a binding nor announced on a topic. What is told is what a
plain reader sees: a delete marker is a deletion, and removing the marker is a put of what it hid.
"""

from __future__ import annotations

import mimetypes
from bisect import bisect_left, bisect_right
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING

from fastcrc.crc64 import xz

from emulator.oss.state import Bucket, Cause, ObjectChange, StoredObject
from emulator.oss.versions import add_marker, add_version, remove_version, update_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emulator.state import Cloud

# CRC-64/XZ (ECMA-182, reflected): what OSS sends in x-oss-hash-crc64ecma and every OSS SDK verifies.
crc64 = xz

DEFAULT_CONTENT_TYPE = "application/octet-stream"
_NOBODY = Cause()


def make_object(  # noqa: PLR0913 - one for each fact of an object that a request can state
    key: str,
    data: bytes,
    now: float,
    *,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    acl: str = "default",
    storage_class: str = "Standard",
) -> StoredObject:
    """The object that a plain put of `data` stores: ETag is the MD5, the content type is guessed if not given."""
    return StoredObject(
        key=key,
        data=data,
        etag=md5(data, usedforsecurity=False).hexdigest().upper(),
        crc64=crc64(data),
        last_modified=now,
        content_type=content_type or mimetypes.guess_type(key)[0] or DEFAULT_CONTENT_TYPE,
        headers=dict(headers or {}),
        metadata=dict(metadata or {}),
        tags=dict(tags or {}),
        acl=acl,
        storage_class=storage_class,
    )


def appended(present: StoredObject, data: bytes) -> StoredObject:
    """The object grown to `data`. Its ETag is no MD5 in OSS; any value that changes with the content serves."""
    checksum = crc64(data)
    return replace(present, data=data, crc64=checksum, etag=_appended_etag(checksum, len(data)))


def has_md5(item: StoredObject) -> bool:
    """Whether the ETag is the content's MD5: not of what was put together of parts or by appends, nor of its copies."""
    return "-" not in item.etag and item.etag != _appended_etag(item.crc64, item.size)


def _appended_etag(checksum: int, size: int) -> str:
    return f"{checksum:016X}{size:016X}"


def find_bucket(cloud: Cloud, bucket: str) -> Bucket | None:
    """The bucket of that name, whoever owns it."""
    return cloud.oss.buckets.get(bucket)


def find_object(cloud: Cloud, bucket: str, key: str) -> StoredObject | None:
    """The object with its facts, or None if it or its bucket is missing."""
    found = cloud.oss.buckets.get(bucket)
    return None if found is None else found.objects.get(key)


def read_object(cloud: Cloud, bucket: str, key: str) -> bytes | None:
    """The object's content, or None if it or its bucket is missing."""
    found = find_object(cloud, bucket, key)
    return None if found is None else found.data


def iterate_objects(cloud: Cloud, bucket: str, *, prefix: str = "", after: str = "") -> Iterator[StoredObject]:
    """Objects in key order whose key starts with `prefix` and is greater than `after`.

    Meant for a scan in pages: take what a page needs (`itertools.islice`) and come back with the last key. A change
    between two steps of the same iteration is seen or not, but never breaks it.
    """
    found = cloud.oss.buckets.get(bucket)
    if found is None:
        return
    last = after
    index = bisect_left(found.keys, prefix) if prefix > after else bisect_right(found.keys, after)
    if not prefix and not after:
        index = 0
    while index < len(found.keys):
        key = found.keys[index]
        if not key.startswith(prefix):
            return
        item = found.objects[key]
        last = key
        yield item
        index = index + 1 if index < len(found.keys) and found.keys[index] == last else bisect_right(found.keys, last)


def put_object(cloud: Cloud, bucket: str, item: StoredObject, cause: Cause = _NOBODY) -> StoredObject:
    """Store `item` in an existing bucket and tell the listeners; the clock's now becomes its last-modified time.

    Raises:
        KeyError: The bucket does not exist.
    """
    found = cloud.oss.buckets[bucket]
    before = found.objects.get(item.key)
    now = cloud.clock.now()
    stored = add_version(found, item if item.last_modified == now else replace(item, last_modified=now))
    _announce(cloud, found, item.key, before, cause)
    return stored


def grow_object(cloud: Cloud, bucket: str, item: StoredObject, cause: Cause = _NOBODY) -> StoredObject:
    """Put `item` in the place of the version it grew from, and tell the listeners: an append makes no version.

    Raises:
        KeyError: The bucket or the object does not exist.
    """
    found = cloud.oss.buckets[bucket]
    before = found.objects[item.key]
    stored = replace(item, last_modified=cloud.clock.now())
    update_version(found, stored)
    _announce(cloud, found, item.key, before, cause)
    return stored


def delete_object(
    cloud: Cloud, bucket: str, key: str, cause: Cause = _NOBODY, *, now: float | None = None
) -> StoredObject | None:
    """Delete as a plain request does: for good without versioning, else by a delete marker, dated `now`.

    Returns:
        The removed object, or the marker; None if versioning is off and there was nothing.

    Raises:
        KeyError: The bucket does not exist.
    """
    found = cloud.oss.buckets[bucket]
    before = found.objects.get(key)
    if found.versioning is None:
        found.remove(key)
        deleted = before
    else:
        deleted = add_marker(found, key, cloud.clock.now() if now is None else now)
    if before is not None:
        _announce(cloud, found, key, before, cause)
    return deleted


def delete_version(cloud: Cloud, bucket: str, key: str, version_id: str, cause: Cause = _NOBODY) -> StoredObject | None:
    """Remove one version, or a delete marker, for good; None if there is none of that id.

    Listeners are told if a plain reader sees something else now.

    Raises:
        KeyError: The bucket does not exist.
    """
    found = cloud.oss.buckets[bucket]
    before = found.objects.get(key)
    removed = remove_version(found, key, version_id)
    if removed is not None and found.objects.get(key) is not before:
        _announce(cloud, found, key, before, cause)
    return removed


def _announce(cloud: Cloud, bucket: Bucket, key: str, before: StoredObject | None, cause: Cause) -> None:
    """Tell that the key no longer shows `before`."""
    after = bucket.objects.get(key)
    shown = after or before
    if shown is None:
        return
    change = ObjectChange(
        bucket=bucket.name,
        key=key,
        kind="delete" if after is None else "put",
        owner=bucket.account,
        etag=shown.etag,
        size=shown.size,
        last_modified=shown.last_modified,
        delta=(0 if after is None else after.size) - (0 if before is None else before.size),
        cause=cause,
    )
    for listener in cloud.object_listeners:
        listener(cloud, change)
