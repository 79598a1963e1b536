"""What OSS removes by itself: old versions, multipart leftovers, and in the work bucket the records of old runs.

OSS refuses two rules of overlapping prefixes with the same action, so no action stands in two rules of one bucket
unless their prefixes are apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_alicloud as alicloud

Rules = list[alicloud.oss.BucketLifecycleRuleArgs]


def media_rules(noncurrent_days: int, multipart_days: int) -> Rules:
    """Nothing that is current ever goes: only old versions, markers of what is gone for good, and leftovers."""
    return [
        _leftovers(
            noncurrent_days,
            multipart_days,
            expirations=[alicloud.oss.BucketLifecycleRuleExpirationArgs(expired_object_delete_marker=True)],
        )
    ]


def work_rules(noncurrent_days: int, multipart_days: int, expire_days: int, prefixes: Sequence[str]) -> Rules:
    """What lies under one of the prefixes goes after `expire_days`; everything else stays."""
    return [
        _leftovers(noncurrent_days, multipart_days),
        *(
            alicloud.oss.BucketLifecycleRuleArgs(
                id=f"expire-{prefix.strip('/').replace('/', '-')}",
                enabled=True,
                prefix=prefix,
                expirations=[alicloud.oss.BucketLifecycleRuleExpirationArgs(days=expire_days)],
            )
            for prefix in prefixes
        ),
    ]


def _leftovers(
    noncurrent_days: int,
    multipart_days: int,
    expirations: list[alicloud.oss.BucketLifecycleRuleExpirationArgs] | None = None,
) -> alicloud.oss.BucketLifecycleRuleArgs:
    return alicloud.oss.BucketLifecycleRuleArgs(
        id="leftovers",
        enabled=True,
        prefix="",
        expirations=expirations,
        noncurrent_version_expirations=[
            alicloud.oss.BucketLifecycleRuleNoncurrentVersionExpirationArgs(days=noncurrent_days)
        ],
        abort_multipart_uploads=[alicloud.oss.BucketLifecycleRuleAbortMultipartUploadArgs(days=multipart_days)],
    )
