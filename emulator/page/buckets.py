"""Buckets and objects as the page shows them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from emulator.oss.store import find_object, iterate_objects, read_object
from emulator.page.documents import Missing, required, whole
from emulator.page.thumbnails import CONTENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.instance import Instance
    from emulator.oss.state import Bucket, StoredObject

MOST_BUCKETS = 200
MOST_OBJECTS = 500
_COVER = 4  # pictures on a bucket's card
_LOOKED_AT = 100  # objects among which they are sought
_SUMMED = 20_000  # objects whose sizes are added up; beyond, the sum is left out


def list_buckets(instance: Instance, _: Mapping[str, str]) -> object:
    """Every bucket with its counts and a few pictures."""
    buckets = instance.cloud.oss.buckets
    shown = [_bucket(instance, buckets[name]) for name in islice(sorted(buckets), MOST_BUCKETS)]
    return {"buckets": shown, "total": len(buckets)}


def list_objects(instance: Instance, query: Mapping[str, str]) -> object:
    """One bucket's objects in key order: those that begin with `prefix`, at most `limit`."""
    bucket = _found(instance, query)
    limit = whole(query, "limit", 60, MOST_OBJECTS)
    found = list(islice(iterate_objects(instance.cloud, bucket.name, prefix=query.get("prefix", "")), limit + 1))
    objects = [_object(item) for item in found[:limit]]
    return {"bucket": _bucket(instance, bucket), "objects": objects, "more": len(found) > limit}


def describe_object(instance: Instance, query: Mapping[str, str]) -> object:
    """One object with everything that is kept with it but its content."""
    item = _found_object(instance, query)
    return {
        **_object(item),
        "crc64": str(item.crc64),  # more digits than a number of JavaScript holds
        "acl": item.acl,
        "storage_class": item.storage_class,
        "object_type": item.object_type,
        "headers": dict(item.headers),
        "metadata": dict(item.metadata),
        "tags": dict(item.tags),
    }


def content_of(instance: Instance, query: Mapping[str, str]) -> bytes:
    """The content that a thumbnail is made from."""
    item = _found_object(instance, query)
    return read_object(instance.cloud, required(query, "bucket"), item.key) or b""


def _found(instance: Instance, query: Mapping[str, str]) -> Bucket:
    name = required(query, "bucket")
    bucket = instance.cloud.oss.buckets.get(name)
    if bucket is None:
        raise Missing(f"there is no bucket {name[:100]}")
    return bucket


def _found_object(instance: Instance, query: Mapping[str, str]) -> StoredObject:
    bucket = _found(instance, query)
    item = find_object(instance.cloud, bucket.name, required(query, "key"))
    if item is None:
        raise Missing(f"there is no such object in the bucket {bucket.name}")
    return item


def _bucket(instance: Instance, bucket: Bucket) -> dict[str, object]:
    items = islice(iterate_objects(instance.cloud, bucket.name), _LOOKED_AT)
    pictures = (_object(item) for item in items if item.content_type in CONTENT_TYPES)
    count = len(bucket.objects)
    return {
        "name": bucket.name,
        "account": bucket.account,
        "region": bucket.region,
        "created": bucket.created,
        "acl": bucket.acl,
        "storage_class": bucket.storage_class,
        "versioning": bucket.versioning,
        "objects": count,
        "bytes": sum(item.size for item in bucket.objects.values()) if count <= _SUMMED else None,
        "uploads": len(bucket.uploads),
        "pictures": list(islice(pictures, _COVER)),
    }


def _object(item: StoredObject) -> dict[str, object]:
    return {
        "key": item.key,
        "size": item.size,
        "content_type": item.content_type,
        "last_modified": item.last_modified,
        "etag": item.etag,
        "picture": item.content_type in CONTENT_TYPES,
    }
