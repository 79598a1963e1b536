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
        alicloud.oss.BucketLifecycleRuleArgs(
            id="leftovers",
            enabled=True,
            prefix="",
            expirations=[alicloud.oss.BucketLifecycleRuleExpirationArgs(expired_object_delete_marker=True)],
            noncurrent_version_expirations=[
                alicloud.oss.BucketLifecycleRuleNoncurrentVersionExpirationArgs(days=noncurrent_days)
            ],
            abort_multipart_uploads=_after(multipart_days),
        )
    ]


def work_rules(multipart_days: int, expire_days: int, prefixes: Sequence[str]) -> Rules:
    """What lies under one of the prefixes goes after `expire_days`; everything else stays."""
    return [
        alicloud.oss.BucketLifecycleRuleArgs(
            id="leftovers", enabled=True, prefix="", abort_multipart_uploads=_after(multipart_days)
        ),
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


def _after(multipart_days: int) -> list[alicloud.oss.BucketLifecycleRuleAbortMultipartUploadArgs]:
    return [alicloud.oss.BucketLifecycleRuleAbortMultipartUploadArgs(days=multipart_days)]
