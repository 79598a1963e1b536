"""Reading an object: GetObject, HeadObject, GetObjectMeta."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import existing_object, owned_bucket, version_headers
from emulator.oss.conditions import check_conditions, read_range
from emulator.oss.registry import serves
from emulator.oss.store import has_md5
from emulator.oss.symlinks import followed
from emulator.oss.times import http_date
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.oss.state import StoredObject
    from emulator.state import Cloud

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Query parameter → header of the answer that it replaces.
_OVERRIDES = {
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
    "response-content-language": "content-language",
    "response-content-type": "content-type",
    "response-expires": "expires",
}


@serves("GetObject", *_OVERRIDES, "versionId", "x-oss-range-behavior")
def get_object(cloud: Cloud, call: Call) -> Reply:
    """The content, or the range of it that the request asks for."""
    bucket = owned_bucket(cloud, call)
    item = followed(bucket, existing_object(bucket, call))
    check_conditions(item, call.headers)
    headers = {**facts(item), **version_headers(bucket, item)}
    headers.update(_overrides(call))
    standard = call.headers.get("x-oss-range-behavior") == "standard"
    span = read_range(call.headers.get("range"), item.size, standard=standard)
    if span is None:
        return Reply(item.data, headers=headers)
    start, end = span
    headers.pop("content-md5", None)  # it is the whole content's
    headers["content-range"] = f"bytes {start}-{end}/{item.size}"
    return Reply(item.data[start : end + 1], 206, headers)


def _overrides(call: Call) -> dict[str, str]:
    """The headers of the answer that the request's query replaces."""
    given = {name: call.params[name] for name in _OVERRIDES if call.params.get(name)}
    for name, value in given.items():
        if _CONTROL.search(value):
            raise Refusal(400, "InvalidArgument", f"The parameter {name} has a control character in it.")
    return {_OVERRIDES[name]: value for name, value in given.items()}


@serves("HeadObject", "versionId")
def head_object(cloud: Cloud, call: Call) -> Reply:
    """The headers of a read without its body."""
    bucket = owned_bucket(cloud, call)
    item = followed(bucket, existing_object(bucket, call))
    check_conditions(item, call.headers)
    return Reply(headers={**facts(item), **version_headers(bucket, item), "content-length": str(item.size)})


@serves("GetObjectMeta", "objectMeta", "versionId")
def get_object_meta(cloud: Cloud, call: Call) -> Reply:
    """Only ETag, size and time."""
    bucket = owned_bucket(cloud, call)
    item = existing_object(bucket, call)
    headers = {
        **version_headers(bucket, item),
        "etag": f'"{item.etag}"',
        "content-length": str(item.size),
        "last-modified": http_date(item.last_modified),
        "x-oss-hash-crc64ecma": str(item.crc64),
    }
    return Reply(headers=headers)


def facts(item: StoredObject) -> dict[str, str]:
    """The headers every read of the object carries."""
    headers = {
        "content-type": item.content_type,
        "etag": f'"{item.etag}"',
        "last-modified": http_date(item.last_modified),
        "accept-ranges": "bytes",
        "x-oss-object-type": item.object_type,
        "x-oss-storage-class": item.storage_class,
        "x-oss-hash-crc64ecma": str(item.crc64),
        **item.headers,
    }
    headers.update({f"x-oss-meta-{name}": value for name, value in item.metadata.items()})
    if item.object_type == "Appendable":
        headers["x-oss-next-append-position"] = str(item.size)
    if has_md5(item):
        headers["content-md5"] = _base64_of_hex(item.etag)
    if item.tags:
        headers["x-oss-tagging-count"] = str(len(item.tags))
    return headers


def _base64_of_hex(digest: str) -> str:
    return b64encode(bytes.fromhex(digest)).decode()
