"""What each OSS operation needs, from the vendor's table "OSS Action classification" (doc-detail/100680).

Of a bucket's sub-resources an action is named like its operation. Not declared: KMS rights, as there is no KMS here.
Assumed: the right to a version is needed beside the right to the object; lists need it on the bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.oss.resolve import SETTINGS
from emulator.rights import Need, Source, Table
from emulator.wire.http import decode, parse_pairs
from emulator.wire.xml import child_text, parse

if TYPE_CHECKING:
    from emulator.call import Call

_SOURCE = "x-oss-copy-source"


def bucket_arn(account: str, bucket: str) -> str:
    """A bucket's name in policies; OSS names no region there."""
    return f"acs:oss:*:{account}:{bucket}"


def object_arn(account: str, bucket: str, key: str) -> str:
    """An object's name in policies."""
    return f"acs:oss:*:{account}:{bucket}/{key}"


def _buckets(call: Call) -> tuple[str, ...]:
    return (bucket_arn(call.account, "*"),)


def _bucket(call: Call) -> tuple[str, ...]:
    return (bucket_arn(call.account, call.resource[0]),)


def _object(call: Call) -> tuple[str, ...]:
    return (object_arn(call.account, *call.resource),)


def _deleted(call: Call) -> tuple[str, ...]:
    """Every key that a DeleteMultipleObjects names; all of the bucket if its body cannot be read."""
    root = parse(call.body)
    keys = [] if root is None else [child_text(entry, "Key") for entry in root.findall("Object")]
    return tuple(object_arn(call.account, call.resource[0], key) for key in dict.fromkeys(keys or ["*"]))


def _copied(call: Call) -> tuple[str, ...]:
    path = call.headers[_SOURCE].lstrip("/").partition("?")[0]
    bucket, _, key = decode(path, plus_is_space=False).partition("/")
    return (object_arn(call.account, bucket, key),)


def _logged(call: Call) -> tuple[str, ...]:
    """The objects that access logs become, if the document switches them on."""
    root = parse(call.body)
    enabled = None if root is None else root.find("LoggingEnabled")
    if enabled is None:
        return ()
    return (object_arn(call.account, child_text(enabled, "TargetBucket"), f"{child_text(enabled, 'TargetPrefix')}*"),)


def _tags(call: Call) -> bool:
    return "x-oss-tagging" in call.headers


def _is_version(call: Call) -> bool:
    return bool(call.params.get("versionId"))


def _copies_version(call: Call) -> bool:
    return bool(dict(parse_pairs(call.headers[_SOURCE].partition("?")[2])).get("versionId"))


def _on_bucket(action: str, source: Source = "documented") -> tuple[Need, ...]:
    return (Need(f"oss:{action}", _bucket, source),)


def _on_object(action: str, version_action: str = "") -> tuple[Need, ...]:
    of_version = (Need(f"oss:{version_action}", _object, when=_is_version),) if version_action else ()
    return (Need(f"oss:{action}", _object), *of_version)


_WRITE = (Need("oss:PutObject", _object), Need("oss:PutObjectTagging", _object, when=_tags))
_READ_SOURCE = (Need("oss:GetObject", _copied), Need("oss:GetObjectVersion", _copied, when=_copies_version))
# Actions that are not named like their operation, and operations whose action no table has.
_RENAMED = {"BucketTags": "BucketTagging"}
_UNLISTED = frozenset({"DeleteBucketReferer", "DeleteBucketTransferAcceleration"})
# Settings that a bucket always has.
_LASTING = frozenset(
    {
        "BucketAccessMonitor", "BucketAcl", "BucketArchiveDirectRead", "BucketHttpsConfig", "BucketRequestPayment",
        "BucketResourceGroup", "BucketVersioning",
    }
)  # fmt: skip


def _settings() -> dict[str, tuple[Need, ...]]:
    return {
        f"{verb}{setting}": _on_bucket(
            f"{verb}{_RENAMED.get(setting, setting)}", "assumed" if f"{verb}{setting}" in _UNLISTED else "documented"
        )
        for setting in SETTINGS.values()
        for verb in ("Put", "Get", "Delete")
        if verb != "Delete" or setting not in _LASTING
    }


NEEDS: Table = {
    **_settings(),
    "ListBuckets": (Need("oss:ListBuckets", _buckets),),
    "PutBucket": _on_bucket("PutBucket"),
    "DeleteBucket": _on_bucket("DeleteBucket"),
    "GetBucketInfo": _on_bucket("GetBucketInfo"),
    "GetBucketLocation": _on_bucket("GetBucketLocation"),
    "GetBucketStat": _on_bucket("GetBucketStat"),
    "GetBucketPolicyStatus": _on_bucket("GetBucketPolicyStatus"),
    "PutBucketLogging": (Need("oss:PutBucketLogging", _bucket), Need("oss:PutObject", _logged)),
    "ListObjects": _on_bucket("ListObjects"),
    "ListObjectsV2": _on_bucket("ListObjects"),
    "ListObjectVersions": _on_bucket("ListObjectVersions"),
    "ListMultipartUploads": _on_bucket("ListMultipartUploads"),
    "PutObject": _WRITE,
    "AppendObject": _WRITE,
    "PutSymlink": _WRITE,
    "InitiateMultipartUpload": _WRITE,
    "UploadPart": _on_object("PutObject"),
    "CompleteMultipartUpload": _on_object("PutObject"),
    "AbortMultipartUpload": _on_object("AbortMultipartUpload"),
    "ListParts": _on_object("ListParts"),
    "CopyObject": (*_READ_SOURCE, *_WRITE),
    "UploadPartCopy": (*_READ_SOURCE, Need("oss:PutObject", _object)),
    "GetObject": _on_object("GetObject", "GetObjectVersion"),
    "HeadObject": _on_object("GetObject"),
    "GetObjectMeta": _on_object("GetObject"),
    "GetSymlink": _on_object("GetObject"),
    "DeleteObject": _on_object("DeleteObject", "DeleteObjectVersion"),
    "DeleteMultipleObjects": (Need("oss:DeleteObject", _deleted),),
    "GetObjectACL": _on_object("GetObjectAcl", "GetObjectVersionAcl"),
    "PutObjectACL": _on_object("PutObjectAcl", "PutObjectVersionAcl"),
    "GetObjectTagging": _on_object("GetObjectTagging", "GetObjectVersionTagging"),
    "PutObjectTagging": _on_object("PutObjectTagging", "PutObjectVersionTagging"),
    "DeleteObjectTagging": _on_object("DeleteObjectTagging", "DeleteObjectVersionTagging"),
}
