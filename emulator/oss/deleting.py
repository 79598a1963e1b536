"""Deleting objects: one, or up to a thousand in one request. Deleting what is not there succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import cause_of, owned_bucket, version_headers
from emulator.oss.listing import encoding_node, text_encoder
from emulator.oss.registry import serves
from emulator.oss.store import delete_object, delete_version
from emulator.refusal import Refusal
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud

_MOST = 1000


@serves("DeleteObject", "versionId")
def delete_one(cloud: Cloud, call: Call) -> Reply:
    """Remove one object, or hide it behind a delete marker; with a version id, remove that version for good."""
    bucket = owned_bucket(cloud, call)
    deleted = _deleted(cloud, call, bucket, call.resource[1], call.params.get("versionId", ""))
    headers = {} if deleted is None else version_headers(bucket, deleted)
    if deleted is not None and deleted.delete_marker:
        headers["x-oss-delete-marker"] = "true"
    return Reply(status=204, headers=headers)


def _deleted(cloud: Cloud, call: Call, bucket: Bucket, key: str, version_id: str) -> StoredObject | None:
    if version_id:
        return delete_version(cloud, bucket.name, key, version_id, cause_of(call))
    return delete_object(cloud, bucket.name, key, cause_of(call))


@serves("DeleteMultipleObjects", "delete", "encoding-type")
def delete_many(cloud: Cloud, call: Call) -> Reply:
    """Remove the listed objects; a quiet request gets an empty answer."""
    bucket = owned_bucket(cloud, call)
    if "content-md5" not in call.headers:
        raise Refusal(400, "MissingArgument", "Missing Some Required Arguments: Content-MD5.")
    root = parse(call.body)
    if root is None or root.tag != "Delete":
        message = "The XML you provided was not well-formed or did not validate against our published schema."
        raise Refusal(400, "MalformedXML", message)
    entries = root.findall("Object")
    if not 1 <= len(entries) <= _MOST:
        raise Refusal(400, "MalformedXML", f"A request deletes 1 to {_MOST} objects, not {len(entries)}.")
    named = [(child_text(entry, "Key"), child_text(entry, "VersionId")) for entry in entries]
    encode = text_encoder(call)
    nodes: list[Node] = encoding_node(call)
    for key, version_id in named:
        deleted = _deleted(cloud, call, bucket, key, version_id)
        nodes.append(("Deleted", [("Key", encode(key)), *_version_nodes(deleted, version_id)]))
    if child_text(root, "Quiet").lower() == "true":
        return Reply()
    return Reply(render("DeleteResult", nodes))


def _version_nodes(deleted: StoredObject | None, version_id: str) -> list[Node]:
    """Which version went, and which delete marker came or went."""
    nodes: list[Node] = [("VersionId", version_id)] if version_id else []
    if deleted is not None and deleted.delete_marker:
        nodes += [("DeleteMarker", True), ("DeleteMarkerVersionId", deleted.version_id)]
    return nodes
