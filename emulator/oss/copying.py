"""CopyObject: a new object from an existing one, in the same bucket or another one of the caller's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import cause_of, existing_object, owned_bucket, writable_key
from emulator.oss.conditions import check_conditions
from emulator.oss.registry import serves
from emulator.oss.store import put_object
from emulator.oss.times import iso
from emulator.oss.writing import (
    WRITE_HEADERS,
    check_overwrite,
    described,
    read_acl,
    read_headers,
    read_storage_class,
    read_tags,
    write_answer,
)
from emulator.refusal import Refusal
from emulator.wire.http import decode, parse_pairs
from emulator.wire.xml import render

if TYPE_CHECKING:
    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

PREFIX = "x-oss-copy-source-"
SOURCE_HEADERS = (
    "x-oss-copy-source",
    f"{PREFIX}if-match",
    f"{PREFIX}if-none-match",
    f"{PREFIX}if-modified-since",
    f"{PREFIX}if-unmodified-since",
)
_DIRECTIVES = frozenset({"COPY", "REPLACE"})


@serves("CopyObject", *SOURCE_HEADERS, "x-oss-metadata-directive", "x-oss-tagging-directive", *WRITE_HEADERS)
def copy_object(cloud: Cloud, call: Call) -> Reply:
    """Copy content, and metadata and tags unless a directive says REPLACE."""
    bucket = owned_bucket(cloud, call)
    key = writable_key(call)
    source = source_object(cloud, call)
    check_overwrite(bucket, call)
    copied = replace(_copied(call, bucket, source), key=key)
    stored = put_object(cloud, bucket.name, copied, cause_of(call))
    body = render("CopyObjectResult", [("ETag", f'"{stored.etag}"'), ("LastModified", iso(stored.last_modified))])
    return Reply(body, headers={**write_answer(bucket, stored), **source_version(cloud, call, source)})


def _copied(call: Call, bucket: Bucket, source: StoredObject) -> StoredObject:
    fresh = replace(
        source,
        acl=read_acl(bucket, call.headers),
        storage_class=read_storage_class(call.headers, bucket.storage_class),
        object_type="Symlink" if source.object_type == "Symlink" else "Normal",  # a link is copied, not its target
    )
    if _directive(call, "x-oss-metadata-directive") == "REPLACE":
        new = described(call, bucket, source.data, source.last_modified)
        fresh = replace(fresh, metadata=new.metadata, headers=read_headers(call.headers), content_type=new.content_type)
    if _directive(call, "x-oss-tagging-directive").upper() == "REPLACE":
        fresh = replace(fresh, tags=read_tags(call.headers))
    return fresh


def _directive(call: Call, header: str) -> str:
    directive = call.headers.get(header, "COPY").upper()
    if directive not in _DIRECTIVES:
        raise Refusal(400, "InvalidArgument", f"The header {header} must be COPY or REPLACE, not {directive}.")
    return directive


def source_object(cloud: Cloud, call: Call) -> StoredObject:
    """The object that `x-oss-copy-source: /bucket/key?versionId=…` names, under the request's conditions on it."""
    source_call = _source(call)
    item = existing_object(owned_bucket(cloud, source_call), source_call)
    check_conditions(item, call.headers, PREFIX)
    return item


def source_version(cloud: Cloud, call: Call, source: StoredObject) -> dict[str, str]:
    """The header with the version that was copied, if its bucket has versions."""
    bucket = owned_bucket(cloud, _source(call))
    return {} if bucket.versioning is None else {"x-oss-copy-source-version-id": source.version_id}


def _source(call: Call) -> Call:
    path, _, query = call.headers["x-oss-copy-source"].lstrip("/").partition("?")
    bucket_name, _, key = decode(path, plus_is_space=False).partition("/")
    version_id = dict(parse_pairs(query)).get("versionId", "")
    return call._replace(operation="GetObject", resource=(bucket_name, key), params={"versionId": version_id})
