"""Multipart uploads, second half: finishing one, giving one up, and looking at what is in progress."""

from __future__ import annotations

from dataclasses import replace
from hashlib import md5
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import cause_of, owned_bucket
from emulator.oss.listing import encoding_node, text_encoder
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.store import crc64, put_object
from emulator.oss.times import iso
from emulator.oss.uploads import MOST_PARTS, find_upload
from emulator.oss.writing import check_overwrite, write_answer
from emulator.refusal import Refusal
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from emulator.oss.state import Part, StoredObject, Upload
    from emulator.state import Cloud

_SMALLEST_PART = 100 * 1024  # bytes; the last part may be smaller


@serves("CompleteMultipartUpload", "uploadId", "encoding-type", "x-oss-forbid-overwrite", "x-oss-complete-all")
def complete(cloud: Cloud, call: Call) -> Reply:
    """Join the listed parts, in order of their numbers, into the object."""
    bucket = owned_bucket(cloud, call)
    upload = find_upload(bucket, call)
    parts = _all_parts(upload) if call.headers.get("x-oss-complete-all") == "yes" else _listed_parts(upload, call.body)
    check_overwrite(bucket, call)
    stored = put_object(cloud, bucket.name, _joined(upload, parts), cause_of(call))
    del bucket.uploads[upload.upload_id]
    encode = text_encoder(call)
    body: list[Node] = [
        *encoding_node(call),
        ("Location", f"{call.base_url}/{bucket.name}/{encode(stored.key)}"),
        ("Bucket", bucket.name),
        ("Key", encode(stored.key)),
        ("ETag", f'"{stored.etag}"'),
    ]
    return Reply(render("CompleteMultipartUploadResult", body), headers=write_answer(bucket, stored))


def _all_parts(upload: Upload) -> list[Part]:
    return [upload.parts[number] for number in sorted(upload.parts)]


def _listed_parts(upload: Upload, body: bytes) -> list[Part]:
    root = parse(body)
    entries = [] if root is None else root.findall("Part")
    if root is None or root.tag != "CompleteMultipartUpload" or not entries:
        message = "The XML you provided was not well-formed or did not validate against our published schema."
        raise Refusal(400, "MalformedXML", message)
    numbers = [child_text(entry, "PartNumber") for entry in entries]
    tags = [child_text(entry, "ETag").strip('"').upper() for entry in entries]
    found = [upload.parts.get(int(n)) if n.isascii() and n.isdigit() and len(n) < 6 else None for n in numbers]  # noqa: PLR2004 - part numbers have five digits at most
    parts = [part for part, tag in zip(found, tags, strict=True) if part is not None and part.etag == tag]
    if len(parts) != len(entries):
        message = "One or more of the specified parts could not be found or the specified entity tag might not have "
        raise Refusal(400, "InvalidPart", f"{message}matched the part's entity tag.")
    order = [part.number for part in parts]
    if order != sorted(set(order)):
        raise Refusal(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    if any(len(part.data) < _SMALLEST_PART for part in parts[:-1]):
        raise Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size.")
    return parts


def _joined(upload: Upload, parts: list[Part]) -> StoredObject:
    data = b"".join(part.data for part in parts)
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    etag = f"{md5(digests, usedforsecurity=False).hexdigest().upper()}-{len(parts)}"
    return replace(upload.template, data=data, etag=etag, crc64=crc64(data), object_type="Multipart")


@serves("AbortMultipartUpload", "uploadId")
def abort(cloud: Cloud, call: Call) -> Reply:
    """Give an upload up; its parts are gone."""
    bucket = owned_bucket(cloud, call)
    del bucket.uploads[find_upload(bucket, call).upload_id]
    return Reply(status=204)


@serves("ListParts", "uploadId", "max-parts", "part-number-marker", "encoding-type")
def list_parts(cloud: Cloud, call: Call) -> Reply:
    """The parts of one upload, in pages by number."""
    bucket = owned_bucket(cloud, call)
    upload = find_upload(bucket, call)
    limit = read_number(call.params, "max-parts", 1000, 1, 1000)
    marker = read_number(call.params, "part-number-marker", 0, 0, MOST_PARTS)
    numbers = [number for number in sorted(upload.parts) if number > marker]
    page, encode = numbers[:limit], text_encoder(call)
    body: list[Node] = [
        *encoding_node(call),
        ("Bucket", bucket.name),
        ("Key", encode(call.resource[1])),
        ("UploadId", upload.upload_id),
        ("StorageClass", upload.template.storage_class),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", page[-1] if page else marker),
        ("MaxParts", limit),
        ("IsTruncated", len(numbers) > limit),
        *(("Part", _part_nodes(upload.parts[number])) for number in page),
    ]
    return Reply(render("ListPartsResult", body))


def _part_nodes(part: Part) -> list[Node]:
    return [
        ("PartNumber", part.number),
        ("LastModified", iso(part.last_modified)),
        ("ETag", f'"{part.etag}"'),
        ("Size", len(part.data)),
    ]
