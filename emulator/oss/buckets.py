"""Buckets: making, finding, describing and removing them.

Shapes are those that oss2 and the Pulumi provider read; no account has confirmed them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.oss.access import blocks_public_access, check_acl_allowed, owned_bucket
from emulator.oss.names import check_bucket_name
from emulator.oss.numbers import read_number
from emulator.oss.registry import serves
from emulator.oss.state import Bucket
from emulator.oss.times import iso
from emulator.refusal import Refusal
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.state import Cloud

ACLS = frozenset({"private", "public-read", "public-read-write"})
STORAGE_CLASSES = frozenset({"Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"})
ENCRYPTIONS = frozenset({"AES256", "KMS", "SM4"})
_REDUNDANCIES = frozenset({"LRS", "ZRS"})
_MOST_BUCKETS = 100  # per region and account
# Header of PutBucket → element of the encryption rule it sets at once.
_ENCRYPTION = {
    "x-oss-server-side-encryption": "SSEAlgorithm",
    "x-oss-server-side-encryption-key-id": "KMSMasterKeyID",
    "x-oss-server-side-data-encryption": "KMSDataEncryption",
}


def owner_node(account: str) -> Node:
    """The Owner element: OSS shows the account id as both id and name."""
    return ("Owner", [("ID", account), ("DisplayName", account)])


@serves("ListBuckets", "prefix", "marker", "max-keys", "x-oss-resource-group-id")
def list_buckets(cloud: Cloud, call: Call) -> Reply:
    """The caller's buckets in order of name, all regions together, in pages of `max-keys`."""
    if not call.account:
        raise Refusal(403, "AccessDenied", "Anonymous access is forbidden for this operation.")
    limit = read_number(call.params, "max-keys", 100, 1, 1000)
    prefix, marker = call.params.get("prefix", ""), call.params.get("marker", "")
    group = call.headers.get("x-oss-resource-group-id")
    mine = sorted(
        name
        for name, bucket in cloud.oss.buckets.items()
        if bucket.account == call.account
        and name.startswith(prefix)
        and name > marker
        and group in {None, bucket.resource_group}
    )
    page, more = mine[:limit], len(mine) > limit
    paging: list[Node] = []
    if prefix or marker or "max-keys" in call.params:
        paging = [("Prefix", prefix), ("Marker", marker), ("MaxKeys", limit), ("IsTruncated", more)]
        paging += [("NextMarker", page[-1])] if more else []
    listed: Iterable[Node] = (("Bucket", _summary(cloud.oss.buckets[name])) for name in page)
    body: list[Node] = [*paging, owner_node(call.account), ("Buckets", list(listed))]
    return Reply(render("ListAllMyBucketsResult", body))


def _summary(bucket: Bucket) -> list[Node]:
    return [
        ("CreationDate", iso(bucket.created)),
        ("ExtranetEndpoint", f"oss-{bucket.region}.aliyuncs.com"),
        ("IntranetEndpoint", f"oss-{bucket.region}-internal.aliyuncs.com"),
        ("Location", f"oss-{bucket.region}"),
        ("Name", bucket.name),
        ("Region", bucket.region),
        ("ResourceGroupId", bucket.resource_group),
        ("StorageClass", bucket.storage_class),
    ]


@serves("PutBucket", "x-oss-acl", "x-oss-resource-group-id", *_ENCRYPTION)
def put_bucket(cloud: Cloud, call: Call) -> Reply:
    """Make a bucket; again by its owner changes its ACL and nothing else, by anybody else is a conflict."""
    name = call.resource[0]
    check_bucket_name(name)
    if not call.account:
        raise Refusal(403, "AccessDenied", "Anonymous access is forbidden for this operation.")
    asked = call.headers.get("x-oss-acl")  # aliyun-oss-go-sdk sends the header empty for a bucket without an ACL
    acl = asked or "private"
    if acl not in ACLS:
        raise Refusal(400, "InvalidArgument", f"no such bucket access control exists: {acl}")
    storage_class, redundancy = _placement(call)
    existing = cloud.oss.buckets.get(name)
    if existing is not None and existing.account != call.account:
        message = "The requested bucket name is not available. The bucket namespace is shared by all users of the "
        raise Refusal(409, "BucketAlreadyExists", f"{message}system. Please select a different name and try again.")
    if existing is not None and (existing.storage_class, existing.region) != (storage_class, call.region):
        message = "The bucket you requested to create already exists with another storage class or region."
        raise Refusal(409, "BucketAlreadyExists", message)
    if existing is None:
        _check_quota(cloud, call)
        cloud.oss.buckets[name] = Bucket(
            name=name,
            account=call.account,
            region=call.region,
            created=cloud.clock.now(),
            storage_class=storage_class,
            redundancy=redundancy,
            acl=acl,
            resource_group=call.headers.get("x-oss-resource-group-id", "rg-default"),
            documents=_initial_documents(call),
        )
    elif asked:
        check_acl_allowed(existing, acl)
        existing.acl = acl
    return Reply(headers={"location": f"/{name}"})


def _initial_documents(call: Call) -> dict[str, bytes]:
    given: list[Node] = [(element, call.headers[name]) for name, element in _ENCRYPTION.items() if name in call.headers]
    if not given:
        return {}
    if call.headers.get("x-oss-server-side-encryption") not in ENCRYPTIONS:
        raise Refusal(400, "InvalidEncryptionAlgorithmError", "The Encryption Algorithm you specified is not valid.")
    return {"encryption": render("ServerSideEncryptionRule", [("ApplyServerSideEncryptionByDefault", given)])}


def _placement(call: Call) -> tuple[str, str]:
    if not call.body:
        return "Standard", "LRS"
    root = parse(call.body)
    if root is None or root.tag != "CreateBucketConfiguration":
        message = "The XML you provided was not well-formed or did not validate against our published schema."
        raise Refusal(400, "MalformedXML", message)
    storage_class = child_text(root, "StorageClass") or "Standard"
    redundancy = child_text(root, "DataRedundancyType") or "LRS"
    if storage_class not in STORAGE_CLASSES or redundancy not in _REDUNDANCIES:
        raise Refusal(400, "InvalidArgument", f"Unknown StorageClass {storage_class} or redundancy {redundancy}.")
    return storage_class, redundancy


def _check_quota(cloud: Cloud, call: Call) -> None:
    same_place = (b for b in cloud.oss.buckets.values() if (b.account, b.region) == (call.account, call.region))
    if sum(1 for _ in same_place) >= _MOST_BUCKETS and not cloud.loose:
        message = "You have attempted to create more buckets than allowed."
        raise Refusal(400, "TooManyBuckets", message)


@serves("DeleteBucket")
def delete_bucket(cloud: Cloud, call: Call) -> Reply:
    """Remove an empty bucket; objects, versions, delete markers and uploads in progress keep it."""
    bucket = owned_bucket(cloud, call)
    if bucket.objects or bucket.older or bucket.uploads:
        raise Refusal(409, "BucketNotEmpty", "The bucket you tried to delete is not empty.")
    del cloud.oss.buckets[bucket.name]
    return Reply(status=204)


@serves("GetBucketInfo", "bucketInfo")
def get_bucket_info(cloud: Cloud, call: Call) -> Reply:
    """The bucket's facts; `BlockPublicAccess`, encryption and versioning follow what was configured."""
    bucket = owned_bucket(cloud, call)
    versioning: list[Node] = [("Versioning", bucket.versioning)] if bucket.versioning else []
    body: list[Node] = [
        ("AccessMonitor", _setting(bucket, "accessmonitor", "Status", "Disabled")),
        ("BlockPublicAccess", blocks_public_access(bucket)),
        ("CreationDate", iso(bucket.created)),
        ("CrossRegionReplication", "Disabled"),
        ("DataRedundancyType", bucket.redundancy),
        ("ExtranetEndpoint", f"oss-{bucket.region}.aliyuncs.com"),
        ("IntranetEndpoint", f"oss-{bucket.region}-internal.aliyuncs.com"),
        ("Location", f"oss-{bucket.region}"),
        ("Name", bucket.name),
        ("ResourceGroupId", bucket.resource_group),
        ("StorageClass", bucket.storage_class),
        ("TransferAcceleration", _accelerated(bucket)),
        *versioning,
        owner_node(bucket.account),
        ("AccessControlList", [("Grant", bucket.acl)]),
        ("ServerSideEncryptionRule", _encryption(bucket)),
        ("BucketPolicy", [("LogBucket", ""), ("LogPrefix", "")]),
    ]
    return Reply(render("BucketInfo", [("Bucket", body)]))


def _setting(bucket: Bucket, name: str, element: str, default: str) -> str:
    root = parse(bucket.documents.get(name, b"<none/>"))
    return default if root is None else child_text(root, element, default)


def _accelerated(bucket: Bucket) -> str:
    return "Enabled" if _setting(bucket, "transferAcceleration", "Enabled", "false") == "true" else "Disabled"


def _encryption(bucket: Bucket) -> list[Node]:
    root = parse(bucket.documents.get("encryption", b"<none/>"))
    default = None if root is None else root.find("ApplyServerSideEncryptionByDefault")
    if default is None:
        return [("SSEAlgorithm", "None")]
    key_id, data = child_text(default, "KMSMasterKeyID"), child_text(default, "KMSDataEncryption")
    nodes: list[Node] = [("SSEAlgorithm", child_text(default, "SSEAlgorithm"))]
    nodes += [("KMSMasterKeyID", key_id)] if key_id else []
    return nodes + ([("KMSDataEncryption", data)] if data else [])


@serves("GetBucketLocation", "location")
def get_bucket_location(cloud: Cloud, call: Call) -> Reply:
    """The bucket's region, with OSS's prefix."""
    return Reply(render("LocationConstraint", f"oss-{owned_bucket(cloud, call).region}"))


@serves("GetBucketStat", "stat")
def get_bucket_stat(cloud: Cloud, call: Call) -> Reply:
    """Bytes and counts as of now; the real service lags by an hour and more."""
    bucket = owned_bucket(cloud, call)
    size = sum(item.size for item in bucket.objects.values())
    parts = sum(len(upload.parts) for upload in bucket.uploads.values())
    body: list[Node] = [
        ("Storage", size),
        ("ObjectCount", len(bucket.objects)),
        ("MultipartUploadCount", len(bucket.uploads)),
        ("LiveChannelCount", 0),
        ("LastModifiedTime", int(cloud.clock.now())),
        ("StandardStorage", size),
        ("StandardObjectCount", len(bucket.objects)),
        ("MultipartPartCount", parts),
    ]
    return Reply(render("BucketStat", body))
