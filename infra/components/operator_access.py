"""The operator's own rights: a policy with exactly the calls it makes, and at most one identity that has it.

With RRSA there is no key anywhere. A RAM user with an AccessKey is for clusters without RRSA: its secret is in the
stack's state, encrypted, and leaves it as a secret output only. With neither, the policy waits to be attached.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from infra import rights


@dataclass(frozen=True, slots=True)
class Trust:
    """The one service account that may take the role on."""

    provider_arn: str
    issuer: str
    namespace: str
    service_account: str


@dataclass(frozen=True, slots=True)
class OperatorAccessArgs:
    """Arguments of `OperatorAccess`; `name` is that of the policy and of the role or user."""

    name: str
    scope: rights.Scope
    trust: Trust | None = None
    credentials_user: bool = False


class OperatorAccess(pulumi.ComponentResource):
    """Policy, and role or user with it. `role` and `access_key` are None where there is none."""

    policy: pulumi.Output[str]
    role: pulumi.Output[str] | None = None
    access_key: pulumi.Output[dict[str, str]] | None = None

    def __init__(self, name: str, args: OperatorAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:access:OperatorAccess", name, None, opts)
        policy = alicloud.ram.Policy(
            name,
            policy_name=args.name,
            policy_document=pulumi.Output.json_dumps(rights.policy(rights.OPERATOR, args.scope)),
            description="Exactly what imm-operator calls",
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",  # RAM keeps five versions at most
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = policy.policy_name
        if args.trust is not None:
            self.role = self._role(name, args.name, args.trust)
        if args.credentials_user:
            self.access_key = self._access_key(name, args.name)
        self.register_outputs({"policy": self.policy, "role": self.role, "accessKey": self.access_key})

    def _role(self, name: str, role_name: str, trust: Trust) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        document = rights.rrsa_trust(trust.provider_arn, trust.issuer, trust.namespace, trust.service_account)
        role = alicloud.ram.Role(
            name,
            role_name=role_name,
            assume_role_policy_document=pulumi.Output.json_dumps(document),
            description="imm-operator, by the token of its service account",
            opts=child,
        )
        attachment = alicloud.ram.RolePolicyAttachment(
            name, role_name=role.role_name, policy_name=self.policy, policy_type="Custom", opts=child
        )
        return attachment.role_name

    def _access_key(self, name: str, user_name: str) -> pulumi.Output[dict[str, str]]:
        child = pulumi.ResourceOptions(parent=self)
        user = alicloud.ram.User(name, name=user_name, comments="imm-operator", opts=child)
        attachment = alicloud.ram.UserPolicyAttachment(
            name, user_name=user.name, policy_name=self.policy, policy_type="Custom", opts=child
        )
        key = alicloud.ram.AccessKey(name, user_name=attachment.user_name, opts=child)
        pair = pulumi.Output.all(accessKeyId=key.id, accessKeySecret=key.secret)
        return pulumi.Output.secret(pair)
