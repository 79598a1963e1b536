"""An object's access control list and tags."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import check_acl_allowed, existing_object, owned_bucket, version_headers
from emulator.oss.buckets import ACLS, owner_node
from emulator.oss.registry import serves
from emulator.oss.versions import update_version
from emulator.refusal import Refusal
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.state import Cloud

OBJECT_ACLS = ACLS | {"default"}
_MOST_TAGS = 10
_LONGEST_TAG_KEY = 128
_LONGEST_TAG_VALUE = 256


def check_tags(pairs: Iterable[tuple[str, str]], most: int = _MOST_TAGS) -> dict[str, str]:
    """The tags as a mapping, or InvalidTag: at most ten, keys 1 to 128 characters, values to 256, no key twice."""
    listed = list(pairs)
    tags = dict(listed)
    bad = [k for k, v in listed if not 1 <= len(k) <= _LONGEST_TAG_KEY or len(v) > _LONGEST_TAG_VALUE]
    if bad or len(tags) != len(listed) or len(tags) > most:
        raise Refusal(400, "InvalidTag", "The tags are too many, too long, or name a key twice.")
    return tags


def read_tag_set(body: bytes, most: int = _MOST_TAGS) -> dict[str, str]:
    """The tags of a Tagging document."""
    root = parse(body)
    if root is None or root.tag != "Tagging":
        message = "The XML you provided was not well-formed or did not validate against our published schema."
        raise Refusal(400, "MalformedXML", message)
    return check_tags([(child_text(t, "Key"), child_text(t, "Value")) for t in root.findall("TagSet/Tag")], most)


def tag_document(tags: dict[str, str]) -> bytes:
    """A Tagging document."""
    nodes: list[Node] = [("Tag", [("Key", key), ("Value", value)]) for key, value in tags.items()]
    return render("Tagging", [("TagSet", nodes)])


@serves("GetObjectTagging", "tagging", "versionId")
def get_object_tagging(cloud: Cloud, call: Call) -> Reply:
    """The object's tags, an empty set if it has none."""
    bucket = owned_bucket(cloud, call)
    item = existing_object(bucket, call)
    return Reply(tag_document(dict(item.tags)), headers=version_headers(bucket, item))


@serves("PutObjectTagging", "tagging", "versionId")
def put_object_tagging(cloud: Cloud, call: Call) -> Reply:
    """Replace the object's tags; its content and time stay, so nobody is told of a change."""
    bucket = owned_bucket(cloud, call)
    item = existing_object(bucket, call)
    update_version(bucket, replace(item, tags=read_tag_set(call.body)))
    return Reply(headers=version_headers(bucket, item))


@serves("DeleteObjectTagging", "tagging", "versionId")
def delete_object_tagging(cloud: Cloud, call: Call) -> Reply:
    """Remove the object's tags."""
    bucket = owned_bucket(cloud, call)
    item = existing_object(bucket, call)
    update_version(bucket, replace(item, tags={}))
    return Reply(status=204, headers=version_headers(bucket, item))


@serves("GetObjectACL", "acl", "versionId")
def get_object_acl(cloud: Cloud, call: Call) -> Reply:
    """The object's own ACL; `default` follows the bucket's."""
    bucket = owned_bucket(cloud, call)
    item = existing_object(bucket, call)
    body: list[Node] = [owner_node(bucket.account), ("AccessControlList", [("Grant", item.acl)])]
    return Reply(render("AccessControlPolicy", body), headers=version_headers(bucket, item))


@serves("PutObjectACL", "acl", "versionId", "x-oss-object-acl")
def put_object_acl(cloud: Cloud, call: Call) -> Reply:
    """Set the object's own ACL."""
    bucket = owned_bucket(cloud, call)
    item = existing_object(bucket, call)
    acl = call.headers.get("x-oss-object-acl", "")
    if acl not in OBJECT_ACLS:
        raise Refusal(400, "InvalidArgument", f"no such object access control exists: {acl}")
    check_acl_allowed(bucket, acl)
    update_version(bucket, replace(item, acl=acl))
    return Reply(headers=version_headers(bucket, item))
