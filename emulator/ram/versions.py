"""Versions of a custom policy: at most five, one of them in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ram.documents import check_policy
from emulator.ram.parameters import absent, conflict, ram_of, required
from emulator.ram.policies import find_policy, shown_version
from emulator.ram.registry import serves
from emulator.ram.state import PolicyVersion
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.ram.state import Policy
    from emulator.state import Cloud

_MOST = 5


@serves("CreatePolicyVersion", "PolicyName", "PolicyDocument", "SetAsDefault", "RotateStrategy")
def create_version(cloud: Cloud, call: Call) -> Reply:
    """Add a version; a sixth is refused unless RotateStrategy says to drop the oldest that is not in force."""
    policy = find_policy(ram_of(cloud, call), "Custom", required(call, "PolicyName"))
    document = check_policy(required(call, "PolicyDocument"))
    strategy = call.params.get("RotateStrategy", "None") or "None"
    if strategy not in {"None", "DeleteOldestNonDefaultVersionWhenLimitExceeded"}:
        raise Refusal(400, "InvalidParameter.RotateStrategy", f"Unknown RotateStrategy: {strategy}")
    if len(policy.versions) >= _MOST:
        if strategy == "None":
            message = f"The count of policy versions beyond the current limits: {_MOST}."
            raise Refusal(409, "LimitExceeded.Policy.Version", message)
        del policy.versions[next(v for v in policy.versions if v != policy.default_version)]
    version = PolicyVersion(f"v{policy.next_version}", document, cloud.clock.now())
    policy.next_version += 1
    policy.updated = version.created
    policy.versions[version.version_id] = version
    if call.params.get("SetAsDefault", "").lower() == "true":
        policy.default_version = version.version_id
    return Reply({"PolicyVersion": shown_version(policy, version)})


@serves("ListPolicyVersions", "PolicyName", "PolicyType")
def list_versions(cloud: Cloud, call: Call) -> Reply:
    """Every version of a policy."""
    policy = find_policy(ram_of(cloud, call), required(call, "PolicyType"), required(call, "PolicyName"))
    return Reply({"PolicyVersions": {"PolicyVersion": [shown_version(policy, v) for v in policy.versions.values()]}})


@serves("GetPolicyVersion", "PolicyName", "PolicyType", "VersionId")
def get_version(cloud: Cloud, call: Call) -> Reply:
    """One version with its document."""
    policy = find_policy(ram_of(cloud, call), required(call, "PolicyType"), required(call, "PolicyName"))
    return Reply({"PolicyVersion": shown_version(policy, _find(policy, call))})


@serves("SetDefaultPolicyVersion", "PolicyName", "VersionId")
def set_default(cloud: Cloud, call: Call) -> Reply:
    """Put another version in force."""
    policy = find_policy(ram_of(cloud, call), "Custom", required(call, "PolicyName"))
    policy.default_version = _find(policy, call).version_id
    policy.updated = cloud.clock.now()
    return Reply({})


@serves("DeletePolicyVersion", "PolicyName", "VersionId")
def delete_version(cloud: Cloud, call: Call) -> Reply:
    """Remove a version that is not in force."""
    policy = find_policy(ram_of(cloud, call), "Custom", required(call, "PolicyName"))
    version = _find(policy, call)
    if version.version_id == policy.default_version:
        raise conflict("PolicyVersion.Default", f"The version {version.version_id} is the default one.")
    del policy.versions[version.version_id]
    return Reply({})


def _find(policy: Policy, call: Call) -> PolicyVersion:
    version = policy.versions.get(required(call, "VersionId"))
    if version is None:
        raise absent("Policy.Version", call.params["VersionId"])
    return version
