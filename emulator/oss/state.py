"""What OSS remembers: buckets, objects, uploads in progress, and the change that listeners are told about.

A bucket keeps its keys in a sorted list beside the dictionary: listing is by far the commonest read (the IMM scanner, a
CLI, a Pulumi read all list), and `bisect` then answers a page in O(log n + page). Python orders strings by code point,
which is the order of their UTF-8 bytes, OSS's own order.

`objects` holds what a plain read and a plain listing see. What versioning keeps besides lies in `older`, so a bucket
without versions pays nothing for them, and no version is in two places.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from emulator.persistence.marks import TRANSIENT

ObjectType = Literal["Normal", "Multipart", "Appendable", "Symlink"]
NULL_VERSION = "null"  # the id of what was written while versioning was off or suspended


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
        version_id: `null`, or the id it got in a bucket with versioning enabled.
        delete_marker: It stands for a deletion and has no content; never in `Bucket.objects`.
        symlink_target: The key a symlink points to, in the same bucket.
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
    version_id: str = NULL_VERSION
    delete_marker: bool = False
    symlink_target: str = ""

    @property
    def size(self) -> int:
        """Bytes of content."""
        return len(self.data)


class Cause(NamedTuple):
    """Which request changed an object: the operation's name, its id, and the account or user behind it."""

    operation: str = ""  # "" for the emulator's own doing, such as a test's or a lifecycle rule's
    request_id: str = ""
    principal: str = ""


class ObjectChange(NamedTuple):
    """What `Cloud.object_listeners` are told after a change. A deletion carries the removed object's facts.

    `delta` is by how many bytes the key's content grew; a deletion's is negative.
    """

    bucket: str
    key: str
    kind: Literal["put", "delete"]
    owner: str  # the account id that owns the bucket
    etag: str
    size: int
    last_modified: float
    delta: int = 0
    cause: Cause = Cause()


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
    """One bucket.

    `documents` holds configured sub-resources (`cors`, `lifecycle`, …) as their XML or JSON text. `older` holds, by key
    and newest first, the versions behind the one in `objects`; if the key is not in `objects`, the first one there is
    the delete marker that hides it.
    """

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
    keys: list[str] = field(default_factory=list, metadata=TRANSIENT)  # sorted(objects), kept so by store and remove
    uploads: dict[str, Upload] = field(default_factory=dict)
    older: dict[str, list[StoredObject]] = field(default_factory=dict)
    sequence: int = 0  # makes version ids distinct and ordered
    lifecycle_ran: float = 0.0  # the midnight up to which the lifecycle rules have been carried out
    lifecycle_after: str = ""  # the last key the run under way has looked at

    def __post_init__(self) -> None:
        self.keys = sorted(self.objects)

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
