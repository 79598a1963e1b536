"""What OSS remembers: buckets, objects, uploads in progress, and the change that listeners are told about.

A bucket keeps its keys in a sorted list beside the dictionary: listing is by far the commonest read (the IMM scanner, a
CLI, a Pulumi read all list), and `bisect` then answers a page in O(log n + page). Python orders strings by code point,
which is the order of their UTF-8 bytes, OSS's own order.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

ObjectType = Literal["Normal", "Multipart", "Appendable"]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as stored; never changed in place, so a reader may keep it.

    Attributes:
        key: The object's name inside its bucket.
        data: The content.
        etag: Upper-case hex without quotes (MD5 of the content for a plain put).
        crc64: CRC-64/XZ of the content, decimal in `x-oss-hash-crc64ecma`.
        last_modified: Seconds since the epoch.
        content_type: As sent, or guessed from the key.
        headers: Stored standard headers, lower-case (`cache-control`, `content-disposition`, …).
        metadata: User metadata without the `x-oss-meta-` prefix, names in lower case.
        tags: Object tags.
        acl: `default` or the object's own.
        storage_class: `Standard`, `IA`, …
        object_type: How it was written; only an `Appendable` one can be appended to.
    """

    key: str
    data: bytes
    etag: str
    crc64: int
    last_modified: float
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    acl: str = "default"
    storage_class: str = "Standard"
    object_type: ObjectType = "Normal"

    @property
    def size(self) -> int:
        """Bytes of content."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What `Cloud.object_listeners` are told after a change. A deletion carries the removed object's facts."""

    bucket: str
    key: str
    kind: Literal["put", "delete"]
    owner: str  # the account id that owns the bucket
    etag: str
    size: int
    last_modified: float


@dataclass(frozen=True, slots=True)
class Part:
    """One uploaded part of a multipart upload."""

    number: int
    data: bytes
    etag: str
    last_modified: float


@dataclass(slots=True)
class Upload:
    """A multipart upload in progress."""

    upload_id: str
    template: StoredObject  # what the finished object will be, but for its content
    initiated: float
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(slots=True)
class Bucket:
    """One bucket. `documents` holds configured sub-resources (`cors`, `lifecycle`, …) as their XML or JSON text."""

    name: str
    account: str
    region: str
    created: float
    storage_class: str = "Standard"
    redundancy: str = "LRS"
    acl: str = "private"
    versioning: str | None = None  # None until configured, then Enabled or Suspended
    resource_group: str = "rg-default"
    documents: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)  # sorted(objects), maintained by store and remove
    uploads: dict[str, Upload] = field(default_factory=dict)

    def store(self, item: StoredObject) -> None:
        """Add or overwrite."""
        if item.key not in self.objects:
            insort(self.keys, item.key)
        self.objects[item.key] = item

    def remove(self, key: str) -> StoredObject | None:
        """Take an object out; None if it was not there."""
        item = self.objects.pop(key, None)
        if item is not None:
            del self.keys[bisect_left(self.keys, key)]
        return item


@dataclass(slots=True)
class OssState:
    """All buckets of all accounts: a bucket's name is unique over the whole cloud."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
