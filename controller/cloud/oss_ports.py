"""OSS as the rest of the operator sees it; `controller.cloud.ports` has these among its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.core.facts import BucketFacts, ObjectFacts


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """A part of an object: `data` from the asked offset on, of an object of `size` bytes in the version `etag`."""

    data: bytes
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """A page of a listing, in the order of the keys. `next_after` goes into the next call; None on the last page."""

    objects: tuple[ObjectFacts, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What an object is without its content.

    Attributes:
        crc64: CRC-64/XZ of the content; None where OSS does not say, as of objects older than that.
        metadata: The user's own, by name in lower case without `x-oss-meta-`.
        modified: Seconds since 1970.
    """

    etag: str
    size: int
    crc64: int | None
    metadata: Mapping[str, str]
    modified: int


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A part that OSS has, and its checksum as OSS has it, which is that of what was sent."""

    number: int
    etag: str
    crc: int
    size: int


@dataclass(frozen=True, slots=True)
class UploadedObject:
    """An object made of parts; `crc64` is of the whole, and compared with that of the parts."""

    etag: str
    crc64: int


class OssReads(Protocol):
    """Of Object Storage Service, what sources and pictures are read by."""

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        """GetBucketInfo and GetBucketStat; None when no bucket of that name exists."""
        ...

    def get_range(
        self, bucket: str, key: str, first: int, count: int, *, etag: str | None = None
    ) -> ObjectRange | None:
        """GetObject of `count` bytes from `first` on; fewer at the end. None without the object.

        With `etag`, `Conflict` when the object is not that version any more.
        """
        ...

    def list_objects(self, bucket: str, prefix: str, *, after: str | None = None, most: int = 1000) -> ObjectPage:
        """ListObjectsV2, one page of the keys beyond `after`; `BucketNotFound` without the bucket."""
        ...


class OssPort(OssReads, Protocol):
    """Object Storage Service, for what the operator itself looks at."""

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        """PutObject, whatever is there."""
        ...

    def get_object(self, bucket: str, key: str, *, largest: int = 64 * 1024) -> bytes | None:
        """GetObject of at most `largest` bytes; None when there is none, `BucketNotFound` without the bucket.

        `Invalid` when the bucket keeps versions: records in it are not safe.
        """
        ...

    def put_new(self, bucket: str, key: str, data: bytes) -> None:
        """PutObject that overwrites nothing; `Conflict` when the object exists, else as `get_object`."""
        ...

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject; absence is success."""
        ...

    def head_object(self, bucket: str, key: str) -> HeadFacts | None:
        """HeadObject; None without the object, `BucketNotFound` without the bucket.

        Where the refusal does not say which of the two it is, GetObject of one byte tells.
        """
        ...

    def copy_object(self, source: str, source_key: str, bucket: str, key: str, *, etag: str) -> bool:
        """CopyObject inside OSS, whatever is at its end; False without the object that is to be copied.

        `Conflict` when that is not the version `etag`. `BucketNotFound` without either bucket.
        """
        ...

    def begin_upload(self, bucket: str, key: str, metadata: Mapping[str, str], *, replace: bool) -> str:
        """InitiateMultipartUpload: nothing is at `key` yet. Returns the upload's id.

        Without `replace`, `Conflict` when there is an object; OSS may also say it only in the end.
        """
        ...

    def upload_part(self, bucket: str, key: str, upload: str, number: int, data: bytes) -> UploadedPart:
        """UploadPart, numbers from 1; each but the last has at least 100 KiB. `Corrupted` by its checksum.

        `Conflict` when the upload is gone, here and at its end.
        """
        ...

    def complete_upload(
        self, bucket: str, key: str, upload: str, parts: Sequence[UploadedPart], *, replace: bool
    ) -> UploadedObject:
        """CompleteMultipartUpload: the object is there as a whole, or not at all; without `replace` HeadObject first.

        Without `replace`, `Conflict` when there is an object. A bucket with versions does not know that header of
        OSS's, so only the look before tells there, and what somebody writes between the two becomes an old version.
        An answer that is lost: `head_object` tells, by metadata and checksum. `Corrupted` when the checksum of the
        whole is not that of the parts: the object is there then.
        """
        ...

    def abort_upload(self, bucket: str, key: str, upload: str) -> None:
        """AbortMultipartUpload: its parts cost no more; an upload that is over or unknown is success."""
        ...
