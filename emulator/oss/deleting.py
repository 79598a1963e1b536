"""Deleting objects: one, or up to a thousand in one request. Deleting what is not there succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from emulator.call import Call, Refusal, Reply
from emulator.oss.access import owned_bucket
from emulator.oss.registry import serves
from emulator.oss.store import delete_object
from emulator.oss.writing import check_digest
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from emulator.state import Cloud

_MOST = 1000


@serves("DeleteObject")
def delete_one(cloud: Cloud, call: Call) -> Reply:
    """Remove one object."""
    bucket = owned_bucket(cloud, call)
    delete_object(cloud, bucket.name, call.resource[1])
    return Reply(status=204)


@serves("DeleteMultipleObjects", "delete", "encoding-type")
def delete_many(cloud: Cloud, call: Call) -> Reply:
    """Remove the listed objects; a quiet request gets an empty answer."""
    bucket = owned_bucket(cloud, call)
    if "content-md5" not in call.headers:
        raise Refusal(400, "MissingArgument", "Missing Some Required Arguments: Content-MD5.")
    check_digest(call)
    root = parse(call.body)
    if root is None or root.tag != "Delete":
        message = "The XML you provided was not well-formed or did not validate against our published schema."
        raise Refusal(400, "MalformedXML", message)
    entries = root.findall("Object")
    if not 1 <= len(entries) <= _MOST:
        raise Refusal(400, "MalformedXML", f"A request deletes 1 to {_MOST} objects, not {len(entries)}.")
    if any(entry.find("VersionId") is not None for entry in entries):
        raise Refusal(400, "NotImplemented.Emulator", "Versions are not kept; see emulator/oss/deleting.py.")
    keys = [child_text(entry, "Key") for entry in entries]
    for key in keys:
        delete_object(cloud, bucket.name, key)
    if child_text(root, "Quiet").lower() == "true":
        return Reply()
    encoded = call.params.get("encoding-type") == "url"
    nodes: list[Node] = [("EncodingType", "url")] if encoded else []
    nodes += [("Deleted", [("Key", quote(key, safe="") if encoded else key)]) for key in keys]
    return Reply(render("DeleteResult", nodes))
