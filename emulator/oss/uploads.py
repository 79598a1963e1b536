"""Multipart uploads, first half: starting one and sending its parts."""

from __future__ import annotations

import uuid
from hashlib import md5
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import owned_bucket, writable_key
from emulator.oss.conditions import read_range
from emulator.oss.copying import SOURCE_HEADERS, source_object, source_version
from emulator.oss.listing import encoding_node, text_encoder
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.state import Part, Upload
from emulator.oss.store import crc64
from emulator.oss.times import iso
from emulator.oss.writing import WRITE_HEADERS, check_overwrite, described
from emulator.refusal import Refusal
from emulator.wire.xml import Node, render

if TYPE_CHECKING:
    from emulator.oss.state import Bucket
    from emulator.state import Cloud

MOST_PARTS = 10_000


@serves("InitiateMultipartUpload", "uploads", "encoding-type", *WRITE_HEADERS)
def initiate(cloud: Cloud, call: Call) -> Reply:
    """Start an upload; the headers of this request describe the finished object."""
    bucket = owned_bucket(cloud, call)
    key = writable_key(call)
    check_overwrite(bucket, call)
    now = cloud.clock.now()
    upload = Upload(uuid.uuid4().hex.upper(), described(call, bucket, b"", now), now)
    bucket.uploads[upload.upload_id] = upload
    encode = text_encoder(call)
    body: list[Node] = [*encoding_node(call), ("Bucket", bucket.name), ("Key", encode(key))]
    return Reply(render("InitiateMultipartUploadResult", [*body, ("UploadId", upload.upload_id)]))


def find_upload(bucket: Bucket, call: Call) -> Upload:
    """The upload the call names, if it is for the call's key."""
    upload = bucket.uploads.get(call.params.get("uploadId", ""))
    if upload is None or upload.template.key != call.resource[1]:
        message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
        raise Refusal(404, "NoSuchUpload", f"{message}aborted or completed.")
    return upload


@serves("UploadPart", "partNumber", "uploadId")
def upload_part(cloud: Cloud, call: Call) -> Reply:
    """Keep one part; the same number again replaces it."""
    bucket = owned_bucket(cloud, call)
    upload = find_upload(bucket, call)
    part = _keep(cloud, call, upload, call.body)
    return Reply(headers={"etag": f'"{part.etag}"', "x-oss-hash-crc64ecma": str(crc64(part.data))})


@serves("UploadPartCopy", "partNumber", "uploadId", "x-oss-copy-source-range", *SOURCE_HEADERS)
def upload_part_copy(cloud: Cloud, call: Call) -> Reply:
    """Keep a part that is an existing object, or a range of one."""
    bucket = owned_bucket(cloud, call)
    upload = find_upload(bucket, call)
    item = source_object(cloud, call)
    span = read_range(call.headers.get("x-oss-copy-source-range"), item.size)
    data = item.data if span is None else item.data[span[0] : span[1] + 1]
    part = _keep(cloud, call, upload, data)
    body: list[Node] = [("LastModified", iso(part.last_modified)), ("ETag", f'"{part.etag}"')]
    headers = {"etag": f'"{part.etag}"', "x-oss-hash-crc64ecma": str(crc64(data)), **source_version(cloud, call, item)}
    return Reply(render("CopyPartResult", body), headers=headers)


def _keep(cloud: Cloud, call: Call, upload: Upload, data: bytes) -> Part:
    number = read_number(call.params, "partNumber", 0, 1, MOST_PARTS)
    if not number:
        raise Refusal(400, "InvalidArgument", f"Part number must be an integer between 1 and {MOST_PARTS}.")
    etag = md5(data, usedforsecurity=False).hexdigest().upper()
    part = Part(number, data, etag, cloud.clock.now())
    upload.parts[number] = part
    return part
