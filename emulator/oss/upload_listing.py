"""ListMultipartUploads: what is in progress, in order of key and id, grouped by a delimiter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import owned_bucket
from emulator.oss.listing import encoding_node, group_of, text_encoder
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.times import iso
from emulator.wire.xml import Node, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from emulator.oss.state import Bucket, Upload
    from emulator.state import Cloud

Shown = tuple[str, "Upload | None"]  # a key with its upload, or a common prefix


@serves(
    "ListMultipartUploads",
    *("uploads", "prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"),
)
def list_uploads(cloud: Cloud, call: Call) -> Reply:
    """Uploads in progress and common prefixes, in pages that continue behind a key and an upload id."""
    bucket = owned_bucket(cloud, call)
    params, encode = call.params, text_encoder(call)
    limit = read_number(params, "max-uploads", 1000, 1, 1000)
    page: list[Shown] = []
    more = False
    for shown in _entries(bucket, params):
        if len(page) == limit:
            more = True
            break
        page.append(shown)
    last = page[-1] if more else ("", None)
    body: list[Node] = [
        *encoding_node(call),
        ("Bucket", bucket.name),
        ("KeyMarker", encode(params.get("key-marker", ""))),
        ("UploadIdMarker", params.get("upload-id-marker", "")),
        ("NextKeyMarker", encode(last[0])),
        ("NextUploadIdMarker", "" if last[1] is None else last[1].upload_id),
        ("Delimiter", encode(params.get("delimiter", ""))),
        ("Prefix", encode(params.get("prefix", ""))),
        ("MaxUploads", limit),
        ("IsTruncated", more),
        *(_node(shown, encode) for shown in page),
    ]
    return Reply(render("ListMultipartUploadsResult", body))


def _entries(bucket: Bucket, params: Mapping[str, str]) -> Iterator[Shown]:
    prefix, delimiter = params.get("prefix", ""), params.get("delimiter", "")
    marker = (params.get("key-marker", ""), params.get("upload-id-marker", ""))
    last_group = group_of(marker[0], prefix, delimiter)
    for at in sorted((upload.template.key, upload.upload_id) for upload in bucket.uploads.values()):
        behind = at > marker if marker[1] else at[0] > marker[0]
        if not behind or not at[0].startswith(prefix):
            continue
        group = group_of(at[0], prefix, delimiter)
        if not group:
            yield at[0], bucket.uploads[at[1]]
        elif group != last_group:
            last_group = group
            yield group, None


def _node(shown: Shown, encode: Callable[[str], str]) -> Node:
    name, upload = shown
    if upload is None:
        return ("CommonPrefixes", [("Prefix", encode(name))])
    return (
        "Upload",
        [
            ("Key", encode(name)),
            ("UploadId", upload.upload_id),
            ("StorageClass", upload.template.storage_class),
            ("Initiated", iso(upload.initiated)),
        ],
    )
