"""ListObjectVersions and the bucket's versioning status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import owned_bucket
from emulator.oss.buckets import owner_node
from emulator.oss.listing import encoding_node, group_of, text_encoder
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.state import NULL_VERSION
from emulator.oss.times import iso
from emulator.oss.versions import versions_of
from emulator.refusal import Refusal
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

Shown = tuple[str, str, bool, "StoredObject | None"]  # key or common prefix, version id, is latest, None for a prefix


@serves(
    "ListObjectVersions",
    *("versions", "prefix", "delimiter", "key-marker", "version-id-marker", "max-keys", "encoding-type"),
)
def list_versions(cloud: Cloud, call: Call) -> Reply:
    """Every version and delete marker in order of keys, newest first within a key, in pages."""
    bucket = owned_bucket(cloud, call)
    params, encode = call.params, text_encoder(call)
    limit = read_number(params, "max-keys", 100, 1, 1000)
    prefix, delimiter = params.get("prefix", ""), params.get("delimiter", "")
    key_marker, version_marker = params.get("key-marker", ""), params.get("version-id-marker", "")
    if version_marker and not key_marker:
        raise Refusal(400, "InvalidArgument", "A version-id marker cannot be specified without a key marker.")
    page: list[Shown] = []
    more = False
    for shown in _entries(bucket, prefix, delimiter, key_marker, version_marker):
        if len(page) == limit:
            more = True
            break
        page.append(shown)
    following: list[Node] = []
    if more:
        following = [("NextKeyMarker", encode(page[-1][0])), ("NextVersionIdMarker", page[-1][1])]
    body: list[Node] = [
        ("Name", bucket.name),
        ("Prefix", encode(prefix)),
        ("KeyMarker", encode(key_marker)),
        ("VersionIdMarker", version_marker),
        ("MaxKeys", limit),
        ("Delimiter", encode(delimiter)),
        *encoding_node(call),
        ("IsTruncated", more),
        *following,
        *(_node(bucket, shown, encode) for shown in page),
    ]
    return Reply(render("ListVersionsResult", body))


def _entries(bucket: Bucket, prefix: str, delimiter: str, key_marker: str, version_marker: str) -> Iterator[Shown]:
    """What is listed behind the markers."""
    last_group = group_of(key_marker, prefix, delimiter)
    for key in sorted({*bucket.keys, *bucket.older}) if bucket.older else bucket.keys:
        if not key.startswith(prefix) or key < key_marker or (key == key_marker and not version_marker):
            continue
        group = group_of(key, prefix, delimiter)
        if group:
            if group != last_group:
                last_group = group
                yield group, "", False, None
            continue
        versions = versions_of(bucket, key)
        start = _behind(versions, version_marker) if key == key_marker else 0
        for index in range(start, len(versions)):
            yield key, versions[index].version_id, index == 0, versions[index]


def _behind(versions: list[StoredObject], version_marker: str) -> int:
    """Where the versions older than the marker begin; whoever empties a bucket has deleted the marked one by now."""
    ids = [item.version_id for item in versions]
    if version_marker in ids:
        return ids.index(version_marker) + 1
    newer = [index for index, at in enumerate(ids) if at != NULL_VERSION and at >= version_marker]
    return newer[-1] + 1 if newer else 0


def _node(bucket: Bucket, shown: Shown, encode: Callable[[str], str]) -> Node:
    name, version_id, latest, item = shown
    if item is None:
        return ("CommonPrefixes", [("Prefix", encode(name))])
    head: list[Node] = [
        ("Key", encode(name)),
        ("VersionId", version_id),
        ("IsLatest", latest),
        ("LastModified", iso(item.last_modified)),
    ]
    if item.delete_marker:
        return ("DeleteMarker", [*head, owner_node(bucket.account)])
    facts: list[Node] = [
        ("ETag", f'"{item.etag}"'),
        ("Type", item.object_type),
        ("Size", item.size),
        ("StorageClass", item.storage_class),
        owner_node(bucket.account),
    ]
    return ("Version", head + facts)


@serves("GetBucketVersioning", "versioning")
def get_versioning(cloud: Cloud, call: Call) -> Reply:
    """The status, or an empty document if it was never set."""
    status = owned_bucket(cloud, call).versioning
    return Reply(render("VersioningConfiguration", [("Status", status)] if status else None))


@serves("PutBucketVersioning", "versioning")
def put_versioning(cloud: Cloud, call: Call) -> Reply:
    """Enable or suspend; once set, it can never be unset again, and versions stay whatever the status."""
    bucket = owned_bucket(cloud, call)
    root = parse(call.body)
    status = "" if root is None else child_text(root, "Status")
    if root is None or root.tag != "VersioningConfiguration" or status not in {"Enabled", "Suspended"}:
        message = "The XML you provided was not well-formed or did not validate against our published schema."
        raise Refusal(400, "MalformedXML", message)
    bucket.versioning = status
    return Reply()
