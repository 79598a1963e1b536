"""Which OSS operation a request means: method, place and the sub-resource named in the query decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUCKET = {
    "PUT": {"": "PutBucket"},
    "DELETE": {"": "DeleteBucket"},
    "GET": {
        "": "ListObjects",
        "bucketInfo": "GetBucketInfo",
        "location": "GetBucketLocation",
        "policyStatus": "GetBucketPolicyStatus",
        "stat": "GetBucketStat",
        "uploads": "ListMultipartUploads",
        "versions": "ListObjectVersions",
    },
    "POST": {"delete": "DeleteMultipleObjects"},
}
# Sub-resources a bucket keeps, with the name in the operation: PutBucketAcl, GetBucketAcl, DeleteBucketTagging, …
SETTINGS = {
    "accessmonitor": "BucketAccessMonitor",
    "acl": "BucketAcl",
    "bucketArchiveDirectRead": "BucketArchiveDirectRead",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "httpsConfig": "BucketHttpsConfig",
    "lifecycle": "BucketLifecycle",
    "logging": "BucketLogging",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "referer": "BucketReferer",
    "requestPayment": "BucketRequestPayment",
    "resourceGroup": "BucketResourceGroup",
    "tagging": "BucketTags",
    "transferAcceleration": "BucketTransferAcceleration",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_OBJECT = {
    "PUT": {
        "": "PutObject",
        "acl": "PutObjectACL",
        "partNumber": "UploadPart",
        "symlink": "PutSymlink",
        "tagging": "PutObjectTagging",
    },
    "GET": {
        "": "GetObject",
        "acl": "GetObjectACL",
        "objectMeta": "GetObjectMeta",
        "symlink": "GetSymlink",
        "tagging": "GetObjectTagging",
        "uploadId": "ListParts",
    },
    "HEAD": {"": "HeadObject", "objectMeta": "GetObjectMeta"},
    "DELETE": {"": "DeleteObject", "tagging": "DeleteObjectTagging", "uploadId": "AbortMultipartUpload"},
    "POST": {"append": "AppendObject", "uploadId": "CompleteMultipartUpload", "uploads": "InitiateMultipartUpload"},
}
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}


def resolve(method: str, place: tuple[str, ...], params: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The operation's name, or "" if the emulator knows none for this combination.

    Args:
        method: The HTTP verb.
        place: `(bucket, key)`, empty strings where absent.
        params: The decoded query.
        headers: Names in lower case; a copy is told from a put by its source header alone.
    """
    bucket, key = place
    if not bucket:
        return "ListBuckets" if method == "GET" else ""
    if key:
        name = _pick(_OBJECT.get(method, {}), params)
        return _COPIES.get(name, name) if "x-oss-copy-source" in headers else name
    for setting, suffix in SETTINGS.items():
        if setting in params:
            verb = {"PUT": "Put", "GET": "Get", "DELETE": "Delete"}.get(method)
            return "" if verb is None else verb + suffix
    name = _pick(_BUCKET.get(method, {}), params)
    return "ListObjectsV2" if name == "ListObjects" and params.get("list-type") == "2" else name


def _pick(table: Mapping[str, str], params: Mapping[str, str]) -> str:
    for subresource, name in table.items():
        if subresource and subresource in params:
            return name
    return table.get("", "")
