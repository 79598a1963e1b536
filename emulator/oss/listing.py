"""Listing objects, both versions of the operation over one function that makes a page.

A page never walks the whole bucket: `bisect` finds its start in the sorted keys, and after a common prefix the walk
jumps behind everything under that prefix.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from emulator.call import Call, Reply
from emulator.oss.access import owned_bucket
from emulator.oss.buckets import owner_node
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.times import iso
from emulator.refusal import Refusal
from emulator.wire.xml import Node, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.oss.state import Bucket, StoredObject
    from emulator.state import Cloud


@dataclass(slots=True)
class Page:
    """Keys and common prefixes in order. `last` is the last entry, where the next page continues, if `more`."""

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    more: bool = False


def list_page(keys: Sequence[str], *, prefix: str, delimiter: str, after: str, limit: int) -> Page:
    """Up to `limit` keys and common prefixes of sorted `keys` that come after `after`.

    A key under `prefix` that holds `delimiter` further on is grouped; `after` may be such a group itself.
    """
    page = Page()
    group = group_of(after, prefix, delimiter)
    start = _behind(keys, group) if group and group == after else bisect_right(keys, after)
    index = max(start, bisect_left(keys, prefix))
    while index < len(keys) and keys[index].startswith(prefix):
        if len(page.keys) + len(page.prefixes) == limit:
            page.more = True
            return page
        key = keys[index]
        group = group_of(key, prefix, delimiter)
        if group:
            page.prefixes.append(group)
            page.last = group
            index = _behind(keys, group)
        else:
            page.keys.append(key)
            page.last = key
            index += 1
    return page


def _behind(keys: Sequence[str], group: str) -> int:
    """Where the keys that start with `group` end."""
    return bisect_right(keys, group, key=lambda key: key[: len(group)])


def group_of(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that stands for the key in a listing, or "" if the key stands for itself."""
    if not delimiter or not key.startswith(prefix):
        return ""
    at = key.find(delimiter, len(prefix))
    return "" if at < 0 else key[: at + len(delimiter)]


@serves("ListObjects", "prefix", "delimiter", "marker", "max-keys", "encoding-type")
def list_objects(cloud: Cloud, call: Call) -> Reply:
    """The first version: pages by `marker`."""
    bucket = owned_bucket(cloud, call)
    limit, encode = _limit(call), text_encoder(call)
    prefix, delimiter = call.params.get("prefix", ""), call.params.get("delimiter", "")
    marker = call.params.get("marker", "")
    page = list_page(bucket.keys, prefix=prefix, delimiter=delimiter, after=marker, limit=limit)
    body: list[Node] = [
        ("Name", bucket.name),
        ("Prefix", encode(prefix)),
        ("Marker", encode(marker)),
        ("MaxKeys", limit),
        ("Delimiter", encode(delimiter)),
        *encoding_node(call),
        ("IsTruncated", page.more),
        *([("NextMarker", encode(page.last))] if page.more else []),
        *_entries(bucket, page, encode, owner=True),
    ]
    return Reply(render("ListBucketResult", body))


@serves(
    "ListObjectsV2",
    *("list-type", "prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type"),
    "fetch-owner",
)
def list_objects_v2(cloud: Cloud, call: Call) -> Reply:
    """The second version: pages by an opaque token."""
    bucket = owned_bucket(cloud, call)
    limit, encode = _limit(call), text_encoder(call)
    prefix, delimiter = call.params.get("prefix", ""), call.params.get("delimiter", "")
    start_after, token = call.params.get("start-after", ""), call.params.get("continuation-token", "")
    after = _from_token(token) if token else start_after
    page = list_page(bucket.keys, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
    body: list[Node] = [
        ("Name", bucket.name),
        ("Prefix", encode(prefix)),
        ("StartAfter", encode(start_after)),
        ("MaxKeys", limit),
        ("Delimiter", encode(delimiter)),
        *encoding_node(call),
        ("IsTruncated", page.more),
        *([("ContinuationToken", token)] if token else []),
        *([("NextContinuationToken", encode(_to_token(page.last)))] if page.more else []),
        ("KeyCount", len(page.keys) + len(page.prefixes)),
        *_entries(bucket, page, encode, owner=call.params.get("fetch-owner") == "true"),
    ]
    return Reply(render("ListBucketResult", body))


def _limit(call: Call) -> int:
    return read_number(call.params, "max-keys", 100, 1, 1000)


def encoding_node(call: Call) -> list[Node]:
    """The EncodingType element, if the request asks for encoded names."""
    return [("EncodingType", "url")] if call.params.get("encoding-type") else []


def text_encoder(call: Call) -> Callable[[str], str]:
    """How names are written in the answer: as they are, or percent-encoded."""
    encoding = call.params.get("encoding-type", "")
    if encoding not in {"", "url"}:
        raise Refusal(400, "InvalidEncodingType", "The encoding-type you specified is not valid: use url.")
    return (lambda text: quote(text, safe="")) if encoding else str


def _entries(bucket: Bucket, page: Page, encode: Callable[[str], str], *, owner: bool) -> list[Node]:
    shown: list[Node] = [owner_node(bucket.account)] if owner else []
    contents: list[Node] = [("Contents", _contents(bucket.objects[key], encode) + shown) for key in page.keys]
    return contents + [("CommonPrefixes", [("Prefix", encode(prefix))]) for prefix in page.prefixes]


def _contents(item: StoredObject, encode: Callable[[str], str]) -> list[Node]:
    return [
        ("Key", encode(item.key)),
        ("LastModified", iso(item.last_modified)),
        ("ETag", f'"{item.etag}"'),
        ("Type", item.object_type),
        ("Size", item.size),
        ("StorageClass", item.storage_class),
    ]


def _to_token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _from_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal(400, "InvalidArgument", "The continuation token you specified is not valid.") from None
