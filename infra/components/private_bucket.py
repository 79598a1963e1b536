"""A bucket nobody reads anonymously.

The ACL is a resource of its own: the bucket's `acl` argument is deprecated in the provider since 1.220.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud


@dataclass(frozen=True, slots=True)
class PrivateBucketArgs:
    """Arguments of `PrivateBucket`."""

    bucket: pulumi.Input[str]


class PrivateBucket(pulumi.ComponentResource):
    """An OSS bucket with the ACL `private`."""

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:storage:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = alicloud.oss.Bucket(name, bucket=args.bucket, opts=child)
        acl = alicloud.oss.BucketAcl(name, bucket=bucket.bucket, acl="private", opts=child)
        # The name comes from the ACL: whoever uses the bucket waits until nobody else can read it.
        self.bucket = acl.bucket
        self.register_outputs({"bucket": self.bucket})
