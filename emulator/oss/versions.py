"""The versions of a key: what a write keeps, what a deletion hides, and what comes back when a version goes.

A bucket's `objects` always shows what a plain read sees; everything here keeps that true. While versioning is off, or
suspended, a write has the version id `null` and replaces the version of that id, if there is one
(www.alibabacloud.com/help/en/oss/user-guide/overview-78).
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.oss.state import NULL_VERSION, StoredObject

if TYPE_CHECKING:
    from emulator.oss.state import Bucket


def versions_of(bucket: Bucket, key: str) -> list[StoredObject]:
    """All versions and delete markers of the key, newest first."""
    current = bucket.objects.get(key)
    return [*([] if current is None else [current]), *bucket.older.get(key, [])]


def find_version(bucket: Bucket, key: str, version_id: str) -> StoredObject | None:
    """The version of that id, which may be a delete marker; None if there is none."""
    return next((item for item in versions_of(bucket, key) if item.version_id == version_id), None)


def marker_of(bucket: Bucket, key: str) -> StoredObject | None:
    """The delete marker that hides the key from a plain read, if that is why it is not there."""
    return None if key in bucket.objects else next(iter(bucket.older.get(key, [])), None)


def add_version(bucket: Bucket, item: StoredObject) -> StoredObject:
    """Make `item` the current version of its key; as stored, with its version id."""
    version_id = _next_id(bucket, item.key)
    stored = item if item.version_id == version_id else replace(item, version_id=version_id)
    _make_way(bucket, stored)
    bucket.store(stored)
    return stored


def add_marker(bucket: Bucket, key: str, now: float) -> StoredObject:
    """Put a delete marker on top of the key's versions; the marker."""
    marker = StoredObject(
        key=key,
        data=b"",
        etag="",
        crc64=0,
        last_modified=now,
        content_type="",
        version_id=_next_id(bucket, key),
        delete_marker=True,
    )
    _make_way(bucket, marker)
    bucket.older.setdefault(key, []).insert(0, marker)
    return marker


def remove_version(bucket: Bucket, key: str, version_id: str) -> StoredObject | None:
    """Remove one version for good; the next older one shows again if it is no delete marker."""
    removed = find_version(bucket, key, version_id)
    if removed is None:
        return None
    if bucket.objects.get(key) is removed:
        bucket.remove(key)
    else:
        _keep(bucket, key, [item for item in bucket.older[key] if item is not removed])
    rest = bucket.older.get(key, [])
    if key not in bucket.objects and rest and not rest[0].delete_marker:
        bucket.store(rest[0])
        _keep(bucket, key, rest[1:])
    return removed


def update_version(bucket: Bucket, item: StoredObject) -> None:
    """Put `item` in the place of the version of its id: tags, ACL and class change without making a version."""
    current = bucket.objects.get(item.key)
    if current is not None and current.version_id == item.version_id:
        bucket.store(item)
        return
    older = bucket.older.get(item.key, [])
    _keep(bucket, item.key, [item if old.version_id == item.version_id else old for old in older])


def _next_id(bucket: Bucket, key: str) -> str:
    """Opaque to clients, as long as real ones are; later ones sort behind earlier ones, which listing relies on."""
    if bucket.versioning != "Enabled":
        return NULL_VERSION
    bucket.sequence += 1
    digest = sha256(f"{bucket.name}/{bucket.created}/{bucket.sequence}/{key}".encode()).hexdigest()
    return f"CAEQ{bucket.sequence:012x}{digest[:48]}"


def _make_way(bucket: Bucket, incoming: StoredObject) -> None:
    """Move the current version behind `incoming`, and drop the one whose id `incoming` takes."""
    present = versions_of(bucket, incoming.key)
    bucket.remove(incoming.key)
    _keep(bucket, incoming.key, [item for item in present if item.version_id != incoming.version_id])


def _keep(bucket: Bucket, key: str, older: list[StoredObject]) -> None:
    if older:
        bucket.older[key] = older
    else:
        bucket.older.pop(key, None)
