"""Policies: custom ones of the account, and the handful of system ones that every account sees.

Shapes come from the SDK's models; that a policy with holders or further versions is not deleted, from
www.alibabacloud.com/help/doc-detail/159987.htm. The codes of those conflicts are assumed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ram.documents import check_policy
from emulator.ram.parameters import absent, conflict, date, exists, name_of, page, ram_of, required, tag_pairs
from emulator.ram.registry import serves
from emulator.ram.state import Policy, PolicyVersion
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.ram.state import RamState, Role, User
    from emulator.state import Cloud

_SYSTEM = {
    "AdministratorAccess": ("Full access to every resource", ["*"]),
    "ReadOnlyAccess": ("Read-only access to every resource", ["*:Get*", "*:List*", "*:Describe*"]),
    "AliyunOSSFullAccess": ("Full access to OSS", ["oss:*"]),
    "AliyunOSSReadOnlyAccess": ("Read-only access to OSS", ["oss:Get*", "oss:List*"]),
    "AliyunIMMFullAccess": ("Full access to IMM", ["imm:*"]),
    "AliyunIMMReadOnlyAccess": ("Read-only access to IMM", ["imm:Get*", "imm:List*", "imm:*Query"]),
    "AliyunMNSFullAccess": ("Full access to MNS", ["mns:*"]),
    "AliyunMNSReadOnlyAccess": ("Read-only access to MNS", ["mns:Get*", "mns:List*"]),
    "AliyunRAMFullAccess": ("Full access to RAM", ["ram:*"]),
    "AliyunRAMReadOnlyAccess": ("Read-only access to RAM", ["ram:Get*", "ram:List*"]),
    "AliyunSTSAssumeRoleAccess": ("Calling AssumeRole of STS", ["sts:AssumeRole"]),
}


def _system_policy(name: str, description: str, actions: list[str]) -> Policy:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "1", "Statement": [statement]})
    version = PolicyVersion("v1", document, 0.0)
    return Policy(name, "System", description, 0.0, 0.0, versions={"v1": version})


SYSTEM_POLICIES = {name: _system_policy(name, *facts) for name, facts in _SYSTEM.items()}


def find_policy(ram: RamState, kind: str, name: str) -> Policy:
    """The policy of that type and name, or EntityNotExist.Policy."""
    if kind not in {"System", "Custom"}:
        raise Refusal(400, "InvalidParameter.PolicyType", f"The PolicyType must be System or Custom, not {kind}.")
    policy = (SYSTEM_POLICIES if kind == "System" else ram.policies).get(name)
    if policy is None:
        raise absent("Policy", name)
    return policy


def holders(ram: RamState, policy: Policy) -> int:
    """How many users and roles the policy is attached to."""
    entities: list[User | Role] = [*ram.users.values(), *ram.roles.values()]
    at = (policy.kind, policy.name)
    return sum(1 for e in entities for a in e.attachments if (a.policy_type, a.policy_name) == at)


def shown(ram: RamState, policy: Policy) -> dict[str, object]:
    """The policy as lists show it."""
    return {
        "AttachmentCount": holders(ram, policy),
        "CreateDate": date(policy.created),
        "DefaultVersion": policy.default_version,
        "Description": policy.description,
        "PolicyName": policy.name,
        "PolicyType": policy.kind,
        "UpdateDate": date(policy.updated),
    }


def shown_version(policy: Policy, version: PolicyVersion) -> dict[str, object]:
    """A version with its document."""
    return {
        "CreateDate": date(version.created),
        "IsDefaultVersion": version.version_id == policy.default_version,
        "PolicyDocument": version.document,
        "VersionId": version.version_id,
    }


@serves("CreatePolicy", "PolicyName", "PolicyDocument", "Description", "Tag")
def create_policy(cloud: Cloud, call: Call) -> Reply:
    """Make a custom policy with its first version."""
    ram, name = ram_of(cloud, call), name_of(call, "PolicyName")
    document = check_policy(required(call, "PolicyDocument"))
    if name in ram.policies or name in SYSTEM_POLICIES:
        raise exists("Policy", name)
    now = cloud.clock.now()
    policy = Policy(name, "Custom", call.params.get("Description", ""), now, now, tags=tag_pairs(call))
    policy.versions["v1"] = PolicyVersion("v1", document, now)
    ram.policies[name] = policy
    body = shown(ram, policy)
    return Reply({"Policy": {k: v for k, v in body.items() if k not in {"AttachmentCount", "UpdateDate"}}})


@serves("GetPolicy", "PolicyName", "PolicyType")
def get_policy(cloud: Cloud, call: Call) -> Reply:
    """A policy with its document in force."""
    ram = ram_of(cloud, call)
    policy = find_policy(ram, required(call, "PolicyType"), required(call, "PolicyName"))
    version = shown_version(policy, policy.versions[policy.default_version])
    body = {**shown(ram, policy), "PolicyDocument": policy.document}
    return Reply({"Policy": body, "DefaultPolicyVersion": version})


@serves("DeletePolicy", "PolicyName", "CascadingDelete")
def delete_policy(cloud: Cloud, call: Call) -> Reply:
    """Remove a custom policy that nobody holds and that has one version; cascading takes the other versions along."""
    ram, name = ram_of(cloud, call), required(call, "PolicyName")
    policy = find_policy(ram, "Custom", name)
    cascading = call.params.get("CascadingDelete", "").lower() == "true"
    if holders(ram, policy):
        message = f"The policy {name} is attached to {holders(ram, policy)} users or roles; detach it first."
        raise conflict("Policy.Entity", message)
    if len(policy.versions) > 1 and not cascading:
        raise conflict("Policy.Version", f"The policy {name} has other versions than its default; delete them first.")
    del ram.policies[name]
    return Reply({})


@serves("ListPolicies", "PolicyType", "Marker", "MaxItems", "Tag")
def list_policies(cloud: Cloud, call: Call) -> Reply:
    """Policies in order of name, of one type or of both."""
    ram = ram_of(cloud, call)
    kind = call.params.get("PolicyType", "")
    known = {**(SYSTEM_POLICIES if kind != "Custom" else {}), **(ram.policies if kind != "System" else {})}
    wanted = tag_pairs(call).items()
    names, paging = page(call, [name for name, policy in known.items() if wanted <= policy.tags.items()])
    return Reply({"Policies": {"Policy": [shown(ram, known[name]) for name in names]}, **paging})
