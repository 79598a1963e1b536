"""The RAM role IMM works with: it may read the media buckets and publish on the topic, and nothing else.

Alibaba's ready-made role AliyunIMMDefaultRole may read and write every bucket of the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_alicloud as alicloud

SERVICE = "imm.aliyuncs.com"


@dataclass(frozen=True, slots=True)
class AccessArgs:
    """Arguments of `Access`."""

    region: str
    account_id: str
    role: pulumi.Input[str]
    media_buckets: Sequence[pulumi.Input[str]]
    topic: pulumi.Input[str]


class Access(pulumi.ComponentResource):
    """Role, policy and attachment."""

    role: pulumi.Output[str]

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:access:Access", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = alicloud.ram.Role(
            name,
            role_name=args.role,
            assume_role_policy_document=pulumi.Output.json_dumps(trust_policy()),
            description="IMM reads the media buckets and publishes results",
            opts=child,
        )
        document = pulumi.Output.all(args.topic, *args.media_buckets).apply(
            lambda names: rights_policy(names[1:], names[0], region=args.region, account_id=args.account_id)
        )
        policy = alicloud.ram.Policy(
            name,
            policy_name=role.role_name,
            policy_document=pulumi.Output.json_dumps(document),
            description="What IMM may do with the media buckets and the results topic",
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",  # RAM keeps five versions at most
            opts=child,
        )
        attachment = alicloud.ram.RolePolicyAttachment(
            name, role_name=role.role_name, policy_name=policy.policy_name, policy_type="Custom", opts=child
        )
        self.role = attachment.role_name  # whoever uses the role waits until it has its rights
        self.register_outputs({"role": self.role})


def trust_policy() -> dict[str, Any]:
    """Who may take the role: IMM itself."""
    return {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": [SERVICE]}}],
    }


def rights_policy(media_buckets: Sequence[str], topic: str, *, region: str, account_id: str) -> dict[str, Any]:
    """What the role may do: list and read the media buckets, and publish on the topic.

    The vendor's minimum for a custom role ("Custom permissions for image processing") is GetObject and
    PublishMessage; a binding's scan lists the bucket besides.
    """
    return {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["oss:GetBucketInfo", "oss:ListObjects"],
                "Resource": [f"acs:oss:*:{account_id}:{bucket}" for bucket in media_buckets],
            },
            {
                "Effect": "Allow",
                "Action": ["oss:GetObject"],
                "Resource": [f"acs:oss:*:{account_id}:{bucket}/*" for bucket in media_buckets],
            },
            {
                "Effect": "Allow",
                "Action": ["mns:PublishMessage"],
                "Resource": [f"acs:mns:{region}:{account_id}:/topics/{topic}/messages"],
            },
        ],
    }
