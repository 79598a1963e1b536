"""Roles and who may assume them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ram.documents import check_trust_policy
from emulator.ram.ids import new_numeric_id
from emulator.ram.parameters import (
    absent,
    conflict,
    date,
    exists,
    name_of,
    number_of,
    page,
    ram_of,
    required,
    tag_pairs,
)
from emulator.ram.registry import serves
from emulator.ram.state import Role

if TYPE_CHECKING:
    from emulator.state import Cloud

_SHORTEST_SESSION = 3600  # seconds
_LONGEST_SESSION = 43_200


def find_role(cloud: Cloud, call: Call) -> Role:
    """The role the call names, or EntityNotExist.Role."""
    name = required(call, "RoleName")
    role = ram_of(cloud, call).roles.get(name)
    if role is None:
        raise absent("Role", name)
    return role


def role_arn(account: str, role: Role) -> str:
    """The role's resource name; RAM spells it in lower case."""
    return f"acs:ram::{account}:role/{role.name.lower()}"


def _shown(account: str, role: Role) -> dict[str, object]:
    return {
        "Arn": role_arn(account, role),
        "AssumeRolePolicyDocument": role.trust_policy,
        "CreateDate": date(role.created),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
        "RoleId": role.role_id,
        "RoleName": role.name,
    }


@serves("CreateRole", "RoleName", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Tag")
def create_role(cloud: Cloud, call: Call) -> Reply:
    """Make a role."""
    ram, name = ram_of(cloud, call), name_of(call, "RoleName")
    trust = check_trust_policy(required(call, "AssumeRolePolicyDocument"))
    duration = number_of(call, "MaxSessionDuration", _SHORTEST_SESSION, _SHORTEST_SESSION, _LONGEST_SESSION)
    if name.lower() in {known.lower() for known in ram.roles}:
        raise exists("Role", name)
    now = cloud.clock.now()
    role = Role(
        name=name,
        role_id=new_numeric_id(),
        trust_policy=trust,
        created=now,
        updated=now,
        description=call.params.get("Description", ""),
        max_session_duration=duration,
        tags=tag_pairs(call),
    )
    ram.roles[name] = role
    return Reply({"Role": _shown(call.account, role)})


@serves("GetRole", "RoleName")
def get_role(cloud: Cloud, call: Call) -> Reply:
    """A role with its trust policy."""
    role = find_role(cloud, call)
    return Reply({"Role": {**_shown(call.account, role), "UpdateDate": date(role.updated)}})


@serves("UpdateRole", "RoleName", "NewAssumeRolePolicyDocument", "NewDescription", "NewMaxSessionDuration")
def update_role(cloud: Cloud, call: Call) -> Reply:
    """Change what is given, keep the rest."""
    role = find_role(cloud, call)
    trust = call.params.get("NewAssumeRolePolicyDocument")
    checked = role.trust_policy if trust is None else check_trust_policy(trust)
    low, high = _SHORTEST_SESSION, _LONGEST_SESSION
    role.max_session_duration = number_of(call, "NewMaxSessionDuration", role.max_session_duration, low, high)
    role.trust_policy = checked
    role.description = call.params.get("NewDescription", role.description)
    role.updated = cloud.clock.now()
    return Reply({"Role": {**_shown(call.account, role), "UpdateDate": date(role.updated)}})


@serves("DeleteRole", "RoleName")
def delete_role(cloud: Cloud, call: Call) -> Reply:
    """Remove a role that holds no policy."""
    role = find_role(cloud, call)
    if role.attachments:
        raise conflict("Role.Policy", f"The role {role.name} still holds policies; detach them first.")
    del ram_of(cloud, call).roles[role.name]
    return Reply({})


@serves("ListRoles", "Marker", "MaxItems", "Tag")
def list_roles(cloud: Cloud, call: Call) -> Reply:
    """Roles in order of name, without their trust policies."""
    roles = ram_of(cloud, call).roles
    wanted = tag_pairs(call).items()
    names, paging = page(call, [name for name, role in roles.items() if wanted <= role.tags.items()])
    listed = []
    for name in names:
        shown = {**_shown(call.account, roles[name]), "UpdateDate": date(roles[name].updated)}
        del shown["AssumeRolePolicyDocument"]
        listed.append(shown)
    return Reply({"Roles": {"Role": listed}, **paging})
