"""The RAM role IMM works with: it may read the media buckets and publish on the topics, and nothing else.

Alibaba's ready-made role AliyunIMMDefaultRole may read and write every bucket of the account.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from infra import rights
from infra.components.policies import declare_policies

SERVICE = "imm.aliyuncs.com"


@dataclass(frozen=True, slots=True)
class ServiceRoleArgs:
    """Arguments of `ServiceRole`; `name` is that of the role and of its first policy."""

    name: str
    scope: rights.Scope


class ServiceRole(pulumi.ComponentResource):
    """Role, policies and attachments."""

    role: pulumi.Output[str]

    def __init__(self, name: str, args: ServiceRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:access:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = alicloud.ram.Role(
            name,
            role_name=args.name,
            assume_role_policy_document=pulumi.Output.json_dumps(rights.service_trust(SERVICE)),
            description="IMM reads the media buckets and publishes results",
            opts=child,
        )
        granted = (rights.IMM, args.scope)
        said = "What IMM may do with the media buckets and the results topics"
        attached = [
            alicloud.ram.RolePolicyAttachment(
                resource, role_name=role.role_name, policy_name=policy, policy_type="Custom", opts=child
            ).role_name
            for resource, policy in declare_policies(name, role.role_name, granted, said, child)
        ]
        # Whoever uses the role waits until it has its rights.
        self.role = pulumi.Output.all(*attached).apply(lambda roles: str(roles[0]))
        self.register_outputs({"role": self.role})
