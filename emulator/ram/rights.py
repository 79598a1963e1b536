"""What each RAM operation needs: an action of its own name on the user, role or policy, or on both that it joins.

Resources follow RAM's "RAM authorization" (www.alibabacloud.com/help/en/ram/ram-authentication); a system policy lies
in the account `system`. Creating and listing are on `user/*`, `role/*`, `policy/*`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.ram.tags import named_texts
from emulator.refusal import Refusal
from emulator.rights import Need, Places, Table

if TYPE_CHECKING:
    from emulator.call import Call


def _arn(account: str, path: str) -> str:
    return f"acs:ram:*:{account}:{path}"


def _user(call: Call) -> tuple[str, ...]:
    return (_arn(call.account, f"user/{call.params.get('UserName') or '*'}"),)


def _role(call: Call) -> tuple[str, ...]:
    return (_arn(call.account, f"role/{call.params.get('RoleName') or '*'}"),)


def _policy(call: Call) -> tuple[str, ...]:
    owner = "system" if call.params.get("PolicyType") == "System" else call.account
    return (_arn(owner, f"policy/{call.params.get('PolicyName') or '*'}"),)


def _user_and_policy(call: Call) -> tuple[str, ...]:
    return _user(call) + _policy(call)


def _role_and_policy(call: Call) -> tuple[str, ...]:
    return _role(call) + _policy(call)


def _all(kind: str) -> Places:
    return lambda call: (_arn(call.account, f"{kind}/*"),)


def _tagged(call: Call) -> tuple[str, ...]:
    try:
        names = named_texts(call, "ResourceNames")
    except Refusal:  # the handler says so again, to whom may tag anything
        names = []
    return tuple(_arn(call.account, f"{call.params.get('ResourceType', '')}/{name}") for name in names or ["*"])


def _each(places: Places, *operations: str) -> dict[str, tuple[Need, ...]]:
    return {name: (Need(f"ram:{name}", places),) for name in operations}


NEEDS: Table = {
    **_each(_all("user"), "CreateUser", "ListUsers"),
    **_each(_user, "GetUser", "UpdateUser", "DeleteUser", "ListPoliciesForUser"),
    **_each(_user, "CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey"),
    **_each(_all("role"), "CreateRole", "ListRoles"),
    **_each(_role, "GetRole", "UpdateRole", "DeleteRole", "ListPoliciesForRole"),
    **_each(_all("policy"), "CreatePolicy", "ListPolicies"),
    **_each(_policy, "GetPolicy", "DeletePolicy", "ListEntitiesForPolicy"),
    **_each(_policy, "CreatePolicyVersion", "ListPolicyVersions", "GetPolicyVersion"),
    **_each(_policy, "SetDefaultPolicyVersion", "DeletePolicyVersion"),
    **_each(_user_and_policy, "AttachPolicyToUser", "DetachPolicyFromUser"),
    **_each(_role_and_policy, "AttachPolicyToRole", "DetachPolicyFromRole"),
    **_each(_tagged, "TagResources", "UntagResources", "ListTagResources"),
}
