"""A bucket nobody reads anonymously, encrypted, with old versions unless it holds records that are written once.

ACL and public access block are resources of their own: the bucket's `acl` argument is deprecated in the provider since
1.220, and only the block refuses a public bucket policy too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_alicloud as alicloud


@dataclass(frozen=True, slots=True)
class LogTarget:
    """Where OSS writes the bucket's access log."""

    bucket: pulumi.Input[str]
    prefix: str


@dataclass(frozen=True, slots=True)
class PrivateBucketArgs:
    """Arguments of `PrivateBucket`; without a KMS key OSS encrypts with its own.

    `versioned` is False for records that are written once: with versioning, even suspended, OSS takes no notice of
    x-oss-forbid-overwrite (www.alibabacloud.com/help/en/oss/developer-reference/putobject).
    """

    bucket: str
    storage_class: str
    redundancy: str
    lifecycle_rules: Sequence[alicloud.oss.BucketLifecycleRuleArgs]
    kms_key_id: str | None = None
    access_log: LogTarget | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versioned: bool = True


class PrivateBucket(pulumi.ComponentResource):
    """An OSS bucket: private, public access blocked, encrypted, with a lifecycle, and versioned as a rule."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:storage:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = alicloud.oss.Bucket(
            name,
            bucket=args.bucket,
            storage_class=args.storage_class,
            redundancy_type=args.redundancy,
            versioning=alicloud.oss.BucketVersioningArgs(status="Enabled") if args.versioned else None,
            server_side_encryption_rule=_encryption(args.kms_key_id),
            lifecycle_rules=list(args.lifecycle_rules),
            logging=_logging(args.access_log),
            tags=dict(args.tags),
            opts=child,
        )
        acl = alicloud.oss.BucketAcl(name, bucket=bucket.bucket, acl="private", opts=child)
        block = alicloud.oss.BucketPublicAccessBlock(name, bucket=acl.bucket, block_public_access=True, opts=child)
        # The name comes from the last of the three: whoever uses the bucket waits until nobody else can read it.
        self.bucket = block.bucket
        self.register_outputs({"bucket": self.bucket})


def _encryption(kms_key_id: str | None) -> alicloud.oss.BucketServerSideEncryptionRuleArgs:
    if kms_key_id is None:
        return alicloud.oss.BucketServerSideEncryptionRuleArgs(sse_algorithm="AES256")
    return alicloud.oss.BucketServerSideEncryptionRuleArgs(sse_algorithm="KMS", kms_master_key_id=kms_key_id)


def _logging(target: LogTarget | None) -> alicloud.oss.BucketLoggingArgs | None:
    if target is None:
        return None
    return alicloud.oss.BucketLoggingArgs(target_bucket=target.bucket, target_prefix=target.prefix)
