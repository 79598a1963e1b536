"""Rules for OSS buckets: nobody reads one anonymously, nothing in one is lost by an overwrite, all of it is encrypted.

ACL and public access block are resources of their own, so whether a bucket has them is a question to the whole stack.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.names import HOLDS, RECORDS
from infra.policy.declared import Declared, Rule, StackRule

BUCKET = "alicloud:oss/bucket:Bucket"
ACL = "alicloud:oss/bucketAcl:BucketAcl"
BLOCK = "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTIONS = ("AES256", "KMS")


def not_private(resource: Declared, _stack: str) -> str | None:
    """An ACL that lets others in, as a resource or as the bucket's deprecated argument, or a block that is off."""
    if resource.type == BLOCK:
        if resource.properties.get("blockPublicAccess") is True:
            return None
        return "does not block public access: set block_public_access to True"
    acl = resource.properties.get("acl", "private")
    return None if acl == "private" else f"gives the ACL {acl!r}: set acl to 'private' and sign addresses instead"


def not_versioned(resource: Declared, _stack: str) -> str | None:
    """An overwrite or a delete would be final. Where records are written once, versioning allows it."""
    versioning = resource.properties.get("versioning") or {}
    if (resource.properties.get("tags") or {}).get(HOLDS) == RECORDS:
        if not versioning:
            return None
        return (
            f"holds records that are written once (tag {HOLDS}: {RECORDS}) and sets versioning, with which OSS ignores "
            "x-oss-forbid-overwrite: leave versioning out"
        )
    if versioning.get("status") == "Enabled":
        return None
    return "keeps no old versions: set versioning status to 'Enabled', and a lifecycle rule that ends them"


def not_encrypted(resource: Declared, _stack: str) -> str | None:
    """Objects would lie in the clear."""
    encryption = resource.properties.get("serverSideEncryptionRule") or {}
    if encryption.get("sseAlgorithm") in ENCRYPTIONS:
        return None
    return "is not encrypted: set server_side_encryption_rule with sse_algorithm 'AES256' or 'KMS'"


def unguarded(resources: Sequence[Declared]) -> list[tuple[Declared, str]]:
    """Buckets without an ACL or without a public access block of their own."""
    private, blocked = _named(resources, ACL), _named(resources, BLOCK)
    found = []
    for bucket in (resource for resource in resources if resource.type == BUCKET):
        name = bucket.properties["bucket"]
        if name not in private:
            found.append((bucket, f"has no ACL of its own: declare a BucketAcl 'private' with bucket {name!r}"))
        if name not in blocked:
            found.append((bucket, f"has no public access block: declare a BucketPublicAccessBlock for {name!r}"))
    return found


def _named(resources: Sequence[Declared], kind: str) -> set[str]:
    return {resource.properties["bucket"] for resource in resources if resource.type == kind}


RULES = (
    Rule(
        "bucket-private",
        "No ACL but private, and public access blocked",
        frozenset({BUCKET, ACL, BLOCK}),
        not_private,
    ),
    Rule("bucket-versioned", "An overwritten or deleted object can be had back", frozenset({BUCKET}), not_versioned),
    Rule("bucket-encrypted", "Objects are encrypted at rest", frozenset({BUCKET}), not_encrypted),
)
STACK_RULES = (StackRule("bucket-guarded", "Every bucket has an ACL and a public access block of its own", unguarded),)
