"""Reading and changing objects in the state: the only door through which an object changes.

Every change goes through `put_object` or `delete_object`, because both tell `cloud.object_listeners`: an object that
changed silently would never be indexed by a binding nor announced on a topic.
"""

from __future__ import annotations

import mimetypes
from bisect import bisect_left, bisect_right
from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING

import crcmod

from emulator.oss.state import Bucket, ObjectChange, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emulator.state import Cloud

# CRC-64/ECMA-182, reflected: what OSS sends in x-oss-hash-crc64ecma and every OSS SDK verifies.
crc64 = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=0xFFFFFFFFFFFFFFFF, rev=True)

DEFAULT_CONTENT_TYPE = "application/octet-stream"


def make_object(
    key: str,
    data: bytes,
    now: float,
    *,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> StoredObject:
    """The object that a plain put of `data` stores: ETag is the MD5, the content type is guessed if not given."""
    return StoredObject(
        key=key,
        data=data,
        etag=md5(data, usedforsecurity=False).hexdigest().upper(),
        crc64=crc64(data),
        last_modified=now,
        content_type=content_type or mimetypes.guess_type(key)[0] or DEFAULT_CONTENT_TYPE,
        metadata=dict(metadata or {}),
        tags=dict(tags or {}),
    )


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


def put_object(cloud: Cloud, bucket: str, item: StoredObject) -> StoredObject:
    """Store `item` in an existing bucket and tell the listeners; the clock's now becomes its last-modified time.

    Raises:
        KeyError: The bucket does not exist.
    """
    found = cloud.oss.buckets[bucket]
    stored = replace(item, last_modified=cloud.clock.now())
    found.store(stored)
    _announce(cloud, found, stored, "put")
    return stored


def delete_object(cloud: Cloud, bucket: str, key: str) -> StoredObject | None:
    """Remove the object and tell the listeners; None, and nobody is told, if it was not there.

    Raises:
        KeyError: The bucket does not exist.
    """
    found = cloud.oss.buckets[bucket]
    removed = found.remove(key)
    if removed is not None:
        _announce(cloud, found, removed, "delete")
    return removed


def _announce(cloud: Cloud, bucket: Bucket, item: StoredObject, kind: str) -> None:
    change = ObjectChange(
        bucket=bucket.name,
        key=item.key,
        kind="put" if kind == "put" else "delete",
        owner=bucket.account,
        etag=item.etag,
        size=item.size,
        last_modified=item.last_modified,
    )
    for listener in cloud.object_listeners:
        listener(cloud, change)
