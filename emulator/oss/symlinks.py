"""Symbolic links: an object that names another key of its bucket; a read of it gives the other's content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from emulator.call import Call, Reply
from emulator.oss.access import cause_of, existing_object, owned_bucket, version_headers
from emulator.oss.names import check_key
from emulator.oss.registry import serves
from emulator.oss.store import put_object
from emulator.oss.times import http_date
from emulator.oss.writing import WRITE_HEADERS, check_overwrite, described
from emulator.refusal import Refusal
from emulator.wire.http import decode, is_utf8

if TYPE_CHECKING:
    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

TARGET = "x-oss-symlink-target"


@serves("PutSymlink", "symlink", TARGET, *WRITE_HEADERS)
def put_symlink(cloud: Cloud, call: Call) -> Reply:
    """Make a link; whether its target exists is asked only when it is read."""
    bucket = owned_bucket(cloud, call)
    target = decode(call.headers.get(TARGET, ""), plus_is_space=False)
    if not is_utf8([target]):
        raise Refusal(400, "InvalidObjectName", "The symlink target is not valid UTF-8.")
    check_key(target)
    check_overwrite(bucket, call)
    link = described(call, bucket, b"", cloud.clock.now())
    link = replace(link, object_type="Symlink", symlink_target=target)
    stored = put_object(cloud, bucket.name, link, cause_of(call))
    return Reply(headers={"etag": f'"{stored.etag}"', **version_headers(bucket, stored)})


@serves("GetSymlink", "symlink", "versionId")
def get_symlink(cloud: Cloud, call: Call) -> Reply:
    """The key the link points to, percent-encoded."""
    bucket = owned_bucket(cloud, call)
    link = existing_object(bucket, call)
    if link.object_type != "Symlink":
        raise Refusal(400, "NotSymlink", "The object is not a symlink.")
    headers = {
        TARGET: quote(link.symlink_target, safe=""),
        "etag": f'"{link.etag}"',
        "last-modified": http_date(link.last_modified),
    }
    return Reply(headers={**headers, **version_headers(bucket, link)})


def followed(bucket: Bucket, item: StoredObject) -> StoredObject:
    """What a read of `item` gives: itself, or for a link the target's content under the link's name and metadata.

    Raises:
        Refusal: SymlinkTargetNotExist; InvalidTargetType if the target is a link itself.
    """
    if item.object_type != "Symlink":
        return item
    target = bucket.objects.get(item.symlink_target)
    if target is None:
        raise Refusal(404, "SymlinkTargetNotExist", f"The symlink's target does not exist: {item.symlink_target}.")
    if target.object_type == "Symlink":
        raise Refusal(400, "InvalidTargetType", "The symlink's target is a symlink itself.")
    return replace(
        item,
        data=target.data,
        etag=target.etag,
        crc64=target.crc64,
        content_type=target.content_type,
        last_modified=max(item.last_modified, target.last_modified),
    )
