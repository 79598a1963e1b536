"""Making and removing index entries: one object becomes the vendor's `File`, with what its content says about itself.

Who asked decides how long an entry lives: one made by hand (`manual`) outlives its object and its binding, one made by
a binding goes when its object goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.imm.extract.files import extract
from emulator.imm.extract.kinds import kind_of
from emulator.imm.extract.outcome import Extracted
from emulator.imm.state import IndexedFile
from emulator.imm.times import rfc3339_nano
from emulator.oss.state import NULL_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.imm.state import Dataset
    from emulator.oss.state import StoredObject

# What a caller may say about a file (vendor: struct InputFile); it wins over what extraction found.
STATED = (
    "CustomId", "CustomLabels", "MediaType", "ContentType", "FileHash", "OSSURI", "Title", "Album", "AlbumArtist",
    "Artist", "Composer", "Performer", "LatLong", "ProduceTime", "Labels", "Addresses",
)  # fmt: skip
FORBIDDEN = "[InvalidArgument] File access forbidden."  # the message: developer.aliyun.com/ask/537150; the code: 400
# What a bucket's listing tells of an object, whoever may read it.
LISTED = ("Filename", "Size", "FileModifiedTime", "ETag", "OSSObjectType", "OSSStorageClass")
STANDARD_HEADERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "expires": "OSSExpiration",
    "x-oss-server-side-encryption": "ServerSideEncryption",
    "x-oss-server-side-encryption-key-id": "ServerSideEncryptionKeyId",
    "x-oss-server-side-data-encryption": "ServerSideDataEncryption",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How an object is read.

    Attributes:
        object_status: `GOOD/BROKEN`, the values of ObjectStatus, or `absent` (`Switches.object_status`).
        forbidden: Why IMM's role may not read the object; "" if it may. Its listing still says what it is called.
    """

    object_status: str
    forbidden: str = ""


def index_object(
    owner: str,
    project: str,
    dataset: Dataset,
    uri: str,
    item: StoredObject,
    now: float,
    reading: Reading,
    stated: Mapping[str, object] | None = None,
) -> str:
    """Put an object's metadata into the dataset, at `now`.

    Args:
        owner: The account id.
        project: The project's name.
        dataset: Changed in place.
        uri: What the file is called: the object's own address, or one of Drive and Photo Service.
        item: The object with its content.
        now: Seconds since the epoch.
        reading: What may be read of it.
        stated: The caller's InputFile for an index made by hand; None for a binding's.

    Returns:
        What is wrong, as the vendor's messages put it: `[LimitExceededError] …` and nothing was indexed, or
        `[InvalidImage] …` and the object's facts were. Empty if all is well.
    """
    held = dataset.files.get(uri)
    refused = _over_quota(dataset, item.size - (held.size if held else 0), is_new=held is None)
    if refused:
        return refused
    facts, problem = _described(item, now, held, reading)
    meta = {**_identity(owner, project, dataset.name, uri), **facts}
    _state(meta, held.meta if held else {}, ("CustomId", "CustomLabels", "Figures"))
    _state(meta, stated or {}, STATED)
    manual = stated is not None or (held is not None and held.manual)
    dataset.keep(uri, IndexedFile(meta, item.size, manual))
    return problem


def forget_object(dataset: Dataset, uri: str) -> None:
    """An object is gone: so is its entry, unless it was made by hand."""
    held = dataset.files.get(uri)
    if held is not None and not held.manual:
        dataset.forget(uri)


def _over_quota(dataset: Dataset, growth: int, *, is_new: bool) -> str:
    if is_new and len(dataset.files) >= dataset.quotas.file_count:
        return f"[LimitExceededError] The number of files exceeds the limit {dataset.quotas.file_count}."
    if growth > 0 and dataset.total_size + growth > dataset.quotas.total_file_size:
        return f"[LimitExceededError] The total file size exceeds the limit {dataset.quotas.total_file_size}."
    return ""


def _described(
    item: StoredObject, now: float, held: IndexedFile | None, reading: Reading
) -> tuple[dict[str, object], str]:
    """What the object and its content say, and what is wrong with the content."""
    facts = _object_facts(item)
    if reading.forbidden:
        facts = {name: facts[name] for name in LISTED}
        kind, extracted = kind_of(item.key, "", b""), Extracted(problem=f"{FORBIDDEN} {reading.forbidden}")
    else:
        kind, extracted = extract(item.key, item.content_type, item.data)
    described: dict[str, object] = {
        "CreateTime": held.meta["CreateTime"] if held else rfc3339_nano(now),
        "UpdateTime": rfc3339_nano(now),
        **facts,
        "MediaType": kind.media_type,
        "ContentType": kind.content_type,
        **extracted.fields,
    }
    good, known, broken = reading.object_status.partition("/")
    if known:
        described["ObjectStatus"] = broken if extracted.problem else good
    if extracted.problem:
        described["Reason"] = extracted.problem
    return described, extracted.problem


def _identity(owner: str, project: str, dataset: str, uri: str) -> dict[str, object]:
    return {
        "OwnerId": owner,
        "ProjectName": project,
        "DatasetName": dataset,
        "ObjectType": "file",
        "ObjectId": sha256(f"{owner}/{project}/{dataset}/{uri}".encode()).hexdigest(),
        "URI": uri,
    }


def _object_facts(item: StoredObject) -> dict[str, object]:
    facts: dict[str, object] = {
        "Filename": item.key,
        "Size": item.size,
        "FileModifiedTime": rfc3339_nano(float(int(item.last_modified))),  # OSS keeps whole seconds
        "ETag": f'"{item.etag}"',
        "OSSCRC64": str(item.crc64),
        "OSSObjectType": item.object_type,
        "OSSStorageClass": item.storage_class,
        "ObjectACL": item.acl,
    }
    if item.version_id != NULL_VERSION:
        facts["OSSVersionId"] = item.version_id
    if item.metadata:
        facts["OSSUserMeta"] = {f"x-oss-meta-{name}": value for name, value in item.metadata.items()}
    if item.tags:
        facts["OSSTagging"] = dict(item.tags)
        facts["OSSTaggingCount"] = len(item.tags)
    facts.update({field: item.headers[name] for name, field in STANDARD_HEADERS.items() if item.headers.get(name)})
    return facts


def _state(meta: dict[str, object], said: Mapping[str, object], names: tuple[str, ...]) -> None:
    meta.update({name: said[name] for name in names if said.get(name)})
