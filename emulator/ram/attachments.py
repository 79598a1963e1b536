"""Policies attached to users and roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ram.parameters import absent, date, exists, ram_of, required
from emulator.ram.policies import find_policy
from emulator.ram.registry import serves
from emulator.ram.roles import find_role, role_arn
from emulator.ram.state import Attachment, Role, User
from emulator.ram.users import find_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.state import Cloud


def _attach(kind: str, find: Callable[[Cloud, Call], User | Role]) -> Callable[[Cloud, Call], Reply]:
    def attach(cloud: Cloud, call: Call) -> Reply:
        holder = find(cloud, call)
        policy = find_policy(ram_of(cloud, call), required(call, "PolicyType"), required(call, "PolicyName"))
        if _held(holder, policy.kind, policy.name) is not None:
            raise exists(f"{kind}.Policy", policy.name)
        holder.attachments.append(Attachment(policy.kind, policy.name, cloud.clock.now()))
        return Reply({})

    return attach


def _detach(kind: str, find: Callable[[Cloud, Call], User | Role]) -> Callable[[Cloud, Call], Reply]:
    def detach(cloud: Cloud, call: Call) -> Reply:
        holder = find(cloud, call)
        name = required(call, "PolicyName")
        attachment = _held(holder, required(call, "PolicyType"), name)
        if attachment is None:
            raise absent(f"{kind}.Policy", name)
        holder.attachments.remove(attachment)
        return Reply({})

    return detach


def _list(find: Callable[[Cloud, Call], User | Role]) -> Callable[[Cloud, Call], Reply]:
    def list_(cloud: Cloud, call: Call) -> Reply:
        holder, ram = find(cloud, call), ram_of(cloud, call)
        listed = []
        for attachment in holder.attachments:
            policy = find_policy(ram, attachment.policy_type, attachment.policy_name)
            shown = {
                "AttachDate": date(attachment.attached),
                "DefaultVersion": policy.default_version,
                "Description": policy.description,
                "PolicyName": policy.name,
                "PolicyType": policy.kind,
            }
            listed.append(shown)
        return Reply({"Policies": {"Policy": listed}})

    return list_


def _held(holder: User | Role, kind: str, name: str) -> Attachment | None:
    at = (kind, name)
    return next((a for a in holder.attachments if (a.policy_type, a.policy_name) == at), None)


serves("AttachPolicyToRole", "PolicyType", "PolicyName", "RoleName")(_attach("Role", find_role))
serves("DetachPolicyFromRole", "PolicyType", "PolicyName", "RoleName")(_detach("Role", find_role))
serves("ListPoliciesForRole", "RoleName")(_list(find_role))
serves("AttachPolicyToUser", "PolicyType", "PolicyName", "UserName")(_attach("User", find_user))
serves("DetachPolicyFromUser", "PolicyType", "PolicyName", "UserName")(_detach("User", find_user))
serves("ListPoliciesForUser", "UserName")(_list(find_user))


@serves("ListEntitiesForPolicy", "PolicyType", "PolicyName")
def list_entities(cloud: Cloud, call: Call) -> Reply:
    """Who holds a policy; groups are not served, so there are none."""
    ram = ram_of(cloud, call)
    policy = find_policy(ram, required(call, "PolicyType"), required(call, "PolicyName"))
    users = [
        {"AttachDate": date(held.attached), "DisplayName": u.display_name, "UserId": u.user_id, "UserName": u.name}
        for u in ram.users.values()
        if (held := _held(u, policy.kind, policy.name)) is not None
    ]
    roles = [
        {
            "Arn": role_arn(call.account, r),
            "AttachDate": date(held.attached),
            "Description": r.description,
            "RoleId": r.role_id,
            "RoleName": r.name,
        }
        for r in ram.roles.values()
        if (held := _held(r, policy.kind, policy.name)) is not None
    ]
    return Reply({"Groups": {"Group": []}, "Users": {"User": users}, "Roles": {"Role": roles}})
