"""The operator's own rights: policies with exactly the calls it makes, and at most one identity that has them.

With RRSA there is no key anywhere. A RAM user with an AccessKey is for clusters without RRSA: its secret is in the
stack's state, encrypted, and leaves it as a secret output only. With neither, the policies wait to be attached.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from infra import rights
from infra.components.policies import Policies, declare_policies


@dataclass(frozen=True, slots=True)
class Trust:
    """The service accounts that may take the role on: one for each shard, as `infra.rights.subject` calls it."""

    provider_arn: str
    issuer: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OperatorAccessArgs:
    """Arguments of `OperatorAccess`; `name` is that of the first policy and of the role or user."""

    name: str
    scope: rights.Scope
    trust: Trust | None = None
    credentials_user: bool = False


class OperatorAccess(pulumi.ComponentResource):
    """Policies, and role or user with them. `role` and `access_key` are None where there is none."""

    policies: list[pulumi.Output[str]]
    role: pulumi.Output[str] | None = None
    access_key: pulumi.Output[dict[str, str]] | None = None

    def __init__(self, name: str, args: OperatorAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:access:OperatorAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        granted = (rights.OPERATOR, args.scope)
        policies = declare_policies(name, args.name, granted, "Exactly what imm-operator calls", child)
        self.policies = [policy for _, policy in policies]
        if args.trust is not None:
            self.role = self._role(name, args.name, args.trust, policies)
        if args.credentials_user:
            self.access_key = self._access_key(name, args.name, policies)
        self.register_outputs({"policies": self.policies, "role": self.role, "accessKey": self.access_key})

    def _role(self, name: str, role_name: str, trust: Trust, policies: Policies) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        document = rights.rrsa_trust(trust.provider_arn, trust.issuer, trust.subjects)
        role = alicloud.ram.Role(
            name,
            role_name=role_name,
            assume_role_policy_document=pulumi.Output.json_dumps(document),
            description="imm-operator, by the token of its service account",
            opts=child,
        )
        attached = [
            alicloud.ram.RolePolicyAttachment(
                resource, role_name=role.role_name, policy_name=policy, policy_type="Custom", opts=child
            ).role_name
            for resource, policy in policies
        ]
        return pulumi.Output.all(*attached).apply(lambda roles: str(roles[0]))

    def _access_key(self, name: str, user_name: str, policies: Policies) -> pulumi.Output[dict[str, str]]:
        child = pulumi.ResourceOptions(parent=self)
        user = alicloud.ram.User(name, name=user_name, comments="imm-operator", opts=child)
        attached = [
            alicloud.ram.UserPolicyAttachment(
                resource, user_name=user.name, policy_name=policy, policy_type="Custom", opts=child
            ).user_name
            for resource, policy in policies
        ]
        ready = pulumi.Output.all(*attached).apply(lambda users: str(users[0]))
        key = alicloud.ram.AccessKey(name, user_name=ready, opts=child)
        pair = pulumi.Output.all(accessKeyId=key.id, accessKeySecret=key.secret)
        return pulumi.Output.secret(pair)
